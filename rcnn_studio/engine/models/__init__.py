"""Detectors and where their weights come from. Knows no datasets and no files but weights."""
