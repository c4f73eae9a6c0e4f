"""Asking an engine and changing one's mind, with a real process at the other end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from encoder_tui.client import client as client_module
from encoder_tui.client.client import EngineClient, EngineError, EngineState, OperationFailed
from encoder_tui.client.state import DEATHS_ALLOWED
from encoder_tui.protocol import frames, operations
from encoder_tui.protocol.models import Hello, HelloRequest
from tests.support.engine_case import PATIENCE, Start, cancel, clients, death_of, until
from tests.support.fake_engine import ACT, Act, Deed


@pytest_asyncio.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Makes clients; see `clients`."""
    async with clients(tmp_path) as start_one:
        yield start_one


async def test_a_request_gives_progress_partial_answers_and_an_answer(start: Start) -> None:
    client = start()
    progress: list[frames.Progress] = []
    partial: list[Deed] = []
    answer = await client.run(ACT, Act("echo", "naïve"), progress.append, partial.append)
    assert answer == Deed("naïve")
    assert partial == [Deed("naïve")]
    assert [(p.text, p.done, p.total, p.unit) for p in progress] == [("naïve", 1, 2, "words")]


async def test_the_engine_of_this_installation_is_the_default(tmp_path: Path) -> None:
    client = EngineClient(tmp_path / "log")
    hello = asyncio.Event()
    heard: list[Hello] = []
    assert not client.is_remote

    def on_partial(value: Hello) -> None:
        heard.append(value)
        hello.set()

    task = asyncio.create_task(client.run(operations.HELLO, HelloRequest(), on_partial=on_partial))
    async with asyncio.timeout(PATIENCE):
        await hello.wait()
    # Torch is being imported now, and holds the interpreter.
    await client.close()
    assert heard[0].versions["encoder-tui"]
    with pytest.raises(EngineError, match="closed"):
        await task


async def test_a_number_that_fits_into_no_frame_is_a_failure_of_the_task(start: Start) -> None:
    count: operations.Operation[dict[str, int], Deed] = operations.Operation("act", dict[str, int], Deed)
    with pytest.raises(OperationFailed, match="the request cannot be sent to the engine: "):
        await start().run(count, {"rows": 10**30})


async def test_many_requests_at_once_come_back_to_their_callers(start: Start) -> None:
    client = start()
    words = [f"word {number}" for number in range(50)]
    partial: dict[str, list[Deed]] = {word: [] for word in words}
    answers = await asyncio.gather(*(client.act("echo", word, on_partial=partial[word].append) for word in words))
    assert answers == words
    assert partial == {word: [Deed(word)] for word in words}


async def test_two_first_requests_at_once_start_one_process(start: Start) -> None:
    client = start()
    first, second = await asyncio.gather(client.act("pid"), client.act("pid"))
    assert first == second == str(client.pid)
    assert client.statuses.count("starting") == 1


async def test_a_request_made_while_the_process_is_being_started_waits_for_it(start: Start) -> None:
    client = start()
    starting = asyncio.create_task(client.start())
    await until(lambda: client.state.status == "starting", pause=0)
    assert client.pid is None
    assert await client.act("pid") == str(client.pid)
    await starting
    assert client.statuses.count("starting") == 1


async def test_a_caller_cancelled_while_the_process_is_being_started_does_not_harm_the_other(
    start: Start,
) -> None:
    client = start()
    first = asyncio.create_task(client.act("echo", "first"))
    second = asyncio.create_task(client.act("echo", "second"))
    await until(lambda: client.state.status == "starting", pause=0)
    await cancel(first)
    assert await second == "second"
    assert client.statuses.count("starting") == 1


async def test_states_tell_what_the_engine_is_doing(start: Start) -> None:
    client = start()
    assert client.state.status == "off"
    await client.act("echo")
    await until(lambda: client.statuses == ["starting", "busy", "ready"])
    await asyncio.gather(client.act("echo"), client.act("echo"))
    await until(lambda: client.statuses == ["starting", "busy", "ready", "busy", "ready"])


async def test_an_engine_that_is_ready_before_anybody_asks_says_so(start: Start) -> None:
    client = start()
    await client.start()
    await until(lambda: client.statuses == ["starting", "ready"])


async def test_a_failed_task_is_an_error_of_its_caller_alone(start: Start) -> None:
    client = start()
    failing = asyncio.create_task(client.act("fail", "readable"))
    assert await client.act("echo", "well") == "well"
    with pytest.raises(OperationFailed, match=r"^the file is not there; give another$") as caught:
        await failing
    assert caught.value.remote_traceback.startswith("Traceback")


async def test_an_answer_of_another_form_is_a_failed_task(start: Start) -> None:
    client = start()
    other: operations.Operation[Act, Any] = operations.Operation(
        "act", Act, msgspec.defstruct("Other", [("number", int)])
    )
    with pytest.raises(OperationFailed, match="not have the expected form"):
        await client.run(other, Act("pid"))
    with pytest.raises(OperationFailed, match="not have the expected form"):
        await client.run(other, Act("echo"), on_partial=lambda value: None)
    assert await client.act("echo", "well") == "well"


