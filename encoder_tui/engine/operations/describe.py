"""Describe a model: built on the meta device from its configuration, without any values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from encoder_tui.core.dtypes import COMPUTED
from encoder_tui.core.files.safetensors_header import HeaderError
from encoder_tui.core.hub import headers
from encoder_tui.core.hub.offline import offline_by_environment
from encoder_tui.core.models.weight_files import are_whole
from encoder_tui.core.parameters.checkpoint import has_safetensors, notes_of, parameters_of, stored_tensors
from encoder_tui.core.parameters.description import Buffer, Description, Loading, Parameter
from encoder_tui.core.parameters.roles import role_of
from encoder_tui.core.tokens.rust_errors import refusals
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.models.configuration import read_configuration, refuse_unsafe
from encoder_tui.engine.parameters.layer_facts import layer_facts, repeats
from encoder_tui.protocol.parameters import DescribeRequest

UNINTERESTING: Final = frozenset({"position_ids", "token_type_ids", "original_inv_freq"})
"""Buffers that count from zero, hold zeros, or repeat another buffer."""


def run(request: DescribeRequest, job: Job) -> Description:
    """Describe the base model (what `AutoModel` returns), or the checkpoint if transformers has no code for it."""
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
    where = {"local_files_only": True, **({"revision": request.commit} if request.commit else {})}
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
        commit=request.commit,
        runs_code=request.trust_remote_code,
        also_allowed=request.also_allowed,
    )
    return from_architecture(request, job, config)


def from_architecture(request: DescribeRequest, job: Job, config: Any) -> Description:
    """Build the model without values and list its parts. Raises `OperationError`."""
    import torch  # noqa: PLC0415
    from transformers import AutoModel  # noqa: PLC0415
    from transformers.initialization import no_init_weights  # noqa: PLC0415

    dtype = getattr(config, "dtype", None) or checkpoint_dtype(Path(request.path)) or "float32"
    job.progress(f"building {request.name} without its values")
    refused = refusals(OperationError, f"{request.name}: transformers cannot build a model from its configuration")
    with refused, torch.device("meta"), no_init_weights():
        model = AutoModel.from_config(
            config, dtype=getattr(torch, _named(dtype)), trust_remote_code=request.trust_remote_code
        )
        # What `from_pretrained` does after it has read the values: tensors that are one are counted once.
        model.tie_weights()
    job.checkpoint()
    first_names: dict[int, str] = {id(tensor): name for name, tensor in model.named_parameters()}
    tied: dict[str, list[str]] = {}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        if first_names[id(tensor)] != name:
            tied.setdefault(first_names[id(tensor)], []).append(name)
    for source, target in _tied_to_head(config, model.base_model_prefix):
        tied.setdefault(source, []).append(target)
    kind = config.model_type
    return Description(
        class_name=type(model).__name__,
        kind=kind,
        source="architecture",
        parameters=[
            Parameter(
                name,
                tuple(tensor.shape),
                _named(tensor.dtype),
                tensor.numel(),
                role_of(name, kind),
                tuple(tied.get(name, ())),
            )
            for name, tensor in model.named_parameters()
        ],
        buffers=[
            Buffer(name, tuple(tensor.shape), _named(tensor.dtype))
            for name, tensor in model.named_buffers()
            if not name.endswith(tuple(UNINTERESTING))
        ],
        layers=layer_facts(config),
        repeats=repeats(config),
        config=plain(config.to_dict()),
        loading=_loading(model),
    )


def _loading(model: Any) -> Loading:
    """How transformers matches the names in a checkpoint with those of the model."""
    from transformers.conversion_mapping import get_model_conversion_mapping  # noqa: PLC0415

    passed_over = list(getattr(model, "_keys_to_ignore_on_load_unexpected", None) or ())
    return Loading(
        model.base_model_prefix,
        sorted(passed_over),
        bool(get_model_conversion_mapping(model, add_legacy=False)),
    )


def from_checkpoint(request: DescribeRequest, job: Job, config: dict[str, Any], kind: str) -> Description:
    """List the tensors in a checkpoint's headers, by the checkpoint's own names. Raises `OperationError`."""
    directory = Path(request.path)
    job.progress(f"reading the header of {request.name}")
    why = f"transformers has no code for the architecture {kind or '(none is named)'}"
    can_ask = not request.offline and not offline_by_environment()
    # If the download of the weights was cancelled, the Hub still has their headers.
    if has_safetensors(directory) and (are_whole(directory) or request.repo is None or not can_ask):
        try:
            entries = [stored.entry for stored in stored_tensors(directory).values()]
        except (HeaderError, OSError) as error:
            raise OperationError(f"{request.name}: {error}") from error
    elif request.repo and request.commit and can_ask:
        entries = headers.remote_entries(request.name, request.repo, request.commit, job.progress)
    else:
        raise OperationError(f"{request.name}: {why}, and there is no safetensors file to read the tensors from")
    names = [entry.name for entry in entries]
    return Description(
        class_name=str((config.get("architectures") or [kind or "checkpoint"])[0]),
        kind=kind,
        source="checkpoint",
        parameters=parameters_of(entries, kind),
        config=plain(config),
        notes=[f"{why}: these are the checkpoint's own names", *notes_of(names)],
    )


def checkpoint_dtype(directory: Path) -> str | None:
    """Return the dtype that `from_pretrained` takes from the file if the configuration states none."""
    if not has_safetensors(directory):
        return None
    try:
        found = [stored.entry.dtype for stored in stored_tensors(directory).values()]
    except (HeaderError, OSError):
        return None  # the architecture is shown even if the weights are damaged
    return next((dtype for dtype in found if dtype in COMPUTED), None)


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
