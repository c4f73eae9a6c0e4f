"""How a text changes when it is encoded and decoded again."""

from __future__ import annotations

from collections.abc import Callable
from difflib import SequenceMatcher

from encoder_tui.core.tokens.alignment import Span


def clean_up(text: str) -> str:
    """Remove spaces before English punctuation, as `PreTrainedTokenizerBase.clean_up_tokenization` does."""
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


def changes(
    text: str, decoded: str, window: int = 96, checkpoint: Callable[[], None] = lambda: None
) -> tuple[list[Span], list[Span]]:
    """Find what decoding lost and what it added.

    Return the spans of `text` that did not survive, and the spans of `decoded` that were not in the text; without them,
    the two strings are equal. The search goes window by window, so its time grows linearly with the length. Before each
    window it calls `checkpoint`, which may raise to stop the search.
    """
    lost: list[Span] = []
    added: list[Span] = []
    i = j = 0
    while i < len(text) or j < len(decoded):
        checkpoint()
        run = _common_prefix(text, i, decoded, j)
        i, j = i + run, j + run
        here, there = text[i : i + window], decoded[j : j + window]
        if not here and not there:
            break
        matches = SequenceMatcher(None, here, there, autojunk=False).get_matching_blocks()
        at_end = i + window >= len(text) and j + window >= len(decoded)
        a = b = 0
        for match in matches:
            # A match late in a window may be better once the text after the window is known.
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
    """Return how many characters are equal from `first[i]` and `second[j]` on."""
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
