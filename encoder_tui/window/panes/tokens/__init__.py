"""Pane 1: how the models cut a text into tokens, and where they differ."""

from encoder_tui.window.panes.tokens.pane import TokensPane

__all__ = ["TokensPane"]
