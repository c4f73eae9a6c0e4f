"""The exact form of a tokenizer, and where it is kept.

`tokenizer.json` alone does not say what `AutoTokenizer` does: in transformers 5 several classes rebuild the
normaliser, pre-tokenizer and post-processor from their configuration. The engine loads `AutoTokenizer` once and
hands over the result as a `TokenizerForm`; from then on the Rust `tokenizers` library is enough.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec

LARGE_INTEGER: Final = int(1e20)
"""A `model_max_length` above this means that the tokenizer states none (`transformers.tokenization_utils_base`)."""

SPECIAL_ROLES: Final = ("cls", "sep", "pad", "mask", "unk", "bos", "eos")


class TokenizerForm(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to encode as `AutoTokenizer` does, in plain data.

    `json` is `backend_tokenizer.to_str()` with padding and truncation cleared. `exact` is False for the plain
    `tokenizer.json` of a model whose exact form is not known yet. `model_max_length` is None where the tokenizer
    states none. `special_tokens` maps a role such as `cls` to a token. `clean_up` says whether `decode` removes
    spaces before punctuation.
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


def provisional(tokenizer_json: str, config: dict[str, Any]) -> TokenizerForm:
    """The plain `tokenizer.json` as a form, for the moment before the exact one is there.

    `config` is the model's `tokenizer_config.json`. Raises ValueError where the file is no JSON object.
    """
    raw = msgspec.json.decode(tokenizer_json)
    if not isinstance(raw, dict) or not isinstance(raw.get("model"), dict):
        raise ValueError("tokenizer.json holds no tokenizer")
    ids = {token["content"]: token["id"] for token in raw.get("added_tokens") or []}
    special = {
        role: token
        for role in SPECIAL_ROLES
        if (token := _content(config.get(f"{role}_token"))) is not None and token in ids
    }
    if not special:
        special = {
            role: token for role in ("cls", "sep", "pad", "mask", "unk") if (token := f"[{role.upper()}]") in ids
        }
    length = config.get("model_max_length")
    sane = isinstance(length, int) and not isinstance(length, bool) and 0 < length < LARGE_INTEGER
    names = config.get("model_input_names")
    if not isinstance(names, list):
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
        model_max_length=length if sane else None,
        padding_side=str(config.get("padding_side", "right")),
        truncation_side=str(config.get("truncation_side", "right")),
        pad_token=padding,
        pad_token_id=None if padding is None else ids[padding],
        pad_token_type_id=0,
        special_tokens=special,
        extra_special_tokens=[],
        clean_up=False,
    )


def _content(token: Any) -> str | None:
    """The text of a special token, which configuration files write as a string or as an object."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else None


class FormCache:
    """Exact forms on disk, one file each, under the model's fingerprint and the versions that made it.

    A cache that cannot be read or written is no error: the form is made again. `complaint` then says why.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.complaint: str | None = None

    def _path(self, fingerprint: str, versions: dict[str, str]) -> Path:
        made_by = [f"{library}={versions[library]}" for library in ("tokenizers", "transformers")]
        key = hashlib.sha256("\0".join(["form 1", fingerprint, *made_by]).encode()).hexdigest()
        return self.folder / f"{key[:40]}.msgpack"

    def get(self, fingerprint: str, versions: dict[str, str]) -> TokenizerForm | None:
        """The form of a model, or None where there is none or what is there is damaged."""
        try:
            return msgspec.msgpack.decode(self._path(fingerprint, versions).read_bytes(), type=TokenizerForm)
        except (OSError, msgspec.MsgspecError):
            return None

    def put(self, fingerprint: str, versions: dict[str, str], form: TokenizerForm) -> None:
        """Keep a form; written beside its place and moved there, so that no reader sees half of one."""
        path = self._path(fingerprint, versions)
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, temporary = tempfile.mkstemp(dir=self.folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(msgspec.msgpack.encode(form))
                Path(temporary).replace(path)
            except OSError:
                with contextlib.suppress(OSError):
                    Path(temporary).unlink()
                raise
        except OSError as error:
            self.complaint = f"the cache {self.folder} cannot be written: {error.strerror or error}"
