"""Masked tokens: which models can predict them, and the predictions."""

from __future__ import annotations

import msgspec

from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.placement import InForce
from encoder_tui.core.tokens.tokenizer import ModelTokenizer

MASK = "[MASK]"
"""The mask in the text for every model; each receives its own mask token instead."""
BEST = 5
"""How many predictions are shown for each mask."""


class Prediction(msgspec.Struct, frozen=True):
    """A token and its probability."""

    token_id: int
    probability: float


class MaskedAnswer(msgspec.Struct, frozen=True):
    """The most probable tokens for each position, best first."""

    in_force: InForce
    predictions: list[list[Prediction]]


def why_no_predictions(files: ModelFiles, tokenizer: ModelTokenizer) -> str:
    """Say why a model cannot predict masked tokens, as far as its small files show; empty if it may.

    A checkpoint's configuration names the class that it was saved from.
    """
    saved_from = [str(name) for name in files.config.get("architectures") or []]
    if not files.has_weights and files.source in {"builtin", "directory"}:
        return "its weights are random, so its predictions would be random too"
    if saved_from and not any("MaskedLM" in name or "ForPreTraining" in name for name in saved_from):
        return f"its checkpoint was saved from {saved_from[0]}, without a masked-language head"
    if "mask" not in tokenizer.form.special_tokens:
        return "its tokenizer has no mask token"
    return ""


def with_mask(text: str, tokenizer: ModelTokenizer) -> str:
    """Return the text with the model's own mask token in place of `[MASK]`."""
    return text.replace(MASK, tokenizer.form.special_tokens["mask"])
