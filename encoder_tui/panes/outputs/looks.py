"""Looking at one output: as a heatmap and as numbers."""

from __future__ import annotations

import asyncio
from typing import Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from encoder_tui.defaults import BESIDE
from encoder_tui.display import count, visible, visible_piece
from encoder_tui.engine import contract
from encoder_tui.engine.client import EngineError, TaskFailed
from encoder_tui.looking import Cells, LookRequest, Window, dimension_names, number, shape_short, shape_words
from encoder_tui.panes.outputs.view import Chosen, OutputView, State
from encoder_tui.widgets.heat import NEGATIVE, POSITIVE
from encoder_tui.widgets.letters import letter_markup
from encoder_tui.widgets.matrix import Matrix

QUIET = "$text-muted"
WIDE = 100
HIGH = 30
"""Lines from which on there is room for two matrices."""
CLIPPED = 3
"""Deviations from zero at which a colour is full: a few dimensions of most encoders are far out, and would leave
nothing but themselves to see."""


class Look(OutputView):
    """A view of the chosen output, which other keys than the list's choose too."""

    DEFAULT_CSS = """
    Look { height: 1fr; }
    Look > .title { height: 1; }
    Look > .legend { height: 2; border-top: solid $foreground 15%; }
    """
    BINDINGS = [
        Binding("right_square_bracket", "choose(1)", "Next output", id="outputs.next-output"),
        Binding("left_square_bracket", "choose(-1)", "Previous output", show=False, id="outputs.previous-output"),
        Binding("full_stop", "head(1)", "Next head", show=False, id="outputs.next-head"),
        Binding("comma", "head(-1)", "Previous head", show=False, id="outputs.previous-head"),
    ]

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._shown: tuple[object, ...] = ()
        self._asking: asyncio.Task[None] | None = None
        self._complaint = ""

    def on_unmount(self) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    # Which output

    def choices(self) -> list[int]:
        """The places of the outputs that this view can show, among all."""
        return [place for place, chosen in enumerate(self.state.rows()) if len(chosen.output.shape) >= 2]

    def chosen(self) -> Chosen | None:
        """The output that is looked at: the one that was chosen in the list, or the next that this view can show."""
        places = self.choices()
        if not places:
            return None
        return self.state.rows()[self._place(places)]

    def _place(self, places: list[int]) -> int:
        return next((place for place in places if place >= self.state.place), places[-1])

    def action_choose(self, step: int) -> None:
        """Look at the next output of this kind, round the end."""
        places = self.choices()
        if places:
            self.state.place = places[(places.index(self._place(places)) + step) % len(places)]
            self.show()
            self.post_message(self.Said())

    def action_head(self, step: int) -> None:
        """Look at the next head of the attentions."""
        chosen = self.chosen()
        if chosen is not None and len(chosen.output.shape) == 4:
            self.state.head = (self.state.head + step) % chosen.output.shape[1]
            self.show()
            self.post_message(self.Said())

    def leading(self, chosen: Chosen) -> list[int]:
        """The text's place in the batch and, of attentions, the head."""
        shape = chosen.output.shape
        return [] if len(shape) == 2 else [0, *(min(self.state.head, size - 1) for size in shape[1:-2])]

    def key(self, chosen: Chosen) -> tuple[object, ...]:
        """What makes another look of it."""
        return (chosen.run, chosen.output.name, *self.leading(chosen))

    # Words

    @property
    def is_wide(self) -> bool:
        """Whether there is room for more than what must be said."""
        return self.size.width >= WIDE

    def title(self, chosen: Chosen) -> Content:
        """Which output this is."""
        output = chosen.output
        head = f"  head {self.leading(chosen)[1] + 1} of {output.shape[1]}" if len(output.shape) == 4 else ""
        shape = f"{shape_words(output)}  {output.dtype}" if self.is_wide else shape_short(output)
        return Content.assemble(
            (f" {chosen.letter} ", letter_markup(chosen.index)),
            (f" {output.name}{head}", "bold"),
            (f"  {shape}", QUIET),
        ).truncate(max(self.size.width, 1), ellipsis=True)

    def nothing(self) -> Content:
        """What will stand here."""
        return Content.assemble((" r", "bold"), ("  runs the models; what comes out is looked at here.", QUIET))

    def token(self, chosen: Chosen, index: int) -> str:
        """The text of a token of the run."""
        encoding = chosen.run.encoding
        return "" if encoding is None or index >= len(encoding) else encoding.tokens[index]

    def row_label(self, chosen: Chosen, row: int) -> str:
        """What a row of the output is: a token, or the whole text."""
        return "whole text" if len(chosen.output.shape) == 2 else self.token(chosen, row)

    async def look(self, chosen: Chosen, window: Window, how: Literal["mean", "norm"] = "mean") -> Cells | None:
        """Ask the engine; what it cannot say is the view's complaint."""
        request = LookRequest(chosen.run.number, chosen.output.name, self.leading(chosen), window, how)
        try:
            cells = await self.state.session.engine.run(contract.LOOK, request)
        except (EngineError, TaskFailed) as error:
            self._complaint = visible(str(error))
            return None
        self._complaint = ""
        return cells


