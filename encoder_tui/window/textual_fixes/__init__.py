"""Workarounds for Textual's behaviour, each with its reason."""
