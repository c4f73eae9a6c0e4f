"""Predictions as rows of a table, and in words; the window, the commands and the report use the same."""

from __future__ import annotations

from typing import Final

from encoder_tui.core.tasks.predictions import Reading, TextPrediction
from encoder_tui.core.text.numbers import share_percent

COLUMNS: Final = ("what", "score", "characters", "in the text")
"""The column heads of `prediction_cells`."""


def prediction_cells(one: TextPrediction) -> list[list[str]]:
    """Return a prediction as rows of a table; their text may come from strangers."""
    if one.labels is not None:
        return [[label.label, f"{label.score:.4f}", "", ""] for label in one.labels]
    if one.entities is not None:
        return [[e.entity, f"{e.score:.4f}", f"{e.start:,}–{e.end:,}", e.text] for e in one.entities]
    if one.answers is not None:
        none = [["no answer", "", "", ""]] if one.answers.is_unanswerable else []
        return none + [["answer", f"{a.score:.4f}", f"{a.start:,}–{a.end:,}", a.answer] for a in one.answers.answers]
    if one.masks is not None:
        return [
            [f"mask {number}", f"{token.score:.4f}", "", token.token]
            for number, mask in enumerate(one.masks, 1)
            for token in mask
        ]
    return [["score", f"{one.score:.4f}", "", ""]]


def beginning_and_whole(reading: Reading, one: TextPrediction) -> str:
    """Say which label comes first for the first window of a text and which for all windows; empty without labels."""
    if not one.windows or not one.labels or not one.windows[0].labels:
        return ""
    end = max((end for _, end in reading.windows[0].offsets), default=0)
    share = share_percent(end / max(len(reading.text), 1))
    first, whole = one.windows[0].labels[0].label, one.labels[0].label
    return f"it says {first} of the first window ({share} of the text), {whole} of the whole"
