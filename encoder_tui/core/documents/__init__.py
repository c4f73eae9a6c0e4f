"""Documents: cuts, windows, and the lengths of a collection."""
