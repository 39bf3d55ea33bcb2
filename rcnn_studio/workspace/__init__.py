"""What is open and what is running: QtCore objects without widgets."""
