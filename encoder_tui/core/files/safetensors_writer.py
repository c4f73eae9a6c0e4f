"""Writing a `.safetensors` file piece by piece, so that outputs larger than memory can be saved.

The format: eight bytes, the little-endian length of the header; the header, JSON; the tensors' bytes one after the
other (https://huggingface.co/docs/safetensors). The library's own writer wants all of them in memory at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

import msgspec

from encoder_tui.core.dtypes import DTYPES, bits


class SavedTensor(msgspec.Struct, frozen=True):
    """A tensor to be saved: its name in the file, its dtype as torch names it, its shape."""

    name: str
    dtype: str
    shape: list[int]

    @property
    def numel(self) -> int:
        return math.prod(self.shape)

    @property
    def item(self) -> int:
        """Bytes of a value."""
        return bits(self.dtype) // 8


def in_file_order(tensors: Sequence[SavedTensor]) -> list[SavedTensor]:
    """Return tensors in the order of their bytes in the file: larger dtypes first, so that all are aligned."""
    return sorted(tensors, key=lambda tensor: -tensor.item)


def header(tensors: Sequence[SavedTensor], metadata: Mapping[str, str]) -> bytes:
    """Return the header before the tensors' bytes."""
    entries: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for tensor in tensors:
        end = offset + tensor.numel * tensor.item
        entries[tensor.name] = {
            "dtype": DTYPES[tensor.dtype].safetensors,
            "shape": tensor.shape,
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(entries, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
