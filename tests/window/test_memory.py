"""Threads that take memory from one heap, and what is free in it."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys
import weakref
from itertools import pairwise
from pathlib import Path

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.widget import Widget

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.textual_fixes.memory import give_back
from tests.support.still import still, until
from tests.support.terminal import Terminal, encoder_tui

PROGRAM = """
import ctypes, threading
from encoder_tui.window.textual_fixes.memory import share_heap
{first}
together = threading.Barrier(8)
def work():
    together.wait()
    kept = [bytes(2000) for _ in range(1000)]  # too large for Python's own allocator
    together.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
library = ctypes.CDLL(None)
library.fopen.restype = ctypes.c_void_p
stream = library.fopen(b"/dev/stdout", b"w")
library.malloc_info(0, ctypes.c_void_p(stream))
library.fclose(ctypes.c_void_p(stream))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has a heap for each thread")
def test_threads_share_the_heap_that_is_there() -> None:
    def heaps(first: str) -> int:
        command = [sys.executable, "-c", PROGRAM.format(first=first)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.count("<heap nr=")

    assert heaps("") > 4
    assert heaps("share_heap()") == 1


def heaps_of_threads(pid: int) -> int:
    """How many heaps beside the first a process has: 64 MiB each from a multiple of that on, the rest out of reach."""
    size, found = 64 << 20, 0
    maps = [line.split(maxsplit=5) for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    ranges = [(*(int(end, 16) for end in one[0].split("-")), one[1], len(one) == 5) for one in maps]
    for (start, end, can, is_anonymous), (after, last, cannot, _) in pairwise(ranges):
        begins = start % size == 0 and can == "rw-p" and is_anonymous
        found += begins and end == after and cannot == "---p" and last == start + size
    return found


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has a heap for each thread")
def test_the_window_has_one_heap_whatever_its_threads_do() -> None:
    with Terminal(encoder_tui("-m", "builtin:bert", "--docs", "builtin", "--pane", "documents")) as terminal:
        terminal.wait_for("engine ready", 60)
        terminal.wait_for("documents counted", 60)
        assert len(list(Path(f"/proc/{terminal.pid}/task").iterdir())) > 3
        assert heaps_of_threads(terminal.pid) == 0


FREED = """
from pathlib import Path
from encoder_tui.window.textual_fixes.memory import trim_heap
def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if "RssAnon" in line).split()[1])
kept = [bytes(size % 8000 + 600) for size in range(0, 20_000_000, 1000)]
before = resident()
del kept[1::2], kept[1::2], kept[1::2]
between = resident()
trim_heap()
print(before, between, resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what is free between what is used")
def test_what_is_free_between_what_is_used_is_given_back() -> None:
    run = subprocess.run([sys.executable, "-c", FREED], check=True, capture_output=True, text=True)
    before, between, after = map(int, run.stdout.split())
    assert between > 0.9 * before
    assert after < 0.6 * before


@pytest.mark.usefixtures("no_engine")
async def test_what_widgets_that_are_gone_have_drawn_is_given_back() -> None:
    app = EncoderApp(Settings(model=("builtin:bert",)))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f1")
        await still(pilot)
        drawn = [weakref.ref(widget._styles_cache) for widget in app.screen.walk_children(Widget)]
        assert any(len(cache._cache) for one in drawn if (cache := one()) is not None)
        cache = None
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await still(pilot)

        def are_gone() -> bool:
            gc.collect()
            return not any(one() is not None for one in drawn)

        assert not are_gone()  # or Textual has mended it, and nothing need be done here
        give_back()
        await until(pilot, are_gone)


def test_pieces_of_lines_that_were_cut_are_given_back() -> None:
    class Look(Style):
        """One that can be watched."""

    look = Look(bold=True)
    gone = weakref.ref(look)
    Segment("見たことのない一行", look).split_cells(4)
    del look
    assert gone() is not None  # or rich has mended it, and nothing need be done here
    give_back()
    assert gone() is None
