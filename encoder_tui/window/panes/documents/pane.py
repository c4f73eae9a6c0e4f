"""The Documents pane: a list, the text with each model's cut, windows, and the collection as a whole."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.dom import DOMNode
from textual.events import Resize
from textual.widgets import ContentSwitcher, Input, Static

from encoder_tui.client.client import EngineError, TaskFailed
from encoder_tui.client.collection import Collection, CountedModel
from encoder_tui.core.defaults import BESIDE
from encoder_tui.core.documents.document import DocumentTokens
from encoder_tui.core.documents.lengths import CollectionCounts
from encoder_tui.core.report.material import Material
from encoder_tui.window.panes.documents import words
from encoder_tui.window.panes.documents.collection_view import CollectionView
from encoder_tui.window.panes.documents.counting import Counting
from encoder_tui.window.panes.documents.counting_keys import CountingKeys
from encoder_tui.window.panes.documents.limits import LimitsRow
from encoder_tui.window.panes.documents.listing import DocumentList
from encoder_tui.window.panes.documents.opener import Opening
from encoder_tui.window.panes.documents.position_bar import DocumentBar
from encoder_tui.window.panes.documents.prompt_line import Prompts
from encoder_tui.window.panes.documents.reading import Reading
from encoder_tui.window.panes.documents.source_dialog import SourceChooser
from encoder_tui.window.panes.documents.text import DocumentText
from encoder_tui.window.panes.documents.windows import WindowsView
from encoder_tui.window.panes.pane import VIEW_KEYS, Pane
from encoder_tui.window.session.session import DocumentRow, Session
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.clipboard import copy
from encoder_tui.window.widgets.field import Field
from encoder_tui.window.widgets.key_line import possible_changed
from encoder_tui.window.widgets.table import Table


class DocumentsPane(CountingKeys, Opening, Prompts, Pane):
    """Documents under every model."""

    VIEWS = ("text", "windows", "collection")
    VIEW_CHOICE = "document-view"
    BINDINGS = [
        *VIEW_KEYS,
        Binding("o", "source", "Open", id="documents.open"),
        Binding("t", "column", "Column", id="documents.column"),
        Binding("right_square_bracket", "document(1)", "Next document", show=False, id="documents.next-document"),
        Binding(
            "left_square_bracket", "document(-1)", "Previous document", show=False, id="documents.previous-document"
        ),
        Binding("c", "cut(1)", "Next cut", id="documents.next-cut"),
        Binding("C", "cut(-1)", "Previous cut", show=False, id="documents.previous-cut"),
        Binding("slash", "prompt('search')", "Search", key_display="/", id="documents.search"),
        Binding("f", "prompt('filter')", "Filter", show=False, id="documents.filter"),
        Binding("i", "prompt('index')", "Go to index", show=False, id="documents.go-to-index"),
        Binding("s", "sort", "Sort", show=False, id="documents.sort"),
        Binding("space", "count", "Count", id="documents.count"),
        Binding("x", "cancel_counting", "Forget the counts", show=False, id="documents.forget-the-counts"),
        Binding("S", "save_counts", "Save counts", show=False, id="documents.save-counts"),
        Binding("R", "prompt('reopen')", "Reopen counts", show=False, id="documents.reopen-counts"),
        Binding("r", "retry", "Read again", show=False, id="documents.read-again"),
        Binding("w", "text('wrap')", "Wrap", show=False, id="documents.wrap"),
        Binding("b", "text('boundaries')", "Token boundaries", show=False, id="documents.token-boundaries"),
        Binding("y", "copy", "Copy the view", show=False, id="documents.copy"),
        Binding("escape", "leave", "Back", id="documents.leave"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.source = session.docs
        self.collection: Collection | None = None
        self.counting: Counting | None = None
        self.reopened: CollectionCounts | None = None
        self.models: list[CountedModel] = []
        self.slots: list[int] = []
        self.readings: list[Reading] = []
        self.document = ""
        self._doing = ""
        self._opening: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._opened_index = -1

    @classmethod
    def widgets_with_keys(cls) -> Sequence[tuple[str | None, type[DOMNode]]]:
        return [("text", DocumentText), (None, SourceChooser)]

    @classmethod
    def shell_command(cls, view: str, text: str, source: str | None) -> Sequence[str]:
        what = ["--summary"] if view == "collection" else ["--limit", "10"]
        return ["docs", *([source] if source else []), *what]

    def compose(self) -> ComposeResult:
        yield Static(id="source", markup=False)
        with Container(id="document-body"):
            yield DocumentList(self.session, self._heard)
            with Vertical(id="document-reading"):
                yield Choice(self.VIEWS, id=self.VIEW_CHOICE)
                yield LimitsRow()
                with ContentSwitcher(initial="text", id="document-views"):
                    with Horizontal(id="text"):
                        yield DocumentText(id="document-text")
                        yield DocumentBar()
                    yield WindowsView()
                    yield CollectionView(id="collection")
        yield Static(id="document-sentence", markup=False)
        yield Field(id="prompt", compact=True)

    def on_mount(self) -> None:
        self.query_one("#prompt").display = False
        self.session.models_changed.subscribe(self, lambda _: self._models_changed())
        self._models_changed()
        self.screen.set_focus(self.query_one(DocumentList))
        self._sort_wanted = self.session.memory.state.documents_sort
        self.open(self.source, self.session.column)

    def on_unmount(self) -> None:
        for task in (self._opening, self._reading, self._finding):
            if task is not None:
                task.cancel()
        if self.counting is not None:
            self.counting.stop()

    def on_resize(self, event: Resize) -> None:
        # Lines of two hundred characters are hard to read: the list stands beside the text then.
        self.set_class(event.size.width >= BESIDE, "-wide")
        self._show_words()

    # The document

    @on(Table.Moved, "#list")
    def _row_chosen(self) -> None:
        listing = self.query_one(DocumentList)
        # Where the cursor is by now: rows may have been arranged otherwise since, with the same document under it.
        if self.collection is not None and listing.cursor < listing.row_count:
            index = listing.index_of(listing.cursor)
            if index != self._opened_index:
                self._open_document(index)

    def _open_document(self, index: int) -> None:
        if self._reading is not None:
            self._reading.cancel()
        if self.collection is not None:
            self._opened_index = index
            self._reading = asyncio.create_task(self._read_document(self.collection, index))

    async def _read_document(self, collection: Collection, index: int) -> None:
        # A held arrow key passes many documents; only the one it stops at is read.
        await asyncio.sleep(0.05)

        shown = []

        def show_text(text: str) -> None:
            shown.append(index)
            self.document = text
            self._show_document([])

        try:
            text, tokens = await collection.document(
                index, self.models, show_text, self._tell, lambda tokens: self._show_document(tokens, keep_place=True)
            )
        except (TaskFailed, EngineError) as error:
            if index < (collection.answer.total or index + 1):
                self._heard(str(error))
            if shown:
                # Its tokens failed: it is the document at hand all the same.
                self.session.set_document(self.document, DocumentRow(collection, index))
            return
        self._heard("")
        self.document = text or ""
        if text is None:
            self.session.notice(f"row {index:,} holds no text")
        self.session.set_document(self.document, DocumentRow(collection, index))
        self._show_document(tokens, keep_place=True)
        self.query_one(DocumentList).counted(index, [of.total for of in tokens])

    def _show_document(self, tokens: list[DocumentTokens], keep_place: bool = False) -> None:
        length = len(self.document)
        limits = self.query_one(LimitsRow).chosen()
        self.readings = [
            Reading(slot, of, reads, length) for slot, of, reads in zip(self.slots, tokens, limits, strict=False)
        ]
        self.query_one(DocumentText).show(self.document, self.readings, keep_place=keep_place)
        self._show_words()
        self._show_view()
        possible_changed(self)

    @on(DocumentText.Scrolled)
    def _show_bar(self) -> None:
        text = self.query_one(DocumentText)
        self.query_one(DocumentBar).show(len(text.text), text.in_sight, text.readings)

    @on(DocumentBar.Chosen)
    def _place_chosen(self, event: DocumentBar.Chosen) -> None:
        text = self.query_one(DocumentText)
        text.go_to(int(event.share * len(text.text)))

    @on(WindowsView.GoTo)
    def _window_chosen(self, event: WindowsView.GoTo) -> None:
        self.query_one(DocumentText).go_to(event.offset)

    def action_document(self, step: int) -> None:
        """Open the next document of the list."""
        self.query_one(DocumentList).action_move(step)

    def action_cut(self, step: int) -> None:
        """Go to the next cut in the text."""
        self.view_choice.chosen = "text"
        self.query_one(DocumentText).action_cut(step)

    def action_text(self, what: str) -> None:
        """Change how the text is drawn."""
        text = self.query_one(DocumentText)
        text.action_wrap() if what == "wrap" else text.action_boundaries()

    def possible(self, action: str) -> bool:
        """Whether an action would do something now, for the line of keys."""
        if action == "leave":
            return isinstance(self.app.focused, Input) or self.is_stoppable
        if action in {"count", "column"}:
            return self.collection is not None
        if action.startswith("cut"):
            return any(reading.mark is not None for reading in self.readings)
        return "search" not in action or bool(self.document)

    def action_copy(self) -> None:
        """Copy what is in front: the document, its windows, or the figures of the collection."""
        chosen = self.view_choice.chosen
        if chosen == "collection":
            copy(self, self.query_one(CollectionView).copied(), "the figures")
        elif chosen == "windows":
            copy(self, self.query_one(WindowsView).copied(), "the windows")
        else:
            copy(self, self.document, "the document")

    def add_to_report(self, material: Material) -> None:
        """The document at hand in a sentence, and what was counted."""
        if self.readings:
            told = words.sentence(self.readings, True, len(self.document))
            material.document = f"Document {self._opened_index:,}: {told}"
        counting = None if self.counting is None else self.counting.counts
        material.counts = self.reopened or counting

    # Views

    def view_opened(self, name: str) -> None:
        self.query_one("#limits").display = name == "text"
        self.query_one("#document-sentence").display = name != "collection"
        self.call_after_refresh(self._show_view)

    def show_collection(self) -> None:
        """Show the view of the collection."""
        choice = self.view_choice
        if choice.chosen == "collection":
            self._show_view()
        choice.chosen = "collection"

    def _show_view(self) -> None:
        current = self.query_one("#document-views", ContentSwitcher).current
        if current == "windows":
            place = self.query_one(DocumentText).in_sight[0]
            self.query_one(WindowsView).show(self.document, self.readings, place)
        elif current == "collection":
            self.query_one(CollectionView).show(self.counting, self.slots, self.reopened, self.collection is not None)

    def _show_words(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        listing = self.query_one(DocumentList)
        label = self.collection.label if self.collection is not None else "no documents yet"
        line = words.source_line(label, self._doing, listing, self.counting, self.size.width)
        self.query_one("#source", Static).update(line)
        told = words.sentence(self.readings, bool(self.readings), len(self.document))
        if self.collection is None:
            told = "Documents stand here once a source is open: o opens one."
        lines = textwrap.wrap(told, max(self.size.width - 2, 20), max_lines=2, placeholder="…")
        self.query_one("#document-sentence", Static).update(Content("\n".join(lines)))
