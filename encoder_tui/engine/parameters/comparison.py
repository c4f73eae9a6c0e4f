"""Compare a model with the tensors of a checkpoint as `from_pretrained` does, without reading a value.

transformers itself renames, joins and splits the tensors, and decides what is missing and unexpected: its loader is
given tensors on the meta device, which have a name, a dtype and a shape, but no values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from encoder_tui.core.parameters.description import Fit, Misfit


class Comparison(NamedTuple):
    """How a checkpoint fits a model, and why transformers cannot convert some of its tensors, if so."""

    fit: Fit
    failures: list[str]


def compare(model: Any, tensors: Mapping[str, Any], same_values: Callable[[str, str], bool]) -> Comparison:
    """Load tensors of the meta device into a model of the meta device, and tie what `from_pretrained` would tie.

    `same_values` says whether two tensors of the checkpoint are equal: a checkpoint that holds different values for
    tensors that the configuration ties is loaded with both.
    """
    from transformers.conversion_mapping import get_model_conversion_mapping  # noqa: PLC0415
    from transformers.modeling_utils import LoadStateDictConfig  # noqa: PLC0415

    conversions = get_model_conversion_mapping(model)
    order = list(model.state_dict())
    places = _places(model, tensors, conversions)
    how = LoadStateDictConfig(
        ignore_mismatched_sizes=True,
        device_map={"": "meta"},
        dtype=model.dtype,
        dtype_plan=model._get_dtype_plan(model.dtype),
        weight_mapping=conversions,
    )
    info, _ = model._load_pretrained_model(model, dict(tensors), None, how)
    _tie(model, info, places, same_values)
    model._adjust_missing_and_unexpected_keys(info)
    misfits = [Misfit(name, tuple(there), tuple(wanted)) for name, there, wanted in info.mismatched_keys]
    stored_names, stored_dtypes = _stored(model, tensors, places)
    fit = Fit(
        missing=[name for name in order if name in info.missing_keys],
        unexpected=sorted(info.unexpected_keys),
        misfits=sorted(misfits, key=lambda misfit: order.index(misfit.name)),
        stored_dtypes=stored_dtypes,
        stored_names=stored_names,
    )
    return Comparison(fit, [str(words).strip().splitlines()[-1] for words in info.conversion_errors.values()])


def hiding_prefix(build: Callable[[], Any], tensors: Mapping[str, Any]) -> str:
    """Return the prefix of the stored names without which the model would find its parameters; otherwise empty.

    `build` makes the model on the meta device.
    """
    hiding = ""
    for _ in range(3):
        firsts = Counter(name.partition(".")[0] for name in tensors)
        (first, number), *_ = firsts.most_common(1) or [("", 0)]
        # A trainer may keep the weights of its loss beside the model.
        if not first or number < len(tensors) / 2:
            break
        hiding += f"{first}."
        tensors = {n.removeprefix(f"{first}."): value for n, value in tensors.items() if n.startswith(f"{first}.")}
        model = build()
        fit = compare(model, tensors, lambda one, other: True).fit
        if len(fit.missing) < len(list(model.parameters())) / 2:
            return hiding
    return ""


def _places(model: Any, tensors: Mapping[str, Any], conversions: list[Any]) -> dict[str, list[str]]:
    """Return, for each tensor of a checkpoint, the names of the model's tensors that its values go to."""
    from transformers.core_model_loading import WeightConverter, WeightRenaming, rename_source_key  # noqa: PLC0415

    renamings = [one for one in conversions if isinstance(one, WeightRenaming)]
    converters = [one for one in conversions if isinstance(one, WeightConverter)]
    wanted, prefix = model.state_dict(), model.base_model_prefix
    found = {}
    for name in tensors:
        renamed, pattern = rename_source_key(name, renamings, converters, prefix, wanted)
        if renamed not in wanted and name in wanted:
            renamed, pattern = rename_source_key(name, [], [], base_model_prefix=prefix, meta_state_dict=wanted)
        targets = [renamed]
        if pattern is not None:
            ends = next(one.target_patterns for one in converters if pattern in one.source_patterns)
            targets = [renamed.replace(ends[0], end) for end in ends]
        found[name] = [target for target in targets if target in wanted]
    return found


def _tie(model: Any, info: Any, places: Mapping[str, list[str]], same_values: Callable[[str, str], bool]) -> None:
    """Do what `_finalize_model_loading` does with tied tensors, which needs values if a checkpoint holds both."""
    stored = {target: name for name, targets in places.items() for target in targets if len(targets) == 1}
    for target, source in list(model.all_tied_weights_keys.items()):
        both = target in stored and source in stored
        if both and not same_values(stored[target], stored[source]):
            model.all_tied_weights_keys.pop(target)
    model.mark_tied_weights_as_initialized(info)
    model.tie_weights(missing_keys=info.missing_keys, recompute_mapping=False)
    model.tie_weights(recompute_mapping=False)


def _stored(
    model: Any, tensors: Mapping[str, Any], places: Mapping[str, list[str]]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the names and the dtypes in the checkpoint of the parameters for which they are others in the model."""
    first = {id(parameter): name for name, parameter in model.named_parameters()}
    names = {name: first[id(parameter)] for name, parameter in model.named_parameters(remove_duplicate=False)}
    loaded = {name: _named(parameter.dtype) for name, parameter in model.named_parameters()}
    sources: dict[str, list[str]] = {}
    dtypes: dict[str, str] = {}
    for stored, targets in places.items():
        for target in targets:
            if target in names:
                name, dtype = names[target], _named(tensors[stored].dtype)
                sources.setdefault(name, []).append(stored)
                if dtype != loaded[name]:
                    dtypes[name] = dtype
    renamed = {
        name: stored[0] for name, stored in sources.items() if stored[0] != name and len(places[stored[0]]) == 1
        and len(stored) == 1
    }  # fmt: skip
    return renamed, dtypes


def _named(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")
