"""The Tokens pane: the text on top, the comparison below it, live as the user types."""

from __future__ import annotations

import asyncio
from typing import Protocol, runtime_checkable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input, TextArea

from encoder_tui.comparison import Comparison, compare
from encoder_tui.display import count
from encoder_tui.panes.tokens import copies, facts
from encoder_tui.panes.tokens.ribbon import Ribbon
from encoder_tui.session import Session
from encoder_tui.tokens import EncodeOptions, TokenizationError
from encoder_tui.widgets.choice import Choice
from encoder_tui.widgets.clipboard import copy
from encoder_tui.widgets.editor import Editor
from encoder_tui.widgets.key_line import possible_changed
from encoder_tui.widgets.words import Words

VIEWS = ("aligned", "table", "tensors", "batch", "special", "decode")
SOON = 0.5
"""Seconds after which it is told what is being done."""
AT_ONCE = 4_000
"""Characters that are tokenized and aligned between two keys, in a few milliseconds; more goes to a thread."""


@runtime_checkable
class View(Protocol):
    """A view of the comparison other than the ribbon."""

    def show(self, comparison: Comparison) -> None:
        """Show a comparison."""

    def asked(self) -> tuple[list[str], str | None, EncodeOptions] | None:
        """Texts, pair and options where the view has its own; None where it shows the pane's text."""


