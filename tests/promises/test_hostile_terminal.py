"""Hostile strings through a real pseudo-terminal: every byte that the program writes is one that Textual means."""

from __future__ import annotations

import re
from pathlib import Path

from encoder_tui.core.text.safe import visible
from tests.support.hostile import ALL, HOSTILE, NAME, hostile_documents, hostile_model
from tests.support.terminal import Terminal, encoder_tui

KNOWN = re.compile(
    r"\x1b\[[0-9;]*[mH]"  # looks and places
    r"|\x1b\[\?(?:25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2031|2048|7)[hl]"  # modes
    r"|\x1b\[\?(?:2026|2031|2048)\$p"  # may this mode be had?
    r"|\x1b\[\?996n"  # is the terminal dark?
    r"|\x1b\[[<>=][0-9]*u"  # keys in full
    r"|\x1b\[c"
    r"|\x1b\]22;[a-z-]*\x07"  # the mouse pointer's shape
    r"|\r?\n"
)
"""The sequences that Textual writes by itself."""


def strange(written: bytes) -> list[str]:
    """What is left of the output once the known sequences are taken out, and would still be obeyed."""
    rest = KNOWN.sub("", written.decode("utf-8"))
    return [ascii(rest[max(found.start() - 20, 0) : found.end() + 20]) for found in OBEYED.finditer(rest)]


OBEYED = re.compile("[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]")


def test_every_byte_of_a_session_with_hostile_texts_names_and_documents_is_known(tmp_path: Path) -> None:
    text = ALL.replace("\0", "")  # no argument can hold it
    source = hostile_documents(tmp_path)
    missing = tmp_path / "missing" / NAME
    command = encoder_tui("-m", "builtin:bert", "-m", str(missing), "--text", text, "--docs", str(source))
    with Terminal(command, columns=160, lines=50) as terminal:
        terminal.wait_for(lambda screen: "[CLS]" in screen and "no such directory" in screen)
        terminal.send("f4")
        terminal.wait_for(lambda screen: visible(HOSTILE["OSC title"]) in screen and "m models" in screen, 60)
        terminal.send("m")
        terminal.wait_for("search the Hub")
        # A paste, as a terminal sends it.
        terminal.send(f"\x1b[200~{HOSTILE['C1']}{HOSTILE['override']}{HOSTILE['Textual markup']}\x1b[201~")
        terminal.wait_for("[bold]x[/bold]")
        terminal.send("escape")
        for key in ("f3", "f5", "f6", "f7", "f1"):
            terminal.send(key)
            terminal.read(0.5, whole_time=True)
        terminal.send("ctrl+q")
        assert terminal.exit_code() == 0
    assert not strange(bytes(terminal.output))


def test_a_command_writes_no_sequence_to_a_terminal_but_that_of_its_progress(tmp_path: Path) -> None:
    model = str(hostile_model(tmp_path))
    with Terminal(
        encoder_tui("-m", model, "docs", str(hostile_documents(tmp_path))), columns=160, lines=50
    ) as terminal:
        assert terminal.exit_code(60) == 0
    written = bytes(terminal.output).replace(b"\r\x1b[K", b"")
    assert not strange(written)
    assert visible(NAME)[:12].encode() in written
