"""Labelling: the canvas with its tools and layers, the categories and the table of boxes."""
