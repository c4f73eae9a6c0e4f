"""Counting the collection in the background: progress, pause, cancel, and the lengths of the rows counted."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence
from typing import Literal

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.client.collection import Collection, CountedModel
from encoder_tui.core.documents.document import unpacked
from encoder_tui.core.documents.lengths import CollectionCounts
from encoder_tui.window.session.session import Session

State = Literal["idle", "counting", "paused", "done", "failed"]


class Counting:
    """The counts of one collection under the current models, and their progress.

    `tokens` holds the length of every counted row in each model's tokens, `characters` in characters; `changed` is
    called after every slice. A counted slice is kept even if the next one fails.
    """

    def __init__(
        self,
        session: Session,
        collection: Collection,
        models: Sequence[CountedModel],
        changed: Callable[[], None],
        sample: int | None = None,
    ) -> None:
        self.session = session
        self.collection = collection
        self.models = list(models)
        self.counts: CollectionCounts = collection.no_counts(models, sample)
        self.tokens: list[array[int]] = [array("I") for _ in models]
        self.characters: array[int] = array("I")
        self.counters: list[str] = []
        self.known = 0
        self.remarks: list[str] = []
        self.state: State = "idle"
        self.error = ""
        self._changed = changed
        self.in_front = asyncio.Event()
        """Set while no document is being read for the user; no slice is requested until then."""
        self.in_front.set()
        self._task: asyncio.Task[None] | None = None

    @property
    def has_lengths(self) -> bool:
        """Whether any document was counted."""
        return len(self.characters) > 0

    @property
    def is_part(self) -> bool:
        """Whether some documents have no length yet: counting is not finished, or only counts a sample."""
        return self.state != "done" or self.counts.sample is not None

    def start(self) -> None:
        """Start or resume counting."""
        if self.state in {"idle", "paused", "failed"} and self.models:
            if self._task is not None and not self._task.done():
                self.state = "counting"
                return
            self.state, self.error = "counting", ""
            self._task = asyncio.create_task(self._run())

    def take_limits(self, models: Sequence[CountedModel]) -> None:
        """Take other limits of the same models; what was counted holds for any limit."""
        self.models = list(models)
        for counts, model in zip(self.counts.models, models, strict=True):
            counts.limit = model.limit

    def pause(self) -> None:
        """Request no further slice."""
        if self.state == "counting":
            self.state = "paused"
            self._changed()

    def stop(self) -> None:
        """Stop at once; what was counted is kept."""
        if self._task is not None:
            self._task.cancel()
        if self.state == "counting":
            self.state = "paused"

    async def _run(self) -> None:
        try:
            async for answer in self.collection.scan(self.counts, self.models):
                for into, lengths in zip(self.tokens, answer.lengths, strict=True):
                    into.extend(unpacked(lengths))
                self.characters.extend(unpacked(answer.characters))
                self.counters = answer.counters
                self.known = answer.known
                self.remarks += [remark for remark in answer.remarks if remark not in self.remarks]
                self._changed()
                # While Timing measures, nothing else should use the machine.
                await self.session.nothing_measured.wait()
                await self.in_front.wait()
                if self.state == "paused":
                    return
            self.state = "done"
        except (OperationFailed, EngineError) as error:
            self.state, self.error = "failed", str(error)
            self.session.notice(self.error, "error")
        self._changed()

    def summary(self) -> str:
        """Return the progress of counting in words."""
        if self.state == "idle":
            return "space counts the collection"
        line = self.counts.sentence()
        return {"paused": f"{line}, paused", "failed": f"{line}, failed"}.get(self.state, line)
