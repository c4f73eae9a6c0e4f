"""The Parameters pane in a real pseudo-terminal with the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.terminal import Terminal, encoder_tui

PAIR = ("-m", "builtin:bert", "-m", "builtin:modernbert")


@pytest.mark.parametrize(("columns", "lines"), [(120, 40), (80, 24)])
def test_the_trees_open_a_search_finds_and_a_jump_lands_in_the_other_model(columns: int, lines: int) -> None:
    with Terminal(encoder_tui(*PAIR, "--pane", "parameters"), columns, lines) as terminal:
        terminal.wait_for(" kind ", 90)
        terminal.send("v")
        terminal.wait_for(lambda text: "BertModel  199 parameters" in text and "ModernBertModel  134 p" in text, 90)
        terminal.wait_for("12 layers alike")
        terminal.wait_for("22 layers")
        terminal.wait_for("A has 108.3 M values")
        terminal.send("/")
        terminal.wait_for("part of a name")
        for letter in "feed-forward out":
            terminal.send(letter)
        terminal.wait_for("1 of 70: A 48, B 22")
        terminal.send("enter")
        terminal.wait_for("o other model")
        terminal.send("n")
        terminal.wait_for(" A encoder.layer.0.output.dense.bias   feed-forward out")
        terminal.send("o")
        terminal.wait_for(" B layers.0.mlp.Wo.weight   feed-forward out")


def test_f3_opens_the_pane_and_f2_goes_back() -> None:
    with Terminal(encoder_tui(*PAIR)) as terminal:
        terminal.wait_for("blocks agree")
        terminal.send("f3")
        terminal.wait_for("ModernBert", 90)
        terminal.send("v")
        terminal.wait_for("ModernBertModel", 90)
        terminal.send("v")
        terminal.wait_for("in the fused q/k/v")
        terminal.send("v")
        terminal.wait_for("settings differ")
        terminal.send("1")
        terminal.wait_for("blocks agree")
        terminal.send("escape", "2")
        terminal.wait_for("settings differ")


def test_without_weights_and_without_a_tokenizer_the_tree_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "electra"}')
    with Terminal(encoder_tui("-m", str(folder), "--pane", "parameters")) as terminal:
        terminal.wait_for(" kind ", 90)
        terminal.send("v")
        terminal.wait_for("ElectraModel", 90)
        terminal.send("down", "down", "enter")
        terminal.wait_for("there are no weights here")
