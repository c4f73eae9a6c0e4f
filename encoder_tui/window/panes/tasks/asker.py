"""A view's own question: put to every model in turn, cancelled, and dropped if it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from textual.content import Content

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.core.models.card import Card
from encoder_tui.core.models.placement import placement_of
from encoder_tui.core.tasks.pooling import Given, VectorsAnswer
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible
from encoder_tui.core.text.transfer import Transfer
from encoder_tui.core.tokens.tokenizer import TokenizationError
from encoder_tui.protocol import operations
from encoder_tui.protocol.frames import Progress
from encoder_tui.protocol.tasks import VectorsRequest
from encoder_tui.window.session.session import Session
from encoder_tui.window.session.slot import Slot

Answer = TypeVar("Answer")


def _limit(slot: Slot) -> int | None:
    return None if slot.files is None else slot.files.card.limit


class Asker(Generic[Answer]):
    """Puts a view's question to every model; keeps the question, the answers, and the errors.

    `question` returns the current question; `ask_model` asks one model and stores its answer in `answers`. `on_answer`
    is called after each model, `on_status` when `status` has changed. `unfit` says why a model of a kind is not asked.
    """

    def __init__(
        self,
        session: Session,
        question: Callable[[], object],
        ask_model: Callable[[Slot], Awaitable[None]],
        on_answer: Callable[[], None],
        on_status: Callable[[], None],
        unfit: Callable[[Card], str] | None = None,
    ) -> None:
        self.session = session
        self.answers: dict[Slot, Answer] = {}
        self.errors: dict[Slot, str] = {}
        self.asked: object = None
        self.slots: list[Slot] = []
        """The models that were asked."""
        self.status = ""
        """The progress, or that the question was cancelled; shown in the pane's sentence."""
        self._question = question
        self._ask_model = ask_model
        self._on_answer = on_answer
        self._on_status = on_status
        self._unfit = unfit or (lambda card: "")
        self._limits: dict[Slot, int | None] = {}
        """How many tokens each model that was asked read."""
        self._work: asyncio.Task[None] | None = None

    @property
    def is_asking(self) -> bool:
        """Whether a model is being asked, or waits for its turn."""
        return self._work is not None and not self._work.done()

    @property
    def is_earlier(self) -> bool:
        """Whether the answers belong to another question, other models or other limits than the current ones."""
        return self.asked is not None and (
            self.asked != self._question()
            or self.slots != self.session.slots
            or any(_limit(slot) != limit for slot, limit in self._limits.items())
        )

    def ask(self) -> None:
        """Ask the current question and drop the answers to an earlier one."""
        self.cancel()
        self.answers.clear()
        self.errors.clear()
        self._limits.clear()
        self.asked, self.slots = self._question(), list(self.session.slots)
        self._work = asyncio.create_task(self._ask_all())
        # Only then is nothing left to cancel.
        self._work.add_done_callback(lambda _: self._on_status())

    def cancel(self) -> bool:
        """Cancel the current question; return whether one was being asked."""
        was_asking = self.is_asking
        if self._work is not None:
            self._work.cancel()
            self._work = None
        if was_asking:
            self.status = "cancelled; the answers received before are shown below"
            self._on_status()
        return was_asking

    def models_changed(self) -> None:
        """Cancel the question if its models have changed; forget it when none of those that answered is left."""
        if self.is_asking and self.slots != self.session.slots:
            self.cancel()
        if self.asked is not None and self.answers and not any(slot in self.answers for slot in self.compared):
            self.asked, self.slots, self.status = None, [], ""
            self.answers.clear()
            self.errors.clear()

    @property
    def compared(self) -> list[Slot]:
        """The models that were asked and are still compared."""
        return [slot for slot in self.slots if slot in self.session.slots]

    async def _ask_all(self) -> None:
        for slot in self.slots:
            self._say(slot, "waits for its turn")
            await self.session.loaded(slot)
            try:
                if why := slot.why_not_ready or (slot.files and self._unfit(slot.files.card)):
                    self.errors[slot] = why
                else:
                    self._limits[slot] = _limit(slot)
                    await self._ask_model(slot)
            except (EngineError, OperationFailed, TokenizationError) as error:
                self.errors[slot] = str(error).removeprefix(f"{slot.name}: ")
            self._on_answer()
        self.status = ""
        self._on_status()
        await self.session.engine_memory.ask()

    def _say(self, slot: Slot, words: str) -> None:
        if slot in self.session.slots:
            self.status = f"{slot.letter}: {visible(words)}; x cancels"
            self._on_status()

    def telling(self, slot: Slot, before: str = "") -> Callable[[Progress], None]:
        """Return a function that shows the engine's progress with a model as the status, after the words `before`."""
        transfer = Transfer()

        def tell(progress: Progress) -> None:
            words = transfer.words(progress.text, progress.done, progress.total, progress.unit)
            self._say(slot, before + words.removeprefix(f"{slot.name}: "))

        return tell

    async def vectors_of(self, slot: Slot, given: Given, what: str) -> VectorsAnswer:
        """Return a text's vectors from the engine; `what` names the text in the status."""
        ready = slot.ready
        assert ready is not None
        rows = f", {count(given.rows, 'window')}" if given.rows > 1 else ""
        session = self.session
        request = VectorsRequest(
            ready.source(session.settings),
            placement_of(session.settings),
            given.batch,
        )
        return await session.engine.run(operations.VECTORS, request, self.telling(slot, f"{what}{rows}: "))

    def complaint(self, slot: Slot) -> Content:
        """Say why a model gave no answer."""
        return Content.styled(f"  {visible(self.errors.get(slot, ''))}", "$text-error")
