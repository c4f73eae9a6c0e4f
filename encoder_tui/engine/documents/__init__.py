"""Documents: sources, counting and tokenizing piece by piece."""
