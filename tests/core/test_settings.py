"""Settings: where each comes from, which is stronger, and what is said of those that cannot be followed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from encoder_tui.core.settings import NAMES, Settings, SettingsError, cache_path, config_path, load, log_path
from tests.support.command_case import call

EVERYTHING = """
model = ["builtin:bert", "some where/x"]
text = "a\\u001btext"
docs = "folder"
pane = "tokens"
device = "cuda:1"
dtype = "bfloat16"
attention = "eager"
threads = 2
max_seq_length = 256
offline = true
engine = "ssh box encoder-tui engine"
trust_remote_code = "someone/model"
theme = "nord"
debug = true
fresh = true
"""


@pytest.fixture
def file(home: Path) -> Path:
    """Where the configuration file of the test's home has to be."""
    path = config_path()
    assert path.is_relative_to(home)
    path.parent.mkdir(parents=True)
    return path


def refusal(environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load({}, environ)
    return str(caught.value)


def test_without_anything_every_setting_is_its_default() -> None:
    found = load({})
    assert found == Settings()
    assert {found.origin(name) for name in NAMES} == {"default"}


def test_the_command_line_is_stronger_than_the_environment_and_that_than_the_file(file: Path) -> None:
    file.write_text('device = "file"\ndocs = "file"\ntext = "file"\n')
    environ = {"ENCODER_TUI_DEVICE": "environment", "ENCODER_TUI_DOCS": "environment"}
    found = load({"device": "command line"}, environ)
    assert (found.device, found.docs, found.text) == ("command line", "environment", "file")
    origins = [found.origin(name) for name in ("device", "docs", "text", "theme")]
    assert origins == ["command line", "ENCODER_TUI_DOCS", str(file), "default"]


def test_a_list_is_replaced_and_not_added_to(file: Path) -> None:
    file.write_text('model = ["a", "b"]')
    assert load({}, {"ENCODER_TUI_MODEL": "c"}).model == ("c",)
    assert load({"model": ("d", "e")}, {"ENCODER_TUI_MODEL": "c"}).model == ("d", "e")


def test_every_setting_can_stand_in_the_file(file: Path) -> None:
    file.write_text(EVERYTHING)
    assert load({}) == Settings(
        model=("builtin:bert", "some where/x"),
        text="a\x1btext",
        docs="folder",
        pane="tokens",
        device="cuda:1",
        dtype="bfloat16",
        attention="eager",
        threads=2,
        max_seq_length=256,
        offline=True,
        engine="ssh box encoder-tui engine",
        trust_remote_code=("someone/model",),
        theme="nord",
        debug=True,
        fresh=True,
    )
    assert all(name in EVERYTHING for name in NAMES)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("model", "a", ("a",)),
        ("model", " a , b@main,, c ", ("a", "b@main", "c")),
        ("trust_remote_code", "someone/model", ("someone/model",)),
        ("text", " spaces, and commas ", " spaces, and commas "),
        ("offline", "1", True),
        ("offline", "Yes", True),
        ("debug", "on", True),
        ("debug", "TRUE", True),
        ("offline", "0", False),
        ("debug", "no", False),
        ("debug", "Off", False),
        ("debug", "false", False),
        ("threads", "12", 12),
        ("max_seq_length", "128", 128),
    ],
)
def test_a_variable_is_read_in_the_type_of_its_setting(name: str, text: str, expected: Any) -> None:
    found = load({}, {f"ENCODER_TUI_{name.upper()}": text})
    assert getattr(found, name) == expected
    assert found.origin(name) == f"ENCODER_TUI_{name.upper()}"


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_is_as_none(name: str, file: Path) -> None:
    file.write_text(EVERYTHING)
    found = load({}, {f"ENCODER_TUI_{name.upper()}": ""})
    assert found == load({}, {})
    assert found.origin(name) == str(file)


@pytest.mark.parametrize("written", ["0", "1000", "2.0", "two", "-1", "²"])
def test_a_number_that_is_none_is_refused(written: str) -> None:
    assert (
        refusal({"ENCODER_TUI_THREADS": written})
        == "threads in ENCODER_TUI_THREADS must be a whole number from 1 to 999"
    )


def test_a_flag_that_is_neither_is_refused() -> None:
    assert refusal({"ENCODER_TUI_OFFLINE": "maybe"}) == "ENCODER_TUI_OFFLINE must be 1 or 0, not 'maybe'"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("model = 3", "model in {file} must be a string or a list of strings"),
        ('model = ["a", 3]', "model in {file} must be a string or a list of strings"),
        ("trust_remote_code = true", "trust_remote_code in {file} must be a string or a list of strings"),
        ('offline = "yes"', "offline in {file} must be true or false"),
        ("debug = 1", "debug in {file} must be true or false"),
        ("threads = true", "threads in {file} must be a whole number from 1 to 999"),
        ("max_seq_length = 0", "max_seq_length in {file} must be a whole number from 1 to 16777216"),
        ('threads = "2"', "threads in {file} must be a whole number from 1 to 999"),
        ("device = 0", "device in {file} must be a string"),
        ("text = ['a']", "text in {file} must be a string"),
        ("[engine]\ncommand = 'x'", "engine in {file} must be a string"),
        (
            "colour = 'red'",
            "the configuration file {file} has no setting named colour (line 1); the settings are model, text,",
        ),
        (
            "sources = 'x'",
            "the configuration file {file} has no setting named sources (line 1); the settings are model, text,",
        ),
        ("model = ", "the configuration file {file} is not valid TOML: "),
        ("model = 'a'\nmodel = 'b'", "the configuration file {file} is not valid TOML: "),
        ("model = " + "[" * 5000, "the configuration file {file} is not valid TOML: "),
    ],
)
def test_a_file_that_cannot_be_followed_is_refused_by_name_and_place(file: Path, content: str, sentence: str) -> None:
    file.write_text(content)
    assert refusal().startswith(sentence.format(file=file))


