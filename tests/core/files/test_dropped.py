"""Names of files as terminals type them when files are dropped on them."""

from __future__ import annotations

import pytest

from encoder_tui.core.files.typed_paths import dropped


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("rows.jsonl", ["rows.jsonl"]),
        (" a b.csv ", ["a b.csv"]),
        ("'/tmp/a b.csv'", ["/tmp/a b.csv"]),
        ('"/tmp/a b.csv"', ["/tmp/a b.csv"]),
        (r"/tmp/a\ b.csv", ["/tmp/a b.csv"]),
        (r"/tmp/a\ \(1\).csv /tmp/c.csv", ["/tmp/a (1).csv", "/tmp/c.csv"]),
        ("'/tmp/a b.csv' '/tmp/c.csv'", ["/tmp/a b.csv", "/tmp/c.csv"]),
        (r"'/tmp/it'\''s.csv'", ["/tmp/it's.csv"]),
        ("it's.csv", ["it's.csv"]),
        ("'open", ["'open"]),
        ("data/*.jsonl", ["data/*.jsonl"]),
        ("owner/name:config:split", ["owner/name:config:split"]),
    ],
)
def test_a_name_is_read_as_it_was_dropped(typed: str, names: list[str]) -> None:
    assert dropped(typed) == names
