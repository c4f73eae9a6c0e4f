"""A model's way into its slot, whatever the text at hand is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.tokens.pane import TokensPane
from encoder_tui.window.widgets.short_lines import ShortLines
from tests.support.command_case import call, named
from tests.support.in_process import tasks_in_process
from tests.support.model_directories import write
from tests.support.still import until

__all__ = ["tasks_in_process"]


def without_unknown() -> Tokenizer:
    """A tokenizer that refuses every word but two: it has no token for those that it does not know."""
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


@pytest.fixture
def refusing(tmp_path: Path) -> str:
    """The directory of a model whose tokenizer refuses nearly everything."""
    return str(write("bert", without_unknown, {"tokenizer_class": "PreTrainedTokenizerFast"}, tmp_path / "m"))


@pytest.mark.usefixtures("tasks_in_process")
async def test_a_model_that_refuses_the_text_at_hand_is_loaded_all_the_same(refusing: str) -> None:
    app = EncoderApp(Settings(model=(refusing,), text="hello world"))
    async with app.run_test(size=(120, 40)) as pilot:
        (slot,) = app.session.slots
        await until(pilot, lambda: slot.state == "exact" and not slot.waiting, 60)
        assert slot.message == ""
        await until(pilot, lambda: "the tokenizer refuses this text" in shown(app, "models"))
        assert "No tokenizer accepts this text." in shown(app, "sentence")


def shown(app: EncoderApp, name: str) -> str:
    return str(app.query_one(f"#{name}", ShortLines).render())


@pytest.mark.usefixtures("tasks_in_process")
async def test_a_model_that_refuses_the_text_keeps_no_other_from_it(refusing: str) -> None:
    app = EncoderApp(Settings(model=(refusing, "builtin:bert"), text="hello world"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: all(slot.state == "exact" and not slot.waiting for slot in app.session.slots), 60)
        await until(pilot, lambda: "the tokenizer refuses this text" in shown(app, "models"))
        assert re.search(r" B .* tokens ", shown(app, "models"))
        assert shown(app, "sentence").strip().endswith("of 11 characters.")
        app.session.set_text("a b")
        await until(pilot, lambda: "refuses" not in shown(app, "models"))
        assert [stream is not None for stream in app.query_one(TokensPane).comparison.streams] == [True, True]


def test_the_report_and_the_command_say_who_refuses_and_tell_of_the_others(refusing: str) -> None:
    models = named(refusing, "builtin:bert")
    report = call("report", "hello world", *models, "--sections", "tokens")
    tokens = call("tokens", "hello world", *models)
    for done in (report, tokens):
        assert done.code == 1
        assert [line for line in done.remarks if f"{refusing}: the tokenizer refuses this text" in line]
    assert f"**A** `{refusing}`: the tokenizer refuses this text" in report.text
    assert "**B** `builtin:bert`: " in report.text


@pytest.mark.usefixtures("no_engine")
async def test_offline_without_a_cache_the_banner_alone_says_why_built_in_models_are_shown() -> None:
    app = EncoderApp(Settings(text="hello", offline=True))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        why = "Built-in models are shown because --offline forbids asking the Hub and nothing is cached:"
        await until(pilot, lambda: app.session.banner.startswith(why))
        await until(pilot, lambda: not any(slot.waiting for slot in app.session.slots))
        assert not [one.message for one in app._notifications if "in the cache" in one.message]
