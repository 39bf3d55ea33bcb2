"""The bar below: where one is, what is saved, what is being written, and what is running."""
