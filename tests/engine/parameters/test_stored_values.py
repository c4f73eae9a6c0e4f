"""The values of stored tensors: statistics read slice by slice, and checkpoints compared."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

from encoder_tui.core.parameters.checkpoint import wrapper_of
from encoder_tui.core.parameters.fit import why_nothing_fits
from encoder_tui.core.parameters.statistics import Differences, TensorStatistics, sentence
from encoder_tui.core.text.numbers import relative_percent
from encoder_tui.engine.job import Job, JobCancelled, OperationError
from encoder_tui.engine.operations import difference, tensor
from encoder_tui.engine.parameters import stored_values
from encoder_tui.protocol.frames import Partial
from encoder_tui.protocol.parameters import DifferenceRequest, TensorRequest
from encoder_tui.window.panes.parameters.tensor_view import facts


def job() -> Job:
    return Job(1, lambda message: None)


def write(folder: Path, **tensors: object) -> Path:
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    return folder


def statistics(folder: Path, name: str = "a.weight") -> TensorStatistics:
    return tensor.run(TensorRequest("a model", str(folder), name), job())


@pytest.fixture(params=[1 << 20, 128, 96, 7], ids=lambda size: f"slices of {size:,}")
def slice_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Slices of whole rows, of several rows, of one row, and shorter than a row."""
    monkeypatch.setattr(stored_values, "SLICE", request.param)
    size: int = request.param
    return size


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64", "int16", "float8_e4m3fn", "bool"])
def test_statistics_are_those_of_the_whole_tensor(tmp_path: Path, slice_size: int, dtype: str) -> None:
    import torch

    generator = torch.Generator().manual_seed(3)
    values = (torch.randn(50, 96, generator=generator) * 3 + 1).to(getattr(torch, dtype))
    found = statistics(write(tmp_path, **{"a.weight": values}))
    whole = values.to(torch.float64).numpy()
    assert (found.shape, found.dtype, found.numel) == ((50, 96), dtype, 4_800)
    assert found.mean == pytest.approx(whole.mean())
    assert found.std == pytest.approx(whole.std())
    assert found.norm == pytest.approx(numpy.linalg.norm(whole))
    assert (found.minimum, found.maximum) == (whole.min(), whole.max())
    assert found.zeros == (whole == 0).sum()
    assert (found.nan, found.infinite) == (0, 0)
    assert sum(found.histogram) == 4_800
    expected, _ = numpy.histogram(whole, 60)
    # A value on the edge between two bins may round into either.
    assert numpy.abs(numpy.cumsum(found.histogram) - numpy.cumsum(expected)).max() <= (whole.size if dtype in
        {"int16", "float8_e4m3fn", "bool", "bfloat16", "float16"} else 2)  # fmt: skip


def test_the_heatmap_holds_the_means_of_its_cells(tmp_path: Path, slice_size: int) -> None:
    import torch

    values = torch.arange(80 * 240, dtype=torch.float32).reshape(80, 240)
    found = statistics(write(tmp_path, **{"a.weight": values}))
    assert found.heat_shape == (80, 240)
    expected = values.reshape(40, 2, 120, 2).mean(dim=(1, 3)).tolist()
    assert found.heatmap == [pytest.approx(row) for row in expected]


def test_a_grid_that_does_not_divide_evenly_loses_no_value(tmp_path: Path, slice_size: int) -> None:
    import torch

    values = torch.ones(43, 131)
    found = statistics(write(tmp_path, **{"a.weight": values}))
    assert len(found.heatmap) == 40
    assert {cell for row in found.heatmap for cell in row} == {1.0}


@pytest.mark.parametrize("shape", [(), (1,), (7,), (0, 4), (3, 4, 5)])
def test_tensors_of_every_rank_are_read(tmp_path: Path, slice_size: int, shape: tuple[int, ...]) -> None:
    import torch

    values = torch.full(shape, 2.0)
    found = statistics(write(tmp_path, **{"a.weight": values}))
    assert found.shape == shape
    assert sum(found.histogram) == found.numel == values.numel()
    assert (found.mean, found.minimum) == ((2.0, 2.0) if values.numel() else (0.0, 0.0))
    assert found.std == 0.0


