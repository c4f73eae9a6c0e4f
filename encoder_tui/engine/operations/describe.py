"""Describe a model: built on the meta device from its configuration, without any values."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from encoder_tui.core.dtypes import COMPUTED
from encoder_tui.core.files.safetensors_header import HeaderError
from encoder_tui.core.models.card import card_of
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.models.weight_files import are_whole
from encoder_tui.core.parameters.checkpoint import has_safetensors, notes_of, parameters_of, stored_tensors
from encoder_tui.core.parameters.description import Buffer, Description, Fit, Parameter
from encoder_tui.core.parameters.fit import remarks_on
from encoder_tui.core.parameters.roles import role_of
from encoder_tui.core.text.safe import visible
from encoder_tui.core.tokens.rust_errors import refusals, words
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.models.classes import build, head_builder, without_values
from encoder_tui.engine.models.configuration import read_configuration, refuse_unsafe
from encoder_tui.engine.parameters.comparison import compare, hiding_prefix
from encoder_tui.engine.parameters.layer_facts import layer_facts, repeats
from encoder_tui.engine.parameters.listed_tensors import Listed, can_ask, listed, on_hub
from encoder_tui.protocol.parameters import DescribeRequest

UNINTERESTING: Final = frozenset({"position_ids", "token_type_ids", "original_inv_freq"})
"""Buffers that count from zero, hold zeros, or repeat another buffer."""


def run(request: DescribeRequest, job: Job) -> Description:
    """Describe the base model (what `AutoModel` returns), or with its head (the class that `architectures` names).

    If transformers has no code for the model, its checkpoint is described.
    """
    job.progress("importing transformers")
    from transformers import PreTrainedConfig  # noqa: PLC0415
    from transformers.models.auto import configuration_auto, modeling_auto  # noqa: PLC0415

    job.progress(f"reading the configuration of {request.name}")
    directory = Path(request.path)
    refuse_unsafe(
        request.name,
        directory,
        own=request.repo,
        runs_code=request.trust_remote_code,
        also_allowed=request.also_allowed,
    )
    # The transformer may lie in a folder of its repository, from which transformers reads it as a directory.
    commit = request.commit if request.location != request.path else None
    where = {"local_files_only": True, **({"revision": commit} if commit else {})}
    with refusals(OperationError, f"{request.name}: config.json cannot be read"):
        written, _ = PreTrainedConfig.get_config_dict(request.location, **where)
    kind = str(written.get("model_type", ""))
    has_code = kind in configuration_auto.CONFIG_MAPPING_NAMES and kind in modeling_auto.MODEL_MAPPING_NAMES
    if not has_code and not (request.trust_remote_code and "auto_map" in written):
        return from_checkpoint(request, job, written, kind)
    config = read_configuration(
        request.name,
        directory,
        own=request.repo,
        commit=commit,
        runs_code=request.trust_remote_code,
        also_allowed=request.also_allowed,
    )
    description = from_architecture(request, job, config)
    if "auto_map" in written and not request.trust_remote_code and _is_of_other_code(description):
        why = "config.json names the model's own code, which was not run, and the checkpoint is of that code"
        return from_checkpoint(request, job, written, kind, why)
    return description


def _is_of_other_code(description: Description) -> bool:
    """Return whether a checkpoint has other names than most of the parameters (Jina v3 calls itself XLM-RoBERTa)."""
    fit = description.fit
    return fit is not None and not fit.prefix and 2 * len(fit.missing) > len(description.parameters)


def from_architecture(request: DescribeRequest, job: Job, config: Any) -> Description:
    """Build the model without values, compare it with its checkpoint, and list its parts. Raises `OperationError`."""
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()
    remarks, checkpoint = [], None
    try:
        checkpoint = listed(request, job)
    except ModelError as error:
        remarks.append(f"its parameters were not compared with its checkpoint: {error}")
    dtype = getattr(config, "dtype", None) or _dtype_of(checkpoint) or "float32"
    job.progress(f"building {request.name} without its values")
    head = head_builder(config, trust_remote_code=request.trust_remote_code)
    bare = _built(request, config, dtype)
    has_head = head is not None and head[0] != type(bare).__name__
    if request.head and not has_head:
        remarks.append("its configuration names no class with a head (architectures), so this is the encoder alone")
    model = _built(request, config, dtype, head[1]) if request.head and head is not None and has_head else bare
    job.checkpoint()
    fit = None
    if checkpoint is None:
        # What `from_pretrained` does after it has read the values: tensors that are one are counted once.
        model.tie_weights()
    else:
        build = partial(_built, request, config, dtype, head[1] if model is not bare and head is not None else None)
        model, fit, failures = _compared(model, build, checkpoint)
        remarks += failures
    parameters = _parameters(model, config, bare)
    said = _remarks_on_weights(request)
    if fit is not None and checkpoint is not None:
        remarks += remarks_on(fit, type(model).__name__, parameters, checkpoint.file, said)
    return Description(
        class_name=type(model).__name__,
        kind=config.model_type,
        source="architecture",
        parameters=parameters,
        buffers=[
            Buffer(name, tuple(tensor.shape), _named(tensor.dtype))
            for name, tensor in model.named_buffers()
            if not name.endswith(tuple(UNINTERESTING))
        ],
        layers=layer_facts(config),
        repeats=repeats(config),
        config=plain(config.to_dict()),
        fit=fit,
        on_hub=None if checkpoint is None else checkpoint.on_hub,
        head_class=head[0] if head is not None and has_head else None,
        remarks=[visible(remark) for remark in [*said, *remarks]],
    )


def _built(request: DescribeRequest, config: Any, dtype: Any, how: Callable[..., Any] | None = None) -> Any:
    """Return a model without values whose tensors are not tied yet; `how` builds another than the bare one."""
    how = how or partial(build, trust_remote_code=request.trust_remote_code)
    with refusals(OperationError, f"{request.name}: transformers cannot build a model from its configuration"):
        return without_values(how, config, _named(dtype))


def _compared(model: Any, build: Callable[[], Any], checkpoint: Listed) -> tuple[Any, Fit | None, list[str]]:
    """Return the model as it is after loading, how the checkpoint fits it, and sentences about what went wrong."""
    failed: list[str] = []
    try:
        found = compare(model, checkpoint.tensors, checkpoint.same_values)
        fit = found.fit
        failed += [f"transformers cannot convert some of its tensors: {failure}" for failure in found.failures[:1]]
        names = {name for name, _ in model.named_parameters()}
        if names <= set(fit.missing) and (prefix := hiding_prefix(build, checkpoint.tensors)):
            fit = msgspec.structs.replace(fit, prefix=prefix)
    except Exception as error:  # noqa: BLE001  # of whatever kind the loading of the model's own code raises
        model = build()
        model.tie_weights()
        return model, None, [f"its parameters could not be compared with its checkpoint: {words(error)}"]
    return model, fit, failed


def _parameters(model: Any, config: Any, bare: Any) -> list[Parameter]:
    """Return the parameters of a model, tied ones once; those that the bare model does not have are the head's."""
    first_names: dict[int, str] = {id(tensor): name for name, tensor in model.named_parameters()}
    tied: dict[str, list[str]] = {}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        if first_names[id(tensor)] != name:
            tied.setdefault(first_names[id(tensor)], []).append(name)
    if model is bare or type(model) is type(bare):
        for source, target in _tied_to_head(config, model.base_model_prefix):
            tied.setdefault(source, []).append(target)
    return [
        Parameter(
            name,
            tuple(tensor.shape),
            _named(tensor.dtype),
            tensor.numel(),
            role_of(name, config.model_type),
            tuple(tied.get(name, ())),
            _is_head(name, model, bare),
        )
        for name, tensor in model.named_parameters()
    ]


