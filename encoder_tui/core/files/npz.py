"""Writing numpy's `.npz` piece by piece and without numpy: an uncompressed zip archive of `.npy` files.

The format of these: a magic number, the version, the length of the header, the header (a Python literal, padded to 64
bytes in all); then the values (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from typing import IO

from encoder_tui.core.dtypes import DTYPES
from encoder_tui.core.files.safetensors_writer import SavedTensor


def archive(file: IO[bytes], metadata: Mapping[str, str]) -> zipfile.ZipFile:
    """Return an archive to fill. The metadata becomes its comment, one line each, cut to 65,535 bytes."""
    made = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)
    made.comment = "\n".join(f"{key} {value}" for key, value in metadata.items()).encode("ascii")[:65_535]
    return made


def header(tensor: SavedTensor) -> bytes:
    """Return the header before a tensor's values in its `.npy` file."""
    shape = "".join(f"{size}, " for size in tensor.shape)
    text = f"{{'descr': '{DTYPES[tensor.dtype].numpy}', 'fortran_order': False, 'shape': ({shape}), }}"
    # Magic, version and length take ten bytes, and a line end closes the header.
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("ascii")
