"""Measure how long passes take, alternating between models."""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
from typing import TYPE_CHECKING

import msgspec

from encoder_tui.core.text.numbers import count
from encoder_tui.core.timing.best import difference
from encoder_tui.core.timing.pruning import Pruning
from encoder_tui.core.timing.samples import Environment, Measurement, MeasureRequest, Point, Samples
from encoder_tui.core.versions import installed_versions
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.operations.hello import cores
from encoder_tui.engine.timing import rounds
from encoder_tui.engine.timing.watching import Window

if TYPE_CHECKING:
    from encoder_tui.engine.models.loaded_model import LoadedModel
    from encoder_tui.engine.timing.runner import ModelRunner


def run(request: MeasureRequest, job: Job) -> Measurement:
    """Measure one group after the other. Results are sent after every turn, so a cancellation does not lose them."""
    job.progress("importing torch")
    import torch  # noqa: PLC0415

    from encoder_tui.engine.machine.threads import computing_in  # noqa: PLC0415
    from encoder_tui.engine.timing import modes  # noqa: PLC0415

    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    window = Window(job, request.watching, request.pause)
    try:
        loaded, failures = _load(request, job)
        asked_threads = {variant.placement.threads for variant in request.variants}
        with computing_in(asked_threads.pop() if len(asked_threads) == 1 else None):
            environment = _environment(request, sorted({str(model.device) for model in loaded.values()}))
        window.tell(Measurement(environment, failures=failures))
        done: list[Samples] = []
        for number, group in enumerate(request.groups):
            points = [point for point in group if point.variant in loaded and point.variant not in failures]
            # Each group starts with the engine's own number of threads; its runners set theirs.
            torch.set_num_threads(threads)
            runners, pruning = _runners(request, points, loaded, job)
            names = " and ".join(dict.fromkeys(runner.name for runner in runners))
            text = f"{names}: {points[0].batch} × {count(points[0].length, 'token')}" if points else ""
            results: dict[int, Samples] = {}

            def told(
                index: int,
                taken: rounds.Taken,
                runners: list[ModelRunner] = runners,
                results: dict[int, Samples] = results,
                text: str = text,
                number: int = number,
            ) -> None:
                results[index] = runners[index].samples(taken)
                how_far = f", {len(results)} of {len(runners)} settings tried" if request.pruning else ""
                job.progress(text + how_far, number, len(request.groups), "points")
                window.tell(Measurement(samples=[results[index]]))

            if points:
                job.progress(text, number, len(request.groups), "points")
                if request.watching:
                    window.tell(Measurement(samples=[Samples(point) for point in points]))
                wishes = rounds.Wishes(request.min_time, request.min_samples)
                compiling = modes.compiling([request.variants[point.variant].mode for point in points])
                with torch.inference_mode(), compiling, contextlib.ExitStack() as closing:
                    for runner in runners:
                        closing.callback(runner.close)
                    clock = rounds.SystemClock()
                    rounds.take_samples(runners, wishes, clock, window.settle, told, window.was_disturbed, pruning)
            # The distance of a runner that was measured before float32 is known only now.
            done += [
                msgspec.structs.replace(results[index], distance=runner.distance())
                for index, runner in enumerate(runners)
            ]
        return Measurement(environment, done, failures)
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)


def _load(request: MeasureRequest, job: Job) -> tuple[dict[int, LoadedModel], dict[int, str]]:
    """Return the model of each variant, and the reasons for those that cannot be loaded, by the variant's index."""
    from encoder_tui.engine.models.loaded_models import LOADED  # noqa: PLC0415
    from encoder_tui.engine.timing import modes  # noqa: PLC0415

    loaded: dict[int, LoadedModel] = {}
    failures: dict[int, str] = {}
    for index, variant in enumerate(request.variants):
        try:
            loaded[index] = LOADED.get(variant.source, variant.placement, job)
            in_force = loaded[index].use_attention(variant.placement.attention)
            modes.refuse_what_cannot_be_had(loaded[index], variant.mode, in_force.attention)
        except OperationError as error:
            failures[index] = str(error)
    return loaded, failures


def _runners(
    request: MeasureRequest, points: list[Point], loaded: dict[int, LoadedModel], job: Job
) -> tuple[list[ModelRunner], Pruning | None]:
    """Return a runner for each point of a group, and the pruning between them if it was requested."""
    from encoder_tui.engine.timing.runner import ModelRunner  # noqa: PLC0415

    asked = [request.variants[point.variant] for point in points]
    runners = [
        ModelRunner(loaded[point.variant], variant.placement, point, job, variant.mode)
        for point, variant in zip(points, asked, strict=True)
    ]
    for runner in runners:
        # Runners may share a model, whose hooks would be compiled.
        runner.has_checkpoints = not any(variant.mode.compiled for variant in asked)
    if not request.pruning or not asked:
        return runners, None
    exact = next((runner for runner in runners if runner.is_exact), None)
    for runner in runners:
        runner.exact = exact
    return runners, Pruning([difference(asked[0], variant) for variant in asked])


def _environment(request: MeasureRequest, names: list[str]) -> Environment:
    import torch  # noqa: PLC0415

    from encoder_tui.engine.machine import devices  # noqa: PLC0415

    return Environment(
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        asked=[variant.placement for variant in request.variants],
        python=platform.python_version(),
        platform=platform.platform(),
        processor=devices.describe("cpu").description,
        cores=cores(),
        threads=torch.get_num_threads(),
        interop_threads=torch.get_num_interop_threads(),
        load_average=list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        float32_matmul_precision=torch.get_float32_matmul_precision(),
        devices=[msgspec.to_builtins(devices.describe(name)) for name in names],
        versions=installed_versions(),
        min_time_s=request.min_time,
        min_samples=request.min_samples,
        asked_modes=[variant.mode for variant in request.variants],
    )
