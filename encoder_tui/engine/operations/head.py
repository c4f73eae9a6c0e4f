"""Run a model with a head, and return its logits."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.tasks.heads import HeadAnswer, Logits
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.tasks import HeadRequest, HeadRow

OUTPUTS: Final = {"question_answering": ("start_logits", "end_logits")}
"""The outputs of a head by its task; all others have one, `logits`."""


def run(request: HeadRequest, job: Job) -> HeadAnswer:
    """Run the rows in batches of similar lengths. Raises `OperationError` (or its subclass `OutOfMemory`)."""
    job.progress("importing torch")

    from encoder_tui.engine.machine.threads import computing_in  # noqa: PLC0415
    from encoder_tui.engine.models.loaded_models import LOADED  # noqa: PLC0415
    from encoder_tui.engine.outputs import forward  # noqa: PLC0415

    name, choices = request.source.name, request.choices
    if not request.rows or not all(row.input_ids for row in request.rows):
        raise OperationError(f"{name}: a text without tokens cannot be run; give another text")
    if choices < 1 or len(request.rows) % choices:
        raise OperationError(f"{name}: {len(request.rows)} rows are not a multiple of {choices} choices")
    loaded = LOADED.get_with_head(request.source, request.head, request.placement, job, request.allow_random)
    in_force = loaded.use_attention(request.placement.attention)
    groups = [request.rows[start : start + choices] for start in range(0, len(request.rows), choices)]
    names = OUTPUTS.get(request.head, ("logits",))
    found: dict[str, list[Logits | None]] = {output: [None] * len(groups) for output in names}
    done = 0
    for members in _batches(request, groups):
        job.progress(f"{name}: {done:,} of {len(groups):,} run", done, len(groups), "rows")
        rows = [row for index in members for row in groups[index]]
        inputs = forward.tensors(loaded, _padded(request, rows))
        if choices > 1 or request.head == "multiple_choice":
            inputs = {key: value.view(len(members), choices, -1) for key, value in inputs.items()}
        forward.refuse_what_cannot_fit(loaded, len(rows), max(len(row.input_ids) for row in rows))
        with computing_in(request.placement.threads) as threads:
            in_force = msgspec.structs.replace(in_force, threads=threads)
            outputs = forward.forward(loaded, inputs, job)
        for output in names:
            values = outputs[output].float().cpu()
            for at, index in enumerate(members):
                found[output][index] = _of_row(request, values[at], groups[index][0])
        done += len(members)
    return HeadAnswer(in_force, {output: [row for row in rows if row is not None] for output, rows in found.items()})


def _batches(request: HeadRequest, groups: Sequence[Sequence[HeadRow]]) -> list[list[int]]:
    """Return the groups of each batch: longest first, so that memory is found to be short at once."""
    lengths = [max(len(row.input_ids) for row in group) for group in groups]
    order = sorted(range(len(groups)), key=lambda index: -lengths[index])
    most = max(request.batch // request.choices, 1)
    found: list[list[int]] = []
    for index in order:
        fits = request.pad_id is not None or (found and lengths[found[-1][0]] == lengths[index])
        if found and fits and len(found[-1]) < most:
            found[-1].append(index)
        else:
            found.append([index])
    return found


def _padded(request: HeadRequest, rows: Sequence[HeadRow]) -> Batch:
    longest = max(len(row.input_ids) for row in rows)

    def fill(values: Sequence[int], filling: int) -> list[int]:
        return [*values, *[filling] * (longest - len(values))]

    types = [row.token_type_ids for row in rows]
    return Batch(
        [fill(row.input_ids, request.pad_id or 0) for row in rows],
        [fill([1] * len(row.input_ids), 0) for row in rows],
        None if None in types else [fill(row, request.pad_type_id) for row in types if row is not None],
    )


def _of_row(request: HeadRequest, values: Any, row: HeadRow) -> Logits:
    """Return the logits of one row, without those of its padding."""
    if request.head in {"token_classification", "question_answering"}:
        values = values[: len(row.input_ids)]
    array = values.contiguous().numpy()
    return Logits(list(values.shape), bytes((array.byteswap() if sys.byteorder == "big" else array).tobytes()))
