"""The threads that a pass is computed in, and the search for the fastest settings, with tiny models."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from encoder_tui.core.models.placement import ModelSource, Placement
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.timing.samples import MeasureRequest, Point, Variant
from encoder_tui.engine.job import OperationError
from encoder_tui.protocol.models import OffersRequest
from encoder_tui.protocol.tasks import VectorsRequest
from tests.support.saved_models import run, saved, silent, value

torch = pytest.importorskip("torch")

GIVEN = Batch([[2, 5, 6, 3]], [[1, 1, 1, 1]])

pytestmark = pytest.mark.usefixtures("unloaded")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return saved("modernbert", tmp_path)


@pytest.fixture
def source(directory: Path) -> ModelSource:
    return ModelSource("tiny", str(directory))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The number of threads inside each pass, in their order."""
    from transformers import ModernBertModel

    numbers: list[int] = []
    forward = ModernBertModel.forward

    @functools.wraps(forward)
    def noting(self: Any, **inputs: Any) -> Any:
        numbers.append(torch.get_num_threads())
        return forward(self, **inputs)

    monkeypatch.setattr(ModernBertModel, "forward", noting)
    yield numbers
    assert torch.get_num_threads() == 1


def test_a_run_computes_in_the_threads_that_were_asked_for_says_so_and_gives_them_back(
    directory: Path, seen: list[int]
) -> None:
    asked = run(directory, threads=3)
    assert seen == [3]
    assert asked.in_force.threads == 3
    assert asked.in_force.words().startswith("cpu ×3, float32")
    assert torch.get_num_threads() == 1
    unasked = run(directory)
    assert seen == [3, 1]
    assert unasked.in_force.threads is None
    assert unasked.in_force.words().startswith("cpu, float32")


def test_vectors_are_computed_in_them_too(source: ModelSource, seen: list[int]) -> None:
    from encoder_tui.engine.operations import vectors

    answer = vectors.run(VectorsRequest(source, Placement(threads=2), GIVEN), silent())
    assert seen == [2]
    assert answer.in_force.threads == 2


