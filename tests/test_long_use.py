"""A short while of `python -m tests.long_use`, which takes hours by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.long_use import use

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked at in /proc")


def test_a_person_at_random_keys_finds_nothing(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    person = use(12, 1, tmp_path)
    assert person.samples
    assert len(person.pressed) > 50
