"""The pane's words: progress, what stands in the source's line, and the sentence about the document at hand."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content

from encoder_tui.core.defaults import LETTERS, STRIDE
from encoder_tui.core.text.numbers import count, share_percent
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol.frames import Progress
from encoder_tui.window.panes.documents.counting import Counting
from encoder_tui.window.panes.documents.reading import Reading
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.table import shortened


def progress_words(progress: Progress) -> str:
    """What the engine is doing, and how much of it is done."""
    done = f", {share_percent(progress.done / progress.total)}" if progress.total and progress.done else ""
    return f"{progress.text}{done}"


def source_line(label: str, doing: str, listed: str, counted: str, width: int, *, is_arranged: bool) -> Content:
    """The source on the left; which rows are listed, and how far the counting is, on the right.

    `counted` is empty while there is no counting. `is_arranged` if the list is not all documents in their order.
    """
    room = max(width - 2, 20)
    # What is left out of the list must be read; of a source that was chosen, less is enough.
    label = visible(label)
    for_right = room - min(cell_len(label), room // (5 if is_arranged else 3)) - 1
    right = visible(doing)
    if not right and (is_arranged or counted):
        right = visible(listed)
        told = visible(f" · {counted}") if counted else ""
        if not is_arranged or cell_len(right + told) <= for_right:
            right += told
    right = shortened(right, for_right)
    left = shortened(label, max(room - cell_len(right) - 2, 8))
    gap = " " * max(room - cell_len(left) - cell_len(right), 1)
    return Content.assemble(" ", (left, "bold"), gap, (right, QUIET))


def counting_words(counting: Counting | None, total: int | None) -> str:
    """How far the counting is, of a source of `total` rows if that is known; empty without a counting."""
    if counting is None:
        return ""
    if counting.state in {"counting", "paused"} and total:
        return f"{counting.summary()} {progress_bar(counting.counts.next / (counting.counts.sample or total), 10)}"
    return counting.summary()


def progress_bar(share: float, width: int) -> str:
    """A bar in one line, to an eighth of a cell."""
    eighths = round(min(max(share, 0), 1) * width * 8)
    full, part = divmod(eighths, 8)
    bar = "█" * full + (" ▏▎▍▌▋▊▉"[part] if part else "")
    return f"▕{bar:<{width}}▏"


def document_summary(readings: Sequence[Reading], length: int) -> str:
    """What each model sees of a document of `length` characters, and what windows would take."""
    if not readings:
        return f"{count(length, 'character')}; no model has tokenized them yet."
    return " · ".join(map(_of_model, readings))


def _of_model(reading: Reading) -> str:
    letter = LETTERS[reading.slot]
    if not reading.tokens.is_whole:
        return f"{letter} sees {count(reading.seen[1], 'character')}; its tokens are being counted"
    if reading.cut is None or reading.limit is None:
        return f"{letter} sees all {reading.tokens.total:,} tokens of it"
    told = f"{letter} sees {share_percent(reading.share)} of this document"
    try:
        windows = len(reading.tokens.windows(reading.limit, STRIDE))
    except ValueError:
        return told
    return f"{told}; {windows:,} windows of {reading.limit:,} with a stride of {STRIDE} would see it all"
