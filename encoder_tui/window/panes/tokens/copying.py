"""The texts that the Tokens pane copies or saves."""

from __future__ import annotations

from collections.abc import Sequence

from encoder_tui.core.models.files import name_of
from encoder_tui.core.models.ready import RequestedModel
from encoder_tui.core.report.reproduce import encode_snippet
from encoder_tui.core.tokens.comparison import Comparison
from encoder_tui.core.tokens.tokenizer import EncodeOptions


def block(comparison: Comparison, index: int) -> str:
    """Return a block's characters, and a line of tokens with ids for each stream; empty if there is no such block."""
    # While another view is in front, the ribbon keeps the text that it showed last, which may have been longer.
    if not 0 <= index < len(comparison.alignment):
        return ""
    chosen = comparison.alignment[index]
    lines = [comparison.alignment.text[chosen.start : chosen.end]]
    for stream, tokens in zip(comparison.present, chosen.tokens, strict=True):
        lines.append(" ".join(f"{stream.encoding.tokens[t]} {stream.encoding.ids[t]}" for t in tokens))
    return "\n".join(lines)


def why_no_block(view: str) -> str:
    """Say why no block can be copied in a view."""
    if view == "aligned":
        return "there is nothing to copy yet"
    return 'y copies a block in the view "aligned" only; t copies the tables, i the ids, p Python code'


def ids(comparison: Comparison) -> str:
    """Return the ids of every stream, one line each."""
    return "\n".join(" ".join(map(str, stream.encoding.ids)) for stream in comparison.present)


def python(
    models: Sequence[RequestedModel],
    texts: list[str],
    pair: str | None = None,
    options: EncodeOptions | None = None,
    *,
    tensors: bool = False,
) -> str:
    """Return Python code that encodes texts with transformers, under those of the models that have loaded."""
    names = [name_of(model.ready.files) for model in models if model.ready is not None]
    return encode_snippet(names, texts, pair, options, tensors=tensors)
