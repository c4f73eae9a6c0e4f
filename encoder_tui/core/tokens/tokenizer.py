"""Encode text as `AutoTokenizer` does, with the library `tokenizers` alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import msgspec

from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.core.tokens.alignment import Alignment, Span
from encoder_tui.core.tokens.decoding import clean_up
from encoder_tui.core.tokens.exact_form import SPECIAL_ROLES, TokenizerForm
from encoder_tui.core.tokens.kind import kind_of
from encoder_tui.core.tokens.rust_errors import refusals, silence
from encoder_tui.core.tokens.text_guard import TextGuard

if TYPE_CHECKING:
    import tokenizers

Padding = Literal["none", "longest", "max_length"]
Side = Literal["left", "right"]
Cut = Literal["longest_first", "only_first", "only_second"]
"""Which text of a pair is cut, in the words of `transformers`."""

PADDED_AT_MOST: Final = 1 << 22
"""The largest padded batch, in tokens (about 400 MB). The Rust library aborts the process if it gets no memory."""


class TokenizationError(Exception):
    """A tokenizer cannot use these settings or this text; the message says which and what to do."""


class EncodeOptions(msgspec.Struct, frozen=True):
    """How to encode, in the words of `transformers`. If `max_length` is None, the tokenizer's own limit applies."""

    padding: Padding = "none"
    truncation: bool = False
    max_length: int | None = None
    stride: int = 0
    padding_side: Side | None = None
    cut: Cut = "longest_first"


class Encoding:
    """One encoded text: what `tokenizer(text)` returns, read from the Rust object on first use."""

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
        """The span of each token, in characters of its text (Python `str` indices)."""
        return list(self._raw.offsets)

    @cached_property
    def special_tokens_mask(self) -> list[int]:
        return list(self._raw.special_tokens_mask)

    @cached_property
    def attention_mask(self) -> list[int]:
        return list(self._raw.attention_mask)

    @cached_property
    def sequence_ids(self) -> list[int | None]:
        """For each token, the text of a pair that it belongs to; None for special tokens."""
        return list(self._raw.sequence_ids)

    @cached_property
    def token_type_ids(self) -> list[int] | None:
        """The segment of each token, or None if `transformers` returns no segments for this tokenizer."""
        if "token_type_ids" not in self._tokenizer.form.model_input_names:
            return None
        return list(self._raw.type_ids)

    @property
    def type_ids(self) -> list[int]:
        """The segment of each token, whether or not the model receives it."""
        return list(self._raw.type_ids)

    @cached_property
    def tokens(self) -> list[str]:
        """The text of each token, as `convert_ids_to_tokens` returns it."""
        return self._tokenizer.tokens_of(self.ids)

    @cached_property
    def overflowing(self) -> list[Encoding]:
        """The windows that follow this one, if truncation cut the text."""
        return [Encoding(raw, self._tokenizer) for raw in self._raw.overflowing]

    def first_text_mask(self) -> list[int]:
        """1 for every token outside the first text: special tokens, padding, and the second text of a pair.

        Both masks are needed, because without a post-processor padding has the sequence id 0.
        """
        return [
            0 if sequence == 0 and not special else 1
            for sequence, special in zip(self.sequence_ids, self.special_tokens_mask, strict=True)
        ]

    def real_tokens(self) -> int:
        """The number of tokens that are not padding."""
        return sum(self.attention_mask)


