"""The texts that several views share: lines of an editor, the text of the Tokens pane, or rows of the documents."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import TextArea

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.core.tasks.encoding import SIDES, Side
from encoder_tui.window.panes.registry import NO_DOCUMENT
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.editor import Editor

EXAMPLES: Final = """\
How was the light of a lighthouse focused?
Fresnel cut the lens into rings of glass prisms.
Keepers lit a lamp in the tower every night.
Bread rises because yeast makes gas in the dough.
"""
ROWS: Final = 8
"""How many rows of the documents are taken, from the open document on."""
DIMENSIONS: Final = (1024, 768, 512, 384, 256, 128, 64, 32)
"""Lengths to which vectors may be cut."""
EDITED, TOKENS, DOCUMENTS = "edited", "Tokens text first", f"{ROWS} documents"


@dataclass(frozen=True)
class TextsQuestion:
    """What is encoded: texts, which prompt or side they get, and to how many values their vectors are cut.

    A text's label is its number, or the row of the documents that it is from.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    prompt: str | None = None
    side: Side | None = None
    truncate_dim: int | None = None


class Texts(Vertical):
    """An editor of texts, a line each, and where else they may come from; prompt and dimension beside it."""

    DEFAULT_CSS = """
    Texts { height: auto; max-height: 40%; }
    Texts > Editor { height: 5; }
    Texts > Horizontal { height: 1; }
    """

    class Changed(Message):
        """The question has changed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.why_none = ""
        """Why there are no documents to take texts from; empty if there are."""
        self._documents: list[tuple[str, str]] = []
        self._reading: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        yield Editor(EXAMPLES, id="task-texts")
        with Horizontal():
            yield Cycle("texts", (EDITED, TOKENS, DOCUMENTS), id="task-source")
            yield Cycle("prompt", [("the model's own", None)], id="task-prompt")
            yield Cycle("values", [("all", None)], id="task-dimension")

    def on_mount(self) -> None:
        self.session.models_changed.subscribe(self, lambda _: self._offer())
        self.session.document_changed.subscribe(self, lambda _: self._read_if_chosen())
        self.session.text_changed.subscribe(self, lambda _: self._changed())
        self._offer()

    def on_unmount(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    def _offer(self) -> None:
        """Offer the prompts and the dimensions of the models."""
        cards = [slot.files.card for slot in self.session.slots if slot.files is not None]
        prompt, dimension = self.query_one("#task-prompt", Cycle), self.query_one("#task-dimension", Cycle)
        names = dict.fromkeys(name for card in cards for name in card.prompts)
        choices = [("the model's own", None), *((name, name) for name in dict.fromkeys([*SIDES, *names]))]
        longest = max((card.dimension or 0 for card in cards), default=0)
        lengths = [("all", None), *((f"{length:,}", length) for length in DIMENSIONS if length < longest)]
        for cycle, offered in ((prompt, choices), (dimension, lengths)):
            if cycle.choices != offered:
                cycle.take(offered, cycle.value if cycle.value in dict(offered).values() else None)

    # What is asked

    @property
    def source(self) -> str:
        """Where the texts come from."""
        return str(self.query_one("#task-source", Cycle).value)

    @property
    def question(self) -> TextsQuestion:
        """What the models are asked now."""
        lines = [line for line in self.query_one(Editor).text.split("\n") if line.strip()]
        if self.source == TOKENS:
            lines.insert(0, self.session.text)
        labelled = [(str(number), line) for number, line in enumerate(lines, 1)]
        if self.source == DOCUMENTS:
            labelled = self._documents
        chosen = self.query_one("#task-prompt", Cycle).value
        side = next((side for side in SIDES if side == chosen), None)
        return TextsQuestion(
            tuple(text for _, text in labelled),
            tuple(label for label, _ in labelled),
            None if side is not None else chosen,
            side,
            self.query_one("#task-dimension", Cycle).value,
        )

    def next_source(self) -> None:
        """Take the texts from the next source."""
        self.query_one("#task-source", Cycle).action_step(1)

    @on(Cycle.Changed, "#task-source")
    def _source_chosen(self) -> None:
        self.query_one(Editor).display = self.source != DOCUMENTS
        self._read_if_chosen()
        self._changed()

    @on(Cycle.Changed)
    @on(TextArea.Changed)
    def _changed(self) -> None:
        self.post_message(self.Changed())

    # Documents

    def _read_if_chosen(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        if self.source == DOCUMENTS:
            self._documents, self.why_none = [], "" if self.session.document_row else NO_DOCUMENT
            if self.session.document is not None and self.session.document_row is None:
                self._documents, self.why_none = [("1", self.session.document)], ""
            self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        """Read the open document and those after it."""
        row = self.session.document_row
        if row is None:
            self._changed()
            return
        collection = row.collection
        found: list[tuple[str, str]] = []
        for index in range(row.index, row.index + ROWS):
            try:
                (text,) = await collection.texts(index, [collection.column])
            except (OperationFailed, EngineError) as error:
                # There may be fewer rows than that.
                self.why_none = "" if found else str(error)
                break
            if text and text.strip():
                found.append((f"{index:,}", text))
        self._documents = found
        self._changed()
