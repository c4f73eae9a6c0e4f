"""The Documents pane with the real engine for documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from encoder_tui.core.settings import Settings
from encoder_tui.core.text.safe import visible
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.documents import DocumentsPane
from encoder_tui.window.panes.documents.collection_view import CollectionView, Figures
from encoder_tui.window.panes.documents.listing import DocumentList
from encoder_tui.window.panes.documents.text import DocumentText
from encoder_tui.window.panes.documents.windows import WindowsView
from encoder_tui.window.panes.documents.wrapped_text import UNWRAPPED, Layout
from encoder_tui.window.widgets.cycle import Cycle
from tests.support.still import screen, until

PAIR = ("builtin:bert", "builtin:modernbert")


pytestmark = pytest.mark.usefixtures("no_engine")


def app_of(source: Path | str, models: tuple[str, ...] = PAIR) -> EncoderApp:
    return EncoderApp(Settings(model=models, docs=str(source), pane="documents"))


def pane_of(pilot: Pilot[int]) -> DocumentsPane:
    return pilot.app.query_one(DocumentsPane)


async def settled(pilot: Pilot[int]) -> DocumentsPane:
    """The pane once its document is tokenized and its collection counted."""
    pane = pane_of(pilot)
    await until(pilot, lambda: pane.counting is not None and pane.counting.state == "done" and bool(pane.readings))
    await until(pilot, lambda: pane.query_one(DocumentText).layout_ is not None)
    await until(pilot, lambda: "…" not in pane.query_one(DocumentList).cells(0))
    return pane


def rows_file(folder: Path, texts: list[str | None]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps({"title": f"t{i}", "text": text}) + "\n" for i, text in enumerate(texts)))
    return path


async def test_the_list_the_cut_and_the_sentence_are_there(tmp_path: Path) -> None:
    long = "lighthouse " * 600
    async with app_of(rows_file(tmp_path, [long, "a short one", None])).run_test(size=(120, 40)) as pilot:
        pane = await settled(pilot)
        bert, modernbert = pane.readings
        assert bert.cut == bert.tokens.ends[509]
        assert modernbert.cut is None
        await pilot.press("c")
        await until(pilot, lambda: "A stops reading here: 512 tokens" in screen(pilot))
        sentence = str(pane.query_one("#document-sentence", Static).visual)
        assert "of this document" in sentence
        assert "B sees all" in sentence
        assert "(this row holds no text)" in screen(pilot)


async def test_the_text_is_broken_exactly_at_the_cut(tmp_path: Path) -> None:
    async with app_of(rows_file(tmp_path, ["many words of a lighthouse keeper " * 300])).run_test() as pilot:
        pane = await settled(pilot)
        layout = pane.query_one(DocumentText).layout_
        assert layout is not None
        (row,) = layout.rules
        assert layout.ends[row] == pane.readings[0].cut
        assert layout.starts[row + 1] == pane.readings[0].cut


async def test_another_limit_moves_the_cut_and_the_share_lost(tmp_path: Path) -> None:
    async with app_of(rows_file(tmp_path, ["lighthouse " * 600])).run_test(size=(120, 40)) as pilot:
        pane = await settled(pilot)
        before = pane.readings[0].cut
        pane.query_one("#limit-0", Cycle).value = 128
        await until(pilot, lambda: pane.readings[0].limit == 128)
        assert pane.readings[0].cut == pane.readings[0].tokens.ends[125]
        assert before is not None
        assert pane.readings[0].cut < before
        await until(pilot, lambda: "A stops reading here: 128 tokens" in screen(pilot))


async def test_keys_go_to_the_cut_to_a_match_to_an_index_and_to_another_column(tmp_path: Path) -> None:
    path = rows_file(tmp_path, ["lighthouse\n" * 900 + "keeper", *[f"document {i}" for i in range(1, 40)]])
    async with app_of(path).run_test(size=(100, 30)) as pilot:
        pane = await settled(pilot)
        text = pane.query_one(DocumentText)
        await pilot.press("c")
        await until(pilot, lambda: text.in_sight[0] <= (pane.readings[0].cut or 0) <= text.in_sight[1])
        assert text.in_sight[0] > 0
        await pilot.press("slash", *"KEEPER", "enter")
        await until(pilot, lambda: text.in_sight[1] == len(text.text))
        await pilot.press("i", *"33", "enter")
        await until(pilot, lambda: pane.reader.text == "document 33")
        await pilot.press("t")
        await until(pilot, lambda: "title  t0" in screen(pilot) and "text  lighthouse" in screen(pilot))
        await pilot.press("up", "enter")
        await until(pilot, lambda: pane.reader.text == "t0")
        assert "· title" in str(pane.query_one("#source", Static).visual)


async def test_a_filter_by_text_by_length_and_sorting(tmp_path: Path) -> None:
    path = rows_file(tmp_path, [f"document {i} " + "word " * i for i in range(60)])
    async with app_of(path).run_test(size=(100, 30)) as pilot:
        pane = await settled(pilot)
        listing = pane.query_one(DocumentList)
        await pilot.press("f", *"Document 5", "enter")
        await until(pilot, lambda: listing.order is not None and list(listing.order) == [5, *range(50, 60)])
        await pilot.press("f", "delete", "enter", "s", "s")
        assert pane.counting is not None
        tokens = pane.counting.tokens[0]
        assert listing.order is not None
        assert [tokens[i] for i in listing.order] == sorted(tokens, reverse=True)
        await until(pilot, lambda: pane.reader.text.startswith("document 59"))
        than = tokens[30]
        await pilot.press("f", *f"> {than}", "enter")
        assert sorted(listing.order) == [i for i in range(60) if tokens[i] > than]
        await pilot.press("f", "delete", "enter")
        await pilot.press("s", "s")
        assert listing.order is None


async def test_windows_and_the_collection(tmp_path: Path) -> None:
    async with app_of(rows_file(tmp_path, ["lighthouse keeper " * 900, "short"])).run_test(size=(120, 40)) as pilot:
        pane = await settled(pilot)
        await pilot.press("v")
        windows = pane.query_one(WindowsView)
        await until(pilot, lambda: windows._windows is not None)
        expected = pane.readings[0].tokens.windows(512, 64)
        await until(pilot, lambda: f"A needs {len(expected)} windows of 512 with a stride of 64" in screen(pilot))
        await pilot.press("v")
        await until(pilot, lambda: "A reads 512 tokens: 50 % of documents are longer" in screen(pilot))
        await until(pilot, lambda: "█" in screen(pilot))
        assert pane.query_one(CollectionView).display
        assert pane.query_one(Figures).virtual_size.height > 10


async def test_counts_are_saved_and_reopened_from_the_pane(tmp_path: Path) -> None:
    saved = tmp_path / "counts.json"
    async with app_of(rows_file(tmp_path, ["lighthouse keeper " * 900, "short"])).run_test(size=(120, 40)) as pilot:
        pane = await settled(pilot)
        assert pane.counting is not None
        await pilot.press("S", *str(saved), "enter")
        await until(pilot, saved.exists)
        await pilot.press("R", *str(saved), "enter")
        await until(pilot, lambda: pane.reopened is not None)
        assert pane.reopened == pane.counting.counts
        await until(pilot, lambda: "reopened: " in screen(pilot))
        pane._reopen(str(tmp_path / "rows.jsonl"))
        assert pane.reopened is not None


async def test_counting_pauses_and_goes_on_to_the_exact_end(tmp_path: Path) -> None:
    path = rows_file(tmp_path, ["lighthouse keeper " * 2_000] * 150)
    async with app_of(path).run_test(size=(100, 30)) as pilot:
        pane = pane_of(pilot)
        # A model whose tokenizer comes later begins the counting anew.
        await until(pilot, lambda: pane.counting is not None and len(pane.counting.models) == 2)
        await until(pilot, lambda: pane.counting is not None and pane.counting.state == "counting")
        await pilot.press("space")
        counting = pane.counting
        assert counting is not None
        assert counting.state == "paused"
        await until(pilot, lambda: counting._task is None or counting._task.done())
        assert counting.counts.documents == len(counting.characters)
        await pilot.press("space")
        await settled(pilot)
        assert counting.counts.documents == 150
        assert counting.counts.models[0].quantile(0) == counting.counts.models[0].quantile(1)


async def test_a_source_that_cannot_be_had_is_told_and_another_one_opens(tmp_path: Path) -> None:
    async with app_of(tmp_path / "missing.jsonl").run_test(size=(100, 30)) as pilot:
        pane = pane_of(pilot)
        await until(pilot, lambda: "no such file or directory" in screen(pilot))
        await pilot.press("o")
        field = pilot.app.screen.query_one("#source-name", Input)
        field.value = str(rows_file(tmp_path, ["found at last"]))
        await pilot.press("enter")
        await until(pilot, lambda: pane.reader.text == "found at last")


async def test_an_engine_that_dies_is_started_again_and_the_documents_go_on(tmp_path: Path) -> None:
    path = rows_file(tmp_path, [f"document {i}" for i in range(200)])
    async with app_of(path).run_test(size=(100, 30)) as pilot:
        pane = await settled(pilot)
        pilot.app.session.documents_engine.kill("killed by a test")  # type: ignore[attr-defined]
        await pilot.press("i", *"150", "enter")
        await pilot.pause(0.2)
        await pilot.press("r")
        await until(pilot, lambda: pane.reader.text == "document 150" and bool(pane.readings))


async def test_hostile_documents_reach_the_screen_only_as_symbols(tmp_path: Path) -> None:
    hostile = "\x1b]0;owned\x07 \x1b[2J \x9b31m [bold]x[/bold] \u202e"
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": hostile}) + "\n")
    async with app_of(path).run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await until(pilot, lambda: screen(pilot).count("[bold]x[/bold]") == 2)
        shown = screen(pilot)
        assert not set(shown) & {"\x1b", "\x07", "\x9b", "\u202e"}
        assert visible("\x1b]0;owned\x07") in shown


def test_a_layout_holds_every_character_once_whatever_the_width() -> None:
    texts = ["", "\n", "one", "a b c " * 50, "x" * 300, "我们 " * 80, "line\r\nline\n\nlast\n", "😀é\t" * 40]
    for text in texts:
        for width in (8, 20, UNWRAPPED):
            for cuts in ({}, {min(5, len(text)): "A"}, {0: "A", len(text): "B"}):
                layout = Layout(text, width, cuts)
                pieces = [text[s:e] for s, e in zip(layout.starts, layout.ends, strict=True)]
                assert "".join(pieces) == text.replace("\r\n", "").replace("\n", "")
                assert set(layout.rules.values()) == set(cuts.values())


async def test_a_long_document_shows_its_cut_before_its_tokens_are_counted(tmp_path: Path) -> None:
    text = "many words of a lighthouse keeper\n" * 150_000
    async with app_of(rows_file(tmp_path, [text, "short"])).run_test(size=(120, 40)) as pilot:
        pane = pane_of(pilot)
        shown = pane.query_one(DocumentText)
        await until(pilot, lambda: len(pane.readings) == 2 and not pane.readings[0].tokens.is_whole)
        cut = pane.readings[0].cut
        await until(pilot, lambda: shown.layout_ is not None and bool(shown.layout_.rules))
        await pilot.press("c")
        await until(pilot, lambda: "A stops reading here: 512 tokens, counting…" in screen(pilot))
        assert "its tokens are being counted" in screen(pilot)
        await until(pilot, lambda: all(reading.tokens.is_whole for reading in pane.readings))
        assert pane.readings[0].cut == cut
        await until(pilot, lambda: "A stops reading here: 512 tokens, under 1 %" in screen(pilot))
        listing = pane.query_one(DocumentList)
        await until(pilot, lambda: listing.cells(0)[2] == f"{pane.readings[0].tokens.total:,}")
        await until(pilot, lambda: shown.layout_ is not None and shown.layout_.text == text)


async def test_a_cut_is_not_denied_before_the_tokens_are_counted(tmp_path: Path) -> None:
    async with app_of(rows_file(tmp_path, ["lighthouse " * 900])).run_test(size=(120, 40), notifications=True) as pilot:
        pane = await settled(pilot)
        cuts = [reading.cut for reading in pane.readings]
        # As it is between the opening of a document and its count.
        pane.reader.tokens = []
        pane._show_document()
        await pilot.press("c")
        await until(pilot, lambda: "its tokens are not counted yet" in screen(pilot))
        assert cuts[0] is not None
        assert "no model cuts this document" not in screen(pilot)


async def test_what_the_chooser_says_of_a_file_is_obeyed_and_dropped_names_are_understood(tmp_path: Path) -> None:
    folder = tmp_path / "sp ace"
    folder.mkdir()
    (folder / "rows.csv").write_text("first one;1\nsecond;2\n")
    (folder / "more.csv").write_text("third;3\n")
    async with app_of(rows_file(tmp_path, ["one"])).run_test(size=(120, 40)) as pilot:
        pane = await settled(pilot)
        await pilot.press("o")
        dialog = pilot.app.screen
        dialog.query_one("#source-name", Input).value = f"'{folder}/rows.csv'"
        dialog.query_one("#delimiter", Cycle).value = ";"
        dialog.query_one("#header", Cycle).value = False
        dialog.query_one("#source-name", Input).focus()
        await pilot.press("enter")
        await until(pilot, lambda: pane.reader.text == "first one")
        assert pane.opener.spec.header is False
        await pilot.press("o")
        assert pilot.app.screen.query_one("#delimiter", Cycle).value == ";"


async def test_documents_that_were_named_are_open_for_every_pane(tmp_path: Path) -> None:
    app = EncoderApp(Settings(model=PAIR, docs=str(rows_file(tmp_path, ["one"])), pane="tokens"))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.session.document == "one")
        assert app.pane_in_front == "tokens"
