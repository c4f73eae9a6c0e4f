"""The triplet check: is the question nearer to the document that answers it, and does the unseen tail matter?"""

from __future__ import annotations

import asyncio

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.core.models.files import name_of
from encoder_tui.core.report.reproduce_tasks import PooledToReproduce, triplet_snippet
from encoder_tui.core.tasks.pooling import (
    POOLINGS,
    Triplet,
    builtin_triplets,
    cut,
    poolings_of,
    stride_of,
    triplet_columns,
    ways,
)
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible
from encoder_tui.window.panes.registry import NO_DOCUMENT
from encoder_tui.window.panes.tasks.asker import Asker
from encoder_tui.window.panes.tasks.triplet_rows import SCALE, Way, random_words, rows, verdict
from encoder_tui.window.panes.tasks.view import TasksState, TaskView
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.model_letters import letter_markup
from encoder_tui.window.widgets.table import Column, Table, fitted

AT_HAND = "open document"
WIDE, WITH_SCALE = 100, 116
"""Widths from which there is room for the number of tokens, and for the line from −1 to 1."""
TEACHING = "  checks with every model whether the anchor is nearer to the positive document than to the negative.\n\n"
MORE = (
    "A document longer than a model's limit is run twice: cut to the limit, and in windows, of which the one nearest to"
    " the anchor counts, or the mean."
    " A shorter one is run whole, and cut where a model with a lower limit stops. d switches between the open document"
    " and a built-in triplet; tab goes to the choice, space selects the next."
)


