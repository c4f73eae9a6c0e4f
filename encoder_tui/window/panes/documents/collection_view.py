"""The collection: a summary, and each model's statistics and histogram of lengths."""

from __future__ import annotations

import textwrap
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widgets import Static

from encoder_tui.core.defaults import LETTERS, STRIDE
from encoder_tui.core.documents.document import LIMITS
from encoder_tui.core.documents.lengths import CollectionCounts, LengthCounts, card
from encoder_tui.core.text.numbers import share_percent
from encoder_tui.core.text.safe import last_part, visible
from encoder_tui.window.panes.documents.counting import Counting
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.lines import Lines
from encoder_tui.window.widgets.model_letters import letter_style
from encoder_tui.window.widgets.plots import histogram
from encoder_tui.window.widgets.table import shortened

SAMPLES: Final = (("all rows", None), *((f"{rows:,} rows", rows) for rows in (100, 1_000, 10_000)))
SHORTEST: Final = 12
"""The fewest cells of a name that still identify a model."""
SHOWN: Final = tuple(limit for limit in LIMITS if limit >= 512)


class Figures(Lines):
    """Statistics and histograms, one model after the other."""

    def __init__(self) -> None:
        super().__init__(id="figures")
        self._lines: list[tuple[str, int | None]] = []

    def show(self, counts: CollectionCounts, slots: list[int]) -> None:
        """Show counts; `slots` are the models' places."""
        width = max(self.size.width - 2, 40)
        self._lines = []
        for slot, model in zip(slots, counts.models, strict=True):
            if not model.total:
                continue
            # The last cell may be the scroll bar's. A hidden view has no width, but is filled all the same.
            room = max(self.size.width, 40) - 1
            self._lines += [(line, slot) for line in heading(LETTERS[slot], model, room)]
            self._lines += [(f"    {line}", None) for line in shares(model, room - 4)]
            limits = [] if model.limit is None else [model.limit]
            self._lines += [(f" {line}", slot) for line in histogram(model.documents, limits, width, 9)]
            self._lines.append(("", None))
        self.set_size(len(self._lines))

    def clear(self) -> None:
        """Show nothing."""
        self._lines = []
        self.set_size(0)

    def copied(self) -> str:
        """Return the statistics as they are shown."""
        return "\n".join(text for text, _ in self._lines)

    def line(self, index: int) -> Strip:
        text, slot = self._lines[index]
        return Strip([Segment(text, Style.null() if slot is None else letter_style(self, slot))])


def heading(letter: str, model: LengthCounts, width: int) -> list[str]:
    """Return a model's name and statistics in one line if they fit (shortening the name), otherwise in several."""
    shown, name = figures(model), visible(model.model)
    room = width - len(f" {letter}  : {shown}")
    last = last_part(name)
    if room >= min(cell_len(last), SHORTEST):
        return [f" {letter}  {name if cell_len(name) <= room else shortened(last, room)}: {shown}"]
    return [f" {letter}  {shortened(name, width - 4)}", *(f"    {line}" for line in textwrap.wrap(shown, width - 4))]


def figures(model: LengthCounts) -> str:
    """Return median, p95 and maximum length, and characters per token, of one model."""
    return (
        f"median {model.quantile(0.5):,.0f} tokens, p95 {model.quantile(0.95):,.0f}, max {model.longest:,}; "
        f"{model.characters_per_token:.2f} characters per token"
    )


def shares(model: LengthCounts, width: int) -> list[str]:
    """Return a table of limits: the shares of documents and tokens beyond each, and windows per document."""
    limits = sorted({*SHOWN, *([] if model.limit is None else [model.limit])})
    cell = min(max((width - 10) // len(limits), 10), 11)
    heads = "".join(f"{limit:>{cell},}" for limit in limits)
    documents = "".join(f"{share_percent(model.documents_beyond(limit)):>{cell}}" for limit in limits)
    tokens = "".join(f"{share_percent(model.tokens_beyond(limit)):>{cell}}" for limit in limits)
    windows = "".join(
        f"{model.windows(limit, STRIDE):>{cell}.1f}" if limit - model.special > STRIDE else f"{'–':>{cell}}"
        for limit in limits
    )
    return [f"beyond    {heads}", f"documents {documents}", f"tokens    {tokens}", f"windows   {windows}"]


class CollectionView(Vertical):
    """How much of a whole collection each model loses."""

    DEFAULT_CSS = """
    CollectionView { height: 1fr; }
    CollectionView > Horizontal { height: 1; }
    CollectionView > #card { height: auto; padding: 0 1; text-style: bold; }
    CollectionView #counting-words {
        width: 1fr; height: 1; padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: tuple[Counting | None, list[int], CollectionCounts | None, bool] | None = None

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Cycle("count", SAMPLES, id="sample")
            yield Static(id="counting-words", markup=False)
        yield Static(id="card", markup=False)
        yield Figures()

    def show(
        self, counting: Counting | None, slots: list[int], reopened: CollectionCounts | None, is_open: bool
    ) -> None:
        """Show the progress and the results of counting; `is_open` is whether a source is open."""
        self._shown = (counting, slots, reopened, is_open)
        words = self.query_one("#counting-words", Static)
        counts = reopened or (counting.counts if counting is not None else None)
        if counts is None:
            wanted = "a tokenizer has loaded" if is_open else "a source is open"
            words.update(Content(f"Statistics appear here once {wanted}."))
            # Results of a removed model must not be shown as another's.
            self.query_one("#card", Static).update("")
            self.query_one(Figures).clear()
            return
        line = counts.sentence() if reopened is not None or counting is None else counting.summary()
        if reopened is not None:
            # How much was counted comes first: a narrow window cuts the end.
            line = f"reopened: {line} · {visible(counts.source)} · {visible(counts.column)}"
        elif counting is not None and counting.counters:
            line += f" · by {', '.join(dict.fromkeys(counting.counters))}"
        words.update(Content(line))
        names = [f"{LETTERS[slot]}" for slot in slots]
        counted = card(counts.models, STRIDE, names) if len(names) == len(counts.models) else []
        empty = "Press space to count the tokens of the collection in the background."
        self.query_one("#card", Static).update(Content("\n".join(counted) or empty))
        self.query_one(Figures).show(counts, slots)

    def copied(self) -> str:
        """Return what the view shows, as text."""
        return self.query_one(Figures).copied()

    def on_resize(self) -> None:
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        if self._shown is not None:
            self.show(*self._shown)
