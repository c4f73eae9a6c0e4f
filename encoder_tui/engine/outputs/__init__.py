"""Forward passes and the outputs that are kept."""
