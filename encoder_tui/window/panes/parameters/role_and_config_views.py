"""The correspondence by role and the configurations, as tables of all models side by side."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.parameters import configuration, correspondence
from encoder_tui.core.parameters.configuration import Setting
from encoder_tui.core.parameters.correspondence import Row
from encoder_tui.core.parameters.description import Description
from encoder_tui.core.parameters.roles import label
from encoder_tui.core.text.safe import visible
from encoder_tui.window.widgets.model_letters import letter_markup
from encoder_tui.window.widgets.table import Column, Table


class RolesView(Vertical):
    """A line for each role: each model's tensors, or why it has none."""

    DEFAULT_CSS = """
    RolesView { height: 1fr; }
    RolesView > Static { height: auto; max-height: 8; border-top: solid $foreground 15%; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._numbers: list[int] = []

    def compose(self) -> ComposeResult:
        yield Table([], id="roles-table")
        yield Static(id="traits", markup=False)

    def show(self, descriptions: Sequence[Description | None], numbers: Sequence[int]) -> None:
        """Show the models; `numbers` choose their letters."""
        self._numbers = list(numbers)
        self.rows = correspondence.rows(descriptions)
        table = self.query_one(Table)
        number = len(descriptions)
        room = max((self.size.width - 26) // max(number, 1) - 4, 12)
        values = 12 if room >= 30 else 0
        table.columns = [Column("role", 24)]
        for one in self._numbers:
            table.columns.append(Column(LETTERS[one], 0))
            if values:
                table.columns.append(Column("values", values, "right"))
        table.show_rows(
            len(self.rows), lambda row: self._cells(row, bool(values)), lambda row: not self.rows[row].differs
        )
        lines = [
            Content.assemble((f" {LETTERS[one]} ", letter_markup(one)), (f" {visible(words)}", ""))
            for one, words in zip(self._numbers, correspondence.differences(descriptions), strict=True)
            if words
        ]
        self.query_one("#traits", Static).update(Content("\n").join(lines))

    def point(self, role: str) -> None:
        """Put the cursor on a role, unless the table has the focus."""
        table = self.query_one(Table)
        place = next((index for index, row in enumerate(self.rows) if row.role == role), None)
        if place is not None and not table.has_focus:
            table.cursor = place

    def tsv(self) -> str:
        """The table, tab-separated."""
        names = [LETTERS[number] for number in self._numbers] if self.rows else []
        rows = [["role", *(f"{name} {what}" for name in names for what in ("tensors", "values"))]]
        return tab_separated([*rows, *(self._cells(index, True) for index in range(len(self.rows)))])

    def _cells(self, index: int, with_values: bool) -> list[str]:
        row = self.rows[index]
        cells = [label(row.role)]
        for cell in row.cells:
            cells.append("…" if cell is None else cell.words)
            if with_values:
                cells.append("" if cell is None or cell.first is None else f"{cell.numel:,}")
        return cells


class ConfigView(Vertical):
    """Derived numbers, then the settings that differ, then those that agree."""

    DEFAULT_CSS = """
    ConfigView { height: 1fr; }
    ConfigView > Static { height: 1; color: $text-muted; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Setting] = []
        self._descriptions: Sequence[Description | None] = ()
        self._letters: list[str] = []
        self._query = ""

    def compose(self) -> ComposeResult:
        yield Static(id="config-words", markup=False)
        yield Table([], id="config-table")

    def show(self, descriptions: Sequence[Description | None], numbers: Sequence[int]) -> None:
        """Show the models; `numbers` choose their letters."""
        self._descriptions, self._letters = descriptions, [LETTERS[number] for number in numbers]
        self.search(self._query)

    def search(self, query: str) -> str:
        """Show only the settings that a search finds, and return their number in words."""
        self._query = query
        number = len(self._descriptions)
        self.rows = configuration.settings(self._descriptions, query)
        table = self.query_one(Table)
        table.columns = [Column("setting", 30 if number < 3 else 24)]
        table.columns += [Column(letter, 0) for letter in self._letters]
        table.show_rows(len(self.rows), self._cells, lambda row: not self.rows[row].differs)
        self.query_one("#config-words", Static).update(Content(configuration.summary(self.rows, number)))
        return f"{len(self.rows):,} found" if query.strip() else ""

    def tsv(self) -> str:
        """The table, tab-separated."""
        rows = [["setting", *self._letters]]
        return tab_separated([*rows, *(self._cells(index) for index in range(len(self.rows)))])

    def _cells(self, index: int) -> list[str]:
        row = self.rows[index]
        cells = (configuration.ABSENT if value is None else value for value in row.values)
        return [f"derived: {row.name}" if row.is_derived else row.name, *cells]


def tab_separated(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines of tab-separated cells; tabs and line breaks inside a cell are shown as symbols."""
    return "".join("\t".join(map(visible, row)) + "\n" for row in rows)
