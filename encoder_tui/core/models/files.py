"""What a model's name stands for, and the small files behind it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from encoder_tui import builtin
from encoder_tui.core.models.limits import positions_of
from encoder_tui.core.models.weight_files import INDICES, weight_files
from encoder_tui.core.text.safe import last_part, shorten, visible

Source = Literal["builtin", "directory", "cache", "hub"]


TOKENIZER_SUFFIXES: Final = frozenset({".json", ".txt", ".model", ".bpe", ".tiktoken", ".vocab"})
VOCABULARY_FILES: Final = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "spm.model",
    "tokenizer.model",
    "vocab.bpe",
)
SMALL_FILE: Final = 64 << 20
"""Bytes; the largest tokenizer.json in use (XLM-R's kind) has 17 MB, the smallest weights have more than this."""

REVISION: Final = re.compile(r"(?!.*\.\.)\w[\w.+/-]{0,199}", re.ASCII)
"""A branch, a tag, a commit, or a reference such as refs/pr/1; never a way out of a folder of the cache."""


class ModelError(Exception):
    """A model that cannot be had; the message is one sentence that says why and what to do."""


class ModelName(msgspec.Struct, frozen=True):
    """A model as the user names it: `builtin:bert`, a directory, or a Hub id, with an optional `@REVISION`."""

    text: str
    location: str
    revision: str | None = None

    @property
    def is_builtin(self) -> bool:
        return self.location.startswith("builtin:")

    @property
    def is_directory(self) -> bool:
        """Whether the name can only be a directory, or is one."""
        return is_path(self.location) or _is_directory(self.location)

    @property
    def short(self) -> str:
        """The name without its owner or folder, for the margin of a screen."""
        return last_part(self.location)


class ModelFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The small files of one model, where they lie and what they say.

    `fingerprint` hashes every file that `AutoTokenizer` might read, with its name; `tokenizer_json` is the plain
    file, which the app may show until the exact form is there. `weights` changes when a file of weights does,
    `code` when a Python file does.
    """

    name: str
    source: Source
    path: str
    repo: str | None = None
    commit: str | None = None
    config: dict[str, Any]
    tokenizer_json: str | None = None
    tokenizer_config: dict[str, Any] = {}
    fingerprint: str
    has_weights: bool = False
    weights: str = ""
    code: str = ""


def parse_name(text: str, is_elsewhere: bool = False) -> ModelName:
    """Read a model's name; raises `ModelError` for one that cannot name a model.

    Where the models are elsewhere, on the engine's side, what can be no Hub id may be a directory there.
    """
    if not text.strip():
        raise ModelError("a model's name is empty; name a Hub id, a directory, or builtin:bert")
    shown = shorten(visible(text), 100)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ModelError(f"{shown}: the name is not valid UTF-8; rename the directory")
    if text.startswith("builtin:"):
        if text.removeprefix("builtin:") not in builtin.MODELS:
            known = " and ".join(f"builtin:{name}" for name in builtin.MODELS)
            raise ModelError(f"there is no {shown}; the built-in models are {known}")
        return ModelName(text, text)
    # A directory has no revisions, so what follows an @ is a part of its name.
    whole = ModelName(text, text)
    if whole.is_directory:
        return whole
    location, at, revision = text.rpartition("@")
    name = ModelName(text, location, revision) if at and location and revision else whole
    is_id = re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name.location, re.ASCII) and len(name.location) <= 200
    is_revision = name.revision is None or REVISION.fullmatch(name.revision)
    if is_elsewhere and not (is_id and is_revision):
        return whole
    if not is_id:
        raise ModelError(f"{shown} is neither a directory here nor a Hub id of the form OWNER/NAME")
    if not is_revision:
        raise ModelError(f"{shown}: what follows the @ is no branch, tag or commit")
    return name


def is_path(text: str) -> bool:
    """Whether a name can only be a directory, whatever there is."""
    return text.startswith(("/", "./", "../", "~")) or text in {".", ".."}


def is_trusted(files: ModelFiles, trusted: Iterable[str]) -> bool:
    """Whether the user allowed a model's own code: a repository by its Hub id, a directory by a path.

    What may be either is a Hub id here: it trusts no directory that has its name in whatever folder one stands.
    """
    if files.repo is not None:
        return not {files.repo, files.name}.isdisjoint(trusted)
    return files.source == "directory" and any(is_path(name) and _is_place(name, files) for name in trusted)


def _is_place(name: str, files: ModelFiles) -> bool:
    """Whether a path leads to a model's directory; one on another machine's side has to be written in full."""
    try:
        return name == files.name or Path(name).expanduser().resolve() == Path(files.path).resolve()
    except (OSError, ValueError, RuntimeError):
        return False


def _is_directory(text: str) -> bool:
    """Whether there is a directory of this name; one that cannot be looked at, or cannot be, is none."""
    try:
        return Path(text).is_dir()
    except (OSError, ValueError):
        return False


def from_directory(
    name: str, path: Path, source: Source = "directory", *, needs_tokenizer: bool = True, **where: str | None
) -> ModelFiles:
    """Read the small files of a model directory.

    `name` is the model as it was given; `where` carries `repo` and `commit` for a snapshot of the Hub.
    Raises `ModelError` where the directory is missing, its configuration cannot be read, or it has no tokenizer
    where one is needed.
    """
    shown = shorten(visible(name), 200)
    if not _is_directory(str(path)):
        raise ModelError(f"{shown}: there is no such directory")
    try:
        everything = sorted(path.iterdir())
        weights = weight_files(path)
        small = [
            file
            for file in everything
            if file.suffix in TOKENIZER_SUFFIXES and file.is_file() and file.stat().st_size <= SMALL_FILE
        ]
    except OSError as error:
        raise ModelError(f"{shown}: the directory cannot be read ({error.strerror})") from error
    if path / "config.json" not in small:
        raise ModelError(f"{shown}: the directory has no config.json, so it is no model directory")
    digest = hashlib.sha256()
    contents: dict[str, bytes] = {}
    for file in small:
        if file.name.endswith(".index.json"):
            continue
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ModelError(f"{shown}: {visible(file.name)} cannot be read ({error.strerror})") from error
        digest.update(f"{file.name}\0{len(data)}\0".encode(errors="surrogateescape"))
        digest.update(data)
        if file.name in {"config.json", "tokenizer.json", "tokenizer_config.json"}:
            contents[file.name] = data
    if needs_tokenizer and not has_vocabulary(file.name for file in small):
        raise ModelError(f"{shown}: there is no tokenizer here (tokenizer.json, vocab.txt or the like)")
    plain = contents.get("tokenizer.json")
    return ModelFiles(
        name=name,
        source=source,
        path=str(path),
        config=_json_object(shown, "config.json", contents["config.json"]),
        tokenizer_json=None if plain is None else plain.decode("utf-8", "replace"),
        tokenizer_config=_json_object(shown, "tokenizer_config.json", contents.get("tokenizer_config.json", b"{}")),
        fingerprint=digest.hexdigest(),
        has_weights=bool(weights),
        weights=_weights_stamp(path, weights),
        code=_code_stamp(everything),
        **where,
    )


def name_of(files: ModelFiles) -> ModelName:
    """What `from_pretrained` finds a model by: transformers knows a built-in one by its folder only."""
    return ModelName(files.name, files.path) if files.source == "builtin" else parse_name(files.name, is_elsewhere=True)


def _weights_stamp(path: Path, weights: list[Path]) -> str:
    """Names, sizes and ages of the files of weights and of their index, hashed; empty where there are none."""
    stamps = []
    for file in [*weights, *(path / index for index in INDICES)]:
        with contextlib.suppress(OSError):
            about = file.stat()
            stamps.append(f"{file.name}\0{about.st_size}\0{about.st_mtime_ns}")
    return hashlib.sha256("\0".join(stamps).encode(errors="surrogateescape")).hexdigest() if stamps else ""


def _code_stamp(files: list[Path]) -> str:
    """Names and contents of the Python files, hashed; empty where there are none."""
    digests = []
    for file in files:
        if file.suffix == ".py":
            with contextlib.suppress(OSError):
                if file.is_file() and file.stat().st_size <= SMALL_FILE:
                    digests.append(f"{file.name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}")
    return hashlib.sha256("\0".join(digests).encode(errors="surrogateescape")).hexdigest() if digests else ""


def has_vocabulary(names: Iterable[str]) -> bool:
    """Whether one of these files holds a vocabulary; `vocab.json` does with `merges.txt` only."""
    there = set(names)
    if "merges.txt" not in there:
        there.discard("vocab.json")
    return not there.isdisjoint(VOCABULARY_FILES)


def _json_object(name: str, file: str, data: bytes) -> dict[str, Any]:
    try:
        # transformers writes 10^30 for a length without bounds, and frames hold 64 bits: it becomes a float.
        value = json.loads(data, parse_int=lambda digits: int(digits) if len(digits) < 19 else float(digits))
        msgspec.msgpack.encode(value)  # half of a surrogate pair is valid JSON, and cannot cross a pipe
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{name}: {file} is not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise ModelError(f"{name}: {file} holds no JSON object")
    return value


def resolve_here(name: ModelName, *, needs_tokenizer: bool = True) -> ModelFiles | None:
    """The files of a built-in model or a directory; None where the name is a Hub id. Raises `ModelError`."""
    if name.is_builtin:
        return from_directory(name.text, builtin.directory(name.location.removeprefix("builtin:")), "builtin")
    if name.is_directory:
        if name.revision is not None:
            raise ModelError(f"{name.text}: {name.location} is a directory here and has no revisions; leave out the @")
        try:
            path = Path(name.location).expanduser()
        except RuntimeError as error:
            raise ModelError(f"{shorten(visible(name.text), 100)}: there is no such user") from error
        return from_directory(name.text, path, needs_tokenizer=needs_tokenizer)
    return None


def limit(config: dict[str, Any], model_max_length: int | None) -> int | None:
    """The longest input a model takes, in tokens, special tokens included; None where nothing bounds it.

    The smaller of what its positions allow and what its tokenizer states (`model_max_length`, None where the
    tokenizer states nothing sane).
    """
    positions = positions_of(config)
    bounds = [bound for bound in (positions, model_max_length) if bound is not None and bound > 0]
    return min(bounds, default=None)
