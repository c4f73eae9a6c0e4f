"""Widgets that more than one pane uses; none of them knows a pane."""
