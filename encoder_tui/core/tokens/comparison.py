"""One text under several models: what the Tokens pane shows and `tokens --json` prints."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Final, Protocol

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.text.numbers import count, enumeration
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.core.tokens.alignment import Alignment
from encoder_tui.core.tokens.tokenizer import EncodeOptions, Encoding, ModelTokenizer, TokenizationError, align

LONG: Final = 2_000
"""Length in characters from which one thread per model saves more time than it costs."""


class Stream:
    """One model's encoding of a text, with the numbers that describe it."""

    def __init__(self, tokenizer: ModelTokenizer, text: str, encoding: Encoding) -> None:
        self.tokenizer = tokenizer
        self.text = without_surrogates(text)
        self.encoding = encoding

    @cached_property
    def unknown_tokens(self) -> list[int]:
        """The indices of the unknown tokens, in ascending order."""
        unknown, ids = self.tokenizer.unknown_ids, self.encoding.ids
        if not any(token in ids for token in unknown):
            return []
        special = self.encoding.special_tokens_mask
        return [index for index, token in enumerate(ids) if token in unknown and not special[index]]

    @property
    def unknown(self) -> int:
        """The number of unknown tokens."""
        return len(self.unknown_tokens)

    @cached_property
    def unread(self) -> int:
        """The number of pieces of the text that the tokens say nothing of.

        They are the unknown tokens, and the stretches between two tokens that belong to no token, as a tokenizer
        without an unknown token leaves them. White space, accents and invisible characters are not counted: models
        drop them by design.
        """
        offsets = [
            span
            for span, is_kept in zip(self.encoding.offsets, self.encoding.first_text_mask(), strict=True)
            if not is_kept
        ]
        reach, found = None, len(self.unknown_tokens)
        for start, end in sorted(offsets):
            if reach is not None and start > reach and not (between := self.text[reach:start]).isspace():
                found += any(map(_is_read, between))
            reach = end if reach is None else max(reach, end)
        return found

    def is_part_of_character(self, token: int) -> bool:
        """Return whether a token holds only some of the bytes of a character.

        Byte-level pieces of one character have overlapping spans, and so have byte-fallback tokens.
        """
        offsets = self.encoding.offsets
        start, end = offsets[token]
        before = token > 0 and offsets[token - 1][1] > start and offsets[token - 1][0] < end
        after = token + 1 < len(offsets) and offsets[token + 1][0] < end and offsets[token + 1][1] > start
        return before or after


