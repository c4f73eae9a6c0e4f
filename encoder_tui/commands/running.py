"""What the commands have in common: the engine while they run, the text they are given, the models they name."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

import click
from rich.cells import cell_len

from encoder_tui.client.client import EngineClient, EngineError, TaskFailed
from encoder_tui.client.loader import Loader, load_or_stand_in
from encoder_tui.commands.console import fail, reason, say, tell
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.models.placement import placement_of
from encoder_tui.core.models.ready import ReadyModel, RequestedModel
from encoder_tui.core.outputs.batching import batch_of
from encoder_tui.core.outputs.runs import RunAnswer
from encoder_tui.core.settings import Settings, cache_path, log_path
from encoder_tui.core.text.safe import shorten, visible, without_surrogates
from encoder_tui.core.text.transfer import Transfer
from encoder_tui.core.tokens.exact_form import FormCache
from encoder_tui.core.tokens.tokenizer import TokenizationError
from encoder_tui.protocol import frames, operations
from encoder_tui.protocol.outputs import RunRequest

R = TypeVar("R")

FAILURES = (ModelError, TaskFailed, EngineError)
"""What can keep one model from being had; each says so in a sentence."""


def run(settings: Settings, work: Callable[[Loader], Awaitable[R]]) -> R:
    """Do a command's work with an engine that starts when it is first asked, and ends with the command."""

    signalled: list[int] = []

    async def session() -> R:
        _end_in_order(signalled)
        engine = EngineClient(log_path() / "engine.log", settings.engine, offline=settings.offline)
        loader = Loader(engine, FormCache(cache_path() / "tokenizers"), settings.offline, settings.trust_remote_code)
        try:
            return await work(loader)
        finally:
            await engine.close()
            for remark in loader.remarks:
                say(remark)
            if loader.cache.complaint is not None:
                say(loader.cache.complaint)

    try:
        return asyncio.run(session())
    except FAILURES as error:
        fail(reason(error))
    except asyncio.CancelledError:
        if not signalled:
            raise
        raise SystemExit(128 + signalled[0]) from None


def _end_in_order(signalled: list[int]) -> None:
    """Cancel the command where a signal means its end: half files are taken away then, and the engine is closed."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def end(number: int) -> None:
        signalled.append(number)
        task.cancel()

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # What was ignored when the program began (nohup) stays ignored; Windows knows no such handlers.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, end, number)


def each_model(
    loader: Loader, settings: Settings, work: Callable[[Loader, str], Awaitable[R | str]]
) -> AsyncIterator[tuple[str, R | str]]:
    """Do `work` for the models that were named, or for the default pair; a str it gives is what went wrong."""
    return load_or_stand_in(settings.model, lambda name: work(loader, name), say)


async def load_tokenizers(loader: Loader, settings: Settings) -> list[RequestedModel]:
    """The models that were named, or the default pair, with their tokenizers."""
    return [
        RequestedModel(name, error=found) if isinstance(found, str) else RequestedModel(name, found)
        async for name, found in each_model(loader, settings, _load)
    ]


async def _load(loader: Loader, name: str) -> ReadyModel | str:
    try:
        return await loader.model(name)
    except (*FAILURES, ValueError) as error:
        return reason(error)


def texts_of(arguments: Sequence[str]) -> list[str]:
    """The texts of the command line or, where there are none, all of stdin as one text."""
    if arguments:
        return [without_surrogates(text) for text in arguments]
    if sys.stdin is None or sys.stdin.isatty():
        raise click.UsageError("there is no text: give one as an argument, or pipe one in")
    return [sys.stdin.buffer.read().decode("utf-8", "replace")]


class ProgressLine:
    """What the engine is doing, on one line of stderr that is written over; nothing where that is no terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._is_shown = False
        self._transfer = Transfer()

    def show(self, progress: frames.Progress) -> None:
        """Take in a progress event."""
        if self._is_terminal:
            words = self._transfer.words(progress.text, progress.done, progress.total, progress.unit)
            text = shorten(visible(words), terminal_width() - 1)
            tell(f"\r\x1b[K{text}", nl=False)
            self._is_shown = True

    def clear(self) -> None:
        """Take the line away again, before anything else is written."""
        if self._is_shown:
            tell("\r\x1b[K", nl=False)
            self._is_shown = False


class Told:
    """Remarks of a source, each said once on stderr."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def hear(self, remarks: list[str]) -> None:
        for remark in remarks:
            if remark not in self._said:
                self._said.add(remark)
                say(remark)


class Done:
    """One model's part of the command: what came out, or why nothing did."""

    def __init__(self, name: str, answer: RunAnswer | None = None, error: str | None = None) -> None:
        self.name = name
        self.answer = answer
        self.error = error


async def run_one(
    loader: Loader,
    settings: Settings,
    model: RequestedModel,
    texts: Sequence[str],
    line: ProgressLine,
    slot: int | None,
    wishes: dict[str, bool],
) -> Done:
    """Run one model; what it cannot do is told in its own entry."""
    if model.ready is None:
        return Done(model.name, error=model.error)
    try:
        batch, _, truncations = batch_of(model.ready.tokenizer, model.ready.files, texts)
        for truncation in truncations:
            say(truncation.sentence(model.name, len(texts)))
        request = RunRequest(
            model.ready.source(settings),
            placement_of(settings),
            batch,
            **wishes,
            slot=slot,
        )
        answer = await loader.engine.run(operations.RUN, request, line.show)
    except TokenizationError as refusal:
        return Done(model.name, error=f"{model.name}: {refusal}")
    except FAILURES as error:
        return Done(model.name, error=str(error))
    finally:
        line.clear()
    for remark in answer.in_force.remarks:
        say(remark)
    return Done(model.name, answer)


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Return rows of cells as lines of columns; the first `left` columns are aligned left, the others right.

    A column is as wide as its widest cell on a terminal, where a CJK character takes two places.
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]

    def cell(index: int, text: str) -> str:
        room = " " * (widths[index] - cell_len(text))
        return text + room if index < left else room + text

    return ["  ".join(cell(index, text) for index, text in enumerate(row)).rstrip() for row in rows]


def finish(errors: Sequence[str | None]) -> None:
    """Tell what failed, and end with exit code 1 if anything did."""
    failed = [error for error in errors if error is not None]
    for error in failed:
        say(error)
    if failed:
        raise SystemExit(1)


def terminal_width() -> int:
    """Columns to print a table in."""
    import shutil  # noqa: PLC0415

    return shutil.get_terminal_size((100, 24)).columns
