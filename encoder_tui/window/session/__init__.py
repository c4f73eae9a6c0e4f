"""What panes share: the models, the text, the document, and what is remembered."""
