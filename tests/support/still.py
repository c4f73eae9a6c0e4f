"""Waiting until a window has come to rest, however slow the machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

QUIET_READS = 4
INTERVAL = 0.15
LIMIT = 60.0


def screen(pilot: Pilot[Any]) -> str:
    """What is on the screen, line by line."""
    return "\n".join(strip.text.rstrip() for strip in pilot.app.screen._compositor.render_strips())


async def until(pilot: Pilot[Any], condition: Callable[[], object], seconds: float = LIMIT) -> None:
    """Wait for a condition without blocking the window.

    Raises:
        AssertionError: when it has not come true in time, with the screen.
    """
    end = time.monotonic() + seconds
    while True:
        await pilot.pause(0.02)
        if condition():
            return
        assert time.monotonic() < end, f"it did not come; the screen is\n{screen(pilot)}"


async def eventually(condition: Callable[[], object], seconds: float = LIMIT) -> None:
    """Wait for a condition where there is no window. Raises `AssertionError` if it has not come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        await asyncio.sleep(0.005)


async def still(pilot: Pilot[int]) -> None:
    """Return once the screen has not changed, and this process has not worked, for several reads in a row.

    Both are looked at: a worker's thread that is still computing leaves the screen as it was, and a
    process that waits for its turn on a busy machine uses no processor time either, so one quiet read says little.

    Raises:
        AssertionError: when a minute has passed and the window is still moving.
    """
    quiet, before, end = 0, "", time.monotonic() + LIMIT
    while quiet < QUIET_READS:
        assert time.monotonic() < end, "the window does not come to rest"
        used = time.process_time()
        await asyncio.sleep(INTERVAL)
        await pilot.pause()
        worked = time.process_time() - used
        now = screen(pilot)
        quiet = quiet + 1 if now == before and worked < INTERVAL / 2 else 0
        before = now
