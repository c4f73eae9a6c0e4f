"""Entities of a text from the labels of its tokens, joined as `transformers.pipeline` joins them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, get_args

import msgspec

from encoder_tui.core.tasks.probabilities import softmax
from encoder_tui.core.tokens.tokenizer import Encoding, ModelTokenizer

Aggregation = Literal["none", "simple", "first", "average", "max"]
"""How tokens become entities: one each; runs of equal labels; by words, whose label is that of the first token, of the
mean of the scores, or of the highest score.
"""
AGGREGATIONS: Final[tuple[Aggregation, ...]] = get_args(Aggregation)
OUTSIDE: Final = "O"
"""The label of a token that belongs to no entity."""


class Entity(msgspec.Struct, frozen=True):
    """A stretch of a text with a label and its score; `start` and `end` count characters."""

    entity: str
    start: int
    end: int
    text: str
    score: float


class _Piece(NamedTuple):
    """A token or a word: its characters, the scores of the labels, and whether it continues a word."""

    start: int
    end: int
    scores: Sequence[float]
    is_subword: bool = False


class _Labelled(NamedTuple):
    start: int
    end: int
    label: str
    score: float


def entities(
    text: str,
    tokenizer: ModelTokenizer,
    encoding: Encoding,
    logits: Sequence[Sequence[float]],
    labels: Sequence[str],
    aggregation: Aggregation,
) -> list[Entity]:
    """Return the entities of a text, in its order; `logits[k]` are those of the encoding's token k."""
    pieces = _pieces(text, tokenizer, encoding, logits)
    if aggregation in {"first", "average", "max"}:
        pieces = [_word(group, aggregation) for group in _words(pieces)]
    labelled = [_labelled(piece, labels) for piece in pieces]
    if aggregation != "none":
        labelled = [_joined(group) for group in _groups(labelled)]
    return [
        Entity(one.label, one.start, one.end, text[one.start : one.end], one.score)
        for one in labelled
        if one.label != OUTSIDE
    ]


def _pieces(
    text: str, tokenizer: ModelTokenizer, encoding: Encoding, logits: Sequence[Sequence[float]]
) -> list[_Piece]:
    prefix = getattr(tokenizer.rust.model, "continuing_subword_prefix", None)
    found = []
    for index, row in enumerate(logits):
        if encoding.special_tokens_mask[index]:
            continue
        start, end = encoding.offsets[index]
        if encoding.ids[index] == tokenizer.unknown_id:
            continues = False
        elif prefix:
            continues = len(encoding.tokens[index]) != end - start
        else:
            continues = start > 0 and " " not in text[start - 1 : start + 1]
        found.append(_Piece(start, end, softmax(row), continues))
    return found


def _words(pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    found: list[list[_Piece]] = []
    for piece in pieces:
        if found and piece.is_subword:
            found[-1].append(piece)
        else:
            found.append([piece])
    return found


def _word(group: Sequence[_Piece], aggregation: Aggregation) -> _Piece:
    scores = group[0].scores
    if aggregation == "max":
        scores = max(group, key=lambda piece: max(piece.scores)).scores
    elif aggregation == "average":
        scores = [sum(column) / len(group) for column in zip(*(piece.scores for piece in group), strict=True)]
    return _Piece(group[0].start, group[-1].end, scores)


def _labelled(piece: _Piece, labels: Sequence[str]) -> _Labelled:
    score = max(piece.scores)
    return _Labelled(piece.start, piece.end, labels[list(piece.scores).index(score)], score)


def _tag(label: str) -> tuple[bool, str]:
    """Return whether a label begins an entity, and the label without `B-` or `I-`."""
    return label.startswith("B-"), label[2:] if label.startswith(("B-", "I-")) else label


def _groups(labelled: Sequence[_Labelled]) -> list[list[_Labelled]]:
    found: list[list[_Labelled]] = []
    for one in labelled:
        begins, tag = _tag(one.label)
        if found and not begins and tag == _tag(found[-1][-1].label)[1]:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def _joined(group: Sequence[_Labelled]) -> _Labelled:
    label = group[0].label.split("-", 1)[-1]
    return _Labelled(group[0].start, group[-1].end, label, sum(one.score for one in group) / len(group))


class TokenLogits(msgspec.Struct, frozen=True):
    """A token of a text with the logits of its labels; `start` and `end` count characters."""

    token: str
    start: int
    end: int
    logits: list[float]

    def probabilities(self) -> list[float]:
        """Return the probability of each label, as entities are scored."""
        return softmax(self.logits)


def tokens_with_logits(encoding: Encoding, logits: Sequence[Sequence[float]]) -> list[TokenLogits]:
    """Return the tokens of a text that are not special, with their logits."""
    return [
        TokenLogits(encoding.tokens[index], *encoding.offsets[index], list(row))
        for index, row in enumerate(logits)
        if not encoding.special_tokens_mask[index]
    ]


def aligned(found: Sequence[Sequence[Entity]]) -> list[list[Entity | None]]:
    """Return the entities of several models over one text, lined up by their characters.

    Each row holds an entity of each model, or None if it found nothing there; entities whose characters overlap are in
    one row, with the next ones of the same model in rows of their own. Rows are in the order of the text.
    """
    rows: list[list[Entity | None]] = []
    for model, entities_of in enumerate(found):
        for entity in entities_of:
            row = next((row for row in rows if row[model] is None and _overlaps(row, entity)), None)
            if row is None:
                row = [None] * len(found)
                rows.append(row)
            row[model] = entity
    return sorted(rows, key=lambda row: min(entity.start for entity in row if entity is not None))


def _overlaps(row: Sequence[Entity | None], entity: Entity) -> bool:
    return any(other is not None and other.start < entity.end and entity.start < other.end for other in row)


def without_overlaps(found: Sequence[Entity]) -> list[Entity]:
    """Return the entities of several windows of one text, each place once, by the rule of `transformers.pipeline`.

    Of two that overlap the longer is kept; of two of one length, the one with the higher score.
    """
    kept: list[Entity] = []
    for entity in sorted(found, key=lambda one: one.start):
        before = kept[-1] if kept else None
        if before is None or not before.start <= entity.start < before.end:
            kept.append(entity)
        elif (entity.end - entity.start, entity.score) > (before.end - before.start, before.score):
            kept[-1] = entity
    return kept
