"""A text editor that stays quick in long paragraphs and shows control characters instead of sending them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.document._document import EditResult
from textual.document._document_navigator import DocumentNavigator
from textual.document._edit import Edit
from textual.events import Paste
from textual.strip import Strip
from textual.widgets import TextArea

from encoder_tui.core.text.safe import visible, visible_in_place
from encoder_tui.window.widgets.plain_document import Drawn, PlainDocument
from encoder_tui.window.widgets.wrapping import LongLines


class Editor(TextArea):
    """A `TextArea` for plain text of any length.

    Textual divides the whole paragraph again for each of its lines on the screen, which takes 11 ms per line at
    100,000 characters; here a line is cut out of the paragraph by its offsets. The cursor does not blink, so that an
    idle window writes nothing.
    """

    DEFAULT_CSS = """
    Editor:ansi .text-area--selection {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: none;
    }
    """

    def __init__(self, text: str, **options: Any) -> None:
        super().__init__(text, soft_wrap=True, compact=True, tab_behavior="focus", **options)
        self.cursor_blink = False
        self.highlight_cursor_line = False
        self.edited: Callable[[str], None] | None = None
        """Called with the text before the frame that echoes the key is drawn; `Changed` comes a frame later."""

    def edit(self, edit: Edit) -> EditResult:
        result = super().edit(edit)
        if self.edited is not None:
            self.edited(self.text)
        return result

    def _set_document(self, text: str, language: str | None) -> None:
        super()._set_document("", None)
        self.document = document = PlainDocument(text)
        self.wrapped_document = LongLines(Drawn(document), tab_width=self.indent_width)
        self.navigator = DocumentNavigator(self.wrapped_document)
        self._rewrap_and_refresh_virtual_size()

    async def _on_paste(self, event: Paste) -> None:
        """Insert what was pasted; many terminals send a carriage return for a line end."""
        event.prevent_default()
        await super()._on_paste(Paste(event.text.replace("\r\n", "\n").replace("\r", "\n")))

    def _render_line(self, y: int) -> Strip:
        theme = self._theme
        base = theme.base_style if theme and theme.base_style is not None else self.rich_style
        width = self.size.width
        wrapped = self.wrapped_document
        row = y + self.scroll_offset.y
        if not 0 <= row < len(wrapped._offset_to_line_info):
            return Strip.blank(width, base)
        line_index, section = wrapped._offset_to_line_info[row]
        line = self.document.get_line(line_index)
        offsets = wrapped.get_offsets(line_index)
        start = offsets[section - 1] if section else 0
        is_last = section >= len(offsets)
        end = len(line) if is_last else offsets[section]
        segments = self._segments(line[start:end], line_index, start, is_last, base)
        return Strip(segments).adjust_cell_length(width, base).simplify()

    def _segments(self, text: str, line_index: int, start: int, is_last: bool, base: Style) -> list[Segment]:
        """Return a piece of a line that begins at column `start`, with the selection and the cursor."""
        selected = self._selected_columns(line_index, start + len(text) + 1)
        cursor_line, cursor = self.selection.end
        cursor_here = self._draw_cursor and cursor_line == line_index
        theme = self._theme
        selection_style = base + theme.selection_style if theme and theme.selection_style else base
        cursor_style = base + theme.cursor_style if theme and theme.cursor_style else base + Style(reverse=True)
        cuts = {0, len(text), *(min(max(column - start, 0), len(text)) for column in selected)}
        if cursor_here and start <= cursor < start + len(text):
            cuts |= {cursor - start, cursor - start + 1}
        segments = []
        ordered = sorted(cuts)
        for first, last in itertools.pairwise(ordered):
            style = selection_style if selected[0] <= start + first < selected[1] else base
            if cursor_here and start + first == cursor:
                style = cursor_style
            segments.append(Segment(visible(visible_in_place(text[first:last])), style))
        if is_last and cursor_here and cursor == start + len(text):
            segments.append(Segment(" ", cursor_style))
        return segments

    def _selected_columns(self, line_index: int, line_end: int) -> tuple[int, int]:
        """Return the selected columns of a line as a half-open range, empty if there are none."""
        (top, left), (bottom, right) = sorted(self.selection)
        if (top, left) == (bottom, right) or not top <= line_index <= bottom:
            return (0, 0)
        return (left if line_index == top else 0, right if line_index == bottom else line_end)
