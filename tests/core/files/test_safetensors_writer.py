"""Files that are written piece by piece are those of the library, and appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors import deserialize

from encoder_tui.core.files.atomic import AtomicFile
from encoder_tui.core.files.safetensors_writer import SavedTensor, header, in_file_order


def test_a_file_holds_names_shapes_values_and_metadata(tmp_path: Path) -> None:
    half, wide = SavedTensor("half", "bfloat16", [3]), SavedTensor("wide", "float32", [2, 2])
    tensors = in_file_order([half, wide, SavedTensor("none", "int64", [0])])
    assert [tensor.name for tensor in tensors] == ["none", "wide", "half"]
    with AtomicFile(tmp_path / "x.safetensors") as file:
        file.write(header(tensors, {"model": "Bär"}))
        file.write(b"0123456789abcdef")
        file.write(b"ABCDEF")
    found = dict(deserialize((tmp_path / "x.safetensors").read_bytes()))
    assert {name: (entry["dtype"], entry["shape"], bytes(entry["data"])) for name, entry in found.items()} == {
        "none": ("I64", [0], b""),
        "wide": ("F32", [2, 2], b"0123456789abcdef"),
        "half": ("BF16", [3], b"ABCDEF"),
    }


def test_a_file_that_breaks_off_leaves_the_one_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"before")
    with pytest.raises(TypeError), AtomicFile(path) as file:
        file.write(None)  # type: ignore[arg-type]
    assert path.read_bytes() == b"before"
    assert list(tmp_path.glob(".*.tmp")) == []
