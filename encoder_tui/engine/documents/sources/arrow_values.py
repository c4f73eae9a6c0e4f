"""Values of Arrow columns as plain Python, made one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from encoder_tui.engine.documents.sources.features import TEXT, Feature, of_arrow
from encoder_tui.engine.documents.sources.source import EXAMPLE, ROW_AT_MOST, SAMPLED, Source, text_of


def values_of(
    column: Any, file: str, on_too_long: Callable[[int, int], None], remark: Callable[[str], None]
) -> Iterator[Any]:
    """Yield the values of a column of a record batch; None for a text that is too long.

    `on_too_long` receives the place and the size in bytes of such a text. Bytes that are not text, which only damaged
    writers leave in a column of text, become U+FFFD, with a remark.
    """
    import pyarrow.compute  # noqa: PLC0415

    if getattr(column.type, "extension_name", "") == "arrow.json":
        for text in values_of(column.storage, file, on_too_long, remark):
            yield _json_value(text)
        return
    is_text = of_arrow(column.type).kind == "text" or is_bytes(column.type)
    if pyarrow.types.is_string_view(column.type):
        column = column.cast("large_string")  # whose lengths can be had
    elif pyarrow.types.is_binary_view(column.type):
        column = column.cast("large_binary")
    lengths: list[int | None] = [None] * len(column)
    if is_text:
        is_dictionary = hasattr(column, "dictionary")
        found = pyarrow.compute.binary_length(column.dictionary if is_dictionary else column)
        lengths = (found.take(column.indices) if is_dictionary else found).to_pylist()
    for index, length in enumerate(lengths):
        if length is not None and length > ROW_AT_MOST:
            on_too_long(index, length)
            yield None
        else:
            yield _value(column[index], file, remark)


def _value(scalar: Any, file: str, remark: Callable[[str], None]) -> Any:
    try:
        value = scalar.as_py()
    except UnicodeDecodeError:
        remark(f"{file} is not valid UTF-8 everywhere; U+FFFD marks what cannot be read")
        whole = getattr(scalar, "value", scalar)
        if not hasattr(whole, "as_buffer"):
            return None  # a list or a struct with such a text in it
        return whole.cast("large_binary").as_py().decode("utf-8", "replace")
    except (ValueError, OverflowError):
        return None  # a time that Python cannot hold; it is no text
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            remark(f"{file} is not valid UTF-8 everywhere; U+FFFD marks what cannot be read")
            value = value.decode("utf-8", "replace")
    return text_of(value) if isinstance(value, str) else value


def features_of(schema: Any, source: Source) -> dict[str, Feature]:
    """Return what the columns of a schema hold. One of bytes holds text if its first values are text,
    but for a few bytes of them.

    `source` reads the columns by their unique names.
    """
    types = {name: schema.field(place).type for place, name in enumerate(unique_names(schema.names))}
    features = {name: of_arrow(kind) for name, kind in types.items()}
    for name, kind in types.items():
        if is_bytes(kind):
            before = list(source.remarks)
            values = [row.get(name) for row in islice(source.rows(0, [name]), SAMPLED)]
            texts = [value for value in values if isinstance(value, str)]
            if texts and _is_text("".join(text[:EXAMPLE] for text in texts)):
                features[name] = TEXT
            source.remarks[:] = before
    return features


def _is_text(decoded: str) -> bool:
    """Return whether bytes that were decoded are text, of which a little may be in another encoding than UTF-8."""
    return "\0" not in decoded and decoded.count("\N{REPLACEMENT CHARACTER}") <= len(decoded) // 20


def is_bytes(kind: Any) -> bool:
    """Return whether an Arrow type is one of bytes of any length."""
    from pyarrow import types  # noqa: PLC0415

    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))


def _json_value(text: Any) -> Any:
    """Return what a JSON text holds; the text itself if it is not valid JSON."""
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return text


def unique_names(names: Sequence[str]) -> list[str]:
    """Return the names of columns, the second of two that are the same as `NAME#2`."""
    found: list[str] = []
    for name in names:
        unique, number = name, 2
        while unique in found or (unique != name and unique in names):
            unique, number = f"{name}#{number}", number + 1
        found.append(unique)
    return found
