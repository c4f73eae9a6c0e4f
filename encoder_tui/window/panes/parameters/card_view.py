"""What each model is, by what its directory says: the cards of all models side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from encoder_tui.core.models.card import Card
from encoder_tui.core.models.card_words import card_rows, line
from encoder_tui.core.parameters.described_card import (
    DescribedCard,
    block,
    described,
    fit_rows,
    needs_description,
    not_described,
)
from encoder_tui.core.text.safe import visible
from encoder_tui.window.panes.parameters.descriptions import Described
from encoder_tui.window.session.session import Session
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.widgets.lines import Lines
from encoder_tui.window.widgets.model_letters import letter_style

NARROWEST: Final = 22
"""Columns that a card needs; with fewer, the cards are placed above each other."""
WIDEST: Final = 90
LONGEST: Final = 8
"""Lines of one cell, except remarks; all of it is copied."""
COPIED: Final = 100
"""Columns of the copied text: those of `encoder-tui info` without a terminal."""

KIND, REMARKS, ABSENT = "kind", "remarks", "–"


@dataclass(frozen=True)
class ShownCard:
    """A model with its card; `number` chooses its colour.

    `found` is None if nothing is known of it yet; `message` says why, or what is being read.
    """

    number: int
    letter: str
    short: str
    name: str
    found: DescribedCard | None
    message: str
    is_failed: bool = False

    @property
    def cells(self) -> dict[str, str]:
        """The texts by their labels, in order."""
        if self.found is None:
            return {KIND: self.message}
        rows = {KIND: line(self.found.card)}
        if self.found.card.remarks:
            rows[REMARKS] = "\n".join(f"! {visible(remark)}" for remark in self.found.card.remarks)
        rows |= dict(card_rows(self.found.card))
        rows |= dict(fit_rows(self.found))
        if self.message:
            rows["missing"] = f"… {self.message}"
        return rows


class CardView(Lines):
    """A row for each thing that the cards say, a column for each model; models that do not fit beside follow below."""

    COMPONENT_CLASSES = {"card--quiet", "card--warning", "card--failed"}
    DEFAULT_CSS = """
    CardView .card--quiet { color: $text-muted; }
    CardView .card--warning { color: $text-warning; }
    CardView .card--failed { color: $text-error; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.shown: list[ShownCard] = []
        self._strips: list[Strip] = []

    def show(self, entries: Sequence[Described]) -> None:
        """Show the models; a card needs no engine, only whether its checkpoint fits does."""
        letters = self.session.letters
        together = zip(letters, self.session.slots, entries, strict=True)
        self.shown = [_shown(letter, slot, entry) for letter, slot, entry in together]
        self._lay()

    def on_resize(self) -> None:
        self._lay()

    def line(self, index: int) -> Strip:
        return self._strips[index]

    def copied(self) -> str:
        """Return what `encoder-tui info` prints of these models."""
        return "\n\n".join(block(one.name, one.found, COPIED) for one in self.shown if one.found is not None)

    def tsv(self) -> str:
        """The table, tab-separated."""
        rows = [["", *(f"{one.letter} {one.name}" for one in self.shown)]]
        cells = [one.cells for one in self.shown]
        rows += [[label, *(each.get(label, ABSENT) for each in cells)] for label in _labels(cells)]
        return "".join("\t".join(map(visible, row)) + "\n" for row in rows)

    # Drawing

    def _lay(self) -> None:
        width = self.scrollable_content_region.width or self.size.width
        if not width or not self.is_mounted:
            return
        self._strips = []
        left = max((len(label) for one in self.shown for label in one.cells), default=0) + 3
        most = max((width - left) // (NARROWEST + 2), 1)
        # As many beside each other in every group, so that four models of which three fit are two and two.
        groups = -(-len(self.shown) // most)
        beside = -(-len(self.shown) // groups) if groups else 1
        for start in range(0, len(self.shown), beside):
            if self._strips:
                self._strips.append(Strip([]))
            group = self.shown[start : start + beside]
            self._lay_group(group, left, min((width - left) // len(group) - 2, WIDEST))
        self.set_size(len(self._strips))

    def _lay_group(self, group: Sequence[ShownCard], left: int, column: int) -> None:
        column = max(column, 8)
        heads = [self._wrapped(f"{one.letter}  {visible(one.short)}", column) for one in group]
        styles = [letter_style(self, one.number, True) for one in group]
        self._append("", heads, left, column, styles)
        cells = [one.cells for one in group]
        quiet = self.get_component_rich_style("card--quiet")
        for label in _labels(cells):
            texts = [each.get(label, ABSENT) for each in cells]
            agree = len(group) > 1 and len(set(texts)) == 1
            wrapped = [self._wrapped(text, column, None if label == REMARKS else LONGEST) for text in texts]
            styles = [
                self.get_component_rich_style("card--failed")
                if label == KIND and one.is_failed and one.found is None
                else self.get_component_rich_style("card--warning")
                if label == REMARKS and text != ABSENT
                else quiet
                if agree or text == ABSENT
                else Style.null()
                for one, text in zip(group, texts, strict=True)
            ]
            self._append(label, wrapped, left, column, styles)

    def _append(
        self, label: str, columns: Sequence[Sequence[str]], left: int, width: int, styles: Sequence[Style]
    ) -> None:
        """Add the lines of one row."""
        quiet = self.get_component_rich_style("card--quiet")
        for number in range(max(map(len, columns), default=0)):
            segments = [Segment(f" {label if number == 0 else '':<{left - 1}}", quiet)]
            for lines, style in zip(columns, styles, strict=True):
                text = lines[number] if number < len(lines) else ""
                segments.append(Segment(text + " " * (width + 2 - cell_len(text)), style))
            self._strips.append(Strip(segments))

    def _wrapped(self, text: str, width: int, most: int | None = None) -> list[str]:
        lines = [part.plain.rstrip() for part in Text(text).wrap(self.app.console, width)]
        if most is None or len(lines) <= most:
            return lines
        return [*lines[: most - 1], f"… and {len(lines) - most + 1:,} more lines"]


def _shown(letter: str, slot: Slot, entry: Described) -> ShownCard:
    card: Card | None = entry.card or (None if slot.files is None else slot.files.card)
    if card is None:
        message = slot.message if slot.state == "failed" and not entry.is_failed else entry.message
        return ShownCard(
            slot.number,
            letter,
            slot.short,
            slot.name,
            None,
            visible(message),
            entry.is_failed or slot.state == "failed",
        )
    has_parameters = entry.card is None or entry.files is not None
    if not has_parameters or not needs_description(card, entry.files or slot.files):
        return ShownCard(slot.number, letter, slot.short, slot.name, DescribedCard(card), "")
    if entry.bare is not None:
        return ShownCard(slot.number, letter, slot.short, slot.name, described(card, entry.bare), "")
    if entry.is_failed:
        return ShownCard(slot.number, letter, slot.short, slot.name, not_described(card, entry.message), "", True)
    return ShownCard(slot.number, letter, slot.short, slot.name, DescribedCard(card), entry.message)


def _labels(cells: Sequence[dict[str, str]]) -> list[str]:
    """Return the labels of all cards, each once, in the order that every card has them."""
    found: list[str] = []
    for each in cells:
        place = len(found)
        for label in reversed(each):
            if label in found:
                place = found.index(label)
            else:
                found.insert(place, label)
    return found
