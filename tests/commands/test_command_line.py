"""The command line where something is wrong: usage, models, the Hub, the engine, the disk."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from encoder_tui import __version__
from encoder_tui.core.hub.cache import cache_folder
from encoder_tui.protocol import frames
from tests.support.command_case import PROGRAM, Done, call, named
from tests.support.fake_hub import FakeHub
from tests.support.hub_case import REPO, write_model
from tests.support.model_directories import all_directories

BUILTIN = ("builtin:bert", "builtin:modernbert")
HOSTILE = "no\x1b[31msuch\x07\u202e\nfolder"


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Models that cannot be had, each for a reason of its own, and a good one."""
    folder = tmp_path_factory.mktemp("models")
    good = all_directories()["bert-cased"](folder)
    found = {"good": good}
    for name in ("llama", "broken", "no configuration"):
        found[name] = folder / name
        shutil.copytree(good, found[name])
    (found["llama"] / "config.json").write_text(json.dumps({"model_type": "llama", "vocab_size": 900}))
    (found["broken"] / "tokenizer.json").write_text('{"version": "1.0", "model": {"type": "Nothing"')
    (found["no configuration"] / "config.json").unlink()
    return found


@pytest.fixture(scope="module")
def failing(directories: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Three models that cannot be had and a built-in one, in one call."""
    arguments = named(directories["llama"], directories["broken"], BUILTIN[0], f"/{HOSTILE}")
    environ = {"XDG_CACHE_HOME": tmp_path_factory.mktemp("cache")}
    return call("tokens", "--json", *arguments, "lens", environ=environ)


@pytest.fixture
def fake_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with FakeHub({REPO: write_model(tmp_path / "repo")}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


def test_the_models_that_can_be_had_are_done_and_the_exit_code_is_1(failing: Done) -> None:
    assert failing.code == 1
    assert [sorted(entry) for entry in failing.models] == [
        ["error", "model"], ["error", "model"], ["encodings", "model"], ["error", "model"],
    ]  # fmt: skip
    assert failing.models[2]["encodings"][0]["tokens"] == ["[CLS]", "lens", "[SEP]"]


def test_every_failure_is_one_line_on_stderr_and_the_same_in_the_report(failing: Done) -> None:
    errors = [entry["error"] for entry in failing.models if "error" in entry]
    assert len(failing.remarks) == len(errors) == 3
    assert failing.remarks[:2] == [f"encoder-tui: {error}" for error in errors[:2]]
    assert failing.remarks[2] == "encoder-tui: /no␛[31msuch␇⟨202E⟩␊folder: there is no such directory"


def test_the_name_of_a_model_is_as_it_was_given(failing: Done) -> None:
    assert failing.models[3]["model"] == f"/{HOSTILE}"


def test_a_model_that_failed_has_null_in_every_block(failing: Done) -> None:
    (blocks,) = failing.data["alignments"]
    assert blocks == [{"span": [0, 4], "text": "lens", "tokens": [None, None, [1], None]}]


def test_a_causal_architecture_is_said_to_be_no_encoder(failing: Done, directories: dict[str, Path]) -> None:
    error = failing.models[0]["error"]
    assert error.startswith(f"{directories['llama']} is not an encoder: transformers has no masked-language")


def test_a_broken_tokenizer_is_said_to_be_one(failing: Done, directories: dict[str, Path]) -> None:
    assert failing.models[1]["error"].startswith(f"{directories['broken']}: transformers cannot load its tokenizer: ")


def test_a_directory_without_a_configuration_is_no_model(directories: dict[str, Path]) -> None:
    done = call("tokens", *named(directories["no configuration"]), "lens")
    assert (done.code, done.stdout) == (1, b"")
    assert done.stderr.endswith("the directory has no config.json, so it is not a model directory\n")


def test_debug_shows_where_a_failure_came_from() -> None:
    done = call("--debug", "tokens", "--json", *named("/nowhere", BUILTIN[0]), "lens")
    assert done.code == 1
    assert done.remarks[0] == "Traceback (most recent call last):"
    assert done.remarks[-1] == "encoder-tui: /nowhere: there is no such directory"
    assert "encodings" in done.models[1]


def test_debug_shows_the_traceback_of_the_engine(directories: dict[str, Path]) -> None:
    done = call("tokens", "--debug", *named("someone/tiny"), "--offline", "lens")
    assert 'engine/server.py", line' in done.stderr
    assert done.stderr.count("Traceback") == 1


def test_what_a_tokenizer_cannot_follow_fails_for_its_model_alone() -> None:
    done = call("tokens", "--json", *named(*BUILTIN), "--truncation", "--max-length", "1", "--pair", "b", "a")
    errors = [entry["error"] for entry in done.models]
    assert [error.partition(" leaves ")[0] for error in errors] == [f"{name}: a max_length of 1" for name in BUILTIN]
    assert done.data["alignments"] == [[{"span": [0, 1], "text": "a", "tokens": [None, None]}]]
    assert (done.code, len(done.remarks)) == (1, 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["tokens", "--bogus", "x"],
        ["--bogus"],
        ["tokenize", "x"],
        ["tokens", "x", *named(*BUILTIN, *BUILTIN, BUILTIN[0])],
        ["tokens", "x", "--padding", "some"],
        ["tokens", "x", "--max-length", "-1"],
        ["tokens", "x", "--max-length", "many"],
        ["tokens", "-m"],
        ["tokens", "x", "--dtype", "int3"],
        ["config", "more", "than \x1b[31mit\x07 takes"],
        ["--\x1b[31m"],
        [],
        ["--text", "the window needs a terminal"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told_on_stderr_with_exit_code_2(arguments: list[str]) -> None:
    done = call(*arguments)
    assert (done.code, done.stdout) == (2, b"")
    assert done.stderr


def test_closed_streams_are_no_crash() -> None:
    for redirected in ("tokens -m builtin:bert <&-", "<&-", ">&-", "tokens -m builtin:bert lens <&- >&-"):
        shell = ("sh", "-c", f"{shlex.join(PROGRAM)} {redirected}")
        done = call(program=shell)
        assert done.code == (0 if "lens" in redirected else 2)
        assert "Error:" not in done.stderr.replace("Error: no text: give one", "")


def test_version_and_help_go_before_and_after_a_command() -> None:
    for arguments in (["--version"], ["tokens", "--version"], ["engine", "--version"]):
        assert call(*arguments).text == f"encoder-tui, version {__version__}\n"
    for arguments in (["--help"], ["-h"]):
        assert "  tokens " in call(*arguments).text
        assert "--max-length N" in call("tokens", *arguments).text


def test_the_entry_point_is_installed_and_is_the_module() -> None:
    script = Path(sysconfig.get_path("scripts")) / "encoder-tui"
    assert call("tokens", "--json", *named(*BUILTIN), "a", program=(str(script),)) == call(
        "tokens", "--json", *named(*BUILTIN), "a"
    )


def test_the_hub_is_asked_and_what_it_says_is_told(fake_hub: FakeHub) -> None:
    fake_hub.fault("/api/models/someone/gated/*", "gated")
    fake_hub.fault("/api/models/someone/hurt/*", "500")
    names = ("someone/gated", REPO, "someone/missing", "someone/hurt")
    done = call("tokens", "--json", *named(*names), "Tiny tokens fly.")
    gated, tiny, missing, hurt = done.models
    assert (done.code, len(done.remarks)) == (1, 3)
    assert "is gated: accept its terms at" in gated["error"]
    assert "is not on the Hub at" in missing["error"]
    assert "has an internal error (HTTP 500: Internal Error" in hurt["error"]
    assert tiny["encodings"][0]["tokens"] == ["[CLS]", "Tiny", "tokens", "fly", ".", "[SEP]"]
    assert not any(path.endswith(".safetensors") for path in fake_hub.paths())

    # What the Hub gave is here from now on.
    asked = len(fake_hub.requests)
    again = call("tokens", "--json", *named(REPO), "Tiny tokens fly.", "--offline")
    assert (again.code, again.models) == (0, [tiny])
    assert len(fake_hub.requests) == asked


def test_offline_asks_nobody(fake_hub: FakeHub) -> None:
    done = call("tokens", "--json", "--offline", *named(REPO), "x")
    assert done.code == 1
    assert "--offline forbids asking the Hub" in done.models[0]["error"]
    assert not fake_hub.requests


def test_a_named_model_on_an_unreachable_hub_is_an_error_in_its_own_slot() -> None:
    done = call("tokens", "--json", *named("someone/tiny", BUILTIN[0]), "lens")
    assert done.code == 1
    assert "does not answer" in done.models[0]["error"]
    assert "encodings" in done.models[1]


def test_where_nothing_was_named_and_nothing_can_be_had_the_built_in_pair_stands_in() -> None:
    done = call("tokens", "--json", "lens")
    assert done.code == 0
    assert [entry["model"] for entry in done.models] == list(BUILTIN)
    assert done.models == call("tokens", "--json", *named(*BUILTIN), "lens").models
    for remark, wanted, stand_in in zip(
        done.remarks, ("bert-base-cased", "answerdotai/ModernBERT-base"), BUILTIN, strict=True
    ):
        assert remark.startswith(f"encoder-tui: {wanted}: the Hub at ")
        assert remark.endswith(f"; {stand_in} replaces it")


def test_models_named_by_the_environment_have_no_stand_in() -> None:
    done = call("tokens", "--json", "--offline", "lens", environ={"ENCODER_TUI_MODEL": "someone/tiny,builtin:bert"})
    assert done.code == 1
    assert [entry["model"] for entry in done.models] == ["someone/tiny", "builtin:bert"]


def test_an_engine_behind_a_shell_with_a_banner_gives_the_same(directories: dict[str, Path]) -> None:
    arguments = ["tokens", "--json", *named(directories["good"], BUILTIN[0]), "Tokens of a text."]
    engine = f"sh -c 'echo Welcome to gpu-box; exec {shlex.quote(sys.executable)} -m encoder_tui.engine'"
    far = call(*arguments, "--engine", engine)
    assert (far.code, far.stderr) == (0, "")
    # The far engine's form was cached: this one starts none.
    assert call(*arguments) == far


@pytest.mark.parametrize("engine", ["/no/such/program", "'", "false"])
def test_an_engine_that_cannot_be_started_is_a_failure_of_the_models_that_need_it(engine: str) -> None:
    done = call("tokens", "--json", "--engine", engine, *named(BUILTIN[0], "someone/tiny"), "lens")
    assert done.code == 1
    assert "encodings" in done.models[0]
    assert done.models[1]["error"].startswith("the engine ")


def test_an_unwritable_cache_is_a_remark_and_no_failure(directories: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environ = {"XDG_CACHE_HOME": tmp_path / "file", "XDG_STATE_HOME": tmp_path / "file"}
    done = call("tokens", "--json", *named(directories["good"]), "Tokens", environ=environ)
    assert done.code == 0
    assert done.models[0]["encodings"][0]["tokens"][0] == "[CLS]"
    assert len(done.remarks) == 1
    assert "cannot be written" in done.stderr


def test_the_engine_speaks_the_marker_and_ends_when_stdin_closes() -> None:
    with subprocess.Popen([*PROGRAM, "engine"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine:
        assert engine.stdin is not None
        assert engine.stdout is not None
        assert engine.stdout.read(len(frames.MARKER)) == frames.MARKER
        length = frames.body_length(engine.stdout.read(frames.HEADER.size))
        ready = frames.unpack_from_engine(engine.stdout.read(length))
        # The process became the engine: nothing stands between its parent and it.
        assert isinstance(ready, frames.Ready)
        assert ready.pid == engine.pid
        engine.stdin.close()
        assert engine.wait(60) == 0


def test_the_hub_cache_of_these_tests_is_not_the_users(home: Path) -> None:
    assert cache_folder().is_relative_to(home)
    assert os.environ["HF_ENDPOINT"].startswith("http://127.0.0.1")


INTERRUPTING = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, *rest):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

module = sys.argv.pop(1)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupting())
from encoder_tui.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "module", ["click", "encoder_tui.commands.cli", "encoder_tui.commands.tokens", "encoder_tui.commands.running"]
)
def test_ctrl_c_is_one_line_and_130_from_the_first_import_on(module: str) -> None:
    command = [sys.executable, "-c", INTERRUPTING, module, "tokens", "x", "-m", "builtin:bert"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "encoder-tui: interrupted\n")
