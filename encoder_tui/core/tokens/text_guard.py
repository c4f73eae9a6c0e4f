"""Refuses a text, or ids, before encoding or decoding, if the result could become too large."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import msgspec

from encoder_tui.core.tokens import inflation
from encoder_tui.core.tokens.exact_form import TokenizerForm
from encoder_tui.core.tokens.inflation import FREE, Growth, Step, most

_PIECE: Final = 1 << 14
"""Characters that are normalized at a time, so that other threads can run in between."""


class TextGuard:
    """Bounds how long a text can become under a tokenizer.

    For nearly every text, one multiplication shows that it is safe. If the bound for the worst text is too high, a
    bound is computed from the text's own characters; if that is too high as well, the text is normalized step by step.
    """

    def __init__(self, form: TokenizerForm) -> None:
        self._json = form.json
        self.growth: Growth = form.growth or inflation.growth_of(self._parts)

    def check(self, texts: Sequence[str]) -> None:
        """Raise ValueError, with a sentence, if encoding these texts together could need too much memory."""
        size = sum(map(len, texts)) + len(texts)
        if self.growth.encoding * size + self.growth.extra * len(texts) <= most(size):
            return
        if not self.growth.is_known:
            return  # from a newer library; the engine has tested the tokenizer
        limit = most(size)
        total = 0.0
        for text in texts:
            total += self._size(text, limit) + self.growth.extra
            if total > limit:
                raise ValueError(_too_much(size - len(texts), "characters", total, limit))

    def check_tokens(self, tokens: Sequence[str]) -> None:
        """Raise ValueError, with a sentence, if decoding these tokens could need too much memory."""
        size = sum(map(len, tokens)) + len(tokens)
        bound = self.growth.decoding * size
        limit = max(most(len(tokens)), min(inflation.MODEST * size, inflation.MOST))
        if self.growth.is_known and bound > limit:
            raise ValueError(_too_much(len(tokens), "tokens", bound, limit))

    def _size(self, text: str, limit: float) -> float:
        """Return how long a text can become at most; exact if the bound from its characters is above `limit`."""
        after, _ = self._tokenizing
        bound = inflation.product(self._steps, inflation.decomposed(text)) * after * (len(text) + 1)
        return bound if bound <= limit else self._normalized(text, limit / after) * after

    def _normalized(self, text: str, limit: float) -> float:
        """Return the length of a text after all steps, or a bound above `limit` if a step would not be safe to run."""
        for index, step in enumerate(self._steps):
            if step.by_character and step.factor * max(step.family, 1) * _PIECE <= FREE:
                pieces: list[str] = []
                length = 0
                for begin in range(0, len(text), _PIECE):
                    pieces.append(self._normalizers[index].normalize_str(text[begin : begin + _PIECE]))
                    length += len(pieces[-1])
                    if length > limit:
                        return float(length)
                text = "".join(pieces)
                continue
            bound = _bound(step, text)
            if bound > limit:
                return bound
            text = self._normalizers[index].normalize_str(text)
        return float(len(text) + 1)

    @property
    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = msgspec.json.decode(self._json)
        return parts

    @cached_property
    def _steps(self) -> list[Step]:
        return inflation.normalizing(self._parts)

    @cached_property
    def _tokenizing(self) -> tuple[float, int]:
        return inflation.tokenizing(self._parts)

    @cached_property
    def _normalizers(self) -> list[Any]:
        """The normalizer's steps as objects of the library."""
        from tokenizers import Tokenizer  # noqa: PLC0415  # after the first paint

        made = []
        for part in inflation.leaves(self._parts.get("normalizer")):
            alone = {"version": "1.0", "added_tokens": [], "normalizer": part, "model": _NO_MODEL}
            made.append(Tokenizer.from_str(msgspec.json.encode(alone).decode()).normalizer)
        return made


_NO_MODEL: Final = {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}


def _bound(step: Step, text: str) -> float:
    """Return how long a text can become in a step at most; exact if the step replaces a literal."""
    if step.literal is None or step.factor == 1:
        return step.factor * (len(text) + 1)
    found, put = step.literal
    return float(len(text) + text.count(found) * (put - len(found)))


def _too_much(size: int, of: str, total: float, limit: float) -> str:
    return (
        f"it could turn {size:,} {of} into {total:,.0f} characters, and more than {limit:,.0f} need too much memory;"
        " choose another model"
    )
