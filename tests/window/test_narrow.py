"""Small windows: nothing is cut without a sign."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.strip import Strip

from encoder_tui.window.panes.tokens.words import fewer_clauses
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.lines import Lines
from encoder_tui.window.widgets.shaded_grid import Block, ShadedGrid
from encoder_tui.window.widgets.table import Column, Table, shortened

NAMES = ["vectors", "similarity", "tokens", "terms", "pairs", "masked", "triplets", "dimensions"]


class Small(App[None]):
    """A choice and a table, and nothing else."""

    def compose(self) -> ComposeResult:
        yield Choice(NAMES)
        yield Table([Column("#", 7, "right"), Column("characters", 10, "right"), Column("text", 0)])


@pytest.mark.parametrize("width", [20, 44, 66, 80])
async def test_names_that_find_no_room_leave_a_sign_and_the_chosen_one_stays(width: int) -> None:
    app = Small()
    async with app.run_test(size=(width, 8)) as pilot:
        choice = app.query_one(Choice)
        for name in NAMES:
            choice.chosen = name
            await pilot.pause()
            line = choice.render_line(0).text
            assert len(line) == width
            assert f" {name} "[: width - 2] in line
            shown = [other for other in NAMES if f" {other} " in line]
            assert ("…" in line) == (len(shown) < len(NAMES))
            # What is clicked is what is read there.
            for other in shown if name in NAMES[::4] else ():
                await pilot.click(Choice, offset=(line.index(f" {other} ") + 1, 0))
                assert choice.chosen == other
                choice.chosen = name


@pytest.mark.parametrize("width", [30, 60])
async def test_a_column_that_is_cut_shows_it_beside_a_scrollbar_too(width: int) -> None:
    app = Small()
    async with app.run_test(size=(width, 8)) as pilot:
        table = app.query_one(Table)
        table.show_rows(50, lambda row: (str(row), "1", "a lighthouse has one task, which is easy to state"))
        await pilot.pause()
        assert table.scrollable_content_region.width == width - 1
        for y in range(1, 6):
            assert "…" in table.render_line(y).text[: width - 1]
        assert "#" in table.render_line(0).text
        table.scroll_to(y=20, animate=False)
        await pilot.pause()
        assert "#" in table.render_line(0).text


@pytest.mark.parametrize("text", ["a lighthouse", "灯台" * 9, "a灯b台" * 9, "e\u0301" * 20])
def test_a_name_is_shortened_to_cells_and_keeps_both_ends(text: str) -> None:
    for width in range(12):
        assert cell_len(shortened(text, width)) <= width
    shown = shortened(text, 11)
    assert shown.partition("…")[0][0] == text[0]
    assert shown.endswith(text[-1])
    assert text.startswith(shown.partition("…")[0])
    assert shortened(text, cell_len(text)) == text


class Long(Lines):
    """A line that is far wider than the window, and one that is not."""

    def line(self, index: int) -> Strip:
        return Strip([Segment("lighthouse " * 20 if index == 0 else "lamp" + " " * 90)])


class LongApp(App[None]):
    """Lines that can be scrolled sideways."""

    def compose(self) -> ComposeResult:
        yield Long()


async def test_a_line_that_goes_on_sideways_says_so_until_its_end_is_in_sight() -> None:
    app = LongApp()
    async with app.run_test(size=(40, 8)) as pilot:
        lines = app.query_one(Long)
        lines.set_size(2, 220)
        await pilot.pause()
        assert lines.render_line(0).text.rstrip().endswith("…")
        assert "…" not in lines.render_line(1).text
        lines.scroll_to(x=220, animate=False)
        await pilot.pause()
        assert lines.render_line(0).text.rstrip().endswith("lighthouse")


def test_a_line_that_is_cut_at_a_clause_never_ends_inside_a_number() -> None:
    line = " WordPiece, uncased, 30,522 entries"
    found = {fewer_clauses(line, width) for width in range(len(line) + 1)}
    assert found == {"", " WordPiece", " WordPiece, uncased", line}


class OneGrid(App[None]):
    """A grid of numbers, and nothing else."""

    def compose(self) -> ComposeResult:
        yield ShadedGrid()


async def test_the_names_of_columns_do_not_run_together() -> None:
    app = OneGrid()
    async with app.run_test(size=(80, 8)) as pilot:
        grid = app.query_one(ShadedGrid)
        labels = ["[CLS]", "Fresnel", "glass", "prisms", "."]
        grid.open(labels, [Block(0, labels, lambda row: [0.5] * 5, 0.0, 1.0)])
        await pilot.pause()
        found = grid.render_line(0).text.split()
        assert found == ["A", "[CLS]", "Fres…", "glass", "pris…", "."]
