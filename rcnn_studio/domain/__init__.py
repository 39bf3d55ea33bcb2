"""Values and rules of the studio: Python and numpy only, no files, no torch, no Qt."""
