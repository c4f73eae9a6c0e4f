"""A tokenizer is tried in a process of its own: its death is a sentence, and the engine and the window go on."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from encoder_tui.core.settings import Settings
from encoder_tui.core.tokens.exact_form import TokenizerForm, provisional
from encoder_tui.core.tokens.inflation import Growth
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.engine import trial
from encoder_tui.engine.documents.counting import count_batch, cut_batch, document_tokens
from encoder_tui.engine.documents.fast_counters import Counter
from encoder_tui.engine.documents.piecewise import Tokenization
from encoder_tui.engine.job import Job, JobCancelled, OperationError
from encoder_tui.window.app import EncoderApp
from tests.support import hostile_tokenizers as hostile
from tests.support.in_process import tasks_in_process
from tests.support.still import until
from tests.support.terminal import Terminal, encoder_tui

__all__ = ["tasks_in_process"]

THREE = hostile.ENCODING["three replacements by a thousand"]


def form(**parts: object) -> TokenizerForm:
    return provisional(hostile.tokenizer_json(**parts), {})


def said_to_be_harmless(**parts: object) -> TokenizerForm:
    """What the bounds would let through, if they were wrong."""
    return msgspec.structs.replace(form(**parts), growth=Growth(1.0, 1.0))


def job() -> Job:
    return Job(1, lambda message: None)


def test_a_tokenizer_that_takes_all_memory_is_a_sentence_and_not_the_engines_death() -> None:
    with pytest.raises(
        OperationError, match=r"^mine: its tokenizer crashed \(SIGABRT\) when it was tried on this text"
    ):
        trial.try_tokenizer(said_to_be_harmless(**THREE), "aaaa", "mine", job())


def test_an_ordinary_tokenizer_and_one_that_refuses_the_text_pass() -> None:
    trial.try_tokenizer(form(), "a lighthouse", "mine", job())
    trial.try_tokenizer(form(**THREE), "aaaa", "mine", job())
    trial.try_tokenizer(form(model={**hostile.WORDS, "unk_token": "none"}), "b", "mine", job())


def test_a_tokenizer_larger_than_a_pipe_holds_reaches_the_trial_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "PATIENCE", 30.0)
    vocabulary = {"[UNK]": 0, **{f"word{number}": number + 1 for number in range(100_000)}}
    large = form(model={**hostile.WORDS, "vocab": vocabulary, "unk_token": "[UNK]"})
    assert len(large.json) > 1 << 20
    trial.try_tokenizer(large, "word7", "mine", job())


def test_a_tokenizer_that_needs_too_long_is_a_sentence_and_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "PATIENCE", 0.01)
    with pytest.raises(OperationError, match="needs more than 0 seconds for this text"):
        trial.try_tokenizer(form(), "a", "mine", job())
    monkeypatch.setattr(trial, "PATIENCE", 60.0)
    cancelled = Job(1, lambda message: cancelled.cancel())
    begun = time.monotonic()
    with pytest.raises(JobCancelled):
        trial.try_tokenizer(form(), "a", "mine", cancelled)
    assert time.monotonic() - begun < 10


def test_the_engine_counts_no_text_that_would_be_inflated() -> None:
    tokenizer = ModelTokenizer(form(**THREE))
    with pytest.raises(OperationError, match="it could turn"):
        count_batch(tokenizer, ["aaaa"])
    with pytest.raises(OperationError, match="it could turn"):
        cut_batch(tokenizer, ["aaaa"], 512)
    with pytest.raises(OperationError, match="it could turn"):
        document_tokens(tokenizer, "aaaa")
    with pytest.raises(OperationError, match="it could turn"):
        Tokenization(tokenizer, "aaaa").go_on()
    with pytest.raises(OperationError, match="it could turn"):
        Counter("hostile", tokenizer, enabled=True).count(["aaaa"])


@pytest.mark.usefixtures("tasks_in_process")
async def test_a_tokenizer_without_a_known_bound_is_not_shown_before_it_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that crashes the trial is a sentence in its slot."""

    def crash(form: TokenizerForm, text: str, name: str, job: Job) -> None:
        assert (text, app.session.slots[0].state) == ("aaaa", "loading")
        raise OperationError(f"{name}: its tokenizer crashed (SIGABRT)")

    # As JSON was once written, without the kind of each part; the library reads it.
    model = hostile.write_model(tmp_path / "m", normalizer={"strip_left": True, "strip_right": True})
    monkeypatch.setattr("encoder_tui.engine.operations.tokenizer.try_tokenizer", crash)
    app = EncoderApp(Settings(model=(str(model),), text="aaaa"))
    async with app.run_test(size=(120, 40)) as pilot:
        (slot,) = app.session.slots
        await until(pilot, lambda: slot.state == "failed", 60)
        assert slot.message == f"{model}: its tokenizer crashed (SIGABRT)"
        assert slot.tokenizer is None


def test_a_window_opens_on_a_tokenizer_that_inflates_its_text(tmp_path: Path) -> None:
    model = hostile.write_model(tmp_path / "m", **THREE)
    command = encoder_tui("-m", str(model), "-m", "builtin:bert", "--text", "aaaa", "--offline")
    with Terminal(command) as terminal:
        terminal.wait_for("the tokenizer refuses this text: it could turn", 60)
        terminal.wait_for(lambda text: "loading" not in text and "trying" not in text, 60)
        terminal.send("escape")
        terminal.wait_for("edit text")
        terminal.send("ctrl+q")
        assert terminal.exit_code(60) == 0
