"""The terminal: its driver, input, styles, and giving it back."""
