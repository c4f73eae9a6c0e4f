"""Pane 3: documents, where each model stops reading them, and what a whole collection loses."""

from encoder_tui.window.panes.documents.pane import DocumentsPane

__all__ = ["DocumentsPane"]
