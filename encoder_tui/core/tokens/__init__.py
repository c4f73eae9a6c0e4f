"""Tokens: tokenizers, alignment, comparison and decoding."""
