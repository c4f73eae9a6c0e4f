"""Encoding text as `AutoTokenizer` does, with the `tokenizers` library alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any, Final, Literal

import msgspec
import tokenizers

from encoder_tui.alignment import Alignment, Span
from encoder_tui.forms import SPECIAL_ROLES, TokenizerForm

Padding = Literal["none", "longest", "max_length"]
Side = Literal["left", "right"]

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class TokenizationError(Exception):
    """Settings that a tokenizer cannot follow; the message says which and what to do."""


class EncodeOptions(msgspec.Struct, frozen=True):
    """How to encode, in the words of `transformers`; `max_length` None is the tokenizer's own."""

    padding: Padding = "none"
    truncation: bool = False
    max_length: int | None = None
    stride: int = 0
    padding_side: Side | None = None


class Encoding:
    """One encoded text: what `tokenizer(text)` holds, read from the Rust object when first asked for."""

    def __init__(self, raw: tokenizers.Encoding, tokenizer: ModelTokenizer) -> None:
        self._raw = raw
        self._tokenizer = tokenizer

    def __len__(self) -> int:
        return len(self._raw)

    @cached_property
    def ids(self) -> list[int]:
        return list(self._raw.ids)

    @cached_property
    def offsets(self) -> list[Span]:
        """Each token's span, in characters of its text (Python `str` indices)."""
        return list(self._raw.offsets)

    @cached_property
    def special_tokens_mask(self) -> list[int]:
        return list(self._raw.special_tokens_mask)

    @cached_property
    def attention_mask(self) -> list[int]:
        return list(self._raw.attention_mask)

    @cached_property
    def sequence_ids(self) -> list[int | None]:
        """Which text of a pair each token is of; None for special tokens."""
        return list(self._raw.sequence_ids)

    @property
    def token_type_ids(self) -> list[int] | None:
        """The segment of each token, or None where `transformers` returns none for this tokenizer."""
        if "token_type_ids" not in self._tokenizer.form.model_input_names:
            return None
        return list(self._raw.type_ids)

    @property
    def type_ids(self) -> list[int]:
        """The segment of each token, whether or not the model is given it."""
        return list(self._raw.type_ids)

    @cached_property
    def tokens(self) -> list[str]:
        """Each token's text, as `convert_ids_to_tokens` gives it."""
        return self._tokenizer.tokens_of(self.ids)

    @cached_property
    def overflowing(self) -> list[Encoding]:
        """The windows that follow this one, where truncation cut the text."""
        return [Encoding(raw, self._tokenizer) for raw in self._raw.overflowing]

    def first_text_mask(self) -> list[int]:
        """1 for every token that is not of the first text: special tokens, padding, and the pair's second."""
        return [0 if sequence == 0 else 1 for sequence in self.sequence_ids]

    def real_tokens(self) -> int:
        """How many tokens are no padding."""
        return sum(self.attention_mask)


