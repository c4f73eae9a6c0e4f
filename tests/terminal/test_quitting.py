"""Quitting in the middle of work: no crash, no traceback, the screen given back."""

from __future__ import annotations

import pytest

from tests.support.terminal import Terminal, encoder_tui


@pytest.mark.parametrize(
    ("pane", "key"),
    [("outputs", "r"), ("timing", "s"), ("documents", " "), ("parameters", "")],
)
def test_quitting_while_a_pane_works(pane: str, key: str) -> None:
    with Terminal(encoder_tui("-m", "builtin:bert", "--pane", pane)) as terminal:
        terminal.wait_for("engine")
        if key:
            terminal.wait_for("engine ready", 60)
            terminal.send(key)
            terminal.read(1.0, whole_time=True)
        terminal.send("ctrl+q")
        assert terminal.exit_code(20) == 0
        ending = terminal.output.rpartition(b"\x1b[?1049l")[2]
    assert b"went wrong" not in ending
    assert b"Traceback" not in ending


@pytest.mark.parametrize("ahead", ["", "\x1bOR\x1bOS\t\x10", "\x1b[15~r\x1b[17~"], ids=["nothing", "panes", "run"])
def test_keys_typed_behind_the_one_that_quits_are_for_nobody(ahead: str) -> None:
    with Terminal(encoder_tui("-m", "builtin:bert", "--offline")) as terminal:
        terminal.wait_for("aligned")
        terminal.send(ahead + "\x11" + "\x1bOR\x1bOQabc\x10\x1b[<0;5;5M\x1bOPm" * 20)
        assert terminal.exit_code(20) == 0
        ending = terminal.output.rpartition(b"\x1b[?1049l")[2]
    assert b"went wrong" not in ending
