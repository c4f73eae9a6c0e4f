"""Print integer tensors as torch does, without torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from encoder_tui.core.tokens.comparison import Stream

V = TypeVar("V")

LINE_WIDTH = 80
EDGE_ITEMS = 3
THRESHOLD = 1000
"""torch's own defaults (`torch.set_printoptions`)."""


def model_inputs(streams: Sequence[Stream]) -> dict[str, list[list[int]]]:
    """Return what `tokenizer(texts, return_tensors="pt")` returns, as lists of shape (batch, sequence).

    `streams` are the encodings of a batch under one tokenizer. Raises ValueError if their lengths differ, as
    transformers does.
    """
    lengths = {len(stream.encoding) for stream in streams}
    if len(lengths) > 1:
        raise ValueError("the texts have different lengths; without padding they make no tensor")
    names = streams[0].tokenizer.form.model_input_names
    tensors = {"input_ids": [stream.encoding.ids for stream in streams]}
    if "token_type_ids" in names:
        tensors["token_type_ids"] = [stream.encoding.type_ids for stream in streams]
    if "attention_mask" in names:
        tensors["attention_mask"] = [stream.encoding.attention_mask for stream in streams]
    return tensors


def printed(rows: Sequence[Sequence[int]], line_width: int = LINE_WIDTH) -> list[str]:
    """Return the lines of `print(tensor)` for an integer tensor of shape (batch, sequence).

    `line_width` is torch's `linewidth`.
    """
    length = len(rows[0])
    if not length:
        return [f"tensor([], size=({len(rows)}, 0))"]
    summarised = len(rows) * length > THRESHOLD
    shown = list(_edges(list(rows), summarised))
    numbers = [number for row in shown if row is not None for number in _edges(row, summarised) if number is not None]
    width = max(len(str(number)) for number in numbers)
    lines: list[str] = []
    for index, row in enumerate(shown):
        opening = "tensor([[" if index == 0 else "        ["
        closing = "]])" if index == len(shown) - 1 else "],"
        if row is None:
            lines.append("        ...,")
            continue
        lines += _row(list(_edges(row, summarised)), width, line_width, opening, closing)
    return lines


def _edges(values: Sequence[V], summarised: bool) -> Iterator[V | None]:
    """Return the values, or three from each end with None for those between."""
    if not summarised or len(values) <= 2 * EDGE_ITEMS:
        yield from values
        return
    yield from values[:EDGE_ITEMS]
    yield None
    yield from values[-EDGE_ITEMS:]


def _row(numbers: list[int | None], width: int, line_width: int, opening: str, closing: str) -> list[str]:
    indent = len("tensor([[")
    # torch measures a line from the row's own bracket, one column before its first number.
    per_line = max(1, (line_width - indent + 1) // (width + 2))
    words = [" ..." if number is None else str(number).rjust(width) for number in numbers]
    lines = [", ".join(words[start : start + per_line]) for start in range(0, len(words), per_line)]
    lines = [line + "," for line in lines[:-1]] + [lines[-1]]
    return [
        (opening if index == 0 else " " * indent) + line + (closing if index == len(lines) - 1 else "")
        for index, line in enumerate(lines)
    ]
