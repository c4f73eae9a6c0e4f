"""What a file of torch holds, by the opcodes of its pickle: nothing is unpickled, so none of its code can run."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Final

import msgspec

from encoder_tui.core.files.private import open_file

LARGEST: Final = 64 << 20
"""Bytes of a pickle that are read; the values of the tensors lie outside it."""
MOST_TEXTS: Final = 100_000

PLAIN: Final = ("torch", "torch._utils", "torch._tensor", "torch.storage", "torch.serialization", "collections",
                "builtins", "__builtin__", "_codecs", "numpy", "numpy.core.multiarray", "numpy._core.multiarray",
                "numpy.dtypes")  # fmt: skip
"""Modules whose functions put tensors together."""


class Pickle(msgspec.Struct, frozen=True):
    """The classes and functions that a pickle calls, as `module.name`, and its texts, in their order."""

    calls: list[str]
    texts: list[str]

    @property
    def module(self) -> str | None:
        """The class of the object that was pickled whole, with its code, in the place of its tensors; else None."""
        foreign = [call for call in self.calls if call.rpartition(".")[0] not in PLAIN]
        return foreign[0] if foreign else None

    @property
    def names(self) -> list[str]:
        """The names of tensors among the texts."""
        return [text for text in self.texts if text.endswith((".weight", ".bias"))]

    @property
    def is_nested(self) -> bool:
        """Whether the tensors lie under `state_dict`, as in the checkpoints of Lightning and other trainers."""
        return "state_dict" in self.texts[:100] and bool(self.names)


def look_into(path: Path) -> Pickle | None:
    """What a file of torch calls and says; None if it cannot be read or is no such file."""
    import zipfile  # noqa: PLC0415  # not needed before the first paint

    try:
        with os.fdopen(open_file(path, os.O_RDONLY), "rb") as file:
            if zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as archive:
                    inner = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
                    if inner is None:
                        return None
                    with archive.open(inner) as content:
                        return _scan(content.read(LARGEST), 1)
            file.seek(0)
            # Before torch 1.6: a magic number, a version, facts of the machine, and then the object.
            return _scan(file.read(LARGEST), 4)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        return None


def _scan(data: bytes, pickles: int) -> Pickle | None:
    import pickletools  # noqa: PLC0415  # not needed before the first paint

    stream = io.BytesIO(data)
    calls: dict[str, None] = {}
    texts: list[str] = []
    for number in range(pickles):
        try:
            for opcode, argument, _ in pickletools.genops(stream):
                if opcode.name in {"GLOBAL", "INST"} and isinstance(argument, str):
                    calls[argument.replace(" ", ".", 1)] = None
                elif opcode.name == "STACK_GLOBAL" and len(texts) >= 2:
                    calls[f"{texts[-2]}.{texts[-1]}"] = None
                elif isinstance(argument, str) and len(texts) < MOST_TEXTS:
                    texts.append(argument)
        except ValueError:
            # What is cut off or damaged still tells what it had said by then, if it began as a pickle.
            return Pickle(list(calls), texts) if calls and number == pickles - 1 else None
    return Pickle(list(calls), texts)
