"""Colours: legible in every theme, and never the only thing that tells."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.color import Color
from textual.theme import BUILTIN_THEMES

import encoder_tui
from encoder_tui.core.documents.document import DocumentTokens
from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.documents.reading import Reading
from encoder_tui.window.panes.documents.text import DocumentText
from encoder_tui.window.panes.parameters import ParametersPane
from encoder_tui.window.panes.registry import PANES
from encoder_tui.window.panes.tokens.ribbon import Ribbon
from encoder_tui.window.theme import MARK, NAMES, TEXT, contrast, legible
from encoder_tui.window.widgets import heat_colours
from encoder_tui.window.widgets.model_letters import COLOURS, letter_style
from tests.support.in_process import tasks_in_process
from tests.support.still import until
from tests.window.tokens.test_pane import PAIR, window

__all__ = ["tasks_in_process"]

pytestmark = pytest.mark.usefixtures("no_engine")

PACKAGE = Path(encoder_tui.__file__).parent
COLOURED = [name for name, theme in BUILTIN_THEMES.items() if not theme.ansi]
ON_ALL = ("background", "surface", "panel")
TEXTS = {
    **{f"$text-{name}": ON_ALL for name in NAMES},
    "$text-muted": ON_ALL,
    "$text": (*ON_ALL, "surface-lighten-1", "surface-lighten-2"),
    "$foreground": ("background",),
}
"""The colours that text has here, and what it stands on."""


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(Color.parse("#000"), Color.parse("#fff")) == pytest.approx(21)
    assert contrast(Color.parse("#777"), Color.parse("#fff")) == pytest.approx(4.48, abs=0.01)
    assert contrast(Color.parse("#abc"), Color.parse("#abc")) == 1


def theme_variables(theme: str) -> dict[str, str]:
    found = BUILTIN_THEMES[theme]
    return legible({**found.to_color_system().generate(), **found.variables}, found.ansi)


def seen_on(words: str, ground: Color) -> Color:
    """A colour as CSS writes it, on a ground: `auto 60%` is black or white, whichever is farther, in part."""
    if words.startswith("auto"):
        _, _, share = words.partition(" ")
        return ground + ground.get_contrast_text(float(share.rstrip("%")) / 100 if share else 1.0)
    return ground + Color.parse(words)


@pytest.mark.parametrize("theme", COLOURED)
def test_every_colour_of_a_text_can_be_read_in_every_theme(theme: str) -> None:
    variables = theme_variables(theme)
    for name, grounds in TEXTS.items():
        for ground in (*grounds, *([f"{name[6:]}-muted"] if name[6:] in NAMES else [])):
            behind = Color.parse(variables[ground])
            assert contrast(seen_on(variables[name[1:]], behind), behind) >= TEXT, (name, ground)
    # As near as Textual's own cursor allows: its text is white or black already.
    cursor = Color.parse(variables["block-cursor-background"])
    assert contrast(seen_on(variables["block-cursor-foreground"], cursor), cursor) >= MARK


def test_no_text_has_another_colour_than_those() -> None:
    sheets = {path: path.read_text("utf-8") for path in PACKAGE.rglob("*") if path.suffix in {".py", ".tcss"}}
    allowed = {*TEXTS, "$block-cursor-foreground"}
    found = 0
    for path, text in sheets.items():
        for rule, colour in re.findall(r"([\w-]+) \{[^}\n]*?(?<![\w-])color: ([^;]+);", text):
            found += 1
            is_rule = rule.endswith("--rule") and colour == "$foreground 20%"
            assert colour in allowed or is_rule, (path.name, rule, colour)
        for colour in re.findall(r'"(\$[a-z]+(?:-[a-z]+)?[^"]*)"', text) if path.suffix == ".py" else ():
            assert colour.removesuffix(" italic") in allowed, (path.name, colour)
    assert found > 20


async def test_the_terminals_own_colours_keep_letters_and_the_unknown_token_apart() -> None:
    async with window("😀 lighthouse") as (app, pilot):
        for theme in ("ansi-dark", "ansi-light"):
            app.theme = theme
            await pilot.pause()
            letters = [letter_style(app.screen, index).color for index in range(len(COLOURS))]
            assert len({str(letter) for letter in letters}) == len(COLOURS)
            unknown = app.query_one(Ribbon).get_component_rich_style("ribbon--unknown", partial=True)
            assert unknown.color != unknown.bgcolor


async def test_without_colours_differences_and_the_cursor_are_told_by_other_signs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with window("a naïve 😀 lamp") as (app, pilot):
        assert app.no_color
        await pilot.press("escape", "home")
        ribbon = app.query_one(Ribbon)

        def look(words: str) -> Style:
            for y in range(4):
                for segment in ribbon.render_line(y):
                    if segment.text.strip() == words:
                        assert isinstance(segment, Segment)
                        return segment.style or Style.null()
            raise AssertionError(words)

        await until(pilot, lambda: bool(look("a").reverse))
        await pilot.press("right")
        await until(pilot, lambda: not look("a").reverse)
        await pilot.press("end")
        assert look("😀").bold
        assert not look("a").bold


@pytest.mark.usefixtures("tasks_in_process")
async def test_every_pane_can_be_drawn_without_colours_in_a_theme_of_the_terminals_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = EncoderApp(Settings(model=PAIR[:1], theme="ansi-dark", docs="builtin"))
    async with app.run_test(size=(120, 40)) as pilot:
        assert app.no_color
        assert app.current_theme.ansi
        for name in PANES:
            await app.action_pane(name)
            await until(pilot, lambda: app.pane_in_front == name)  # noqa: B023
        await app.action_pane("parameters")
        await until(pilot, lambda: all(app.query_one(ParametersPane).descriptions.known))
        await pilot.press("down")
    assert app.return_code in {None, 0}


class Reader(App[None]):
    """A document and nothing else."""

    def compose(self) -> ComposeResult:
        yield DocumentText(id="document-text")


async def test_what_no_model_sees_is_dim_where_colours_cannot_be_mixed() -> None:
    app = Reader()
    async with app.run_test(size=(60, 10)) as pilot:
        text = app.query_one(DocumentText)
        for theme, is_dim in (("textual-dark", False), ("ansi-dark", True)):
            app.theme = theme
            text.show("seen unseen", [Reading(0, DocumentTokens([0, 5], [4, 11], 0), 1, 11)])
            await pilot.pause()
            unseen = [segment for y in range(3) for segment in text.render_line(y) if "unseen" in segment.text]
            assert [bool(segment.style and segment.style.dim) for segment in unseen] == [is_dim]


@pytest.mark.parametrize("ground", ["#121212", "#e0e0e0"])
def test_a_terminal_of_256_colours_shows_larger_values_as_farther_from_the_ground(ground: str) -> None:
    on = Color.parse(ground)
    found = [style.bgcolor for style in heat_colours.colours_of_256(on)]
    shown = [one.downgrade(ColorSystem.EIGHT_BIT).get_truecolor() for one in found if one is not None]
    assert all(one is not None and one.triplet == seen for one, seen in zip(found[:20], shown[:20], strict=True))
    far = [contrast(Color(*triplet), on) for triplet in shown]
    assert far[: heat_colours.LEVELS] == sorted(far[: heat_colours.LEVELS], reverse=True)
    assert far[heat_colours.LEVELS + 4 :] == sorted(far[heat_colours.LEVELS + 4 :])
    assert len(set(shown)) >= 12
