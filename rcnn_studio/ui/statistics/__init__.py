"""The dataset in plots, each bar a way into the image list."""
