"""Deployed models encoded by the engine's operations, and by sentence-transformers itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from encoder_tui.core.models.placement import ModelSource, Placement
from encoder_tui.core.tasks.encoding import EncodeAnswer
from encoder_tui.engine.operations import encode
from encoder_tui.protocol.tasks import EncodeRequest
from tests.support.saved_models import silent

TEXTS = (
    "The dance of the honeybee tells the way.",
    "A lens, and how bread rises; a typewriter with its keyboard.",
    "",
    "   ",
    "bees " * 200,
    "👩‍🚀 lens É",
    "The dance of the honeybee tells the way.",
)
"""Cases that hurt: nothing, white space, far beyond any limit, emoji, one text twice."""


def source(directory: Path, *, trusted: bool = False) -> ModelSource:
    """The model in a directory, as a command names it."""
    return ModelSource(directory.name, os.fspath(directory), trusted)


def encoded(directory: Path, texts: Sequence[str] = TEXTS, job: Any = None, **wishes: Any) -> EncodeAnswer:
    """What the engine answers."""
    placement = Placement(
        **{key: wishes.pop(key) for key in ("device", "dtype", "attention", "threads") if key in wishes}
    )
    request = EncodeRequest(source(directory, trusted=wishes.pop("trusted", False)), placement, list(texts), **wishes)
    return encode.run(request, job or silent())
