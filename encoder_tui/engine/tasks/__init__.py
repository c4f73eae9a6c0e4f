"""Running models for what they are for: the deployed pipeline, vectors, scores of pairs."""
