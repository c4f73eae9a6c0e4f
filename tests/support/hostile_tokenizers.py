"""Tokenizers as an attacker writes them: small files that make very much out of a short text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.model_directories import model_config

WORDS: dict[str, Any] = {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1, "[CLS]": 2}, "unk_token": "[UNK]"}


def replace(pattern: str, content: str, kind: str = "String") -> dict[str, Any]:
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def sequence(of: str, *parts: Any) -> dict[str, Any]:
    return {"type": "Sequence", of: list(parts)}


def template(single: list[Any]) -> dict[str, Any]:
    token = {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}}
    pair = [{"Sequence": {"id": name, "type_id": 0}} for name in "AB"]
    return {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": token}


def tokenizer_json(**parts: Any) -> str:
    names = ("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder")
    empty = {"version": "1.0", "added_tokens": [], **dict.fromkeys(names)}
    return json.dumps(empty | {"model": WORDS} | parts)


THOUSAND = replace("a", "a" * 1000)
TEXTS = [{"Sequence": {"id": "A", "type_id": 0}}] * 1000
ENCODING: dict[str, dict[str, Any]] = {
    "three replacements by a thousand": {"normalizer": sequence("normalizers", *[THOUSAND] * 3)},
    "nested sequences": {"normalizer": sequence("normalizers", THOUSAND, sequence("normalizers", THOUSAND, THOUSAND))},
    "a pattern that matches nothing": {"normalizer": sequence("normalizers", *[replace("", "a" * 1000)] * 3)},
    "a regular expression": {"normalizer": sequence("normalizers", *[replace(".", "a" * 1000, "Regex")] * 3)},
    "an expression that matches nothing": {
        "normalizer": sequence("normalizers", *[replace("x*", "b" * 999, "Regex")] * 3)
    },
    "decomposition of what was put in": {
        "normalizer": sequence("normalizers", replace("a", "\ufdfa" * 20000), {"type": "NFKC"}, replace(" ", "a" * 999))
    },
    "prefixes": {"normalizer": sequence("normalizers", *[{"type": "Prepend", "prepend": "a" * 1000}, THOUSAND] * 2)},
    "bytes of bytes": {
        "pre_tokenizer": sequence(
            "pretokenizers",
            *[{"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": False}] * 40,
        ),
        "normalizer": replace("a", "\U0001f600" * 1000),
    },
    "copies of the tokens": {"post_processor": sequence("processors", *[template(TEXTS)] * 3)},
    "an unknown token that is long": {
        "model": {"type": "WordLevel", "vocab": {"x" * 4_000_000: 0}, "unk_token": "x" * 4_000_000},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False},
        "normalizer": replace("a", "a" * 1000),
    },
    "a long token with a short one's number": {
        "model": {**WORDS, "vocab": {"a": 0, "x" * 4_000_000: 0, "[UNK]": 1}},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False},
        "normalizer": replace("a", "a" * 1000),
    },
}
DECODING: dict[str, dict[str, Any]] = {
    "three replacements by a thousand": {"decoder": sequence("decoders", *[THOUSAND] * 3)},
    "a pattern that matches nothing": {"decoder": sequence("decoders", *[replace("", "a" * 1000)] * 3)},
    "a long token": {"model": {**WORDS, "vocab": {"[UNK]": 0, "a" * 50_000_000: 1}}},
}


def write_model(folder: Path, **parts: Any) -> Path:
    """A BERT with such a tokenizer."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(model_config("bert", 3)))
    (folder / "tokenizer.json").write_text(tokenizer_json(**parts))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    return folder
