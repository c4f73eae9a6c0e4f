"""How many tokens each model reads: its own limit, or another that the user chose."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal

from encoder_tui.client.collection import CountedModel
from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.documents.document import LIMITS
from encoder_tui.core.models.card import Card
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.cycle import Cycle


def counted_models(session: Session) -> tuple[list[int], list[CountedModel]]:
    """Return the numbers of the models whose exact tokenizers have loaded, and these models."""
    slots, models = [], []
    for slot in session.slots:
        if slot.state == "exact" and (ready := slot.ready) is not None:
            models.append(CountedModel(ready))
            slots.append(slot.number)
    return slots, models


def numbers_for(session: Session, names: Sequence[str]) -> list[int]:
    """Return the numbers of letters for models that were counted at another time.

    A model of the window has the same letter here; others get letters that no model of the window has, if any are left.
    """
    left = [(slot.number, slot.name) for slot in session.slots]
    free = [number for number in range(len(LETTERS)) if session.slot_of(number) is None]
    found: list[int | None] = []
    for name in names[: len(LETTERS)]:
        same = next((one for one in left if one[1] == name), None)
        if same is not None:
            left.remove(same)
        found.append(None if same is None else same[0])
    unused = iter([*free, *(number for number in range(len(LETTERS)) if number not in {*free, *found})])
    return [next(unused) if number is None else number for number in found]


def choices(card: Card) -> list[tuple[str, int | None]]:
    """Return the limits that a model can be given, with their words: that of the deployed model first."""
    limits = card.limits
    own, positions = limits.smallest, limits.positions
    stated = {limits.positions, limits.tokenizer, limits.sentence_transformers, card.limit}
    others = {bound for bound in (*stated, *LIMITS) if bound is not None and bound <= (positions or bound)}
    return [("all" if own is None else f"{own:,}", own), *((f"{bound:,}", bound) for bound in sorted(others - {own}))]


class LimitsRow(Horizontal):
    """A limit for each model."""

    def __init__(self) -> None:
        super().__init__(id="limits")

    def compose(self) -> ComposeResult:
        for index, letter in enumerate(LETTERS):
            yield Cycle(f"{letter} reads", ["all"], id=f"limit-{index}")

    def take(self, slots: Sequence[int], models: Sequence[CountedModel]) -> None:
        """Show the limit of each model."""
        for index, cycle in enumerate(self._cycles()):
            cycle.display = index in slots
            if cycle.display:
                model = models[slots.index(index)]
                cycle.take(choices(model.card), model.limit)

    def focus_next(self) -> None:
        """Focus the limit of the first model, or of the next one if one has the focus."""
        shown = [cycle for cycle in self._cycles() if cycle.display]
        place = next((place for place, cycle in enumerate(shown) if cycle.has_focus), -1)
        if shown:
            shown[(place + 1) % len(shown)].focus()

    def _cycles(self) -> list[Cycle]:
        return [self.query_one(f"#limit-{index}", Cycle) for index in range(len(LETTERS))]
