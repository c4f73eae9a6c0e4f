"""Headers of safetensors files: those that the library writes, and those that nobody honest wrote."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from encoder_tui.core.dtypes import BY_SAFETENSORS
from encoder_tui.core.files.safetensors_header import Entry, HeaderError, parse_index, read_header
from encoder_tui.core.parameters import checkpoint
from tests.support.architectures import write_configuration


def write(path: Path, header: Any, values: int = 0, length: int | None = None) -> Path:
    """A file with a header of our own making; `length` is what it claims to be long."""
    body = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(body) if length is None else length) + body + bytes(values))
    return path


def entry(start: int, end: int, shape: list[int] | None = None, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": [(end - start) // 4] if shape is None else shape, "data_offsets": [start, end]}


def refusal(path: Path) -> str:
    with pytest.raises(HeaderError) as caught:
        read_header(path)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 300
    return message


def torch_dtypes() -> list[str]:
    import torch

    return sorted({name for name in BY_SAFETENSORS.values() if hasattr(torch, name)})


def test_every_dtype_that_the_library_writes_is_read_as_the_library_reads_it(tmp_path: Path) -> None:
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    written = {name: torch.zeros(2, 3, dtype=getattr(torch, name)) for name in torch_dtypes()}
    refused = []
    for name in list(written):
        try:
            save_file({name: written[name]}, tmp_path / "one.safetensors")
        except (KeyError, TypeError, ValueError):
            refused.append(name)
            del written[name]
    assert len(written) >= 15, f"the library refused {refused}"
    path = tmp_path / "all.safetensors"
    save_file(written, path, metadata={"format": "pt"})
    found = {one.name: one for one in read_header(path)}
    with safe_open(path, "pt") as library:
        assert set(found) == set(library.keys())
        for name, one in found.items():
            tensor = library.get_tensor(name)
            assert (one.dtype, one.shape) == (str(tensor.dtype)[6:], tuple(tensor.shape))
            assert one.end - one.start == tensor.nbytes


def test_the_values_are_where_the_header_says(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    tensors = {"b": torch.arange(5.0), "a": torch.tensor(7, dtype=torch.int16), "none": torch.zeros(0, 4)}
    path = tmp_path / "model.safetensors"
    save_file(tensors, path)
    content = path.read_bytes()
    for one in read_header(path):
        assert content[one.start : one.end] == tensors[one.name].numpy().tobytes()


def test_a_sharded_checkpoint_is_read_as_one(tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModel

    model = AutoModel.from_config(AutoConfig.from_pretrained(write_configuration(tmp_path / "tiny", "bert")))
    model.save_pretrained(tmp_path / "sharded", max_shard_size="8KB")
    assert len(list((tmp_path / "sharded").glob("*.safetensors"))) > 2
    stored = checkpoint.stored_tensors(tmp_path / "sharded")
    assert {name: one.entry.shape for name, one in stored.items()} == {
        name: tuple(tensor.shape) for name, tensor in model.named_parameters()
    }
    next((tmp_path / "sharded").glob("*-00002-*.safetensors")).unlink()
    with pytest.raises(HeaderError, match=r"00002.* is missing"):
        checkpoint.stored_tensors(tmp_path / "sharded")


def test_an_empty_header_describes_no_tensor(tmp_path: Path) -> None:
    assert read_header(write(tmp_path / "f", {})) == []
    assert read_header(write(tmp_path / "f", {"__metadata__": {"format": "pt"}})) == []


def test_spaces_that_pad_a_header_are_part_of_it(tmp_path: Path) -> None:
    header = json.dumps({"a": entry(0, 8)}).encode() + b"   "
    first = 8 + len(header)
    assert read_header(write(tmp_path / "f", header, 8)) == [Entry("a", "float32", (2,), first, first + 8)]


HOSTILE: dict[str, tuple[Any, int, int | None, str]] = {
    "a length of 2^63": ({}, 0, 2**63, "claims 9,223,372,036,854,775,808 bytes"),
    "a length of 2^64 - 1": ({}, 0, 2**64 - 1, "at most 100,000,000 are allowed"),
    "a header longer than the file": ({"a": entry(0, 8)}, 8, 5_000, "truncated"),
    "no JSON": (b"{nothing", 0, None, "not valid JSON"),
    "no UTF-8": (b'{"\xff": 1}', 0, None, "not valid JSON"),
    "a list": (b"[]", 0, None, "does not begin with an object"),
    "an empty header": (b"", 0, None, "does not begin with an object"),
    "brackets without end": (b'{"a":' + b"[" * 100_000, 0, None, "not valid JSON"),
    "a deep entry": (b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}", 0, None, ""),
    "an entry that is none": ({"a": 7}, 0, None, "malformed"),
    "no offsets": ({"a": {"dtype": "F32", "shape": [2]}}, 8, None, "malformed"),
    "fractions": ({"a": {"dtype": "F32", "shape": [0.5], "data_offsets": [0, 2]}}, 2, None, "malformed"),
    "an unknown dtype": ({"a": entry(0, 8, dtype="F33")}, 8, None, "unknown dtype F33"),
    "a negative side": ({"a": entry(0, 8, [-2])}, 8, None, "impossible shape"),
    "a side beyond numbers": ({"a": entry(0, 8, [2**63])}, 8, None, ""),
    "sides that overflow": ({"a": entry(0, 8, [2**62, 2**62, 4])}, 8, None, "by its shape"),
    "a thousand dimensions": ({"a": entry(0, 4, [1] * 1000)}, 4, None, "impossible shape"),
    "a lying size": ({"a": entry(0, 8, [3])}, 8, None, "needs 12 bytes by its shape but has 8"),
    "ends before it begins": ({"a": entry(8, 0, [0])}, 8, None, "ends before it begins"),
    "negative offsets": ({"a": entry(-8, 0, [2])}, 8, None, "ends before it begins"),
    "overlapping offsets": ({"a": entry(0, 8), "b": entry(4, 12)}, 12, None, "b overlaps"),
    "the same place twice": ({"a": entry(0, 8), "b": entry(0, 8)}, 8, None, "overlaps"),
    "a hole": ({"a": entry(0, 8), "b": entry(12, 20)}, 20, None, "4 bytes before b belong to no tensor"),
    "a hole at the start": ({"a": entry(4, 8)}, 8, None, "belong to no tensor"),
    "too much at the end": ({"a": entry(0, 8)}, 9, None, "1 bytes at the end"),
    "values cut off": ({"a": entry(0, 8)}, 7, None, "truncated"),
    "an escape sequence for a name": ({"\x1b[2J": entry(0, 8, [3])}, 8, None, "␛[2J"),
    "an endless name": ({"n" * 10_000: entry(0, 8, [3])}, 8, None, "…"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_header_is_rejected_with_a_sentence(tmp_path: Path, what: str) -> None:
    header, values, length, words = HOSTILE[what]
    assert words in refusal(write(tmp_path / "f", header, values, length))


def test_a_million_entries_are_rejected_before_they_are_built(tmp_path: Path) -> None:
    one = b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    header = b"{" + b",".join(one % index for index in range(1_000_000)) + b"}"
    assert "more than 100,000 tensors" in refusal(write(tmp_path / "f", header))
    plain = b"{" + b",".join(b'"%d":0' % index for index in range(1_000_000)) + b"}"
    assert "1,000,000 tensors" in refusal(write(tmp_path / "f", plain))


@pytest.mark.parametrize("size", range(8))
def test_a_file_too_short_for_a_length_is_rejected(tmp_path: Path, size: int) -> None:
    path = tmp_path / "f"
    path.write_bytes(bytes(size))
    assert "too few" in refusal(path)


def test_every_prefix_of_a_file_is_rejected(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    path = tmp_path / "whole"
    save_file({"a": torch.ones(3), "b": torch.ones(2, 2)}, path)
    content = path.read_bytes()
    for size in range(len(content)):
        (tmp_path / "part").write_bytes(content[:size])
        refusal(tmp_path / "part")


@pytest.mark.parametrize(
    "index",
    [
        b"",
        b"[]",
        b"{}",
        b'{"weight_map": {"a": 7}}',
        b'{"weight_map": {"a": "../../etc/passwd"}}',
        b'{"weight_map": {"a": "/etc/model.safetensors"}}',
        b'{"weight_map": {"a": "..\\\\model.safetensors"}}',
        b'{"weight_map": {"a": "\\u001b.safetensors"}}',
    ],
)
def test_an_index_that_names_anything_but_files_beside_it_is_rejected(index: bytes) -> None:
    with pytest.raises(HeaderError) as caught:
        parse_index(index)
    assert str(caught.value).isprintable()
