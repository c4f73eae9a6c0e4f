"""The figures of a collection in the width that there is."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from encoder_tui.core.documents.lengths import CollectionCounts, LengthCounts
from encoder_tui.window.panes.documents.collection_view import Figures, figures, heading, shares


def counted(name: str, limit: int = 512) -> LengthCounts:
    return LengthCounts(name, 2, limit, {2_900: 9, 12_594: 1}, 170_000)


def test_a_name_gives_way_to_the_figures() -> None:
    told = figures(counted("any"))
    name = "/somewhere/models/ModernBERT-base"
    assert heading("A", counted(name), 120) == [f" A  {name}: {told}"]
    assert heading("A", counted(name), 90) == [f" A  ModernBERT-base: {told}"]
    assert heading("A", counted(name + "-of-a-longer-name"), 92) == [f" A  ModernBE…ger-name: {told}"]
    assert heading("A", counted(name), 79) == [f" A  {name}", f"    {told}"]


@pytest.mark.parametrize("width", [79, 70, 60])
@pytest.mark.parametrize("name", ["m", "bert-base-cased", "/a/long/way/" + "to/" * 40 + "models/bert-base-cased"])
def test_figures_are_whole_in_every_width(name: str, width: int) -> None:
    lines = heading("A", counted(name), width)
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()).endswith(figures(counted(name)))


@pytest.mark.parametrize("width", [120, 79, 60])
def test_a_name_of_wide_characters_takes_no_figure_the_room(width: int) -> None:
    lines = heading("A", counted("/somewhere/" + "漢字" * 20), width)
    assert max(map(cell_len, lines)) <= width
    assert " ".join(" ".join(lines).split()).endswith(figures(counted("any")))


def test_a_limit_of_a_models_own_fits_beside_the_others() -> None:
    assert max(map(len, shares(counted("any", 514), 75))) <= 75


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("size", [(80, 24), (20, 5), (1, 1)])
async def test_a_view_that_has_no_width_is_written_all_the_same(size: tuple[int, int]) -> None:
    class Window(App[None]):
        def compose(self) -> ComposeResult:
            yield Figures()

    app = Window()
    async with app.run_test(size=size) as pilot:
        shown = app.query_one(Figures)
        shown.display = False
        await pilot.pause()
        model = counted("/a/long/way/to/bert-base-cased")
        shown.show(CollectionCounts(models=[model], source="some", column="text"), [0])
        assert figures(model) in " ".join(shown.copied().split())
