"""The vectors of the texts: what each model reads of a text, the norm, and the values as a strip of shades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult

from encoder_tui.core.models.card import Card
from encoder_tui.core.tasks.encoding import EncodeAnswer
from encoder_tui.core.tasks.encoding_words import COLUMNS, heading, text_cells, vector_record
from encoder_tui.core.text.safe import visible
from encoder_tui.window.panes.tasks import words
from encoder_tui.window.panes.tasks.encoding import vectors_python
from encoder_tui.window.panes.tasks.view import TasksState, TaskView
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.widgets import heat_colours
from encoder_tui.window.widgets.model_letters import letter_style
from encoder_tui.window.widgets.table import fitted
from encoder_tui.window.widgets.written_lines import Written

STRIP: Final = 32
"""Cells of a strip at most."""
WIDTHS: Final = (5, 8, 11, 8, 9)
"""Cells of the columns before the strip: text, tokens, characters, cut at, norm."""
FULL: Final = 3
"""A strip's colour is full at this many standard deviations of what it shows."""
RUNS: Final = "encodes the texts above with every model as it is deployed"


class VectorsView(TaskView):
    """A row for each text under each model."""

    DEFAULT_CSS = """
    VectorsView { height: 1fr; }
    """
    about = "the vectors of the texts, as each model makes them once it is deployed"

    def __init__(self, state: TasksState) -> None:
        super().__init__(state)
        self.asker = state.encoding

    def compose(self) -> ComposeResult:
        yield Written()

    def unfit(self, card: Card) -> str:
        return words.needs_vectors(card)

    def draw(self) -> None:
        """Show a section for each model."""
        if not self.is_mounted:
            return
        body = self.query_one(Written)
        if self.asker.asked is None:
            body.write(words.as_lines(words.teaching(self, RUNS), self.size.width))
            return
        lines: list[list[Segment]] = words.as_lines(words.notes(self), self.size.width)
        for slot in self.asker.compared:
            answer = self.asker.answers.get(slot)
            if answer is not None:
                lines += self._section(slot, answer, body)
        body.write(lines)

    def _section(self, slot: Slot, answer: EncodeAnswer, body: Written) -> list[list[Segment]]:
        letter = Segment(f" {slot.letter}  ", letter_style(self, slot.number, bold=True))
        lines = [[letter, body.quiet(heading(answer.pipeline, answer.dimension))]]
        lines += [[Segment("    "), body.warning(f"! {visible(remark)}")] for remark in self._remarks(slot, answer)]
        labels, texts = words.labels(self.asker.asked), words.names(self.asker.asked)
        lines.append([body.quiet("  " + "".join(map(_right, COLUMNS, WIDTHS)))])
        for text, label in enumerate(labels):
            *cells, last = text_cells(answer, text)
            cells[0] = label
            is_cut = answer.texts[text].cut is not None
            row = [
                Segment("  " + "".join(map(_right, cells[:3], WIDTHS))),
                (body.warning if is_cut else body.quiet)(_right(cells[3], WIDTHS[3])),
                Segment(_right(cells[4], WIDTHS[4]) + "  "),
            ]
            if answer.vectors.layout == "dense":
                row += self._strip(answer.vectors.vector(text))
            else:
                row.append(Segment(last))
            lines.append([*row, body.quiet(f"  {visible(texts[text].partition(' ')[2])}")])
        return [*lines, []]

    def _remarks(self, slot: Slot, answer: EncodeAnswer) -> list[str]:
        return [remark.removeprefix(f"{slot.name}: ") for remark in answer.pipeline.remarks]

    def _strip(self, vector: Sequence[float]) -> list[Segment]:
        """Return the values as shades, in order; a cell is the mean of as many values as have to share it."""
        step = -(-len(vector) // STRIP)
        means = [sum(vector[at : at + step]) / len(vector[at : at + step]) for at in range(0, len(vector), step)]
        finite = [mean for mean in means if math.isfinite(mean)]
        spread = math.sqrt(sum(mean * mean for mean in finite) / len(finite)) if finite else 0.0
        styles = heat_colours.colours_of(self)
        is_coarse = self.app.no_color or self.app.current_theme.ansi
        cells = []
        for mean in means:
            if not math.isfinite(mean):
                cells.append(Segment("!", Style(reverse=True)))
                continue
            level = heat_colours.level(mean, FULL * spread, 1.0)
            glyph = heat_colours.glyph(level) if is_coarse else " "
            cells.append(Segment(glyph, styles[heat_colours.LEVELS + level]))
        return cells

    def summary(self) -> str:
        said = words.summary(self, "encode")
        if said:
            return said
        return "; ".join(
            f"{slot.letter}: {_reads(answer)}"
            for slot in self.asker.compared
            if (answer := self.asker.answers.get(slot)) is not None
        )

    def python(self) -> str:
        return vectors_python(self.asker, self.session)

    def copied(self) -> str:
        """Every vector with every digit, a line each."""
        labels = words.labels(self.asker.asked)
        rows = []
        for slot in self.asker.slots:
            answer = self.asker.answers.get(slot)
            for text in range(0 if answer is None else len(answer.texts)):
                assert answer is not None
                rows.append([visible(slot.name), labels[text], *map(_spelled, vector_record(answer, text))])
        return "\n".join("\t".join(row) for row in [["model", "text", "vector"], *rows]) if rows else ""


def _right(cell: str, width: int) -> str:
    return fitted(cell, width, "right")


def _spelled(value: object) -> str:
    return visible(repr(value))


def _reads(answer: EncodeAnswer) -> str:
    """Say how many values a vector has, and of how many texts the end is not read."""
    cut = sum(text.cut is not None for text in answer.texts)
    read = "reads all texts whole" if not cut else f"cuts {cut:,} of {len(answer.texts):,} texts"
    random = ", random weights" if answer.pipeline.is_random else ""
    return f"{answer.dimension:,} values a vector, {read}{random}"
