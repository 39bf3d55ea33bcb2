"""RCNN Studio: label images, train Faster R-CNN, review what it finds, in one window."""

__version__ = "0.1.0"
