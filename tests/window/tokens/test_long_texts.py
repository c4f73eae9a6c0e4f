"""A text so long that comparing it takes a while: what is told of it, and how it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from encoder_tui.core.models.ready import RequestedModel
from encoder_tui.core.settings import Settings
from encoder_tui.core.tokens import comparison as comparing_domain
from encoder_tui.core.tokens.alignment import Alignment
from encoder_tui.core.tokens.comparison import Comparison
from encoder_tui.core.tokens.tokenizer import ModelTokenizer, align
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.tokens import batch, comparer, decode, ribbon
from encoder_tui.window.panes.tokens.lanes import LaneLayout
from encoder_tui.window.widgets.editor import Editor
from encoder_tui.window.widgets.short_lines import ShortLines
from tests.support.still import until
from tests.window.test_keys import key_line
from tests.window.tokens.test_pane import PAIR, all_shown, lines, pane, show, window

pytestmark = pytest.mark.usefixtures("no_engine")

LONG = "The lamp of a lighthouse is seen for miles. " * 200


class Gate:
    """Lets comparisons of long texts through when it is open."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.begun: list[str] = []

    def compare(self, text: str, models: Sequence[RequestedModel]) -> Comparison:
        if len(text) > comparer.AT_ONCE:
            self.begun.append(text)
            assert self.opened.wait(60)
        return comparing_domain.compare(text, models)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    found = Gate()
    monkeypatch.setattr(comparer, "compare", found.compare)
    monkeypatch.setattr(comparer, "SOON", 0.01)
    yield found
    found.opened.set()


def sentence(app: EncoderApp) -> str:
    return str(pane(app).query_one("#sentence", ShortLines).content)


async def paste(app: EncoderApp, pilot: Pilot[int], text: str) -> None:
    """Put a long text in the place of what is there, and wait until it is told what takes so long."""
    app.query_one(Editor).text = text
    await until(pilot, lambda: "escape stops" in sentence(app))


async def test_a_long_text_is_told_with_its_size_and_what_stands_below_is_named(gate: Gate) -> None:
    async with window("A lens.") as (app, pilot):
        await paste(app, pilot, LONG)
        assert sentence(app) == f" Tokenizing {len(LONG):,} characters… escape stops; below is the earlier text"
        gate.opened.set()
        await until(pilot, lambda: pane(app).comparison.text == LONG)
        assert "agree" in sentence(app)


