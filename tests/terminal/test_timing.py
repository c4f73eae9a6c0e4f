"""A sweep in a real pseudo-terminal, watched as it grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.saved_models import saved
from tests.support.terminal import Terminal, encoder_tui

pytest.importorskip("torch")


def test_a_sweep_grows_row_by_row(tmp_path: Path) -> None:
    model = str(saved("bert-cased", tmp_path))
    with Terminal(encoder_tui("-m", model, "--pane", "timing", "--offline")) as terminal:
        terminal.wait_for("appears here while")
        terminal.wait_for("3 points for 1 model, 3 too long", 60)
        # A field is selected when it gets the focus, so that typing replaces it.
        for keys, seen in (("e", "lengths"), ("8,16,32", "lengths 8,16,32"), ("tab", ""), ("tab", ""), ("0.3", "0.3")):
            terminal.send(keys)
            terminal.read(0.2, whole_time=True)
            terminal.wait_for(seen)
        terminal.send("enter")
        first = terminal.wait_for(lambda text: "Measuring at 8 tokens" in text, 90)
        assert "appears here while" not in first
        growing = terminal.wait_for(lambda text: "1 of 3 points" in text, 60)
        assert "left; x stops" in growing
        done = terminal.wait_for("measured in", 60)
        rows = [line.split()[-4:] for line in done.splitlines() if " ms " in line or " µs " in line]
        assert len(rows) >= 3
        assert "cold " in done
        assert "\x1b" not in done
        terminal.send("ctrl+q")
        assert terminal.exit_code() == 0
