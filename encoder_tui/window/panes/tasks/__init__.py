"""Pane 5: what the models are for, as they are deployed."""

from encoder_tui.window.panes.tasks.pane import TasksPane

__all__ = ["TasksPane"]
