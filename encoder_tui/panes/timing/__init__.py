"""Pane 5: how fast each model is on this machine."""

from encoder_tui.panes.timing.pane import TimingPane

__all__ = ["TimingPane"]
