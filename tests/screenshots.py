"""`python -m tests.screenshots`: the pictures in `screenshots/`, taken from the running program.

With the reference models (see `tests/conftest.py`) and the real engine; names of pictures as arguments take those
only.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measuring import REFERENCE

FOLDER = Path(__file__).resolve().parent.parent / "screenshots"
MODELS = ("bert-base-cased", "answerdotai/ModernBERT-base")
TEXT = "This is MIDS 266. Let's learn some NLP! Naïve tokenizers stumble over 😀 and 2,671 tokens."


@dataclass(frozen=True)
class Picture:
    """A picture: its file, the pane it opens with, the keys pressed, and what must be seen before it is taken."""

    name: str
    pane: str
    keys: tuple[str, ...] = ()
    seen: str = ""
    size: tuple[int, int] = (120, 36)
    models: tuple[str, ...] = MODELS


PICTURES = (
    Picture("tokens", "tokens", ("escape", "home", "n"), "blocks agree"),
    Picture("tokens-batch", "tokens", ("escape", "v", "v", "v"), "waste"),
    Picture("tokens-decode", "tokens", ("escape", "V"), "did not survive"),
    Picture("parameters", "parameters", ("~2", "v"), "134 parameters"),
    Picture("parameters-roles", "parameters", ("~2", "v", "v"), "rotary positions"),
    Picture("documents", "documents", ("~4", "c", "~1"), "stops reading here"),
    Picture("outputs", "outputs", ("r", "~15", "v", "~2"), ""),
    Picture("tasks", "tasks", ("r", "~15", "down", "right"), "most alike", models=("builtin:tiny",)),
    Picture("timing", "timing", ("s", "~50"), ""),
)


async def take(picture: Picture) -> str:
    """Run the program, press the keys, and return the picture as SVG."""
    from encoder_tui.core.settings import Settings
    from encoder_tui.window.app import EncoderApp

    app = EncoderApp(Settings(model=picture.models, text=TEXT, pane=picture.pane, fresh=True))
    async with app.run_test(size=picture.size) as pilot:

        async def until(condition: Callable[[], bool], what: str) -> None:
            for _ in range(1200):
                await pilot.pause(0.05)
                if condition():
                    return
            raise SystemExit(f"{picture.name}: {what} did not come")

        await until(lambda: all(slot.state == "exact" for slot in app.session.slots), "the models")
        await until(lambda: app.session.hello is not None and app.session.hello.devices is not None, "the engine")
        for key in picture.keys:
            if key.startswith("~"):
                await pilot.pause(float(key[1:]))
            else:
                await pilot.press(key)
                await pilot.pause(0.2)
        await until(lambda: picture.seen.replace(" ", "&#160;") in app.export_screenshot(), picture.seen)
        await pilot.pause(0.5)
        return app.export_screenshot()


def self_contained(svg: str) -> str:
    """The picture without the fonts that Textual would have a viewer fetch."""
    return re.sub(r",?\s*url\([^)]*\)\s*format\([^)]*\)", "", svg)


def main() -> None:
    wanted = sys.argv[1:]
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
            os.environ[variable] = home
        # By the names that they have on the Hub: where this machine keeps them is nobody's business.
        Path(home, "answerdotai").mkdir()
        for model in MODELS:
            Path(home, model).symlink_to(REFERENCE / model)
        os.chdir(home)
        for picture in PICTURES:
            if wanted and picture.name not in wanted:
                continue
            svg = self_contained(asyncio.run(take(picture)))
            (FOLDER / f"{picture.name}.svg").write_text(svg, "utf-8")
            print(f"screenshots/{picture.name}.svg")


if __name__ == "__main__":
    main()
