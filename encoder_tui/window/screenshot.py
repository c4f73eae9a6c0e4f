"""Saving a picture of the window."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from textual.app import App

from encoder_tui.core.files.atomic import FileExistsAlready, write_whole
from encoder_tui.core.text.safe import visible


def self_contained(svg: str) -> str:
    """Return the picture without references to fonts that a viewer would download."""
    return re.sub(r",?\s*url\([^)]*\)\s*format\([^)]*\)", "", svg)


def take(app: App[Any], filename: str | None = None, folder: str | None = None) -> None:
    """Write an SVG of the screen and say where; in a browser, download it."""
    name = filename or time.strftime("encoder-tui-%Y%m%d-%H%M%S.svg")
    if app.is_web:
        app.deliver_screenshot(name)
        return
    path = Path(folder) / name if folder else Path.cwd() / name
    try:
        write_whole(path, self_contained(app.export_screenshot()))
    except FileExistsAlready:
        app.notify(f"{visible(str(path))} already exists", severity="warning", markup=False)
    except OSError as error:
        app.notify(f"{visible(str(path))} cannot be written: {error.strerror}", severity="error", markup=False)
    else:
        app.notify(f"saved the screen to {visible(str(path))}", markup=False)
