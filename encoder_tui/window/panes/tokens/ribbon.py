"""The aligned ribbon: the text and every model's tokens under it, block by block."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click, Resize
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.text.safe import visible_piece
from encoder_tui.core.tokens.comparison import Comparison
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.window.panes.tokens.lanes import GUTTER, LaneLayout, shown_text
from encoder_tui.window.widgets.lines import Lines
from encoder_tui.window.widgets.model_letters import letter_style
from encoder_tui.window.widgets.table import fitted

LANES_KEPT: Final = 200


class Ribbon(Lines):
    """Blocks in lanes, with a cursor on one of them."""

    COMPONENT_CLASSES = {
        "ribbon--text",
        "ribbon--agree",
        "ribbon--differ",
        "ribbon--special",
        "ribbon--unknown",
        "ribbon--bytes",
        "ribbon--rule",
        "ribbon--cursor",
    }
    DEFAULT_CSS = """
    Ribbon .ribbon--text { color: $foreground; }
    Ribbon .ribbon--agree { color: $text-muted; }
    Ribbon .ribbon--differ { text-style: bold; }
    Ribbon .ribbon--special { color: $text-muted; text-style: italic; }
    Ribbon .ribbon--unknown { color: $text-error; background: $error-muted; text-style: bold; }
    Ribbon .ribbon--bytes { text-style: underline; }
    Ribbon .ribbon--rule { color: $foreground 20%; }
    Ribbon .ribbon--cursor { background: $surface-lighten-2; }
    Ribbon:ansi .ribbon--agree { text-style: dim; }
    Ribbon:ansi .ribbon--special { text-style: dim italic; }
    Ribbon:ansi .ribbon--cursor { text-style: not dim; }
    Ribbon:nocolor .ribbon--cursor { text-style: reverse; }
    Ribbon:focus .ribbon--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    """
    BINDINGS = [
        Binding("left,h", "step(-1)", "Block", key_display="← →", id="move.left"),
        Binding("right,l", "step(1)", "Next block", show=False, id="move.right"),
        Binding("up,k", "lane(-1)", "Up", show=False, id="move.up"),
        Binding("down,j", "lane(1)", "Down", show=False, id="move.down"),
        Binding("home,g", "go(0)", "First", show=False, id="move.first"),
        Binding("end,G", "go(-1)", "Last", show=False, id="move.last"),
        Binding(
            "n",
            "differing(1)",
            "Next difference",
            id="tokens.next-difference",
            tooltip="Go to the next block that the models split differently",
        ),
        Binding(
            "N",
            "differing(-1)",
            "Previous difference",
            show=False,
            id="tokens.previous-difference",
            tooltip="Go to the previous block that the models split differently",
        ),
    ]

    cursor: reactive[int] = reactive(0, init=False)

    class Moved(Message):
        """The cursor is on another block."""

        def __init__(self, block: int) -> None:
            super().__init__()
            self.block = block

    def __init__(self) -> None:
        super().__init__()
        self.drop_drawn()
        self._comparison: Comparison | None = None
        self._numbers: list[int] = []
        self.layout_: LaneLayout | None = None
        self._prepared: LaneLayout | None = None

    def show(self, comparison: Comparison, block: int) -> None:
        """Show a comparison, with the cursor on a block."""
        before = self._comparison
        self._comparison = comparison
        if before is None or _painted(comparison) != _painted(before):
            self._numbers = [number for number, stream in enumerate(comparison.by_letter) if stream is not None]
            self.refresh()
        self.set_reactive(Ribbon.cursor, min(block, len(comparison.alignment) - 1))
        self._lay_out()
        self._show_cursor()

    def prepare(self, comparison: Comparison) -> None:
        """Compute the layout ahead of time. Safe to call in a thread; takes seconds for a million characters."""
        if self.size.width:
            self._prepared = LaneLayout(comparison, self.size.width)

    def _lay_out(self) -> None:
        if self._comparison is not None and self.size.width:
            prepared, self._prepared = self._prepared, None
            if prepared is None or not prepared.is_of(self._comparison, self.size.width):
                prepared = LaneLayout(self._comparison, self.size.width)
            self.layout_ = prepared
            self.set_size(prepared.height)

    def on_resize(self, event: Resize) -> None:
        layout = self.layout_
        if layout is None or self._comparison is None or not layout.is_of(self._comparison, event.size.width):
            self._lay_out()
        self._show_cursor()

    def _show_cursor(self) -> None:
        layout = self.layout_
        if layout is not None:
            lane = layout.lane_of(self.cursor + 1)
            self.show_line(lane * layout.lane_height)
            self.show_line((lane + 1) * layout.lane_height - 2)

    def watch_cursor(self, cursor: int) -> None:
        self._show_cursor()
        self.redraw()
        self.post_message(self.Moved(cursor))

    def validate_cursor(self, cursor: int) -> int:
        blocks = 1 if self._comparison is None else len(self._comparison.alignment)
        return min(max(cursor, 0), blocks - 1)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "differing" or bool(self._comparison and self._comparison.differing) or None

    def action_step(self, step: int) -> None:
        self.cursor += step

    def action_go(self, block: int) -> None:
        self.cursor = block if block >= 0 or self._comparison is None else len(self._comparison.alignment) - 1

    def action_lane(self, step: int) -> None:
        """Move to the block above or below."""
        layout = self.layout_
        if layout is None:
            return
        # After the text became shorter, the layout may be new while the cursor is still beyond its end.
        here = min(self.cursor + 1, len(layout.widths) - 1)
        lane = layout.lane_of(here) + step
        if 0 <= lane < len(layout.lanes):
            cell = layout.cell_at(lane, layout.column_of(here))
            self.cursor = (layout.cells(lane)[-1] if cell is None else cell) - 1

    def action_differing(self, step: int) -> None:
        """Move to the next block that the streams split differently, wrapping around."""
        if self._comparison is None or not self._comparison.differing:
            return
        places = self._comparison.differing
        if step > 0:
            self.cursor = next((place for place in places if place > self.cursor), places[0])
        else:
            self.cursor = next((place for place in reversed(places) if place < self.cursor), places[-1])

    def on_click(self, event: Click) -> None:
        layout = self.layout_
        if layout is None:
            return
        lane = (event.y + self.scroll_offset.y) // layout.lane_height
        if lane < len(layout.lanes):
            cell = layout.cell_at(lane, event.x - GUTTER)
            if cell is not None:
                self.cursor = cell - 1

    def line(self, index: int) -> Strip:
        """One line of a lane: the text, or one stream's tokens."""
        layout = self.layout_
        if layout is None or layout.comparison is not self._comparison:
            # A comparison that arrived while the pane was hidden is laid out when the pane has a width again.
            return Strip([])
        lane, row = divmod(index, layout.lane_height)
        return self._lane(lane)[row]

    def drop_drawn(self) -> None:
        self._looks: dict[tuple[str, bool], Style] = {}
        self._lanes: dict[Hashable, list[Strip]] = {}

    def _lane(self, lane: int) -> list[Strip]:
        """The lines of a lane, painted again only if something in it changes: a key press changes one lane or two."""
        layout, comparison = self.layout_, self._comparison
        assert layout is not None
        assert comparison is not None
        key = layout.lane_key(lane), self.cursor if self.cursor + 1 in layout.cells(lane) else None
        if key not in self._lanes:
            if len(self._lanes) >= LANES_KEPT:
                self._lanes = {}
            rows = range(len(comparison.present) + 1)
            self._lanes[key] = [*(self._paint(lane, row) for row in rows), Strip([])]
        return self._lanes[key]

    def _look(self, name: str, partial: bool = False) -> Style:
        """The style of a component class, cached: Textual computes it anew on every request."""
        if (name, partial) not in self._looks:
            self._looks[name, partial] = self.get_component_rich_style(f"ribbon--{name}", partial=partial)
        return self._looks[name, partial]

    def _paint(self, lane: int, row: int) -> Strip:
        layout = self.layout_
        assert layout is not None
        rule = self._look("rule")
        if row == 0:
            segments = [Segment(" " * GUTTER, Style.null())]
        else:
            number = self._numbers[row - 1]
            segments = [Segment(f" {LETTERS[number]} ", letter_style(self, number, bold=True))]
        for cell in layout.cells(lane):
            width = layout.widths[cell]
            if not width and cell in {0, len(layout.widths) - 1}:
                continue
            pieces = self._text_cell(cell) if row == 0 else self._token_cell(row - 1, cell)
            segments += _fit(pieces, width)
            segments.append(Segment("│", rule))
        return Strip(segments)

    def _text_cell(self, cell: int) -> list[Segment]:
        layout, comparison = self.layout_, self._comparison
        assert layout is not None
        assert comparison is not None
        block = cell - 1
        if not 0 <= block < len(comparison.alignment):
            return []
        alignment = comparison.alignment
        text = alignment.text[alignment.ends[block - 1] if block else 0 : alignment.ends[block]]
        style = self._look("text")
        if comparison.is_differing(block):
            style += self._look("differ", partial=True)
        return [Segment(shown_text(text), style + self._cursor_style(block))]

    def _cursor_style(self, block: int) -> Style:
        if block != self.cursor:
            return Style.null()
        return self._look("cursor", partial=True)

    def _token_cell(self, stream: int, cell: int) -> list[Segment]:
        """The tokens of one stream in one block, a space between them."""
        layout, comparison = self.layout_, self._comparison
        assert layout is not None
        assert comparison is not None
        block = cell - 1
        if not 0 <= block < len(comparison.alignment):
            special = self._look("special")
            return [
                Segment(f"{visible_piece(token)} ", special) for token in layout.edge(stream, 0 if block < 0 else 1)
            ]
        encoding = comparison.present[stream].encoding
        tokenizer = comparison.present[stream].tokenizer
        if comparison.is_differing(block):
            style = letter_style(self, self._numbers[stream]) + self._look("differ", partial=True)
        else:
            style = self._look("agree")
        under_cursor = self._cursor_style(block)
        order, first = comparison.alignment.order(stream)
        pieces: list[Segment] = []
        for token in order[first[block] : first[block + 1]]:
            look = style
            if encoding.ids[token] in tokenizer.unknown_ids:
                look = self._look("unknown", partial=True)
            elif comparison.present[stream].is_part_of_character(token):
                look = style + self._look("bytes", partial=True)
            if pieces:
                pieces.append(Segment(" ", under_cursor))
            pieces.append(Segment(visible_piece(encoding.tokens[token]), look + under_cursor))
        return pieces


def _painted(comparison: Comparison) -> list[ModelTokenizer | None]:
    """Return what a lane's letters and colours depend on: the tokenizer of each letter."""
    return [None if stream is None else stream.tokenizer for stream in comparison.by_letter]


def _fit(pieces: list[Segment], width: int) -> list[Segment]:
    """Fit segments into exactly `width` cells; tokens that do not fit are counted."""
    total = sum(cell_len(piece.text) for piece in pieces)
    if total <= width:
        style = pieces[-1].style if pieces and pieces[-1].style and pieces[-1].style.bgcolor else None
        return [*pieces, Segment(" " * (width - total), style)]
    left = sum(1 for piece in pieces if piece.text != " ")
    kept: list[Segment] = []
    room = width
    for piece in pieces:
        sign = f"… +{left:,}" if left > 1 else "…"
        if cell_len(piece.text) + len(sign) > room:
            break
        kept.append(piece)
        room -= cell_len(piece.text)
        left -= piece.text != " "
    if left <= 1 and len(kept) < len(pieces):
        return [*kept, Segment(fitted(pieces[len(kept)].text, room), pieces[len(kept)].style)]
    return [*kept, Segment(fitted(f"… +{left:,}", room))]