async def test_each_piece_of_a_long_work_is_told_when_it_begins(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    async with window("A lens.") as (app, pilot):
        aligned = threading.Event()

        def held(comparison: Comparison) -> Alignment:
            assert aligned.wait(60)
            return align(comparison.text, [stream.encoding for stream in comparison.present])

        await paste(app, pilot, LONG)
        slow = cached_property(held)
        slow.__set_name__(Comparison, "alignment")
        monkeypatch.setattr(Comparison, "alignment", slow)
        gate.opened.set()
        await until(pilot, lambda: sentence(app).startswith(" Aligning "))
        assert sentence(app).endswith(" tokens… escape stops; below is the earlier text")
        aligned.set()
        await until(pilot, lambda: pane(app).comparison.text == LONG)


async def test_escape_stops_it_keeps_what_was_there_and_r_begins_again(gate: Gate) -> None:
    async with window("A lens.") as (app, pilot):
        await paste(app, pilot, LONG)
        await pilot.press("escape")
        stopped = " Stopped; below is the earlier text; leave the editor and press r to tokenize"
        assert sentence(app) == stopped
        gate.opened.set()
        await until(pilot, lambda: bool((work := pane(app).comparer._working) and work.done()))
        assert pane(app).comparison.text == "A lens."
        # Another word of a model, or another size of the window, says nothing new of it.
        app.session.models_changed.publish(None)
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert sentence(app) == stopped
        await pilot.press("escape")
        await until(pilot, lambda: "r tokenize again" in key_line(app))
        await pilot.press("r")
        await until(pilot, lambda: pane(app).comparison.text == LONG)
        assert gate.begun == [LONG, LONG]
        await until(pilot, lambda: "tokenize again" not in key_line(app))


async def test_a_text_typed_after_a_stop_is_tokenized(gate: Gate) -> None:
    async with window("A lens.") as (app, pilot):
        await paste(app, pilot, LONG)
        await pilot.press("escape")
        app.query_one(Editor).text = "Short"
        await until(pilot, lambda: pane(app).comparison.text == "Short")
        assert "Stopped" not in sentence(app)
        gate.opened.set()
        await until(pilot, lambda: bool((work := pane(app).comparer._working) and work.done()))
        assert pane(app).comparison.text == "Short"


async def test_nobody_waits_for_what_a_key_has_made_old(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    async with window("A lens.") as (app, pilot):
        await paste(app, pilot, LONG)
        app.query_one(Editor).text = f"{LONG}!"
        steps: list[int] = []
        monkeypatch.setattr(Comparison, "alignment", property(lambda self: steps.append(len(self.text))))
        monkeypatch.setattr(Comparison, "differing", property(lambda self: []))
        monkeypatch.setattr(Comparison, "differing_texts", property(lambda self: {}))
        monkeypatch.setattr(pane(app).comparer, "_on_change", lambda comparison: None)
        monkeypatch.setattr(pane(app).comparer, "_prepare", lambda comparison: None)
        gate.opened.set()
        await until(pilot, lambda: pane(app).comparison.text == f"{LONG}!")
        assert steps == [len(LONG) + 1]


async def test_a_model_that_tells_how_far_it_is_does_not_begin_a_long_text_anew(gate: Gate) -> None:
    async with window("A lens.") as (app, pilot):
        await paste(app, pilot, LONG)
        for _ in range(3):
            app.session.models_changed.publish(None)
            await pilot.pause()
        gate.opened.set()
        await until(pilot, lambda: pane(app).comparison.text == LONG)
        assert gate.begun == [LONG]


@pytest.mark.parametrize("view", ["aligned", "table", "tensors", "special", "decode"])
async def test_models_that_come_and_go_below_a_long_text_leave_the_comparison_of_those_before(
    gate: Gate, view: str
) -> None:
    gate.opened.set()
    async with window(LONG) as (app, pilot):
        await until(pilot, lambda: "agree" in sentence(app))
        if view != "aligned":
            await show(app, pilot, view)
        changes = [partial(app.session.remove, 0), *(partial(app.session.add, name) for name in PAIR)]
        for change in changes:
            before = pane(app).comparison
            gate.opened.clear()
            change()
            await until(pilot, lambda: "escape stops" in sentence(app))
            assert pane(app).comparison is before
            assert sentence(app).endswith("escape stops; below are the earlier models")
            # Drawn again, it is still described with its own letters and names.
            pane(app)._show_view()
            await pilot.resize_terminal(100 + len(app.session.slots), 30)
            await pilot.pause()
            gate.opened.set()
            await until(pilot, lambda before=before: pane(app).comparison is not before and all_shown(app))
        assert [(model.letter, model.name) for model in pane(app).comparison.models] == [
            ("A", PAIR[0]),
            ("B", PAIR[1]),
            ("C", PAIR[1]),
        ]


async def test_the_lanes_of_a_long_text_are_made_outside_the_loop_that_hears_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made_in: list[bool] = []

    class Noted(LaneLayout):
        def __init__(self, comparison: Comparison, width: int) -> None:
            super().__init__(comparison, width)
            if len(comparison.text) > comparer.AT_ONCE:
                made_in.append(threading.current_thread() is threading.main_thread())

    monkeypatch.setattr(ribbon, "LaneLayout", Noted)
    async with window("A lens.") as (app, pilot):
        app.query_one(Editor).text = LONG
        await until(pilot, lambda: pane(app).comparison.text == LONG)
        await until(pilot, lambda: bool(made_in))
        assert made_in == [False]


async def test_the_decode_of_a_long_text_is_told_and_escape_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = threading.Event()
    ended: list[bool] = []

    def held(comparison: Comparison, checkpoint: Callable[[], None]) -> list[decode.Losses | None]:
        assert opened.wait(60)
        try:
            return losses(comparison, checkpoint)
        finally:
            ended.append(True)

    losses = decode.losses
    monkeypatch.setattr(decode, "losses", held)
    async with window(LONG) as (app, pilot):
        await show(app, pilot, "decode")
        title = app.query_one("#decode-title-0", Static)
        await until(pilot, lambda: "escape stops" in str(title.content))
        assert f"{len(LONG):,} characters" in str(title.content)
        await pilot.press("escape")
        await until(pilot, lambda: "stopped" in str(title.content))
        opened.set()
        await until(pilot, lambda: bool(ended))
        await pilot.pause()
        assert "stopped" in str(title.content)
        # Shown again, it is decoded again.
        await show(app, pilot, "special")
        await show(app, pilot, "decode")
        await until(pilot, lambda: "above: the text" in str(title.content) or "returns the text" in str(title.content))


async def test_a_long_batch_is_told_and_escape_stops_it_before_the_next_model(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = threading.Event()
    encoded: list[int] = []
    encode_batch = batch.encode_batch

    def held(tokenizer: ModelTokenizer, texts: list[str], *rest: Any) -> Any:
        if sum(map(len, texts)) > batch.AT_ONCE:
            encoded.append(len(encoded))
            assert opened.wait(60)
        return encode_batch(tokenizer, texts, *rest)

    def grid() -> list[str]:
        return [line for line in lines(app.query_one(batch.BatchGrid)) if line]

    monkeypatch.setattr(batch, "encode_batch", held)
    monkeypatch.setattr(batch, "SOON", 0.01)
    async with window("A lens.") as (app, pilot):
        await show(app, pilot, "batch")
        texts = app.query_one("#batch-texts", Editor)
        texts.text = f"{LONG}\n"
        await until(
            pilot,
            lambda: grid() == [f" {letter}  encoding 8,800 characters… escape stops" for letter in "AB"],
        )
        await pilot.press("escape")
        await until(pilot, lambda: "stopped; change a text" in grid()[0])
        opened.set()
        await until(pilot, lambda: bool((lab := app.query_one(batch.BatchLab))._working and lab._working.done()))
        assert "stopped; change a text" in grid()[0]
        assert encoded == [0]
        texts.text = f"{LONG}!"
        await until(pilot, lambda: "1 ×" in grid()[0])
        assert encoded == [0, 1, 2]
        texts.text = "Short"
        await until(pilot, lambda: grid()[1:2] == ["   0 [CLS] Sh ##ort [SEP]"])


async def test_a_model_whose_tokens_were_stopped_is_not_said_to_be_loading(gate: Gate) -> None:
    app = EncoderApp(Settings(model=PAIR, text=LONG))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "escape stops" in sentence(app))
        await pilot.press("escape")
        await until(pilot, lambda: "there are no tokens yet" in sentence(app))

        def words() -> list[list[str]]:
            content = app.query_one("#models", ShortLines).content
            return [line.split() for line in str(content).split("\n")]

        await until(pilot, lambda: words() == [[letter, "no", "tokens", "yet"] for letter in "AB"])
        gate.opened.set()