def test_values_that_are_not_finite_are_counted_apart(tmp_path: Path, slice_size: int) -> None:
    import torch

    values = torch.ones(20, 96)
    values[3, 5:9] = float("nan")
    values[4, 0], values[5, 1], values[6, 2] = float("inf"), float("-inf"), 0.0
    found = statistics(write(tmp_path, **{"a.weight": values}))
    assert (found.nan, found.infinite, found.zeros) == (4, 2, 1)
    assert (found.minimum, found.maximum) == (0.0, 1.0)
    assert found.mean == pytest.approx((20 * 96 - 7) / (20 * 96 - 6))
    assert sum(found.histogram) == 20 * 96 - 6
    assert numpy.isnan(found.heatmap[3][5])
    assert found.heatmap[3][20] == 1.0


@pytest.mark.parametrize(
    ("values", "filled"),
    [
        ([1.0, 1.0, numpy.nan, numpy.nan], {30: 2}),
        ([numpy.nan, numpy.nan, numpy.inf], {}),
        ([1e308, -1e308, 0.0], {0: 1, 30: 1, 59: 1}),
        ([0.0, 5e-324], {0: 1, 59: 1}),
        ([3.0, 3.0], {30: 2}),
        ([1e300, 1e300], {30: 2}),
    ],
)
def test_the_histogram_counts_finite_values_alone_wherever_they_lie(
    tmp_path: Path, values: list[float], filled: dict[int, int]
) -> None:
    import torch

    found = statistics(write(tmp_path, **{"a.weight": torch.tensor(values, dtype=torch.float64)}))
    assert {place: number for place, number in enumerate(found.histogram) if number} == filled


def test_a_tensor_without_a_finite_value_is_told_without_numbers(tmp_path: Path) -> None:
    import torch

    found = statistics(write(tmp_path, **{"a.weight": torch.tensor([numpy.nan, numpy.nan, numpy.inf])}))
    assert facts(found) == ["no finite value   2 NaN   1 infinite", "a.weight in model.safetensors, float32"]


def test_a_mean_that_is_large_beside_the_deviation_costs_no_digits(tmp_path: Path, slice_size: int) -> None:
    import torch

    values = torch.tensor([1e9 - 1, 1e9 + 1] * 500, dtype=torch.float64)
    found = statistics(write(tmp_path, **{"a.weight": values}))
    assert found.std == pytest.approx(1.0)


def test_a_parameter_is_found_under_the_checkpoints_own_name(tmp_path: Path) -> None:
    import torch

    write(tmp_path, **{"bert.embeddings.LayerNorm.gamma": torch.ones(4), "bert.pooler.dense.bias": torch.zeros(3)})
    assert statistics(tmp_path, "embeddings.LayerNorm.weight").stored_name == "bert.embeddings.LayerNorm.gamma"
    assert statistics(tmp_path, "pooler.dense.bias").stored_name == "bert.pooler.dense.bias"
    with pytest.raises(OperationError, match=r"no tensor named pooler\.dense\.weight"):
        statistics(tmp_path, "pooler.dense.weight")


def test_without_weights_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="there are no weights here"):
        statistics(tmp_path)


def test_reading_stops_between_two_slices_when_it_is_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(stored_values, "SLICE", 10)
    seen: list[object] = []
    asked = Job(1, lambda message: (seen.append(message), asked.cancel() if len(seen) == 5 else None))
    with pytest.raises(JobCancelled):
        tensor.run(TensorRequest("m", str(write(tmp_path, **{"a.weight": torch.ones(1000)})), "a.weight"), asked)
    assert len(seen) == 5


def test_a_large_tensor_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    """A sparse file of 2 GiB, read with a few dozen megabytes."""
    import json
    import resource
    import struct

    rows = 1 << 19
    header = json.dumps({"a.weight": {"dtype": "F32", "shape": [rows, 1024], "data_offsets": [0, rows * 4096]}})
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header.encode())
        file.truncate(8 + len(header) + rows * 4096)
    stored = stored_values.stored("m", str(tmp_path))["a.weight"]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = 0
    for values in stored_values.slices(stored, job()):
        count += len(values)
        if count >= 64 << 20:
            break
    assert count == 64 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000, "kilobytes"


def compared(first: Path, second: Path, on: Job | None = None) -> Differences:
    return difference.run(DifferenceRequest("first", str(first), "second", str(second)), on or job())


