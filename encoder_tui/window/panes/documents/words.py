"""The pane's words: progress, the line of the source, and the sentence about the current document."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content

from encoder_tui.client.collection import CountedModel
from encoder_tui.core.defaults import LETTERS, STRIDE
from encoder_tui.core.models.card_words import other_limits
from encoder_tui.core.text.numbers import count, share_percent
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol.frames import Progress
from encoder_tui.window.panes.documents.counting import Counting
from encoder_tui.window.panes.documents.reading import Reading
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.table import shortened


def progress_words(progress: Progress) -> str:
    """Return what the engine is doing, and how much of it is done."""
    done = f", {share_percent(progress.done / progress.total)}" if progress.total and progress.done else ""
    return f"{progress.text}{done}"


def source_line(label: str, doing: str, listed: str, counted: str, width: int, *, is_arranged: bool) -> Content:
    """Return a line: the source on the left, the listed rows and the progress of counting on the right.

    `counted` is empty if nothing is counted. `is_arranged` is whether the list is filtered or sorted.
    """
    room = max(width - 2, 20)
    # A filter must be readable; of the source, which the user chose, less is enough.
    label = visible(label)
    for_right = room - min(cell_len(label), room // (5 if is_arranged else 3)) - 1
    right = visible(doing)
    if not right and (is_arranged or counted):
        right = visible(listed)
        line = visible(f" · {counted}") if counted else ""
        if not is_arranged or cell_len(right + line) <= for_right:
            right += line
    right = shortened(right, for_right)
    left = shortened(label, max(room - cell_len(right) - 2, 8))
    gap = " " * max(room - cell_len(left) - cell_len(right), 1)
    return Content.assemble(" ", (left, "bold"), gap, (right, QUIET))


def counting_words(counting: Counting | None, total: int | None) -> str:
    """Return the progress of counting, with a bar if the number of rows, `total`, is known; empty if there is none."""
    if counting is None:
        return ""
    if counting.state in {"counting", "paused"} and total:
        return f"{counting.summary()} {progress_bar(counting.counts.next / (counting.counts.sample or total), 10)}"
    return counting.summary()


def progress_bar(share: float, width: int) -> str:
    """Return a bar in one line, precise to an eighth of a cell."""
    eighths = round(min(max(share, 0), 1) * width * 8)
    full, part = divmod(eighths, 8)
    bar = "█" * full + (" ▏▎▍▌▋▊▉"[part] if part else "")
    return f"▕{bar:<{width}}▏"


def document_summary(readings: Sequence[Reading], length: int, *, is_brief: bool = False) -> str:
    """Return what each model sees of a document of `length` characters, and how many windows would cover it.

    A brief one leaves out the other limits of the models.
    """
    if not readings:
        return f"{count(length, 'character')}; not tokenized yet."
    return " · ".join(f"{_of_model(reading)}{'' if is_brief else reading.others}" for reading in readings)


def beside(model: CountedModel) -> str:
    """Return words on a model's other limits, and on the lower case of its texts; empty if there is neither."""
    return other_limits(model.card) + (" (texts are lower-cased first)" if model.lowers_case else "")


def _of_model(reading: Reading) -> str:
    letter = LETTERS[reading.slot]
    if not reading.tokens.is_whole:
        return f"{letter} sees {count(reading.seen[1], 'character')}; its tokens are being counted"
    if reading.cut is None or reading.limit is None:
        return f"{letter} sees all {reading.tokens.total:,} tokens of it"
    line = f"{letter} sees {share_percent(reading.share)} of this document"
    try:
        windows = len(reading.tokens.windows(reading.limit, STRIDE))
    except ValueError:
        return line
    return f"{line}; {windows:,} windows of {reading.limit:,} with a stride of {STRIDE} would cover it"
