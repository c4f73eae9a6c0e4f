"""Parameters: descriptions, roles, correspondence, checkpoints and statistics."""
