"""Compare two checkpoints of one architecture, tensor by tensor."""

from __future__ import annotations

from math import sqrt

from encoder_tui.core.parameters.checkpoint import Stored, find, prefixes_of, unwrapped
from encoder_tui.core.parameters.statistics import Change, Differences
from encoder_tui.engine.job import Job
from encoder_tui.engine.operations.tensor import finite_of
from encoder_tui.engine.parameters import stored_values
from encoder_tui.protocol.parameters import DifferenceRequest


def run(request: DifferenceRequest, job: Job) -> Differences:
    """Compare tensors of the same name and shape; results come as partial answers."""
    first = unwrapped(stored_values.stored(request.first, request.first_path))
    second = unwrapped(stored_values.stored(request.second, request.second_path))
    pairs, only_first, other_shape, taken = [], [], [], set()
    prefixes = prefixes_of(second)
    for name, tensor in first.items():
        twin = find(name, second, prefixes)
        if twin is None:
            only_first.append(name)
            continue
        taken.add(twin.entry.name)
        if twin.entry.shape == tensor.entry.shape:
            pairs.append((name, tensor, twin))
        else:
            other_shape.append(name)
    only_second = [name for name, tensor in second.items() if tensor.entry.name not in taken]
    changes = []
    total = sum(tensor.entry.end - tensor.entry.start for _, tensor, _ in pairs)
    done = 0
    for name, tensor, twin in pairs:
        job.progress(f"comparing {name}", done, total, "bytes")
        changes.append(_change(name, tensor, twin, job))
        job.partial(Differences(changes=changes[-1:]))
        done += tensor.entry.end - tensor.entry.start
    return Differences(changes=changes, only_first=only_first, only_second=only_second, other_shape=other_shape)


def _change(name: str, tensor: Stored, twin: Stored, job: Job) -> Change:
    import numpy  # noqa: PLC0415

    squares = difference = largest = 0.0
    values = zip(stored_values.slices(tensor, job), stored_values.slices(twin, job), strict=True)
    with numpy.errstate(invalid="ignore", over="ignore"):
        for one, other in values:
            step = other - one
            if not numpy.isfinite(step.sum()):
                # Equal values, and NaN on both sides, did not change; any other NaN is infinitely far away.
                step[(one == other) | (numpy.isnan(one) & numpy.isnan(other))] = 0.0
                step[numpy.isnan(step)] = numpy.inf
            finite = finite_of(one)
            squares += float(numpy.dot(finite, finite))
            difference += float(numpy.dot(step, step))
            largest = max(largest, float(numpy.abs(step).max(initial=0.0)))
    return Change(name, tensor.entry.shape, sqrt(squares), sqrt(difference), largest)
