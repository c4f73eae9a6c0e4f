"""A forward pass: the batch as tensors, its memory, its progress, and its outputs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from encoder_tui.core.outputs.runs import Batch, Dimensions, OutputFacts, memory_needed
from encoder_tui.core.text import numbers
from encoder_tui.core.tokens.rust_errors import words
from encoder_tui.engine.job import Job, JobCancelled, OperationError
from encoder_tui.engine.machine import devices
from encoder_tui.engine.machine.out_of_memory import OutOfMemory, memory_errors
from encoder_tui.engine.models.loaded_model import LoadedModel

CHUNK = 1 << 22
"""How many values are described at once, in float64."""


def tensors(loaded: LoadedModel, batch: Batch) -> dict[str, torch.Tensor]:
    """Return the model's inputs on its device, each (batch, sequence). Raises `OperationError` if they do not fit."""
    name = loaded.source.name
    entries = embedded(loaded)
    highest = max(max(row) for row in batch.input_ids)
    if highest >= entries:
        raise OperationError(
            f"{name}: its tokenizer makes the id {highest:,} but its embeddings have {entries:,} entries;"
            " the tokenizer belongs to another model"
        )
    lists = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    if batch.token_type_ids is not None:
        lists["token_type_ids"] = batch.token_type_ids
    accepted = inspect.signature(loaded.model.forward).parameters
    return {
        key: torch.tensor(rows, dtype=torch.long).to(loaded.device) for key, rows in lists.items() if key in accepted
    }


def embedded(loaded: LoadedModel) -> int:
    """Return how many entries a model's token embeddings have. Raises `OperationError` if it takes no token ids."""
    weight = getattr(loaded.model.get_input_embeddings(), "weight", None)
    if weight is None or "input_ids" not in inspect.signature(loaded.model.forward).parameters:
        raise OperationError(
            f"{loaded.source.name}: {type(loaded.model).__name__} takes no token ids (input_ids), so no text can be run"
            " through it"
        )
    return int(weight.shape[0])


def refuse_what_cannot_fit(
    loaded: LoadedModel, batch: int, length: int, hidden_states: bool = False, attentions: bool = False
) -> None:
    """Raise `OutOfMemory` with an estimate if a pass needs more memory than is free."""
    free = devices.free_on(loaded.device)
    size = dimensions(loaded.model.config)
    if free is None or size is None:
        return
    eager = attentions or loaded.model.config._attn_implementation == "eager"
    needed = memory_needed(
        size,
        batch,
        length,
        loaded.model.dtype.itemsize,
        eager=eager,
        hidden_states=hidden_states,
        attentions=attentions,
    )
    if needed <= free:
        return
    what = "the attentions" if attentions else "eager attention" if eager else "a pass"
    raise OutOfMemory(
        f"{loaded.source.name}: {what} of {batch} × {length:,} tokens ({size.layers} layers, {size.heads} heads) would"
        f" take about {numbers.decimal_size(needed)}, but {loaded.device} has {numbers.decimal_size(free)} free;"
        f" use {'shorter texts or fewer of them' if not attentions else 'a shorter text, or request no attentions'}"
    )


def dimensions(config: Any) -> Dimensions | None:
    """Return the sizes that a configuration states; None if it uses names of its own."""
    names = ("num_hidden_layers", "num_attention_heads", "hidden_size", "intermediate_size")
    numbers = [getattr(config, name, None) for name in names]
    if not all(isinstance(number, int) for number in numbers):
        return None
    return Dimensions(*numbers)  # type: ignore[arg-type]


def forward(
    loaded: LoadedModel,
    inputs: dict[str, torch.Tensor],
    job: Job,
    hidden_states: bool = False,
    attentions: bool = False,
) -> dict[str, torch.Tensor]:
    """Run a model and name every output tensor: `last_hidden_state`, `hidden_states.7`.

    The values equal those of `model(**inputs)` to the last bit. Raises `OperationError` (or its subclass
    `OutOfMemory`) and `JobCancelled`.
    """
    wishes = {"output_hidden_states": hidden_states, "output_attentions": attentions}
    name = loaded.source.name
    try:
        with torch.inference_mode(), memory_errors(f"{name}: the pass"), told_by_layer(loaded, job):
            output = loaded.model(**inputs, **{key: True for key, wish in wishes.items() if wish}, return_dict=True)
            devices.synchronize(loaded.device)
    except (JobCancelled, OperationError):
        raise
    except Exception as error:  # of whatever kind the model's own code raises
        raise OperationError(f"{name}: the pass failed: {words(error)}") from error
    found = {}
    for key, value in output.items():
        if isinstance(value, torch.Tensor):
            found[key] = value
        elif isinstance(value, tuple):
            found |= {f"{key}.{index}": item for index, item in enumerate(value) if isinstance(item, torch.Tensor)}
    return found


@contextmanager
def told_by_layer(loaded: LoadedModel, job: Job) -> Iterator[None]:
    """Report which layer a pass has reached, and check for cancellation between the parts of a layer."""
    layers = set(layer_modules(loaded.model))
    total = getattr(loaded.model.config, "num_hidden_layers", None)
    begun = 0

    def before(module: torch.nn.Module, arguments: Any) -> None:
        nonlocal begun
        if module in layers:
            begun += 1
            job.progress(f"{loaded.source.name}: layer {begun} of {total}", begun - 1, total, "layers")
        else:
            job.checkpoint()

    hooks = [module.register_forward_pre_hook(before) for module in loaded.model.modules()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def layer_modules(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the layers of an encoder: its longest list of modules, or the repeated one if layers share weights."""
    lists = [list(module) for module in model.modules() if isinstance(module, torch.nn.ModuleList) and len(module)]
    return max(lists, key=len, default=[])


def describe(name: str, tensor: torch.Tensor, job: Job, random: str = "") -> OutputFacts:
    """Return a tensor's facts; statistics are computed in float64, a chunk at a time. `random` is as in the facts."""
    values = tensor.reshape(-1)
    pieces = [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
    total, non_finite = 0.0, 0
    for piece in pieces:
        job.checkpoint()
        wide = piece.double()
        total += wide.sum().item()
        non_finite += int((~torch.isfinite(wide)).sum().item())
    facts = (name, list(tensor.shape), str(tensor.dtype).removeprefix("torch."), str(tensor.device))
    if non_finite or not len(values):
        return OutputFacts(*facts, None, None, None, None, non_finite, random)
    mean = total / len(values)
    squares = 0.0
    for piece in pieces:
        job.checkpoint()
        squares += (piece.double() - mean).square().sum().item()
    deviation = (squares / (len(values) - 1)) ** 0.5 if len(values) > 1 else None
    low, high = values.aminmax()
    return OutputFacts(*facts, mean, deviation, float(low), float(high), random=random)
