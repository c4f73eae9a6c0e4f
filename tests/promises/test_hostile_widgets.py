"""Any text in the widgets that draw texts: nothing is obeyed, nothing vanishes, and an editor keeps it as it is."""

from __future__ import annotations

import unicodedata
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.color import Color
from textual.content import Content
from textual.events import Paste
from textual.widgets import Static
from textual.widgets.text_area import Document

from encoder_tui.core.text.safe import visible, visible_in_place
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.editor import Editor
from encoder_tui.window.widgets.field import Field
from encoder_tui.window.widgets.plain_document import PlainDocument
from encoder_tui.window.widgets.safety_filter import OBEYED, Fence
from encoder_tui.window.widgets.table import Column, Table
from tests.support.hostile import ALL, HOSTILE, SURROGATES, Watch, watch

__all__ = ["watch"]

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=60) | st.sampled_from([*HOSTILE.values()])
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def is_obeyed(text: str) -> bool:
    return any(unicodedata.category(character) in OBEYED for character in text)


@given(ANY_TEXT)
def test_a_text_made_visible_in_place_keeps_its_columns(text: str) -> None:
    shown = visible_in_place(text)
    assert len(shown) == len(text)
    assert not is_obeyed(shown)
    assert cell_len(visible(shown)) == cell_len(shown), "what is measured is what is drawn"


@MANY
@given(ANY_TEXT, ANY_TEXT, st.integers(0, 80), st.integers(0, 80))
def test_an_edit_changes_nothing_but_what_it_says(text: str, inserted: str, one: int, other: int) -> None:
    document = PlainDocument(text)
    assert document.text == text
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    places = [document.get_location_from_index(index) for index in (start, end)]
    result = document.replace_range(places[1], places[0], inserted)
    assert result.replaced_text == text[start:end]
    assert document.text == text[:start] + inserted + text[end:]
    assert document.get_index_from_location(result.end_location) == start + len(inserted)


@given(st.lists(ANY_TEXT, max_size=4))
def test_the_fence_lets_nothing_through_and_keeps_the_width_of_a_line(texts: list[str]) -> None:
    segments = [Segment(text, Style.null()) for text in texts]
    made = Fence().apply(segments, Color(0, 0, 0))
    assert not is_obeyed("".join(segment.text for segment in made))
    width = sum(cell_len(text) for text in texts)
    assert sum(segment.cell_length for segment in made) == width
    if not is_obeyed("".join(texts)):
        assert made is segments


def test_the_fence_leaves_control_segments_and_shows_what_it_stops() -> None:
    control = Segment("\x1b[H", None, [(0,)])  # type: ignore[list-item]
    made = Fence().apply([control, Segment("a\x1b[2J    ")], Color(0, 0, 0))
    assert made[0] is control or control in made
    assert "a␛[2J" in "".join(segment.text for segment in made)


class Widgets(App[None]):
    """One of each widget that draws a text from outside."""

    def compose(self) -> ComposeResult:
        yield Editor("")
        yield Field()
        yield Table([Column("text", 0)])
        yield Cycle("value", ["x"])
        yield Static(markup=False)

    def __init__(self) -> None:
        super().__init__()
        self._filters.append(Fence())


async def test_no_widget_needs_the_fence_for_any_text(watch: Watch) -> None:
    """Hypothesis cannot drive a window example by example: its examples are collected, and go through one."""
    texts: list[str] = [ALL, SURROGATES]

    @settings(max_examples=60, database=None, derandomize=True)
    @given(ANY_TEXT)
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    async with Widgets().run_test(size=(60, 30), notifications=True) as pilot:
        app = pilot.app
        for text in texts:
            app.query_one(Editor).text = text
            app.query_one(Field).value = text
            app.query_one(Table).columns = [Column(text, 0)]
            app.query_one(Table).show_rows(1, lambda row, text=text: [text])
            app.query_one(Cycle).offer(text)
            app.query_one(Cycle).value = text
            app.query_one(Static).update(Content(visible(text)))
            await pilot.pause()
            assert app.query_one(Editor).text == text
            assert not watch.leaks, ascii(text)
        assert app._exception is None


async def test_the_editor_draws_every_character_and_keeps_the_text_through_keys(watch: Watch) -> None:
    async with Widgets().run_test(size=(40, 60)) as pilot:
        editor = pilot.app.query_one(Editor)
        editor.styles.height = 50
        editor.focus()
        for text in [*HOSTILE.values(), "a\tb\n\n\tc", ALL * 9]:
            editor.text = text
            editor.move_cursor(editor.document.end)
            await pilot.pause()
            drawn = "".join(line(editor, y) for y in range(editor.wrapped_document.height))
            expected = "".join(visible(visible_in_place(text.replace("\n", ""))).split())
            assert "".join(drawn.split()) == expected
            editor.insert("x")
            assert editor.text == f"{text}x"
            editor.action_delete_left()
            editor.action_cursor_up()
            editor.action_cursor_line_start()
            editor.action_cursor_right()
            editor.insert("y")
            editor.action_delete_left()
            assert editor.text == text
            assert not watch.leaks


def line(editor: Editor, y: int) -> str:
    return "".join(segment.text for segment in editor._render_line(y - editor.scroll_offset.y))


async def test_a_paste_keeps_its_characters_and_gets_plain_line_ends() -> None:
    async with Widgets().run_test() as pilot:
        editor, field = pilot.app.query_one(Editor), pilot.app.query_one(Field)
        for widget, text in ((editor, "one\r\ntwo\rthree\x0cfour\u2028five"), (field, "one\x0ctwo\u2028three\nfour")):
            widget.focus()
            await pilot.pause()
            pilot.app.post_message(Paste(text))
            await pilot.pause()
        assert editor.text == "one\ntwo\nthree\x0cfour\u2028five"
        assert field.value == "one\x0ctwo\u2028three"


def test_textual_itself_would_still_change_such_a_text() -> None:
    """The reason for `PlainDocument`; once this fails, it can go."""
    document: Any = Document("one\x0ctwo")
    assert document.text == "one\ntwo"
