"""Workarounds for Textual's behaviour, each with its reason. Tried with Textual 8.2.8."""
