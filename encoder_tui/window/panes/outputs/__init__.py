"""Pane 4: what comes out of each model, and what truncation does to it."""

from encoder_tui.window.panes.outputs.pane import OutputsPane

__all__ = ["OutputsPane"]
