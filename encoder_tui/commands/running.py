"""What all commands share: the engine while they run, their texts, and their models."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

import click
from rich.cells import cell_len

from encoder_tui.client.client import EngineClient, EngineError, OperationFailed
from encoder_tui.client.loader import Loader, load_or_stand_in
from encoder_tui.commands.console import fail, reason, say, tell
from encoder_tui.core.models.card_words import other_limits
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

FAILURES = (ModelError, OperationFailed, EngineError)
"""Exceptions because of which one model cannot be used; each message is a sentence."""


def run(settings: Settings, work: Callable[[Loader], Awaitable[R]]) -> R:
    """Do a command's work with an engine that starts on the first request and ends with the command."""

    signalled: list[int] = []

    async def session() -> R:
        _end_in_order(signalled)
        engine = EngineClient(log_path() / "engine.log", settings.engine, offline=settings.offline)
        loader = Loader(
            engine,
            FormCache(cache_path() / "tokenizers"),
            settings.offline,
            settings.trust_remote_code,
            lambda _: settings.max_seq_length,
        )
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
    """Cancel the command on SIGTERM or SIGHUP, so that partial files are removed and the engine is closed."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def end(number: int) -> None:
        signalled.append(number)
        task.cancel()

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # A signal that was ignored at the start (nohup) stays ignored. Windows has no such handlers.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, end, number)


def each_model(
    loader: Loader, settings: Settings, work: Callable[[Loader, str], Awaitable[R | str]]
) -> AsyncIterator[tuple[str, R | str]]:
    """Do `work` for the given models, or for the default pair; if it returns a str, that is the error."""
    return load_or_stand_in(settings.model, lambda name: work(loader, name), say)


async def load_tokenizers(loader: Loader, settings: Settings) -> list[RequestedModel]:
    """Return the given models, or the default pair, with their tokenizers."""
    return [
        RequestedModel(number, name, error=found) if isinstance(found, str) else RequestedModel(number, name, found)
        for number, (name, found) in enumerate([one async for one in each_model(loader, settings, _load)])
    ]


async def _load(loader: Loader, name: str) -> ReadyModel | str:
    try:
        return await loader.model(name)
    except (*FAILURES, ValueError) as error:
        return reason(error)


def named_texts(arguments: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    """Return the texts that the command line names: the arguments, or else `--text`; none if neither is there."""
    if not arguments and settings.text is not None and settings.origin("text") == "command line":
        return (settings.text,)
    return arguments


def texts_of(arguments: Sequence[str]) -> list[str]:
    """Return the texts of the command line, or if there are none, all of stdin as one text."""
    if arguments:
        return [without_surrogates(text) for text in arguments]
    if sys.stdin is None or sys.stdin.isatty():
        raise click.UsageError("no text: give one as an argument or on stdin")
    return [sys.stdin.buffer.read().decode("utf-8", "replace")]


class ProgressLine:
    """The engine's progress on one line of stderr, overwritten each time; nothing if stderr is not a terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._is_shown = False
        self._transfer = Transfer()

    def show(self, progress: frames.Progress) -> None:
        """Show a progress event."""
        if self._is_terminal:
            words = self._transfer.words(progress.text, progress.done, progress.total, progress.unit)
            text = shorten(visible(words), terminal_width() - 1)
            tell(f"\r\x1b[K{text}", nl=False)
            self._is_shown = True

    def clear(self) -> None:
        """Erase the line before anything else is written."""
        if self._is_shown:
            tell("\r\x1b[K", nl=False)
            self._is_shown = False


class Remarks:
    """Prints the remarks of a source on stderr, each once."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def show(self, remarks: list[str]) -> list[str]:
        """Print the remarks that were not printed before, and return them."""
        new = [remark for remark in dict.fromkeys(remarks) if remark not in self.shown]
        for remark in new:
            say(remark)
        self.shown += new
        return new


class Done:
    """One model's result: its answer, or the error."""

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
    """Run one model; a failure becomes the error of its result."""
    if model.ready is None:
        return Done(model.name, error=model.error)
    try:
        batch, _, truncations = batch_of(model.ready.tokenizer, model.ready.files, texts)
        for truncation in truncations:
            say(truncation.sentence(model.name, len(texts)) + other_limits(model.ready.card))
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


def show(
    models: Sequence[tuple[str, R | str]],
    as_json: bool,
    report: Callable[[Sequence[tuple[str, R | str]]], object],
    block: Callable[[str, R], str],
    further: str | None = None,
) -> None:
    """Print what was found out of each model, as JSON or as a block of lines each, then `finish`; a str is an error.

    `further` is an error of no model.
    """
    if as_json:
        click.echo(json.dumps(report(models)))
    else:
        blocks = [block(name, found) for name, found in models if not isinstance(found, str)]
        if blocks:
            click.echo("\n\n".join(blocks))
    finish([*(found if isinstance(found, str) else None for _, found in models), further])


def finish(errors: Sequence[str | None]) -> None:
    """Print the errors, and exit with code 1 if there are any."""
    failed = [error for error in errors if error is not None]
    for error in failed:
        say(error)
    if failed:
        raise SystemExit(1)


def terminal_width() -> int:
    """Return the width of the terminal in columns."""
    import shutil  # noqa: PLC0415

    return shutil.get_terminal_size((100, 24)).columns
