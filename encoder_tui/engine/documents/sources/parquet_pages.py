"""How much memory the pages of a parquet file take, found out before any of them is decompressed.

A page is decompressed whole, however few of its rows are wanted, and its header alone says how large it becomes: what
the footer says of a column's size is checked by nobody. Headers are Thrift structs in the compact protocol
(https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md); pyarrow does not show them.
"""

from __future__ import annotations

from typing import IO, Any, Final, NamedTuple

DICTIONARY_PAGE: Final = 2
LONGEST_HEADER: Final = 1 << 16
"""Bytes; a header holds the least and the greatest value, which writers shorten."""
_INTEGERS: Final = frozenset({4, 5, 6})
_DEEPEST: Final = 8
"""Structs within structs; the format needs three."""


class Largest(NamedTuple):
    """Bytes of a column chunk's largest page once it is decompressed, of any kind and of those with a dictionary."""

    page: int
    dictionary: int


def largest_page(file: IO[bytes], chunk: Any) -> Largest:
    """What a column chunk (pyarrow's `ColumnChunkMetaData`) takes; raises ValueError if its pages cannot be followed.

    Reads the headers only.
    """
    position = chunk.data_page_offset
    if chunk.has_dictionary_page and chunk.dictionary_page_offset and chunk.dictionary_page_offset < position:
        position = chunk.dictionary_page_offset
    end = position + chunk.total_compressed_size
    page = dictionary = 0
    while position < end:
        file.seek(position)
        header = _Header(file.read(min(LONGEST_HEADER, end - position)))
        kind, unfolded, compressed = header.read()
        if unfolded < 0 or compressed < 0:
            raise ValueError("a page has a negative size")
        page = max(page, unfolded)
        if kind == DICTIONARY_PAGE:
            dictionary = max(dictionary, unfolded)
        position += header.position + compressed
    return Largest(page, dictionary)


class _Header:
    """The bytes of a page's header, and those that follow it; `position` is the end of what was read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def read(self) -> tuple[int, int, int]:
        """Type, size once decompressed and compressed size, the first three fields of `PageHeader`."""
        found = self._struct(0)
        try:
            return found[1], found[2], found[3]
        except KeyError as error:
            raise ValueError("a page's header lacks its size") from error

    def _struct(self, depth: int) -> dict[int, int]:
        """The integers of a struct by their numbers; everything else is skipped."""
        if depth > _DEEPEST:
            raise ValueError("a page's header is nested too deeply")
        found: dict[int, int] = {}
        number = 0
        while byte := self._byte():
            delta, kind = byte >> 4, byte & 15
            number = number + delta if delta else self._integer()
            if kind in _INTEGERS:
                found[number] = self._integer()
            else:
                self._skip(kind, depth)
        return found

    def _skip(self, kind: int, depth: int) -> None:
        if kind in {1, 2}:  # true and false, which are in the kind itself
            return
        if kind == 3:
            self._byte()
        elif kind in _INTEGERS:
            self._integer()
        elif kind == 7:
            self._advance(8)
        elif kind == 8:
            self._advance(self._unsigned())
        elif kind == 12:
            self._struct(depth + 1)
        else:  # lists, sets and maps, which no page's header has
            raise ValueError("a page's header has an unknown field")

    def _advance(self, length: int) -> None:
        self.position += length
        if self.position > len(self._data):
            raise ValueError("a page's header is cut")

    def _byte(self) -> int:
        self._advance(1)
        return self._data[self.position - 1]

    def _unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise ValueError("a page's header has an impossible number")

    def _integer(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)
