"""How many tokens each model reads: its own limit, or another that the user chose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal

from encoder_tui.client.collection import CountedModel
from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.documents.document import LIMITS
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.cycle import Cycle

CHOICES: Final = tuple((f"{number:,}", number) for number in LIMITS)


def counted_models(session: Session) -> tuple[list[int], list[CountedModel]]:
    """Return the numbers of the models whose exact tokenizers have loaded, and these models."""
    slots, models = [], []
    for slot in session.slots:
        if slot.state == "exact" and (ready := slot.ready) is not None:
            models.append(CountedModel.of(ready))
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


class LimitsRow(Horizontal):
    """A limit for each model."""

    def __init__(self) -> None:
        super().__init__(id="limits")
        self._slots: list[int] = []

    def compose(self) -> ComposeResult:
        for index, letter in enumerate(LETTERS):
            yield Cycle(f"{letter} reads", CHOICES, id=f"limit-{index}")

    def take(self, slots: Sequence[int], models: Sequence[CountedModel]) -> None:
        """Set each model to its own limit."""
        self._slots = list(slots)
        for index in range(len(LETTERS)):
            cycle = self.query_one(f"#limit-{index}", Cycle)
            cycle.display = index in self._slots
            if cycle.display:
                own = models[self._slots.index(index)].limit
                shown = ("all" if own is None else f"{own:,}", own)
                cycle.take(list(dict.fromkeys([shown, *CHOICES])), own)

    def chosen(self) -> list[int | None]:
        """Return the current limits, in the order of the models; None for no limit."""
        return [self.query_one(f"#limit-{slot}", Cycle).value for slot in self._slots]
