"""The other views of the same encodings: table, tensors, special tokens, decode."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Container
from textual.strip import Strip

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.text.safe import last_part, visible, visible_piece
from encoder_tui.core.tokens import torch_print
from encoder_tui.core.tokens.comparison import Comparison, Stream
from encoder_tui.window.panes.tokens.decode import DecodeView
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.lines import Lines
from encoder_tui.window.widgets.model_letters import letter_style
from encoder_tui.window.widgets.table import Column, Table

TABLE_COLUMNS = ("index", "id", "token", "span", "type", "mask", "special")


def table_row(stream: Stream, index: int) -> tuple[str, ...]:
    """Return one token as the cells of a row, in the order of `TABLE_COLUMNS`."""
    encoding = stream.encoding
    types = encoding.token_type_ids
    start, end = encoding.offsets[index]
    return (
        str(index),
        str(encoding.ids[index]),
        visible_piece(encoding.tokens[index]),
        f"{start}–{end}",
        "–" if types is None else str(types[index]),
        str(encoding.attention_mask[index]),
        "special" if encoding.special_tokens_mask[index] else "",
    )


def table_tsv(stream: Stream) -> str:
    """Return the whole table of a stream, tab-separated, with the tokens as they are shown."""
    rows = [TABLE_COLUMNS, *(table_row(stream, index) for index in range(len(stream.encoding)))]
    return "".join("\t".join(row) + "\n" for row in rows)


class Tables(Container):
    """A table for each model, side by side if there is room, otherwise one above the other."""

    DEFAULT_CSS = """
    Tables { height: 1fr; layout: horizontal; }
    Tables.-stacked { layout: vertical; }
    Tables > Table { width: 1fr; height: 1fr; margin-right: 1; }
    """
    COLUMNS_NEEDED: ClassVar[int]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def on_resize(self) -> None:
        self.stack()

    def stack(self) -> None:
        """Put the tables that are shown side by side or above each other."""
        shown = sum(1 for table in self.query(Table) if table.display)
        self.set_class(shown * self.COLUMNS_NEEDED > self.size.width, "-stacked")


class TableView(Tables):
    """Every stream token by token."""

    COLUMNS_NEEDED = 50
    _comparison: Comparison | None = None

    def compose(self) -> ComposeResult:
        for index in range(len(LETTERS)):
            columns = [
                Column(LETTERS[index], 5, "right"),
                Column("id", 6, "right"),
                Column("token", 0),
                Column("span", 9, "right"),
                Column("type", 4, "right"),
                Column("mask", 4, "right"),
                Column("", 7),
            ]
            yield Table(columns, id=f"stream-{index}", gap=1)

    def show(self, comparison: Comparison) -> None:
        """Show a comparison's streams."""
        self._comparison = comparison
        for table, stream in zip(self.query(Table), comparison.by_letter, strict=True):
            table.display = stream is not None
            if stream is not None:
                mask = stream.encoding.special_tokens_mask
                table.show_rows(
                    len(stream.encoding),
                    lambda row, stream=stream: table_row(stream, row),  # type: ignore[misc]
                    lambda row, mask=mask: bool(mask[row]),  # type: ignore[misc]
                )
        self.stack()

    def point(self, comparison: Comparison, block: int) -> None:
        """Put the cursors on the first tokens of a block, except in a table that has the focus.

        Nothing happens if another comparison is shown.
        """
        if comparison is not self._comparison:
            return
        tokens = iter(comparison.alignment[block].tokens)
        for table, stream in zip(self.query(Table), comparison.by_letter, strict=True):
            inside = () if stream is None else next(tokens)
            if inside and not table.has_focus:
                table.cursor = inside[0]

    def block_of(self, table: Table) -> int:
        """The block of the token under a table's cursor; for a special token, the first or the last block."""
        assert self._comparison is not None
        alignment = self._comparison.alignment
        stream = self._comparison.by_letter[list(self.query(Table)).index(table)]
        if stream is None or stream.encoding.special_tokens_mask[table.cursor]:
            return len(alignment) - 1 if table.cursor else 0
        return alignment.block_at(max(stream.encoding.offsets[table.cursor][1] - 1, 0))


class TensorsView(Lines):
    """The model's inputs: `tokenizer(text, return_tensors="pt")`."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._lines: list[tuple[str, int | None]] = []

    def show(self, comparison: Comparison) -> None:
        """Show the tensors of every stream."""
        self._lines = []
        for model, stream in zip(comparison.models, comparison.streams, strict=True):
            if stream is None:
                continue
            self._lines.append((f" {model.letter}  {visible(last_part(model.name))}", model.number))
            for name, rows in torch_print.model_inputs([stream]).items():
                shape = f"({len(rows)}, {len(rows[0])})"
                self._lines.append((f"    {name}  torch.int64 {shape}", None))
                printed = torch_print.printed(rows, min(torch_print.LINE_WIDTH, max(self.size.width - 6, 30)))
                self._lines += [(f"    {line}", None) for line in printed]
            self._lines.append(("", None))
        self.set_size(len(self._lines), max((len(line) for line, _ in self._lines), default=0))

    def line(self, index: int) -> Strip:
        text, slot = self._lines[index]
        return Strip([Segment(text, Style.null() if slot is None else letter_style(self, slot, bold=True))])


class SpecialView(Tables):
    """Every model's special tokens with their ids."""

    COLUMNS_NEEDED = 32

    def compose(self) -> ComposeResult:
        for index in range(len(LETTERS)):
            columns = [Column(f"{LETTERS[index]} role", 11), Column("token", 0), Column("id", 7, "right")]
            yield Table(columns, id=f"special-{index}")

    def show(self, comparison: Comparison) -> None:
        """Show the special tokens of every stream's tokenizer."""
        for table, stream in zip(self.query(Table), comparison.by_letter, strict=True):
            table.display = stream is not None
            if stream is not None:
                rows = [
                    (role, token, "–" if token_id is None else str(token_id))
                    for role, token, token_id in stream.tokenizer.special_tokens()
                ]
                table.show_rows(len(rows), rows.__getitem__)
        self.stack()


VIEWS_BY_NAME: Final = {"table": TableView, "tensors": TensorsView, "special": SpecialView, "decode": DecodeView}
