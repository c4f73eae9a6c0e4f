"""A model with its inputs, as `rounds` runs it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import msgspec
import torch

from encoder_tui.core.models.placement import InForce, Placement
from encoder_tui.core.text.numbers import count
from encoder_tui.core.timing.pruning import HOPELESS
from encoder_tui.core.timing.samples import DeviceState, Distance, Mode, Point, Samples
from encoder_tui.core.tokens.rust_errors import words
from encoder_tui.engine.job import Job, JobCancelled, OperationError
from encoder_tui.engine.machine import device_state, devices, memory
from encoder_tui.engine.machine.device_clock import DeviceClock
from encoder_tui.engine.machine.other_load import OtherLoad
from encoder_tui.engine.machine.out_of_memory import OutOfMemory, is_out_of_memory
from encoder_tui.engine.models.loaded_model import COMPILED, LoadedModel
from encoder_tui.engine.models.random_weights import SEED
from encoder_tui.engine.outputs import forward
from encoder_tui.engine.timing import modes
from encoder_tui.engine.timing.rounds import Ended, Taken

LONG_PASS: Final = 0.5
"""Seconds of a pass above which cancellation is checked inside it. The hooks take less than a thousandth of a second,
which shorter passes are spared.
"""


class ModelRunner:
    """One point of a measurement; see `rounds.Runner`."""

    def __init__(self, loaded: LoadedModel, asked: Placement, point: Point, job: Job, mode: Mode | None = None) -> None:
        self.name = loaded.source.name
        self.point = point
        self._loaded = loaded
        self._placement = asked
        self._threads = torch.get_num_threads()
        self._job = job
        self._asked = mode or Mode()
        self._call = modes.callable_of(loaded, self._asked)
        self._inputs: dict[str, Any] = {}
        self._in_force: InForce | None = None
        self._is_first = True
        self._hooks = ExitStack()
        self._peak: int | None = None
        self._process_peak: int | None = None
        self._clock = DeviceClock(loaded.device)
        self._state: DeviceState | None = None
        self._others: OtherLoad | None = None
        self._short = ""
        self._compiles = self._asked.compiled or asked.attention in COMPILED
        self._allowed: float | None = None
        self._deadline: float | None = None
        self._output: torch.Tensor | None = None
        self._found_distance: Distance | None = None
        self.exact: ModelRunner | None = None
        """The runner with the same weights in float32, whose last hidden state is compared with this one's."""
        self.has_checkpoints = True
        """Whether cancellation is checked inside a pass; a hook would be compiled with the model."""

    def prepare(self) -> None:
        """Apply the settings in which variants of one model differ; refuse what cannot fit."""
        asked = self._placement
        in_force = self._loaded.use_attention(asked.attention)
        torch.set_num_threads(asked.threads or self._threads)
        obtained = None if asked.threads is None else torch.get_num_threads()
        self._in_force = msgspec.structs.replace(in_force, threads=obtained)
        modes.set_precision(self._asked)
        if self._inputs:
            return
        try:
            forward.refuse_what_cannot_fit(self._loaded, self.point.batch, self.point.length)
            inputs = inputs_of(self._loaded, self.point)
        except OperationError as error:
            self._short = "no memory" if isinstance(error, OutOfMemory) else "failed"
            raise Ended(str(error)) from error
        self._inputs = modes.packed(inputs) if self._asked.unpadded else inputs
        self._others = OtherLoad()
        if self.has_checkpoints:
            self._hooks.enter_context(_checkpoints(self._loaded.model, self._look))

    def run(self) -> None:
        """Run one pass. Raises `Ended` if it fails."""
        begun = time.perf_counter()
        # The first pass of a compiled model says nothing about later ones.
        has_limit = self._allowed is not None and not (self._is_first and self._compiles)
        self._deadline = begun + (self._allowed or 0.0) if has_limit else None
        try:
            output = self._call(**self._inputs)
            if self._is_first:
                devices.synchronize(self._loaded.device)
        except (JobCancelled, Ended):
            raise
        except Exception as error:
            raise self._ended(error) from error
        if self._is_first and self.exact is not None:
            self._output = output.last_hidden_state
        if self._is_first:
            self._is_first = False
            if time.perf_counter() - begun < LONG_PASS:
                self.close()
        self._look_at_limit()
        # Runners may share a model: during another runner's pass this one has no limit.
        self._deadline = None

    def allow(self, seconds: float | None) -> None:
        """End a pass that takes longer, between the parts of its layers if it has checkpoints."""
        self._allowed = seconds

    def _look(self) -> None:
        """Continue or stop, between the parts of a layer."""
        self._job.checkpoint()
        self._look_at_limit()

    def _look_at_limit(self) -> None:
        if self._deadline is not None and time.perf_counter() > self._deadline:
            self._short, self._deadline = "too slow", None
            raise Ended(f"stopped after {self._allowed:,.3g} s: {HOPELESS:g} times as slow as the fastest")

    def mark(self) -> None:
        """Let the accelerator record its own time."""
        self._clock.mark()

    def device_seconds(self) -> float | None:
        """Return seconds by the accelerator's own clock."""
        return self._clock.seconds()

    def close(self) -> None:
        """Remove the hooks from the model."""
        self._hooks.close()

    def finish(self) -> None:
        """Wait for the device. Raises `Ended` if it fails."""
        try:
            devices.synchronize(self._loaded.device)
        except Exception as error:
            raise self._ended(error) from error

    def _ended(self, error: Exception) -> Ended:
        self._short = "no memory" if is_out_of_memory(error) else "failed"
        why = "out of memory" if is_out_of_memory(error) else words(error)
        return Ended(f"{self.name} at {self.point.batch} × {count(self.point.length, 'token')}: {why}")

    def reset_peak(self) -> None:
        """Restart the memory peaks of the process and, if possible, of the accelerator."""
        self._can_tell = memory.reset_peak()
        _accelerator_memory(self._loaded.device, "reset_peak_memory_stats")

    def read_peak(self) -> None:
        """Read both peaks."""
        self._process_peak = memory.peak_memory() if self._can_tell else None
        on_device = _accelerator_memory(self._loaded.device, "max_memory_allocated")
        self._peak = self._process_peak if self._loaded.device.type == "cpu" else on_device

    def samples(self, taken: Taken) -> Samples:
        """Return what was measured so far, with the settings in use; do not call it while a sample is taken."""
        if taken.cold is not None:
            self._state = device_state.read(self._loaded.device, self._state)
        return Samples(
            self.point,
            self._in_force,
            taken.cold,
            list(taken.wall),
            list(taken.cpu),
            taken.warm_up,
            taken.calls,
            self._peak,
            self._process_peak,
            taken.ended,
            taken.finished,
            taken.retaken,
            list(taken.device),
            self._obtained(),
            self._short,
            None if self._others is None else self._others.cores(),
            self._state,
            self.distance(),
        )

    @property
    def is_exact(self) -> bool:
        """Whether the weights are in float32."""
        return bool(self._loaded.model.dtype == torch.float32)

    def distance(self) -> Distance | None:
        """Return how far the first pass's last hidden state is from that of float32, once both exist."""
        exact = None if self.exact is None else self.exact._output
        if self.exact is not self and exact is not None and self._output is not None:
            mask = self._inputs["attention_mask"].bool()
            self._found_distance = distance(self._output[mask], exact[mask])
            self._output = None
        return self._found_distance

    def _obtained(self) -> Mode:
        """Return the mode that the passes really ran with, not the requested one."""
        return Mode(
            self._call is not self._loaded.model and modes.has_compiled(),
            self._loaded.device.type == "cuda" and self._asked.tf32 and torch.get_float32_matmul_precision() == "high",
            "cu_seq_lens_q" in self._inputs,
        )


