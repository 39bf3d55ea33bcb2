"""Finding one's way through the images of a project."""