def _is_head(name: str, model: Any, bare: Any) -> bool:
    if type(model) is type(bare):
        return False
    if model.base_model is not model:
        return not name.startswith(f"{model.base_model_prefix}.")
    return name not in {own for own, _ in bare.named_parameters(remove_duplicate=False)}


def _remarks_on_weights(request: DescribeRequest) -> list[str]:
    """Return what the files of the model's directory say about its weights."""
    try:
        return card_of(request.name, Path(request.path)).of_weights
    except ModelError:
        return []  # its parameters can be listed even if its tokenizer's files cannot be read


def _dtype_of(checkpoint: Listed | None) -> str | None:
    """Return the dtype that `from_pretrained` takes from the file if the configuration states none."""
    found = [_named(tensor.dtype) for tensor in (checkpoint.tensors if checkpoint else {}).values()]
    return next((dtype for dtype in found if dtype in COMPUTED), None)


def from_checkpoint(
    request: DescribeRequest, job: Job, config: dict[str, Any], kind: str, why: str = ""
) -> Description:
    """List the tensors in a checkpoint's headers, by the checkpoint's own names; `why` says why not the model's.

    Raises `OperationError`.
    """
    directory = Path(request.path)
    job.progress(f"reading the header of {request.name}")
    why = why or f"transformers has no code for the architecture {kind or '(none is named)'}"
    weights = None
    # If the download of the weights was cancelled, the Hub still has their headers.
    if has_safetensors(directory) and (are_whole(directory) or not can_ask(request)):
        try:
            entries = [stored.entry for stored in stored_tensors(directory).values()]
        except (HeaderError, OSError) as error:
            raise OperationError(f"{request.name}: {error}") from error
    elif can_ask(request):
        entries, weights = on_hub(request, job)
    else:
        raise OperationError(f"{request.name}: {why}, and there is no safetensors file to read the tensors from")
    names = [entry.name for entry in entries]
    return Description(
        class_name=str((config.get("architectures") or [kind or "checkpoint"])[0]),
        kind=kind,
        source="checkpoint",
        parameters=parameters_of(entries, kind),
        config=plain(config),
        fit=Fit(),
        on_hub=weights,
        remarks=[f"{why}: these are the checkpoint's own names", *notes_of(names)],
    )


def _named(dtype: Any) -> str:
    """Return the torch dtype of this name."""
    return str(dtype).removeprefix("torch.")


def _tied_to_head(config: Any, prefix: str) -> list[tuple[str, str]]:
    """Return parameters of the base model that the checkpoint's own class also uses in its head."""
    import transformers  # noqa: PLC0415

    name = (getattr(config, "architectures", None) or [""])[0]
    if not getattr(config, "tie_word_embeddings", False) or not isinstance(name, str):
        return []
    keys = getattr(getattr(transformers, name, None), "_tied_weights_keys", None)
    if not isinstance(keys, dict):
        return []
    return [
        (source.removeprefix(f"{prefix}."), f"{target} of {name}")
        for target, source in keys.items()
        if isinstance(source, str) and source.startswith(f"{prefix}.")
    ]


def plain(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration as JSON data, without entries that say nothing about the model."""
    about: dict[str, Any] = json.loads(json.dumps(config, default=str))
    for name in ("_name_or_path", "transformers_version", "auto_map"):
        about.pop(name, None)
    return about
