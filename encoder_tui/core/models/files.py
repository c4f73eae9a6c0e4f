"""The small files of a model."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from encoder_tui import builtin
from encoder_tui.core.files.outside_names import NameRefused, refuse_special
from encoder_tui.core.files.private import read_file
from encoder_tui.core.models.card import Card, card_of, card_without_modules
from encoder_tui.core.models.layouts import why_no_model
from encoder_tui.core.models.modules import transformer_folder
from encoder_tui.core.models.names import ModelError, ModelName, is_directory_here, parse_name
from encoder_tui.core.models.own_code import CONFIGURATIONS, classes_of, others
from encoder_tui.core.models.small_files import POINTER, POINTER_WORDS, SMALL_FILE, parsed
from encoder_tui.core.models.weight_files import INDICES, weight_files
from encoder_tui.core.text.safe import shorten, visible

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


class ModelFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The small files of one model: where they are, and their content; and what the model is, its `card`.

    `directory` is the model's. `path` is the folder of its transformer, where all the files named below lie: the same,
    or one inside it (`card.folder`). `fingerprint` hashes every file that `AutoTokenizer` might read, with its name;
    `tokenizer_json` is the plain file, which the app may show until the exact form has loaded. `weights` changes when a
    file of weights does, `code` when a Python file does. `code_of` names the other repositories and directories whose
    code it refers to.
    """

    name: str
    source: Source
    directory: str
    path: str
    card: Card
    repo: str | None = None
    commit: str | None = None
    config: dict[str, Any]
    tokenizer_json: str | None = None
    tokenizer_config: dict[str, Any] = {}
    fingerprint: str
    has_weights: bool = False
    weights: str = ""
    code: str = ""
    code_of: list[str] = []

    @property
    def hub_id(self) -> str | None:
        """The Hub id by which transformers can load it; None if it is a directory, or a folder of a repository."""
        return None if self.card.folder else self.repo


class Inspected(msgspec.Struct, frozen=True):
    """A model's card, and what it takes to compare its weights with its parameters.

    `files` are those of the transformer, None if it has no configuration; `tensors` are those that the header of its
    safetensors files lists, with their shapes, None if there is no such header.
    """

    card: Card
    files: ModelFiles | None = None
    tensors: dict[str, tuple[int, ...]] | None = None


def from_directory(
    name: str, directory: Path, source: Source = "directory", *, needs_tokenizer: bool = True, **where: str | None
) -> ModelFiles:
    """Read the small files of a model directory.

    `name` is the model as it was given; `where` holds `repo` and `commit` for a snapshot of the Hub. Raises
    `ModelError` if the directory is missing, its configuration cannot be read, or a needed tokenizer is missing.
    """
    shown = shorten(visible(name), 200)
    if not is_directory_here(str(directory)):
        raise ModelError(f"{shown}: there is no such directory")
    path = directory / transformer_folder(name, directory)
    try:
        everything = sorted(path.iterdir())
        for file in everything if path == directory else [*directory.iterdir(), *everything]:
            refuse_special(file)
        weights = weight_files(path)
        small = [
            file
            for file in everything
            if file.suffix in TOKENIZER_SUFFIXES and file.is_file() and file.stat().st_size <= SMALL_FILE
        ]
    except NameRefused as error:
        raise ModelError(f"{shown}: the directory {error}") from error
    except OSError as error:
        raise ModelError(f"{shown}: the directory cannot be read ({error.strerror})") from error
    if path / "config.json" not in small:
        raise ModelError(f"{shown}: {why_no_model(directory)}")
    digest = hashlib.sha256()
    contents: dict[str, bytes] = {}
    for file in small:
        if file.name.endswith(".index.json"):
            continue
        try:
            data = read_file(file)
        except OSError as error:
            raise ModelError(f"{shown}: {visible(file.name)} cannot be read ({error.strerror})") from error
        if needs_tokenizer and data.startswith(POINTER):
            raise ModelError(f"{shown}: {visible(file.name)} {POINTER_WORDS}")
        digest.update(f"{file.name}\0{len(data)}\0".encode(errors="surrogateescape"))
        digest.update(data)
        if file.name == "tokenizer.json" or fnmatchcase(file.name, CONFIGURATIONS):
            contents[file.name] = data
    if needs_tokenizer and not has_vocabulary(file.name for file in small):
        raise ModelError(f"{shown}: the directory has no tokenizer (tokenizer.json, vocab.txt or the like)")
    plain = contents.get("tokenizer.json")
    config = parsed(f"{shown}: config.json", contents["config.json"], dict)
    return ModelFiles(
        name=name,
        source=source,
        directory=str(directory),
        path=str(path),
        card=_card(name, directory),
        config=config,
        tokenizer_json=None if plain is None else plain.decode("utf-8", "replace"),
        tokenizer_config=parsed(f"{shown}: tokenizer_config.json", contents.get("tokenizer_config.json", b"{}"), dict),
        fingerprint=digest.hexdigest(),
        has_weights=bool(weights),
        weights=_weights_stamp(path, weights),
        code=_code_stamp(everything),
        code_of=others(_classes(data for name, data in contents.items() if name != "tokenizer.json")),
        **where,
    )


