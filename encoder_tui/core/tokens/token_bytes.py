"""The bytes of a token."""

from __future__ import annotations

import re
from functools import cache

from encoder_tui.core.tokens.comparison import Stream


@cache
def _byte_of() -> dict[str, int]:
    """Return GPT-2's alphabet of printable characters for bytes (`bytes_to_unicode` in its `encoder.py`), inverted."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    alphabet = {chr(code): code for code in printable}
    others = (code for code in range(256) if code not in printable)
    alphabet.update({chr(256 + index): code for index, code in enumerate(others)})
    return alphabet


def bytes_of(stream: Stream, token: int) -> bytes:
    """Return the bytes of the text that a token represents.

    A byte-level token or a byte-fallback token such as `<0xE2>` spells them. For any other token they are the
    UTF-8 bytes of the characters in its span.
    """
    text = stream.encoding.tokens[token]
    fallback = re.fullmatch(r"<0x([0-9A-F]{2})>", text)
    if fallback:
        return bytes([int(fallback[1], 16)])
    if stream.tokenizer.is_byte_level and stream.encoding.ids[token] not in stream.tokenizer.added_ids:
        alphabet = _byte_of()
        if all(character in alphabet for character in text):
            return bytes(alphabet[character] for character in text)
    start, end = stream.encoding.offsets[token]
    return stream.text[start:end].encode("utf-8", "replace")
