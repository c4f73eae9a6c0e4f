"""The Tokens pane through Textual's pilot, with the built-in tokenizers."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher, Static

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.tokens import TokensPane, batch
from encoder_tui.window.panes.tokens.ribbon import Ribbon
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.editor import Editor
from encoder_tui.window.widgets.table import Table
from tests.support.still import still, until
from tests.support.texts import HARD

pytestmark = pytest.mark.usefixtures("no_engine")

PAIR = ("builtin:bert", "builtin:modernbert")


@asynccontextmanager
async def window(
    text: str = "The lamp of a lighthouse.", size: tuple[int, int] = (120, 40), model: tuple[str, ...] = PAIR
) -> AsyncIterator[tuple[EncoderApp, Pilot[int]]]:
    """A window whose tokenizers are there."""
    app = EncoderApp(Settings(model=model, text=text))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: all_shown(app))
        yield app, pilot


def all_shown(app: EncoderApp) -> bool:
    """Whether every model has failed or stands in the comparison."""
    states = [slot.state for slot in app.session.slots]
    return "loading" not in states and len(pane(app).comparison.present) == len(states) - states.count("failed")


def pane(app: EncoderApp) -> TokensPane:
    return app.query_one(TokensPane)


async def show(app: EncoderApp, pilot: Pilot[int], view: str) -> None:
    pane(app).query_one("#view", Choice).chosen = view
    await until(pilot, lambda: pane(app).query_one("#views", ContentSwitcher).current == view)
    await pilot.pause(0.05)


def lines(widget: Ribbon | Table) -> list[str]:
    """What a line-drawn widget shows, as text."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


async def test_typing_changes_the_comparison_at_every_key() -> None:
    async with window("lighthouse") as (app, pilot):
        for key, text in (("s", "lighthouses"), ("space", "lighthouses "), ("1", "lighthouses 1")):
            await pilot.press(key)
            assert pane(app).comparison.text == text


async def test_the_ribbon_shows_what_json_prints_on_text_drawn_at_random(home: Path) -> None:
    draw = random.Random(20)
    characters = "".join(HARD).replace("\r", "").replace("\0", "").encode("utf-8", "replace").decode()
    texts = ["".join(draw.choices(characters, k=60)) for _ in range(6)]
    command = [sys.executable, "-m", "encoder_tui", "-m", PAIR[0], "-m", PAIR[1], "tokens", "--json", *texts]
    printed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for index, text in enumerate(texts):
        async with window(text) as (app, _):
            comparison = pane(app).comparison
            assert [stream.encoding.ids for stream in comparison.present] == [
                model["encodings"][index]["input_ids"] for model in printed["models"]
            ]
            shown = [
                {"span": [block.start, block.end], "tokens": [list(tokens) for tokens in block.tokens]}
                for block in comparison.alignment
            ]
            wanted = [{"span": block["span"], "tokens": block["tokens"]} for block in printed["alignments"][index]]
            assert shown == wanted


async def test_the_cursor_moves_by_block_and_the_line_below_names_it() -> None:
    async with window("This is a lens.") as (app, pilot):
        await pilot.press("escape", "home")
        ribbon = app.query_one(Ribbon)
        assert ribbon.has_focus
        assert ribbon.cursor == 0
        await pilot.press("right")
        assert ribbon.cursor == 1
        assert "▸ is   characters 4–7" in str(pane(app).query_one("#block", Static).content)


async def test_n_goes_to_the_next_block_that_differs() -> None:
    async with window("Hello there, Hello") as (app, pilot):
        await pilot.press("escape", "home", "n")
        assert pane(app).comparison.is_differing(app.query_one(Ribbon).cursor)


async def test_the_ribbon_follows_the_text_cursor() -> None:
    async with window("one two three") as (app, pilot):
        await pilot.press("home", "right", "right")
        assert pane(app).comparison.alignment[app.query_one(Ribbon).cursor].start == 0
        await pilot.press("end")
        ribbon = app.query_one(Ribbon)
        assert ribbon.cursor == len(pane(app).comparison.alignment) - 1


async def test_a_text_of_100_000_characters_is_aligned_in_the_background_and_the_newest_text_wins() -> None:
    async with window("x") as (app, pilot):
        editor = app.query_one(Editor)
        editor.text = "The lamp of a lighthouse is seen for miles. " * 2300
        await pilot.press("z")
        await until(pilot, lambda: pane(app).comparison.text == editor.text and len(editor.text) > 100_000)
        assert pane(app).comparison.alignment.ends[-1] == len(editor.text)


