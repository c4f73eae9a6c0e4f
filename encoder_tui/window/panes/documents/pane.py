"""The Documents pane: a list, the text with each model's cut, windows, and the collection as a whole."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.dom import DOMNode
from textual.events import Resize
from textual.widgets import ContentSwitcher, Input, Static

from encoder_tui.client.collection import Collection, CountedModel
from encoder_tui.core.defaults import BESIDE
from encoder_tui.core.documents.lengths import CollectionCounts, load, save
from encoder_tui.core.files.typed_paths import typed_path
from encoder_tui.core.report.material import Material
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol.documents import SourceSpec
from encoder_tui.window.panes.documents import words
from encoder_tui.window.panes.documents.bindings import KEYS
from encoder_tui.window.panes.documents.collection_view import CollectionView
from encoder_tui.window.panes.documents.column_dialog import ColumnChooser
from encoder_tui.window.panes.documents.counting import Counting
from encoder_tui.window.panes.documents.limits import LimitsRow, counted_models, numbers_for
from encoder_tui.window.panes.documents.listing import DocumentList
from encoder_tui.window.panes.documents.opener import Opener
from encoder_tui.window.panes.documents.position_bar import DocumentBar
from encoder_tui.window.panes.documents.prompt_line import Mode, PromptLine
from encoder_tui.window.panes.documents.reader import DocumentReader
from encoder_tui.window.panes.documents.reading import Reading
from encoder_tui.window.panes.documents.source_dialog import SourceChooser, with_choice
from encoder_tui.window.panes.documents.text import DocumentText
from encoder_tui.window.panes.documents.windows import WindowsView
from encoder_tui.window.panes.pane import Pane
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.clipboard import copy
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.key_line import possible_changed
from encoder_tui.window.widgets.table import Table


class DocumentsPane(Pane):
    """Documents under every model.

    Slow work is done by objects without widgets: `opener` opens sources, `reader` reads the current document,
    `counting` counts the collection. The list filters and sorts itself.
    """

    VIEWS = ("text", "windows", "collection")
    VIEW_CHOICE = "document-view"
    BINDINGS = KEYS

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.listing = DocumentList(session, self._heard, self._show_words)
        self.opener = Opener(session, self._heard, self._opened)
        self.reader = DocumentReader(session, self._heard, self._document_changed)
        self.counting: Counting | None = None
        self.reopened: CollectionCounts | None = None
        self.models: list[CountedModel] = []
        self.slots: list[int] = []
        self.readings: list[Reading] = []
        self._doing = ""
        self._sort_wanted = 0
        """The order of the last session, which the first source gets."""
        self._starting: asyncio.Task[None] | None = None

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
            yield self.listing
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
        yield PromptLine()

    def on_mount(self) -> None:
        self.session.models_changed.subscribe(self, lambda _: self._models_changed())
        self._models_changed()
        self.screen.set_focus(self.listing)
        named = self.session.settings.docs
        if named is None or self.session.memory.is_last_source(named):
            self._sort_wanted = self.session.memory.state.documents_sort
        self.open(self.opener.source, self.session.column)

    def on_unmount(self) -> None:
        self.opener.stop()
        self.reader.close()
        if self._starting is not None:
            self._starting.cancel()
        if self.counting is not None:
            self.counting.stop()

    def on_resize(self, event: Resize) -> None:
        # Lines of two hundred characters are hard to read: put the list beside the text.
        self.set_class(event.size.width >= BESIDE, "-wide")
        self._show_words()

    @property
    def collection(self) -> Collection | None:
        """The documents that are open."""
        return self.opener.collection

    def possible(self, action: str) -> bool:
        if action == "leave":
            return isinstance(self.app.focused, Input) or self.is_stoppable
        if action == "limit":
            return bool(self.models)
        if action in {"count", "column"}:
            return self.collection is not None
        if action.startswith("cut"):
            return any(reading.mark is not None for reading in self.readings)
        return "search" not in action or bool(self.reader.text)

    def add_to_report(self, material: Material) -> None:
        if self.readings:
            sentence = words.document_summary(self.readings, len(self.reader.text))
            material.document = f"Document {self.reader.index:,}: {sentence}"
        counting = None if self.counting is None else self.counting.counts
        material.counts = self.reopened or counting

    # The source

    def open(self, source: str | None, column: str | None = None, spec: SourceSpec | None = None) -> None:
        """Open other documents, or another column of the same; `spec` says how files are written."""
        self.listing.stop_searching()
        self.opener.open(source, column, spec)

    def _opened(self) -> None:
        collection = self.opener.collection
        assert collection is not None
        self.reopened = None
        self.listing.open(collection, self._sort_wanted)
        self._sort_wanted = 0
        self._heard("")
        self._read(0)
        self._new_counting(start=not collection.answer.is_remote)

    def action_source(self) -> None:
        """Choose other documents."""

        def chosen(answer: tuple[str, SourceSpec] | None) -> None:
            if answer is not None:
                source, spec = answer
                self.session.memory.remember_source(source)
                self.session.memory.remember(documents_sort=0)  # the order was one of other documents
                self.open(source, None, spec)

        opener, recent = self.opener, self.session.memory.state.recent_sources
        there = None if self.collection is None else self.collection.answer
        remarks = self.listing.remarks
        self.app.push_screen(SourceChooser(self.session, opener.source, opener.spec, recent, there, remarks), chosen)

    def action_column(self) -> None:
        """Choose the column of text, or another split."""
        if self.collection is None:
            return
        source, spec = self.opener.source, self.opener.spec

        def chosen(answer: tuple[str, str] | None) -> None:
            if answer is None:
                return
            kind, name = answer
            if source is not None:
                self.session.memory.remember_source(source, name if kind == "column" else None)
            if kind == "column":
                self.open(source, name, spec)
            else:
                self.open(source, None, with_choice(spec, kind, name))

        self.app.push_screen(ColumnChooser(self.collection.answer, self.collection.column), chosen)

    def action_retry(self) -> None:
        """Read again what could not be read."""
        if self.collection is None:
            self.open(self.opener.source)
            return
        self.listing.forget()
        self.listing.refresh()
        self._read(self.reader.index)

    @property
    def is_stoppable(self) -> bool:
        """Whether documents are being opened or searched."""
        # Between two slices of a search, the document that was found is read, which has its own progress.
        return self.listing.is_searching or (self.opener.is_opening and bool(self._doing))

    def stop(self) -> bool:
        """Stop opening or searching; return whether there was anything to stop."""
        if not self.is_stoppable:
            return False
        self.opener.stop()
        self.listing.stop_searching()
        self._heard("stopped; press r to read again" if self.collection is None else "")
        self.session.notice("stopped; what was found so far stays listed")
        return True

    # The document

    @on(Table.Moved, "#list")
    def _row_chosen(self) -> None:
        listing = self.listing
        # Read the cursor now: rows may have been sorted since, with the same document under it.
        if self.collection is not None and listing.cursor < listing.row_count:
            index = listing.index_of(listing.cursor)
            if index != self.reader.index:
                self._read(index)
        elif self.collection is not None and not listing.row_count:
            self.reader.clear()

    def _read(self, index: int) -> None:
        if self.collection is not None:
            self.reader.read(self.collection, index, self.models)

    def _document_changed(self, is_same_text: bool) -> None:
        self._show_document(keep_place=is_same_text)
        if self.reader.is_read:
            self.listing.counted(self.reader.index, [of.total for of in self.reader.tokens])

    def _show_document(self, keep_place: bool = False) -> None:
        text, tokens = self.reader.text, self.reader.tokens
        self.readings = [
            Reading(slot, of, model.limit, len(text), words.beside(model))
            for slot, of, model in zip(self.slots, tokens, self.models, strict=False)
        ]
        self.query_one(DocumentText).show(text, self.readings, keep_place=keep_place)
        self._show_words()
        self._show_view()
        possible_changed(self)

    @on(DocumentText.Scrolled)
    def _show_bar(self, event: DocumentText.Scrolled) -> None:
        self.query_one(DocumentBar).show(len(self.reader.text), event.in_sight, self.readings)

    @on(DocumentBar.Chosen)
    def _place_chosen(self, event: DocumentBar.Chosen) -> None:
        self.query_one(DocumentText).go_to(int(event.share * len(self.reader.text)))

    @on(WindowsView.GoTo)
    def _window_chosen(self, event: WindowsView.GoTo) -> None:
        self.query_one(DocumentText).go_to(event.offset)

    def action_document(self, step: int) -> None:
        """Open the next document of the list."""
        self.listing.action_move(step)

    def action_cut(self, step: int) -> None:
        """Go to the next cut in the text."""
        self.view_choice.chosen = "text"
        self.query_one(DocumentText).action_cut(step)

    def action_text(self, what: str) -> None:
        """Change how the text is drawn."""
        text = self.query_one(DocumentText)
        text.action_wrap() if what == "wrap" else text.action_boundaries()

    # The counts

    def _models_changed(self) -> None:
        slots, models = counted_models(self.session)
        before, now = ([(model.name, model.key) for model in of] for of in (self.models, models))
        if before == now and slots == self.slots:
            if [model.card for model in models] != [model.card for model in self.models]:
                self._limits_changed(models)
            return
        self.listing.put_off_tokens()
        self.models, self.slots = models, slots
        self.query_one(LimitsRow).take(slots, models)
        self._list_limits()
        self._new_counting(start=self.collection is not None and not self.collection.answer.is_remote)
        self._read(max(self.reader.index, 0))

    def _limits_changed(self, models: list[CountedModel]) -> None:
        """Show the same counts and tokens under other limits."""
        self.models = models
        self.query_one(LimitsRow).take(self.slots, models)
        self._list_limits()
        if self.counting is not None:
            self.counting.take_limits(models)
        self._counted()
        self._show_document(keep_place=True)
        if not all(tokens.is_whole for tokens in self.reader.tokens):
            self._read(max(self.reader.index, 0))  # the first tokens may be too few for another limit

    def _list_limits(self) -> None:
        self.listing.count_under(self.slots, self.models)

    @on(Cycle.Changed)
    def _limit_changed(self, event: Cycle.Changed) -> None:
        if event.cycle.id == "sample":
            self.reopened = None
            self._new_counting(start=True)
            return
        # The event may be older than the models.
        for number, model in zip(self.slots, self.models, strict=True):
            slot = self.session.slot_of(number)
            if event.cycle.id == f"limit-{number}" and slot is not None:
                limit: int | None = event.cycle.value
                self.session.choose_limit(slot, None if limit == model.card.limits.smallest else limit)

    def action_limit(self) -> None:
        """Go to the limit of the first model, or of the next one."""
        self.query_one(LimitsRow).focus_next()

    def _new_counting(self, start: bool) -> None:
        if self._starting is not None:
            self._starting.cancel()
        if self.counting is not None:
            self.counting.stop()
        self.counting = None
        self.listing.count_on(None)
        if self.collection is not None and self.models:
            sample: int | None = self.query_one("#sample", Cycle).value
            self.counting = Counting(self.session, self.collection, self.models, self._counted, sample)
            self.counting.in_front = self.reader.is_idle
            if start and self.reader.is_idle.is_set():
                self.counting.start()
            elif start:
                self._starting = asyncio.create_task(self._start_after_document(self.counting))
        self._counted()

    async def _start_after_document(self, counting: Counting) -> None:
        """Start counting after the current document has been read: the engine handles one request at a time."""
        await self.reader.is_idle.wait()
        if counting is self.counting and counting.state == "idle":
            counting.start()
            self._counted()

    def _counted(self) -> None:
        self.listing.count_on(self.counting)
        self.session.counts = self.reopened or (None if self.counting is None else self.counting.counts)
        self._show_words()
        if self.view_name == "collection":
            self._show_view()

    def action_count(self) -> None:
        """Count the collection, or pause."""
        if self.counting is None:
            wanted = "a source is open" if self.collection is None else "a tokenizer has loaded"
            self.session.notice(f"documents can be counted once {wanted}", "warning")
            return
        self.reopened = None
        if self.counting.state == "counting":
            self.counting.pause()
        else:
            self.counting.start()
        self._counted()

    def action_cancel_counting(self) -> None:
        """Drop the counts, or those that were reopened."""
        self.reopened = None
        self._new_counting(start=False)

    def action_save_counts(self) -> None:
        """Ask for a path to save the counts to."""
        counting = self.counting
        if counting is None or not counting.counts.documents:
            self.session.notice("there are no counts to save yet; press space to count", "warning")
            return
        from encoder_tui.window.dialogs.save import Saveable, SaveDialog  # noqa: PLC0415

        async def made() -> bytes:
            return save(counting.counts)

        self.app.push_screen(SaveDialog([Saveable("counts", "counts.json", made)]))

    def _reopen(self, name: str) -> None:
        try:
            self.reopened = load(typed_path(name))
        except OSError as error:
            self.session.notice(f"{name.strip()} cannot be read: {error.strerror}", "error")
        except ValueError as error:
            self.session.notice(f"{name.strip()}: {error}", "error")
        else:
            self.session.counts = self.reopened
            self.show_collection()

    # The prompt

    def action_prompt(self, mode: Mode) -> None:
        """Open the prompt for a search, a filter, an index or a file."""
        self.query_one(PromptLine).ask(mode, self.listing.arranged.typed if mode == "filter" else "")

    def action_leave(self) -> None:
        """Stop the work in progress, leave the prompt, or go back to the list."""
        prompt = self.query_one(PromptLine)
        if not prompt.display and self.stop():
            return
        prompt.display = False
        self.listing.focus()

    @on(PromptLine.Answered)
    def _answered(self, event: PromptLine.Answered) -> None:
        self.action_leave()
        match event.mode:
            case "search":
                self._search(event.value)
            case "filter":
                self.listing.filter(event.value)
            case "index":
                self.listing.go_to_typed(event.value)
            case "reopen":
                self._reopen(event.value)

    def _search(self, wanted: str) -> None:
        text = self.query_one(DocumentText)
        found = text.search(wanted)
        if wanted:
            self.session.notice(f'{count(found, "match", "matches")} for "{visible(wanted)}"')
        text.focus()

    def action_sort(self) -> None:
        """Sort the list by index, then by characters, then by tokens under each model; the longest first."""
        self.listing.sort()

    def action_copy(self) -> None:
        """Copy the current view: the document, its windows, or the statistics of the collection."""
        chosen = self.view_choice.chosen
        if chosen == "collection":
            copy(self, self.query_one(CollectionView).copied(), "the statistics")
        elif chosen == "windows":
            copy(self, self.query_one(WindowsView).copied(), "the windows")
        else:
            copy(self, self.reader.text, "the document")

    # Views

    def view_opened(self, name: str) -> None:
        self.query_one("#document-sentence").display = name != "collection"
        self.call_after_refresh(self._show_view)

    def show_collection(self) -> None:
        """Show the view of the collection."""
        if self.view_choice.chosen == "collection":
            self._show_view()
        self.view_choice.chosen = "collection"

    def _show_view(self) -> None:
        if self.view_name == "windows":
            place = self.query_one(DocumentText).in_sight[0]
            self.query_one(WindowsView).show(self.reader.text, self.readings, place)
        elif self.view_name == "collection":
            slots = self.slots
            if self.reopened is not None:
                slots = numbers_for(self.session, [model.model for model in self.reopened.models])
            self.query_one(CollectionView).show(self.counting, slots, self.reopened, self.collection is not None)

    def _heard(self, doing: str) -> None:
        was_busy, self._doing = bool(self._doing), doing
        self._show_words()
        if was_busy != bool(doing):
            possible_changed(self)

    def _show_words(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        listing = self.listing
        label = self.collection.label if self.collection is not None else "no documents yet"
        counted = words.counting_words(self.counting, listing.total)
        is_arranged = not listing.arranged.is_everything
        line = words.source_line(
            label, self._doing, listing.summary(), counted, self.size.width, is_arranged=is_arranged
        )
        self.query_one("#source", Static).update(line)
        room = max(self.size.width - 2, 20)
        sentence = words.document_summary(self.readings, len(self.reader.text))
        if len(textwrap.wrap(sentence, room)) > 2:
            sentence = words.document_summary(self.readings, len(self.reader.text), is_brief=True)
        if self.collection is None:
            sentence = "Press o to open documents."
        elif self.reader.index < 0:
            sentence = "No document is listed."
        elif self.reader.is_read and not self.reader.text:
            sentence = "This document has no text."
        lines = textwrap.wrap(sentence, room, max_lines=2, placeholder="…")
        self.query_one("#document-sentence", Static).update(Content("\n".join(lines)))
