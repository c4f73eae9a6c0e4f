"""The figures of a collection in the width that there is."""

from __future__ import annotations

import pytest

from encoder_tui.lengths import LengthCounts
from encoder_tui.panes.documents.collection_view import figures, heading, shares


def counted(name: str, limit: int = 512) -> LengthCounts:
    return LengthCounts(name, 2, limit, {2_900: 9, 12_594: 1}, 170_000)


def test_a_name_gives_way_to_the_figures() -> None:
    told = figures(counted("any"))
    name = "/somewhere/models/ModernBERT-base"
    assert heading("A", counted(name), 120) == [f" A  {name}: {told}"]
    assert heading("A", counted(name), 90) == [f" A  ModernBERT-base: {told}"]
    assert heading("A", counted(name + "-of-a-longer-name"), 90) == [f" A  ModernBE…ger-name: {told}"]
    assert heading("A", counted(name), 79) == [f" A  {name}", f"    {told}"]


@pytest.mark.parametrize("width", [79, 70, 60])
@pytest.mark.parametrize("name", ["m", "bert-base-cased", "/a/long/way/" + "to/" * 40 + "models/bert-base-cased"])
def test_figures_are_whole_in_every_width(name: str, width: int) -> None:
    lines = heading("A", counted(name), width)
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()).endswith(figures(counted(name)))


def test_a_limit_of_a_models_own_fits_beside_the_others() -> None:
    assert max(map(len, shares(counted("any", 514), 75))) <= 75