class TokensPane(Vertical):
    """One text under every model: aligned, as tables, as tensors, in a batch, decoded."""

    BINDINGS = [
        Binding("v", "view(1)", "View", id="view.next"),
        Binding("V", "view(-1)", "Previous view", show=False, id="view.previous"),
        Binding("y", "copy_block", "Copy block", id="tokens.copy-block"),
        Binding("i", "copy_ids", "Copy ids", show=False, id="tokens.copy-ids"),
        Binding("t", "copy_table", "Copy table", show=False, id="tokens.copy-table"),
        Binding("p", "copy_python", "Copy Python", show=False, id="tokens.copy-python"),
        Binding("e", "edit", "Edit text", id="tokens.edit-text"),
        Binding("escape", "leave_editor", "Commands", id="tokens.leave"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(id="tokens")
        self.session = session
        self.comparison = Comparison(session.text, [None for _ in session.slots])
        self._wanted = False
        self._working: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        editor = Editor(self.session.text, id="text", placeholder="Type or paste a text.")
        editor.edited = self.session.set_text
        yield editor
        yield Words(id="models")
        yield Words(id="sentence")
        yield Choice(VIEWS, id="view")
        with ContentSwitcher(initial="aligned", id="views"), Vertical(id="aligned"):
            yield Ribbon()
            yield Words(id="block")

    def on_mount(self) -> None:
        self.session.models_changed.subscribe(self, lambda _: self.recompute())
        self.session.text_replaced.subscribe(self, self._text_came)
        # In the frame that echoes the key, not in the next one.
        self.session.text_changed.subscribe(self, lambda _: self.recompute(), immediate=True)
        editor = self.query_one(Editor)
        editor.move_cursor(editor.document.end)
        self.screen.set_focus(editor)
        self._show_words()

    def on_resize(self) -> None:
        self._show_words()
        self._show_block(self.query_one(Ribbon).cursor)

    def on_unmount(self) -> None:
        if self._working is not None:
            self._working.cancel()

    @on(TextArea.Changed, "#text")
    def _text_changed(self, event: TextArea.Changed) -> None:
        # What is undone or done again comes this way alone.
        self.session.set_text(event.text_area.text)

    def _text_came(self, text: str) -> None:
        """An earlier text takes the place of the one at hand."""
        editor = self.query_one(Editor)
        editor.replace(text, (0, 0), editor.document.end)  # and not as a new document: it can be undone
        editor.move_cursor(editor.document.end)

    @on(TextArea.SelectionChanged, "#text")
    def _follow_text_cursor(self) -> None:
        """The ribbon's cursor is where the text's is."""
        is_current = self.comparison.present and self.comparison.text == self.session.text
        if is_current and self._view_name == "aligned" and self.query_one(Editor).has_focus:
            self.query_one(Ribbon).cursor = self._block_at_cursor()

    @property
    def _view_name(self) -> str:
        return self.query_one("#views", ContentSwitcher).current or VIEWS[0]

    def _block_at_cursor(self) -> int:
        editor = self.query_one(Editor)
        row, column = editor.cursor_location
        line_end = len(editor.document.newline)
        offset = sum(len(editor.document.get_line(line)) + line_end for line in range(row)) + column
        return self.comparison.alignment.block_at(max(offset - 1, 0))

    # From the text to the comparison

    def recompute(self) -> None:
        """Encode and align again: at once where that takes milliseconds, in a thread where the text is long."""
        if len(self.session.text) <= AT_ONCE:
            self._take(self._compare(self.session.text))
        else:
            self._wanted = True
            if self._working is None or self._working.done():
                self._working = asyncio.create_task(self._compare_long())

    async def _compare_long(self) -> None:
        """Work on the newest text until none newer has come meanwhile."""
        while self._wanted:
            self._wanted = False
            text = self.session.text
            tokenizers = self.session.tokenizers
            soon = asyncio.get_running_loop().call_later(SOON, self._tell_of_work, len(text))
            try:
                comparison = await asyncio.to_thread(self._compare, text)
            finally:
                soon.cancel()
            if tokenizers == self.session.tokenizers and text == self.session.text:
                self._take(comparison)
            else:
                self._wanted = True

    def _tell_of_work(self, characters: int) -> None:
        """Say what takes so long; the next key begins anew."""
        told = f" {count(characters, 'character')} are tokenized and aligned; what stands below is the text before…"
        self.query_one("#sentence", Words).say(Content(told).truncate(max(self.size.width, 1), ellipsis=True))

    def _compare(self, text: str) -> Comparison:
        try:
            comparison = compare(text, self.session.tokenizers)
        except TokenizationError as error:
            self.session.notice(str(error), "error")
            return Comparison(text, [None for _ in self.session.slots])
        if comparison.present:
            _ = comparison.differing  # here, where it may be a thread
        return comparison

    def _take(self, comparison: Comparison) -> None:
        is_first = bool(comparison.present) != bool(self.comparison.present)
        self.comparison = comparison
        self._show_words()
        self._show_view()
        if is_first:
            possible_changed(self)

    # From the comparison to the screen

    def _show_words(self) -> None:
        width = self.size.width
        if not width:
            return
        streams = [*self.comparison.streams, *[None] * len(self.session.slots)]
        lines = [
            facts.model_line(index, slot, stream, self.comparison.text, width)
            for index, (slot, stream) in enumerate(zip(self.session.slots, streams, strict=False))
        ]
        self.query_one("#models", Words).say(Content("\n").join(lines))
        self.query_one("#sentence", Words).say(facts.sentence(self.session, self.comparison, width))

    def _show_view(self) -> None:
        current = self._view_name
        view = self.query_one(f"#{current}")
        if not self.comparison.present:
            return
        if current == "aligned":
            ribbon = self.query_one(Ribbon)
            block = self._block_at_cursor() if self.query_one(Editor).has_focus else ribbon.cursor
            ribbon.show(self.comparison, block)
            self._show_block(ribbon.cursor)
        elif isinstance(view, View):
            view.show(self.comparison)

    @on(Ribbon.Moved)
    def _show_moved_block(self, event: Ribbon.Moved) -> None:
        self._show_block(event.block)

    def _show_block(self, block: int) -> None:
        if self.comparison.present and block < len(self.comparison.alignment):
            lines = facts.block_lines(self.session, self.comparison, block, self.size.width)
            self.query_one("#block", Words).say(lines)

    # Views

    def action_view(self, step: int) -> None:
        """Show the next view."""
        self.query_one("#view", Choice).action_move(step)

    @on(Choice.Changed, "#view")
    async def _switch_view(self, event: Choice.Changed) -> None:
        switcher = self.query_one("#views", ContentSwitcher)
        if event.name == switcher.current:
            return
        if not switcher.query(f"#{event.name}"):
            await switcher.add_content(self._make_view(event.name), id=event.name)
        switcher.current = event.name
        self.call_after_refresh(self._show_view)
        self._focus_view(event.name)
        possible_changed(self)

    def _make_view(self, name: str) -> Widget:
        from encoder_tui.panes.tokens.batch import BatchLab  # noqa: PLC0415  # not needed for the first paint
        from encoder_tui.panes.tokens.views import VIEWS_BY_NAME  # noqa: PLC0415

        return BatchLab(self.session) if name == "batch" else VIEWS_BY_NAME[name](self.session)

    def _focus_view(self, name: str) -> None:
        """Give the focus to what can be moved in, unless the user is choosing among the views."""
        if self.query_one("#view", Choice).has_focus or self.query_one(Editor).has_focus:
            return
        view = self.query_one(f"#{name}")
        # Not a text field: there the next v would be a letter.
        inside = (widget for widget in view.query("*") if widget.focusable and not isinstance(widget, TextArea | Input))
        target = view if view.focusable else next(inside, None)
        if target is not None:
            target.focus()

    # Keys

    def possible(self, action: str) -> bool:
        """Whether an action would do something now, for the line of keys."""
        if action == "leave_editor":
            return isinstance(self.app.focused, TextArea | Input)
        if action == "copy_block":
            return self._view_name == "aligned" and bool(self.comparison.present)
        return True

    def action_edit(self) -> None:
        """Go to the text."""
        self.query_one(Editor).focus()

    def action_leave_editor(self) -> None:
        """From a text field to the view below it, where single keys are commands."""
        current = self._view_name
        if current == "aligned":
            self.query_one(Ribbon).focus()
        else:
            self.query_one("#view", Choice).focus()

    def action_copy_block(self) -> None:
        """Copy the characters and the tokens of the block under the cursor."""
        if self.comparison.present:
            copy(self, copies.block(self.comparison, self.query_one(Ribbon).cursor), "the block")

    def action_copy_ids(self) -> None:
        """Copy the ids of every stream, a line each."""
        tokens = sum(len(stream.encoding) for stream in self.comparison.present)
        copy(self, copies.ids(self.comparison), count(tokens, "id"))

    def action_copy_table(self) -> None:
        """Copy every stream's table, tab-separated."""
        from encoder_tui.panes.tokens.views import table_tsv  # noqa: PLC0415

        copy(self, "\n".join(map(table_tsv, self.comparison.present)), "the tables")

    def action_copy_python(self) -> None:
        """Copy the Python that gives the same with transformers."""
        view = self.query_one(f"#{self._view_name}")
        asked = view.asked() if isinstance(view, View) else None
        text, tensors = self.comparison.text, self._view_name == "tensors"
        copy(self, copies.python(self.session, text, asked, tensors), "the Python")
