"""From a dataset's columns to batches of tensors. Knows no models."""