def test_what_changed_is_told_tensor_by_tensor(tmp_path: Path, slice_size: int) -> None:
    import torch

    base = {name: torch.full((30, 4), 2.0) for name in ("same.weight", "some.weight", "much.weight", "gone.weight")}
    tuned = {name: values.clone() for name, values in base.items() if name != "gone.weight"}
    tuned["some.weight"][0, 0] += 1
    tuned["much.weight"] *= -1
    base["shape.weight"], tuned["shape.weight"] = torch.ones(4), torch.ones(5)
    tuned["new.weight"] = torch.ones(1)
    seen: list[object] = []
    found = compared(write(tmp_path / "a", **base), write(tmp_path / "b", **tuned), Job(1, seen.append))
    relative = {change.name: change.relative for change in found.changes}
    assert relative == pytest.approx({"same.weight": 0, "some.weight": 1 / (2 * 120**0.5), "much.weight": 2.0})
    largest = {change.name: change.largest for change in found.changes}
    assert largest == {"same.weight": 0, "some.weight": 1, "much.weight": 4}
    assert (found.only_first, found.only_second, found.other_shape) == (
        ["gone.weight"],
        ["new.weight"],
        ["shape.weight"],
    )
    assert sum(isinstance(message, Partial) for message in seen) == 3
    words = sentence(found, "AB")
    for part in ("2 of 3 tensors differ", "much.weight, 200 % of its norm", "1 only in A", "1 with another shape"):
        assert part in words


def test_a_checkpoint_equals_itself_under_another_prefix(tmp_path: Path) -> None:
    import torch

    values = {"embeddings.word.weight": torch.ones(3, 2), "pooler.dense.bias": torch.ones(2)}
    first = write(tmp_path / "a", **values)
    second = write(tmp_path / "b", **{f"bert.{name}": tensor.clone() for name, tensor in values.items()})
    found = compared(first, second)
    assert sentence(found, "AB") == "all 2 tensors are equal"
    assert found.only_second == []


def test_what_is_no_number_in_both_is_equal_and_what_is_in_one_alone_is_infinitely_far(
    tmp_path: Path, slice_size: int
) -> None:
    import torch

    odd = torch.tensor([1.0, numpy.nan, numpy.inf, -numpy.inf])
    first = write(tmp_path / "1", **{"a.weight": odd, "b.weight": torch.ones(3), "c.weight": torch.ones(3)})
    spoiled = torch.tensor([1.0, numpy.nan, 1.0])
    second = write(tmp_path / "2", **{"a.weight": odd, "b.weight": 2 * torch.ones(3), "c.weight": spoiled})
    assert sentence(compared(first, first), "AB") == "all 3 tensors are equal"
    found = {change.name: change for change in compared(first, second).changes}
    assert (found["a.weight"].norm, found["a.weight"].difference, found["a.weight"].relative) == (1, 0, 0)
    assert found["b.weight"].relative == pytest.approx(1)
    assert (found["c.weight"].relative, found["c.weight"].largest) == (numpy.inf, numpy.inf)
    told = sentence(compared(first, second), "AB")
    assert told == "2 of 3 tensors differ; largest change: c.weight, ∞ of its norm"


def test_what_came_of_nothing_is_infinitely_far() -> None:
    from encoder_tui.core.parameters.statistics import Change

    assert relative_percent(Change("a", (1,), 0.0, 1.0, 1.0).relative) == "∞"
    assert Change("a", (1,), 0.0, 0.0, 0.0).relative == 0.0
    assert sentence(Differences(), "AB") == "A and B have no tensor of the same name and shape"


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "state_dict.model.", "module._orig_mod."])
def test_what_a_trainer_puts_before_the_names_is_seen_through(tmp_path: Path, prefix: str) -> None:
    import torch

    names = ("bert.embeddings.word.weight", "bert.encoder.layer.0.output.dense.weight", "bert.pooler.dense.bias")
    values = {name: torch.full((3,), float(number)) for number, name in enumerate(names)}
    plain = write(tmp_path / "a", **{name.removeprefix("bert."): tensor.clone() for name, tensor in values.items()})
    wrapped = write(tmp_path / "b", **{f"{prefix}{name}": tensor for name, tensor in values.items()})
    for found in (compared(plain, wrapped), compared(wrapped, plain)):
        assert sentence(found, "AB") == "all 3 tensors are equal"
    assert statistics(wrapped, "encoder.layer.0.output.dense.weight").mean == 1.0
    words = why_nothing_fits("BertModel", [f"{prefix}{name}" for name in names])
    assert f'has "{prefix}" before its name' in words
    assert f"save_file({{n.removeprefix({prefix!r}): t for n, t in load_file('model.safetensors').items()}}" in words


def test_a_wrapper_that_hides_a_collision_stays() -> None:
    assert wrapper_of(["model.a", "model.b", "a"]) == ""
    assert wrapper_of(["model.a", "model.b", "loss"]) == "model."
    assert wrapper_of([]) == ""
    assert "theirs are called vision.a, …; check that config.json" in why_nothing_fits("BertModel", ["vision.a"])
