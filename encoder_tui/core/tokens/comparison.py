"""One text under several models: what the Tokens pane shows and `tokens --json` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Final

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
    def unknown(self) -> int:
        """The number of unknown tokens."""
        unknown_id = self.tokenizer.unknown_id
        return 0 if unknown_id is None else self.encoding.ids.count(unknown_id)

    def is_part_of_character(self, token: int) -> bool:
        """Return whether a token holds only some of the bytes of a character.

        Byte-level pieces of one character have overlapping spans, and so have byte-fallback tokens.
        """
        offsets = self.encoding.offsets
        start, end = offsets[token]
        before = token > 0 and offsets[token - 1][1] > start and offsets[token - 1][0] < end
        after = token + 1 < len(offsets) and offsets[token + 1][0] < end and offsets[token + 1][1] > start
        return before or after


class Comparison:
    """A text under several tokenizers, aligned.

    A stream is None if its model has no tokenizer (yet), or one that refuses the text. In the second case `refusals`
    holds a sentence; it is empty for the other streams.
    """

    def __init__(self, text: str, streams: Sequence[Stream | None], refusals: Sequence[str] = ()) -> None:
        self.text = text
        self.streams = list(streams)
        self.refusals = list(refusals) or [""] * len(self.streams)
        self.present = [stream for stream in self.streams if stream is not None]

    @cached_property
    def alignment(self) -> Alignment:
        """The blocks of the streams that exist, in order."""
        return align(self.text, [stream.encoding for stream in self.present])

    @cached_property
    def differing(self) -> list[int]:
        """The blocks that the streams split differently."""
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
        """Return whether the streams split a block differently."""
        return block in self._differing_set

    def sentence(self, letters: Sequence[str], names_shown: int = 4) -> str:
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
        return "; ".join([*words, *self._saving(letters)])

    def _saving(self, letters: Sequence[str]) -> list[str]:
        """Return how many tokens fewer the shorter of two streams has, as words."""
        pairs = [
            (len(stream.encoding), letter)
            for stream, letter in zip(self.streams, letters, strict=True)
            if stream is not None
        ]
        (fewest, letter), (most, _) = min(pairs), max(pairs)
        if fewest == most:
            return ["all use the same number of tokens" if len(pairs) > 2 else "both use the same number of tokens"]
        share = 100 * (most - fewest) / most
        return [f"{letter} uses {'under 1' if share < 1 else format(share, '.0f')} % fewer tokens"]


def _named(text: str, times: int) -> str:
    """Return a text in quotes, with the number of its blocks if there is more than one."""
    name = f'"{text}"' if text else "white space"
    return name if times == 1 else f"{name} ({times:,})"


def compare(
    text: str,
    tokenizers: Sequence[ModelTokenizer | None],
    pair: str | None = None,
    options: EncodeOptions | None = None,
) -> Comparison:
    """Encode one text under every tokenizer. A tokenizer that refuses the text does not affect the others."""

    def encode(tokenizer: ModelTokenizer | None) -> tuple[Stream | None, str]:
        if tokenizer is None:
            return None, ""
        try:
            return Stream(tokenizer, text, tokenizer.encode([text], pair, options)[0]), ""
        except TokenizationError as refusal:
            return None, str(refusal)

    if len(text) < LONG:
        found = list(map(encode, tokenizers))
    else:
        # The Rust library works without the interpreter lock, so threads for a long text run on several cores.
        with ThreadPoolExecutor(max(len(tokenizers), 1)) as pool:
            found = list(pool.map(encode, tokenizers))
    return Comparison(text, [stream for stream, _ in found], [refusal for _, refusal in found])


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
