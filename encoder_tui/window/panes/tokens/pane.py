"""The Tokens pane: the text on top, and below it the comparison, which follows what the user types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.dom import DOMNode
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input, TextArea

from encoder_tui.core.defaults import BESIDE
from encoder_tui.core.text.numbers import count
from encoder_tui.core.tokens.comparison import Comparison
from encoder_tui.core.tokens.tokenizer import EncodeOptions
from encoder_tui.window.panes.pane import VIEW_KEYS, Pane
from encoder_tui.window.panes.tokens import copying, words
from encoder_tui.window.panes.tokens.comparer import Comparer
from encoder_tui.window.panes.tokens.ribbon import Ribbon
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.clipboard import copy
from encoder_tui.window.widgets.editor import Editor
from encoder_tui.window.widgets.key_line import possible_changed
from encoder_tui.window.widgets.short_lines import ShortLines
from encoder_tui.window.widgets.table import Table

if TYPE_CHECKING:
    from encoder_tui.window.panes.tokens.views import TableView


@runtime_checkable
class View(Protocol):
    """A view of the comparison other than the ribbon."""

    def show(self, comparison: Comparison) -> None:
        """Show a comparison."""


@runtime_checkable
class Asking(Protocol):
    """A view with texts of its own."""

    def asked(self) -> tuple[list[str], str | None, EncodeOptions]:
        """Texts, pair and options."""


@runtime_checkable
class Stoppable(Protocol):
    """A view whose work may take long."""

    is_busy: bool

    def stop(self) -> None:
        """Stop the work."""


class TokensPane(Pane):
    """One text under every model: aligned, as tables, as tensors, in a batch, decoded."""

    VIEWS = ("aligned", "table", "tensors", "batch", "special", "decode")
    VIEW_CHOICE = "view"
    BINDINGS = [
        *VIEW_KEYS,
        Binding(
            "y",
            "copy_block",
            "Copy block",
            id="tokens.copy-block",
            tooltip="Copy the characters and tokens of the block under the cursor",
        ),
        Binding(
            "i",
            "copy_ids",
            "Copy ids",
            show=False,
            id="tokens.copy-ids",
            tooltip="Copy the ids of every model, one line each",
        ),
        Binding(
            "t",
            "copy_table",
            "Copy table",
            show=False,
            id="tokens.copy-table",
            tooltip="Copy the table of every model, tab-separated",
        ),
        Binding(
            "p",
            "copy_python",
            "Copy Python",
            show=False,
            id="tokens.copy-python",
            tooltip="Copy Python code that gives the same with transformers",
        ),
        Binding("e", "edit", "Edit text", id="tokens.edit-text", tooltip="Go to the text"),
        Binding("r", "again", "Tokenize again", id="tokens.again", tooltip="Tokenize the text after a stop"),
        Binding("escape", "leave_editor", "Commands", id="tokens.leave"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.ribbon = Ribbon()
        self.comparer = Comparer(session, self._compared, self.ribbon.prepare)
        self._beside: TableView | None = None
        self._can: tuple[bool, ...] = ()
        """The last state that the possible keys depend on."""

    @classmethod
    def widgets_with_keys(cls) -> Sequence[tuple[str | None, type[DOMNode]]]:
        return [("aligned", Ribbon)]

    @classmethod
    def shell_command(cls, view: str, text: str, source: str | None) -> Sequence[str]:
        return ["tokens", text]

    def compose(self) -> ComposeResult:
        editor = Editor(self.session.text, id="text", placeholder="Type or paste a text.")
        editor.edited = self.session.set_text
        yield editor
        yield ShortLines(id="models")
        yield ShortLines(id="sentence")
        yield Choice(self.VIEWS, id=self.VIEW_CHOICE)
        with ContentSwitcher(initial="aligned", id="views"), Vertical(id="aligned"):
            yield self.ribbon
            yield ShortLines(id="block")

    def on_mount(self) -> None:
        self.session.models_changed.subscribe(self, lambda _: self.comparer.compare())
        self.session.text_replaced.subscribe(self, self._text_came)
        # In the frame that echoes the key, not in the next one.
        self.session.text_changed.subscribe(self, lambda _: self.comparer.compare(), immediate=True)
        editor = self.query_one(Editor)
        editor.move_cursor(editor.document.end)
        self.screen.set_focus(editor)
        self._show_words()
        if any(self.session.tokenizers):
            self.comparer.compare()  # another pane was opened first, so the models may have loaded already

    def on_unmount(self) -> None:
        self.comparer.close()

    def on_resize(self, event: Resize) -> None:
        is_wide = event.size.width >= BESIDE
        self.set_class(is_wide, "-wide")
        if is_wide and self._beside is None:
            self.call_after_refresh(self._put_tables_beside)
        self._show_words()
        self._show_block(self.ribbon.cursor)

    @on(TextArea.Changed, "#text")
    def _text_changed(self, event: TextArea.Changed) -> None:
        # Undo and redo reach the session only through this message.
        self.session.set_text(event.text_area.text)

    def _text_came(self, text: str) -> None:
        """Replace the current text by an earlier one."""
        editor = self.query_one(Editor)
        editor.replace(text, (0, 0), editor.document.end)  # not as a new document, so that it can be undone
        editor.move_cursor(editor.document.end)

    @on(TextArea.SelectionChanged, "#text")
    def _follow_text_cursor(self) -> None:
        """Put the ribbon's cursor on the block of the text's cursor."""
        is_current = self.comparison.present and self.comparison.text == self.session.text
        if is_current and self.view_name == "aligned" and self.query_one(Editor).has_focus:
            self.ribbon.cursor = self._block_at_cursor()

    def _block_at_cursor(self) -> int:
        editor = self.query_one(Editor)
        row, column = editor.cursor_location
        line_end = len(editor.document.newline)
        offset = sum(len(editor.document.get_line(line)) + line_end for line in range(row)) + column
        return self.comparison.alignment.block_at(max(offset - 1, 0))

    async def _put_tables_beside(self) -> None:
        """In a wide window, show the tables of tokens beside the aligned blocks."""
        from encoder_tui.window.panes.tokens.views import TableView  # noqa: PLC0415  # not needed for the first paint

        if not self.query("#aligned > TableView"):
            tables = TableView(self.session)
            await self.query_one("#aligned").mount(tables)
            self._beside = tables
            self._show_view()

    # From the comparison to the screen

    @property
    def comparison(self) -> Comparison:
        """The comparison that is shown."""
        return self.comparer.comparison

    def _compared(self, comparison: Comparison | None) -> None:
        """Show a finished comparison, or the progress if there is none."""
        self._show_words()
        if comparison is not None:
            self._show_view()
        can = bool(self.comparison.present), self.comparer.is_stoppable, self.comparer.is_stopped
        if can != self._can:
            self._can = can
            possible_changed(self)

    def _show_words(self) -> None:
        width = self.size.width
        if not width:
            return
        found = self.comparison
        lines = []
        for slot in self.session.slots:
            place = found.place_of(slot.number, slot.name)
            stream, refusal = (None, "") if place is None else (found.streams[place], found.refusals[place])
            lines.append(words.model_line(slot, stream, refusal, found.text, width))
        self.query_one("#models", ShortLines).say(Content("\n").join(lines))
        activity = self.comparer.activity
        working = Content.styled(f" {activity}", "$text-warning").truncate(width, ellipsis=True)
        sentence = working if activity else words.comparison_summary(self.comparison, width)
        self.query_one("#sentence", ShortLines).say(sentence)

    def _show_view(self) -> None:
        view = self.view
        if not self.comparison.present:
            return
        if self.view_name == "aligned":
            ribbon = self.ribbon
            block = self._block_at_cursor() if self.query_one(Editor).has_focus else ribbon.cursor
            ribbon.show(self.comparison, block)
            if self._beside is not None and self._beside.display:
                self._beside.show(self.comparison)
            self._show_block(ribbon.cursor)
        elif isinstance(view, View):
            view.show(self.comparison)

    @on(Ribbon.Moved)
    def _show_moved_block(self, event: Ribbon.Moved) -> None:
        self._show_block(event.block)

    def _show_block(self, block: int) -> None:
        if self.comparison.present and block < len(self.comparison.alignment):
            lines = words.block_lines(self.comparison, block, self.size.width)
            self.query_one("#block", ShortLines).say(lines)
            if self._beside is not None and self._beside.display:
                self._beside.point(self.comparison, block)

    @on(Table.Moved, "#aligned Table")
    def _follow_table(self, event: Table.Moved) -> None:
        if self._beside is not None and event.table.has_focus:
            self.ribbon.cursor = self._beside.block_of(event.table)

    # Views

    def view_opened(self, name: str) -> None:
        self.call_after_refresh(self._show_view)
        self._focus_view()

    def make_view(self, name: str) -> Widget | None:
        from encoder_tui.window.panes.tokens.batch import BatchLab  # noqa: PLC0415  # not needed for the first paint
        from encoder_tui.window.panes.tokens.views import VIEWS_BY_NAME  # noqa: PLC0415

        return BatchLab(self.session) if name == "batch" else VIEWS_BY_NAME[name](self.session)

    def _focus_view(self) -> None:
        """Give the focus to the view's movable widget, unless the user is choosing a view or editing the text."""
        if self.view_choice.has_focus or self.query_one(Editor).has_focus:
            return
        target = self.to_move_in
        if target is not None:
            target.focus()

    @property
    def _busy_view(self) -> Stoppable | None:
        view = self.view
        return view if isinstance(view, Stoppable) and view.is_busy else None

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "again" or self.comparer.is_stopped or None

    def possible(self, action: str) -> bool:
        """Whether an action would do something now, for the line of keys."""
        if action == "leave_editor":
            return (
                isinstance(self.app.focused, TextArea | Input)
                or self.comparer.is_stoppable
                or self._busy_view is not None
            )
        if action == "copy_block":
            return self.view_name == "aligned" and bool(self.comparison.present and self.comparison.text)
        return True

    def action_edit(self) -> None:
        """Go to the text."""
        self.query_one(Editor).focus()

    def action_again(self) -> None:
        """Compare the text that was stopped."""
        self.comparer.again()

    def action_leave_editor(self) -> None:
        """Stop work that takes long; otherwise go from a text field to the view, where single keys are commands."""
        if self.comparer.is_stoppable:
            self.comparer.stop()
            return
        if self._busy_view is not None:
            self._busy_view.stop()
            return
        if self.view_name == "aligned":
            self.ribbon.focus()
        else:
            self.view_choice.focus()

    def action_copy_block(self) -> None:
        """Copy the characters and the tokens of the block under the cursor."""
        is_there = self.possible("copy_block")
        text = copying.block(self.comparison, self.ribbon.cursor) if is_there else ""
        copy(self, text, "the block", copying.why_no_block(self.view_name))

    def action_copy_ids(self) -> None:
        """Copy the ids of every stream, one line each."""
        tokens = sum(len(stream.encoding) for stream in self.comparison.present)
        copy(self, copying.ids(self.comparison), count(tokens, "id"))

    def action_copy_table(self) -> None:
        """Copy every stream's table, tab-separated."""
        from encoder_tui.window.panes.tokens.views import table_tsv  # noqa: PLC0415

        copy(self, "\n".join(map(table_tsv, self.comparison.present)), "the tables")

    def action_copy_python(self) -> None:
        """Copy Python code that gives the same with transformers."""
        view = self.view
        asked = view.asked() if isinstance(view, Asking) else None
        models = self.session.models
        if asked is None:
            snippet = copying.python(models, [self.comparison.text], tensors=self.view_name == "tensors")
        else:
            snippet = copying.python(models, *asked)
        copy(self, snippet, "the Python code")
