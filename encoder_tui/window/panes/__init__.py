"""The panes of the window, one module or package each; no pane imports another."""
