"""Token counters that are faster than `tokenizers`, used only if they give the same counts.

nanotoken knows WordPiece, kitoken byte-level BPE; the extra `fast` installs both. They are young libraries, so before
one is trusted it must agree with `tokenizers` on the first rows of the collection and on texts that are known to be
hard.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from encoder_tui.core.tokens.rust_errors import refusals, silence
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.engine.documents.counting import count_batch
from encoder_tui.engine.job import OperationError

Count = Callable[[list[str]], list[int]]

SAMPLE: Final = 64
"""How many rows of the collection a counter is checked with; later, one row of every so many batches is checked too."""

HURTFUL: Final = (
    "",
    " \t\r\n\u00a0\u3000",
    "Café naïve e\u0301 o\u0308 ﬁ Ⅷ ½ ß İ",
    "我们在北京 東京の天気 오늘 서울",
    "👩‍👩‍👧‍👦 🇩🇪 ☺️ 1️⃣ text😀glued",
    "\ufeffbom \u200bzero\u00adwidth\u2060 nul\x00 \x7f\x85\u2028",
    "x" * 300 + " " + "ab1" * 100,
    "don't WE'RE 1,024 tokens... https://example.org/?a=b#c",
)


class Counter:
    """Counts the tokens of one model; `remark` says why a fast counter was dropped."""

    def __init__(self, key: str, tokenizer: ModelTokenizer, *, enabled: bool) -> None:
        self.key = key
        self._tokenizer = tokenizer
        self._enabled = enabled
        self.remark = ""

    @property
    def name(self) -> str:
        """The library that counts."""
        found = _trusted.get(self.key)
        return found[0] if self._enabled and found is not None else "tokenizers"

    def count(self, texts: list[str]) -> list[int]:
        """Return how many tokens each text has, including special ones."""
        if not self._enabled or not texts:
            return count_batch(self._tokenizer, texts)
        if self.key not in _trusted:
            self._choose(texts)
        chosen = _trusted[self.key]
        if chosen is None:
            return count_batch(self._tokenizer, texts)
        with refusals(OperationError, "the tokenizer refuses a text"):
            self._tokenizer.guard.check(texts)
        try:
            with silence():
                lengths = chosen[1](texts)
            # The last text of every batch is counted both ways, because no sample proves a whole collection.
            is_right = len(lengths) == len(texts) and lengths[-1:] == count_batch(self._tokenizer, texts[-1:])
        except BaseException as error:  # noqa: BLE001  # Rust panics are no Exceptions
            _raise_if_ending(error)
            is_right = False
        if is_right:
            return lengths
        self._drop(chosen[0])
        return count_batch(self._tokenizer, texts)

    def _drop(self, name: str) -> None:
        _trusted[self.key] = None
        self.remark = f"{name} gave a different count than tokenizers here; using tokenizers from now on"

    def _choose(self, texts: Sequence[str]) -> None:
        _trusted[self.key] = None
        form = self._tokenizer.form
        names = form.special_tokens.values()
        sample = [*texts[:SAMPLE], *HURTFUL, " ".join(names), "".join(names), "a".join(names)]
        right: list[int] | None = None
        for name, make in (("nanotoken", _nanotoken), ("kitoken", _kitoken)):
            try:
                count = make(self._tokenizer)
            except BaseException as error:  # noqa: BLE001  # not installed, or it does not know this tokenizer
                _raise_if_ending(error)
                continue
            right = right if right is not None else count_batch(self._tokenizer, sample)
            try:
                with silence():
                    lengths = count(sample)
            except BaseException as error:  # noqa: BLE001
                _raise_if_ending(error)
                lengths = []
            if lengths == right:
                _trusted[self.key] = (name, count)
                return
            self._drop(name)


_trusted: dict[str, tuple[str, Count] | None] = {}
"""The fast counter of each tokenizer, None if there is none."""


def _nanotoken(tokenizer: ModelTokenizer) -> Count:
    from nanotoken import WordPieceTokenizer  # noqa: PLC0415  # optional

    made: Any = WordPieceTokenizer.from_json(tokenizer.form.json)

    def count(texts: list[str]) -> list[int]:
        offsets = made.encode_batch(texts)[1].tolist()
        return [end - start for start, end in itertools.pairwise(offsets)]

    return count


def _kitoken(tokenizer: ModelTokenizer) -> Count:
    if threading.current_thread() is not threading.main_thread():
        # Its allocator (mimalloc) crashes the process once the thread that imported it has ended.
        raise RuntimeError("kitoken works only in the main thread")
    from kitoken import Kitoken  # noqa: PLC0415  # optional

    if not tokenizer.is_byte_level:
        raise ValueError("slower than tokenizers unless byte-level")
    made: Any = Kitoken.from_tokenizers(tokenizer.form.json.encode())
    special = tokenizer.special_count()
    named = {token for _, token, _ in tokenizer.special_tokens()}

    def count(texts: list[str]) -> list[int]:
        # It keeps the white space before a special token that tokenizers strips, so the few texts with special
        # tokens are counted exactly.
        odd = [index for index, text in enumerate(texts) if any(token in text for token in named)]
        lengths = [len(ids) + special for ids in made.encode_all(texts, True)]
        for index, length in zip(odd, count_batch(tokenizer, [texts[index] for index in odd]), strict=True):
            lengths[index] = length
        return lengths

    return count


def _raise_if_ending(error: BaseException) -> None:
    if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit | MemoryError):
        raise error
