"""The kind of a tokenizer, in words."""

from __future__ import annotations

from typing import Any

import msgspec


def kind_of(json: str) -> str:
    """Describe the tokenizer of a `tokenizer.json`: `WordPiece, cased`, `byte-level BPE`."""
    raw: dict[str, Any] = msgspec.json.decode(json)
    model = str((raw.get("model") or {}).get("type") or "tokenizer")
    byte_level = any("ByteLevel" in str(raw.get(part)) for part in ("pre_tokenizer", "decoder", "normalizer"))
    words = [f"byte-level {model}" if byte_level else model]
    if model == "WordPiece":
        words.append("uncased" if _mentions(raw.get("normalizer"), "lowercase") else "cased")
    return ", ".join(words)


def _mentions(part: Any, flag: str) -> bool:
    """Return whether a component, or one inside it, has `flag` set or is named `flag`."""
    if isinstance(part, dict):
        if part.get(flag) is True or str(part.get("type", "")).lower() == flag:
            return True
        return any(_mentions(value, flag) for value in part.values())
    return isinstance(part, list) and any(_mentions(value, flag) for value in part)
