"""Which class of transformers a model is built as: the bare encoder, or the class with a head."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any, Final

ENCODERS: Final = ("EncoderModel", "Encoder")
"""Endings of classes that `architectures` names for a part of what `AutoModel` builds: T5EncoderModel."""


def named_class(config: Any) -> Any:
    """Return the class of transformers that `architectures` names first, if it is made for this configuration."""
    import transformers  # noqa: PLC0415

    name = (getattr(config, "architectures", None) or [None])[0]
    found: Any = getattr(transformers, name, None) if isinstance(name, str) else None
    made_for = getattr(found, "config_class", None)
    return found if isinstance(made_for, type) and isinstance(config, made_for) else None


def encoder_class(config: Any) -> Any:
    """Return the class of a text encoder whose configuration names it; None if `AutoModel` builds the bare model.

    `AutoModel` builds encoder and decoder for T5EncoderModel, and the encoder of questions for DPRContextEncoder.
    """
    found = named_class(config)
    return found if found is not None and found.__name__.endswith(ENCODERS) else None


def build(config: Any, *, trust_remote_code: bool = False, **arguments: Any) -> Any:
    """Return the bare model of a configuration; `arguments` are those of `AutoModel.from_config`."""
    return _built(encoder_class(config), config, trust_remote_code, arguments)


def build_to_run(config: Any, *, trust_remote_code: bool = False, **arguments: Any) -> Any:
    """Return the model that texts are run through, built as `build` does."""
    return _built(class_to_run(config), config, trust_remote_code, arguments)


def _built(found: Any, config: Any, trust_remote_code: bool, arguments: dict[str, Any]) -> Any:
    from transformers import AutoModel  # noqa: PLC0415

    if found is not None:
        return found._from_config(config, **arguments)
    return AutoModel.from_config(config, trust_remote_code=trust_remote_code, **arguments)


def class_to_run(config: Any) -> Any:
    """Return the class of a text encoder if `AutoModel` builds a decoder too that needs inputs of its own (T5Model).

    None if texts are run through what `AutoModel` builds.
    """
    import transformers  # noqa: PLC0415
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES  # noqa: PLC0415

    if (found := encoder_class(config)) is not None:
        return found
    usual = MODEL_MAPPING_NAMES.get(getattr(config, "model_type", ""))
    if not getattr(config, "is_encoder_decoder", False) or not isinstance(usual, str):
        return None
    return getattr(transformers, f"{usual.removesuffix('Model')}EncoderModel", None)


def without_values(how: Callable[..., Any], config: Any, dtype: str) -> Any:
    """Return a model on the meta device, its tensors not tied yet; `how` is `build` or another that takes the same."""
    import torch  # noqa: PLC0415
    from transformers.initialization import no_init_weights, no_tie_weights  # noqa: PLC0415

    # A class may write into its configuration, so each gets its own.
    with torch.device("meta"), no_init_weights(), no_tie_weights():
        return how(deepcopy(config), dtype=getattr(torch, dtype))


def runs_on_text(model: Any) -> bool:
    """Return whether a model runs on token ids alone; a decoder may need inputs of its own."""
    import torch  # noqa: PLC0415

    if not getattr(model.config, "is_encoder_decoder", False):
        return True
    ids = torch.ones(1, 2, dtype=torch.long, device=model.device)
    try:
        with torch.inference_mode():
            model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids))
    except (ValueError, TypeError, AttributeError):
        return False
    return True


def head_builder(config: Any, *, trust_remote_code: bool = False) -> tuple[str, Any] | None:
    """Return the name of the class with a head that `architectures` names, and a function that builds it.

    The function takes the configuration and the arguments of `build`. None if the configuration names no class, or
    one that the model's own code defines and that may not run.
    """
    import transformers  # noqa: PLC0415

    name = (getattr(config, "architectures", None) or [None])[0]
    own = getattr(config, "auto_map", None)
    if trust_remote_code and isinstance(own, dict):
        for auto, stated in own.items():
            if isinstance(stated, str) and stated.rpartition(".")[2] == name and auto.startswith("AutoModel"):
                return name, partial(getattr(transformers, auto).from_config, trust_remote_code=True)
    found = named_class(config)
    return None if found is None else (found.__name__, found._from_config)