class ModelTokenizer:
    """A model's tokenizer, made from its form."""

    def __init__(self, form: TokenizerForm) -> None:
        """Raises ValueError where the form's JSON is no tokenizer that this version of `tokenizers` can read."""
        self.form = form
        try:
            self._rust = tokenizers.Tokenizer.from_str(form.json)
        except Exception as error:  # `tokenizers` raises bare Exception
            raise ValueError(str(error)) from error
        # Padding and truncation are state of the Rust object, and panes encode from threads.
        self._lock = threading.Lock()
        self._rust.encode_special_tokens = form.split_special_tokens
        self._texts: dict[int, str | None] = {}

    def tokens_of(self, ids: Sequence[int]) -> list[str]:
        """The texts of token ids; an id that is no token's has the text of an empty string."""
        texts = self._texts
        for token_id in set(ids) - texts.keys():
            texts[token_id] = self._rust.id_to_token(token_id)
        return [texts[token_id] or "" for token_id in ids]

    @cached_property
    def unknown_id(self) -> int | None:
        """The id of the unknown token."""
        token = self.form.special_tokens.get("unk")
        return None if token is None else self._id_of(token)

    def _id_of(self, token: str) -> int | None:
        found: int | None = self._rust.token_to_id(token)
        return found

    @cached_property
    def entries(self) -> int:
        """The size of the vocabulary, added tokens included."""
        return int(self._rust.get_vocab_size(with_added_tokens=True))

    def special_tokens(self) -> list[tuple[str, str, int | None]]:
        """Each special token as its role, its text and its id; those without a role have `additional`."""
        roles = [(role, self.form.special_tokens[role]) for role in SPECIAL_ROLES if role in self.form.special_tokens]
        named = {token for _, token in roles}
        roles += [("additional", token) for token in self.form.extra_special_tokens if token not in named]
        return [(role, token, self._id_of(token)) for role, token in roles]

    @cached_property
    def kind(self) -> str:
        """What kind of tokenizer this is, for people: `WordPiece, cased, 28,996 entries`."""
        raw: dict[str, Any] = msgspec.json.decode(self.form.json)
        model = str((raw.get("model") or {}).get("type") or "tokenizer")
        lowercases, byte_level = _mentions(raw.get("normalizer"), "lowercase"), False
        for part in ("pre_tokenizer", "decoder", "normalizer"):
            byte_level = byte_level or "ByteLevel" in str(raw.get(part))
        words = [f"byte-level {model}" if byte_level else model]
        if model == "WordPiece":
            words.append("uncased" if lowercases else "cased")
        return ", ".join([*words, f"{self.entries:,} entries"])

    @cached_property
    def is_byte_level(self) -> bool:
        """Whether a token may be a part of a character."""
        return "byte-level" in self.kind

    def encode(
        self, texts: Sequence[str], pair: str | None = None, options: EncodeOptions | None = None
    ) -> list[Encoding]:
        """Encode texts as one batch, each with `pair` as its second text where there is one.

        Raises `TokenizationError` for settings that this tokenizer cannot follow.
        """
        options = options or EncodeOptions()
        clean = [without_surrogates(text) for text in texts]
        batch = clean if pair is None else [(text, without_surrogates(pair)) for text in clean]
        with self._lock:
            self._set(options, pair is not None)
            try:
                # encode_batch, not encode: it alone releases the interpreter lock while it works.
                return [Encoding(raw, self) for raw in self._rust.encode_batch(batch)]
            except Exception as error:
                raise TokenizationError(f"the tokenizer refuses this text: {error}") from error

    def _set(self, options: EncodeOptions, is_pair: bool) -> None:
        """Set padding and truncation as `PreTrainedTokenizerBase._get_padding_truncation_strategies` does."""
        length = options.max_length if options.max_length is not None else self.form.model_max_length
        if options.truncation and length is not None:
            room = length - self._rust.num_special_tokens_to_add(is_pair)
            if room < 0:
                raise TokenizationError(
                    f"a max_length of {length} has no room for the special tokens; give at least {length - room}"
                )
            if options.stride >= max(room, 1):
                raise TokenizationError(
                    f"a stride of {options.stride} leaves no new token in windows of {length}; give less than {room}"
                )
            self._rust.enable_truncation(
                length, stride=options.stride, strategy="longest_first", direction=self.form.truncation_side
            )
        else:
            self._rust.no_truncation()
        pads = options.padding == "longest" or (options.padding == "max_length" and length is not None)
        if pads:
            if self.form.pad_token is None or self.form.pad_token_id is None:
                raise TokenizationError("this tokenizer has no padding token; use padding none")
            self._rust.enable_padding(
                direction=options.padding_side or self.form.padding_side,
                pad_id=self.form.pad_token_id,
                pad_type_id=self.form.pad_token_type_id,
                pad_token=self.form.pad_token,
                length=length if options.padding == "max_length" else None,
            )
        else:
            self._rust.no_padding()

    def special_count(self, pair: bool = False) -> int:
        """How many special tokens are added to a text, or to a pair of texts."""
        return int(self._rust.num_special_tokens_to_add(pair))

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        """The text of token ids, as `tokenizer.decode` gives it."""
        text: str = self._rust.decode(list(ids), skip_special_tokens=skip_special_tokens)
        return _clean_up(text) if self.form.clean_up else text


def align(text: str, encodings: Sequence[Encoding]) -> Alignment:
    """The blocks of one text under several encodings of it (the first text, where they are of pairs)."""
    return Alignment(
        without_surrogates(text),
        [encoding.offsets for encoding in encodings],
        [encoding.first_text_mask() for encoding in encodings],
    )


def without_surrogates(text: str) -> str:
    """The text with every lone surrogate, which no encoder can take, as U+FFFD; lengths stay."""
    return _SURROGATE.sub("�", text)


def _mentions(part: Any, flag: str) -> bool:
    """Whether a component, or one inside it, has `flag` set, or is named so."""
    if isinstance(part, dict):
        if part.get(flag) is True or str(part.get("type", "")).lower() == flag:
            return True
        return any(_mentions(value, flag) for value in part.values())
    return isinstance(part, list) and any(_mentions(value, flag) for value in part)


def _clean_up(text: str) -> str:
    """Spaces before English punctuation removed, as `PreTrainedTokenizerBase.clean_up_tokenization` does."""
    for found, put in (
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ):
        text = text.replace(found, put)
    return text


def changes(text: str, decoded: str, window: int = 96) -> tuple[list[Span], list[Span]]:
    """What decoding lost and what it put in its place.

    Returns spans of `text` that did not survive and spans of `decoded` that were not in the text: what is left
    of both is the same string. Works window by window, so that its time grows with the length only.
    """
    lost: list[Span] = []
    added: list[Span] = []
    i = j = 0
    while i < len(text) or j < len(decoded):
        run = _common_prefix(text, i, decoded, j)
        i, j = i + run, j + run
        here, there = text[i : i + window], decoded[j : j + window]
        if not here and not there:
            break
        matches = SequenceMatcher(None, here, there, autojunk=False).get_matching_blocks()
        at_end = i + window >= len(text) and j + window >= len(decoded)
        a = b = 0
        for match in matches:
            # What is matched late in a window may match better with what lies behind it.
            if not at_end and match.a + match.size > window // 2 and a:
                break
            if match.size == 0 and not at_end and a:
                break
            if match.a > a:
                lost.append((i + a, i + match.a))
            if match.b > b:
                added.append((j + b, j + match.b))
            a, b = match.a + match.size, match.b + match.size
        i, j = i + a, j + b
    return _joined(lost), _joined(added)


def _common_prefix(first: str, i: int, second: str, j: int) -> int:
    """How many characters from `first[i]` and `second[j]` on are the same."""
    length = 0
    step = 4096
    while step:
        while (
            first[i + length : i + length + step] == second[j + length : j + length + step]
            and i + length + step <= len(first)
            and j + length + step <= len(second)
        ):
            length += step
        step //= 4
    return length


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
