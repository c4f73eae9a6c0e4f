"""The Parameters pane in a window without a terminal, with the real tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.parameters.pane import ParametersPane
from encoder_tui.window.panes.parameters.role_and_config_views import ConfigView, RolesView
from encoder_tui.window.panes.parameters.tree import ParameterTree
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.table import Table
from tests.support.architectures import write_configuration
from tests.support.in_process import tasks_in_process
from tests.support.still import until

__all__ = ["tasks_in_process"]

pytestmark = pytest.mark.usefixtures("tasks_in_process", "no_engine")

PATIENCE = 60.0
"""Seconds; torch may have to be imported."""


@asynccontextmanager
async def window(
    *models: str, size: tuple[int, int] = (120, 40), wait: bool = True, view: str = "trees"
) -> AsyncIterator[Pilot[Any]]:
    """A window that opens with the pane, once every model is described or has failed; then in this view."""
    app = EncoderApp(Settings(model=models, pane="parameters"))
    async with app.run_test(size=size) as pilot:
        if wait:
            await until(pilot, lambda: all(e.description or e.is_failed for e in pane(pilot).descriptions.entries))
            await pilot.pause()
        if view != "card":
            await pane(pilot).open_view(view)
            await pilot.pause()
        yield pilot


def pane(pilot: Pilot[Any]) -> ParametersPane:
    return pilot.app.query_one(ParametersPane)


def tree(pilot: Pilot[Any], index: int = 0) -> ParameterTree:
    return pane(pilot).trees.tree_of(index)


def lines(widget: ParameterTree) -> list[str]:
    """What a tree shows, line by line."""
    return ["".join(segment.text for segment in widget.render_line(y)).rstrip() for y in range(widget.last_line + 1)]


def text(pilot: Pilot[Any], selector: str) -> str:
    return str(pilot.app.query_one(selector, Static).content)


def copied(pilot: Pilot[Any]) -> str:
    return pilot.app.clipboard


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """A BERT of three layers and a ModernBERT of seven, without weights or tokenizers."""
    modern = write_configuration(tmp_path / "modern", "modernbert", num_hidden_layers=7)
    return str(write_configuration(tmp_path / "bert", "bert")), str(modern)


async def test_both_trees_open_with_their_layers_folded_and_numbers_in_columns(pair: tuple[str, str]) -> None:
    async with window(*pair) as pilot:
        first, second = lines(tree(pilot)), lines(tree(pilot, 1))
        assert "BertModel  55 parameters" in first[0]
        (stack,) = [line for line in second if "7 layers" in line]
        assert "layer 0 has no" in stack
        assert not any("layers.1" in line for line in second)
        ends = {len(line) for line in first}
        assert len(ends) == 1, "the numbers end in one column"
        assert "they share no name" in text(pilot, "#parameters-sentence")
        assert "every third layer (0 to 6) global" not in text(pilot, "#detail")
        tree(pilot, 1).focus()
        await pilot.pause()
        assert "every third layer (0 to 6) global, rotary base 160,000" in text(pilot, "#detail")


async def test_nodes_fill_as_they_are_opened(pair: tuple[str, str]) -> None:
    async with window(*pair) as pilot:
        layers = next(node for node in tree(pilot).root.children if "encoder.layer" in str(node.label))
        assert len(layers.children) == 0
        tree(pilot).move_cursor(layers)
        await pilot.press("right")
        await until(pilot, lambda: layers.children)
        assert [str(child.label) for child in layers.children] == ["0", "1", "2"]
        await pilot.press("left")
        await pilot.pause()
        assert not layers.is_expanded


async def test_expand_all_shows_every_parameter_and_fold_all_hides_them(pair: tuple[str, str]) -> None:
    async with window(*pair) as pilot:
        before = tree(pilot).last_line
        await pilot.press("x")
        shown = [node for node in map(tree(pilot).get_node_at_line, range(tree(pilot).last_line + 1)) if node]
        names = [node.data.parameter.name for node in shown if node.data is not None and node.data.parameter]
        described = pane(pilot).descriptions.known[0]
        assert described is not None
        assert names == [parameter.name for parameter in described.parameters]
        await pilot.press("z")
        assert tree(pilot).last_line < before
        assert tree(pilot).last_line == len(tree(pilot).root.children)


async def test_a_search_goes_to_what_is_typed_and_n_goes_on(pair: tuple[str, str]) -> None:
    async with window(*pair) as pilot:
        await pilot.press("slash", *"query")
        await pilot.pause()
        assert text(pilot, "#search-count") == "1 of 13: A 6, B 7"
        assert tree(pilot).current is not None
        assert tree(pilot).current.path == "encoder.layer.0.attention.self.query.weight"  # type: ignore[union-attr]
        await pilot.press("enter", "n")
        await pilot.pause()
        assert tree(pilot).has_focus
        assert tree(pilot).current.path == "encoder.layer.0.attention.self.query.bias"  # type: ignore[union-attr]
        await pilot.press("N", "N")
        await pilot.pause()
        assert tree(pilot, 1).has_focus
        assert tree(pilot, 1).current.path == "layers.6.attn.Wqkv.weight"  # type: ignore[union-attr]
        await pilot.press("slash", *"nothing")
        await pilot.pause()
        assert text(pilot, "#search-count") == "nothing found"
        await pilot.press("escape")
        await pilot.pause()
        assert not pilot.app.query_one("#search-line").display
        assert pilot.app.query_one("#search", Input).value == ""


async def test_o_jumps_to_the_same_role_in_the_other_model(pair: tuple[str, str]) -> None:
    async with window(*pair) as pilot:
        tree(pilot).reveal("encoder.layer.1.attention.self.key.weight")
        await pilot.pause()
        assert "layers.3.attn.Wqkv.weight" in text(pilot, "#detail")
        await pilot.press("o")
        await pilot.pause()
        assert tree(pilot, 1).has_focus
        assert tree(pilot, 1).current.path == "layers.3.attn.Wqkv.weight"  # type: ignore[union-attr]
        tree(pilot).focus()
        tree(pilot).reveal("pooler.dense.weight")
        await pilot.pause()
        assert "has no pooler" in text(pilot, "#detail")
        await pilot.press("o")
        assert tree(pilot).has_focus


async def test_s_sorts_by_size_and_back_and_keeps_what_is_open(pair: tuple[str, str]) -> None:
    async with window(*pair) as pilot:
        tree(pilot).reveal("encoder.layer.1.output.dense.bias")
        await pilot.pause()
        in_order = lines(tree(pilot))
        await pilot.press("s")
        await pilot.pause()
        sizes = [child.data.numel for child in tree(pilot).root.children if child.data is not None]
        assert sizes == sorted(sizes, reverse=True)
        assert tree(pilot).current.path == "encoder.layer.1.output.dense.bias"  # type: ignore[union-attr]
        await pilot.press("s")
        await pilot.pause()
        assert lines(tree(pilot)) == in_order


async def test_names_tables_and_python_can_be_copied(pair: tuple[str, str]) -> None:
    async with window(*pair) as pilot:
        tree(pilot).reveal("pooler.dense.weight")
        await pilot.pause()
        await pilot.press("y")
        assert copied(pilot) == "pooler.dense.weight"
        await pilot.press("t")
        rows = copied(pilot).splitlines()
        assert len(rows) == 1 + 55
        assert rows[0].split("\t") == ["name", "shape", "dtype", "numel", "bytes", "role"]
        await pilot.press("p")
        assert f"AutoConfig.from_pretrained({pair[0]!r})" in copied(pilot)
        assert "AutoModel.from_config(config)" in copied(pilot)
        assert "model.get_parameter('pooler.dense.weight')" in copied(pilot)
        compile(copied(pilot), "copied", "exec")


async def test_the_roles_view_says_what_each_model_lacks(pair: tuple[str, str]) -> None:
    async with window(*pair) as pilot:
        await pilot.press("v")
        view = pilot.app.query_one(RolesView)
        await until(pilot, lambda: view.rows)
        cells = {row.role: [cell.words for cell in row.cells if cell is not None] for row in view.rows}
        assert cells["position_embedding"] == ["32 × 16", "none: rotary positions instead"]
        assert cells["type_embedding"] == ["2 × 16", "none"]
        assert cells["query"] == ["3 × (16 × 16) + bias", "in the fused q/k/v"]
        assert cells["fused_qkv"] == ["separate query, key, value", "7 × (48 × 16)"]
        assert cells["attention_norm"] == ["3 × (16) + bias", "6 × (16)"]
        assert cells["final_norm"] == ["none: norm after each part", "16"]
        traits = text(pilot, "#traits")
        for words in ("no biases", "no pooler", "gated feed-forward", "norm first", "a window of 128 in 4 of 7 layers"):
            assert words in traits
        await pilot.press("t")
        assert copied(pilot).startswith("role\tA tensors\tA values\tB tensors\tB values\n")
        await until(pilot, lambda: view.query_one(Table).has_focus)
        await pilot.press("down", "enter")
        await until(pilot, lambda: pane(pilot).view_name == "trees")
        assert tree(pilot).current.path == "embeddings.position_embeddings.weight"  # type: ignore[union-attr]


async def test_the_configuration_shows_differences_first_and_can_be_searched(pair: tuple[str, str]) -> None:
    async with window(*pair) as pilot:
        await pilot.press("v", "v")
        view = pilot.app.query_one(ConfigView)
        await until(pilot, lambda: view.rows)
        stated = [row for row in view.rows if not row.is_derived]
        assert [row.differs for row in stated] == sorted((row.differs for row in stated), reverse=True)
        derived = {row.name: row.values for row in view.rows if row.is_derived}
        assert derived["head size"] == ("8", "8")
        assert derived["layers"] == ("3 global", "3 global, 4 sliding window")
        assert derived["context"] == ("32 tokens", "32 tokens")
        await pilot.press("slash", *"layers")
        await pilot.pause()
        assert {"num_hidden_layers", "layers"} <= {row.name for row in view.rows}
        assert all("layers" in row.name or any("layers" in (v or "") for v in row.values) for row in view.rows)


async def test_without_weights_a_tensor_says_so(pair: tuple[str, str]) -> None:
    async with window(*pair) as pilot:
        tree(pilot).reveal("pooler.dense.weight")
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: pane(pilot).view_name == "tensor")
        assert "there are no weights here" in text(pilot, "#tensor-words")
        await pilot.press("escape")
        await until(pilot, lambda: pane(pilot).view_name == "trees")


async def test_models_without_a_common_name_cannot_be_compared_tensor_by_tensor(pair: tuple[str, str]) -> None:
    async with window(*pair) as pilot:
        await pilot.press("V", "V")
        await until(pilot, lambda: "No two of these models share" in text(pilot, "#difference-words"))


async def test_a_model_that_fails_stands_beside_one_that_does_not(pair: tuple[str, str], tmp_path: Path) -> None:
    broken = write_configuration(tmp_path / "broken", "bert", num_attention_heads=3)
    async with window(str(broken), pair[1]) as pilot:
        assert "cannot" in str(pilot.app.query_one("#side-0 .words", Static).content)
        assert not tree(pilot).display
        assert "ModernBertModel" in lines(tree(pilot, 1))[0]
        pilot.app.session.replace(0, pair[0])  # type: ignore[attr-defined]
        await until(pilot, lambda: pane(pilot).descriptions.known[0])
        await pilot.pause()
        assert "BertModel" in lines(tree(pilot))[0]
        assert tree(pilot).display


@pytest.mark.parametrize("size", [(80, 24), (60, 16), (120, 40), (200, 50)])
async def test_no_line_is_wider_than_the_window(pair: tuple[str, str], size: tuple[int, int]) -> None:
    async with window(*pair, size=size) as pilot:
        await pilot.press("x")
        for _ in range(5):
            await pilot.pause()
            pilot.app.query_one("#parameters-view", Choice).action_move(1)
        for index in (0, 1):
            assert max(map(len, lines(tree(pilot, index)))) <= size[0] // (2 if size[0] >= 100 else 1)
            assert tree(pilot, index).max_scroll_x == 0


async def test_four_models_stand_beside_each_other(pair: tuple[str, str], tmp_path: Path) -> None:
    more = [str(write_configuration(tmp_path / kind, kind)) for kind in ("distilbert", "deberta-v2 as v3")]
    async with window(*pair, *more) as pilot:
        places = [pane(pilot).trees.query_one(f"#side-{index}").region for index in range(4)]
        assert len({place.x for place in places}) == 2, "two columns of two in 120 columns"
        for index, name in enumerate(("BertModel", "ModernBertModel", "DistilBertModel", "DebertaV2Model")):
            assert name in lines(tree(pilot, index))[0]
        await pilot.press("v")
        view = pilot.app.query_one(RolesView)
        await until(pilot, lambda: view.rows)
        assert {len(row.cells) for row in view.rows} == {4}


async def test_names_from_a_strangers_checkpoint_are_made_safe(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    folder = write_configuration(tmp_path / "odd", "bert", model_type="odd[bold]", architectures=["[red]Odd\x1b[2J"])
    names = ("[link=x]a.\x1b]0;owned\x07.weight", "b.\u202eweight.weight")
    save_file({name: torch.ones(2) for name in names}, folder / "model.safetensors")
    async with window(str(folder)) as pilot:
        await pilot.press("x", "down")
        await pilot.pause()
        shown = "\n".join(lines(tree(pilot))) + text(pilot, "#detail")
        assert "[red]Odd␛[2J" in shown
        assert "[link=x]a" in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "the checkpoint's own names" in str(pilot.app.query_one("#side-0 .words", Static).content)
