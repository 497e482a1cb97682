"""Some of the rows of files, by their places."""
