"""One training from its config to its checkpoints. Draws nothing; whoever listens gets events."""
