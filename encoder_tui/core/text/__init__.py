"""Text: making it safe to show, numbers in words, Markdown."""
