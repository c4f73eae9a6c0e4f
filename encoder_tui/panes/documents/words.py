"""The pane's words: what stands in the source's line, and the sentence about the document at hand."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from encoder_tui.defaults import LETTERS
from encoder_tui.display import count, shorten, visible
from encoder_tui.documents import percent
from encoder_tui.panes.documents.counting import Counting
from encoder_tui.panes.documents.reading import Reading

STRIDE = 64


def source_line(
    label: str, doing: str, total: int | None, known: int, counting: Counting | None, width: int
) -> Content:
    """What is listed on the left; how many rows, and how far the counting is, on the right."""
    right = doing
    if not right and counting is not None:
        rows = f"{known:,} rows so far" if total is None else count(total, "row")
        right = f"{rows} · {counting.words()}"
        if counting.state in {"counting", "paused"} and total:
            right += f" {progress_bar((counting.counts.next) / (counting.counts.sample or total), 10)}"
    room = max(width - 2, 20)
    right = shorten(visible(right), room - min(len(label), room // 3) - 1)
    left = shorten(visible(label), max(room - len(right) - 2, 8))
    gap = " " * max(room - len(left) - len(right), 1)
    return Content.assemble(" ", (left, "bold"), gap, (right, "$text-muted"))


def progress_bar(share: float, width: int) -> str:
    """A bar in one line, to an eighth of a cell."""
    eighths = round(min(max(share, 0), 1) * width * 8)
    full, part = divmod(eighths, 8)
    bar = "█" * full + (" ▏▎▍▌▋▊▉"[part] if part else "")
    return f"▕{bar:<{width}}▏"


def sentence(readings: Sequence[Reading], is_tokenized: bool, length: int) -> str:
    """What each model sees of the document, and what windows would take."""
    if not readings:
        return f"{count(length, 'character')}; no model has tokenized them yet." if not is_tokenized else ""
    return " · ".join(map(_of_model, readings))


def _of_model(reading: Reading) -> str:
    letter = LETTERS[reading.slot]
    if not reading.tokens.is_whole:
        return f"{letter} sees {count(reading.seen[1], 'character')}; its tokens are being counted"
    if reading.cut is None or reading.limit is None:
        return f"{letter} sees all {reading.tokens.total:,} tokens of it"
    told = f"{letter} sees {percent(reading.share)} of this document"
    try:
        windows = len(reading.tokens.windows(reading.limit, STRIDE))
    except ValueError:
        return told
    return f"{told}; {windows:,} windows of {reading.limit:,} with a stride of {STRIDE} would see it all"
