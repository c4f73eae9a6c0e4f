"""Numbers with bounds, for fields that are read from files and from the engine, which are untrusted.

msgspec refuses a number beyond its bounds, and NaN, when it decodes or converts; constructors check nothing. The bounds
are wider than any measurement, and small enough to draw.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from encoder_tui.core.defaults import MAXIMUM

_TOKENS: Final = 10**8
_SECONDS: Final = 1e6

Slot = Annotated[int, Meta(ge=0, lt=MAXIMUM)]
"""The place of a model in the window, and with it its letter."""
Tokens = Annotated[int, Meta(ge=0, le=_TOKENS)]
"""A number of tokens, rows, passes or threads, or the id of a token."""
SomeTokens = Annotated[int, Meta(ge=1, le=_TOKENS)]
"""The same, at least one."""
Seconds = Annotated[float, Meta(ge=0, le=_SECONDS)]
Amount = Annotated[float, Meta(ge=0, le=1e9)]
"""Watts, or cores that are in use."""
Bytes = Annotated[int, Meta(ge=0, le=1 << 50)]
Exact = Annotated[int, Meta(ge=0, lt=1 << 53)]
"""A number of documents or of their tokens or characters; below 2⁵³ a float is exact."""
