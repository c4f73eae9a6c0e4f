"""Vectors of texts by a deployed pipeline, and their similarities: exactly what sentence-transformers gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from encoder_tui.core.tasks.encoding import (
    MOST_COMPARED,
    EncodeAnswer,
    EncodedText,
    Layout,
    Similarity,
    Vectors,
    finite,
)
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.tasks.deployed import Work, as_bytes, kind_words, prompt_of
from encoder_tui.engine.tasks.pipeline import LoadedPipeline
from encoder_tui.engine.tasks.reading import Reading
from encoder_tui.protocol.tasks import EncodeRequest


def encode(loaded: LoadedPipeline, request: EncodeRequest, job: Job) -> EncodeAnswer:
    """Encode texts. Raises `OperationError` (or its subclass `OutOfMemory`) and `JobCancelled`."""
    layout = layout_of(loaded)
    prompt = prompt_of(loaded, request.prompt, request.side)
    settings: dict[str, Any] = {"batch_size": request.batch, "show_progress_bar": False}
    if request.prompt is not None:
        settings["prompt_name"] = request.prompt
    if layout == "dense":
        settings["truncate_dim"] = _truncated(loaded, request.truncate_dim)
    elif request.truncate_dim is not None:
        raise OperationError(
            f"{loaded.source.name}: it is {kind_words(loaded.card)}, whose vectors cannot be cut to a dimension"
        )
    reading, work = Reading(loaded, job, len(request.texts)), Work(loaded, request.placement, request.limit)
    with work.running("encoding"), reading.heard():
        found = encoder_of(loaded, request.side)(request.texts, **settings)
    read, remarks = reading.of(request.texts, prompt[1], request.side)
    vectors, norms = _vectors(loaded, layout, found)
    similarity = None
    if len(request.texts) <= MOST_COMPARED:
        with work.running("comparing the vectors"):
            similarity = similarities(loaded, found)
    else:
        remarks.append(
            f"{loaded.source.name}: similarities are computed for at most {MOST_COMPARED:,} texts,"
            f" and these are {len(request.texts):,}"
        )
    texts = [
        EncodedText(one.tokens, len(text), one.cuts[0], norm)
        for text, one, norm in zip(request.texts, read, norms, strict=True)
    ]
    return EncodeAnswer(work.pipeline(prompt, remarks, request.side), texts, vectors, similarity)


def layout_of(loaded: LoadedPipeline) -> Layout:
    """Return what the vectors of a pipeline are. Raises `OperationError` if it makes none."""
    kind = loaded.card.kind
    if kind == "cross-encoder":
        raise OperationError(f"{loaded.source.name}: it is a cross-encoder, which scores pairs of texts; use predict")
    return "sparse" if kind == "sparse-encoder" else "multi-vector" if kind == "multi-vector-encoder" else "dense"


def encoder_of(loaded: LoadedPipeline, side: str | None) -> Any:
    """Return the method of the pipeline that encodes texts of a side."""
    return getattr(loaded.model, "encode" if side is None else f"encode_{side}")


def _truncated(loaded: LoadedPipeline, wanted: int | None) -> int | None:
    """Return to how many values vectors are cut. Raises `OperationError` if they do not have so many."""
    whole = loaded.model.get_embedding_dimension()
    if wanted is not None and whole is not None and wanted > whole:
        raise OperationError(
            f"{loaded.source.name}: its vectors have {whole:,} values, so they cannot be cut to {wanted:,}"
        )
    return wanted


def _vectors(loaded: LoadedPipeline, layout: Layout, found: Any) -> tuple[Vectors, Sequence[float | None]]:
    """Return the vectors that a pipeline gave, and the norm of each."""
    if layout == "dense":
        dense = np.ascontiguousarray(found, dtype="<f4")
        norms = np.linalg.norm(dense.astype("f8"), axis=1)
        return Vectors("dense", dense.shape[1], dense.tobytes()), [finite(float(norm)) for norm in norms]
    if layout == "multi-vector":
        rows = [matrix.float().cpu() for matrix in found]
        counts = [len(matrix) for matrix in rows]
        data = b"".join(map(as_bytes, rows))
        return Vectors("multi-vector", rows[0].shape[1], data, counts), [None] * len(rows)
    return _sparse(loaded, found)


def _sparse(loaded: LoadedPipeline, found: torch.Tensor) -> tuple[Vectors, Sequence[float | None]]:
    counts, indices, weights, norms = [], [], [], []
    for row in found:
        entries = row.coalesce()
        # A weight of zero that is stored says nothing.
        stored = entries.values().float()
        order = torch.argsort(stored, descending=True, stable=True)
        order = order[stored[order] != 0]
        indices.append(entries.indices()[0][order].cpu().numpy().astype("<i4"))
        weights.append(stored[order].cpu().numpy().astype("<f4"))
        counts.append(len(order))
        norms.append(finite(float(np.linalg.norm(weights[-1].astype("f8")))))
    names = sorted({int(index) for row in indices for index in row})
    data = (b"".join(row.tobytes() for row in one) for one in (weights, indices))
    return Vectors("sparse", found.shape[1], next(data), counts, next(data), _terms(loaded, names)), norms


def _terms(loaded: LoadedPipeline, indices: list[int]) -> dict[int, str]:
    """Return the entry of the vocabulary for each index, if the pipeline's values are weights of such entries."""
    tokenizer = loaded.model.tokenizer
    is_of_vocabulary = any(type(module).__name__ in OF_VOCABULARY for module in loaded.model.modules())
    if tokenizer is None or not is_of_vocabulary:
        return {}
    convert = getattr(tokenizer, "convert_ids_to_tokens", None)
    if convert is None:
        return {index: str(tokenizer.id_to_token(index)) for index in indices}
    return dict(zip(indices, map(str, convert(indices)), strict=True))


OF_VOCABULARY = {"SpladePooling", "SparseStaticEmbedding"}
"""Modules whose values are weights of vocabulary entries; those of a sparse auto-encoder have no names."""


def similarities(loaded: LoadedPipeline, found: Any) -> Similarity:
    """Return how alike every two texts are, by the function that the model names."""
    matrix = loaded.model.similarity(found, found)
    if matrix.is_sparse:
        matrix = matrix.to_dense()
    return Similarity(str(loaded.model.similarity_fn_name), len(matrix), as_bytes(matrix))
