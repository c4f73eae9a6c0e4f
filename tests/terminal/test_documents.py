"""The Documents pane in a real pseudo-terminal with the real engines."""

from __future__ import annotations

from encoder_tui import builtin
from encoder_tui.client.loader import builtin_form
from encoder_tui.core.models.files import resolve_here
from encoder_tui.core.models.names import parse_name
from encoder_tui.core.text.numbers import share_percent
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.engine.documents.counting import document_tokens
from tests.support.terminal import Terminal, encoder_tui

PAIR = ("-m", "builtin:bert", "-m", "builtin:modernbert")


def test_f4_opens_the_documents_with_the_cut_a_key_away() -> None:
    text = (builtin.documents() / "lighthouses-and-the-fresnel-lens.txt").read_bytes().decode()
    files = resolve_here(parse_name("builtin:bert"))
    assert files is not None
    tokens = document_tokens(ModelTokenizer(builtin_form(files)), text)
    share = share_percent(1 - tokens.lost(512))
    with Terminal(encoder_tui(*PAIR, "--docs", "builtin")) as terminal:
        terminal.wait_for("blocks agree")
        terminal.send("f4")
        sentence = f"A sees {share} of this document"
        terminal.wait_for(lambda screen: "all 10 documents counted" in screen and sentence in screen)
        terminal.send("c")
        screen = terminal.wait_for(f"A stops reading here: 512 tokens, {share}")
        lines = screen.splitlines()
        row = next(index for index, line in enumerate(lines) if "stops reading" in line)
        # The rule has a row of its own where the text leaves it too little room; the bar is no text.
        before = lines[row].partition("╌")[0].strip() or lines[row - 1].rstrip(" │▐▌┆").strip()
        assert before
        assert text[: tokens.cut(512)].endswith(before)
        terminal.send("ctrl+q")
        assert terminal.exit_code() == 0


def test_in_a_small_terminal_the_pane_opens_with_the_program() -> None:
    with Terminal(encoder_tui(*PAIR, "--pane", "documents", "--docs", "builtin"), columns=80, lines=24) as terminal:
        screen = terminal.wait_for(lambda text: "all 10 documents counted" in text and "A sees" in text)
        assert "built-in samples · positive" in screen
        terminal.send("v", "v")
        terminal.wait_for("B with 8,192 still cuts 30 % of documents")
