"""A view with a question of its own: asked of every model in turn, cancelled, dropped when it is no longer asked."""

from __future__ import annotations

import asyncio
from abc import ABCMeta, abstractmethod
from collections.abc import Callable

from textual.content import Content
from textual.message_pump import _MessagePumpMeta

from encoder_tui.client.client import EngineError, TaskFailed
from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.models.placement import placement_of, source_of
from encoder_tui.core.outputs.runs import UnloadRequest
from encoder_tui.core.tasks.pooling import Given, VectorsAnswer, VectorsRequest
from encoder_tui.core.text.safe import count, visible
from encoder_tui.core.text.transfer import Transfer
from encoder_tui.core.tokens.tokenizer import TokenizationError
from encoder_tui.protocol import operations
from encoder_tui.protocol.frames import Progress
from encoder_tui.window.panes.outputs.runs import why_not_ready
from encoder_tui.window.panes.outputs.view import OutputView, State
from encoder_tui.window.session.session import Slot

QUIET = "$text-muted"


class _AbstractView(_MessagePumpMeta, ABCMeta):
    """Lets a widget have abstract methods; what Textual's classes are made by has no public name."""


class AskingView(OutputView, metaclass=_AbstractView):
    """Asks the engine for something of its own; `work` does so for one model."""

    has_question = True

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.errors: dict[Slot, str] = {}
        self.asked: object = None
        self.slots: list[Slot] = []
        self.status = ""
        self._work: asyncio.Task[None] | None = None

    def on_unmount(self) -> None:
        self.cancel()

    # To be filled by each view

    @abstractmethod
    def question(self) -> object:
        """What is asked now, to be compared with what was asked."""

    @abstractmethod
    def forget(self) -> None:
        """Drop the answers to an earlier question."""

    @abstractmethod
    async def work(self, slot: Slot) -> None:
        """Ask one model."""

    @abstractmethod
    def draw(self) -> None:
        """Show what has been answered."""

    # What they share

    @property
    def is_asking(self) -> bool:
        return self._work is not None and not self._work.done()

    @property
    def is_earlier(self) -> bool:
        """Whether the answers belong to another question than what now stands in the fields."""
        return self.asked is not None and (self.asked != self.question() or self.slots != self.state.session.slots)

    def ask(self) -> None:
        self.cancel()
        self.forget()
        self.errors.clear()
        self.asked, self.slots = self.question(), list(self.state.session.slots)
        self._work = asyncio.create_task(self._ask_all())

    def cancel(self) -> bool:
        was_asking = self.is_asking
        if self._work is not None:
            self._work.cancel()
            self._work = None
        if was_asking:
            self.status = "cancelled; what was answered before stands below"
            self._tell()
        return was_asking

    def show(self) -> None:
        """The session changed: a question whose models are gone is dropped."""
        if self.is_asking and self.slots != self.state.session.slots:
            self.cancel()
        self.draw()

    def letter(self, slot: Slot) -> int | None:
        """The place of a model that is still compared."""
        slots = self.state.session.slots
        return slots.index(slot) if slot in slots else None

    async def _ask_all(self) -> None:
        for slot in self.slots:
            self.say(slot, "waits for its turn")
            await self.state.session.loaded(slot)
            try:
                if why := why_not_ready(slot):
                    self.errors[slot] = why
                else:
                    await self.work(slot)
            except (EngineError, TaskFailed, TokenizationError) as error:
                self.errors[slot] = str(error).removeprefix(f"{slot.name}: ")
            self.draw()
        self.status = ""
        self._tell()
        await self.state.runs.ask_memory(UnloadRequest([]))

    def say(self, slot: Slot, words: str) -> None:
        """What is being done, for the pane's line."""
        index = self.letter(slot)
        if index is not None:
            self.status = f"{LETTERS[index]}: {visible(words)}; x cancels"
            self._tell()

    def _tell(self) -> None:
        if self.is_mounted:
            self.post_message(self.Said())

    def telling(self, slot: Slot, before: str = "") -> Callable[[Progress], None]:
        """What tells of the engine's progress with a model."""
        transfer = Transfer()

        def tell(progress: Progress) -> None:
            words = transfer.words(progress.text, progress.done, progress.total, progress.unit)
            self.say(slot, before + words.removeprefix(f"{slot.name}: "))

        return tell

    async def vectors_of(self, slot: Slot, given: Given, what: str) -> VectorsAnswer:
        """Ask the engine for a text's vectors."""
        files = slot.files
        assert files is not None

        rows = f", {count(given.rows, 'window')}" if given.rows > 1 else ""
        session = self.state.session
        request = VectorsRequest(
            source_of(files, session.loader.trusted, session.settings.offline),
            placement_of(session.settings),
            given.batch,
        )
        return await session.engine.run(operations.VECTORS, request, self.telling(slot, f"{what}{rows}: "))

    def complaint(self, slot: Slot) -> Content:
        """Why a model gave no answer."""
        return Content.styled(f"  {visible(self.errors.get(slot, ''))}", "$text-error")
