"""A driver for terminals that may be slow, resized, suspended or closed at any time.

It overrides private parts of Textual's driver, because the public ones block the app while the terminal is slow, do not
notice that it is closed, and leave some terminals raw after suspending
(https://github.com/Textualize/textual/issues/6298). Tried with Textual 8.2.8.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size

from encoder_tui.core.files.private import private_folder
from encoder_tui.core.settings import log_path
from encoder_tui.window.terminal import restorer
from encoder_tui.window.terminal.input import TerminalInput
from encoder_tui.window.terminal.sequences import AGAIN, RESTORE
from encoder_tui.window.terminal.styles import with_fewer_styles

BACKLOG: Final = 1 << 15
"""Bytes that may wait for the terminal before frames are dropped; a few whole frames."""
TICK: Final = 0.1
"""Seconds between two checks whether an escape has become a key, as in Textual."""
LAST_WORDS: Final = 1.0
"""Seconds that a terminal has to accept the remaining output when the window closes."""


def _reports() -> str:
    """Return the folder for crash reports; empty if it cannot be created."""
    try:
        private_folder(log_path())
    except OSError:
        return ""
    return os.fspath(log_path())


class Leaving(Protocol):
    """What the driver needs of the app: a way to end it from any thread, and whether it is ending."""

    is_leaving: bool

    def leave(self, code: int) -> None: ...


class Output(threading.Thread):
    """Writes to the terminal in a thread, so that the caller of `write` never waits.

    Both callbacks are called in this thread: `on_room` once the backlog is written after `has_room` returned False, and
    `on_broken` if the terminal cannot be written to any more.
    """

    def __init__(self, fd: int, on_room: Callable[[], None], on_broken: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="terminal-output")
        self._fd = fd
        self._on_room = on_room
        self._on_broken = on_broken
        self._changed = threading.Condition()
        self._waiting: list[str] = []
        self._backlog = 0
        self._under_way = 0
        self._was_refused = False
        self._is_ending = False
        self._is_broken = False

    def write(self, text: str) -> None:
        """Queue text to be written; it is dropped if the terminal is closed."""
        with self._changed:
            if not self._is_broken:
                self._waiting.append(text)
                self._backlog += len(text)
                self._changed.notify()

    def has_room(self) -> bool:
        """Return whether another frame should be drawn; if not, `on_room` is called later."""
        with self._changed:
            # After a dropped frame, only a whole one is right: others contain only what has changed since.
            self._was_refused = self._was_refused or self._backlog + self._under_way > BACKLOG
            return not self._was_refused

    def stop(self) -> None:
        """Write what is left, and end; wait at most `LAST_WORDS` for the terminal."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()
        self.join(LAST_WORDS)

    def run(self) -> None:
        """Write until `stop` is called or the terminal is closed."""
        while (piece := self._next()) is not None:
            try:
                while piece:
                    # In small pieces, to see how much a slow terminal accepts. A shared descriptor may be non-blocking.
                    select.select([], [self._fd], [])
                    with contextlib.suppress(BlockingIOError):
                        piece = piece[os.write(self._fd, piece[:4096]) :]
                        self._under_way = len(piece)
            except (OSError, ValueError):
                with self._changed:
                    self._is_broken = True
                    self._waiting.clear()
                self._on_broken()
                return

    def _next(self) -> bytes | None:
        """Wait for output and return it; None once all is written and no more will come."""
        with self._changed:
            self._under_way = 0
            if not self._waiting and self._was_refused and not self._is_ending:
                self._was_refused = False
                self._on_room()
            self._changed.wait_for(lambda: bool(self._waiting) or self._is_ending)
            if not self._waiting:
                return None
            pieces = "".join(self._waiting)
            self._waiting.clear()
            self._under_way, self._backlog = self._backlog, 0
        return with_fewer_styles(pieces).encode("utf-8", "replace")


