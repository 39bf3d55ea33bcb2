"""What happens to the files: changes on disk, conflicts, problems, history. Holds no truth about them."""
