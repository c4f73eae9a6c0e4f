"""Quitting in the middle of work: no crash, no traceback, the screen given back."""

from __future__ import annotations

import pytest

from tests.terminal import Terminal, encoder_tui


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
