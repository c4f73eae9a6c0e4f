"""Outputs: runs, and slices of the tensors that come out."""