class MatrixLook(Look):
    """An output as a matrix."""

    DEFAULT_CSS = """
    MatrixLook Matrix { height: 1fr; }
    """
    kind: Literal["colours", "numbers"] = "colours"

    def compose(self) -> ComposeResult:
        yield Static(classes="title", markup=False)
        yield Matrix(self.kind)
        yield Static(classes="legend", markup=False)

    def show(self) -> None:
        chosen = self.chosen()
        matrix = self.query_one(Matrix)
        if chosen is None:
            self._shown = ()
            matrix.open(0, 0, str, 1.0)
            self.query_one(".title", Static).update(self.nothing())
            self.query_one(".legend", Static).update("")
            return
        self.query_one(".title", Static).update(self.title(chosen))
        # Values can be asked for once the run is over: the engine works on one request at a time.
        if chosen.run.answer is None or self.key(chosen) == self._shown:
            return
        self._shown = self.key(chosen)
        self._stop()
        self.open(chosen, matrix)

    def open(self, chosen: Chosen, matrix: Matrix) -> None:
        """Give the matrix its size and its colours."""
        output = chosen.output
        far = max(abs(output.min or 0.0), abs(output.max or 0.0)) or 1.0
        limit = min(far, CLIPPED * output.std) if output.std else far
        matrix.open(output.shape[-2], output.shape[-1], lambda row: self.row_label(chosen, row), limit)

    @on(Matrix.Wanted)
    def _wanted(self, event: Matrix.Wanted) -> None:
        """Ask for the newest window; one that is still asked for is not needed any more."""
        event.stop()
        chosen = self.chosen()
        if chosen is not None and chosen.run.answer is not None:
            self._stop()
            self._asking = asyncio.create_task(self._bring(chosen, event.window))

    async def _bring(self, chosen: Chosen, window: Window) -> None:
        cells = await self.look(chosen, window)
        if cells is not None and self.key(chosen) == self._shown:
            self.query_one(Matrix).take(window, *cells.shape, cells.values())
        self._explain()

    @on(Matrix.Moved)
    def _moved(self, event: Matrix.Moved) -> None:
        event.stop()
        self._explain()

    def _explain(self) -> None:
        chosen = self.chosen()
        if chosen is None:
            return
        legend = self.query_one(".legend", Static)
        if self._complaint:
            legend.update(Content.styled(f" {self._complaint}", "$text-error").truncate(self.size.width))
            return
        legend.update(self.legend(chosen, self.query_one(Matrix)).truncate(self.size.width, ellipsis=True))

    def legend(self, chosen: Chosen, matrix: Matrix) -> Content:
        """What is under the cursor, and what the colours mean."""
        rows, columns = matrix.span()
        value = matrix.value
        is_one = len(rows) == len(columns) == 1
        spelled = "…" if value is None else repr(float(f"{value:.9g}")) if is_one else f"mean {number(value)}"
        return Content.assemble(
            " ",
            self.where(chosen, rows, columns),
            (f"  {spelled}", "bold"),
            *([] if self.kind == "numbers" else self.colours(matrix)),
            (f"   {self.hint(matrix)}", QUIET),
        )

    def where(self, chosen: Chosen, rows: range, columns: range) -> Content:
        """The cell under the cursor in words."""
        names = dimension_names(chosen.output)
        row = f"token {span_words(rows)} {visible_piece(self.row_label(chosen, rows.start))}"
        if len(names) == 2:
            row = "whole text"
        return Content(f"{row}  {'key' if names[-1] == 'keys' else 'hidden'} {span_words(columns)}")

    def colours(self, matrix: Matrix) -> list[Content | tuple[str, str]]:
        """The ends of the scale."""
        limit = number(matrix.full_colour, 2)
        return [
            (f"   -{limit} ", QUIET),
            ("██", NEGATIVE.hex),
            (" 0 ", QUIET),
            ("██", POSITIVE.hex),
            (f" {limit}", QUIET),
        ]

    def hint(self, matrix: Matrix) -> str:
        """How much a cell holds."""
        if self.kind == "numbers":
            return "arrows, page up and down, b and f move"
        if matrix.row_step == matrix.column_step == 1:
            return "- shows more" + (" at once" if self.is_wide else "")
        if self.is_wide:
            return f"a cell: {count(matrix.row_step, 'row')} × {matrix.column_step:,}, + zooms in"
        return f"{matrix.row_step:,} × {matrix.column_step:,} a cell"


