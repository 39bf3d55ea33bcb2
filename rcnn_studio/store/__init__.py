"""The project database: what is remembered about images, boxes and edits, and how it reaches the linked files.

Knows nothing of torch, Qt or the window; `project.ProjectStore` is the door that others use.
"""
