"""The list of outputs: every output tensor of every model, with its statistics."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from encoder_tui.core.outputs.slices import shape_numbers, shape_short, shape_words
from encoder_tui.core.text.numbers import statistic
from encoder_tui.core.text.safe import visible
from encoder_tui.window.panes.outputs.view import ChosenOutput, OutputsState, OutputView
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.table import Column, Table

WIDE = 112
"""From this width in columns, a row names the dimensions and has columns for device and dtype."""
HEADINGS = ("model", "name", "shape", "dtype", "device", "mean", "std", "min", "max", "non_finite", "random")


class OutputTable(Table):
    """The table of outputs; enter opens the one under the cursor."""

    BINDINGS = [Binding("enter", "look", "Look", id="outputs.look")]

    class Opened(Message):
        """The user opens the output under the cursor."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "look" or bool(self.row_count) or None

    def action_look(self) -> None:
        """Open the output under the cursor."""
        self.post_message(self.Opened())


class ListView(OutputView):
    """The outputs of all models, or how to get them."""

    DEFAULT_CSS = """
    ListView { height: 1fr; }
    ListView #outputs-teach { height: auto; padding: 1 2; }
    ListView OutputTable { height: 1fr; }
    ListView #outputs-named { height: 2; border-top: solid $foreground 15%; }
    """

    def compose(self) -> ComposeResult:
        yield Static(id="outputs-teach", markup=False)
        yield OutputTable([], id="outputs-table")
        yield Static(id="outputs-named", markup=False)

    def on_mount(self) -> None:
        self.show()

    def on_resize(self) -> None:
        self.show()

    def show(self) -> None:
        rows = self.state.rows()
        wide = self.size.width >= WIDE
        table = self.query_one(OutputTable)
        table.columns = columns(wide) if rows else []
        # Not hidden: then it would lose the focus, and the pane its keys.
        table.show_rows(len(rows), lambda index: row_of(rows[index], wide, table.widths()[2]))
        table.styles.height = "1fr" if rows else 1
        explained = self.query_one("#outputs-teach", Static)
        explained.display = not rows
        explained.update(teaching(self.state))
        self._name_chosen()

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        if self.state.rows():
            self.state.place = event.row
        self._name_chosen()

    def _name_chosen(self) -> None:
        chosen = self.state.chosen()
        named = self.query_one("#outputs-named", Static)
        named.display = chosen is not None
        if chosen is not None:
            output = chosen.output
            words = f" {chosen.letter} {visible(output.name)}  {shape_words(output)}  {output.dtype} on {output.device}"
            hint = "  enter shows its values" if self.size.width >= WIDE else ""
            why = f"  ! {visible(output.random)}" if output.random else ""
            named.update(
                Content.assemble(words, (why, "$text-warning"), (hint, QUIET)).truncate(self.size.width, ellipsis=True)
            )

    def copied(self) -> str:
        """Return the list, tab-separated, with every digit."""
        lines: list[tuple[str, ...]] = [HEADINGS]
        for chosen in self.state.rows():
            output = chosen.output
            statistics = (output.mean, output.std, output.min, output.max, output.non_finite)
            facts = (output.name, shape_numbers(output), output.dtype, output.device)
            numbers = ("" if one is None else repr(one) for one in statistics)
            lines.append((chosen.run.slot.name, *facts, *numbers, visible(output.random)))
        return "\n".join("\t".join(line) for line in lines) if len(lines) > 1 else ""


def columns(wide: bool) -> list[Column]:
    """Return the columns that fit."""
    return [
        Column("", 1),
        Column("output", 17),
        Column("shape", 0),
        *([Column("dtype", 8), Column("device", 6)] if wide else []),
        *(Column(name, 8 if wide else 7, "right") for name in ("mean", "std", "min", "max")),
        Column("non-fin." if wide else "±∞?", 8 if wide else 4, "right"),
    ]


def row_of(chosen: ChosenOutput, wide: bool, room: int) -> tuple[str, ...]:
    """Return an output as the cells of a row; the dimensions of its shape are named if they fit into `room`.

    An exclamation mark precedes an output that is random.
    """
    output = chosen.output
    named = shape_short(output)
    statistics = [
        statistic(value, 4 if wide else 3, 8 if wide else 7)
        for value in (output.mean, output.std, output.min, output.max)
    ]
    return (
        chosen.letter,
        f"! {output.name}" if output.random else output.name,
        named if wide and len(named) <= room else shape_numbers(output),
        *((output.dtype, output.device) if wide else ()),
        *statistics,
        f"{output.non_finite:,}" if wide or output.non_finite < 1000 else "999+",
    )


def teaching(state: OutputsState) -> Content:
    """Return what is shown before there are outputs: the keys that produce them."""
    if state.runs.is_running:
        return Content("Each output tensor is listed here as soon as it is ready.")
    return Content.assemble(
        ("r", "bold"),
        "  runs every model on the text of the Tokens pane; every output tensor\n",
        "   is listed here, with its shape and statistics.\n",
        ("s", "bold"),
        "  runs them with the hidden states of all layers.\n",
        ("a", "bold"),
        "  runs them with the attentions, which need eager attention.\n",
        ("v", "bold"),
        "  shows the next view: heatmap, numbers, norms, attention.\n",
        ("\nWeights stay in memory; ", QUIET),
        ("u", f"bold {QUIET}"),
        (" unloads them. A text longer than\na model's limit is truncated, and a line here says so.", QUIET),
    )
