"""The exact tokenizer of a model as plain data, and the cache that keeps it.

`tokenizer.json` alone does not say what `AutoTokenizer` does: in transformers 5, several classes rebuild the
normalizer, pre-tokenizer and post-processor from their configuration. The engine loads `AutoTokenizer` once and returns
the result as a `TokenizerForm`; after that, the Rust library `tokenizers` is enough.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from encoder_tui.core.files.cache import DiskCache
from encoder_tui.core.tokens.inflation import Growth, growth_of
from encoder_tui.core.tokens.kind import kind_of
from encoder_tui.core.tokens.stated_length import sane_length

SPECIAL_ROLES: Final = ("cls", "sep", "pad", "mask", "unk", "bos", "eos")


class TokenizerForm(msgspec.Struct, frozen=True, kw_only=True):
    """Everything needed to encode as `AutoTokenizer` does, as plain data.

    `json` is `backend_tokenizer.to_str()` without padding and truncation. `exact` is False for the plain
    `tokenizer.json` of a model whose exact tokenizer is not known yet. `model_max_length` is None if the tokenizer
    states none. `special_tokens` maps a role such as `cls` to a token; `extra_special_tokens` are special tokens
    without such a role. `lowers_case` is set if `json` lower-cases texts only because sentence-transformers does. If
    `clean_up` is set, `decode` removes spaces before punctuation. `growth` bounds how
    much longer than a text its encoding can become; None if that was not computed yet.
    """

    json: str
    exact: bool
    class_name: str
    model_input_names: list[str]
    model_max_length: int | None
    padding_side: str
    truncation_side: str
    pad_token: str | None
    pad_token_id: int | None
    pad_token_type_id: int
    special_tokens: dict[str, str]
    extra_special_tokens: list[str]
    clean_up: bool
    split_special_tokens: bool = False
    growth: Growth | None = None
    lowers_case: bool = False


def lowering(form: TokenizerForm) -> TokenizerForm:
    """Return a form that lower-cases every text first, as sentence-transformers does with `do_lower_case`.

    It puts a normalizer before the tokenizer's own, unless one of these is the same.
    """
    raw = msgspec.json.decode(form.json)
    own = raw.get("normalizer")
    steps = [] if own is None else own["normalizers"] if own.get("type") == "Sequence" else [own]
    if any(step.get("type") == "Lowercase" for step in steps):
        return form
    raw["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, *steps]}
    return msgspec.structs.replace(
        form,
        json=msgspec.json.encode(raw).decode(),
        growth=growth_of(raw),
        lowers_case="uncased" not in kind_of(form.json),
    )


def provisional(tokenizer_json: str, config: dict[str, Any]) -> TokenizerForm:
    """Return the plain `tokenizer.json` as a form, to be used until the exact one arrives.

    `config` is the model's `tokenizer_config.json`. Raises ValueError with a sentence if the file holds no tokenizer.
    """
    try:
        raw = msgspec.json.decode(tokenizer_json)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"tokenizer.json is not valid JSON ({error})") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("model"), dict):
        raise ValueError("tokenizer.json holds no tokenizer")
    try:
        added = msgspec.convert(raw.get("added_tokens") or [], list[_AddedToken])
    except msgspec.ValidationError as error:
        raise ValueError(f"tokenizer.json holds invalid added tokens ({error})") from error
    ids = {token.content: token.id for token in added}
    special = {
        role: token
        for role in SPECIAL_ROLES
        if (token := _content(config.get(f"{role}_token"))) is not None and token in ids
    }
    if not special:
        special = {
            role: token for role in ("cls", "sep", "pad", "mask", "unk") if (token := f"[{role.upper()}]") in ids
        }
    names = config.get("model_input_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        names = ["input_ids", "token_type_ids", "attention_mask"]
        if raw["model"].get("type") != "WordPiece":
            names.remove("token_type_ids")
    padding = special.get("pad")
    raw["padding"] = raw["truncation"] = None
    return TokenizerForm(
        json=msgspec.json.encode(raw).decode(),
        exact=False,
        class_name="tokenizer.json",
        model_input_names=names,
        model_max_length=sane_length(config.get("model_max_length")),
        padding_side=_side(config.get("padding_side")),
        truncation_side=_side(config.get("truncation_side")),
        pad_token=padding,
        pad_token_id=None if padding is None else ids[padding],
        pad_token_type_id=0,
        special_tokens=special,
        extra_special_tokens=[],
        clean_up=False,
        growth=growth_of(raw),
    )


class _AddedToken(msgspec.Struct):
    """The fields of an added token in tokenizer.json that are needed here; ids are u32 in Rust."""

    content: str
    id: Annotated[int, msgspec.Meta(ge=0, lt=2**32)]


def _side(value: Any) -> str:
    return "left" if value == "left" else "right"


def _content(token: Any) -> str | None:
    """Return the text of a special token, which configuration files write as a string or as an object."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else None


class FormCache(DiskCache[TokenizerForm]):
    """Exact tokenizers on disk, keyed by the model's files and the versions of the libraries that made them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, TokenizerForm, "form 3", ("tokenizers", "transformers"))
