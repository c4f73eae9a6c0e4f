"""The Documents pane in a real pseudo-terminal with the real engines."""

from __future__ import annotations

from tests.terminal import Terminal, encoder_tui

PAIR = ("-m", "builtin:bert", "-m", "builtin:modernbert")


def test_f4_opens_the_documents_with_the_cut_a_key_away() -> None:
    with Terminal(encoder_tui(*PAIR, "--docs", "builtin")) as terminal:
        terminal.wait_for("blocks agree")
        terminal.send("f4")
        terminal.wait_for(lambda text: "all 10 documents counted" in text and "A sees 16 % of this document" in text)
        terminal.send("c")
        screen = terminal.wait_for("A stops reading here: 512 tokens, 16 %")
        row = next(line for line in screen.splitlines() if "stops reading" in line)
        assert row.strip().startswith("their piers, and ╌")
        terminal.send("ctrl+q")
        assert terminal.exit_code() == 0


def test_in_a_small_terminal_the_pane_opens_with_the_program() -> None:
    with Terminal(encoder_tui(*PAIR, "--pane", "documents", "--docs", "builtin"), columns=80, lines=24) as terminal:
        screen = terminal.wait_for(lambda text: "3,208" in text and "all 10 documents counted" in text)
        assert "built-in samples · positive" in screen
        terminal.send("v", "v")
        terminal.wait_for("B with 8,192 still cuts 30 % of the documents")
