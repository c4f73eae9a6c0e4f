"""The table of dtypes says what torch, safetensors and numpy say."""

from __future__ import annotations

import numpy
import pytest
import torch
from safetensors.torch import save

from encoder_tui.core.dtypes import BY_SAFETENSORS, COMPUTED, DTYPES, HALF, OFFERED, bytes_of
from encoder_tui.core.files.safetensors_header import PREFIX, parse_header


@pytest.mark.parametrize("name", [name for name, dtype in DTYPES.items() if hasattr(torch, name)])
def test_torch_and_numpy_agree_on_a_dtype(name: str) -> None:
    kind = getattr(torch, name)
    assert DTYPES[name].bits == 8 * kind.itemsize
    assert bytes_of(3, name) == 3 * kind.itemsize
    numpys = DTYPES[name].numpy
    if numpys is not None:
        assert numpy.dtype(numpys).name == name
        assert torch.from_numpy(numpy.zeros(2, numpys)).dtype == kind


@pytest.mark.parametrize("name", BY_SAFETENSORS.values())
def test_the_library_writes_a_dtype_under_the_name_of_the_table(name: str) -> None:
    if not hasattr(torch, name):
        pytest.skip("this torch does not know it")
    data = save({"x": torch.zeros(4, dtype=getattr(torch, name))})
    length = int.from_bytes(data[:PREFIX], "little")
    (entry,) = parse_header(data[PREFIX : PREFIX + length], len(data))
    assert entry.dtype == name


def test_a_value_of_less_than_a_byte_is_counted_in_bits_and_an_unknown_one_as_four_bytes() -> None:
    assert bytes_of(3, "float4_e2m1") == 2
    assert bytes_of(3, "unknown") == 12
    assert set(HALF) < set(OFFERED) < set(COMPUTED) < set(DTYPES)
