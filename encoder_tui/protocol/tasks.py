"""Requests that use a model for its task: vectors of texts, scores of pairs, and predictions for masked tokens."""

from __future__ import annotations

import msgspec

from encoder_tui.core.bounds import SomeTokens, Tokens
from encoder_tui.core.models.placement import Head, ModelSource, Placement
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.tasks.encoding import Side
from encoder_tui.core.tasks.masked import BEST


class VectorsRequest(msgspec.Struct, frozen=True):
    """Pool the outputs of a batch; the rows are windows of one text, and their vectors are averaged."""

    source: ModelSource
    placement: Placement
    batch: Batch


class MaskedRequest(msgspec.Struct, frozen=True):
    """Predict the tokens at `positions` of a batch of one row, the `best` most probable ones for each."""

    source: ModelSource
    placement: Placement
    batch: Batch
    positions: list[int]
    best: int = BEST


class EncodeRequest(msgspec.Struct, frozen=True):
    """Encode texts as the deployed model does.

    `prompt` is the name of one of its prompts; None leaves it to the model. `side` encodes them as queries or as
    documents, with the prompt and the route for those. `truncate_dim` keeps that many values of each vector; None
    leaves it to the model. `limit` is how many tokens the user lets the model read, None for as many as it is deployed
    to read.
    """

    source: ModelSource
    placement: Placement
    texts: list[str]
    prompt: str | None = None
    side: Side | None = None
    truncate_dim: SomeTokens | None = None
    limit: SomeTokens | None = None
    batch: SomeTokens = 32


class PairsRequest(msgspec.Struct, frozen=True):
    """Score pairs of texts with a cross-encoder; `prompt` and `limit` are as in `EncodeRequest`."""

    source: ModelSource
    placement: Placement
    pairs: list[tuple[str, str]]
    prompt: str | None = None
    limit: SomeTokens | None = None
    batch: SomeTokens = 32


class TokenStatesRequest(msgspec.Struct, frozen=True):
    """Compare the tokens of two texts; the first is encoded as a query, the second as a document.

    `limit` is as in `EncodeRequest`.
    """

    source: ModelSource
    placement: Placement
    query: str
    document: str
    limit: SomeTokens | None = None


class HeadRow(msgspec.Struct, frozen=True):
    """One tokenized text, or pair of texts, without padding; `token_type_ids` is None if there are none."""

    input_ids: list[Tokens]
    token_type_ids: list[Tokens] | None = None


class HeadRequest(msgspec.Struct, frozen=True):
    """Run a model with a head over rows, in batches of at most `batch` rows.

    `pad_id` and `pad_type_id` fill the rows of a batch on the right to one length; without a `pad_id`, only rows of one
    length run together. Each `choices` rows belong together, as a model of multiple choice reads them.
    A head that the checkpoint lacks is an error, unless `allow_random`.
    """

    source: ModelSource
    placement: Placement
    head: Head
    rows: list[HeadRow]
    batch: SomeTokens = 16
    choices: SomeTokens = 1
    pad_id: Tokens | None = None
    pad_type_id: Tokens = 0
    allow_random: bool = False
