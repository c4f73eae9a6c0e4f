"""Bounds on how much a tokenizer can inflate a text.

A tokenizer's file may replace one character by a thousand, three times over: four characters then become four
gigabytes, and the Rust library ends the whole process when it gets no memory. So the growth of every part of a
tokenizer is bounded from its JSON, and a text whose result could become too large is refused before it is encoded.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from typing import Any, Final, NamedTuple

import msgspec

FREE: Final = 1 << 20
"""Any text may become this many characters: a few hundred megabytes in the Rust library."""
RATIO: Final = 64
"""A text may become this many times as long. Unicode's longest decomposition has 18 characters; marked spaces and UTF-8
bytes written as characters come on top."""
MOST: Final = 1 << 26
"""A text that grows by more than `MODEST` may not become longer than this, in characters: a few gigabytes in the Rust
library."""
MODEST: Final = 4
"""Texts that grow by at most this factor are never refused: their length is the user's own decision."""

COMPATIBLE: Final = 18
"""The most characters that one can become under any sequence of NFKD, NFKC, NFD, NFC and lower case (U+FDFA)."""
CANONICAL: Final = 4
"""The same without the compatibility decompositions (U+1F82)."""
_FAMILY: Final = {"NFC": CANONICAL, "NFD": CANONICAL, "Lowercase": CANONICAL, "NFKC": COMPATIBLE, "NFKD": COMPATIBLE}
_CUTTING: Final = frozenset(
    {
        "BertPreTokenizer",
        "CharDelimiterSplit",
        "Digits",
        "FixedLength",
        "Punctuation",
        "Split",
        "UnicodeScripts",
        "Whitespace",
        "WhitespaceSplit",
    }
)
"""Pre-tokenizers that only split."""
_AFFIX: Final = 64
"""Longest ordinary affix or unknown token, in characters. Every token of a text may contain one that is longer."""
_CONSUMING: Final = re.compile(r"(?:\\[snrtwdSWD]|\[(?:\\.|[^\]\\])+\]|[^\\\[\](){}*+?|^$.])(?:\+|\{[1-9]\d*,?\d*\})?")
"""Regular expressions that cannot match an empty text: one character or class, possibly repeated."""
_CHUNK: Final = 1 << 14
UNKNOWN: Final = float("inf")
"""The growth of a part that this module does not know."""


class Step(NamedTuple):
    """A part of a tokenizer: a text of n characters becomes at most `factor * (n + 1)`.

    `family` is set for normal forms and lower case: it bounds all these steps together, as long as no step between them
    inserts characters that can be decomposed again (`resets`). A step `by_character` may be run on the text in pieces.
    `literal` is, for a literal replacement, the text that it replaces and the length of the replacement.
    """

    factor: float = 1.0
    family: int = 0
    resets: bool = False
    by_character: bool = False
    literal: tuple[str, int] | None = None


class Growth(msgspec.Struct, frozen=True):
    """A tokenizer's bounds: what one character can become in encoding, and one character of a token in decoding.

    `extra` is the number of tokens added to every text.
    """

    encoding: float
    decoding: float
    extra: int = 0

    @property
    def is_known(self) -> bool:
        """Whether every part of the tokenizer is known here."""
        return self.encoding < UNKNOWN and self.decoding < UNKNOWN


def most(size: int) -> int:
    """Return how long the result may become if the input is `size` long."""
    return max(MODEST * size, min(RATIO * size + FREE, MOST))


def growth_of(tokenizer: Any) -> Growth:
    """Return the bounds of a tokenizer's JSON; both are `UNKNOWN` if a part has an unknown structure."""
    try:
        tokens, extra = tokenizing(tokenizer)
        return Growth(product(normalizing(tokenizer)) * tokens, _decoding(tokenizer.get("decoder")), extra)
    except (AttributeError, KeyError, TypeError, IndexError, ValueError):
        return Growth(UNKNOWN, UNKNOWN)


def product(steps: list[Step], family: float | None = None) -> float:
    """Return the most that one character can become in these steps, one after the other.

    `family` is the average growth of the text's own characters in the first normal forms, if it was measured.
    """
    total, reached = 1.0, 1
    is_measured = family is not None
    for step in steps:
        if step.family > reached:
            if family is not None and is_measured:
                # All forms together, so another one before the next reset adds nothing.
                total, reached = total * family, COMPATIBLE
            else:
                total, reached = total * step.family / reached, step.family
        total *= step.factor
        if step.resets:
            reached, is_measured = 1, False
    return total


def normalizing(tokenizer: dict[str, Any]) -> list[Step]:
    """Return the steps of a tokenizer's normalizer, one for each of its `leaves`."""
    return [_step(part) for part in leaves(tokenizer.get("normalizer"))]


def leaves(part: Any) -> list[dict[str, Any]]:
    """Return the elementary normalizers of a normalizer, in order."""
    if part is None:
        return []
    if part["type"] == "Sequence":
        return [leaf for inner in part["normalizers"] for leaf in leaves(inner)]
    return [part]


def _step(part: dict[str, Any]) -> Step:
    match part["type"]:
        case "BertNormalizer":
            # It adds spaces around each Chinese character, and strips accents by means of NFD.
            step = Step(3.0 if part.get("handle_chinese_chars", True) else 1.0, family=CANONICAL, by_character=True)
        case "Prepend":
            # Before each piece between two added tokens, so before each character at worst.
            step = Step(1.0 + len(part["prepend"]), resets=not part["prepend"].isascii())
        case "ByteLevel":
            step = Step(4.0, resets=True, by_character=True)
        case "Precompiled":
            step = Step(_longest_replacement(part["precompiled_charsmap"]), resets=True, by_character=True)
        case "Replace":
            step = _replacement(part)
        case "NFC" | "NFD" | "NFKC" | "NFKD" | "Lowercase" as kind:
            step = Step(family=_FAMILY[kind], by_character=True)
        case "Nmt" | "Strip" | "StripAccents":
            step = Step()
        case _:
            step = Step(UNKNOWN)
    return step


