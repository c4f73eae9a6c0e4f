"""Pane 6: how fast each model is on this machine."""

from encoder_tui.window.panes.timing.pane import TimingPane

__all__ = ["TimingPane"]
