"""The model library: the user's weight files, wherever they are, by name and by content."""
