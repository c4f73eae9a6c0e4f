"""Widgets that several panes use; none of them depends on a pane."""
