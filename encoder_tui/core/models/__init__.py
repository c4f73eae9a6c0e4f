"""Models: their names, small files, limits and weights."""
