"""The one table of dtypes: torch's names, bits per value, and the names in the file formats."""

from __future__ import annotations

from typing import Final, NamedTuple


class Dtype(NamedTuple):
    """Bits per value, and the names in safetensors and numpy files; None if the format lacks the dtype."""

    bits: int
    safetensors: str | None = None
    numpy: str | None = None


DTYPES: Final = {
    "float64": Dtype(64, "F64", "<f8"),
    "float32": Dtype(32, "F32", "<f4"),
    "float16": Dtype(16, "F16", "<f2"),
    "bfloat16": Dtype(16, "BF16"),
    "int64": Dtype(64, "I64", "<i8"),
    "int32": Dtype(32, "I32", "<i4"),
    "int16": Dtype(16, "I16", "<i2"),
    "int8": Dtype(8, "I8", "|i1"),
    "uint64": Dtype(64, "U64", "<u8"),
    "uint32": Dtype(32, "U32", "<u4"),
    "uint16": Dtype(16, "U16", "<u2"),
    "uint8": Dtype(8, "U8", "|u1"),
    "bool": Dtype(8, "BOOL", "|b1"),
    "complex64": Dtype(64, "C64", "<c8"),
    "complex128": Dtype(128, None, "<c16"),
    "float8_e4m3fn": Dtype(8, "F8_E4M3"),
    "float8_e5m2": Dtype(8, "F8_E5M2"),
    "float8_e8m0fnu": Dtype(8, "F8_E8M0"),
    "float8_e4m3fnuz": Dtype(8, "F8_E4M3FNUZ"),
    "float8_e5m2fnuz": Dtype(8, "F8_E5M2FNUZ"),
    "float6_e2m3": Dtype(6, "F6_E2M3"),
    "float6_e3m2": Dtype(6, "F6_E3M2"),
    "float4_e2m1": Dtype(4, "F4"),
}
"""By the name of torch's dtype."""

BY_SAFETENSORS: Final = {dtype.safetensors: name for name, dtype in DTYPES.items() if dtype.safetensors is not None}
"""The name of torch's dtype, by the name in safetensors files."""

OFFERED: Final = ("float32", "float16", "bfloat16")
"""The dtypes that a user can request."""
HALF: Final = ("bfloat16", "float16")
"""The 16-bit dtypes, in the order in which a search tries them."""
COMPUTED: Final = (*OFFERED, "float64")
"""The dtypes that a model can be built in; transformers converts anything else to a wider one."""


def bits(dtype: str) -> int:
    """Return the bits per value of torch's dtype; raises KeyError for a name that is not in the table."""
    return DTYPES[dtype].bits


def bytes_of(numel: int, dtype: str) -> int:
    """Return the bytes of this many values; an unknown dtype counts as four bytes per value."""
    return -(-numel * DTYPES.get(dtype, Dtype(32)).bits // 8)
