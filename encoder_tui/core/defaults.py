"""Defaults that the window needs before anything is loaded."""

from __future__ import annotations

from typing import Final

from encoder_tui import builtin

DEFAULT_PAIR: Final = ("bert-base-cased", "answerdotai/ModernBERT-base")
BUILTIN_NAMES: Final = tuple(f"builtin:{name}" for name in builtin.MODELS)
BUILTIN_PAIR: Final = ("builtin:bert", "builtin:modernbert")
"""What replaces the default pair: their configurations, with random weights."""
TRAINED: Final = "builtin:tiny"
"""The built-in model whose weights mean something."""
MAXIMUM: Final = 4
"""The most models at once: as many as fit side by side on a screen and a reader can keep apart."""
LETTERS: Final = "ABCD"
BESIDE: Final = 170
"""The width in columns from which a pane shows two things side by side instead of one at a time."""
WELCOME: Final = "This is MIDS 266. Let's learn some NLP!"
"""The text that the window opens with if none was given."""
STRIDE: Final = 64
"""Tokens that neighbouring windows on a long document share, unless another number is chosen."""