class ModelTokenizer:
    """A model's tokenizer, made from its form."""

    def __init__(self, form: TokenizerForm) -> None:
        """Raises ValueError if this version of `tokenizers` cannot read the tokenizer in the form's JSON."""
        self.form = form
        self.guard = TextGuard(form)
        from tokenizers import Tokenizer  # noqa: PLC0415  # after the first paint

        with refusals(ValueError, "the tokenizers library cannot read this tokenizer"):
            self.rust: tokenizers.Tokenizer = Tokenizer.from_str(form.json)
            """Without padding and truncation, so that any number of threads can use it at the same time."""
        self.rust.encode_special_tokens = form.split_special_tokens
        self.rust.no_truncation()
        self.rust.no_padding()
        self._cutting = threading.Lock()
        self._texts: dict[int, str | None] = {}

    def tokens_of(self, ids: Sequence[int]) -> list[str]:
        """Return the texts of token ids; an unused id gives an empty string."""
        texts = self._texts
        for token_id in set(ids) - texts.keys():
            texts[token_id] = self.rust.id_to_token(token_id)
        return [texts[token_id] or "" for token_id in ids]

    @cached_property
    def unknown_id(self) -> int | None:
        """The id of the unknown token."""
        token = self.form.special_tokens.get("unk")
        return None if token is None else self._id_of(token)

    @cached_property
    def unknown_ids(self) -> frozenset[int]:
        """The ids that stand for text which the tokenizer does not know.

        They are `unknown_id` and the unknown token of the vocabulary itself, which a configuration may leave unnamed.
        """
        named = getattr(self.rust.model, "unk_token", None)  # Unigram has none, and its library does not show its id
        found = (self.unknown_id, None if named is None else self._id_of(named))
        return frozenset(token_id for token_id in found if token_id is not None)

    def _id_of(self, token: str) -> int | None:
        found: int | None = self.rust.token_to_id(token)
        return found

    @cached_property
    def added_ids(self) -> frozenset[int]:
        """The ids of tokens that were added to the model's vocabulary; such a token decodes to exactly its own text."""
        return frozenset(self.rust.get_added_tokens_decoder())

    @cached_property
    def entries(self) -> int:
        """The size of the vocabulary, including added tokens."""
        return int(self.rust.get_vocab_size(with_added_tokens=True))

    def special_tokens(self) -> list[tuple[str, str, int | None]]:
        """The role, text and id of each special token; tokens without a role have the role `additional`."""
        special = self.form.special_tokens
        roles: list[tuple[str, str]] = [(role, special[role]) for role in SPECIAL_ROLES if role in special]
        named = {token for _, token in roles}
        roles += [("additional", token) for token in self.form.extra_special_tokens if token not in named]
        return [(role, token, self._id_of(token)) for role, token in roles]

    @cached_property
    def kind(self) -> str:
        """The kind of tokenizer, for people: `WordPiece, cased, 28,996 entries`."""
        lowered = ", lower-cased by sentence-transformers" if self.form.lowers_case else ""
        return f"{kind_of(self.form.json)}{lowered}, {self.entries:,} entries"

    @cached_property
    def is_byte_level(self) -> bool:
        """Whether a token can be part of a character."""
        return "byte-level" in self.kind

    def encode(
        self, texts: Sequence[str], pair: str | None = None, options: EncodeOptions | None = None
    ) -> list[Encoding]:
        """Encode texts as one batch, each with `pair` as its second text if one is given.

        Raises `TokenizationError` if this tokenizer cannot use the settings or a text.
        """
        options = options or EncodeOptions()
        clean = [without_surrogates(text) for text in texts]
        batch = clean if pair is None else [(text, without_surrogates(pair)) for text in clean]
        with silence(), refusals(TokenizationError, "the tokenizer refuses this text"):
            self.guard.check(clean if pair is None else [part for both in batch for part in both])
            length = self._truncation(options, clean, None if pair is None else batch[0][1])
            pad = self._padding(options)
            # encode_batch, not encode, because only encode_batch releases the interpreter lock while it works.
            encoded = self.rust.encode_batch(batch) if length is None else self._cut(batch, length, options)
            pad(encoded)
        return [Encoding(raw, self) for raw in encoded]

    def encode_plainly(self, texts: Sequence[str], *, with_offsets: bool = True) -> list[tokenizers.Encoding]:
        """Return the library's own encodings of texts, without padding and truncation.

        Raises ValueError if the encodings could become too large, and whatever the library raises.
        """
        self.guard.check(texts)
        # Not `encode`: only the batches release the interpreter lock while they work.
        return self.rust.encode_batch(list(texts)) if with_offsets else self.rust.encode_batch_fast(list(texts))

    def _cut(self, batch: Sequence[Any], length: int, options: EncodeOptions) -> list[tokenizers.Encoding]:
        # Truncation is state of the Rust object, so it must not be set on the one that other threads use.
        with self._cutting:
            self._cutter.enable_truncation(
                length, stride=options.stride, strategy=options.cut, direction=self.form.truncation_side
            )
            return self._cutter.encode_batch(batch)

    @cached_property
    def _cutter(self) -> tokenizers.Tokenizer:
        cutter = type(self.rust).from_str(self.form.json)
        cutter.encode_special_tokens = self.form.split_special_tokens
        cutter.no_padding()
        return cutter

    def _length(self, options: EncodeOptions) -> int | None:
        """Return the length to cut or pad to, chosen as `_get_padding_truncation_strategies` of transformers does."""
        length = options.max_length if options.max_length is not None else self.form.model_max_length
        if length is not None and length < 0:
            raise TokenizationError(f"max_length is {length}; it must be 0 or more")
        return length

    def _truncation(self, options: EncodeOptions, texts: Sequence[str], pair: str | None) -> int | None:
        """Return the length to cut to, or None if nothing is cut."""
        if not options.truncation or (length := self._length(options)) is None:
            return None
        room = length - self.special_count(pair is not None)
        if room < 0:
            # transformers then cuts nothing, without a warning.
            raise TokenizationError(
                f"a max_length of {length} leaves no room for the special tokens; give at least {length - room}"
            )
        if options.stride < 0:
            raise TokenizationError(f"stride is {options.stride}; it must be 0 or more")
        if pair is not None and options.cut != "longest_first":
            self._refuse_no_room(options, room, texts, pair)
        elif self._stands_still(options.stride, room, length - self.special_count(), texts, pair):
            problem = f"a stride of {options.stride} leaves no room for new tokens in windows of {length}"
            raise TokenizationError(f"{problem}; give a smaller stride")
        return length

    def _refuse_no_room(self, options: EncodeOptions, room: int, texts: Sequence[str], pair: str) -> None:
        """Raise `TokenizationError` if the text of a pair that is not cut leaves the other no room for new tokens."""
        kept = [pair] if options.cut == "only_first" else list(texts)
        which = "second" if options.cut == "only_first" else "first"
        longest = max(len(raw) for raw in self.rust.encode_batch(kept, add_special_tokens=False))
        if room - longest <= options.stride:
            raise TokenizationError(
                f"the {which} text has {longest:,} tokens, which leaves room for {max(room - longest, 0):,} of the"
                f" other; more than {options.stride:,} are needed"
            )

    def _stands_still(self, stride: int, room: int, single: int, texts: Sequence[str], pair: str | None) -> bool:
        """Return whether a window would hold no token that the previous one lacks; the Rust library would panic.

        `room` is the length without the special tokens of these texts, `single` the length without those of a single
        text. The library first compares the stride with `single`, whatever the texts are; then, while it cuts, with
        what is left of each text that is cut. For a pair that is at least half the room.
        """
        if stride > single:
            return True
        if stride < (room if pair is None else room // 2) or stride == 0:
            return False
        lengths = [len(raw) for raw in self.rust.encode_batch(list(texts), add_special_tokens=False)]
        second = 0 if pair is None else len(self.rust.encode(pair, add_special_tokens=False))
        return any(0 < kept <= stride for first in lengths for kept in _kept_of_cut(first, second, room))

    def _padding(self, options: EncodeOptions) -> Callable[[list[tokenizers.Encoding]], None]:
        """Return how to pad the rows of a batch; further windows of a row get the same length."""
        if options.padding not in get_args(Padding):
            choices = ", ".join(get_args(Padding))
            raise TokenizationError(f"unknown padding {options.padding}; use {choices}")
        fixed = self._length(options) if options.padding == "max_length" else None
        if options.padding == "none" or (options.padding == "max_length" and fixed is None):
            return lambda encoded: None
        if self.form.pad_token is None or self.form.pad_token_id is None:
            raise TokenizationError("this tokenizer has no padding token; use padding none")
        side = options.padding_side or self.form.padding_side
        if side not in get_args(Side):
            raise TokenizationError(f"unknown padding side {side}; use left or right")
        how = {
            "direction": side,
            "pad_id": self.form.pad_token_id,
            "pad_type_id": self.form.pad_token_type_id,
            "pad_token": self.form.pad_token,
        }

        def pad(encoded: list[tokenizers.Encoding]) -> None:
            length = max(map(len, encoded), default=0) if fixed is None else fixed
            if length * len(encoded) > PADDED_AT_MOST:
                problem = f"padding to {length:,} tokens needs too much memory"
                raise TokenizationError(
                    f"{problem}; {'truncate the texts' if fixed is None else 'give a smaller max_length'}"
                )
            for raw in encoded:
                raw.pad(length, **how)

        return pad

    def special_count(self, pair: bool = False) -> int:
        """Return how many special tokens are added to a text, or to a pair of texts."""
        return int(self.rust.num_special_tokens_to_add(pair))

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        """Return the text of token ids, as `tokenizer.decode` does. Raises `TokenizationError`."""
        with silence(), refusals(TokenizationError, "the tokenizer refuses these ids"):
            self.guard.check_tokens(self.tokens_of(ids))
            text: str = self.rust.decode(list(ids), skip_special_tokens=skip_special_tokens)
        return clean_up(text) if self.form.clean_up else text


def _kept_of_cut(first: int, second: int, room: int) -> list[int]:
    """Return how many tokens remain of each text that is cut, by the rule `longest_first` of the Rust library."""
    if first + second <= room:
        return []
    short, long = sorted((first, second))
    kept_short = min(short, room // 2)
    return [kept for kept, had in ((kept_short, short), (room - kept_short, long)) if kept < had]


def align(text: str, encodings: Sequence[Encoding], unknown: Sequence[Sequence[int]] = ()) -> Alignment:
    """Return the blocks of one text under several encodings of it (of the first text, if they are pairs).

    `unknown` holds the indices of each encoding's unknown tokens.
    """
    return Alignment(
        without_surrogates(text),
        [encoding.offsets for encoding in encodings],
        [encoding.first_text_mask() for encoding in encodings],
        unknown,
    )
