"""A tokenizer that makes gigabytes out of a short text is refused; an ordinary one never is, whatever the text."""

from __future__ import annotations

import json
import os
import random
import time
import unicodedata
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tokenizers import Tokenizer

from encoder_tui.core.tokens import inflation
from encoder_tui.core.tokens.exact_form import provisional
from encoder_tui.core.tokens.inflation import FREE, Growth, growth_of, most
from encoder_tui.core.tokens.tokenizer import ModelTokenizer, TokenizationError
from tests.support import hostile_tokenizers as hostile
from tests.support.model_directories import all_directories

# The Rust library panics over some of what is tried; it need not print its stack.
os.environ["RUST_BACKTRACE"] = "0"

MILLION = 1_000_000
TEXTS = ["a", " ", "中", "é", "\ufdfa", "İ", "㍿ ", "😀", "word ", "\u1f82", '``"']


@pytest.mark.parametrize("parts", hostile.ENCODING.values(), ids=hostile.ENCODING)
def test_a_text_that_would_be_inflated_is_refused_with_a_sentence(parts: dict[str, Any]) -> None:
    tokenizer = ModelTokenizer(provisional(hostile.tokenizer_json(**parts), {}))
    begun = time.monotonic()
    with pytest.raises(
        TokenizationError, match=r"^the tokenizer refuses this text: it could turn [\d,]+ characters into"
    ):
        tokenizer.encode(["aaaa"])
    with pytest.raises(TokenizationError, match="choose another model"):
        tokenizer.encode(["", ""], "aaaa")
    with pytest.raises(ValueError, match="choose another model"):
        tokenizer.encode_plainly(["aaaa"] * 10, with_offsets=False)
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("parts", hostile.DECODING.values(), ids=hostile.DECODING)
def test_ids_whose_text_would_be_inflated_are_refused_with_a_sentence(parts: dict[str, Any]) -> None:
    tokenizer = ModelTokenizer(provisional(hostile.tokenizer_json(**parts), {}))
    with pytest.raises(TokenizationError, match=r"^the tokenizer refuses these ids: it could turn"):
        tokenizer.decode([1] * 4)