class TripletsView(TaskView):
    """Anchor, positive and negative under each model, pooling, and way of giving it the documents."""

    DEFAULT_CSS = """
    TripletsView { height: 1fr; }
    TripletsView > Horizontal { height: 1; }
    TripletsView > #triplet-texts { height: auto; max-height: 9; margin: 0 0 1 0; }
    TripletsView > Table { height: 1fr; }
    TripletsView > #triplet-teach { height: auto; padding: 0 1; }
    """

    takes_texts = False
    about = "anchor, positive and negative, cut and whole"

    def __init__(self, state: TasksState) -> None:
        super().__init__(state)
        self.asker: Asker[list[Way]] = Asker(
            self.session, self._question, self._ask_model, self.draw, self.tell_summary_changed
        )
        triplets = builtin_triplets()
        self.builtin = {f"built-in {number + 1} of {len(triplets)}": one for number, one in enumerate(triplets)}
        self.at_hand: Triplet | None = None
        self.why_none = NO_DOCUMENT
        self._rows: list[tuple[str, ...]] = []
        self._reading: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        first = AT_HAND if self.session.document is not None else next(iter(self.builtin))
        with Horizontal():
            yield Cycle("triplet", [AT_HAND, *self.builtin], value=first)
        yield Static(id="triplet-texts", markup=False)
        yield Static(id="triplet-teach", markup=False)
        yield Table([])

    def on_mount(self) -> None:
        self.session.document_changed.subscribe(self, lambda _: self._document_changed())
        # The anchor of a document that has none beside it.
        self.session.text_changed.subscribe(self, lambda _: self._document_changed())
        if self.session.document is not None:
            self._document_changed()

    def on_unmount(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    # Which triplet

    @property
    def triplet(self) -> Triplet | None:
        """The chosen triplet; None if there is none (yet)."""
        chosen = self.query_one(Cycle).value
        return self.at_hand if chosen == AT_HAND else self.builtin[chosen]

    def _document_changed(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        if self.session.document is not None:
            self._reading = asyncio.create_task(self._read_row(self.session.document))

    async def _read_row(self, document: str) -> None:
        """Make the triplet of the open document, from the columns of its row if it has them."""
        row, text = self.session.document_row, self.session.text
        self.at_hand, self.why_none = Triplet(text, document, None, "the open document"), ""
        columns = triplet_columns(row.collection.answer.columns) if row is not None else None
        if row is not None and columns is not None:
            self.at_hand, self.why_none = None, "reading the other columns of the open document"
            self._changed()
            try:
                texts = await row.collection.texts(row.index, columns)
            except (OperationFailed, EngineError) as error:
                self.why_none = str(error)
            else:
                names = [f"column {name} of row {row.index:,}" for name in columns]
                anchor, positive, negative = texts
                if anchor is None or positive is None:
                    self.why_none = f"{names[0] if anchor is None else names[1]} holds no text"
                else:
                    self.at_hand, self.why_none = Triplet(anchor, positive, negative, *names[1:]), ""
        self._changed()

    def take_document(self) -> bool:
        """Switch between a built-in triplet and the open document."""
        cycle = self.query_one(Cycle)
        cycle.value = next(iter(self.builtin)) if cycle.value == AT_HAND else AT_HAND
        return True

    @on(Cycle.Changed)
    def _changed(self) -> None:
        if self.asker.is_asking and self.asker.asked != self.triplet:
            self.cancel()
        self.draw()
        self.post_message(self.SummaryChanged())

    # The question

    def _question(self) -> Triplet | None:
        return self.triplet

    def ask(self) -> None:
        if self.triplet is None:
            self.session.notice(self.why_none, "warning")
        else:
            super().ask()

    async def _ask_model(self, slot: Slot) -> None:
        tokenizer, files, triplet = slot.tokenizer, slot.files, self.asker.asked
        assert tokenizer is not None
        assert files is not None
        assert isinstance(triplet, Triplet)
        self.asker.answers[slot] = found = []
        anchor_given = await asyncio.to_thread(cut, tokenizer, triplet.anchor, files.card.limit)
        anchor = await self.asker.vectors_of(slot, anchor_given, "the anchor")
        for name, given in await asyncio.to_thread(ways, tokenizer, files, triplet.documents):
            answers = [
                await self.asker.vectors_of(slot, one, f"the {what}, {name}")
                for what, one in zip(("positive", "negative"), given, strict=False)
            ]
            if any(one.rows > 1 for one in given):
                # Before the last way, with which all are compared.
                found.append(Way("best window", given, anchor, answers, by_best_window=True))
            found.append(Way(name, given, anchor, answers))
            self.draw()

    # Drawing

    def draw(self) -> None:
        """Show the answers so far."""
        self.query_one("#triplet-texts", Static).update(Content("\n").join([*self._texts(), *self._complaints()]))
        self._rows = [
            row
            for slot in self.asker.compared
            for row in rows(slot.letter, self.asker.answers.get(slot, []), self._poolings(slot)[0])
        ]
        teach = self.query_one("#triplet-teach", Static)
        teach.display = self.asker.asked is None
        teach.update(Content.assemble(("r", "bold"), TEACHING, (MORE, QUIET)))
        table = self.query_one(Table)
        wide, has_scale = self.size.width >= WIDE, self.size.width >= WITH_SCALE
        table.columns = columns(wide, has_scale) if self._rows else []
        table.show_rows(len(self._rows), lambda row: self._rows[row] if wide else without_seen(self._rows[row]))

    @staticmethod
    def _poolings(slot: Slot) -> tuple[list[str], bool]:
        """Return the poolings with the model's own first, and whether it states one."""
        return (list(POOLINGS), False) if slot.files is None else poolings_of(slot.files.card)

    def _texts(self) -> list[Content]:
        triplet, width = self.triplet, max(self.size.width - 14, 20)
        if triplet is None:
            return [Content.styled(f" {visible(self.why_none)}", "$text-warning")]
        found = []
        for what, text in zip(("anchor", "positive", "negative"), (triplet.anchor, *triplet.documents), strict=False):
            # Not the whole text: it may have a million characters, and a line shows a hundred.
            begun = fitted(visible(" ".join(text[: 2 * width].split())), width).rstrip()
            found.append(Content.assemble((f" {what:<10}", QUIET), begun))
        if triplet.negative is None:
            found.append(
                Content.styled(
                    " negative  none: this row has no columns anchor, positive and negative, so the anchor is the text"
                    " of the Tokens pane",
                    QUIET,
                )
            )
        return found

    def _complaints(self) -> list[Content]:
        found = [(slot, self.asker.complaint(slot)) for slot in self.asker.compared if slot in self.asker.errors]
        found += [
            (slot, Content.styled(visible(words), "$text-warning"))
            for slot in self.asker.compared
            for words in random_words(self.asker.answers.get(slot, []))
        ]
        return [Content.assemble((f" {slot.letter} ", letter_markup(slot.number)), words) for slot, words in found]

    def summary(self) -> str:
        if self.asker.status:
            return self.asker.status
        triplet = self.triplet
        if self.asker.asked is None:
            if triplet is None:
                return "The triplet of the open document will be shown here"
            negative = f"; the negative is {triplet.negative_name}" if triplet.negative is not None else ""
            characters = count(len(triplet.positive), "character")
            return f"The positive document is {visible(triplet.positive_name)}, {characters}{visible(negative)}"
        if self.asker.is_earlier:
            return "These results are for another triplet or other models; press r to run again"
        done = [(slot, ways) for slot in self.asker.compared if (ways := self.asker.answers.get(slot))]

        def words(is_short: bool) -> str:
            found = []
            for slot, ways in done:
                (pooling, *_), is_trained = self._poolings(slot)
                found.append(verdict(slot.letter, ways, pooling, is_trained, is_short))
            return "; ".join(filter(None, found))

        whole = words(is_short=False)
        # What the pane has room for.
        return whole if len(whole) <= 3 * self.size.width - 24 else words(is_short=True)

    def python(self) -> str:
        triplet, runs = self.asker.asked, []
        if not isinstance(triplet, Triplet):
            return ""
        for slot, found in self.asker.answers.items():
            ready = slot.ready
            if ready is not None and found:
                (pooling, *_), _ = self._poolings(slot)
                runs.append(
                    PooledToReproduce(
                        name_of(ready.files),
                        found[-1].anchor.in_force,
                        ready.limit,
                        0 if ready.limit is None else stride_of(ready.tokenizer, ready.limit),
                        pooling,
                        ready.source(self.session.settings).trust_remote_code,
                    )
                )
        return triplet_snippet(runs, triplet.anchor, triplet.documents) if runs else ""

    def copied(self) -> str:
        labels = ("model", *(column.label for column in columns(wide=True, has_scale=False)[1:]))
        return "\n".join("\t".join(row[: len(labels)]) for row in (labels, *self._rows)) if self._rows else ""


def columns(wide: bool, has_scale: bool) -> list[Column]:
    """Return the columns that fit."""
    return [
        Column("", 1),
        Column("documents", 0),
        *([Column("tokens seen", 14, "right")] if wide else []),
        Column("pooling", 7),
        Column("anchor·pos", 10, "right"),
        Column("anchor·neg", 10, "right"),
        Column("margin", 8, "right"),
        Column("to whole" if wide else "whole", 8 if wide else 6, "right"),
        *([Column(f"-1{'+ pos, - neg':^{SCALE - 3}}1", SCALE)] if has_scale else []),
    ]


def without_seen(row: tuple[str, ...]) -> tuple[str, ...]:
    """A row without its third cell, for a narrow window."""
    return (*row[:2], *row[3:])
