"""Torch and everything that needs it: models, data, training, evaluation, inference. Knows no project database and no Qt."""
