"""The runs of the models on the text: requested one after the other, cancelled if the text or the models change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.placement import placement_of
from encoder_tui.core.outputs.batching import Truncation, batch_of
from encoder_tui.core.outputs.runs import OutputFacts, RunAnswer
from encoder_tui.core.text.transfer import Transfer
from encoder_tui.core.tokens.tokenizer import Encoding, TokenizationError
from encoder_tui.protocol import operations
from encoder_tui.protocol.frames import Progress
from encoder_tui.protocol.outputs import RunRequest
from encoder_tui.window.session.session import Session
from encoder_tui.window.session.slot import Slot


@dataclass(frozen=True)
class Question:
    """What to run: a text, the outputs wanted beside the standard ones, and whether the text is a document."""

    text: str
    hidden_states: bool = False
    attentions: bool = False
    of_document: bool = False

    @property
    def what(self) -> str:
        """What the text is: `document` or `text`."""
        return "document" if self.of_document else "text"


@dataclass(eq=False)
class ModelRun:
    """One model's run. `number` is the slot in which the engine keeps the outputs."""

    slot: Slot
    number: int
    question: Question
    files: ModelFiles | None = None
    encoding: Encoding | None = None
    truncation: Truncation | None = None
    progress: Progress | None = None
    doing: str = ""
    answer: RunAnswer | None = None
    error: str = ""
    is_held: bool = True
    partial: list[OutputFacts] = field(default_factory=list)

    @property
    def outputs(self) -> list[OutputFacts]:
        """The outputs received so far."""
        return self.partial if self.answer is None else self.answer.outputs


class Runs:
    """Requests runs from the engine and keeps the answers; `on_change` is called after every step."""

    def __init__(self, session: Session, on_change: Callable[[], None]) -> None:
        self.session = session
        self.runs: list[ModelRun] = []
        self.of_document = False
        self._on_change = on_change
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        return any(run.answer is None and not run.error for run in self.runs)

    @property
    def text(self) -> str:
        """The text to run: that of the Tokens pane, or the document of the Documents pane."""
        return self.session.document_or_text if self.of_document else self.session.text

    @property
    def is_earlier(self) -> bool:
        """Whether the outputs are for a text that has changed since."""
        return bool(self.runs) and self.runs[0].question.text != self.text

    def of(self, slot: Slot) -> ModelRun | None:
        """The run of a slot."""
        return next((run for run in self.runs if run.slot is slot), None)

    def start(self, question: Question) -> None:
        """Run every model, and drop the outputs of an earlier question."""
        self.cancel()
        self.runs = [ModelRun(slot, number, question) for number, slot in enumerate(self.session.slots)]
        self._task = asyncio.create_task(self._run_all(list(self.runs)))
        self._on_change()

    def close(self) -> None:
        """Cancel the current run without calling `on_change`: the pane is closed."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def cancel(self, why: str = "cancelled") -> bool:
        """Cancel the current run; return whether there was one."""
        self.close()
        if not self.is_running:
            return False
        for run in self.runs:
            if run.answer is None and not run.error:
                run.error, run.progress = why, None
        self._on_change()
        return True

    def text_changed(self) -> None:
        """Cancel the current run if it is for another text."""
        if self.is_earlier:
            self.cancel("the text changed during the run; press r to run again")
        self._on_change()

    def models_changed(self) -> None:
        """Forget the runs of models that are no longer compared."""
        slots = self.session.slots
        gone = [run for run in self.runs if run.slot not in slots or (run.files and run.files is not run.slot.files)]
        if gone:
            self.cancel("the models changed during the run; press r to run again")
            self.runs = [run for run in self.runs if run not in gone]
        self._on_change()

    async def unload(self) -> None:
        """Free the memory of models and outputs."""
        self.cancel()
        for run in self.runs:
            run.is_held = False
        await self.session.engine_memory.unload()

    def memory_changed(self) -> None:
        """Note which outputs the engine has released; another pane may have unloaded them."""
        memory = self.session.engine_memory.answer
        if memory is not None and not memory.outputs:
            for run in self.runs:
                run.is_held = run.is_held and run.answer is None
        self._on_change()

    def engine_died(self) -> None:
        """Note that the engine has lost its models and outputs."""
        for run in self.runs:
            run.is_held = False
        self._on_change()

    async def _run_all(self, runs: list[ModelRun]) -> None:
        for run in runs:
            await self.session.loaded(run.slot)
            run.error = run.slot.why_not_ready
            if not run.error:
                await self._run_one(run)
            run.progress = None
            self._on_change()
        # An earlier run may have had more models, whose outputs can no longer be shown.
        await self.session.engine_memory.ask([run.number for run in runs if run.answer is not None])

    async def _run_one(self, run: ModelRun) -> None:
        """Run one model; an error becomes its message."""
        ready = run.slot.ready
        assert ready is not None
        run.files = ready.files
        question, transfer = run.question, Transfer()

        def show(progress: Progress) -> None:
            run.progress = progress
            run.doing = transfer.words(progress.text, progress.done, progress.total, progress.unit)
            self._on_change()

        def take(answer: RunAnswer) -> None:
            run.partial += answer.outputs
            self._on_change()

        try:
            batch, encodings, cut = await asyncio.to_thread(batch_of, ready.tokenizer, ready.files, [question.text])
            run.encoding, run.truncation = encodings[0], cut[0] if cut else None
            request = RunRequest(
                ready.source(self.session.settings),
                placement_of(self.session.settings),
                batch,
                question.hidden_states,
                question.attentions,
                run.number,
            )
            run.answer = await self.session.engine.run(operations.RUN, request, show, take)
        except (TokenizationError, EngineError, OperationFailed) as error:
            run.error = str(error)
