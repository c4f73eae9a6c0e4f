"""A large window: what else a pane shows there, and that it goes with the cursor."""

from __future__ import annotations

import pytest

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.outputs.matrix_views import HeatmapView, Magnified
from encoder_tui.window.panes.parameters.role_and_config_views import RolesView
from encoder_tui.window.panes.registry import PANES
from encoder_tui.window.panes.timing import measurable
from encoder_tui.window.panes.timing.figures import Figures
from encoder_tui.window.panes.tokens.ribbon import Ribbon
from encoder_tui.window.panes.tokens.views import TableView
from encoder_tui.window.widgets.matrix import Matrix
from encoder_tui.window.widgets.table import Table
from tests.support import made_up_runs
from tests.support.canned_outputs import canned
from tests.support.in_process import tasks_in_process
from tests.support.still import until
from tests.window.parameters import test_pane as parameters
from tests.window.snapshots import test_timing as timing
from tests.window.snapshots.test_outputs import run_and_open
from tests.window.tokens.test_pane import PAIR, pane, window

__all__ = ["canned", "tasks_in_process"]

pytestmark = pytest.mark.usefixtures("no_engine", "home")

LARGE = (200, 60)


async def test_the_tables_beside_the_blocks_go_with_them_and_the_blocks_with_the_tables() -> None:
    async with window("The lamp of a lighthouse isn't new.", LARGE) as (app, pilot):
        await until(pilot, lambda: bool(app.query(TableView)) and app.query_one(TableView).query_one(Table).row_count)
        ribbon, tables = app.query_one(Ribbon), list(app.query_one(TableView).query(Table))[:2]
        await pilot.press("escape", "home", "right", "right")
        first = [inside[0] for inside in pane(app).comparison.alignment[2].tokens]
        await until(pilot, lambda: [table.cursor for table in tables] == first)
        tables[1].focus()
        await pilot.press("end")
        await until(pilot, lambda: ribbon.cursor == len(pane(app).comparison.alignment) - 1)
        await pilot.press("up", "up")
        last = pane(app).comparison.alignment[ribbon.cursor]
        assert tables[1].cursor in last.tokens[1]
        await until(pilot, lambda: tables[0].cursor == last.tokens[0][0])
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: not app.query_one(TableView).display or not app.query_one(TableView).size)


@pytest.mark.usefixtures("tasks_in_process")
async def test_the_roles_beside_the_trees_go_with_the_cursor_and_enter_shows_one_in_all_trees() -> None:
    app = EncoderApp(Settings(model=PAIR, pane="parameters"))
    async with app.run_test(size=LARGE) as pilot:
        await parameters.pane(pilot).open_view("trees")
        await until(pilot, lambda: all(parameters.pane(pilot).descriptions.known))
        await until(pilot, lambda: bool(app.query(RolesView)) and bool(app.query_one(RolesView).rows))
        roles = app.query_one(RolesView)
        table = roles.query_one(Table)
        parameters.tree(pilot).reveal("encoder.layer.4.attention.self.key.weight")
        await until(pilot, lambda: roles.rows[table.cursor].role == "key")
        table.focus()
        await pilot.press("home", "enter")
        first = [cell.first for cell in roles.rows[0].cells if cell is not None]
        await until(pilot, lambda: [parameters.tree(pilot, i).current.path for i in range(2)] == first)  # type: ignore[union-attr]


@pytest.mark.usefixtures("tasks_in_process")
@pytest.mark.parametrize("name", list(PANES))
async def test_a_window_may_grow_and_shrink_with_any_pane_in_front(name: str) -> None:
    app = EncoderApp(Settings(model=PAIR, text="The keeper lit the lamp.", pane=name, docs="builtin"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: all(slot.state == "exact" for slot in app.session.slots))
        if name == "parameters":
            await until(pilot, lambda: all(parameters.pane(pilot).descriptions.known))
            await parameters.pane(pilot).open_view("trees")
            parameters.tree(pilot).reveal("encoder.layer.4.attention.self.key.weight")
        for size in (LARGE, (80, 24), LARGE, (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert app._exception is None


@pytest.mark.usefixtures("canned")
async def test_the_digits_below_a_heatmap_are_those_of_its_cursor() -> None:
    app = EncoderApp(Settings(model=PAIR, text="The keeper lit the lamp.", pane="outputs"))
    async with app.run_test(size=LARGE) as pilot:
        await run_and_open(pilot, "map")
        await until(pilot, lambda: bool(app.query(Magnified)))
        heatmap = app.query_one(HeatmapView).query_one(Matrix)
        digits = app.query_one(Magnified).query_one(Matrix)
        heatmap.focus()
        await pilot.press("down", "down", "right", "right")
        await until(pilot, lambda: (digits.row, digits.column) == (heatmap.row, heatmap.column) and heatmap.column > 1)
        await until(pilot, lambda: digits.value is not None)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: digits.rows == heatmap.rows == 1)


async def test_the_table_of_a_run_has_more_columns_and_the_samples_of_its_row_below() -> None:
    app = timing.window()
    async with app.run_test(size=LARGE) as pilot:
        pane = await timing.ready(pilot)
        await timing.show(pilot, pane, made_up_runs.whole(measurable.timed_models(pane.session)))
        figures = pane.query_one(Figures)
        await until(pilot, lambda: bool(figures.point.lines))
        labels = [column.label for column in figures.table.columns]
        assert labels[1:7] == ["A median", "± IQR", "p90", "cold", "CPU", "peak"]
        before = figures.point.lines
        await pilot.press("down")
        await until(pilot, lambda: figures.point.lines != before)
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: len(figures.table.columns) < len(labels) and not figures.point.display)
