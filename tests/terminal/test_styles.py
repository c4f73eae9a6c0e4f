"""Frames with fewer styles: the same picture in fewer bytes, whatever is drawn."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.style import Style

from encoder_tui.window.terminal.styles import with_fewer_styles

COLOURS = ["#e0e0e0", "#121212", "#ff0000", "red", "bright_blue", "default", "color(77)", None]
SWITCHES = ["bold", "italic", "underline", "strike", "reverse"]
SYSTEMS = [ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT, ColorSystem.STANDARD]

styles = st.builds(
    lambda foreground, background, switches: Style(
        color=foreground, bgcolor=background, **dict.fromkeys(switches, True)
    ),
    st.sampled_from(COLOURS),
    st.sampled_from(COLOURS),
    st.sets(st.sampled_from(SWITCHES), max_size=2),
)
segments = st.tuples(styles, st.text("ab ▁日", min_size=1, max_size=6))
moves = st.tuples(st.integers(1, 6), st.integers(1, 20)).map(lambda place: f"\x1b[{place[0]};{place[1]}H")


def frame_of(pieces: list[str | tuple[Style, str]], system: ColorSystem) -> str:
    """A frame as Textual writes it: every segment with its style before and a reset behind it."""
    return "".join(
        piece if isinstance(piece, str) else piece[0].render(piece[1], color_system=system) for piece in pieces
    )


def picture(frame: str) -> list[list[tuple[object, ...]]]:
    screen = pyte.Screen(30, 6)
    pyte.Stream(screen).feed(frame)
    # What comes after a frame is plain again.
    pyte.Stream(screen).feed("\x1b[6;30H.")
    return [[tuple(screen.buffer[y][x]) for x in range(30)] for y in range(6)]


@given(st.lists(st.one_of(segments, moves), max_size=12), st.sampled_from(SYSTEMS))
def test_the_picture_is_the_same(pieces: list[str | tuple[Style, str]], system: ColorSystem) -> None:
    frame = frame_of(pieces, system)
    shorter = with_fewer_styles(frame)
    assert picture(shorter) == picture(frame)
    assert len(shorter) <= len(frame)


def test_a_style_that_stays_is_written_once_and_one_that_changes_in_part_in_part() -> None:
    dark, red = Style(color="#e0e0e0", bgcolor="#121212"), Style(color="#ff0000", bgcolor="#121212", bold=True)
    frame = frame_of(
        [(dark, "a"), (dark, "b"), "\x1b[2;1H", (dark, "c"), (red, "d"), (dark, "e")], ColorSystem.TRUECOLOR
    )
    assert with_fewer_styles(frame) == (
        "\x1b[38;2;224;224;224;48;2;18;18;18mab\x1b[2;1Hc\x1b[1;38;2;255;0;0md"
        "\x1b[0;38;2;224;224;224;48;2;18;18;18me\x1b[0m"
    )


@pytest.mark.parametrize("unknown", ["\x1b[38;9;1m", "\x1b[58;5;3m", "\x1b[4:3m", "\x1b[48m"])
def test_what_is_not_known_is_left_as_it_is_with_all_that_follows(unknown: str) -> None:
    known = "\x1b[1ma\x1b[0m\x1b[1mb\x1b[0m"
    rest = f"{unknown}x\x1b[0m\x1b[1ma\x1b[0m\x1b[1mb\x1b[0m"
    assert with_fewer_styles(known + rest).endswith(rest.removeprefix("\x1b[0m"))


def test_other_sequences_and_texts_pass() -> None:
    for other in ("", "plain", "\x1b[?2026h\x1b[?25l", "\x1b]52;c;YQ==\x07", "\x1b]8;;https://x\x1b\\x\x1b]8;;\x1b\\"):
        assert with_fewer_styles(other) == other
