"""The terminal, which may read slowly, be resized behind our back, be suspended, or be gone.

Much of it overrides private parts of Textual's driver. Tried with Textual 8.2.8, whose suspending leaves some terminals
raw (https://github.com/Textualize/textual/issues/6298).
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
"""Bytes that may wait for the terminal before frames are dropped: a few whole frames."""
TICK: Final = 0.1
"""Seconds between two looks at whether an escape has become a key, as Textual has it."""
LAST_WORDS: Final = 1.0
"""Seconds that a terminal has to take what is left when the window closes."""


def _reports() -> str:
    """The folder for crash reports; empty if there is none."""
    try:
        private_folder(log_path())
    except OSError:
        return ""
    return os.fspath(log_path())


class Leaving(Protocol):
    """What the driver needs of the app: an end, from any thread, and whether it has been asked for."""

    is_leaving: bool

    def leave(self, code: int) -> None: ...


class Output(threading.Thread):
    """Writes to the terminal in its own time; whoever hands something over never waits.

    `on_room` is called, from this thread, once a backlog is gone that somebody had asked about, and `on_broken`
    when the terminal cannot be written to any more.
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
        """Hand over what is to be written; dropped where the terminal is gone."""
        with self._changed:
            if not self._is_broken:
                self._waiting.append(text)
                self._backlog += len(text)
                self._changed.notify()

    def has_room(self) -> bool:
        """Whether another frame is worth the drawing; where it is not, `on_room` is called later."""
        with self._changed:
            # Once a frame was dropped, none but a whole one will do: others draw only what has changed since.
            self._was_refused = self._was_refused or self._backlog + self._under_way > BACKLOG
            return not self._was_refused

    def stop(self) -> None:
        """Write what is left, and end; a terminal that takes nothing is not waited for."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()
        self.join(LAST_WORDS)

    def run(self) -> None:
        """The thread."""
        while (piece := self._next()) is not None:
            try:
                while piece:
                    # In small pieces, so that a slow terminal is seen to take them; a shared one may not block.
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
        """What is to be written now; None once all is and no more will come."""
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
    """Textual's driver, which never makes the app wait for the terminal and notices when that is gone."""

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
        # Textual asks for the size where the signal comes, and one may come while another is handled: the older
        # size would be told last.
        signal.signal(signal.SIGWINCH, lambda *_: self._loop.call_soon_threadsafe(self._tell_size))

    def stop_application_mode(self) -> None:
        if self._is_suspended:
            return  # the terminal is somebody else's: to set anything of it from behind stops a process
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
        """Whether the terminal keeps up; where it does not, the app is asked for a whole frame once it has."""
        return self._output is None or self._output.has_room()

    def restore_by_force(self) -> None:
        """Give the screen back from any thread, where the app itself cannot any more."""
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
                        self.exit_event.wait(TICK)  # an end that is none: a terminal's is heard of by who watches it
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
        # Textual draws again only where the size is another.
        self._room()

    def _sigcont_application(self, *_: object) -> None:
        if cast("Leaving", self._app).is_leaving:
            return  # it goes on only to end
        if not self._is_in_front():
            # A shell's `bg`: a window has nothing to do there, and drawing would stop it anyhow.
            os.kill(os.getpid(), signal.SIGSTOP)
        elif self._is_suspended:
            super()._sigcont_application()
        else:
            # Stopped without a chance to say so. It still has its threads: a second reader of the same keys would
            # change their order. But a shell has set the terminal in its own way meanwhile.
            with contextlib.suppress(termios.error):
                if self._modes is not None:
                    termios.tcsetattr(self.fileno, termios.TCSANOW, self._modes)
            self.write(AGAIN)
            self._room()

    def _is_in_front(self) -> bool:
        """Whether the terminal is this process group's to read and write; one that has no shell is its own."""
        try:
            return os.tcgetpgrp(self.fileno) == os.getpgrp()
        except OSError:
            return True

    def _tell_size(self) -> None:
        if not self._in_band_window_resize:
            size = Size(*self._get_terminal_size())
            self._app.post_message(Resize(size, size))

    def _get_terminal_size(self) -> tuple[int, int]:
        # The terminal itself before COLUMNS and LINES, which some shells export and which never change.
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
        """Wait for the terminal's end: Textual's reader would take it for an endless supply of nothing."""
        poll = select.poll()
        poll.register(self.fileno, 0)
        events = poll.poll()
        if any(event & (select.POLLHUP | select.POLLERR) for _, event in events):
            self._gone()

    def _room(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            # As a message: only there Textual knows which app draws.
            self._loop.call_soon_threadsafe(self._app.call_later, self._app.draw_everything)

    def _gone(self) -> None:
        """The terminal is closed: the input thread stops spinning, and the window ends."""
        self.exit_event.set()
        cast("Leaving", self._app).leave(128 + signal.SIGHUP)
