"""The cards of the Parameters pane, against what `encoder-tui info` prints."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from encoder_tui.client.client import EngineClient
from encoder_tui.client.loader import Loader
from encoder_tui.commands import info
from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.parameters.card_view import CardView, ShownCard
from tests.support.deployed_models import OLD_POOLING, modules, old, tiny_bert, write_files
from tests.support.in_process import tasks_in_process
from tests.support.still import until
from tests.window.parameters.test_pane import copied, pane, text, tree, window
from tests.window.parameters.test_pane import lines as lines_of_tree

__all__ = ["tasks_in_process"]

pytestmark = pytest.mark.usefixtures("tasks_in_process", "no_engine")


@pytest.fixture
def models(tmp_path: Path) -> tuple[str, str]:
    """A sentence-transformers directory, and a classifier whose checkpoint has a head and lacks the pooler."""
    from safetensors.torch import load_file, save_file

    deployed = tiny_bert(tmp_path / "deployed")
    steps = modules((old("Transformer"), ""), (old("Pooling"), "1_Pooling"))
    write_files(
        deployed,
        {
            "modules.json": steps,
            "1_Pooling/config.json": OLD_POOLING,
            "sentence_bert_config.json": {"max_seq_length": 16, "do_lower_case": True},
            "config_sentence_transformers.json": {"prompts": {"query": "query: "}, "default_prompt_name": "query"},
        },
    )
    classifier = tiny_bert(tmp_path / "classifier")
    config = json.loads((classifier / "config.json").read_text())
    labels = {"id2label": {"0": "good", "1": "bad"}, "architectures": ["BertForSequenceClassification"]}
    (classifier / "config.json").write_text(json.dumps(config | labels))
    tensors = load_file(classifier / "model.safetensors")
    tensors = {name: values for name, values in tensors.items() if "pooler" not in name}
    tensors["spare.weight"] = tensors["embeddings.LayerNorm.weight"].clone()
    save_file(tensors, classifier / "model.safetensors", metadata={"format": "pt"})
    return str(deployed), str(classifier)


def cards(pilot: Pilot[Any]) -> list[ShownCard]:
    return pilot.app.query_one(CardView).shown


def lines(pilot: Pilot[Any]) -> list[str]:
    view = pilot.app.query_one(CardView)
    return [view.line(index).text.rstrip() for index in range(view.virtual_size.height)]


async def printed(loader: Loader, names: tuple[str, ...]) -> list[Any]:
    """What `info` finds out of each model, by its own functions."""
    found = []
    for name in names:
        inspected, versions = await loader.inspected(loader.parse(name))
        found.append((name, await info.with_fit(loader, inspected, versions)))
    return found


async def test_the_cards_hold_what_info_prints_and_y_copies_it(
    models: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    async with window(*models, view="card") as pilot:
        found = await printed(pane(pilot).session.loader, models)
        wanted = json.loads(json.dumps(info.report(found)))["models"]
        for card, of_json in zip(cards(pilot), wanted, strict=True):
            assert card.found is not None
            assert {"model": card.name, **info.report([(card.name, card.found)])["models"][0]} == of_json
        first, second = wanted
        assert (first["limit"], first["pooling"], second["labels"]) == (16, ["mean"], ["good", "bad"])
        assert second["weights"]["missing"] == ["pooler.dense.weight", "pooler.dense.bias"]
        assert second["weights"]["unexpected"] == ["spare.weight"]
        shown = " ".join(" ".join(lines(pilot)).split())
        for words in (
            "16 as trained",
            "mean",
            "good, bad",
            "! sentence-transformers",
            "spare.weight",
            "query 'query: '",
        ):
            assert words in shown
        await pilot.press("y")
        assert copied(pilot) == "\n\n".join(info.table(name, one) for name, one in found)
        await pilot.press("t")
        assert copied(pilot).splitlines()[0] == f"\tA {models[0]}\tB {models[1]}"
        await pilot.press("slash")
        await until(pilot, lambda: pane(pilot).view_name == "trees" and pilot.app.query_one("#search-line").display)


@pytest.mark.parametrize(
    ("size", "number", "beside"), [((80, 24), 2, 2), ((120, 40), 4, 4), ((80, 24), 4, 2), ((60, 16), 2, 1)]
)
async def test_cards_stand_side_by_side_as_far_as_they_fit(
    models: tuple[str, str], size: tuple[int, int], number: int, beside: int
) -> None:
    async with window(*(models * 2)[:number], size=size, view="card") as pilot:
        await until(pilot, lambda: lines(pilot))
        names = [found for line in lines(pilot) if (found := len(re.findall(r"  [A-D]  ", line)))]
        assert names == [beside] * (number // beside)
        assert max(map(len, lines(pilot))) <= size[0]
        remark = next(index for index, line in enumerate(lines(pilot)) if "remarks" in line)
        assert remark < 5, "in plain sight"


async def test_a_card_needs_no_engine(models: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def silent(*_: object, **__: object) -> Any:
        import asyncio

        await asyncio.Event().wait()

    monkeypatch.setattr(EngineClient, "run", silent)
    adapter = tmp_path / "adapter"
    write_files(adapter, {"adapter_config.json": {"peft_type": "LORA", "base_model_name_or_path": "bert-base-cased"}})
    app = EncoderApp(Settings(model=(*models, str(adapter), str(tmp_path / "nowhere")), pane="parameters"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: len([one for one in cards(pilot) if one.found]) == 3)
        await until(pilot, lambda: cards(pilot)[3].is_failed)
        first, _, third, fourth = cards(pilot)
        assert first.cells["reads"].startswith("16 as trained")
        assert "… " in first.cells["missing"]
        assert "an adapter (LORA) without its base" in third.cells["remarks"]
        assert "there is no such directory" in fourth.cells["kind"]


async def test_the_tree_marks_the_checkpoint_and_adds_the_head(models: tuple[str, str]) -> None:
    async with window(models[1]) as pilot:
        assert "(2 random, 1 stored tensor unused)" in text(pilot, "#parameters-sentence")
        drawn = lines_of_tree(tree(pilot))
        assert any("pooler" in line and "random, not in the checkpoint" in line for line in drawn)
        assert any("in the checkpoint, not in the model  1 tensor" in line for line in drawn)
        tree(pilot).focus()
        tree(pilot).reveal("spare.weight")
        await pilot.pause()
        assert "the model has no place for it (unexpected)" in text(pilot, "#detail")
        tree(pilot).reveal("pooler.dense.weight")
        await pilot.pause()
        assert "not in the checkpoint, so random once BertModel is loaded" in text(pilot, "#detail")
        await pilot.press("H")
        await until(pilot, lambda: "BertForSequenceClassification" in lines_of_tree(tree(pilot))[0])
        loader = pane(pilot).session.loader
        files, versions = await loader.files(loader.parse(models[1]), needs_tokenizer=False)
        with_head = await loader.description(files, versions, head=True)
        assert pane(pilot).descriptions.known == [with_head]
        tree(pilot).reveal("classifier.bias")
        await pilot.pause()
        parent = tree(pilot).cursor_node.parent  # type: ignore[union-attr]
        while parent.parent is not None and not parent.parent.is_root:
            parent = parent.parent
        assert str(parent.label) == "head"
        await pilot.press("p")
        assert "from transformers import BertForSequenceClassification" in copied(pilot)
        (card,) = cards(pilot)
        await pilot.press("H")
        await until(pilot, lambda: "BertModel" in lines_of_tree(tree(pilot))[0])
        assert cards(pilot) == [card], "the card is of the encoder alone"
