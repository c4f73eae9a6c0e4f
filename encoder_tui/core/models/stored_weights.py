"""The files of weights in a model's folder: those that transformers reads, and those of other programs, by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path
from typing import Final

import msgspec

from encoder_tui.core.files.outside_names import NameRefused, inside
from encoder_tui.core.files.safetensors_header import Entry, HeaderError, read_header
from encoder_tui.core.models.small_files import pointer_size
from encoder_tui.core.models.weight_files import DAMAGED, INDEX, PREFERRED, named

VARIANT: Final = (
    r"model\.(?P<safetensors>[\w-]+?)(-\d+-of-\d+)?\.safetensors|pytorch_model\.(?P<pytorch>[\w-]+?)(-\d+-of-\d+)?\.bin"
)
"""Weights of another precision, which transformers reads only with `variant=`."""

FORMATS: Final = (
    ("tensorflow", r"tf_model(-\d+-of-\d+)?\.h5|.*\.ckpt(-\d+)?\.(index|data-\d+-of-\d+)|saved_model\.pb"),
    ("flax", r"flax_model(-\d+-of-\d+)?\.msgpack"),
    ("onnx", r".*\.onnx"),
    ("openvino", r"openvino.*\.xml"),
    ("gguf", r".*\.gguf|ggml-.*\.bin"),
    ("rust", r"rust_model\.ot"),
)
"""Formats that transformers does not read, by the names of their files."""
FOLDERS: Final = ("onnx", "openvino")
"""Folders in which other programs look for a model."""
ADAPTERS: Final = ("adapter_model.safetensors", "adapter_model.bin")

MOST_FILES: Final = 10_000
"""Entries of one folder that are looked at."""


class StoredWeights(msgspec.Struct, frozen=True):
    """Weights of one format: the files inside the model's directory, and how many bytes they take.

    `dtypes` says how many values each dtype has, by the headers of safetensors files; None if that cannot be known
    without running a pickle or another library. `variant` is the precision in the files' names, if there is one.
    """

    files: list[str]
    format: str
    bytes: int
    dtypes: dict[str, int] | None = None
    variant: str | None = None


class Found(msgspec.Struct, frozen=True):
    """What lies in a folder: the weights to use, first those that transformers reads; the others; what is wrong."""

    weights: StoredWeights | None
    others: list[StoredWeights]
    remarks: list[str]


def weights_in(directory: Path, folders: Sequence[str] = ("",)) -> Found:
    """The weights of a model whose transformer lies in the first of `folders`, and other modules in the others."""
    every: list[StoredWeights] = []
    remarks: list[str] = []
    readable: dict[str, StoredWeights] = {}
    for folder in folders:
        place = directory / folder if folder else directory
        names = names_in(place)
        files, missing = _readable_files(place, names)
        remarks += [f"{_joined(folder, name)} is missing, though an index names it" for name in missing]
        if files:
            readable[folder] = _weights(directory, [_joined(folder, name) for name in files], remarks)
        if folder == folders[0]:
            every += _of_other_formats(directory, folder, names)
    if folders[0] in readable:
        every.insert(0, _together(list(readable.values())))
    return Found(every[0] if every else None, every[1:], remarks)


def _readable_files(place: Path, names: set[str]) -> tuple[list[str], list[str]]:
    """The files that transformers reads in a folder, and those that are missing of them."""
    first = next((name for name in PREFERRED if name in names), None)
    if first is None:
        return [], []
    if not first.endswith(INDEX):
        return [first], []
    try:
        shards = named(place / first)
        whole = [shard for shard in shards if inside(place, shard, place / first).is_file()]
    except (OSError, NameRefused, *DAMAGED):
        return [], []
    return whole, [shard for shard in shards if shard not in whole]


def _of_other_formats(directory: Path, folder: str, names: set[str]) -> list[StoredWeights]:
    """Weights that are there beside those that transformers reads without being told, or in their place."""
    found: list[StoredWeights] = []
    variants: dict[tuple[str, str], list[str]] = {}
    for name in sorted(names):
        if match := re.fullmatch(VARIANT, name):
            kind = "safetensors" if match["safetensors"] else "pytorch"
            variants.setdefault((kind, match["safetensors"] or match["pytorch"]), []).append(_joined(folder, name))
    for (_, variant), files in sorted(variants.items(), key=lambda entry: entry[0][0] != "safetensors"):
        found.append(msgspec.structs.replace(_weights(directory, files, []), variant=variant))
    every = [_joined(folder, name) for name in sorted(names)]
    for inner in FOLDERS:
        every += [_joined(folder, f"{inner}/{name}") for name in sorted(names_in(directory / folder / inner))]
    for kind, pattern in FORMATS:
        if files := [file for file in every if re.fullmatch(pattern, file.rpartition("/")[2])]:
            found.append(StoredWeights(files, kind, _size(directory, files)))
    if adapters := [_joined(folder, name) for name in ADAPTERS if name in names]:
        found.append(_weights(directory, adapters[:1], []))
    return found


def _weights(directory: Path, files: list[str], remarks: list[str]) -> StoredWeights:
    """Files of safetensors or of torch with their dtypes; what is wrong with one of them is added to `remarks`."""
    if not files[0].endswith(".safetensors"):
        return StoredWeights(files, "pytorch", _size(directory, files))
    counts: dict[str, int] | None = {}
    for file in files:
        entries: list[Entry] = []
        try:
            entries = read_header(directory / file)
        except (HeaderError, OSError) as error:
            counts = None
            if pointer_size(directory / file) is None:
                remarks.append(f"{file} cannot be read: {error}")
        for entry in entries:
            if counts is not None:
                counts[entry.dtype] = counts.get(entry.dtype, 0) + prod(entry.shape)
    if counts is not None:
        counts = dict(sorted(counts.items(), key=lambda entry: -entry[1]))
    return StoredWeights(files, "safetensors", _size(directory, files), counts)


def _together(parts: list[StoredWeights]) -> StoredWeights:
    """The weights of all modules as one; a directory in several formats has that of its transformer."""
    counts: dict[str, int] | None = {}
    for part in parts:
        if counts is None or part.dtypes is None:
            counts = None
            continue
        for dtype, values in part.dtypes.items():
            counts[dtype] = counts.get(dtype, 0) + values
    files = [file for part in parts for file in part.files]
    return StoredWeights(files, parts[0].format, sum(part.bytes for part in parts), counts)


def tensors_of(directory: Path, weights: StoredWeights | None, folder: str = "") -> dict[str, tuple[int, ...]] | None:
    """Every tensor of a transformer's safetensors files by its name, with its shape; None if no header tells.

    `folder` is where the transformer lies in the directory: other modules have tensors of their own.
    """
    if weights is None or weights.format != "safetensors" or weights.dtypes is None:
        return None
    start = _joined(folder, "")
    found: dict[str, tuple[int, ...]] = {}
    for file in weights.files:
        name = file.removeprefix(start)
        if file.startswith(start) and "/" not in name and name not in ADAPTERS:
            try:
                found |= {entry.name: entry.shape for entry in read_header(directory / file)}
            except (HeaderError, OSError):
                return None
    return found or None


def pointers_in(directory: Path, folders: Iterable[str]) -> dict[str, int]:
    """The files that are Git LFS pointers, with the bytes of those that they stand for."""
    found = {}
    for folder in folders:
        for name in sorted(names_in(directory / folder if folder else directory)):
            stated = pointer_size(directory / _joined(folder, name))
            if stated is not None:
                found[_joined(folder, name)] = stated
    return found


def names_in(folder: Path) -> set[str]:
    """The names of the files in a folder, as many as are looked at; none if it cannot be listed."""
    found = set()
    try:
        for index, entry in enumerate(folder.iterdir()):
            if index >= MOST_FILES:
                break
            if entry.is_file():
                found.add(entry.name)
    except OSError:
        return found
    return found


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _size(directory: Path, files: list[str]) -> int:
    total = 0
    for file in files:
        try:
            total += (directory / file).stat().st_size
        except OSError:
            continue
    return total
