"""Hostile strings through every command: what a person reads holds nothing that a terminal obeys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from encoder_tui.commands.cli import cli
from encoder_tui.core.settings import config_path
from encoder_tui.core.text.safe import visible
from tests.support.hostile import ALL, HOSTILE, NAME, SURROGATES, hostile_documents, hostile_model
from tests.support.in_process import tasks_in_process

__all__ = ["tasks_in_process"]

pytestmark = pytest.mark.usefixtures("tasks_in_process")


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(hostile_model(tmp_path / "a"))


def run(*arguments: str, code: int = 0, stdin: str | None = None) -> Result:
    """What a command comes to: one exit code, and no control character on stdout or stderr."""
    done = CliRunner().invoke(cli, list(arguments), prog_name="encoder-tui", input=stdin)
    assert done.exit_code == code, (done.output, done.exception)
    for printed in (done.stdout, done.stderr):
        assert not {character for character in printed if not character.isprintable()} - {"\n"}, ascii(printed)
        assert "Traceback" not in printed
    return done


def toml(text: str) -> str:
    """A string of a configuration file, every character of it escaped."""
    return f'"{"".join(f"{chr(92)}U{ord(character):08X}" for character in text)}"'


def test_tokens_prints_every_hostile_token_by_symbols(model: str) -> None:
    done = run("-m", model, "tokens", ALL, SURROGATES)
    for kind, text in HOSTILE.items():
        assert visible(text).replace(" ", "␣") in done.stdout or visible(text) in done.stdout, kind


def test_tokens_as_json_is_ascii_and_keeps_every_character(model: str) -> None:
    (found,) = json.loads(run("-m", model, "tokens", ALL, "--json").stdout)["models"]
    assert found["model"] == model
    assert set(HOSTILE.values()) <= set(found["encodings"][0]["tokens"])


def test_docs_prints_a_hostile_file(model: str, tmp_path: Path) -> None:
    source = str(hostile_documents(tmp_path))
    for options in ([], ["--summary"], ["--column", f"column {HOSTILE['CSI']}"], ["--json"]):
        run("-m", model, "docs", source, *options)
    done = run("-m", model, "docs", source, "--column", HOSTILE["OSC 52"], code=1)
    assert visible(HOSTILE["OSC 52"]) in done.stderr
    done = run("-m", model, "docs", str(tmp_path / f"none{NAME}"), code=1)
    assert visible(NAME)[:12] in done.stderr


def test_params_run_and_time_print_a_hostile_name(model: str) -> None:
    shown = visible(NAME)
    assert shown[:12] in run("-m", model, "params").stdout
    assert shown[:12] in run("-m", model, "run", ALL).stdout
    assert shown[:12] in run("-m", model, "time", "--lengths", "8", "--min-time", "0").stdout


def test_refusals_quote_what_they_refuse_by_symbols(model: str, tmp_path: Path) -> None:
    evil = HOSTILE["OSC title"]
    assert visible(evil) in run("-m", evil, "tokens", "x", code=1).stderr
    assert "not valid UTF-8" in run("-m", f"{SURROGATES}{evil}", "tokens", "x", code=1).stderr
    run("-m", str(tmp_path / NAME), "params", code=1)
    run("-m", model, "--device", evil, "run", "x", code=1)
    run("-m", model, "--attention", evil, "run", "x", code=1)
    run("-m", model, "run", "x", "--save", str(tmp_path / NAME / "x.safetensors"), code=2)
    run(evil, code=2)
    run(f"--{evil}", code=2)
    run("tokens", "--padding", evil, code=2)


def test_config_prints_hostile_settings_and_refuses_hostile_ones(home: Path) -> None:
    path = config_path()
    path.parent.mkdir(parents=True)
    path.write_text(f"text = {toml(ALL)}\nmodel = [{toml(NAME)}]\n")
    done = run("config")
    assert visible(HOSTILE["CSI"]) in done.stdout
    assert visible(NAME)[:12] in done.stdout
    for broken in (f'{toml(NAME)} = "x"', f"pane = {toml(ALL)}", f"model = {NAME}"):
        path.write_text(f"{broken}\n")
        assert run("config", code=1).stderr.count("\n") == 1
