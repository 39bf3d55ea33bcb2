"""Torch and all that needs it: models, data, training, evaluation, inference. Knows no database and no Qt."""
