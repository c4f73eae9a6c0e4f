"""Rows of a label and a text."""

from __future__ import annotations

from encoder_tui.core.text.rows import labelled_rows


def test_a_name_with_hyphens_is_not_broken_within() -> None:
    lines = labelled_rows([("remark", "run git lfs pull in /models/all-minilm-l6-v2")], 40)
    assert [line.strip() for line in lines] == ["remark  run git lfs pull in", "/models/all-minilm-l6-v2"]
