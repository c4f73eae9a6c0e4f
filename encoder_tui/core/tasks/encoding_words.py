"""What was encoded, in JSON and in words, for the command, the pane and the report alike."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from encoder_tui.core.tasks.encoding import EncodeAnswer, Pipeline, Similarity, finite
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import shorten, visible

SHADES: Final = " ·░▒▓█"
"""From the least to the most alike."""
TERMS: Final = 8
"""How many terms of a sparse vector are written in words."""

MEANINGLESS: Final = "the values are random, so similarities mean nothing"

COLUMNS: Final = ("text", "tokens", "characters", "cut at", "norm", "")
"""The column heads of `text_cells`."""


def encode_record(name: str, answer: EncodeAnswer) -> dict[str, Any]:
    """Return one model as `encode --json` prints it."""
    pipeline, similarity = answer.pipeline, answer.similarity
    in_force = pipeline.in_force
    return {
        "model": name,
        "kind": pipeline.kind,
        "prompt": pipeline.prompt,
        "texts": [
            {"tokens": text.tokens, "characters": text.characters, "cut": text.cut, "norm": text.norm}
            for text in answer.texts
        ],
        "dimension": answer.dimension,
        "vectors": [vector_record(answer, text) for text in range(len(answer.texts))],
        "similarity": None
        if similarity is None
        else {
            "function": similarity.function,
            "matrix": [list(map(finite, similarity.row(text))) for text in range(similarity.size)],
        },
        "device": in_force.device,
        "dtype": in_force.dtype,
        "attention": in_force.attention,
        "weights": in_force.weights,
        "random": pipeline.is_random,
        "missing": in_force.missing,
        "pooling": pipeline.pooling,
        "library": pipeline.library,
        "remarks": pipeline.remarks,
    }


def vector_record(answer: EncodeAnswer, text: int) -> list[Any]:
    """Return a text's vector: numbers, `[term, weight]` pairs, or one list of numbers a token."""
    vectors = answer.vectors
    if vectors.layout == "dense":
        return list(map(finite, vectors.vector(text)))
    if vectors.layout == "multi-vector":
        return [list(map(finite, row)) for row in vectors.rows(text)]
    return [[vectors.term(index), finite(weight)] for index, weight in vectors.entries(text)]


def provenance(name: str, answer: EncodeAnswer) -> dict[str, Any]:
    """Return what a file of vectors says of those of one model, so that they can be made again."""
    pipeline = answer.pipeline
    return {
        "model": name,
        "revision": pipeline.revision,
        "kind": pipeline.kind,
        "pooling": pipeline.pooling,
        "prompt": pipeline.prompt,
        "prompt_text": pipeline.prompt_text,
        "side": pipeline.side,
        "limit": pipeline.limit,
        "dimension": answer.dimension,
        "similarity": None if answer.similarity is None else answer.similarity.function,
        "texts": len(answer.texts),
        "cut_texts": sum(text.cut is not None for text in answer.texts),
        "random": pipeline.is_random,
        "remarks": pipeline.remarks,
        "settings": msgspec.to_builtins(pipeline.in_force),
        "library": pipeline.library,
        "versions": pipeline.versions,
    }


def vector_tensors(answer: EncodeAnswer) -> list[tuple[str, str, list[int], bytes]]:
    """Return the tensors in which a file holds vectors: name, dtype, shape, little-endian bytes."""
    vectors = answer.vectors
    if vectors.layout == "dense":
        return [("vectors", "float32", [len(answer.texts), vectors.dimension], vectors.data)]
    counts = ("counts", "int64", [len(vectors.counts)], struct.pack(f"<{len(vectors.counts)}q", *vectors.counts))
    total = sum(vectors.counts)
    if vectors.layout == "multi-vector":
        return [("vectors", "float32", [total, vectors.dimension], vectors.data), counts]
    return [("values", "float32", [total], vectors.data), ("indices", "int32", [total], vectors.indices), counts]


def heading(pipeline: Pipeline, dimension: int) -> str:
    """Return what computed the vectors, in one line: kind, length of a vector, pooling, prompt, settings."""
    parts: list[str] = [pipeline.kind, count(dimension, "value")]
    if pipeline.pooling:
        ours = " (the choice of encoder-tui)" if pipeline.is_own_pooling else ""
        parts.append(f"{' and '.join(pipeline.pooling)} pooling{ours}")
    parts.append("no limit" if pipeline.limit is None else f"reads {count(pipeline.limit, 'token')}")
    parts.append(prompt_words(pipeline))
    return "; ".join([visible(", ".join(parts)), pipeline.in_force.words()])


def prompt_words(pipeline: Pipeline) -> str:
    """Return which prompt stands before each text."""
    if pipeline.prompt is None or not pipeline.prompt_text:
        return "no prompt"
    return f'prompt {visible(pipeline.prompt)} "{shorten(visible(pipeline.prompt_text), 60)}"'


def text_cells(answer: EncodeAnswer, text: int) -> list[str]:
    """Return a text as a row: its number, tokens, characters, where reading stops, the norm, and what its vector is."""
    one = answer.texts[text]
    return [
        str(text + 1),
        f"{one.tokens:,}",
        f"{one.characters:,}",
        "–" if one.cut is None else f"{one.cut:,}",
        "–" if one.norm is None else f"{one.norm:.4f}",
        vector_words(answer, text),
    ]


def vector_words(answer: EncodeAnswer, text: int) -> str:
    """Return what is to be said of a vector beside its norm: its terms, or how many vectors there are."""
    vectors = answer.vectors
    if vectors.layout == "multi-vector":
        return count(vectors.counts[text], "vector")
    if vectors.layout == "dense":
        return ""
    entries = vectors.entries(text)
    terms = [f"{visible(vectors.term(index))} {weight:.2f}" for index, weight in entries[:TERMS]]
    more = f" and {len(entries) - TERMS:,} more" if len(entries) > TERMS else ""
    return (", ".join(terms) or "no terms") + more


def similarity_rows(similarity: Similarity, most: int) -> list[list[str]]:
    """Return the first `most` texts × texts as rows of cells with a head: numbers, each behind its shade."""
    size = min(similarity.size, most)
    rows = [list(similarity.row(text))[:size] for text in range(size)]
    low, high = bounds(rows)
    return [
        [similarity.function, *(str(text + 1) for text in range(size))],
        *(
            [str(text + 1), *(f"{shade(value, low, high)} {value:.3f}" for value in row)]
            for text, row in enumerate(rows)
        ),
    ]


def bounds(rows: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Return the least and the greatest similarity of two different texts; of all if there is only one text."""
    apart = [value for row, values in enumerate(rows) for column, value in enumerate(values) if row != column]
    found = [value for value in apart or [value for values in rows for value in values] if math.isfinite(value)]
    return (min(found), max(found)) if found else (0.0, 0.0)


def shade(value: float, low: float, high: float) -> str:
    """Return the shade of a value between the least and the greatest."""
    if not math.isfinite(value):
        return "?"
    if high <= low:
        return SHADES[-1]
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    return SHADES[min(int(share * len(SHADES)), len(SHADES) - 1)]
