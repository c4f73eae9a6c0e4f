"""Pane 4: what comes out of each model."""

from encoder_tui.window.panes.outputs.pane import OutputsPane

__all__ = ["OutputsPane"]
