"""An engine that hangs, never speaks, or dies under the whole program; more of its deaths in test_engine_deaths."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from encoder_tui.client import client as client_module
from encoder_tui.client import heartbeat
from encoder_tui.client.client import EngineError, EngineState
from encoder_tui.engine.importing import LARGE, Announcer
from encoder_tui.protocol import frames
from tests.support.engine_case import Start, cancel, clients, death_of, living, needs_proc, until
from tests.support.engine_process import Engine
from tests.support.saved_models import saved
from tests.support.terminal import Terminal, encoder_tui


@pytest_asyncio.fixture
async def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Makes clients that look often; see `clients`."""
    monkeypatch.setattr(heartbeat, "BEAT", 0.05)
    async with clients(tmp_path) as start_one:
        yield start_one


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A greeted engine."""
    one = Engine(tmp_path / "engine.log", "tasks")
    one.greet()
    yield one
    one.end()


@pytest.mark.parametrize("action", ["sleep", "spin"])
def test_an_engine_at_work_gives_a_sign_of_life(engine: Engine, action: str) -> None:
    """Whether its work leaves the interpreter to others, as torch does, or not."""
    engine.ask(1, action)
    assert isinstance(engine.receive(), frames.Progress)
    engine.send(frames.pack(frames.Ping()))
    assert engine.receive() == frames.Pong()


@pytest.mark.parametrize("action", ["", "sleep"], ids=["idle", "at work"])
async def test_a_stopped_engine_is_said_not_to_answer_and_one_that_goes_on_is_the_same(
    start: Start, action: str
) -> None:
    client = start()
    work = await client.begin(action) if action else None
    if work is None:
        await client.act("echo")
    pid = client.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await until(lambda: client.state.status == "silent")
    assert client.state.text == "engine does not answer"
    os.kill(pid, signal.SIGCONT)
    await until(lambda: client.state.status == ("busy" if work else "ready"))
    assert client.pid == pid
    if work is not None:
        client.kill("enough")
        with pytest.raises(EngineError):
            await work


async def test_an_engine_that_stays_stopped_is_killed_and_another_started(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = start()
    pid = int(await client.act("pid"))
    monkeypatch.setattr(heartbeat, "GIVEN_UP_AFTER", 6)

    def heard(state: EngineState) -> None:
        # The next engine has the time that a slow machine needs to start it.
        if state.status == "died":
            monkeypatch.setattr(heartbeat, "GIVEN_UP_AFTER", 10_000)

    client.on_state = heard
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(EngineError, match="the engine did not answer for 60 seconds"):
        await client.act("echo")
    await death_of(client, pid)
    assert await client.act("echo", "well") == "well"


async def test_a_task_of_a_stopped_engine_can_be_cancelled_and_the_next_engine_is_asked(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "CANCEL_GRACE", 0.2)
    client = start()
    work = await client.begin("polite")
    pid = client.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await until(lambda: client.state.status == "silent")
    await cancel(work)
    await death_of(client, pid)
    assert await client.act("echo", "well") == "well"


async def test_a_program_that_never_speaks_the_frames_is_given_up_with_a_sentence(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "GIVEN_UP_AFTER", 6)
    client = start(command="cat")
    with pytest.raises(EngineError, match="no answer for 60 seconds; check that `cat` starts"):
        await client.act("echo")
    await until(lambda: client.statuses == ["starting", "starting", "stopped"])
    assert client.states[1].text == "engine starting, no answer yet"
    assert client.pid is None


async def test_a_task_cancelled_while_a_library_is_imported_does_not_cost_the_engine(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "CANCEL_GRACE", 0.05)
    client = start()
    task = await client.begin("read_a_library", str(tmp_path / "read"))
    pid = client.pid
    await cancel(task)
    await asyncio.sleep(0.5)
    assert client.pid == pid
    # Once it is read, the rule holds again, and the engine has the time that it needs to look.
    monkeypatch.setattr(client_module, "CANCEL_GRACE", 60.0)
    (tmp_path / "read").touch()
    assert await client.act("pid") == str(pid)
    assert "died" not in client.statuses


def test_the_import_of_a_large_library_is_announced_once_and_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "large_one"
    package.mkdir()
    (package / "__init__.py").write_text("import large_one.part\n")
    (package / "part.py").write_text("import gc\nCOLLECTED = gc.isenabled()\n")
    (package / "broken.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    LARGE.add("large_one")
    told: list[bool] = []
    try:
        Announcer(told.append).install()
        import large_one  # type: ignore[import-not-found]

        assert told == [True, False]
        assert type(large_one.__spec__.loader).__name__ == type(large_one.__loader__).__name__ == "SourceFileLoader"
        with pytest.raises(ZeroDivisionError):
            import large_one.broken  # type: ignore[import-not-found]
        assert told == [True, False] * 2
        # Nor does it leave the collection of garbage, which waits meanwhile, switched off.
        assert not large_one.part.COLLECTED
        assert gc.isenabled()
    finally:
        gc.unfreeze()
        LARGE.discard("large_one")
        for name in [name for name in sys.modules if name.startswith("large_one")]:
            del sys.modules[name]


def engines_of(terminal: Terminal) -> list[int]:
    return living(lambda pid, parent, group: parent == terminal.pid)


def after_the_death(terminal: Terminal, number: signal.Signals) -> None:
    """Kill the one engine, and wait for another."""
    (engine,) = engines_of(terminal)
    os.kill(engine, number)
    terminal.wait_for(number.name)
    terminal.wait_for(lambda text: engine not in engines_of(terminal) and len(engines_of(terminal)) == 1, 60)
    terminal.wait_for(lambda text: any(f"engine {word}" in text for word in ("ready", "busy")), 60)


@needs_proc
def test_text_and_results_outlive_the_engine_and_the_third_death_in_a_minute_waits_for_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    command = encoder_tui("-m", str(saved("bert-cased", tmp_path)), "--offline", "--text", "A lighthouse", "--pane")
    with Terminal([*command, "outputs"]) as terminal:
        terminal.wait_for("cpu ×", 90)
        terminal.wait_for("engine ready", 90)
        terminal.send("r")
        terminal.wait_for("pooler_output", 90)
        # Idle.
        after_the_death(terminal, signal.SIGKILL)
        assert "pooler_output" in terminal.text
        # Measuring; and what was measured is kept, with the reason why there is no more.
        terminal.send("f7")
        terminal.wait_for("points for 1 model")
        terminal.send("s")
        terminal.wait_for(lambda text: "1 of 3 points" in text and (" ms " in text or " µs " in text), 90)
        after_the_death(terminal, signal.SIGSEGV)
        terminal.wait_for(lambda text: "the engine crashed" in text and (" ms " in text or " µs " in text))
        # Running.
        terminal.send("f5")
        terminal.wait_for("pooler_output")
        (engine,) = engines_of(terminal)
        os.kill(engine, signal.SIGSTOP)
        terminal.send("r")
        terminal.wait_for("waits for its turn")
        os.kill(engine, signal.SIGKILL)

        # As often as a minute allows, on however slow a machine.
        def killed_again(text: str) -> bool:
            if any(f"engine {word}" in text for word in ("ready", "busy")):
                for engine in engines_of(terminal):
                    os.kill(engine, signal.SIGKILL)
            return "it died three times in a minute" in " ".join(text.replace("▌", " ").split())

        terminal.wait_for(killed_again, 120)
        assert engines_of(terminal) == []
        terminal.send("ctrl+p")
        terminal.wait_for("Search for commands")
        terminal.send(*"restart engine")
        terminal.wait_for("End the engine and start another")
        terminal.send("enter")
        terminal.wait_for("engine ready", 90)
        terminal.send("r")
        terminal.wait_for("pooler_output", 90)
        terminal.send("f2")
        terminal.wait_for("A lighthouse")
        terminal.send("ctrl+q")
        assert terminal.exit_code(60) == 0


@needs_proc
def test_an_engine_killed_while_it_imports_torch_is_started_again_and_says_what_it_runs_on() -> None:
    with Terminal(encoder_tui("-m", "builtin:bert", "--text", "A lighthouse")) as terminal:
        terminal.wait_for("engine importing", 60)
        (engine,) = engines_of(terminal)
        os.kill(engine, signal.SIGKILL)
        terminal.wait_for("the engine was killed")
        terminal.wait_for(lambda text: "cpu ×" in text and "engine ready" in text, 90)
        assert engines_of(terminal) != [engine]
