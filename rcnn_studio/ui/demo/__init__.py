"""The whole loop, driven in the real window by mouse and key events: a proof, and the source of the screenshots."""
