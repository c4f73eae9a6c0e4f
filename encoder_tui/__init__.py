"""encoder-tui: look into BERT-family encoders from a terminal."""

__version__ = "0.1.0"
