"""The triplet check: is the question nearer to the document that answers it, and does the unseen tail matter?"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from encoder_tui.defaults import LETTERS
from encoder_tui.display import count, shorten, visible
from encoder_tui.panes.outputs.asking import QUIET, AskingView
from encoder_tui.panes.outputs.view import State
from encoder_tui.session import Slot
from encoder_tui.vectors import POOLINGS, Given, Triplet, VectorsAnswer, builtin_triplets, cosine, cut, longest, ways
from encoder_tui.widgets.cycle import Cycle
from encoder_tui.widgets.table import Column, Table

TEACHING = "  asks under every model whether the anchor is nearer to the positive document than to the negative.\n"
MORE = (
    "   A document that a model cannot take whole is given cut, and in windows whose vectors are averaged; one that\n"
    "   it can, whole, and cut where a shorter model stops. tab goes to the triplet, space takes the next."
)


@dataclass(frozen=True)
class Way:
    """What a model makes of the triplet when it is given the documents in one way; each answer as it comes."""

    name: str
    positive: Given
    negative: Given
    anchor: VectorsAnswer
    positive_answer: VectorsAnswer
    negative_answer: VectorsAnswer

    def cosines(self, pooling: str) -> tuple[float, float] | None:
        """Anchor with positive and anchor with negative; None where the model has no such pooling."""
        vectors = [answer.vector(pooling) for answer in (self.anchor, self.positive_answer, self.negative_answer)]
        anchor, positive, negative = vectors
        if anchor is None or positive is None or negative is None:
            return None
        return cosine(anchor, positive), cosine(anchor, negative)

    def likeness(self, other: Way, pooling: str) -> float:
        """The cosine of the positive document given in this way and in another."""
        first, second = self.positive_answer.vector(pooling), other.positive_answer.vector(pooling)
        return math.nan if first is None or second is None else cosine(first, second)


class TripletsView(AskingView):
    """Anchor, positive and negative under each model, pooling, and way of giving it the documents."""

    DEFAULT_CSS = """
    TripletsView { height: 1fr; }
    TripletsView > Horizontal { height: 1; }
    TripletsView > #triplet-texts { height: auto; max-height: 5; margin: 0 0 1 0; }
    TripletsView > Table { height: 1fr; }
    TripletsView > #triplet-teach { height: auto; padding: 0 1; }
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.triplets: list[Triplet] = builtin_triplets()
        self.ways: dict[Slot, list[Way]] = {}
        self._rows: list[tuple[str, ...]] = []

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Cycle("triplet", [f"{number + 1} of {len(self.triplets)}" for number in range(len(self.triplets))])
        yield Static(id="triplet-texts", markup=False)
        yield Static(id="triplet-teach", markup=False)
        yield Table([])

    @property
    def triplet(self) -> Triplet:
        """The triplet that is chosen."""
        cycle = self.query_one(Cycle)
        return self.triplets[cycle.values.index(cycle.value)]

    def on_resize(self) -> None:
        self.draw()

    @on(Cycle.Changed)
    def _changed(self) -> None:
        self.cancel()
        self.draw()
        self.post_message(self.Said())

    def question(self) -> object:
        return self.triplet

    def forget(self) -> None:
        self.ways.clear()

    async def work(self, slot: Slot) -> None:
        tokenizer, files, triplet = slot.tokenizer, slot.files, self.asked
        assert tokenizer is not None
        assert files is not None
        assert isinstance(triplet, Triplet)
        self.ways[slot] = found = []
        anchor_given = cut(tokenizer, triplet.anchor, longest(tokenizer, files))
        anchor = await self.vectors_of(slot, anchor_given, "the anchor")
        documents = [triplet.positive, triplet.negative]
        for name, (positive, negative) in await asyncio.to_thread(ways, tokenizer, files, documents):
            answers = [
                await self.vectors_of(slot, given, f"the {what}, {name}")
                for what, given in (("positive", positive), ("negative", negative))
            ]
            found.append(Way(name, positive, negative, anchor, *answers))
            self.draw()

    def draw(self) -> None:
        triplet, width = self.triplet, max(self.size.width - 14, 20)
        named = (("anchor", triplet.anchor), ("positive", triplet.positive), ("negative", triplet.negative))
        lines = [
            Content.assemble((f" {what:<10}", QUIET), shorten_end(visible(" ".join(text[: 2 * width].split())), width))
            for what, text in named
        ]
        self.query_one("#triplet-texts", Static).update(Content("\n").join(lines))
        self._rows = [row for slot in self.slots for row in self.rows(slot)]
        teach = self.query_one("#triplet-teach", Static)
        teach.display = self.asked is None
        teach.update(Content.assemble(("r", "bold"), TEACHING, (MORE, QUIET)))
        table = self.query_one(Table)
        wide = self.size.width >= 100
        table.columns = [
            Column("", 1),
            Column("documents", 0),
            *([Column("tokens seen", 14, "right")] if wide else []),
            Column("pooling", 7),
            Column("anchor·pos", 10, "right"),
            Column("anchor·neg", 10, "right"),
            Column("margin", 8, "right"),
            Column("to whole" if wide else "whole", 8 if wide else 6, "right"),
        ]
        table.show_rows(len(self._rows), lambda row: self._rows[row] if wide else without_seen(self._rows[row]))

    def rows(self, slot: Slot) -> list[tuple[str, ...]]:
        """A model's rows: a pooling under each way of giving it the documents."""
        index, ways_done = self.letter(slot), self.ways.get(slot, [])
        if index is None:
            return []
        if slot in self.errors:
            return [(LETTERS[index], self.errors[slot], "", "", "", "", "", "")]
        rows: list[tuple[str, ...]] = []
        for way in ways_done:
            for pooling in POOLINGS:
                cosines = way.cosines(pooling)
                if cosines is None:
                    continue
                whole = ways_done[-1]
                likeness = "" if way is whole else f"{way.likeness(whole, pooling):.4f}"
                seen = f"{way.positive.seen:,}/{way.positive.tokens:,}" if pooling == POOLINGS[0] else ""
                name = f"{way.name}" if way.positive.rows == 1 else f"{way.positive.rows} {way.name}"
                margin = cosines[0] - cosines[1]
                numbers = (f"{cosines[0]:.4f}", f"{cosines[1]:.4f}", f"{margin:+.4f}", likeness)
                rows.append((LETTERS[index], name, seen, pooling, *numbers))
        return rows

    def sentence(self) -> str:
        if self.status:
            return self.status
        if self.asked is None:
            triplet = self.triplet
            characters = count(len(triplet.positive), "character")
            return (
                f"The positive document is {triplet.positive_name}, {characters}; the negative {triplet.negative_name}"
            )
        if self.is_earlier:
            return "Another triplet or other models are chosen now; r asks again"
        found = []
        for slot in self.slots:
            index, done = self.letter(slot), self.ways.get(slot, [])
            if index is None or not done:
                continue
            whole, pooling = done[-1], POOLINGS[0]
            cosines = whole.cosines(pooling)
            if cosines is None:
                continue
            nearer = "positive" if cosines[0] > cosines[1] else "negative"
            random = ", by random weights" if whole.anchor.in_force.weights == "random" else ""
            tail = f", the tail turns it {angle(done[0].likeness(whole, pooling))}" if len(done) > 1 else ""
            found.append(f"{LETTERS[index]}: nearer to the {nearer} ({cosines[0] - cosines[1]:+.3f}{random}){tail}")
        return "; ".join(found)

    def copied(self) -> str:
        return "\n".join("\t".join(row) for row in self._rows)


def angle(likeness: float) -> str:
    """A cosine as degrees."""
    return f"{math.degrees(math.acos(min(max(likeness, -1.0), 1.0))):.0f}°" if math.isfinite(likeness) else "–"


def without_seen(row: tuple[str, ...]) -> tuple[str, ...]:
    """A row without its third cell, for a narrow window."""
    return (*row[:2], *row[3:])


def shorten_end(text: str, width: int) -> str:
    """The beginning of a text, with a sign where it goes on."""
    return text if len(text) <= width else shorten(text, width) if width < 2 else f"{text[: width - 1]}…"
