"""The commands that print and exit, one module each."""
