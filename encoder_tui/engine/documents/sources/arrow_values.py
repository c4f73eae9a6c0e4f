"""Values of Arrow columns as plain Python, made one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from encoder_tui.engine.documents.sources.features import of_arrow
from encoder_tui.engine.documents.sources.source import ROW_AT_MOST, text_of


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
    is_text = of_arrow(column.type).kind == "text"
    if is_text and pyarrow.types.is_string_view(column.type):
        column = column.cast("large_string")  # whose lengths can be had
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
    return text_of(value) if isinstance(value, str) else value


def _json_value(text: Any) -> Any:
    """Return what a JSON text holds; the text itself if it is not valid JSON."""
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return text