def _accelerator_memory(device: torch.device, function: str) -> Any:
    """Call a function of the accelerator's memory statistics, if this version of torch has it for this kind."""
    if device.type == "cpu":
        return None
    for module in (torch.accelerator, getattr(torch, device.type, None)):
        if hasattr(module, function):
            return getattr(module, function)(device)
    return None


@contextmanager
def _checkpoints(model: torch.nn.Module, look: Callable[[], None]) -> Iterator[None]:
    """Check between the parts of each layer whether to continue."""

    def before(module: torch.nn.Module, arguments: Any) -> None:
        look()

    hooks = [module.register_forward_pre_hook(before) for module in model.modules()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def inputs_of(loaded: LoadedModel, point: Point) -> dict[str, torch.Tensor]:
    """Return the tensors of a point: the given ids, or random ids padded on the right. Raises `OperationError`."""
    if point.given is not None:
        return forward.tensors(loaded, point.given)
    padding = getattr(loaded.model.config, "pad_token_id", None) or 0
    entries = forward.embedded(loaded)
    generator = torch.Generator().manual_seed(SEED)
    ids = torch.randint(entries, (point.batch, point.length), generator=generator)
    # RoBERTa and its relatives derive positions from the padding ids.
    ids[ids == padding] = (padding + 1) % entries
    mask = torch.ones_like(ids)
    for row, real in enumerate(point.real_lengths or ()):
        mask[row, real:] = 0
    ids[mask == 0] = padding
    return {"input_ids": ids.to(loaded.device), "attention_mask": mask.to(loaded.device)}


def distance(found: torch.Tensor, exact: torch.Tensor) -> Distance:
    """Return how far vectors (tokens, hidden) are from others, computed in float64."""
    found, exact = found.double().cpu(), exact.double().cpu()
    largest = float((found - exact).abs().max())
    if not math.isfinite(largest):
        return Distance(None, None)
    return Distance(largest, float(torch.nn.functional.cosine_similarity(found, exact, dim=-1).min()))
