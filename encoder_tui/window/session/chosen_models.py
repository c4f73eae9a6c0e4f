"""The models of the session: which ones are compared, which ones are on their way, and which one went last."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.signal import Signal

from encoder_tui.core.defaults import DEFAULT_PAIR, LETTERS, MAXIMUM
from encoder_tui.window.session.memory import SessionMemory
from encoder_tui.window.session.slot import Slot

if TYPE_CHECKING:
    from encoder_tui.client.loader import Loader
    from encoder_tui.core.models.ready import RequestedModel
    from encoder_tui.core.tokens.tokenizer import ModelTokenizer
    from encoder_tui.window.session.loading import SlotLoader


class ChosenModels(ABC):
    """One to four models in slots, in the order of their letters.

    A model that is chosen takes its place once it has loaded; if it cannot be loaded, the others stay as they are.
    """

    models_changed: Signal[None]
    memory: SessionMemory
    text: str

    def __init__(self, names: Sequence[str]) -> None:
        self.slots: list[Slot] = [Slot(number, name) for number, name in enumerate(names)]
        self.arriving: dict[Slot, Slot | None] = {}
        """Models that were chosen and are not known to work yet, each with the model that it will replace."""
        self.refusal = ""
        """Why the model that was chosen last is not shown; empty if nothing went wrong."""
        self._gone: tuple[Slot, Slot | None] | None = None
        """The model that was removed or replaced last, and the model that replaced it."""
        self.is_choosing = False
        """Whether the models dialog is open, which shows `refusal` itself."""
        self._loads: dict[Slot, asyncio.Task[None]] = {}
        self._started = asyncio.Event()

    @property
    @abstractmethod
    def loader(self) -> Loader:
        """Finds and downloads models."""

    @abstractmethod
    def notice(self, sentence: str, severity: str = "information") -> None:
        """Notify the user."""

    @property
    def letters(self) -> list[str]:
        """The letter of each model."""
        return [slot.letter for slot in self.slots]

    def slot_of(self, number: int) -> Slot | None:
        """Return the slot that has a letter, by its number; None if no model has it."""
        return next((slot for slot in self.slots if slot.number == number), None)

    @property
    def models(self) -> list[RequestedModel]:
        """The models as they are now, to be kept with results that are of them."""
        return [slot.requested() for slot in self.slots]

    @property
    def tokenizers(self) -> list[ModelTokenizer | None]:
        """Each model's tokenizer; None until it is loaded."""
        return [slot.tokenizer for slot in self.slots]

    def add(self, name: str) -> None:
        """Add a model once it has loaded; it gets the first free letter."""
        if self.room:
            self._look_for(name, None)
        else:
            self.notice(f"at most {MAXIMUM} models can be compared; remove or replace one", "warning")

    @property
    def room(self) -> int:
        """How many more models can be added."""
        return MAXIMUM - len(self.slots) - sum(replaced is None for replaced in self.arriving.values())

    def replace(self, index: int, name: str) -> None:
        """Replace the model at an index by another once that has loaded; it gets the same letter."""
        self._look_for(name, self.slots[index])

    def _look_for(self, name: str, replaced: Slot | None) -> None:
        """Load a chosen model; until it has loaded, and if it cannot be loaded, the others stay as they are."""
        slot = Slot(0 if replaced is None else replaced.number, name)
        self.arriving[slot], self.refusal = replaced, ""
        self._load(slot)
        self.models_changed.publish(None)

    def _arrive(self, slot: Slot) -> None:
        """Show a model that was chosen, now that it has loaded."""
        replaced = self.arriving.pop(slot)
        if replaced in self.slots:
            self._take_place(slot, replaced)
        elif len(self.slots) < MAXIMUM:
            slot.number = self._free_number()
            self._put(slot)
        self._models_chosen()

    def _take_place(self, slot: Slot, replaced: Slot) -> None:
        self._forget(replaced)
        slot.number = replaced.number
        self.slots[self.slots.index(replaced)] = slot
        self._gone = replaced, slot

    async def _bring(self, slot: Slot, loader: SlotLoader) -> None:
        """Load a chosen model, and show it or say why it cannot be shown."""
        await loader.load(slot, is_default=False)
        if slot not in self.arriving:
            return
        if await self._has_parameters(slot.name) and slot in self.arriving:
            self._arrive(slot)  # without a tokenizer, its parameters can still be shown
            return
        self.arriving.pop(slot, None)
        self.refusal = slot.message
        self.models_changed.publish(None)
        if not self.is_choosing:
            self.notice(slot.message, "error")

    async def _has_parameters(self, name: str) -> bool:
        from encoder_tui.client.client import EngineError, OperationFailed  # noqa: PLC0415
        from encoder_tui.core.models.names import ModelError  # noqa: PLC0415

        try:
            await self.loader.files(self.loader.parse(name), needs_tokenizer=False)
        except (ModelError, OperationFailed, EngineError):
            return False
        return True

    def remove(self, index: int) -> None:
        """Remove a model; the others keep their letters. The last one cannot be removed."""
        if len(self.slots) == 1:
            self.notice("the last model cannot be removed; replace it instead", "warning")
            return
        slot = self.slots.pop(index)
        self._forget(slot)
        self._gone = slot, None
        self._models_chosen()

    @property
    def gone(self) -> Slot | None:
        """The model that `bring_back` would bring back."""
        return None if self._gone is None else self._gone[0]

    def bring_back(self) -> None:
        """Bring back the model that was removed or replaced last, with its letter if that is free."""
        if self._gone is None:
            self.notice("no model was removed or replaced", "warning")
            return
        slot, replacement = self._gone
        if replacement is not None and replacement in self.slots:
            self._take_place(slot, replacement)
        elif self.room:
            if self.slot_of(slot.number) is not None:
                slot.number = self._free_number()
            self._put(slot)
            self._gone = None
        else:
            self.notice(f"at most {MAXIMUM} models can be compared; remove one to bring {slot.short} back", "warning")
            return
        if slot.state != "exact":
            self.load_again(self.slots.index(slot))
        self._models_chosen()

    def stop_arriving(self) -> bool:
        """Stop loading the models that were chosen and are not shown yet; return whether there were any."""
        were_any = bool(self.arriving)
        for slot in list(self.arriving):
            del self.arriving[slot]
            self._forget(slot)
        self.models_changed.publish(None)
        return were_any

    def load_again(self, index: int) -> None:
        """Load a model again that failed or was stopped."""
        slot = self.slots[index]
        slot.state, slot.message, slot.waiting = "loading", "", True
        self._load(slot)
        self.models_changed.publish(None)

    def stop_loading(self, index: int) -> None:
        """Stop loading a model."""
        slot = self.slots[index]
        if slot in self._loads:
            self._forget(slot)
            if slot.tokenizer is None:
                slot.state = "failed"
            slot.waiting, slot.message = False, "stopped; press enter on it to load it again"
            self.models_changed.publish(None)

    def swap(self, first: int, second: int) -> None:
        """Exchange the letters, colours and places of two models."""
        one, other = self.slots[first], self.slots[second]
        one.number, other.number = other.number, one.number
        self.slots[first], self.slots[second] = other, one
        self._models_chosen()

    @property
    def next_letter(self) -> str:
        """The letter that the next model gets."""
        return LETTERS[self._free_number()]

    def _free_number(self) -> int:
        """Return the number of the first letter that no model has."""
        taken = {slot.number for slot in self.slots}
        return next(number for number in range(MAXIMUM) if number not in taken)

    def _put(self, slot: Slot) -> None:
        """Show a slot among the others, in the order of their letters."""
        self.slots.append(slot)
        self.slots.sort(key=lambda one: one.number)

    def _models_chosen(self) -> None:
        self.memory.remember_models([slot.stands_in_for or slot.name for slot in self.slots])
        self.models_changed.publish(None)

    def _forget(self, slot: Slot) -> None:
        task = self._loads.pop(slot, None)
        if task is not None:
            task.cancel()

    def _load(self, slot: Slot, is_default: bool = False) -> None:
        from encoder_tui.window.session.loading import SlotLoader  # noqa: PLC0415  # imported in a thread by `start`

        def changed() -> None:
            if slot in self.arriving and slot.state == "exact":
                self._arrive(slot)
            else:
                self.models_changed.publish(None)

        loader = SlotLoader(self.loader, changed, self.notice, lambda: self.text)
        work = self._bring(slot, loader) if slot in self.arriving else loader.load(slot, is_default)
        task = asyncio.create_task(work)
        self._loads[slot] = task
        task.add_done_callback(lambda task: self._loaded(slot, task))

    def _loaded(self, slot: Slot, task: asyncio.Task[None]) -> None:
        if self._loads.get(slot) is task:
            del self._loads[slot]
        is_always_offered = slot.name in DEFAULT_PAIR or slot.name.startswith("builtin:")
        if slot.state == "exact" and slot in self.slots and not is_always_offered:
            self.memory.use_model(slot.name)

    async def loaded(self, slot: Slot) -> None:
        """Wait until a slot's exact tokenizer is loaded, or loading has failed."""
        if slot.state in {"loading", "provisional"}:
            await self._started.wait()
            if (task := self._loads.get(slot)) is not None:
                await asyncio.wait([task])
