"""All settings in one object: command line > environment > configuration file > default."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints

import msgspec
import platformdirs
from msgspec import Meta

from encoder_tui.core.dtypes import OFFERED
from encoder_tui.core.files.private import read_file

APP: Final = "encoder-tui"
PREFIX: Final = "ENCODER_TUI_"
MOST_THREADS: Final = 999
MOST_TOKENS: Final = 1 << 24
"""More than any model reads."""
CHOSEN: Final = "chosen in this window"
"""The origin of a value that was changed in the window; it holds for that session."""


class SettingsError(Exception):
    """A setting is invalid; the message names it, where it was set, and what it may be.

    `key` is its name in the file, if that differs from the setting's name.
    """

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True)
class Settings:
    """What the user set. Each field is also a key of the file and a variable `ENCODER_TUI_…`.

    A variable separates list items with commas; an empty variable counts as unset. `sources` says where each value that
    is not a default came from. `keys` holds key bindings by id; they can be set only in a table of the file.
    """

    model: tuple[str, ...] = ()
    text: str | None = None
    docs: str | None = None
    pane: str | None = None
    device: str | None = None
    dtype: str | None = None
    attention: str | None = None
    threads: Annotated[int, Meta(ge=1, le=MOST_THREADS)] | None = None
    max_seq_length: Annotated[int, Meta(ge=1, le=MOST_TOKENS)] | None = None
    offline: bool = False
    engine: str | None = None
    trust_remote_code: tuple[str, ...] = ()
    theme: str | None = None
    debug: bool = False
    keys: Mapping[str, str] = field(default_factory=dict, hash=False)
    fresh: bool = False
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)

    def origin(self, name: str) -> str:
        """Return where a value came from, for people."""
        return self.sources.get(name, "default")


NAMES: Final = tuple(entry.name for entry in fields(Settings) if entry.name not in {"sources", "keys"})
_LISTS: Final = {"model", "trust_remote_code"}
_FLAGS: Final = {"offline", "debug", "fresh"}
_NUMBERS: Final = {"threads": MOST_THREADS, "max_seq_length": MOST_TOKENS}
"""Settings that are numbers, and the largest that each can be."""
_KINDS: Final = (
    (_LISTS, "a string or a list of strings"),
    (_FLAGS, "true or false"),
    *(({name}, f"a whole number from 1 to {most}") for name, most in _NUMBERS.items()),
)
"""What a setting must be, for people; a string if it is not listed here."""
PANES: Final = ("tokens", "parameters", "documents", "outputs", "tasks", "timing")
_CHOICES: Final = {"pane": PANES, "dtype": OFFERED}


def config_path(environ: Mapping[str, str] | None = None) -> Path:
    """Return the configuration file; `ENCODER_TUI_CONFIG` names another one."""
    named = (os.environ if environ is None else environ).get(PREFIX + "CONFIG")
    return Path(named) if named else platformdirs.user_config_path(APP) / "config.toml"


def cache_path() -> Path:
    """Return the folder of files that can be made again."""
    return platformdirs.user_cache_path(APP)


def data_path() -> Path:
    """Return the folder of files that cannot be made again."""
    return platformdirs.user_data_path(APP)


def state_path() -> Path:
    """Return the file of the last session."""
    return platformdirs.user_state_path(APP) / "session.json"


def log_path() -> Path:
    """Return the folder of the logs."""
    return platformdirs.user_log_path(APP)


def load(command_line: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Settings:
    """Combine the settings; `command_line` holds only the given options. Raises `SettingsError`."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    path = config_path(environ)
    for name, value in _from_file(path).items():
        try:
            values[name] = _checked(name, value, str(path))
        except SettingsError as error:
            raise SettingsError(f"{error}{_line_of(error.key or name, path)}") from error
        sources[name] = str(path)
    for name in NAMES:
        variable = PREFIX + name.upper()
        if environ.get(variable):
            values[name] = _from_variable(name, environ[variable], variable)
            sources[name] = variable
    for name, value in command_line.items():
        values[name] = value
        sources[name] = "command line"
    # Check only the effective values: those of the file may be overridden.
    for name, choices in _CHOICES.items():
        if values.get(name) not in {None, *choices}:
            line = _line_of(name, path) if sources[name] == str(path) else ""
            raise SettingsError(f"{name} in {sources[name]} must be one of {', '.join(choices)}{line}")
    return Settings(**values, sources=sources)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(read_file(path).decode())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"the configuration file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"the configuration file {path} is not valid TOML: {error}") from error
    unknown = sorted(set(table) - {*NAMES, "keys"})
    if unknown:
        known = ", ".join([*NAMES, "keys"])
        raise SettingsError(
            f"the configuration file {path} has no setting named {unknown[0]}{_line_of(unknown[0], path)};"
            f" the settings are {known}"
        )
    return table


def _line_of(name: str, path: Path) -> str:
    """Return the line of a key in the file, for people; empty if it is written in an unusual way."""
    key = re.compile(rf"""\s*\[?\s*["']?{re.escape(name)}["']?\s*[]=.]""")
    lines = read_file(path).decode("utf-8", "replace").split("\n")
    return next((f" (line {number})" for number, line in enumerate(lines, 1) if key.match(line)), "")


def _checked(name: str, value: Any, where: str) -> Any:
    """Return a value of the file in the type of its field."""
    if name == "keys":
        return _keys(value, where)
    if name in _LISTS and isinstance(value, str):
        value = [value]
    return _converted(name, value, where)


def _converted(name: str, value: Any, where: str) -> Any:
    """Convert a value to the type of its field. Raises `SettingsError` if its type or value is not allowed."""
    try:
        return msgspec.convert(value, _types()[name])
    except msgspec.ValidationError as error:
        kind = next((words for names, words in _KINDS if name in names), "a string")
        raise SettingsError(f"{name} in {where} must be {kind}") from error


@cache
def _types() -> dict[str, Any]:
    return get_type_hints(Settings, include_extras=True)


def _keys(value: Any, where: str) -> dict[str, str]:
    """Return the table of keys: ids, each with one key or several."""
    found: dict[str, str] = {}
    for name, written in _leaves(value) if isinstance(value, dict) else ():
        keys = [written] if isinstance(written, str) else written
        if not isinstance(keys, list) or not keys or not all(isinstance(key, str) and key.strip() for key in keys):
            raise SettingsError(f"{name} in [keys] of {where} must be a key or a list of keys", name)
        found[name] = ",".join(keys)
    if not isinstance(value, dict):
        raise SettingsError(f"keys in {where} must be a table: [keys], then lines of id = key")
    return found


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield a table's values by their full names, because TOML reads an unquoted dotted name as nested tables."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _from_variable(name: str, text: str, variable: str) -> Any:
    if name in _LISTS:
        return tuple(item.strip() for item in text.split(",") if item.strip())
    if name in _FLAGS:
        if text.lower() in {"1", "true", "yes", "on"}:
            return True
        if text.lower() in {"0", "false", "no", "off"}:
            return False
        raise SettingsError(f"{variable} must be 1 or 0, not {text!r}")
    if name in _NUMBERS:
        return _converted(name, int(text) if text.isascii() and text.isdigit() else text, variable)
    return text
