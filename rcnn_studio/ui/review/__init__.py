"""The Review activity: what the model finds, and what becomes of it."""