class ComparedModel(Protocol):
    """A model as it was when a text was compared; `tokenizer` is None if it had not loaded."""

    @property
    def number(self) -> int: ...

    @property
    def letter(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def tokenizer(self) -> ModelTokenizer | None: ...


class Comparison:
    """A text under several models, aligned.

    `models` are the models as they were when the text was compared: a comparison may be shown after the window has
    chosen others, and is described with its own letters and names.

    There is a stream for each model. A stream is None if its model has no tokenizer (yet), or one that refuses the
    text. In the second case `refusals` holds a sentence; it is empty for the other streams.
    """

    def __init__(
        self,
        text: str,
        models: Sequence[ComparedModel],
        streams: Sequence[Stream | None],
        refusals: Sequence[str] = (),
    ) -> None:
        self.text = text
        self.models = list(models)
        self.streams = list(streams)
        self.refusals = list(refusals) or [""] * len(self.streams)
        self.present = [stream for stream in self.streams if stream is not None]

    @cached_property
    def by_letter(self) -> list[Stream | None]:
        """The stream of each letter; None for a letter without one."""
        found: list[Stream | None] = [None for _ in LETTERS]
        for model, stream in zip(self.models, self.streams, strict=True):
            found[model.number] = stream
        return found

    def place_of(self, number: int, name: str) -> int | None:
        """Return the place of a model among those compared; None if it is not one of them, or had another letter."""
        return next((place for place, one in enumerate(self.models) if (one.number, one.name) == (number, name)), None)

    @cached_property
    def alignment(self) -> Alignment:
        """The blocks of the streams that exist, in order."""
        encodings = [stream.encoding for stream in self.present]
        return align(self.text, encodings, [stream.unknown_tokens for stream in self.present])

    @cached_property
    def differing(self) -> list[int]:
        """The blocks that the streams split differently, or that not all of them can read."""
        return self.alignment.differing()

    @cached_property
    def differing_texts(self) -> Counter[str]:
        """How often each text occurs among the blocks that differ, in the order of the first occurrence.

        White space around a text is removed, so a block of white space counts as the empty text.
        """
        text, ends = self.text, self.alignment.ends
        return Counter(text[ends[block - 1] if block else 0 : ends[block]].strip() for block in self.differing)

    @cached_property
    def _differing_set(self) -> frozenset[int]:
        return frozenset(self.differing)

    def is_differing(self, block: int) -> bool:
        """Return whether the streams split a block differently, or not all of them can read it."""
        return block in self._differing_set

    def sentence(self, names_shown: int = 4) -> str:
        """Summarise the comparison in one sentence that can be read aloud; it names some of the differences."""
        if not self.present:
            return "No tokenizer accepts this text." if any(self.refusals) else "No tokenizer is loaded yet."
        if not self.text:
            return "The text is empty; type or paste one."
        if len(self.present) == 1:
            return f"{count(len(self.present[0].encoding), 'token')} of {count(len(self.text), 'character')}."
        blocks = len(self.alignment)
        agreeing = blocks - len(self.differing)
        words = [f"{agreeing:,} of {count(blocks, 'block')} {'agrees' if 1 in {agreeing, blocks} else 'agree'}"]
        if self.differing and names_shown:
            shown = list(self.differing_texts.items())[:names_shown]
            names = [_named(text, times) for text, times in shown]
            more = len(self.differing) - sum(times for _, times in shown)
            listed = f"{', '.join(names)} and {more:,} more" if more else enumeration(names)
            words.append(f"they differ at {listed}")
        return "; ".join([*words, *self._saving()])

    def _saving(self) -> list[str]:
        """Return how many tokens fewer the shortest of the streams has, as words.

        If that stream could not read a part of the text that another could, its count is no saving.
        """
        pairs = [
            (len(stream.encoding), model.letter, stream)
            for model, stream in zip(self.models, self.streams, strict=True)
            if stream is not None
        ]
        (fewest, letter, shortest), (most, _, _) = min(pairs, key=_length), max(pairs, key=_length)
        if fewest == most:
            same = "all use the same number of tokens" if len(pairs) > 2 else "both use the same number of tokens"
            return [same, *self._unread_words()]
        if shortest.unread > min(stream.unread for stream in self.present):
            unread = count(shortest.unread, "piece")
            return [f"{letter} could not read {unread}; its smaller count is no saving"]
        share = 100 * (most - fewest) / most
        return [f"{letter} uses {'under 1' if share < 1 else format(share, '.0f')} % fewer tokens"]

    def _unread_words(self) -> list[str]:
        """Return which streams could not read how many pieces, as words; nothing if all could read equally much."""
        if len({stream.unread for stream in self.present}) == 1:
            return []
        return [
            f"{model.letter} could not read {count(stream.unread, 'piece')}"
            for model, stream in zip(self.models, self.streams, strict=True)
            if stream is not None and stream.unread
        ]


def _length(of: tuple[int, str, Stream]) -> int:
    return of[0]


def _is_read(character: str) -> bool:
    """Return whether a reader sees this character by itself."""
    return character.isprintable() and not character.isspace() and not unicodedata.category(character).startswith("M")


def _named(text: str, times: int) -> str:
    """Return a text in quotes, with the number of its blocks if there is more than one."""
    name = f'"{text}"' if text else "white space"
    return name if times == 1 else f"{name} ({times:,})"


def compare(
    text: str,
    models: Sequence[ComparedModel],
    pair: str | None = None,
    options: EncodeOptions | None = None,
) -> Comparison:
    """Encode one text under every model whose tokenizer has loaded.

    A tokenizer that refuses the text does not affect the others.
    """

    def encode(tokenizer: ModelTokenizer | None) -> tuple[Stream | None, str]:
        if tokenizer is None:
            return None, ""
        try:
            return Stream(tokenizer, text, tokenizer.encode([text], pair, options)[0]), ""
        except TokenizationError as refusal:
            return None, str(refusal)

    if len(text) < LONG:
        found = [encode(model.tokenizer) for model in models]
    else:
        # The Rust library works without the interpreter lock, so threads for a long text run on several cores.
        with ThreadPoolExecutor(max(len(models), 1)) as pool:
            found = list(pool.map(encode, [model.tokenizer for model in models]))
    return Comparison(text, models, [stream for stream, _ in found], [refusal for _, refusal in found])


def encoding_record(stream: Stream) -> dict[str, Any]:
    """Return one encoding as `tokens --json` prints it."""
    encoding = stream.encoding
    return {
        "input_ids": encoding.ids,
        "tokens": encoding.tokens,
        "offsets": encoding.offsets,
        "token_type_ids": encoding.token_type_ids,
        "attention_mask": encoding.attention_mask,
        "special_tokens_mask": encoding.special_tokens_mask,
        "sequence_ids": encoding.sequence_ids,
        "decoded": stream.tokenizer.decode(encoding.ids),
    }


def alignment_record(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the blocks of one text as `tokens --json` prints them; a missing stream is null."""
    records = []
    for block in comparison.alignment:
        indices = iter(block.tokens)
        records.append(
            {
                "span": [block.start, block.end],
                "text": comparison.alignment.text[block.start : block.end],
                "tokens": [None if stream is None else list(next(indices)) for stream in comparison.streams],
            }
        )
    return records
