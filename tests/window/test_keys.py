"""Keys: ids, remapping, collisions, the palette, the last line, movement as in vim."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

import encoder_tui
from encoder_tui.commands.cli import cli
from encoder_tui.core import settings
from encoder_tui.core.settings import Settings, SettingsError, config_path
from encoder_tui.window import keys
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.palette import Actions, PaletteEntry
from encoder_tui.window.panes.parameters import ParametersPane
from encoder_tui.window.panes.registry import PANES
from encoder_tui.window.panes.tokens.ribbon import Ribbon
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.key_line import KeyLine
from encoder_tui.window.widgets.key_names import lowered
from encoder_tui.window.widgets.table import Column, Table
from tests.support.still import until
from tests.window.tokens.test_pane import PAIR, all_shown, window

pytestmark = pytest.mark.usefixtures("no_engine")


DIFFERING = "a naïve lighthouse 😀"


def key_line(app: EncoderApp) -> str:
    return app.query_one(KeyLine).render_line(0).text


def test_every_key_has_an_id_and_one_description() -> None:
    assert tuple(PANES) == settings.PANES
    about: dict[str, str] = {}
    for key in keys.everywhere():
        assert key.id, key
        assert key.binding.description, key
        if not key.id.startswith(keys.MOVEMENT):
            assert about.setdefault(key.id, key.binding.description) == key.binding.description


def test_every_class_that_has_keys_is_known() -> None:
    known = {(place.module, place.class_name) for place in keys.places()}
    root = Path(encoder_tui.__file__).parent
    for path in root.rglob("*.py"):
        module = ".".join(["encoder_tui", *path.relative_to(root).with_suffix("").parts])
        for node in ast.parse(path.read_text("utf-8")).body:
            declares = isinstance(node, ast.ClassDef) and any(
                isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "BINDINGS" for line in node.body
            )
            assert not declares or (module, node.name) in known, node.name  # type: ignore[attr-defined]


def test_no_key_is_one_that_tmux_or_screen_takes() -> None:
    taken = {"ctrl+a", "ctrl+b"}
    assert not [key for key in keys.everywhere() if taken & set(key.keys)]
    # Text fields of Textual have ctrl+a for the beginning of the line; there is another key for it.
    for field in (TextArea, Input):
        bindings = field._merge_bindings()
        for key in taken & bindings.key_to_bindings.keys():
            (binding,) = bindings.key_to_bindings[key]
            assert [other for other, bound in bindings if bound.action == binding.action and other not in taken]


def test_lists_and_texts_are_moved_in_as_in_vim() -> None:
    for name in ("Lines", "Table", "Options"):
        place = next(place for place in keys.places() if place.class_name == name)
        bound = place.load()._merge_bindings().key_to_bindings
        assert {"j", "k", "g", "G", "ctrl+d", "ctrl+u"} <= bound.keys(), name
    matrix = next(place for place in keys.places() if place.class_name == "Matrix").load()
    assert {"h", "j", "k", "l", "g", "G", "ctrl+d", "ctrl+u"} <= matrix._merge_bindings().key_to_bindings.keys()


async def test_a_page_of_a_table_moves_its_cursor() -> None:
    async with window(size=(80, 24)) as (app, pilot):
        table = Table([Column("n", 0)])
        await app.screen.mount(table)
        table.show_rows(500, lambda row: [str(row)])
        table.focus()
        await until(pilot, lambda: table.has_focus and table.size.height > 5)
        await pilot.press("ctrl+d")
        await until(pilot, lambda: table.cursor > 3)
        await pilot.press("ctrl+u")
        await until(pilot, lambda: table.cursor == 0)


def test_a_keymap_is_read_and_what_is_wrong_with_it_is_told(home: Path) -> None:
    path = config_path({})
    path.parent.mkdir(parents=True)
    path.write_text('[keys]\n"tokens.copy-ids" = "ctrl+y"\nmove.down = ["j", "J"]\n', "utf-8")
    assert settings.load({}, {}).keys == {"tokens.copy-ids": "ctrl+y", "move.down": "j,J"}
    listed = CliRunner().invoke(cli, ["config", "--keys"])
    assert listed.stderr == ""
    assert "ctrl+y" in next(line for line in listed.stdout.splitlines() if "tokens.copy-ids" in line)

    path.write_text('[keys]\n"tokens.copy-idz" = "v"\n"tokens.copy-block" = "Ctrl-Y"\n"tokens.copy-ids" = "v"', "utf-8")
    told = CliRunner().invoke(cli, ["config"]).stderr.splitlines()
    assert told == [
        "encoder-tui: [keys]: no key has the id 'tokens.copy-idz'; did you mean tokens.copy-ids?",
        "encoder-tui: [keys]: 'Ctrl-Y' for tokens.copy-block is not a key; keys are written like ctrl+k, f7, slash",
        "encoder-tui: [keys]: v is the key of both tokens.copy-ids and view.next: only one of them works",
    ]
    for wrong in ("keys = 3", "[keys]\nx = 3", '[keys]\nx = ["", 3]', "[keys]\nx = []"):
        path.write_text(wrong, "utf-8")
        with pytest.raises(SettingsError, match=r"must be a (table|key)"):
            settings.load({}, {})


def test_the_key_of_the_palette_can_be_remapped_and_collides_like_any_other() -> None:
    assert "window.palette" in {name for _, name, _, _ in keys.listed({})}
    assert keys.problems({"window.help": "ctrl+p"}) == [
        "ctrl+p is the key of both window.help and window.palette: only one of them works"
    ]


def test_keys_of_different_panes_do_not_collide_nor_do_those_as_they_are() -> None:
    assert keys.problems({}) == []
    # Outputs has w for saving; Parameters has not.
    assert keys.problems({"parameters.sort": "w"}) == []
    assert keys.problems({key.id: key.binding.key for key in keys.everywhere() if key.id.startswith("tokens.")}) == []
    assert keys.problems({"documents.sort": "f2"}) == [
        "F2 is the key of both documents.sort and window.tokens: only one of them works"
    ]


async def test_a_remapped_key_does_what_the_old_one_did() -> None:
    app = EncoderApp(Settings(model=PAIR, text="a lighthouse", keys={"view.next": "ctrl+n", "move.right": "x"}))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: all_shown(app))
        await pilot.press("escape", "home", "x")
        assert app.query_one(Ribbon).cursor == 1
        await pilot.press("l", "v")
        assert app.query_one(Ribbon).cursor == 1
        assert app.query_one("#view", Choice).chosen == "aligned"
        await pilot.press("ctrl+n")
        assert app.query_one("#view", Choice).chosen == "table"


async def test_a_wrong_theme_and_wrong_keys_are_told_and_the_window_opens() -> None:
    told: list[str] = []
    app = EncoderApp(Settings(model=PAIR, theme="no-such", keys={"tokens.nothing": "q"}))
    app.session.notice = lambda sentence, severity="": told.append(sentence)  # type: ignore[method-assign]
    async with app.run_test() as pilot:
        await until(pilot, lambda: len(told) == 2)
    assert told[0].startswith("there is no theme 'no-such'; choose one of ansi-dark, ansi-light, ")
    assert told[1].startswith("[keys]: no key has the id 'tokens.nothing'")


# The palette


async def entries(app: EncoderApp, pilot: Pilot[int]) -> list[PaletteEntry]:
    """What the palette offers, opened as a user does."""
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(app.screen, CommandPalette))
    provider = Actions(app.screen)
    await provider.startup()
    await pilot.press("escape")
    await until(pilot, lambda: not isinstance(app.screen, CommandPalette))
    return provider._entries


async def test_the_palette_has_every_action_and_view_of_every_pane_its_own_first() -> None:
    async with window() as (app, pilot):
        found = await entries(app, pilot)
        words = [entry.words for entry in found]
        assert len(words) == len(set(words))
        for key in keys.everywhere():
            if key.place.pane and not key.id.startswith(keys.MOVEMENT) and not key.id.endswith(".leave"):
                assert f"{key.place.title}: {lowered(key.binding.description)}" in words
        for pane in PANES.values():
            assert {f"{pane.title}: view {view}" for view in pane.views()} <= set(words)
        assert {"Help", "Models", "Quit", "Theme", "Screenshot", "Save to a file", "Fill the window"} <= set(words)
        panes = [entry.pane for entry in found]
        assert panes[0] == "tokens"
        assert panes.index(None) == panes.count("tokens")
        # What a key does is told in words of its own, not in those of the code.
        about = {entry.words: entry.about for entry in found}
        assert about["Help"] == "key F1 · Explain this screen and its keys"
        assert about["Quit"] == "key ctrl+q · Close the window"
        assert about["Tokens: copy ids"] == "key i · Copy the ids of every model, one line each"
        # Keys of text fields, which edit, are no entries.
        assert not any("cursor" in word.lower() or "select" in word.lower() for word in words)


async def test_an_entry_of_the_palette_opens_the_pane_and_the_view_that_it_needs() -> None:
    async with window() as (app, pilot):
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"parameters view config")
        await until(
            pilot, lambda: "Parameters: view config" in str(app.screen.query_one("CommandList").options[:1][0].prompt)
        )
        await pilot.press("enter")
        await until(pilot, lambda: app.pane_in_front == "parameters")
        await until(pilot, lambda: app.query_one(ParametersPane).view_name == "config")

        by_name = {entry.words: entry for entry in await entries(app, pilot)}
        await by_name["Tokens: view batch"].act()
        await until(pilot, lambda: app.query_one("#views").current == "batch")  # type: ignore[attr-defined]
        await by_name["Tokens: next difference"].act()
        await until(pilot, lambda: app.query_one("#views").current == "aligned")  # type: ignore[attr-defined]


# The last line


async def test_the_last_line_shows_what_is_possible_now() -> None:
    async with window(DIFFERING, size=(120, 30)) as (app, pilot):
        await until(pilot, lambda: "esc commands" in key_line(app))
        assert "view" not in key_line(app)
        await pilot.press("escape")
        await until(pilot, lambda: "n next difference" in key_line(app))
        assert "esc commands" not in key_line(app)
        assert "y copy block" in key_line(app)
        app.query_one("#view", Choice).chosen = "special"
        await until(pilot, lambda: "copy block" not in key_line(app))


@pytest.mark.parametrize("width", [60, 80, 100, 160])
async def test_the_last_line_always_has_help_and_palette_and_a_sign_for_what_finds_no_room(width: int) -> None:
    async with window(DIFFERING, size=(width, 24)) as (app, pilot):
        await pilot.press("escape")
        await until(pilot, lambda: "difference" in key_line(app))
        line = key_line(app)
        assert len(line) == width
        assert "F1 help" in line
        assert line.rstrip().endswith("palette")
        left, _ = app.query_one(KeyLine).entries()
        shown = sum(f" {entry.words} " in line for entry in left)
        assert (shown < len(left)) == ("…" in line)


async def test_a_click_on_the_last_line_presses_the_key() -> None:
    async with window(size=(120, 24)) as (app, pilot):
        await pilot.press("escape")
        await until(pilot, lambda: "v view" in key_line(app))
        await pilot.click(KeyLine, offset=(key_line(app).index("v view"), 0))
        await until(pilot, lambda: app.query_one("#view", Choice).chosen == "table")