def _replacement(part: dict[str, Any]) -> Step:
    pattern, content = part["pattern"], part["content"]
    resets = not content.isascii()
    literal = pattern.get("String")
    if literal:
        return Step(max(1.0, len(content) / len(literal)), resets=resets, literal=(literal, len(content)))
    if literal is None and _CONSUMING.fullmatch(pattern["Regex"]):
        return Step(max(1.0, len(content)), resets=resets)
    # It may match the empty text, before and after every character.
    return Step(1.0 + len(content), resets=resets)


def _longest_replacement(charsmap: str | list[int] | None) -> float:
    """Return the most that one character can become by a SentencePiece charsmap.

    A charsmap is the size of a trie, the trie, and texts that end in NUL.
    """
    if not charsmap:
        return 1.0
    data = base64.b64decode(charsmap) if isinstance(charsmap, str) else bytes(charsmap)
    texts = data[4 + int.from_bytes(data[:4], "little") :]
    return float(max(1, *(len(text.decode("utf-8", "replace")) for text in texts.split(b"\0"))))


def tokenizing(tokenizer: dict[str, Any]) -> tuple[float, int]:
    """Return the most characters or tokens that a normalized character can become, and how many tokens are added."""
    model = tokenizer["model"]
    factor = _pre_tokenizing(tokenizer.get("pre_tokenizer")) * (4 if model.get("byte_fallback") else 1)
    names = ("unk_token", "continuing_subword_prefix", "end_of_word_suffix")
    affix = max(len(model.get(name) or "") for name in names)
    vocabulary = model.get("vocab")
    if isinstance(vocabulary, dict) and len(set(vocabulary.values())) < len(vocabulary):
        # Two texts have the same id: a short one in the text may come out as the long one.
        affix = max(affix, *map(len, vocabulary))
    if affix > _AFFIX:
        factor *= affix
    copies, extra = _post_processing(tokenizer.get("post_processor"))
    return factor * copies, extra


def _pre_tokenizing(part: Any) -> float:
    if part is None:
        return 1.0
    kind = part["type"]
    if kind == "Sequence":
        total = 1.0
        for inner in part["pretokenizers"]:
            total *= _pre_tokenizing(inner)
        return total
    if kind == "ByteLevel":
        # Four bytes at most are as many characters, and a space may come before each piece.
        return 5.0 if part.get("add_prefix_space", True) else 4.0
    if kind == "Metaspace":
        is_prepended = part.get("prepend_scheme", "always") != "never" and part.get("add_prefix_space", True)
        return 2.0 if is_prepended else 1.0
    return 1.0 if kind in _CUTTING else UNKNOWN


def _post_processing(part: Any) -> tuple[float, int]:
    """Return how often a text's tokens occur in the result, and the most other tokens that are added."""
    if part is None:
        return 1.0, 0
    kind = part["type"]
    if kind == "Sequence":
        copies, extra = 1.0, 0
        for inner in part["processors"]:
            more, others = _post_processing(inner)
            copies, extra = copies * more, int(min(extra * more + others, MOST))
        return copies, extra
    if kind == "TemplateProcessing":
        return _template(part)
    if kind in {"BertProcessing", "RobertaProcessing"}:
        return 1.0, 4 + (len(part["sep"][0]) + len(part["cls"][0])) // _AFFIX
    return (1.0, 0) if kind == "ByteLevel" else (UNKNOWN, 0)


def _template(part: dict[str, Any]) -> tuple[float, int]:
    special = {
        name: len(token["ids"]) + sum(map(len, token["tokens"])) // _AFFIX
        for name, token in part["special_tokens"].items()
    }
    copies, extra = 1, 0
    for pieces in (part["single"], part["pair"]):
        sequences = [piece["Sequence"]["id"] for piece in pieces if "Sequence" in piece]
        copies = max(copies, *(sequences.count(name) for name in ("A", "B")))
        others = (special.get(piece["SpecialToken"]["id"], 0) for piece in pieces if "SpecialToken" in piece)
        extra = max(extra, sum(others))
    return float(copies), min(extra, MOST)


_DECODING: Final = {
    "ByteFallback": 1.0,
    "ByteLevel": 1.0,
    "Fuse": 1.0,
    "Metaspace": 1.0,
    "Strip": 1.0,
    "CTC": 2.0,
    "WordPiece": 2.0,
    "BPEDecoder": 3.0,
}


def _decoding(part: Any) -> float:
    """Return the most that one character of a token, or the space between two tokens, can become."""
    if part is None:
        return 1.0
    if part["type"] == "Sequence":
        total = 1.0
        for inner in part["decoders"]:
            total *= _decoding(inner)
        return total
    return _replacement(part).factor if part["type"] == "Replace" else _DECODING.get(part["type"], UNKNOWN)


def decomposed(text: str) -> float:
    """Return how many characters one of this text becomes, on average, under normal forms and lower case."""
    if text.isascii():
        return 1.0
    # In pieces, so that other threads can run in between.
    pieces = range(0, len(text), _CHUNK)
    return sum(len(unicodedata.normalize("NFKD", text[begin : begin + _CHUNK])) for begin in pieces) / len(text)