@pytest.mark.parametrize("name", all_directories())
def test_an_ordinary_tokenizer_takes_any_million_characters(name: str, tmp_path: Path) -> None:
    tokenizer_json = all_directories()[name](tmp_path / "model") / "tokenizer.json"
    if not tokenizer_json.is_file():
        pytest.skip("its tokenizer.json is made by transformers")
    tokenizer = ModelTokenizer(provisional(tokenizer_json.read_text(), {}))
    assert tokenizer.guard.growth.is_known
    for text in TEXTS:
        tokenizer.guard.check([text * (MILLION // len(text))])
    tokenizer.guard.check(["中文 text"] * 20_000)


def test_the_default_pair_takes_any_million_characters(reference_models: tuple[Path, Path]) -> None:
    for folder in reference_models:
        form = provisional((folder / "tokenizer.json").read_text(), {})
        assert form.growth is not None
        assert form.growth.encoding * (MILLION + 1) + form.growth.extra <= most(MILLION + 1)


def test_a_key_costs_one_multiplication(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read, measured or normalized where the bound of the worst text is low enough."""
    form = provisional(hostile.tokenizer_json(normalizer={"type": "NFKC"}), {})
    tokenizer = ModelTokenizer(form)
    monkeypatch.setattr(inflation, "decomposed", lambda text: pytest.fail("it was measured"))
    tokenizer.encode(["a" * 10_000])
    monkeypatch.setattr(inflation, "growth_of", lambda parts: pytest.fail("the JSON was read"))
    ModelTokenizer(form)


LONG_WAY: dict[str, list[dict[str, Any]]] = {
    "measured": [{"type": "NFKD"}, {"type": "Lowercase"}, hostile.replace("x", "yy"), hostile.replace("é", "e" * 9)],
    "counted": [hostile.replace("<br>", "\n" * 2000)],
    "done": [{"type": "NFKD"}, *[hostile.replace(mark, mark * 50) for mark in "#%&"], {"type": "NFC"}],
}


@pytest.mark.parametrize("normalizers", LONG_WAY.values(), ids=LONG_WAY)
def test_a_text_is_measured_before_it_is_refused(normalizers: list[dict[str, Any]]) -> None:
    """A worst text would grow too much, and this one does not."""
    parts = {"normalizer": hostile.sequence("normalizers", *normalizers)}
    tokenizer = ModelTokenizer(provisional(hostile.tokenizer_json(**parts), {}))
    text = "中文 text, " * 40_000
    growth = tokenizer.guard.growth
    assert growth.encoding * len(text) > most(len(text))
    tokenizer.guard.check([text])
    worst = "".join(part["pattern"]["String"] for part in normalizers if part["type"] == "Replace")
    bad = worst * 40_000
    if len(tokenizer.rust.normalizer.normalize_str(worst)) > 100 * len(worst):
        with pytest.raises(ValueError, match="choose another model"):
            tokenizer.guard.check([bad])


def test_normal_forms_and_lower_case_together_never_exceed_the_bounds() -> None:
    """For each character, in any order: the longest decomposition is that of NFKD alone."""
    for code in range(0x110000):
        if not 0xD800 <= code < 0xE000:
            begun = chr(code)
            alone = len(unicodedata.normalize("NFKD", begun))
            assert alone <= inflation.COMPATIBLE
            for form, bound in (("NFKD", alone), ("NFD", inflation.CANONICAL)):
                text = begun
                for _ in range(2):
                    text = unicodedata.normalize(form, text.lower())
                    assert len(text) <= bound


STEPS: list[dict[str, Any]] = [
    *({"type": kind} for kind in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel")),
    {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": True,
    },
    {"type": "Prepend", "prepend": "▁x"},
    {"type": "Strip", "strip_left": True, "strip_right": True},
    *(hostile.replace(*pair) for pair in (("a", "bb"), ("``", '"'), (" ", "▁"), ("", "é"), ("b", "\ufdfa"))),
    *(hostile.replace(*pair, "Regex") for pair in ((" {2,}", " "), (r"\s+", "aaa"), ("x*", "-"), ("(?=a)", "AB"))),
]


def test_no_text_becomes_longer_than_the_bound_says() -> None:
    chosen = random.Random(21)
    characters = "aabb  `x中é\ufdfaİ㍿😀\u1f82\t\n-"
    for _ in range(3000):
        parts = chosen.choices(STEPS, k=chosen.randint(1, 5))
        spec = hostile.tokenizer_json(normalizer=hostile.sequence("normalizers", *parts))
        bound = inflation.product(inflation.normalizing(json.loads(spec)))
        text = "".join(chosen.choices(characters, k=chosen.randint(0, 12)))
        measured = inflation.product(inflation.normalizing(json.loads(spec)), inflation.decomposed(text) if text else 1)
        try:
            became = len(Tokenizer.from_str(spec).normalizer.normalize_str(text))
        except BaseException as error:  # noqa: BLE001  # the library panics over some of them, which is no Exception
            assert type(error).__name__ == "PanicException"  # noqa: PT017
            continue
        assert became <= bound * (len(text) + 1), (parts, text)
        assert became <= measured * (len(text) + 1), (parts, text)


def test_parts_that_are_not_known_have_no_bound() -> None:
    assert growth_of({"model": {}, "normalizer": {"type": "New"}}).encoding == inflation.UNKNOWN
    assert not growth_of({"model": {}, "pre_tokenizer": {"nothing": 1}}).is_known
    assert not growth_of({"model": {}, "decoder": {"type": "New"}}).is_known
    assert growth_of({"model": {}}) == Growth(1.0, 1.0, 0)


def test_a_short_text_may_become_a_million_characters_and_a_long_one_64_times_as_long() -> None:
    assert most(0) == FREE
    assert most(MILLION) == 64 * MILLION + FREE
    assert most(10 * MILLION) == inflation.MOST
    assert most(100 * MILLION) == 400 * MILLION
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(Growth(float("inf"), 2.0)), type=Growth).encoding > 1e300
