"""Waiting until a window has come to rest, however slow the machine."""

from __future__ import annotations

import asyncio
import time

from textual.pilot import Pilot

QUIET_READS = 4
INTERVAL = 0.15
LIMIT = 60.0


def screen(pilot: Pilot[int]) -> str:
    """What is on the screen, line by line."""
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())


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