def _card(name: str, directory: Path) -> Card:
    """Return the card of a model whose configuration can be read, whatever its other files are like."""
    try:
        return card_of(name, directory, looks_into_pickles=False)
    except ModelError as error:
        reason = str(error).removeprefix(f"{shorten(visible(name), 200)}: ")
        return card_without_modules(name, directory, reason)


def _weights_stamp(path: Path, weights: list[Path]) -> str:
    """Return a hash of the names, sizes and times of the weights and their index; empty if there are none."""
    stamps = []
    for file in [*weights, *(path / index for index in INDICES)]:
        with contextlib.suppress(OSError):
            about = file.stat()
            stamps.append(f"{file.name}\0{about.st_size}\0{about.st_mtime_ns}")
    return hashlib.sha256("\0".join(stamps).encode(errors="surrogateescape")).hexdigest() if stamps else ""


def _classes(configurations: Iterable[bytes]) -> set[str]:
    """Return every Python class that configurations name; a file that is not JSON names none."""
    found: set[str] = set()
    for data in configurations:
        with contextlib.suppress(ValueError, RecursionError):
            found |= classes_of(json.loads(data))
    return found


def _code_stamp(files: list[Path]) -> str:
    """Return a hash of the names and contents of the Python files; empty if there are none."""
    digests = []
    for file in files:
        if file.suffix == ".py":
            with contextlib.suppress(OSError):
                if file.is_file() and file.stat().st_size <= SMALL_FILE:
                    digests.append(f"{file.name}\0{hashlib.sha256(read_file(file)).hexdigest()}")
    return hashlib.sha256("\0".join(digests).encode(errors="surrogateescape")).hexdigest() if digests else ""


def has_vocabulary(names: Iterable[str]) -> bool:
    """Return whether one of these files holds a vocabulary; `vocab.json` counts only with `merges.txt`."""
    there = set(names)
    if "merges.txt" not in there:
        there.discard("vocab.json")
    return not there.isdisjoint(VOCABULARY_FILES)


def directory_here(name: ModelName) -> Path | None:
    """Return the directory of a name, whether it exists or not; None for a Hub id. Raises `ModelError`."""
    if name.is_builtin:
        return builtin.directory(name.location.removeprefix("builtin:"))
    if not name.is_directory:
        return None
    if name.revision is not None:
        raise ModelError(f"{name.text}: {name.location} is a directory here and has no revisions; leave out the @")
    try:
        return Path(name.location).expanduser()
    except RuntimeError as error:
        raise ModelError(f"{shorten(visible(name.text), 100)}: there is no such user") from error


def resolve_here(name: ModelName, *, needs_tokenizer: bool = True) -> ModelFiles | None:
    """Return the files of a built-in model or a directory; None for a Hub id. Raises `ModelError`."""
    path = directory_here(name)
    if path is None:
        return None
    if name.is_builtin:
        return from_directory(name.text, path, "builtin")
    return from_directory(name.text, path, needs_tokenizer=needs_tokenizer)


def name_of(files: ModelFiles) -> ModelName:
    """Return the name for `from_pretrained`; a built-in model, or a transformer inside a directory, by its folder."""
    is_folder = files.source == "builtin" or files.card.folder
    return ModelName(files.name, files.path) if is_folder else parse_name(files.name, is_elsewhere=True)
