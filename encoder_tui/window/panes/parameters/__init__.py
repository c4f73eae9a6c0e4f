"""Pane 2: what is inside each model, and how the architectures correspond."""

from encoder_tui.window.panes.parameters.pane import ParametersPane

__all__ = ["ParametersPane"]
