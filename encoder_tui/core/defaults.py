"""What the window needs to know before anything is loaded."""

from __future__ import annotations

from typing import Final

DEFAULT_PAIR: Final = ("bert-base-cased", "answerdotai/ModernBERT-base")
MAXIMUM: Final = 4
"""Streams that fit beside each other on a screen, and letters that a reader can keep apart."""
LETTERS: Final = "ABCD"
BESIDE: Final = 170
"""Columns from which on a pane shows side by side what it shows in turns in a narrower window."""
WELCOME: Final = "This is MIDS 266. Let's learn some NLP!"
"""The text of the notebook that this program replaces; what the window opens with when nobody gave one."""
STRIDE: Final = 64
"""Tokens that neighbouring windows on a long document share, unless another number is chosen."""
