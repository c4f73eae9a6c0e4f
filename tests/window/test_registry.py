"""The registry of panes: a new pane is a folder, a line in the registry and a help page, and nothing more."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest
from textual.app import ComposeResult
from textual.binding import Binding
from textual.dom import DOMNode
from textual.widgets import ContentSwitcher, Markdown, Static

from encoder_tui.core import settings
from encoder_tui.core.settings import Settings
from encoder_tui.window import app as window_module
from encoder_tui.window import keys
from encoder_tui.window.help import pages
from encoder_tui.window.help.screen import HelpScreen
from encoder_tui.window.palette import Actions
from encoder_tui.window.panes.pane import VIEW_KEYS, Pane
from encoder_tui.window.panes.registry import PANES, PaneEntry
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.key_line import KeyLine
from tests.support.still import until
from tests.window.tokens.test_pane import PAIR

pytestmark = pytest.mark.usefixtures("no_engine")


class Shelf(Static, can_focus=True):
    """A widget with a key of its own."""

    BINDINGS = [Binding("d", "dust", "Dust", id="vocabulary.dust")]
    dusted = False

    def action_dust(self) -> None:
        self.dusted = True


class VocabularyPane(Pane):
    """A pane that there is not."""

    VIEWS = ("entries", "shelf")
    VIEW_CHOICE = "vocabulary-view"
    BINDINGS = [Binding("s", "sort", "Sort", id="vocabulary.sort"), *VIEW_KEYS]

    @classmethod
    def widgets_with_keys(cls) -> Sequence[tuple[str | None, type[DOMNode]]]:
        return [("shelf", Shelf)]

    def compose(self) -> ComposeResult:
        yield Choice(self.VIEWS, id=self.VIEW_CHOICE)
        with ContentSwitcher(initial="entries", id="vocabulary-views"):
            yield Static("every entry", id="entries")

    def make_view(self, name: str) -> Shelf:
        return Shelf("the shelf")


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The window's module, executed once more while the registry has a line more."""
    # In the place of the last: the next function key fills the window.
    monkeypatch.delitem(PANES, "timing")
    monkeypatch.setitem(PANES, "vocabulary", PaneEntry("vocabulary", 6, "Vocabulary", __name__, "VocabularyPane"))
    path = Path(window_module.__file__)
    spec = importlib.util.spec_from_file_location(window_module.__name__, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, window_module.__name__, module)
    spec.loader.exec_module(module)
    sections = pages.sections
    monkeypatch.setattr(
        "encoder_tui.window.help.screen.sections",
        lambda page: {"": "# Vocabulary", "shelf": "What a shelf is."} if page == "vocabulary" else sections(page),
    )
    return module


def test_the_settings_name_the_panes_of_the_registry_in_their_order() -> None:
    assert tuple(PANES) == settings.PANES
    assert [pane.name for pane in PANES.values()] == list(PANES)
    assert [pane.number for pane in PANES.values()] == list(range(1, len(PANES) + 1))
    for pane in PANES.values():
        assert issubclass(pane.load(), Pane)


async def test_a_pane_that_is_added_to_the_registry_is_in_the_window_its_keys_its_palette_and_its_help(
    window: ModuleType,
) -> None:
    app = window.EncoderApp(Settings(model=PAIR, text="a"))
    async with app.run_test(size=(160, 30)) as pilot:
        assert "F2–F7 panes" in app.query_one(KeyLine).render_line(0).text
        assert app.query_one("#pane-choice", Choice).names[-1] == "Vocabulary"
        await pilot.press("f7")
        await until(pilot, lambda: app.pane_in_front == "vocabulary")
        assert isinstance(app.panes.front, VocabularyPane)
        await until(pilot, lambda: "s sort" in app.query_one(KeyLine).render_line(0).text)
        await pilot.press("v")
        await until(pilot, lambda: app.panes.front.view_name == "shelf")

        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        source = app.screen.query_one(Markdown).source
        assert source.startswith("# Vocabulary: shelf")
        assert "What a shelf is." in source
        await pilot.press("f1", "f2")
        await until(pilot, lambda: app.pane_in_front == "tokens")

        provider = Actions(app.screen)
        await provider.startup()
        by_name = {entry.words: entry for entry in provider._entries}
        assert {"Vocabulary: view entries", "Vocabulary: sort"} <= by_name.keys()
        await by_name["Vocabulary: view entries"].act()
        assert (app.pane_in_front, app.panes.front.view_name) == ("vocabulary", "entries")
        await by_name["Vocabulary: dust"].act()
        assert app.panes.front.view_name == "shelf"
        assert app.query_one(Shelf).dusted

        listed = {name: (title, pressed) for title, name, pressed, _ in keys.listed({})}
        assert listed["window.vocabulary"] == ("Window", "F7")
        assert listed["vocabulary.dust"] == ("Vocabulary", "d")
        # It meets only keys of its own pane.
        assert keys.problems({"vocabulary.dust": "i"}) == []
        assert keys.problems({"vocabulary.dust": "s"}) == [
            "s is the key of both vocabulary.dust and vocabulary.sort: only one of them works"
        ]
