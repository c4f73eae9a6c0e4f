"""Wrapping after an edit gives what wrapping from scratch gives."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.document._document import Document
from textual.document._wrapped_document import WrappedDocument

from encoder_tui.window.widgets.wrapping import LongLines


class EveryLine(LongLines):
    """As if every line were long."""

    LONG = 0


words = st.text(alphabet="ab c\u4e2d😀.", max_size=12)
paragraphs = st.lists(words, max_size=60).map(" ".join)


@settings(max_examples=400, deadline=None)
@given(
    lines=st.lists(paragraphs, min_size=1, max_size=3),
    width=st.integers(2, 14),
    edits=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 400), st.integers(0, 30), words), max_size=6),
)
def test_an_edit_anywhere_leaves_the_breaks_of_a_fresh_wrap(
    lines: list[str], width: int, edits: list[tuple[int, int, int, str]]
) -> None:
    document = Document("\n".join(lines))
    wrapped = EveryLine(document, width)
    for any_row, column, length, text in edits:
        row = any_row % document.line_count
        line = document.get_line(row)
        start = column % (len(line) + 1)
        end = min(start + length, len(line))
        result = document.replace_range((row, start), (row, end), text)
        wrapped.wrap_range((row, start), (row, end), result.end_location)
        fresh = WrappedDocument(document, width)
        assert wrapped._wrap_offsets == fresh._wrap_offsets
        assert wrapped._offset_to_line_info == fresh._offset_to_line_info
        assert wrapped._line_index_to_offsets == fresh._line_index_to_offsets
        for index in range(document.line_count):
            assert wrapped.get_sections(index) == fresh.get_sections(index)


@pytest.mark.parametrize("where", [0, 50_000, 99_999])
def test_a_key_in_a_long_paragraph_wraps_a_small_part_of_it(where: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.window.widgets import wrapping

    draw = random.Random(1)
    document = Document(" ".join("x" * draw.randint(1, 12) for _ in range(15_000))[:100_000])
    wrapped = LongLines(document, 80)
    seen: list[int] = []
    compute = wrapping.compute_wrap_offsets
    monkeypatch.setattr(
        wrapping, "compute_wrap_offsets", lambda text, *rest: (seen.append(len(text)), compute(text, *rest))[1]
    )
    result = document.replace_range((0, where), (0, where), "x")
    wrapped.wrap_range((0, where), (0, where), result.end_location)
    assert 0 < sum(seen) < 5_000
    assert wrapped._wrap_offsets == WrappedDocument(document, 80)._wrap_offsets