def test_what_cannot_be_followed_is_told_with_its_line(file: Path) -> None:
    for line in ("offline = 1", "'debug' = 1", "model = 3", "colour = 1", "[engine]", 'device = "x', "= 3", "x y"):
        file.write_text(f'# a remark\ntheme = "nord"\n\n{line}\n')
        assert "line 4" in refusal(), line


def test_what_cannot_be_followed_inside_a_table_is_told_with_its_own_line(file: Path) -> None:
    file.write_text('theme = "nord"\n[keys]\n"tokens.copy-block" = "b"\n"tokens.copy-ids" = 3\n')
    assert refusal() == f"tokens.copy-ids in [keys] of {file} must be a key or a list of keys (line 4)"


def test_a_choice_that_there_is_not_is_told_with_its_line(file: Path) -> None:
    file.write_text('theme = "nord"\ndtype = "int8"\n')
    assert f"dtype in {file} must be one of float32, float16, bfloat16 (line 2)" in call("config").stderr
    variable = call("config", environ={"ENCODER_TUI_DTYPE": "int8"})
    assert "dtype in ENCODER_TUI_DTYPE must be one of float32, float16, bfloat16\n" in variable.stderr


def test_a_file_that_is_no_text_is_refused(file: Path) -> None:
    file.write_bytes(b'text = "\xff\xfe"')
    assert refusal().startswith(f"the configuration file {file} is not valid TOML: ")


def test_a_file_that_cannot_be_read_is_refused(file: Path) -> None:
    file.mkdir()
    assert refusal() == f"the configuration file {file} cannot be read: Is a directory"


def test_a_folder_that_is_none_holds_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/dev/null")
    assert load({}) == Settings()


def test_a_variable_names_another_file(file: Path, tmp_path: Path) -> None:
    file.write_text('theme = "one"')
    other = tmp_path / "other.toml"
    other.write_text('theme = "other"')
    environ = {"ENCODER_TUI_CONFIG": str(other)}
    assert config_path(environ) == other
    assert load({}, environ).theme == "other"


def test_everything_is_kept_in_folders_of_the_program(home: Path) -> None:
    for path in (config_path(), cache_path(), log_path()):
        assert path.is_relative_to(home)
        assert "encoder-tui" in path.parts


def test_the_command_prints_the_path_and_where_each_setting_came_from(file: Path) -> None:
    none_yet = call("config").text.splitlines()
    assert none_yet[0] == f"configuration file: {file} (does not exist yet)"
    file.write_text('model = ["a", "b"]\ntext = "escape \\u001b[31m"\n')
    done = call("--device", "cpu", "config", "--debug", environ={"ENCODER_TUI_OFFLINE": "1"})
    first, *lines = done.text.splitlines()
    assert first == f"configuration file: {file}"
    assert [line.split()[0] for line in lines] == list(NAMES)
    shown = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}
    assert shown["model"].split() == ["a,", "b", str(file)]
    assert shown["text"].startswith("escape ␛[31m ")
    assert shown["device"].split() == ["cpu", "command", "line"]
    assert shown["offline"].split() == ["true", "ENCODER_TUI_OFFLINE"]
    assert shown["theme"].split() == ["–", "default"]


def test_a_long_value_does_not_push_its_origin_out_of_the_column() -> None:
    lines = call("config", "-m", "x/" + "long" * 12).text.splitlines()
    assert lines[1].split() == ["model", "x/" + "long" * 12]
    assert lines[2].strip() == "command line"
    assert lines[2].index("command line") == lines[3].index("default")


def test_the_commands_json_holds_every_value_and_its_origin(file: Path) -> None:
    file.write_text('model = "a"\ntheme = "é\\u001b"')
    done = call("config", "--json", "--pane", "tokens", environ={"ENCODER_TUI_DEVICE": "cpu"})
    assert done.stdout.isascii()
    assert done.data["path"] == str(file)
    assert list(done.data["settings"]) == list(NAMES)
    assert done.data["settings"]["model"] == {"value": ["a"], "from": str(file)}
    assert done.data["settings"]["theme"] == {"value": "é\x1b", "from": str(file)}
    assert done.data["settings"]["pane"] == {"value": "tokens", "from": "command line"}
    assert done.data["settings"]["device"] == {"value": "cpu", "from": "ENCODER_TUI_DEVICE"}
    assert done.data["settings"]["engine"] == {"value": None, "from": "default"}


@pytest.mark.parametrize("content", ["mode = 1", "offline = 'x'", "[", 'pane = "cellar"', 'dtype = "float3"'])
def test_every_command_refuses_settings_that_cannot_be_followed_in_one_line(file: Path, content: str) -> None:
    file.write_text(content)
    for arguments in (["config"], ["tokens", "--json", "-m", "builtin:bert", "x"]):
        done = call(*arguments)
        assert (done.code, done.stdout, len(done.remarks)) == (1, b"", 1)
        assert str(file) in done.stderr


def test_debug_by_the_environment_shows_tracebacks(home: Path) -> None:
    done = call("tokens", "x", "-m", "/nowhere", "--debug", environ={"ENCODER_TUI_DEBUG": "0"})
    by_variable = call("tokens", "x", "-m", "/nowhere", environ={"ENCODER_TUI_DEBUG": "1"}, may_trace=True)
    assert by_variable.stderr == done.stderr
    assert "Traceback" in done.stderr