def test_a_pass_that_fails_gives_the_threads_back(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import ModernBertModel

    def failing(self: Any, input_ids: Any = None, **inputs: Any) -> Any:
        raise ValueError("no")

    monkeypatch.setattr(ModernBertModel, "forward", failing)
    with pytest.raises(OperationError, match="the pass failed: no"):
        run(directory, threads=3)
    assert torch.get_num_threads() == 1


def test_variants_that_differ_in_threads_share_their_weights_and_take_turns_with_their_own(
    source: ModelSource, seen: list[int]
) -> None:
    from encoder_tui.engine.models.loaded_models import LOADED
    from encoder_tui.engine.operations import measure

    variants = [Variant(source, Placement(threads=number)) for number in (None, 2, 3)]
    request = MeasureRequest(variants, [[Point(index, 8) for index in range(3)]], 0.0)
    answer = measure.run(request, silent())
    assert len(LOADED.all()) == 1
    obtained = [samples.in_force.threads for samples in answer.samples if samples.in_force is not None]
    assert obtained == [None, 2, 3]
    assert set(seen) == {1, 2, 3}
    assert answer.environment is not None
    assert answer.environment.threads == 1


def test_what_a_model_could_run_with_is_what_its_architecture_has_and_this_installation_offers(
    source: ModelSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from encoder_tui.engine.operations import offers

    monkeypatch.setenv("CXX", "no-such-compiler")
    found = offers.run(OffersRequest(source, Placement(attention="eager", threads=2)), silent())
    assert sorted(found.attentions) == ["eager", "sdpa", "sdpa_local"]
    assert (found.in_force.attention, found.threads) == ("eager", 2)
    other = ModelSource("other", str(saved("deberta-v2", tmp_path)))
    assert offers.run(OffersRequest(other, Placement()), silent()).attentions == ["eager"]


def test_where_settings_are_chosen_each_says_how_far_it_is_from_float32(source: ModelSource) -> None:
    from encoder_tui.engine.operations import measure

    asked = [Placement(), Placement(dtype="bfloat16"), Placement(attention="eager"), Placement(threads=2)]
    variants = [Variant(source, placement) for placement in asked]
    points = [Point(index, 4, given=GIVEN) for index in range(4)]
    answer = measure.run(MeasureRequest(variants, [points], 0.0, 3, pruning=True), silent())
    exact, half, eager, threads = (samples.distance for samples in answer.samples)
    assert exact is None
    assert half is not None
    assert half.largest is not None
    assert half.cosine is not None
    assert 1e-4 < half.largest < 0.2
    assert 0.99 < half.cosine < 1
    for near in (eager, threads):
        assert near is not None
        assert near.largest is not None
        assert near.largest < 1e-4


def test_values_that_are_not_finite_have_no_distance() -> None:
    from encoder_tui.engine.timing.runner import distance

    broken = distance(torch.tensor([[1.0, float("nan")]]), torch.ones(1, 2))
    assert (broken.largest, broken.cosine) == (None, None)
    assert broken.words() == "has values that are not finite"


def test_a_slow_pass_is_broken_off_in_its_middle_and_only_its_own(
    source: ModelSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    from encoder_tui.core.timing import pruning
    from encoder_tui.engine.models.loaded_models import LOADED
    from encoder_tui.engine.operations import measure

    monkeypatch.setattr(pruning, "GRACE", 0.0)
    monkeypatch.setattr(pruning, "HOPELESS", 1e-6)
    through = []
    model = LOADED.get(source, Placement(), silent()).model
    model.final_norm.register_forward_hook(lambda *_: through.append(torch.get_num_threads()))
    variants = [Variant(source), Variant(source, Placement(threads=2))]
    points = [Point(index, 8) for index in range(2)]
    first, slow = measure.run(MeasureRequest(variants, [points], 0.0, 3, pruning=True), silent()).samples
    assert first.finished
    assert (slow.short, slow.samples_s) == ("too slow", [])
    assert (slow.ended or "").startswith("stopped after ")
    assert set(through) == {1}
    assert not any(module._forward_pre_hooks for module in model.modules())


@pytest.mark.filterwarnings("ignore:flex_attention called without")
def test_flex_attention_gives_what_sdpa_gives_and_without_a_compiler_a_sentence(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.integrations.flex_attention import WrappedFlexAttention

    from encoder_tui.engine.machine import devices

    if devices.FLEX in devices.offers(torch.device("cpu")):
        # Compiling it takes a minute on a busy machine.
        monkeypatch.setattr(torch, "compile", lambda function, **more: function)
        monkeypatch.setattr(WrappedFlexAttention, "_instance", None)
        monkeypatch.setattr(WrappedFlexAttention, "_is_flex_compiled", False)
        run(directory, attention="sdpa")
        expected = value("last_hidden_state")
        assert run(directory, attention=devices.FLEX).in_force.attention == devices.FLEX
        # The first text is the shorter one, and what comes out of its padding may be anything.
        assert torch.allclose(value("last_hidden_state")[1], expected[1], atol=1e-4)
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert devices.offers(torch.device("cpu")) == []
    with pytest.raises(
        OperationError, match=r"flex_attention needs a C\+\+ compiler, and there is no no-such-compiler here"
    ):
        run(directory, attention=devices.FLEX)


@pytest.mark.parametrize("block", [2, 5, 16])
def test_local_attention_gives_what_sdpa_gives_where_texts_are_padded_too(
    directory: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from encoder_tui.engine.models import local_attention

    monkeypatch.setattr(local_attention, "BLOCK", block)
    # Three tokens to each side.
    config = json.loads((directory / "config.json").read_text("utf-8"))
    (directory / "config.json").write_text(json.dumps({**config, "local_attention": 6}), "utf-8")
    outputs = run(directory, attention="sdpa", hidden_states=True).outputs
    expected = {facts.name: value(facts.name) for facts in outputs}
    answer = run(directory, attention=local_attention.NAME, hidden_states=True)
    assert answer.in_force.attention == local_attention.NAME
    assert answer.in_force.remarks == []
    for name, tensor in expected.items():
        assert torch.allclose(value(name)[1], tensor[1], atol=1e-5), name
        assert torch.allclose(value(name)[0, :4], tensor[0, :4], atol=1e-5), name


def test_local_attention_is_sdpa_where_no_layer_is_local(tmp_path: Path) -> None:
    answer = run(saved("bert-cased", tmp_path), attention="sdpa_local")
    assert answer.in_force.attention == "sdpa"
    assert answer.in_force.remarks == [f"{tmp_path / 'bert-cased'}: its architecture has no local layers; sdpa is used"]
