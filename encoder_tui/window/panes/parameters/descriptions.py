"""The descriptions of the session's models, requested from the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.core.models.card import Card
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.parameters.description import Description
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol.frames import Progress
from encoder_tui.window.session.session import Session
from encoder_tui.window.session.slot import Slot


class Described:
    """One model: its card, and its description, or the progress, or why there is none; `number` chooses its letter."""

    def __init__(self, number: int, asked_for: tuple[str, ...] = ()) -> None:
        self.number = number
        self.asked_for = asked_for
        self.card: Card | None = None
        self.description: Description | None = None
        self.bare: Description | None = None
        """The description without a head; the same unless heads are shown."""
        self.files: ModelFiles | None = None
        self.message = "waiting for the engine"
        self.is_failed = False


class Descriptions:
    """Requests the description of every model that has none yet; `changed` is called after every change."""

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self.session = session
        self.with_head = False
        self._changed = changed
        self._of: dict[Slot, Described] = {}
        self._tasks: dict[Slot, asyncio.Task[None]] = {}

    @property
    def entries(self) -> list[Described]:
        """One entry for each model, in order."""
        found = []
        for slot in self.session.slots:
            entry = self._of.get(slot) or Described(slot.number)
            entry.number = slot.number  # two models may have exchanged their letters
            found.append(entry)
        return found

    def entry_of(self, number: int) -> Described | None:
        """Return the entry of the model that has a letter, by its number; None if none has it."""
        return next((entry for entry in self.entries if entry.number == number), None)

    @property
    def known(self) -> list[Description | None]:
        """The descriptions, in the order of the models."""
        return [entry.description for entry in self.entries]

    def update(self) -> None:
        """Start the requests that are needed now, and forget models that were removed."""
        for slot in list(self._of):
            if slot not in self.session.slots:
                del self._of[slot]
                self._cancel(slot)
        for slot in self.session.slots:
            wanted = _wanted(slot, self.with_head)
            if wanted is not None and (slot not in self._of or self._of[slot].asked_for != wanted):
                self._cancel(slot)
                self._of[slot] = Described(slot.number, wanted)
                self._tasks[slot] = asyncio.create_task(self._describe(slot, self._of[slot]))

    def _cancel(self, slot: Slot) -> None:
        task = self._tasks.pop(slot, None)
        if task is not None:
            task.cancel()

    @property
    def is_reading(self) -> bool:
        """Whether a description is still being read."""
        return any(not task.done() for task in self._tasks.values())

    def stop(self) -> None:
        """Cancel all requests; `again` repeats them."""
        for slot, task in list(self._tasks.items()):
            if not task.done():
                self._cancel(slot)
                self._of[slot].message, self._of[slot].is_failed = "stopped; press r to read it again", True
        self._changed()

    def again(self) -> None:
        """Repeat the requests that were stopped or failed."""
        for slot, entry in list(self._of.items()):
            if entry.is_failed:
                del self._of[slot]
        self.update()
        self._changed()

    def close(self) -> None:
        """Cancel all requests for good."""
        for slot in list(self._tasks):
            self._cancel(slot)

    async def _describe(self, slot: Slot, entry: Described) -> None:
        def show(progress: Progress) -> None:
            entry.message = visible(progress.text)
            self._changed()

        loader = self.session.loader
        try:
            # Not the files that the tokenizer needed: a model without a tokenizer has parameters too.
            inspected, versions = await loader.inspected(loader.parse(slot.name), show)
            entry.card, entry.files = inspected.card, inspected.files
            self._changed()
            if entry.files is None:
                raise ModelError(f"{slot.name} has no config.json, so its parameters cannot be listed")
            entry.bare = await loader.description(entry.files, versions, show)
            # From here on it is what `params --head` prints.
            head = self.with_head and entry.bare.head_class is not None
            entry.description = await loader.description(entry.files, versions, show, head=True) if head else entry.bare
            entry.message = ""
        except (ModelError, OperationFailed, EngineError) as error:
            entry.message, entry.is_failed = visible(str(error)), True
        if loader.descriptions.complaint is not None:
            self.session.notice(loader.descriptions.complaint, "warning")
            loader.descriptions.complaint = None
        self._changed()


def _wanted(slot: Slot, with_head: bool) -> tuple[str, ...] | None:
    """Return what a slot's description depends on; None while its files are still being found."""
    if slot.files is not None:
        return (slot.name, slot.files.path, slot.files.fingerprint, slot.files.weights, slot.files.code, str(with_head))
    return (slot.name, str(with_head)) if slot.state == "failed" else None
