"""What the engine holds: a model with its masked-language head counts and goes like any other."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from encoder_tui.core.models.placement import ModelSource, Placement
from encoder_tui.engine.job import JobCancelled, OperationError
from encoder_tui.protocol.outputs import MemoryRequest, UnloadRequest
from tests.support.saved_models import Heard, saved, silent, with_head

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.usefixtures("unloaded")


@pytest.fixture
def source(tmp_path: Path) -> ModelSource:
    return ModelSource("tiny", str(with_head("bert-cased", tmp_path)))


def test_outputs_of_slots_that_were_not_run_any_more_are_given_back() -> None:
    from encoder_tui.engine.operations import memory
    from encoder_tui.engine.outputs.kept import KEPT

    KEPT.update({slot: {"last_hidden_state": torch.zeros(10)} for slot in range(3)})
    assert memory.run(MemoryRequest(), silent()).outputs == 120
    assert memory.run(MemoryRequest([0]), silent()).outputs == 40
    assert list(KEPT) == [0]


def test_a_model_with_its_head_is_counted_beside_the_plain_one_and_unloaded_with_it(source: ModelSource) -> None:
    from encoder_tui.engine.models.loaded_models import LOADED
    from encoder_tui.engine.operations import memory, unload

    plain = LOADED.get(source, Placement(), silent())
    headed = LOADED.get_with_head(source, "masked_lm", Placement(), silent())
    assert LOADED.get_with_head(source, "masked_lm", Placement(), silent()) is headed
    assert LOADED.get(source, Placement(), silent()) is plain
    held = memory.run(MemoryRequest(), silent()).models
    assert [(model.head, model.in_force.parameter_bytes) for model in held] == [
        (None, plain.parameter_bytes),
        ("masked_lm", headed.parameter_bytes),
    ]
    assert unload.run(UnloadRequest(["elsewhere"]), silent()).models == held
    assert unload.run(UnloadRequest([source.location]), silent()).models == []
    LOADED.get_with_head(source, "masked_lm", Placement(), silent())
    assert unload.run(UnloadRequest(), silent()).models == []


def test_a_model_with_its_head_goes_where_another_needs_its_place(
    source: ModelSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from encoder_tui.engine.machine import devices
    from encoder_tui.engine.models.loaded_models import LOADED

    other = ModelSource("other", str(saved("modernbert", tmp_path)))
    LOADED.get_with_head(source, "masked_lm", Placement(), silent())
    monkeypatch.setattr(devices, "free_on", lambda device: 1000 if LOADED.all() else 1_000_000)
    LOADED.get(other, Placement(), silent())
    assert [loaded.source for loaded in LOADED.all()] == [other]
    LOADED.get_with_head(source, "masked_lm", Placement(), silent())
    assert [(loaded.source, loaded.head) for loaded in LOADED.all()] == [(source, "masked_lm")]


def test_a_head_that_was_written_anew_is_read_anew_and_the_older_one_goes(source: ModelSource) -> None:
    from encoder_tui.engine.models.loaded_models import LOADED

    first = LOADED.get_with_head(source, "masked_lm", Placement(), silent())
    os.utime(Path(source.location) / "model.safetensors", (1, 1))
    second = LOADED.get_with_head(source, "masked_lm", Placement(), silent())
    assert second is not first
    assert LOADED.all() == [second]


@pytest.mark.parametrize("has_weights", [True, False])
def test_a_model_whose_configuration_was_written_anew_is_loaded_anew_and_the_older_one_goes(
    tmp_path: Path, has_weights: bool
) -> None:
    from encoder_tui.engine.models.loaded_models import LOADED

    directory = saved("bert-cased", tmp_path)
    if not has_weights:
        (directory / "model.safetensors").unlink()
    source = ModelSource("tiny", str(directory))
    assert len(LOADED.get(source, Placement(), silent()).model.encoder.layer) == 2
    configuration = directory / "config.json"
    configuration.write_text(json.dumps(json.loads(configuration.read_text()) | {"num_hidden_layers": 1}))
    shorter = LOADED.get(source, Placement(), silent())
    assert len(shorter.model.encoder.layer) == 1
    assert LOADED.all() == [shorter]


def test_a_model_whose_own_code_was_written_anew_is_loaded_anew_where_that_code_may_run(source: ModelSource) -> None:
    from encoder_tui.engine.models.loaded_models import LOADED

    trusted = msgspec.structs.replace(source, trust_remote_code=True)
    code = Path(source.location) / "modeling.py"
    code.write_text("")
    first = [LOADED.get(source, Placement(), silent()), LOADED.get(trusted, Placement(), silent())]
    assert LOADED.all() == first[1:]
    code.write_text("# another")
    assert LOADED.get(trusted, Placement(), silent()) is not first[1]
    plain = LOADED.get(source, Placement(), silent())
    code.write_text("# yet another")
    assert LOADED.get(source, Placement(), silent()) is plain


def test_where_memory_runs_out_while_loading_all_others_go_and_it_is_tried_again(
    source: ModelSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from encoder_tui.engine.models import checkpoints
    from encoder_tui.engine.models.loaded_models import LOADED

    bare = saved("modernbert", tmp_path)
    (bare / "model.safetensors").unlink()
    other = ModelSource("other", str(bare))
    LOADED.get_with_head(source, "masked_lm", Placement(), silent())
    construct = checkpoints.construct

    def needs_all(*arguments: object, **more: object) -> object:
        return torch.empty(1 << 55, dtype=torch.uint8) if LOADED.all() else construct(*arguments, **more)

    monkeypatch.setattr(checkpoints, "construct", needs_all)
    assert LOADED.get(other, Placement(), silent()).weights == "random"
    assert [loaded.source for loaded in LOADED.all()] == [other]
    monkeypatch.setattr(checkpoints, "construct", lambda *arguments, **more: torch.empty(1 << 55, dtype=torch.uint8))
    LOADED.unload()
    with pytest.raises(OperationError, match=r"^other: making random weights: out of memory$"):
        LOADED.get(other, Placement(), silent())


def test_a_cancelled_making_of_weights_is_no_failure(tmp_path: Path) -> None:
    from encoder_tui.engine.models.loaded_models import LOADED

    bare = saved("modernbert", tmp_path)
    (bare / "model.safetensors").unlink()
    job = Heard(end="making random weights")
    with pytest.raises(JobCancelled):
        LOADED.get(ModelSource("other", str(bare)), Placement(), job)
    assert LOADED.all() == []
