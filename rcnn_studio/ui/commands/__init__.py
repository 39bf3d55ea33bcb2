"""What the actions do: those of the window (window, opening) and of the open project (session, images, files)."""
