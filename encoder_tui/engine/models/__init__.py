"""Loading models and their weights."""
