"""State that the panes share: models, text, document, and what the next start reopens."""
