"""Forward passes and kept outputs."""
