"""A model's card in words."""

from __future__ import annotations

from typing import Final

from encoder_tui.core.models.card import Card
from encoder_tui.core.text.numbers import count, decimal_size
from encoder_tui.core.text.safe import visible

NORMALIZED: Final = "Normalize"


def line(card: Card) -> str:
    """Return a card in one line: `sentence-transformer · 256 tokens · mean, normalized · 384`."""
    parts: list[str] = [card.kind]
    if card.limit is not None:
        parts.append(count(card.limit, "token"))
    vectors = list(card.pooling or [])
    if any(module.name == NORMALIZED for module in card.modules):
        vectors.append("normalized")
    if vectors:
        parts.append(", ".join(vectors))
    if card.labels is not None:
        parts.append(count(len(card.labels), "label"))
    elif card.dimension is not None:
        parts.append(f"{card.dimension:,}")
    return visible(" · ".join(parts))


def limit_words(card: Card) -> str:
    """Return a model's limit and what sets it: `256 as trained; its positions allow 512`."""
    limits = card.limits
    if card.limit is None:
        return "texts of any length"
    states = [
        (limits.sentence_transformers, f"{card.limit:,} as trained", "sentence-transformers is set to"),
        (limits.positions, f"{card.limit:,}, as many as its positions allow", "its positions allow"),
        (limits.tokenizer, f"{card.limit:,}, as its tokenizer is set", "its tokenizer is set to"),
    ]
    chosen = f"{card.limit:,} as chosen" if card.is_limit_chosen else f"{card.limit:,}"
    effective = next((words for bound, words, _ in states if bound == card.limit and not card.is_limit_chosen), chosen)
    # Of several that set the same number, the first names it.
    setting = {bound: words for bound, _, words in reversed(states) if bound is not None and bound != card.limit}
    others = [f"{words} {bound:,}" for bound, words in reversed(setting.items())]
    return "; ".join([effective, ", ".join(others)]) if others else effective


def other_limits(card: Card) -> str:
    """Return `limit_words` in brackets after a space if a model has several limits; else nothing."""
    bounds = (card.limits.positions, card.limits.tokenizer, card.limits.sentence_transformers)
    differs = any(bound is not None and bound != card.limit for bound in bounds)
    return f" ({limit_words(card)})" if card.limit is not None and (differs or card.is_limit_chosen) else ""


def short_limit(card: Card) -> str:
    """Return a model's limit, with what sets it if there are several: `512`, or as `limit_words`; or `no limit`."""
    if card.limit is None:
        return "no limit"
    return limit_words(card) if other_limits(card) else f"{card.limit:,}"


def lowering_words(is_lowering: bool) -> str:
    """Return a clause, after a semicolon, on a model whose texts sentence-transformers lower-cases; else nothing."""
    return "; sentence-transformers lower-cases every text first (do_lower_case)" if is_lowering else ""


def beyond_positions(card: Card, chosen: int | None) -> str:
    """Say that a chosen limit is more than a model's positions allow; nothing if it is not."""
    positions = card.limits.positions
    if chosen is None or positions is None or chosen <= positions:
        return ""
    return f"a limit of {chosen:,} was chosen, but its positions allow {positions:,} tokens, so it reads {positions:,}"


def module_words(card: Card) -> str:
    """Return the modules in their order: `Transformer, Pooling (mean) in 1_Pooling, Normalize in 2_Normalize`."""
    steps = []
    for module in card.modules:
        modes = f" ({', '.join(card.pooling)})" if card.pooling and module.name.endswith("Pooling") else ""
        steps.append(f"{module.name}{modes}{f' in {module.path}' if module.path else ''}")
    return visible(", ".join(steps))


def weight_words(card: Card) -> str:
    """Return the files of weights, their size, and the number of values of each dtype."""
    weights = card.weights
    if weights is None:
        return "none here"
    files = weights.files[0] if len(weights.files) == 1 else f"{weights.files[0]} and {len(weights.files) - 1:,} more"
    dtypes = ", ".join(f"{values:,} {dtype}" for dtype, values in (weights.dtypes or {}).items())
    return visible(f"{files}, {weights.format}, {decimal_size(weights.bytes)}{f', {dtypes}' if dtypes else ''}")


def card_rows(card: Card) -> list[tuple[str, str]]:
    """Return a card as rows of a label and a text, without remarks and without what does not apply."""
    prompts = {name: text for name, text in card.prompts.items() if text}
    rows = [
        ("class", visible(card.class_name or "")),
        ("reads", limit_words(card)),
        ("modules", module_words(card)),
        ("vectors", "" if card.dimension is None or card.labels else f"{card.dimension:,} values"),
        ("similarity", card.similarity or ""),
        ("prompts", visible(", ".join(f"{name} {text!r}" for name, text in prompts.items()))),
        ("default prompt", visible(card.default_prompt or "")),
        ("labels", visible(", ".join(card.labels or []))),
        ("problem type", visible(card.problem_type or "")),
        ("quantization", visible(card.quantization or "")),
        ("weights", weight_words(card)),
    ]
    return [(label, text) for label, text in rows if text]
