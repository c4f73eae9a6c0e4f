"""The norm of every token's vector, along the text."""

from __future__ import annotations

import asyncio
from typing import Final

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from encoder_tui.core.outputs.slices import Window
from encoder_tui.core.text.safe import visible, visible_piece
from encoder_tui.window.panes.outputs.tensor_view import Look
from encoder_tui.window.panes.outputs.view import ChosenOutput, OutputsState
from encoder_tui.window.widgets.bars import bar
from encoder_tui.window.widgets.table import Column, Table

LABELS: Final = ("token", "text", "norm")


class NormsView(Look):
    """The Euclidean norm of every token's vector, along the text."""

    DEFAULT_CSS = """
    NormsView Table { height: 1fr; }
    """

    def __init__(self, state: OutputsState) -> None:
        super().__init__(state)
        self._norms: list[float] = []

    def compose(self) -> ComposeResult:
        yield Static(classes="title", markup=False)
        yield Table([Column("#", 5, "right"), Column("token", 16), Column("norm", 10, "right"), Column("", 0)])

    def choices(self) -> list[int]:
        return [place for place, chosen in enumerate(self.state.rows()) if len(chosen.output.shape) == 3]

    def show(self) -> None:
        chosen = self.chosen()
        title = self.query_one(".title", Static)
        if chosen is None or chosen.run.answer is None:
            self._shown, self._norms = (), []
            self.query_one(Table).show_rows(0, lambda row: ())
            title.update(self.nothing() if chosen is None else self.title(chosen))
            return
        title.update(self.title(chosen))
        if self.key(chosen) != self._shown:
            self._shown, self._norms = self.key(chosen), []
            self._stop()
            self._asking = asyncio.create_task(self._bring(chosen))

    async def _bring(self, chosen: ChosenOutput) -> None:
        rows, columns = chosen.output.shape[-2:]
        cells = await self.look(chosen, Window(0, 0, 1, 1, rows, columns), "norm")
        if cells is None:
            self.query_one(".title", Static).update(Content.styled(f" {self._complaint}", "$text-error"))
            return
        if self.key(chosen) == self._shown:
            self._norms = list(cells.values())
            highest = max(self._norms, default=1.0) or 1.0
            table = self.query_one(Table)

            def row(index: int) -> tuple[str, ...]:
                norm = self._norms[index]
                room = max(table.widths()[-1] - 1, 4)
                return str(index), visible_piece(self.token(chosen, index)), f"{norm:.4f}", bar(norm / highest, room)

            table.show_rows(len(self._norms), row)
            self.post_message(self.SummaryChanged())

    def summary(self) -> str:
        chosen = self.chosen()
        if chosen is None or not self._norms:
            return ""
        low, high = (pick(range(len(self._norms)), key=self._norms.__getitem__) for pick in (min, max))
        if f"{self._norms[low]:.4g}" == f"{self._norms[high]:.4g}":
            return (
                f"All of {chosen.letter}'s vectors have length {self._norms[high]:.4g}, because"
                " the model normalises them"
            )
        return (
            f"{chosen.letter}'s longest vector is token {high:,} {visible_piece(self.token(chosen, high))}"
            f" ({self._norms[high]:.2f}), the shortest is token {low:,} {visible_piece(self.token(chosen, low))}"
            f" ({self._norms[low]:.2f})"
        )

    def copied(self) -> str:
        chosen = self.chosen()
        if chosen is None or not self._norms:
            return ""
        rows = [(str(index), self.token(chosen, index), repr(norm)) for index, norm in enumerate(self._norms)]
        return "\n".join("\t".join(map(visible, row)) for row in [LABELS, *rows])
