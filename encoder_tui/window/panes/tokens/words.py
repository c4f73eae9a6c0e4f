"""The words of the Tokens pane: a line for each model, the summary, the block under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import shorten, visible, visible_piece
from encoder_tui.core.tokens.comparison import Comparison, Stream
from encoder_tui.core.tokens.token_bytes import bytes_of
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.model_letters import letter_markup

BYTES_SHOWN = 12
TOKENS_SHOWN = 24


def model_line(slot: Slot, stream: Stream | None, refusal: str, text: str, width: int) -> Content:
    """Return a model's line: tokens, characters per token, unknown tokens, kind of tokenizer; or why there are none."""
    parts: list[Content | tuple[str, str]] = [(f" {slot.letter} ", letter_markup(slot.number))]
    if slot.state == "failed" or refusal:
        wrong = slot.message if slot.state == "failed" else refusal
        # Shortened in the middle: a path may be long, and the reason is at the end.
        parts.append((f" {shorten(visible(wrong), max(width - 5, 1))}", "$text-error"))
    elif stream is None:
        words = "no tokens yet" if slot.state == "exact" else f"{visible(slot.message) or 'loading'}…"
        parts.append((f" {words}", QUIET))
    else:
        tokens = len(stream.encoding)
        ratio = f"{len(text) / tokens:.1f}" if tokens else "–"
        unknown = f"{stream.unknown:,} unknown"
        parts += [
            (f" {count(tokens, 'token'):<14}", "bold"),
            (f" {ratio} characters per token  " if width >= 100 else f" {ratio} per token  ", QUIET),
            (f"{unknown:<11} ", "$text-error" if stream.unknown else QUIET),
        ]
        used = sum(len(part[0] if isinstance(part, tuple) else part.plain) for part in parts)
        about = f" {stream.tokenizer.kind}"
        if slot.state == "provisional":
            about = f" provisional: plain tokenizer.json · {visible(slot.message)}"
        parts.append((fewer_clauses(about, width - used), QUIET))
    return Content.assemble(*parts).truncate(max(width, 1), ellipsis=True)


def comparison_summary(comparison: Comparison, width: int) -> Content:
    """Return the summary of a comparison; it names as many differences as fit in one line."""
    for names in (6, 4, 3, 2, 1, 0):
        words = visible(comparison.sentence(names))
        if cell_len(words) < width - 1:
            break
    return Content(f" {words}").truncate(max(width, 1), ellipsis=True)


def fewer_clauses(words: str, width: int) -> str:
    """Return as many whole clauses of a line as fit; the comma inside a number ends none."""
    while len(words) > width and ", " in words:
        words = words.rpartition(", ")[0]
    return words if len(words) <= width else ""


def block_lines(comparison: Comparison, block_index: int, width: int) -> Content:
    """Describe the block under the cursor: its characters, and each stream's tokens with ids, spans and bytes."""
    if not comparison.present:
        return Content("")
    block = comparison.alignment[block_index]
    text = comparison.alignment.text[block.start : block.end]
    shown = visible(text.strip(" ")) or "␣" * min(len(text), 8) or "nothing"
    lines = [
        Content.assemble(
            (" ▸ ", "bold"),
            (shorten(shown, 40), "bold"),
            (f"   characters {block.start:,}–{block.end:,}", QUIET),
            (f"   block {block_index + 1:,} of {len(comparison.alignment):,}", QUIET),
        )
    ]
    tokens = iter(block.tokens)
    for model, stream in zip(comparison.models, comparison.streams, strict=True):
        if stream is not None:
            lines.append(_stream_line(model.number, stream, next(tokens)))
    return Content("\n").join(line.truncate(max(width - 1, 1), ellipsis=True) for line in lines)


def _stream_line(index: int, stream: Stream, tokens: Sequence[int]) -> Content:
    parts: list[tuple[str, str]] = [(f" {LETTERS[index]} ", letter_markup(index))]
    for token in tokens[:TOKENS_SHOWN]:
        start, end = stream.encoding.offsets[token]
        raw = bytes_of(stream, token)
        spelled = raw[:BYTES_SHOWN].hex(" ").upper() + (" …" if len(raw) > BYTES_SHOWN else "")
        parts += [
            (f" {visible_piece(stream.encoding.tokens[token])}", "bold"),
            (f" {stream.encoding.ids[token]}", ""),
            (f" {start:,}–{end:,}", QUIET),
            (f" {spelled} ", QUIET),
        ]
    if len(tokens) > TOKENS_SHOWN:
        parts.append((f" and {len(tokens) - TOKENS_SHOWN:,} more", QUIET))
    if not tokens:
        parts.append((" no token here", QUIET))
    return Content.assemble(*parts)
