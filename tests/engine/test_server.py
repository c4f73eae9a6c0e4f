"""The engine's process alone, as a program on the other end of its pipes sees it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from encoder_tui.protocol import frames, operations
from encoder_tui.protocol.models import Hello, HelloRequest
from tests.support.engine_process import PATIENCE, Engine
from tests.support.fake_engine import ACT, Act, Deed


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """Starts an engine in one of the modes of the test program."""
    engines = []

    def start_one(*arguments: str, **options: Any) -> Engine:
        engines.append(Engine(tmp_path / f"engine-{len(engines)}.log", *(arguments or ("tasks",)), **options))
        return engines[-1]

    yield start_one
    for engine in engines:
        engine.end()


@pytest.fixture
def engine(start: Callable[..., Engine]) -> Engine:
    """A greeted engine."""
    one = start()
    one.greet()
    return one


def test_the_first_bytes_are_the_marker_and_the_first_frame_tells_version_and_process(
    start: Callable[..., Engine],
) -> None:
    engine = start()
    ready = engine.greet()
    assert ready.protocol == frames.PROTOCOL_VERSION
    assert ready.pid == engine.process.pid


def test_a_task_answers_with_progress_partial_answers_and_a_result(engine: Engine) -> None:
    engine.ask(7, "echo", "naïve")
    assert engine.receive() == frames.Progress(7, "naïve", 1, 2, "words")
    assert engine.receive() == frames.Partial(7, msgspec.msgpack.encode(Deed("naïve")))
    assert engine.answer(7) == "naïve"


def test_what_a_task_prints_lands_in_stderr_and_not_among_the_frames(engine: Engine) -> None:
    engine.ask(1, "chatter")
    assert engine.answer(1) == ""
    engine.ask(2, "pid")
    assert engine.answer(2) == str(engine.process.pid)
    said = engine.log.read_text()
    for way in ("print", "os.write", "C", "a child"):
        assert f"said by {way}\n" in said


def test_a_task_that_reads_stdin_takes_no_frame(engine: Engine) -> None:
    engine.ask(1, "listen")
    engine.ask(2, "pid")
    assert engine.answer(1) == ""
    assert engine.answer(2)


@pytest.mark.parametrize("action", ["spin", "sleep", "polite"])
def test_the_engine_ends_when_its_stdin_closes_in_the_middle_of_a_task(engine: Engine, action: str) -> None:
    engine.ask(1, action)
    assert isinstance(engine.receive(), frames.Progress)
    assert engine.hang_up() == 0


def test_the_engine_ends_when_its_stdin_closes_and_nothing_is_asked(engine: Engine) -> None:
    assert engine.hang_up() == 0
    assert engine.read(1) == b""


def test_the_engine_ends_when_its_stdin_closes_in_the_middle_of_a_frame(engine: Engine) -> None:
    engine.send(frames.pack(frames.Cancel(1))[:-1])
    assert engine.hang_up() == 0


def test_the_engine_ends_when_nobody_reads_its_answers(engine: Engine) -> None:
    engine.stdout.close()
    engine.ask(1, "echo", "to nobody")
    assert engine.process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        frames.HEADER.pack(0),
        frames.HEADER.pack(5) + b"hello",
        frames.pack(frames.Cancelled(1)),
        frames.HEADER.pack(25) + b"\x83\xa4type\xa7request\xa2id\x01\xa4task\xa1\xff",
    ],
    ids=["text", "empty frame", "no message", "a message of the wrong side", "no UTF-8"],
)
def test_garbage_on_stdin_ends_the_engine_with_a_message(engine: Engine, garbage: bytes) -> None:
    engine.send(garbage)
    assert engine.process.wait(PATIENCE) == 3
    lines = engine.log.read_text().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("engine: cannot read the request: ")


def test_garbage_on_stdin_ends_the_engine_in_the_middle_of_a_task(engine: Engine) -> None:
    engine.ask(1, "spin")
    assert isinstance(engine.receive(), frames.Progress)
    engine.send(frames.HEADER.pack(0))
    assert engine.process.wait(PATIENCE) == 3


def test_a_task_that_the_engine_does_not_know_is_a_failure(engine: Engine) -> None:
    engine.request(1, "juggle", b"\xc0")
    failure = engine.failure(1)
    assert "does not know the request juggle" in failure.message
    assert "\n" not in failure.message
    engine.ask(2, "pid")
    assert engine.answer(2)


@pytest.mark.parametrize(
    "params",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xc0", id="nil"),
        pytest.param(b"\xc1", id="no msgpack"),
        pytest.param(b"\x80", id="a field missing"),
        pytest.param(b"\x81\xa6action\x05", id="a field of another type"),
        pytest.param(b"\x81\xa6action\xa1\xff", id="no UTF-8"),
        pytest.param(b"\x81\xa1x" + b"\x91" * 100_000 + b"\xc0", id="nested too deeply"),
    ],
)
def test_parameters_of_another_form_are_a_failure(engine: Engine, params: bytes) -> None:
    engine.request(1, ACT.name, params)
    failure = engine.failure(1)
    assert "disagree about the request act" in failure.message
    assert "\n" not in failure.message
    engine.ask(2, "pid")
    assert engine.answer(2)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("readable", "the file is not there; give another"),
        ("lines", "ValueError: one line and another"),
        ("silent", "ZeroDivisionError"),
        ("memory", "the engine ran out of memory"),
        ("memory, indeed", "the engine ran out of memory"),
        ("system exit", "SystemExit: a library gave up"),
        ("rust panic", "PanicException: index out of bounds"),
        ("surrogates", "no file named caf\N{REPLACEMENT CHARACTER}.json"),
        ("msgspec", "DecodeError: Input data was truncated"),
    ],
)
def test_whatever_a_task_raises_is_told_in_one_line_and_the_engine_goes_on(
    engine: Engine, argument: str, message: str
) -> None:
    engine.ask(1, "fail", argument)
    failure = engine.failure(1)
    assert failure.message == message
    assert failure.traceback.startswith("Traceback")
    engine.ask(2, "pid")
    assert engine.answer(2) == str(engine.process.pid)


def test_an_answer_that_cannot_be_packed_is_a_failure(engine: Engine) -> None:
    engine.ask(1, "fail", "unpackable")
    assert engine.failure(1).message.startswith("UnicodeEncodeError: ")
    engine.ask(2, "pid")
    assert engine.answer(2)


def test_an_answer_too_long_for_a_frame_is_a_failure(start: Callable[..., Engine]) -> None:
    engine = start("short frames")
    engine.greet()
    engine.ask(1, "fail", "endless")
    assert "too long for a frame" in engine.failure(1).message
    engine.ask(2, "pid")
    assert engine.answer(2)


def test_a_task_whose_module_cannot_be_imported_is_a_failure(engine: Engine) -> None:
    engine.request(1, "absent", msgspec.msgpack.encode(Act("echo")))
    assert engine.failure(1).message == "ModuleNotFoundError: No module named 'encoder_tui.engine.operations.absent'"
    engine.ask(2, "pid")
    assert engine.answer(2)


def test_requests_are_answered_in_the_order_they_came(engine: Engine) -> None:
    for number in (5, 3, 4):
        engine.ask(number, "pid")
    for number in (5, 3, 4):
        assert engine.answer(number)


def test_a_request_cancelled_before_it_begins_is_answered_while_another_is_at_work(
    engine: Engine, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    engine.ask(1, "await_file", str(release))
    assert isinstance(engine.receive(), frames.Progress)
    engine.ask(2, "echo", "never")
    engine.ask(3, "pid")
    engine.cancel(2)
    assert engine.receive() == frames.Cancelled(2)
    release.touch()
    assert isinstance(engine.receive(), frames.Partial)
    assert engine.answer(1) == "late"
    assert engine.answer(3)


def test_a_request_is_cancelled_at_its_next_checkpoint(engine: Engine) -> None:
    engine.ask(1, "polite")
    assert isinstance(engine.receive(), frames.Progress)
    engine.cancel(1)
    assert engine.receive() == frames.Cancelled(1)
    engine.ask(2, "pid")
    assert engine.answer(2)


def test_a_task_that_never_looks_for_its_cancellation_still_answers(engine: Engine, tmp_path: Path) -> None:
    release = tmp_path / "release"
    engine.ask(1, "await_file", str(release))
    assert isinstance(engine.receive(), frames.Progress)
    engine.cancel(1)
    release.touch()
    assert isinstance(engine.receive(), frames.Partial)
    assert engine.answer(1) == "late"


def test_cancelling_what_is_not_under_way_does_nothing(engine: Engine) -> None:
    engine.cancel(1)
    engine.ask(1, "pid")
    assert engine.answer(1)
    engine.cancel(1)
    engine.ask(2, "pid")
    assert engine.answer(2)


def test_ctrl_c_is_the_apps_affair(engine: Engine) -> None:
    engine.process.send_signal(signal.SIGINT)
    engine.ask(1, "pid")
    assert engine.answer(1)
    engine.ask(2, "polite")
    assert isinstance(engine.receive(), frames.Progress)
    engine.process.send_signal(signal.SIGINT)
    engine.cancel(2)
    assert engine.receive() == frames.Cancelled(2)


def test_a_stdin_that_somebody_made_non_blocking_is_waited_for(start: Callable[..., Engine]) -> None:
    ours, theirs = (pair := os.pipe())[::-1]
    os.set_blocking(theirs, False)
    try:
        engine = start(stdin=theirs)
        engine.greet()
        # Time for a reader that takes "nothing yet" for the end; a slow machine only makes the test milder.
        time.sleep(0.1)
        os.write(ours, frames.pack(frames.Request(1, ACT.name, msgspec.msgpack.encode(Act("pid")))))
        assert engine.answer(1) == str(engine.process.pid)
    finally:
        for end in pair:
            os.close(end)


def test_hello_tells_versions_before_torch_is_imported_and_devices_after(start: Callable[..., Engine]) -> None:
    pytest.importorskip("torch")
    engine = start("imports")
    engine.greet()
    engine.request(1, operations.HELLO.name, msgspec.msgpack.encode(HelloRequest()))
    assert engine.receive() == frames.Progress(1, "torch is imported: False")
    partial = engine.receive()
    assert isinstance(partial, frames.Partial)
    early = msgspec.msgpack.decode(partial.value, type=Hello)
    assert {"torch", "transformers", "tokenizers"} <= early.versions.keys()
    assert early.devices is None
    message = engine.receive()
    imports = []
    while isinstance(message, frames.Progress | frames.Importing):
        if isinstance(message, frames.Importing):
            imports.append(message.is_begun)
        message = engine.receive()
    # The app is told of each import before it begins, and that it has ended.
    assert imports[:4] == [True, False] * 2
    assert imports == [True, False] * (len(imports) // 2)
    assert isinstance(message, frames.Result)
    last = msgspec.msgpack.decode(message.value, type=Hello)
    assert last.versions == early.versions
    assert last.threads >= 1
    assert last.devices is not None
    assert last.devices[-1].name == "cpu"
    engine.ask(2, "imported", "torch")
    assert engine.answer(2) == "True"
