"""How alike the tokens of two texts are under a deployed pipeline."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from encoder_tui.core.tasks.encoding import Side, TokenStates, TokenStatesAnswer, finite
from encoder_tui.core.tokens.rust_errors import silence
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.tasks.deployed import Work, as_bytes, kind_words, prompt_of
from encoder_tui.engine.tasks.encoding import encoder_of
from encoder_tui.engine.tasks.pipeline import LoadedPipeline
from encoder_tui.engine.tasks.reading import Reading, reader_of
from encoder_tui.protocol.tasks import TokenStatesRequest


class _States(NamedTuple):
    """The vectors of a text's tokens (tokens, width), and which tokens they are."""

    rows: torch.Tensor
    tokens: TokenStates


def compare(loaded: LoadedPipeline, request: TokenStatesRequest, job: Job) -> TokenStatesAnswer:
    """Compare the tokens of two texts. Raises as `encode` does, also if the model has no vectors of tokens."""
    name, kind = loaded.source.name, loaded.card.kind
    if kind in {"cross-encoder", "sparse-encoder"}:
        raise OperationError(f"{name}: it is {kind_words(loaded.card)}, which has no vectors of tokens to compare")
    is_native = kind == "multi-vector-encoder"
    work = Work(loaded, request.placement, request.limit)
    with work.running("encoding"):
        query = _states(loaded, request.query, "query", job)
        document = _states(loaded, request.document, "document", job)
        if is_native:
            products = query.rows @ document.rows.T
            score = loaded.model.similarity([query.rows], [document.rows]).item()
        else:
            products = (
                torch.nn.functional.normalize(query.rows, dim=-1)
                @ torch.nn.functional.normalize(document.rows, dim=-1).T
            )
            score = products.amax(1).sum().item() if products.numel() else 0.0
    ours = f"{name}: it pools its token states, so this comparison of tokens is not the model's own score"
    return TokenStatesAnswer(
        work.pipeline(remarks=() if is_native else (ours,)),
        query.tokens,
        document.tokens,
        as_bytes(products),
        str(loaded.model.similarity_fn_name) if is_native else "cosine",
        finite(score),
        is_native,
    )


def _states(loaded: LoadedPipeline, text: str, side: Side, job: Job) -> _States:
    """Return the vectors of a text's tokens. Raises `OperationError` if the pipeline has none."""
    reading = Reading(loaded, job, 1)
    with reading.heard():
        (features,) = encoder_of(loaded, side)([text], output_value=None, show_progress_bar=False)
    states, mask = features.get("token_embeddings"), features.get("attention_mask")
    if states is None or mask is None:
        raise OperationError(
            f"{loaded.source.name}: its vectors do not come from states of tokens, so there are none to compare"
        )
    prompt = prompt_of(loaded, None, side)[1]
    (read,), _ = reading.of([text], prompt, side)
    kept = mask.bool()
    ids = features.get("input_ids")
    if ids is None or len(ids) != len(states):
        # A module has joined tokens, so a vector stands for several of them.
        names = [f"vector {row + 1}" for row in range(int(kept.sum()))]
        return _States(states[kept].float(), TokenStates(names, [(0, 0)] * len(names), read.cuts[0]))
    tokenizer = reader_of(loaded, side).tokenizer
    spans = _spans(tokenizer, prompt, text, ids.tolist())
    places = kept.nonzero()[:, 0].tolist()
    names = list(map(str, tokenizer.convert_ids_to_tokens([int(ids[place]) for place in places])))
    return _States(states[kept].float(), TokenStates(names, [spans[place] for place in places], read.cuts[0]))


def _spans(tokenizer: Any, prompt: str, text: str, ids: list[int]) -> list[tuple[int, int]]:
    """Return the characters of the text that each token stands for; an empty span for one that is not of the text."""
    nothing = [(0, 0)] * len(ids)
    if not tokenizer.is_fast:
        return nothing
    with silence():
        whole = tokenizer(prompt + text, truncation=False, verbose=False).encodings[0]
        longest = min(len(whole.ids), len(ids))
        raw = tokenizer(prompt + text, truncation="longest_first", max_length=longest, verbose=False).encodings[0]
    # Padding and added masks may stand before or after the tokens of the text.
    first = next((at for at in range(len(ids) - longest + 1) if ids[at : at + longest] == raw.ids), None)
    if first is None:
        return nothing
    spans = [
        (max(span[0] - len(prompt), 0), max(span[1] - len(prompt), 0)) if part == 0 else (0, 0)
        for span, part in zip(raw.offsets, raw.sequence_ids, strict=True)
    ]
    return [*nothing[:first], *spans, *nothing[first + longest :]]