class NumbersView(MatrixLook):
    """Tokens by hidden dimensions in digits."""

    kind = "numbers"


class Magnified(NumbersView):
    """The digits around the cursor of a heatmap."""

    def __init__(self, heatmap: HeatmapView) -> None:
        super().__init__(heatmap.state)
        self._heatmap = heatmap

    def choices(self) -> list[int]:
        return self._heatmap.choices()


class HeatmapView(MatrixLook):
    """Tokens by hidden dimensions in colours; in a large window the digits stand below them."""

    DEFAULT_CSS = """
    HeatmapView > Magnified { display: none; height: 1fr; }
    HeatmapView > Magnified > .title { display: none; }
    HeatmapView.-large > Magnified { display: block; }
    """
    _magnified: Magnified | None = None

    def choices(self) -> list[int]:
        return [place for place, chosen in enumerate(self.state.rows()) if len(chosen.output.shape) in {2, 3}]

    def on_resize(self, event: Resize) -> None:
        is_large = event.size.width >= BESIDE and event.size.height >= HIGH
        self.set_class(is_large, "-large")
        if is_large and self._magnified is None:
            self._magnified = Magnified(self)
            self.mount(self._magnified)
        if is_large:
            self.call_after_refresh(self._magnify)

    def show(self) -> None:
        super().show()
        self._magnify()

    def _explain(self) -> None:
        super()._explain()
        self._magnify()

    def _magnify(self) -> None:
        """Show the digits of what the cursor is on."""
        if self._magnified is not None and self._magnified.display and self._magnified.is_mounted:
            matrix = self.query_one(Matrix)
            self._magnified.show()
            self._magnified.query_one(Matrix).go(matrix.row, matrix.column)

    @on(OutputView.Said)
    def _other_chosen(self) -> None:
        """The digits have the keys of every look."""
        self.show()


def span_words(span: range) -> str:
    """`7`, or `7–12`."""
    return f"{span.start:,}" if len(span) == 1 else f"{span.start:,}–{span.stop - 1:,}"
