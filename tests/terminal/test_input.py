"""What a terminal sends, cut anywhere: pastes whole, other keys as Textual has them."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual._xterm_parser import XTermParser
from textual.events import Key, MouseDown, MouseEvent, Paste
from textual.message import Message

from encoder_tui.window.terminal.input import TerminalInput
from tests.support.hostile import HOSTILE
from tests.support.terminal import Terminal, encoder_tui

START, END = "\x1b[200~", "\x1b[201~"
KEYS = ("a", "\x1b[A", "\x1bOP", "\x11", "é", "日", "\x1b[<0;3;4M", "\x1b[1;5C", "\t")


def heard(source: TerminalInput, pieces: Iterable[bytes]) -> list[str]:
    return [word for piece in pieces for word in map(said, source.feed(piece))]


def said(message: Message) -> str:
    if isinstance(message, Paste):
        return f"paste {message.text!r}"
    if isinstance(message, MouseEvent):
        return f"mouse {message.x:g} {message.y:g}"
    return f"key {message.key}" if isinstance(message, Key) else type(message).__name__


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[begin:end] for begin, end in itertools.pairwise(ends)]


pastes = st.one_of(
    st.sampled_from(list(HOSTILE.values())), st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
).filter(lambda text: END not in text and not END.startswith(text[-1:] or "x"))


@given(
    st.lists(st.one_of(st.sampled_from(KEYS).map(lambda key: (key, False)), pastes.map(lambda text: (text, True)))),
    st.lists(st.integers(0, 10_000), max_size=8),
)
def test_pastes_come_whole_and_keys_as_textual_has_them(sent: list[tuple[str, bool]], places: list[int]) -> None:
    data = "".join(f"{START}{text}{END}" if is_paste else text for text, is_paste in sent).encode()
    parser = XTermParser()
    wanted = [
        word
        for text, is_paste in sent
        for word in ([f"paste {text!r}"] if is_paste else [said(one) for one in parser.feed(text)])
    ]
    assert heard(TerminalInput(), cut(data, places)) == wanted


@pytest.mark.parametrize("data", [b"\xff", b"caf\xe9", b"\xe6\x97", b"\xed\xa0\x80"])
def test_bytes_that_are_no_text_are_replacement_characters(data: bytes) -> None:
    source = TerminalInput()
    assert "key a" in heard(source, [data, b"a"])
    (pasted,) = (word for word in heard(source, [START.encode() + data + b"!" + END.encode()]) if "paste" in word)
    assert "\N{REPLACEMENT CHARACTER}" in pasted


@pytest.mark.parametrize("sequence", ["\x1b[1114112u", "\x1b[1:~", "\x1b[:u", "\x1b[99999999999;;u"])
def test_a_sequence_that_textual_stumbles_over_is_nobodys_and_the_next_key_is_heard(sequence: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        list(XTermParser().feed(sequence))
    source = TerminalInput()
    assert heard(source, [f"a{sequence}b\x1b[A".encode()])[-1] == "key up"
    assert heard(source, [b"c"]) == ["key c"]


def test_the_size_of_the_terminal_outlives_such_a_sequence() -> None:
    source = TerminalInput()
    list(source.feed(b"\x1b[48;40;120;800;1200t\x1b[:u"))
    (press,) = source.feed(b"\x1b[<0;11;21M")
    assert isinstance(press, MouseDown)
    assert (press.x, press.y) == (1, 1)


def test_an_escape_that_nothing_follows_is_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1.0]
    monkeypatch.setattr("textual._parser.get_time", lambda: clock[0])
    source = TerminalInput()
    assert heard(source, [b"\x1b"]) == []
    clock[0] += 10
    assert [said(message) for message in source.tick()] == ["key escape"]


def test_a_coloured_paste_with_a_ctrl_q_and_a_stray_byte_is_text_in_the_window() -> None:
    with Terminal(encoder_tui("-m", "builtin:bert", "--text", "", "--fresh", "--offline")) as terminal:
        terminal.wait_for("tokens")
        terminal.send(f"{START}one \x1b[31mred\x1b[0m \x11two\x9b{END}")
        terminal.wait_for(lambda text: re.search(r"one .\[31mred.\[0m .two", text) is not None)
        terminal.output.clear()
        os.write(terminal.fd, b"caf\xe9!")
        terminal.wait_for("caf\N{REPLACEMENT CHARACTER}!")
        terminal.send("escape", "ctrl+q")
        assert terminal.exit_code() == 0