@pytest.mark.parametrize("view", ["table", "tensors", "batch", "special", "decode"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_every_view_opens_and_follows_the_text(view: str, size: tuple[int, int]) -> None:
    async with window("lens", size) as (app, pilot):
        await show(app, pilot, view)
        before = app.export_screenshot()
        app.query_one("#text", Editor).focus()
        await pilot.press("q", "u", "a", "y")
        if view not in {"special", "batch"}:
            assert app.export_screenshot() != before
        assert app.screen.query_one(f"#{view}").display


async def test_a_batch_is_encoded_when_it_changes_and_not_with_every_key_of_the_text() -> None:
    async with window("lens") as (app, pilot):
        await show(app, pilot, "batch")
        encoded = []
        encode = batch.encode_batches
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batch, "encode_batches", lambda *asked: encoded.append(asked[1]) or encode(*asked))
            app.query_one("#text", Editor).focus()
            await pilot.press("q", "u", "a", "y")
            assert pane(app).comparison.text == "lensquay"
            assert not encoded
            app.query_one("#batch-texts", Editor).text = "one\ntwo"
            await until(pilot, lambda: encoded == [["one", "two"]])


async def test_the_table_has_a_row_for_every_token() -> None:
    async with window("lens") as (app, pilot):
        await show(app, pilot, "table")
        table = app.query_one("#stream-0", Table)
        assert table.row_count == len(pane(app).comparison.present[0].encoding)
        assert "[CLS]" in lines(table)[1]


async def test_copying_ids_gives_every_stream_a_line() -> None:
    async with window("lens") as (app, pilot):
        await pilot.press("escape", "i")
        ids = [" ".join(map(str, stream.encoding.ids)) for stream in pane(app).comparison.present]
        assert app.clipboard.splitlines() == ids


async def test_there_is_no_block_to_copy_in_another_view_nor_of_an_empty_text() -> None:
    async with window("one two three four") as (app, pilot):
        editor = app.query_one("#text", Editor)
        await pilot.press("end", "escape", "y")
        assert "four" in app.clipboard
        copied = app.clipboard
        await show(app, pilot, "table")
        editor.text = "one"  # shorter than where the ribbon's cursor was left
        await until(pilot, lambda: pane(app).comparison.text == "one")
        await pilot.press("escape", "y")
        assert app.clipboard == copied
        message = [one.message for one in app._notifications][-1]
        assert message.startswith('y copies a block in the view "aligned" only; t ')
        await show(app, pilot, "aligned")
        await pilot.press("escape", "y")
        assert "one" in app.clipboard
        copied = app.clipboard
        editor.text = ""
        await until(pilot, lambda: pane(app).comparison.text == "")
        await pilot.press("escape", "y")
        assert app.clipboard == copied


async def test_copied_python_names_the_models_and_the_text() -> None:
    async with window("lens [bold]") as (app, pilot):
        await pilot.press("escape", "p")
        assert "texts = ['lens [bold]']" in app.clipboard
        assert "builtin:" not in app.clipboard
        assert app.clipboard.count("AutoTokenizer.from_pretrained(") == 2


async def test_a_model_that_cannot_be_had_fails_in_its_own_slot() -> None:
    async with window("lens", model=("builtin:bert", "/no/such/model")) as (app, pilot):
        await until(pilot, lambda: app.session.slots[1].state == "failed")
        await until(pilot, lambda: pane(app).comparison.present != [])
        assert len(pane(app).comparison.present[0].encoding) > 2
        assert "no such directory" in str(pane(app).query_one("#models", Static).content)


async def test_models_are_added_swapped_replaced_and_removed() -> None:
    async with window("lens", model=("builtin:bert",)) as (app, pilot):
        session = app.session
        session.add("builtin:modernbert")
        await until(pilot, lambda: len(pane(app).comparison.present) == 2)
        session.swap(0, 1)
        await until(pilot, lambda: pane(app).comparison.present[0].tokenizer.is_byte_level)
        session.remove(0)
        await until(pilot, lambda: len(pane(app).comparison.present) == 1)
        session.replace(0, "builtin:modernbert")
        await until(pilot, lambda: pane(app).comparison.present[:1] != [] and session.slots[0].state == "exact")
        session.remove(0)
        assert len(session.slots) == 1


async def test_no_markup_is_read_in_text_names_and_messages() -> None:
    async with window("[bold red]x[/] [CLS]", model=("builtin:bert", "[b]evil[/b]")) as (app, pilot):
        await until(pilot, lambda: app.session.slots[1].state == "failed")
        await pilot.pause(0.1)
        assert "[b]evil[/b]" in str(pane(app).query_one("#models", Static).content)
        assert "[bold" not in str(app.query_one("#top", Static).content)
        assert any("[CLS]" in line for line in lines(app.query_one(Ribbon)))


@pytest.mark.parametrize("first", ["parameters", "documents", "outputs", "tasks", "timing"])
async def test_tokens_are_there_when_another_pane_was_first(first: str) -> None:
    app = EncoderApp(Settings(model=PAIR, text="A lighthouse.", pane=first))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: all(slot.tokenizer is not None for slot in app.session.slots))
        await still(pilot)
        await pilot.press("f2")
        await until(
            pilot,
            lambda: bool(app.query("#sentence")) and "agree" in str(app.query_one("#sentence", Static).content),
        )
        assert "lighthouse" in "".join(lines(app.query_one(Ribbon)))
