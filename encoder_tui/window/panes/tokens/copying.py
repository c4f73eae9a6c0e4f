"""The texts that the Tokens pane copies or saves."""

from __future__ import annotations

from encoder_tui.core.models.files import name_of
from encoder_tui.core.report.reproduce import encode_snippet
from encoder_tui.core.tokens.comparison import Comparison
from encoder_tui.core.tokens.tokenizer import EncodeOptions
from encoder_tui.window.session.session import Session


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
    session: Session, text: str, asked: tuple[list[str], str | None, EncodeOptions] | None, tensors: bool
) -> str:
    """Return Python code that gives the same with transformers.

    `asked` are the texts, pair and options of a view that has its own.
    """
    names = [name_of(slot.files) for slot in session.slots if slot.tokenizer and slot.files]
    return encode_snippet(names, [text], tensors=tensors) if asked is None else encode_snippet(names, *asked)
