"""The exact tokenizer of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from encoder_tui.core.tokens.exact_form import SPECIAL_ROLES, TokenizerForm
from encoder_tui.core.tokens.inflation import growth_of
from encoder_tui.core.tokens.rust_errors import refusals
from encoder_tui.core.tokens.stated_length import sane_length
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.models.configuration import refuse_unsafe
from encoder_tui.engine.trial import try_tokenizer
from encoder_tui.protocol.models import TokenizerRequest


def run(request: TokenizerRequest, job: Job) -> TokenizerForm:
    """Load `AutoTokenizer`, try it and return it. Raises `OperationError`, also if the model is not an encoder."""
    job.progress("importing transformers")
    from transformers import AutoTokenizer  # noqa: PLC0415

    job.progress(f"loading the tokenizer of {request.name}")
    where = {"revision": request.commit} if request.commit else {}
    # By its Hub id if it has one, because AutoTokenizer chooses some classes by name. The files are already here.
    arguments = {**where, "local_files_only": True, "trust_remote_code": request.trust_remote_code}
    if request.path or not request.commit:
        refuse_unsafe(
            request.name,
            Path(request.path or request.location),
            own=request.location if request.commit else None,
            runs_code=request.trust_remote_code,
            also_allowed=request.also_allowed,
        )
    _refuse_other_kinds(request, arguments)
    with refusals(OperationError, f"{request.name}: transformers cannot load its tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(request.location, **arguments)
    form = form_of(tokenizer, request.name)
    try_tokenizer(form, request.text, request.name, job)
    return form


def _refuse_other_kinds(request: TokenizerRequest, arguments: dict[str, Any]) -> None:
    """Raise `OperationError` for an architecture that `transformers` knows, but not as a text encoder."""
    from transformers import PreTrainedConfig  # noqa: PLC0415
    from transformers.models.auto import configuration_auto, modeling_auto  # noqa: PLC0415

    where = {key: value for key, value in arguments.items() if key != "trust_remote_code"}
    with refusals(OperationError, f"{request.name}: config.json cannot be read"):
        config, _ = PreTrainedConfig.get_config_dict(request.location, **where)
    kind = str(config.get("model_type"))
    encoders = (
        modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        modeling_auto.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES,
    )
    if kind in configuration_auto.CONFIG_MAPPING_NAMES and not any(kind in names for names in encoders):
        raise OperationError(
            f"{request.name} is not an encoder: transformers has no masked-language or text-encoder model"
            f" for {kind}; choose a model of BERT's family"
        )


def form_of(tokenizer: Any, name: str) -> TokenizerForm:
    """Return a loaded tokenizer as plain data. Raises `OperationError` if it encodes with Python code of its own."""
    kind = type(tokenizer).__name__
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise OperationError(f"{name}: {kind} is not backed by the tokenizers library, which this app needs")
    backend.no_padding()
    backend.no_truncation()
    # Some classes put Python code into the backend (usually a word segmenter), which cannot be serialized.
    with refusals(OperationError, f"{name}: {kind} works in Python only, and this app needs the tokenizers library"):
        written = backend.to_str()
    named = tokenizer.special_tokens_map
    special = {role: named[f"{role}_token"] for role in SPECIAL_ROLES if f"{role}_token" in named}
    # transformers does not change the spaces of a decoded BPE text, whatever the configuration says.
    is_bpe = type(backend.model).__name__ == "BPE"
    forced = getattr(tokenizer, "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output", False)
    return TokenizerForm(
        json=written,
        exact=True,
        class_name=kind,
        model_input_names=list(tokenizer.model_input_names),
        model_max_length=sane_length(tokenizer.model_max_length),
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        pad_token=special.get("pad"),
        pad_token_id=tokenizer.pad_token_id if "pad" in special else None,
        pad_token_type_id=tokenizer.pad_token_type_id,
        special_tokens=special,
        extra_special_tokens=[token for token in tokenizer.all_special_tokens if token not in special.values()],
        clean_up=bool(tokenizer.clean_up_tokenization_spaces) and (not is_bpe or forced),
        split_special_tokens=bool(getattr(tokenizer, "split_special_tokens", False)),
        growth=growth_of(msgspec.json.decode(written)),
    )
