"""The exact form of a model's tokenizer."""

from __future__ import annotations

from typing import Any

from encoder_tui.engine.contract import TokenizerRequest
from encoder_tui.engine.job import Job, TaskError
from encoder_tui.forms import LARGE_INTEGER, SPECIAL_ROLES, TokenizerForm


def run(request: TokenizerRequest, job: Job) -> TokenizerForm:
    """Load `AutoTokenizer` and take its backend; raises `TaskError` where the model is no encoder."""
    job.progress("importing transformers")
    from transformers import AutoTokenizer  # noqa: PLC0415

    job.progress(f"loading the tokenizer of {request.name}")
    where = {"revision": request.commit} if request.commit else {}
    # By its Hub id where it has one: AutoTokenizer chooses some classes by name. Its files are here already.
    arguments = {**where, "local_files_only": True, "trust_remote_code": request.trust_remote_code}
    _refuse_other_kinds(request, arguments)
    try:
        tokenizer = AutoTokenizer.from_pretrained(request.location, **arguments)
    except Exception as error:
        words = " ".join(str(error).split())
        raise TaskError(f"{request.name}: transformers cannot load its tokenizer: {words[:240]}") from error
    return form_of(tokenizer, request.name)


def _refuse_other_kinds(request: TokenizerRequest, arguments: dict[str, Any]) -> None:
    """Raise `TaskError` for an architecture that `transformers` knows, but not as an encoder of text."""
    from transformers import PreTrainedConfig  # noqa: PLC0415
    from transformers.models.auto import configuration_auto, modeling_auto  # noqa: PLC0415

    try:
        config, _ = PreTrainedConfig.get_config_dict(
            request.location, **{key: value for key, value in arguments.items() if key != "trust_remote_code"}
        )
    except Exception as error:
        raise TaskError(f"{request.name}: config.json cannot be read: {error}") from error
    kind = config.get("model_type")
    encoders = (modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES, modeling_auto.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES)
    if kind in configuration_auto.CONFIG_MAPPING_NAMES and not any(kind in names for names in encoders):
        raise TaskError(
            f"{request.name} is no encoder: transformers maps {kind} to no masked-language or text-encoder model;"
            " choose a model of BERT's family"
        )


def form_of(tokenizer: Any, name: str) -> TokenizerForm:
    """A loaded tokenizer as plain data."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise TaskError(
            f"{name}: {type(tokenizer).__name__} is not backed by the tokenizers library, which this app needs"
        )
    backend.no_padding()
    backend.no_truncation()
    length = tokenizer.model_max_length
    special = {
        role: str(token) for role in SPECIAL_ROLES if (token := getattr(tokenizer, f"{role}_token", None)) is not None
    }
    # transformers leaves the spaces of a BPE decode alone, whatever the configuration asks for.
    is_bpe = type(backend.model).__name__ == "BPE"
    forced = getattr(tokenizer, "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output", False)
    return TokenizerForm(
        json=backend.to_str(),
        exact=True,
        class_name=type(tokenizer).__name__,
        model_input_names=list(tokenizer.model_input_names),
        model_max_length=int(length) if length <= min(LARGE_INTEGER, 2**62) else None,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        pad_token=special.get("pad"),
        pad_token_id=tokenizer.pad_token_id,
        pad_token_type_id=tokenizer.pad_token_type_id,
        special_tokens=special,
        extra_special_tokens=[str(token) for token in getattr(tokenizer, "extra_special_tokens", [])],
        clean_up=bool(tokenizer.clean_up_tokenization_spaces) and (not is_bpe or forced),
        split_special_tokens=bool(getattr(tokenizer, "split_special_tokens", False)),
    )
