"""Only what changed is drawn again, and what is on the screen is what drawing everything would give."""

from __future__ import annotations

import random

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.tokens.ribbon import Ribbon
from encoder_tui.window.widgets.editor import Editor
from encoder_tui.window.widgets.lines import Lines
from encoder_tui.window.widgets.short_lines import ShortLines
from tests.support.in_process import tasks_in_process
from tests.support.still import still, until
from tests.window.tokens.test_pane import all_shown

__all__ = ["tasks_in_process"]

TEXT = "The lamp of a lighthouse is seen for many miles; naïve façades 猫 and 🙂 stand under it. " * 12


def on_screen(app: App[int], widget: Widget) -> list[Strip]:
    """The strips of a widget as they stand on the screen."""
    region, width = widget.region, widget.scrollable_content_region.width
    strips = app.screen._compositor.render_strips()[region.y : region.bottom]
    return [strip.crop(region.x, region.x + width) for strip in strips]


def drawn_whole(ribbon: Ribbon) -> list[Strip]:
    """What the ribbon would draw if it had kept nothing."""
    kept = ribbon._drawn, ribbon._lanes
    ribbon._drawn, ribbon._lanes = {}, {}
    width = ribbon.scrollable_content_region.width  # the scroll bar is not ours
    strips = [ribbon.render_line(y).crop(0, width) for y in range(ribbon.size.height)]
    ribbon._drawn, ribbon._lanes = kept
    return strips


def letters(strips: list[Strip]) -> list[list[tuple[str, Style | None]]]:
    """Every character with its style, however they are divided into segments."""
    return [[(letter, segment.style) for segment in strip for letter in segment.text] for strip in strips]


@pytest.mark.usefixtures("tasks_in_process", "no_engine", "home")
async def test_after_any_edit_the_ribbon_is_what_drawing_it_whole_gives() -> None:
    app = EncoderApp(Settings(model=("builtin:bert", "builtin:modernbert"), text=TEXT))
    chance = random.Random(266)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: all_shown(app))
        editor, ribbon = app.query_one(Editor), app.query_one(Ribbon)
        for _ in range(25):
            place = chance.randrange(len(editor.text))
            end = place if chance.random() < 0.6 else min(place + chance.randrange(40), len(editor.text))
            start, stop = (editor.document.get_location_from_index(index) for index in (place, end))
            editor.replace(chance.choice(["x", " ", "-ing", "猫", "🙂", "", "[UNK] ", "\n"]), start, stop)
            await until(pilot, lambda: letters(on_screen(app, ribbon)) == letters(drawn_whole(ribbon)))


@pytest.mark.usefixtures("tasks_in_process", "no_engine", "home")
async def test_a_key_paints_the_lanes_it_changes_and_no_other() -> None:
    app = EncoderApp(Settings(model=("builtin:bert", "builtin:modernbert"), text=TEXT))
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: all_shown(app))
        ribbon = app.query_one(Ribbon)
        await pilot.press("x")
        await still(pilot)
        assert ribbon.scroll_offset.y == ribbon.max_scroll_y > 0, "the block at the cursor is out of sight"
        painted: list[int] = []
        paint = ribbon._paint
        ribbon._paint = lambda lane, row: painted.append(lane) or paint(lane, row)  # type: ignore[method-assign, func-returns-value]
        await pilot.press("y")
        await still(pilot)
        assert painted
        assert len(set(painted)) <= 2


class Counted(Lines):
    """Lines that say how often each was drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = ["one", "two", "three", "four"]
        self.drawn: list[int] = []

    def line(self, index: int) -> Strip:
        return Strip([Segment(self.texts[index])])

    def render_line(self, y: int) -> Strip:
        self.drawn.append(y)
        return super().render_line(y)


class Window(App[int]):
    def compose(self) -> ComposeResult:
        yield Counted()
        yield ShortLines(id="words")


async def test_lines_that_change_go_or_come_are_drawn_and_the_others_are_left() -> None:
    app = Window()
    async with app.run_test(size=(20, 8)) as pilot:
        lines = app.query_one(Counted)
        lines.set_size(4)
        await pilot.pause()
        for texts, expected in (
            (["one", "2", "three", "four"], {1}),
            (["one", "2", "three", "four"], set()),
            (["one", "2", "three"], None),
            (["one", "2", "three", "4", "5"], None),
            (["1", "2", "three", "4", "five"], {0, 4}),
        ):
            lines.texts, lines.drawn = texts, []
            lines.set_size(len(texts))
            await pilot.pause()
            assert expected is None or set(lines.drawn) == expected
            assert [strip.text.rstrip() for strip in on_screen(app, lines)][: len(texts) + 1] == [*texts, ""]


async def test_words_are_laid_out_again_only_where_their_number_of_lines_changes() -> None:
    app = Window()
    async with app.run_test(size=(20, 8)) as pilot:
        words = app.query_one(ShortLines)
        heights = []
        for content in (Content("one"), Content("two"), Content("two\nlines"), Content.styled("two\nlines", "bold")):
            words.say(content)
            await pilot.pause()
            heights.append(words.size.height)
            assert [strip.text.strip() for strip in on_screen(app, words)] == content.plain.split("\n")
        assert heights == [1, 1, 2, 2]
        assert any(segment.style and segment.style.bold for strip in on_screen(app, words) for segment in strip)


@pytest.mark.usefixtures("tasks_in_process", "no_engine", "home")
async def test_a_model_that_came_while_the_pane_was_hidden_is_there_when_it_is_seen_again() -> None:
    app = EncoderApp(Settings(model=("builtin:bert",), text=TEXT))
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: all_shown(app))
        await pilot.press("f4")
        await until(pilot, lambda: not app.query_one(Ribbon).region)
        app.session.add("builtin:modernbert")
        await until(pilot, lambda: all(slot.state == "exact" for slot in app.session.slots))
        await pilot.press("f2")
        ribbon = app.query_one(Ribbon)
        await until(pilot, lambda: any(strip.text.startswith(" B ") for strip in on_screen(app, ribbon)))
