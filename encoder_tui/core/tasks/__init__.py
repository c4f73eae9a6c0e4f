"""Tasks: what the models are for (pooled vectors, masked tokens)."""
