"""The safetensors files of a model directory: which tensors they hold, and where."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Final, NamedTuple

from encoder_tui.core.files.outside_names import NameRefused, inside
from encoder_tui.core.files.private import read_file
from encoder_tui.core.files.safetensors_header import Entry, HeaderError, parse_index, read_header
from encoder_tui.core.models.weight_files import LARGEST_INDEX
from encoder_tui.core.parameters.description import Parameter, numel_of
from encoder_tui.core.parameters.roles import role_of

SINGLE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"


WRAPPERS: Final = ("module", "_orig_mod", "model", "state_dict")
"""What trainers put before the names of all tensors."""


class Stored(NamedTuple):
    """A tensor in a file; the path is relative if the file is in a repository on the Hub."""

    file: Path
    entry: Entry


def has_safetensors(directory: Path) -> bool:
    """Return whether there are weights that can be read in pieces."""
    return (directory / SINGLE).is_file() or (directory / INDEX).is_file()


def stored_tensors(directory: Path) -> dict[str, Stored]:
    """Return every tensor of the checkpoint by name. Raises `HeaderError`, which names the file, or OSError."""
    if (directory / SINGLE).is_file():
        shards = [SINGLE]
    else:
        index = directory / INDEX
        if index.stat().st_size > LARGEST_INDEX:
            raise HeaderError(f"{INDEX} is larger than the {LARGEST_INDEX >> 20} MiB allowed")
        shards = parse_index(read_file(index))
    found: dict[str, Stored] = {}
    for shard in shards:
        try:
            path = inside(directory, shard, directory / INDEX) if shard != SINGLE else directory / SINGLE
            entries = read_header(path)
        except FileNotFoundError as error:
            raise HeaderError(f"{shard} is missing, though {INDEX} names it") from error
        except NameRefused as error:
            raise HeaderError(f"{INDEX} {error}") from error
        except HeaderError as error:
            raise HeaderError(f"{shard}: {error}") from error
        for entry in entries:
            if entry.name in found:
                raise HeaderError(f"{shard}: {found[entry.name].file.name} holds a tensor of the same name already")
            found[entry.name] = Stored(path, entry)
    return found


def parameters_of(entries: list[Entry], kind: str) -> list[Parameter]:
    """Return the tensors of a checkpoint as parameters, layers ordered by number."""
    ordered = sorted(entries, key=lambda entry: natural(entry.name))
    return [Parameter(e.name, e.shape, e.dtype, numel_of(e.shape), role_of(e.name, kind)) for e in ordered]


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts layer 2 before layer 10, and embeddings first."""
    first = 0 if "embed" in name or "emb_ln" in name else 1
    parts = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in name.split(".")]
    return [(first, 0, ""), *parts]


def notes_of(names: list[str]) -> list[str]:
    """Describe special features of a checkpoint's own names."""
    notes = []
    if any(re.search(r"\.(gamma|beta)$", name) for name in names):
        notes.append("norms are called gamma and beta, as in old BERT checkpoints")
    prefixes = {name.partition(".")[0] for name in names}
    heads = sorted({name.partition(".")[0] for name in names if role_of(name) == "head"})
    others = prefixes - set(heads)
    if len(others) == 1 and len(names) > 1:
        notes.append(f"the encoder's names begin with {others.pop()}.")
    if heads:
        notes.append(f"a head is included ({', '.join(heads[:4])})")
    return notes


def find(name: str, stored: dict[str, Stored], prefixes: list[str]) -> Stored | None:
    """Find a model's parameter in a checkpoint, whose names may have another prefix, or use gamma and beta.

    `prefixes` are the first parts of the checkpoint's names (`prefixes_of`).
    """
    for candidate in (name, *_old_names(name)):
        for other in (candidate, *(f"{prefix}.{candidate}" for prefix in prefixes), candidate.partition(".")[2]):
            # A bare `weight` is not the name of an encoder's tensor.
            if "." in other and other in stored:
                return stored[other]
    return None


def wrapper_of(names: Collection[str]) -> str:
    """Return what a trainer put before the names of all tensors, such as `module.`; empty if nothing."""
    prefix, inner = "", list(names)
    while inner:
        first, number = Counter(name.partition(".")[0] for name in inner).most_common(1)[0]
        bare = [name.removeprefix(f"{first}.") for name in inner]
        # Names that would collide are left as they are. A trainer may keep the weights of its loss beside the model.
        if first not in WRAPPERS or number < len(inner) / 2 or len(set(bare)) < len(inner):
            break
        prefix, inner = f"{prefix}{first}.", bare
    return prefix


def unwrapped(stored: dict[str, Stored]) -> dict[str, Stored]:
    """Return the tensors by names without what a trainer put before all of them."""
    prefix = wrapper_of(stored)
    return {name.removeprefix(prefix): tensor for name, tensor in stored.items()}


def prefixes_of(stored: dict[str, Stored]) -> list[str]:
    """Return the first parts of a checkpoint's names, most frequent first."""
    return [prefix for prefix, _ in Counter(name.partition(".")[0] for name in stored).most_common(8)]


def _old_names(name: str) -> list[str]:
    if "norm" not in name.lower():
        return []
    if name.endswith(".weight"):
        return [name.removesuffix("weight") + "gamma"]
    return [name.removesuffix("bias") + "beta"] if name.endswith(".bias") else []
