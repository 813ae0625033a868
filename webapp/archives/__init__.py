"""Archives: a whole organization as one file, and the installation's backup."""