class TerminalDriver(LinuxDriver):
    """Textual's driver, changed so that the app never waits for the terminal and ends when it is closed."""

    _app: Any
    _output: Output | None = None
    _watcher: threading.Thread | None = None
    _is_suspended = False
    _modes: list[Any] | None = None

    def start_application_mode(self) -> None:
        self._output = Output(self._terminal, self._room, self._gone)
        self._output.start()
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name="terminal-watcher", daemon=True)
            self._watcher.start()
        restorer.screen_taken(_reports())
        super().start_application_mode()  # type: ignore[no-untyped-call]
        with contextlib.suppress(termios.error):
            self._modes = termios.tcgetattr(self.fileno)
        # Textual reads the size in the signal handler. A signal may come while another is handled: the older size would
        # be posted last.
        signal.signal(signal.SIGWINCH, lambda *_: self._loop.call_soon_threadsafe(self._tell_size))

    def stop_application_mode(self) -> None:
        if self._is_suspended:
            return  # another program has the terminal: changing its modes would stop this process
        if self._mouse_pixels:
            self.write("\x1b[?1016l")
        super().stop_application_mode()

    def disable_input(self) -> None:
        if not self._is_suspended:
            super().disable_input()

    def write(self, data: str) -> None:
        if self._output is not None:
            self._output.write(data)

    def close(self) -> None:
        if self._output is not None:
            self._output.stop()
            self._output = None
        super().close()
        restorer.screen_given_back()

    def has_room(self) -> bool:
        """Return whether the terminal keeps up; if not, the app draws a whole frame once it has caught up."""
        return self._output is None or self._output.has_room()

    def restore_by_force(self) -> None:
        """Restore the terminal if the app itself cannot. Safe to call in any thread."""
        if self._is_suspended:
            return
        with contextlib.suppress(OSError, ValueError, termios.error):
            if select.select([], [self._terminal], [], 0.1)[1]:
                os.write(self._terminal, RESTORE.encode())
        with contextlib.suppress(termios.error):
            if self.attrs_before is not None:
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
        restorer.screen_given_back()

    def run_input_thread(self) -> None:
        source = TerminalInput()
        try:
            while not self.exit_event.is_set():
                if select.select([self.fileno], [], [], TICK)[0]:
                    data = os.read(self.fileno, 1 << 12)
                    for message in source.feed(data):
                        self.process_message(message)
                    if not data:
                        self.exit_event.wait(TICK)  # no data, but not the end: `_watch` notices a closed terminal
                for message in source.tick():
                    self.process_message(message)
        except OSError:
            self._gone()

    def suspend_application_mode(self) -> None:
        super().suspend_application_mode()
        self._is_suspended = True

    def resume_application_mode(self) -> None:
        self._is_suspended = False
        super().resume_application_mode()
        # Textual draws again only if the size has changed.
        self._room()

    def _sigcont_application(self, *_: object) -> None:
        if cast("Leaving", self._app).is_leaving:
            return  # it continues only to end
        if not self._is_in_front():
            # A shell's `bg`: a window has no use in the background, and drawing would stop it anyway.
            os.kill(os.getpid(), signal.SIGSTOP)
        elif self._is_suspended:
            super()._sigcont_application()
        else:
            # It was stopped without notice (SIGSTOP), so its threads still run; a second reader of keys would mix up
            # their order. But a shell has changed the terminal's modes meanwhile.
            with contextlib.suppress(termios.error):
                if self._modes is not None:
                    termios.tcsetattr(self.fileno, termios.TCSANOW, self._modes)
            self.write(AGAIN)
            self._room()

    def _is_in_front(self) -> bool:
        """Return whether this process group is in the terminal's foreground; True if there is no job control."""
        try:
            return os.tcgetpgrp(self.fileno) == os.getpgrp()
        except OSError:
            return True

    def _tell_size(self) -> None:
        if not self._in_band_window_resize:
            size = Size(*self._get_terminal_size())
            self._app.post_message(Resize(size, size))

    def _get_terminal_size(self) -> tuple[int, int]:
        # The terminal itself is asked before COLUMNS and LINES, which some shells export and which never change.
        with contextlib.suppress(OSError, ValueError):
            width, height = os.get_terminal_size(self._terminal)
            if width > 0 and height > 0:
                return width, height
        return super()._get_terminal_size()

    @property
    def _terminal(self) -> int:
        assert self._file is not None
        return self._file.fileno()

    def _watch(self) -> None:
        """Wait until the terminal is closed, which Textual's reader takes for empty input without end."""
        poll = select.poll()
        poll.register(self.fileno, 0)
        events = poll.poll()
        if any(event & (select.POLLHUP | select.POLLERR) for _, event in events):
            self._gone()

    def _room(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            # As a message, because Textual knows the active app only in messages.
            self._loop.call_soon_threadsafe(self._app.call_later, self._app.draw_everything)

    def _gone(self) -> None:
        """End the input thread and the window, because the terminal is closed."""
        self.exit_event.set()
        cast("Leaving", self._app).leave(128 + signal.SIGHUP)