@pytest.mark.parametrize("callback", ["on_progress", "on_partial"])
async def test_an_error_in_a_callback_is_raised_to_the_caller_and_harms_nobody_else(
    start: Start, callback: str
) -> None:
    def broken(value: object) -> None:
        raise ZeroDivisionError("the caller's own")

    client = start()
    with pytest.raises(ZeroDivisionError, match="the caller's own"):
        await client.act("echo", "x", **{callback: broken})
    assert await client.act("echo", "well") == "well"
    await until(lambda: client.state.status == "ready")


async def test_an_error_in_the_listener_to_states_harms_nobody(start: Start) -> None:
    client = start()
    errors: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: errors.append(context["exception"]))

    def broken(state: EngineState) -> None:
        raise ZeroDivisionError

    client.on_state = broken
    assert await client.act("echo", "well") == "well"
    assert {type(error) for error in errors} == {ZeroDivisionError}


async def test_a_flood_of_frames_leaves_everything_else_its_turn(start: Start) -> None:
    client = start()
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    heard: list[tuple[int, int]] = []
    await client.act("flood", "5000", on_progress=lambda progress: heard.append((progress.done, turns)))
    await cancel(counting)
    assert [number for number, _ in heard] == list(range(5000))
    assert len({turn for _, turn in heard}) == 5000


async def test_a_cancelled_task_that_looks_for_it_ends_and_the_engine_lives_on(start: Start) -> None:
    client = start()
    task = await client.begin("polite")
    pid = client.pid
    await cancel(task)
    assert client.state.status == "busy"
    await until(lambda: client.state.status == "ready")
    assert await client.act("pid") == str(pid)
    assert "died" not in client.statuses


async def test_a_cancelled_task_that_does_not_look_is_killed_with_its_engine_and_a_new_one_started(
    start: Start,
) -> None:
    client = start()
    task = await client.begin("spin")
    pid = client.pid
    begun = asyncio.get_running_loop().time()
    await cancel(task)
    await death_of(client, pid)
    assert asyncio.get_running_loop().time() - begun >= client_module.CANCEL_GRACE
    died = [state.text for state in client.states if state.status == "died"]
    assert died == ["the engine did not stop within two seconds and was started again"]
    assert await client.act("pid") == str(client.pid)


async def test_what_waited_behind_a_task_that_had_to_be_killed_is_asked_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "CANCEL_GRACE", 0.3)
    client = start()
    task = await client.begin("sleep")
    pid = client.pid
    order: list[str] = []
    waiting = [
        asyncio.create_task(client.act("echo", word, on_partial=lambda deed: order.append(deed.text)))
        for word in ("one", "two", "three")
    ]
    await asyncio.sleep(0)
    await cancel(task)
    await cancel(waiting.pop(1))
    assert await asyncio.gather(*waiting) == ["one", "three"]
    assert order == ["one", "three"]
    assert client.pid != pid


async def test_cancelling_what_waits_behind_a_long_task_does_not_kill_that_task(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "CANCEL_GRACE", 1.0)
    client = start()
    long = await client.begin("await_file", str(tmp_path / "release"))
    queued = asyncio.create_task(client.act("echo"))
    await until(lambda: len(client._calls) == 2)
    await cancel(queued)
    await until(lambda: len(client._calls) == 1)
    (tmp_path / "release").touch()
    assert await long == "late"
    assert "died" not in client.statuses


async def test_cancelling_often_is_no_reason_to_give_the_engine_up(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "CANCEL_GRACE", 0.1)
    client = start()
    for _ in range(DEATHS_ALLOWED):
        task = await client.begin("sleep")
        pid = client.pid
        await cancel(task)
        await death_of(client, pid)
    assert await client.act("echo", "well") == "well"


async def test_a_request_cancelled_while_the_engine_connects_does_not_kill_it(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As over a slow SSH connection."""
    monkeypatch.setattr(client_module, "CANCEL_GRACE", 0.1)
    client = start("late", str(tmp_path / "connected"))
    task = asyncio.create_task(client.act("echo", "never heard"))
    await until(lambda: len(client._calls) == 1)
    await cancel(task)
    await asyncio.sleep(0.3)
    assert client.state.status == "starting"
    (tmp_path / "connected").touch()
    assert await client.act("echo", "well") == "well"
    assert "died" not in client.statuses


async def test_an_engine_that_is_ready_but_deaf_to_an_earlier_cancellation_is_replaced(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "CANCEL_GRACE", 0.1)
    client = start("deaf", str(tmp_path / "misbehaved"))
    task = asyncio.create_task(client.act("echo", "never heard"))
    await until(lambda: len(client._calls) == 1)
    await cancel(task)
    assert await client.act("echo", "well") == "well"
    assert client.statuses.count("died") == 1


async def test_an_answer_to_a_cancelled_question_is_dropped(start: Start, tmp_path: Path) -> None:
    client = start()
    partial: list[Deed] = []
    release = tmp_path / "release"
    task = await client.begin("await_file", str(release), on_partial=partial.append)
    pid = client.pid
    await cancel(task)
    release.touch()
    assert await client.act("echo", "asked") == "asked"
    assert partial == []
    assert client.pid == pid
