"""The second process: everything that needs torch, behind frames of plain data."""
