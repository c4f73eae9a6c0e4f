"""The models dialog in a real pseudo-terminal, with the real engine and an imitation of the Hub."""

from __future__ import annotations

from tests.support.fake_hub import FakeHub
from tests.support.hub_case import REPO
from tests.support.terminal import Terminal, encoder_tui
from tests.terminal.test_tokens import PAIR, leave_the_text


def test_a_model_is_searched_for_and_added_and_a_mistyped_one_changes_nothing(fake: FakeHub) -> None:
    fake.about[REPO] = {"pipeline_tag": "fill-mask", "downloads": 1234}
    with Terminal(encoder_tui(*PAIR, "--text", "tiny")) as terminal:
        leave_the_text(terminal)
        terminal.wait_for("engine ready", 120)
        terminal.send("m")
        terminal.wait_for("enter adds it as C")
        terminal.send(*"tiny-b")
        terminal.wait_for("someone/tiny-bert   fill-mask · 1,234 downloads", 60)
        terminal.send("down", "enter")
        terminal.wait_for(lambda text: " C  someone/tiny-bert" in text and "64 tokens" in text, 60)
        terminal.send(*"nonsense-xyz", "enter")
        terminal.wait_for(lambda text: "nonsense-xyz is not on the Hub" in text.replace("│", ""), 60)
        assert " C  someone/tiny-bert" in terminal.text
        terminal.send("escape")
        terminal.wait_for(lambda text: "╭─ Models" not in text and "C tiny-bert" in text.splitlines()[0])
