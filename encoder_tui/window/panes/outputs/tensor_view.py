"""The base class of views of one output: which output is shown, its title and its values."""

from __future__ import annotations

import asyncio

from textual.binding import Binding
from textual.content import Content

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.core.outputs.slices import Cells, Window, shape_short, shape_words
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol import operations
from encoder_tui.protocol.outputs import How, LookRequest
from encoder_tui.window.panes.outputs.view import ChosenOutput, OutputsState, OutputView
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.model_letters import letter_markup

WIDE = 100


class Look(OutputView):
    """A view of the chosen output, with keys to choose another one."""

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

    def __init__(self, state: OutputsState) -> None:
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
        """The indices of the outputs that this view can show, among all."""
        return [place for place, chosen in enumerate(self.state.rows()) if len(chosen.output.shape) >= 2]

    def chosen(self) -> ChosenOutput | None:
        """The output that is shown: the one chosen in the list, or the next that this view can show."""
        places = self.choices()
        if not places:
            return None
        return self.state.rows()[self._place(places)]

    def _place(self, places: list[int]) -> int:
        return next((place for place in places if place >= self.state.place), places[-1])

    def action_choose(self, step: int) -> None:
        """Show the next output of this kind, wrapping around."""
        places = self.choices()
        if places:
            self.state.place = places[(places.index(self._place(places)) + step) % len(places)]
            self.show()
            self.post_message(self.SummaryChanged())

    def action_head(self, step: int) -> None:
        """Show the next head of the attentions."""
        chosen = self.chosen()
        if chosen is not None and len(chosen.output.shape) == 4:
            self.state.head = (self.state.head + step) % chosen.output.shape[1]
            self.show()
            self.post_message(self.SummaryChanged())

    def leading(self, chosen: ChosenOutput) -> list[int]:
        """The leading indices of the values shown: the text's index in the batch and, for attentions, the head."""
        shape = chosen.output.shape
        return [] if len(shape) == 2 else [0, *(min(self.state.head, size - 1) for size in shape[1:-2])]

    def key(self, chosen: ChosenOutput) -> tuple[object, ...]:
        """A key of what is shown; if it changes, the values are requested again."""
        return (chosen.run, chosen.output.name, *self.leading(chosen))

    # Words

    @property
    def is_wide(self) -> bool:
        """Whether there is room for additional words."""
        return self.size.width >= WIDE

    def title(self, chosen: ChosenOutput) -> Content:
        """Return the output's name and shape."""
        output = chosen.output
        head = f"  head {self.leading(chosen)[1]} of {output.shape[1]}" if len(output.shape) == 4 else ""
        shape = f"{shape_words(output)}  {output.dtype}" if self.is_wide else shape_short(output)
        return Content.assemble(
            (f" {chosen.letter} ", letter_markup(chosen.run.slot.number)),
            (f" {output.name}{head}", "bold"),
            (f"  {shape}", QUIET),
        ).truncate(max(self.size.width, 1), ellipsis=True)

    def nothing(self) -> Content:
        """Return what is shown before there is an output."""
        return Content.assemble((" r", "bold"), ("  runs the models; their outputs are shown here.", QUIET))

    def token(self, chosen: ChosenOutput, index: int) -> str:
        """The text of a token of the run."""
        encoding = chosen.run.encoding
        return "" if encoding is None or index >= len(encoding) else encoding.tokens[index]

    def row_label(self, chosen: ChosenOutput, row: int) -> str:
        """Return the label of a row of the output: a token, or the whole text."""
        return "whole text" if len(chosen.output.shape) == 2 else self.token(chosen, row)

    async def look(self, chosen: ChosenOutput, window: Window, how: How = "mean") -> Cells | None:
        """Request values from the engine. On failure, set the view's complaint and return None."""
        request = LookRequest(chosen.run.number, chosen.output.name, self.leading(chosen), window, how)
        try:
            cells = await self.state.session.engine.run(operations.LOOK, request)
        except (EngineError, OperationFailed) as error:
            self._complaint = visible(str(error))
            return None
        self._complaint = ""
        return cells
