"""A document's text with every model's cut, drawn line by line."""

from __future__ import annotations

import asyncio
import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.color import Color
from textual.events import Resize
from textual.message import Message
from textual.strip import Strip

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.text.safe import visible
from encoder_tui.core.tokens.alignment import Span
from encoder_tui.window.panes.documents.reading import Reading
from encoder_tui.window.panes.documents.wrapped_text import UNWRAPPED, Layout
from encoder_tui.window.widgets.lines import Lines
from encoder_tui.window.widgets.model_letters import letter_style

AT_ONCE: Final = 300_000
"""The longest text, in characters, that is laid out at once; a longer one is laid out in a thread."""
BEGINNING: Final = 50_000
"""Characters of a longer text that are shown meanwhile."""

UNSEEN: Final = 0.45
UNSEEN_BY_ALL: Final = 0.65
"""How far text moves towards the background colour if only some models, or none, see it."""

TOKEN: Final = 0.2
FOUND: Final = 0.35
HERE: Final = 1.0
"""The strength of the marks of every other token, of a match, and of the current match."""


class DocumentText(Lines):
    """The text, wrapped, with rules at the cuts; what some model does not see is dimmed."""

    DEFAULT_CSS = """
    DocumentText { scrollbar-size-vertical: 0; width: 1fr; }
    """
    BINDINGS = [
        Binding("c", "cut(1)", "Next cut", id="documents.next-cut"),
        Binding("C", "cut(-1)", "Previous cut", show=False, id="documents.previous-cut"),
        Binding("n", "match(1)", "Next match", show=False, id="documents.next-match"),
        Binding("N", "match(-1)", "Previous match", show=False, id="documents.previous-match"),
        Binding("w", "wrap", "Wrap", show=False, id="documents.wrap", tooltip="Turn wrapping of long lines on or off"),
        Binding(
            "b",
            "boundaries",
            "Token boundaries",
            show=False,
            id="documents.token-boundaries",
            tooltip="Show no token boundaries, then those of each model",
        ),
    ]

    class Scrolled(Message):
        """Other characters are visible: those of `in_sight`."""

        def __init__(self, in_sight: Span) -> None:
            super().__init__()
            self.in_sight = in_sight

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.text = ""
        self.readings: list[Reading] = []
        self.layout_: Layout | None = None
        self.wraps = True
        self.boundaries_of: int | None = None
        self._found: list[int] = []
        self._wanted = ""
        self._here = -1
        self._laying: asyncio.Task[None] | None = None

    def show(self, text: str, readings: Sequence[Reading], *, keep_place: bool = False) -> None:
        """Show a text; with `keep_place`, the same characters stay visible."""
        place = self.in_sight[0] if keep_place and self.layout_ is not None and text is self.text else 0
        if text is not self.text:
            self._found, self._here = [], -1
            self.layout_ = None
        self.text, self.readings = text, list(readings)
        self._lay_out(place)

    def _lay_out(self, place: int) -> None:
        if not self.size.width:
            return
        cuts: dict[int, str] = {}
        for reading in self.readings:
            if reading.mark is not None:
                before = cuts.get(reading.mark)
                cuts[reading.mark] = reading.rule() if before is None else f"{before} · {reading.rule()}"
        width = self.size.width - 1 if self.wraps else UNWRAPPED
        if self._laying is not None:
            self._laying.cancel()
        if len(self.text) <= AT_ONCE:
            self._take(Layout(self.text, width, cuts), place)
        elif self.layout_ is not None and self.layout_.says(self.text, width, cuts):
            self.refresh()
        else:
            if place < BEGINNING // 2:
                self._take(Layout(self.text[:BEGINNING], width, cuts), place)
            self._laying = asyncio.create_task(self._lay_out_long(width, cuts))

    async def _lay_out_long(self, width: int, cuts: dict[int, str]) -> None:
        text = self.text
        layout = await asyncio.to_thread(Layout, text, width, cuts)
        # The user may have scrolled meanwhile.
        self._take(layout, self.in_sight[0])

    def _take(self, layout: Layout, place: int) -> None:
        self.layout_ = layout
        self.set_size(len(layout), layout.widest)
        self.scroll_to(y=layout.row_of(place) if place else 0, animate=False, force=True)
        self.post_message(self.Scrolled(self.in_sight))

    def on_resize(self, event: Resize) -> None:
        self._lay_out(self.in_sight[0])

    def on_unmount(self) -> None:
        if self._laying is not None:
            self._laying.cancel()

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        self.post_message(self.Scrolled(self.in_sight))

    @property
    def in_sight(self) -> Span:
        """The span of characters from the first to the last visible line."""
        layout = self.layout_
        if layout is None or not len(layout):
            return (0, 0)
        top = min(self.scroll_offset.y, len(layout) - 1)
        bottom = min(top + max(self.size.height, 1) - 1, len(layout) - 1)
        return (layout.starts[top], layout.ends[bottom])

    def go_to(self, offset: int) -> None:
        """Scroll to a character, with some lines before it."""
        if self.layout_ is not None:
            row = self.layout_.row_of(offset)
            self.scroll_to(y=max(row - self.size.height // 3, 0), animate=False)

    # Keys

    def action_cut(self, step: int) -> None:
        """Go to the next cut, wrapping around."""
        layout = self.layout_
        rows = sorted(layout.rules) if layout is not None else []
        if not rows:
            why = "no model cuts this document" if self.readings else "its tokens are not counted yet"
            self.notify(why, markup=False)
            return
        middle = self.scroll_offset.y + self.size.height // 3
        if step > 0:
            row = next((row for row in rows if row > middle), rows[0])
        else:
            row = next((row for row in reversed(rows) if row < middle), rows[-1])
        self.scroll_to(y=max(row - self.size.height // 3, 0), animate=False)

    def search(self, wanted: str) -> int:
        """Mark all matches of a text, ignoring case, and go to the first one after the first line."""
        self._wanted = wanted
        self._found = []
        text, wanted = _folded(self.text), _folded(wanted)
        place = text.find(wanted) if wanted else -1
        while place >= 0:
            self._found.append(place)
            place = text.find(wanted, place + len(wanted))
        self._here = next((i for i, at in enumerate(self._found) if at >= self.in_sight[0]), 0)
        if self._found:
            self.go_to(self._found[self._here])
        self.refresh()
        return len(self._found)

    def action_match(self, step: int) -> None:
        """Go to the next match."""
        if self._found:
            self._here = (self._here + step) % len(self._found)
            self.go_to(self._found[self._here])
            self.refresh()

    def action_wrap(self) -> None:
        """Wrap long lines, or don't."""
        self.wraps = not self.wraps
        self._lay_out(self.in_sight[0])

    def action_boundaries(self) -> None:
        """Show the tokens of no model, then of each model."""
        slots = [None, *(reading.slot for reading in self.readings)]
        at = slots.index(self.boundaries_of) if self.boundaries_of in slots else 0
        self.boundaries_of = slots[(at + 1) % len(slots)]
        line = "token boundaries are off" if self.boundaries_of is None else f"tokens of {LETTERS[self.boundaries_of]}"
        self.notify(line, markup=False)
        self.refresh()

    # Drawing

    def render_line(self, y: int) -> Strip:
        layout, width = self.layout_, self.size.width
        index = y + self.scroll_offset.y
        if layout is None or index >= len(layout):
            return Strip.blank(width, self.rich_style)
        start, end = layout.starts[index], layout.ends[index]
        if not self.wraps:
            # Only the visible part: a line may have millions of characters.
            start = min(start + self.scroll_offset.x, end)
            end = min(end, start + width)
        segments = self._segments(start, end)
        if index in layout.rules:
            segments += self._rule(layout.rules[index], width - 1 - sum(segment.cell_length for segment in segments))
        return Strip(segments).crop_extend(0, width, self.rich_style).apply_style(self.rich_style)

    def _rule(self, words: str, room: int) -> list[Segment]:
        slot = LETTERS.index(words[0])
        dashes = max(room - len(words) - 3, 4)
        left = " " + "╌" * (dashes // 2) + " "
        style = letter_style(self, slot, bold=True)
        return [Segment(left, style), Segment(words, style), Segment(" " + "╌" * (dashes - dashes // 2), style)]

    def _segments(self, start: int, end: int) -> list[Segment]:
        """Return the characters from `start` to `end`, split wherever their style changes."""
        places = {start, end}
        for reading in self.readings:
            places |= {place for place in reading.seen if start < place < end}
        found = self._found_between(start, end)
        for place in found:
            places |= {max(place, start), min(place + len(self._wanted), end)}
        tokens = self._tokens_between(start, end)
        for token_start, token_end, _ in tokens:
            places |= {max(token_start, start), min(token_end, end)}
        ordered = sorted(places)
        segments = []
        for first, last in itertools.pairwise(ordered):
            is_odd = any(odd and token_start <= first < token_end for token_start, token_end, odd in tokens)
            style = self._look(first, found, self._marked("foreground", TOKEN) if is_odd else Style.null())
            segments.append(Segment(visible(self.text[first:last]), style))
        return segments

    def _look(self, offset: int, found: Sequence[int], style: Style) -> Style:
        blind = sum(1 for reading in self.readings if not reading.seen[0] <= offset < reading.seen[1])
        if blind:
            style += self._dimmed(UNSEEN_BY_ALL if blind == len(self.readings) else UNSEEN)
        for place in found:
            if place <= offset < place + len(self._wanted):
                here = self._here < len(self._found) and self._found[self._here] == place
                return self._marked("warning", HERE) if here else style + self._marked("warning", FOUND)
        return style

    @property
    def _has_shades(self) -> bool:
        """Whether colours can be mixed: the terminal's own colours are unknown."""
        return not (self.app.no_color or self.app.current_theme.ansi)

    def _dimmed(self, share: float) -> Style:
        """Return the text's colour, moved towards the background."""
        _, _, background, colour = self.colors
        if not self._has_shades:
            return Style(dim=True)
        return Style(color=background.blend(colour, 1 - share).rich_color)

    def _marked(self, variable: str, share: float) -> Style:
        """Return a background of the theme's colour with strength `share`: component styles have no transparency."""
        _, _, background, _ = self.colors
        if not self._has_shades:
            return Style(reverse=True) if share == HERE else Style(underline=True)
        mark = background.blend(Color.parse(self.app.theme_variables[variable]), share)
        colour = mark.get_contrast_text().rich_color if share == HERE else None
        return Style(bgcolor=mark.rich_color, color=colour)

    def _found_between(self, start: int, end: int) -> list[int]:
        low = bisect_left(self._found, start - len(self._wanted) + 1)
        return self._found[low : bisect_left(self._found, end)]

    def _tokens_between(self, start: int, end: int) -> list[tuple[int, int, bool]]:
        """Return the tokens of the chosen model, every other one marked."""
        for reading in self.readings:
            if reading.slot == self.boundaries_of:
                first = bisect_right(reading.tokens.ends, start)
                spans = reading.tokens.boundaries(start, end)
                return [(s, e, (first + index) % 2 == 1) for index, (s, e) in enumerate(spans)]
        return []


def _folded(text: str) -> str:
    """Return a text in lower case with the same number of characters, so that offsets stay."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c if len(c.lower()) != 1 else c.lower() for c in text)
