"""What the engine for the models holds in memory, as panes show it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.signal import Signal

from encoder_tui.core.text.numbers import decimal_size

if TYPE_CHECKING:
    from encoder_tui.client.client import EngineClient
    from encoder_tui.core.outputs.runs import MemoryAnswer


class EngineMemory:
    """Requests what the engine holds, and has it released; `changed` is published after each answer."""

    def __init__(
        self, engine: Callable[[], EngineClient], notice: Callable[[str, str], None], changed: Signal[None]
    ) -> None:
        self.answer: MemoryAnswer | None = None
        self.changed = changed
        self._engine, self._notice = engine, notice

    @property
    def summary(self) -> str:
        """The sizes of what is held; empty if nothing has been requested."""
        if self.answer is None:
            return ""
        weights = sum(model.in_force.parameter_bytes for model in self.answer.models)
        if not weights:
            return "no weights loaded"
        return f"memory: weights {decimal_size(weights)}, outputs {decimal_size(self.answer.outputs)}"

    async def ask(self, slots: list[int] | None = None) -> None:
        """Request what the engine holds. If `slots` is given, it releases the outputs of all other slots."""
        from encoder_tui.protocol import operations  # noqa: PLC0415  # not for the first paint
        from encoder_tui.protocol.outputs import MemoryRequest  # noqa: PLC0415

        await self._take(self._engine().run(operations.MEMORY, MemoryRequest(slots)))

    async def unload(self) -> None:
        """Release all models and outputs."""
        from encoder_tui.protocol import operations  # noqa: PLC0415  # not for the first paint
        from encoder_tui.protocol.outputs import UnloadRequest  # noqa: PLC0415

        await self._take(self._engine().run(operations.UNLOAD, UnloadRequest()))

    def engine_died(self) -> None:
        """Forget what the engine held: it has died."""
        self.answer = None
        self.changed.publish(None)

    async def _take(self, answer: Awaitable[MemoryAnswer]) -> None:
        from encoder_tui.client.client import EngineError, OperationFailed  # noqa: PLC0415  # not for the first paint

        try:
            self.answer = await answer
        except (EngineError, OperationFailed) as error:
            self._notice(str(error), "warning")
        self.changed.publish(None)
