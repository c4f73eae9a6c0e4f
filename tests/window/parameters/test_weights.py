"""The views of the Parameters pane that need a checkpoint: a tensor's values, and two checkpoints compared."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from encoder_tui.window.panes.parameters import ParametersPane
from encoder_tui.window.panes.parameters.difference_view import DifferenceView
from encoder_tui.window.panes.parameters.tensor_view import Picture, TensorView
from tests.support.architectures import write_configuration
from tests.support.hub_case import REPO, serving
from tests.support.in_process import tasks_in_process
from tests.support.still import until
from tests.window.parameters.test_pane import text, tree, window

__all__ = ["tasks_in_process"]

pytestmark = pytest.mark.usefixtures("tasks_in_process", "no_engine")


@pytest.fixture
def tuned(tmp_path: Path) -> tuple[str, str]:
    """A checkpoint, and the same with one tensor changed."""
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoConfig, AutoModel

    base = write_configuration(tmp_path / "base", "bert")
    AutoModel.from_config(AutoConfig.from_pretrained(base)).save_pretrained(base)
    other = tmp_path / "tuned"
    shutil.copytree(base, other)
    tensors = load_file(other / "model.safetensors")
    tensors["pooler.dense.weight"] = torch.ones(16, 16)
    save_file(tensors, other / "model.safetensors", metadata={"format": "pt"})
    return str(base), str(other)


async def test_a_tensor_of_a_checkpoint_is_shown_with_histogram_and_heatmap(tuned: tuple[str, str]) -> None:
    async with window(*tuned) as pilot:
        tree(pilot, 1).focus()
        tree(pilot, 1).reveal("pooler.dense.weight")
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.query(Picture) and pilot.app.query_one(Picture).statistics)
        words = text(pilot, "#tensor-words")
        assert "mean 1 " in words
        assert "norm 16" in words
        assert "pooler.dense.weight in model.safetensors, float32" in words
        picture = pilot.app.query_one(Picture)
        drawn = [picture.line(index).text for index in range(picture.virtual_size.height)]
        assert any("█" in line for line in drawn)
        assert any("▀▀▀▀" in line for line in drawn)
        await pilot.press("n")
        await until(pilot, lambda: "pooler.dense.bias" in text(pilot, "#tensor-words"))
        assert pilot.app.query_one(TensorView).asked == (1, "pooler.dense.bias")


async def test_what_is_broken_off_before_its_first_step_says_so_and_is_done_when_it_is_asked_for_again(
    tuned: tuple[str, str],
) -> None:
    async with window(*tuned) as pilot:
        pane = pilot.app.query_one(ParametersPane)
        await pilot.press("V", "V")
        difference = pilot.app.query_one(DifferenceView)
        await until(pilot, lambda: "differ" in text(pilot, "#difference-words"))
        difference._asked = ()
        difference.show(pane.descriptions.entries)
        difference.cancel()
        await until(pilot, lambda: text(pilot, "#difference-words") == "stopped after 0 tensors")
        difference.show(pane.descriptions.entries)
        await until(pilot, lambda: "1 of 55 tensors differ" in text(pilot, "#difference-words"))

        tree(pilot, 1).focus()
        await pilot.press("V")
        tensor = pilot.app.query_one(TensorView)
        entry = pane.descriptions.entries[1]
        assert entry.files is not None
        assert entry.description is not None
        tensor.ask(1, entry.files, entry.description.parameters[0])
        tensor.cancel()
        await until(pilot, lambda: "stopped; press enter in the tree to read it again" in text(pilot, "#tensor-words"))


async def test_the_difference_of_two_checkpoints_names_what_changed_first(tuned: tuple[str, str]) -> None:
    async with window(*tuned) as pilot:
        await pilot.press("V", "V")
        view = pilot.app.query_one(DifferenceView)
        await until(pilot, lambda: "1 of 55 tensors differ" in text(pilot, "#difference-words"))
        assert len(view.changes) == 55
        assert view.changes[0].name == "pooler.dense.weight"
        assert view.changes[0].relative > 0
        assert {change.difference for change in view.changes[1:]} == {0.0}


async def test_a_tensor_follows_its_model_to_another_letter_and_goes_with_it(tuned: tuple[str, str]) -> None:
    async with window(*tuned) as pilot:
        session = pilot.app.query_one(ParametersPane).session

        async def opened(index: int) -> None:
            tree(pilot, index).focus()
            tree(pilot, index).reveal("pooler.dense.weight")
            await pilot.pause()
            await pilot.press("enter")
            await until(pilot, lambda: "mean " in text(pilot, "#tensor-words"))

        await opened(1)
        picture = pilot.app.query_one(Picture)
        assert text(pilot, "#tensor-words").startswith(" B pooler.dense.weight")
        session.swap(0, 1)
        await pilot.pause()
        words = text(pilot, "#tensor-words")
        assert words.startswith(" A pooler.dense.weight")
        assert "mean 1 " in words
        assert picture.statistics is not None
        assert pilot.app.query_one(TensorView).asked == (0, "pooler.dense.weight")
        # When the other model goes it keeps its letter; its own going leaves nothing of it.
        session.swap(0, 1)
        session.remove(0)
        await pilot.pause()
        assert text(pilot, "#tensor-words").startswith(" B pooler.dense.weight")
        session.replace(0, tuned[0])
        await until(pilot, lambda: not session.arriving)
        await pilot.pause()
        assert text(pilot, "#tensor-words").strip().startswith("Choose a parameter in a tree")
        assert picture.statistics is None
        assert pilot.app.query_one(TensorView).asked is None


async def test_a_tensor_of_files_that_changed_is_read_again_where_it_is_in_them(tuned: tuple[str, str]) -> None:
    async with window(*tuned) as pilot:
        descriptions = pilot.app.query_one(ParametersPane).descriptions
        tree(pilot, 1).focus()
        tree(pilot, 1).reveal("pooler.dense.weight")
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: "mean 1 " in text(pilot, "#tensor-words"))
        view, (first, second) = pilot.app.query_one(TensorView), descriptions.entries
        second.files = first.files
        view.show(descriptions.entries)
        await until(pilot, lambda: "mean " in text(pilot, "#tensor-words"))
        assert "mean 1 " not in text(pilot, "#tensor-words")
        assert second.description is not None
        first_alone = second.description.parameters[:1]
        second.description = msgspec.structs.replace(second.description, parameters=first_alone)
        assert second.files is not None
        second.files = msgspec.structs.replace(second.files, weights="others")
        view.show(descriptions.entries)
        assert view.asked is None


async def test_a_tensor_of_a_model_on_the_hub_is_fetched_alone(
    tuned: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = str(write_configuration(tmp_path / "bare", "bert"))
    with serving(Path(tuned[1]), monkeypatch) as hub:
        async with window(bare) as pilot:
            (entry,) = pilot.app.query_one(ParametersPane).descriptions.entries
            assert entry.files is not None
            entry.files = msgspec.structs.replace(entry.files, repo=REPO, commit=hub.commit(REPO))
            tree(pilot).focus()
            tree(pilot).reveal("pooler.dense.weight")
            await pilot.pause()
            await pilot.press("enter")
            await until(pilot, lambda: pilot.app.query(Picture) and pilot.app.query_one(Picture).statistics)
            words = text(pilot, "#tensor-words")
            assert "mean 1 " in words
            assert "pooler.dense.weight in model.safetensors on the Hub, float32" in words
            hub.fault("/storage/*", "ignore range")
            await pilot.press("n")
            await until(pilot, lambda: "sends model.safetensors only as a whole" in text(pilot, "#tensor-words"))
