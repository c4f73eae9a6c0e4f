"""A model's way into its slot, whatever the text at hand is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from encoder_tui.app import EncoderApp
from encoder_tui.settings import Settings
from tests.in_process import tasks_in_process
from tests.model_directories import write
from tests.still import until

__all__ = ["tasks_in_process"]


def without_unknown() -> Tokenizer:
    """A tokenizer that refuses every word but two: it has no token for those that it does not know."""
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


@pytest.mark.usefixtures("tasks_in_process")
async def test_a_model_that_refuses_the_text_at_hand_is_loaded_all_the_same(tmp_path: Path) -> None:
    directory = write("bert", without_unknown, {"tokenizer_class": "PreTrainedTokenizerFast"}, tmp_path / "m")
    app = EncoderApp(Settings(model=(str(directory),), text="hello world"))
    async with app.run_test(size=(120, 40)) as pilot:
        (slot,) = app.session.slots
        await until(pilot, lambda: slot.state == "exact" and not slot.waiting, 60)
        assert slot.message == ""
        told = [one.message for one in app._notifications]
        assert any("the tokenizer refuses this text" in message for message in told)
