"""A second process that restores the terminal if the window is killed.

A process that receives SIGKILL, or in which a library aborts, cannot restore its terminal. So before large imports the
program forks a small process, the restorer, that waits at the reading end of a pipe. The window holds the only writing
end. It reports there when it takes the screen and when it gives it back. If the pipe closes while the screen is taken,
the window is dead: the restorer restores the terminal, prints one sentence, and ends.

The window remains the process that the shell started, so its process id, exit codes and job control do not change.
"""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import termios
import time

from encoder_tui.window.terminal.sequences import RESTORE

# `typing` is not imported on purpose: what is imported here stays in the restorer's memory.
TAKEN = b"\x01"
"""The screen is taken; the folder for crash reports follows, as hexadecimal digits up to `END`."""
GIVEN_BACK = b"\x02"
"""The screen is given back: from now on another program may use the terminal."""
REGULAR_END = b"\x03"
"""The window ends by itself, so no sentence is printed."""
END = b"\n"
LIMIT = 2
"""Seconds that the restorer may run once the window is dead, even if the terminal accepts nothing."""
PIPE = 3
"""The file descriptor of the pipe in the restorer."""
IGNORED = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGPIPE", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGUSR1", "SIGUSR2")
FAULTS = {
    "Segmentation fault": "SIGSEGV",
    "Aborted": "SIGABRT",
    "Bus error": "SIGBUS",
    "Illegal instruction": "SIGILL",
    "Floating point exception": "SIGFPE",
}
"""What `faulthandler` writes in its first line, and the signal that caused it."""

_pipe = -1
"""The window's end of the pipe; -1 if there is no restorer."""


def start() -> None:
    """Fork the restorer for the terminal at stdin; do without if that fails.

    Call it while the process has one thread and little memory: the restorer keeps a copy of what changes later.
    """
    global _pipe  # noqa: PLW0603  # a process has one terminal
    try:
        modes = termios.tcgetattr(0)
        reading, writing = os.pipe()
    except (termios.error, OSError):
        return
    groups = os.getpgrp(), os.getpgid(os.getppid())
    # Forked twice: a child of the window would be counted among its processes and have to be waited for.
    try:
        middle = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return
    if not middle:
        try:
            if not os.fork():
                _wait(reading, modes, *groups)
        finally:
            os._exit(0)
    os.waitpid(middle, 0)
    os.close(reading)
    _pipe = writing


def dismiss() -> None:
    """End the restorer: this process opens no window."""
    global _pipe  # noqa: PLW0603
    if _pipe >= 0:
        os.close(_pipe)
        _pipe = -1


def screen_taken(reports: str) -> None:
    """Report that the window has the screen. `reports` is the folder for a crash report, empty for none."""
    if _pipe >= 0:
        # Writes a traceback if a library crashes, without values of variables, which may quote the user's text.
        faulthandler.enable(_pipe)
        _tell(TAKEN + os.fsencode(reports).hex().encode() + END)


def screen_given_back() -> None:
    """Report that the terminal is restored."""
    _tell(GIVEN_BACK)


def end() -> None:
    """Report that the window ends by itself."""
    _tell(REGULAR_END)


def _tell(message: bytes) -> None:
    if _pipe >= 0:
        try:
            os.write(_pipe, message)
        except OSError:
            dismiss()  # somebody killed the restorer


# What follows runs in the restorer itself.


def _wait(pipe: int, modes: list[int | list[bytes | int]], own_group: int, parents_group: int) -> None:
    """Wait for the window's end, then restore the terminal if necessary; never returns."""
    for name in IGNORED:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    # Its own process group: signals to the window's job (a shell's `kill -9 %1`) are not meant for it.
    os.setpgid(0, 0)
    terminal = 2 if os.isatty(2) else 1
    os.dup2(terminal, 1)
    os.dup2(terminal, 2)
    if pipe != PIPE:
        os.dup2(pipe, PIPE)
    os.closerange(PIPE + 1, min(os.sysconf("SC_OPEN_MAX"), 1 << 16))
    poll = select.poll()
    poll.register(PIPE, select.POLLIN)
    poll.register(0, 0)
    received = b""
    while True:
        for descriptor, event in poll.poll():
            if descriptor == PIPE:
                piece = os.read(PIPE, 1 << 16)
                received += piece
                if not piece:
                    signal.alarm(LIMIT)
                    _restore(received, modes, own_group, parents_group)
                    os._exit(0)
            elif event & (select.POLLHUP | select.POLLERR):
                os._exit(0)  # the terminal is gone
            else:
                poll.unregister(0)  # some systems cannot poll a terminal


def _restore(received: bytes, modes: list[int | list[bytes | int]], own_group: int, parents_group: int) -> None:
    """Restore the terminal and print why, if the window died while it had the screen."""
    taken = received.rfind(TAKEN)
    if received.rfind(GIVEN_BACK) >= taken:
        return
    in_front = _in_front(own_group)
    if in_front not in {own_group, parents_group}:
        return  # another program is in the foreground now
    digits, _, fault = received[taken + 1 :].partition(END)
    folder = os.fsdecode(bytes.fromhex(digits.decode()))
    report = _report_name(folder) if fault else ""
    is_regular = received.rfind(REGULAR_END) > taken
    # In one piece: a shell prints its prompt at about the same time, partly on the screen that is left.
    _write(RESTORE + ("" if is_regular else _sentence(folder, fault, report)))
    try:
        if in_front == own_group:
            # If a shell is in the foreground, it has already set its own modes.
            termios.tcsetattr(0, termios.TCSANOW, modes)
        # What was typed or pasted into the window must not reach the shell as a command.
        termios.tcflush(0, termios.TCIFLUSH)
    except termios.error:
        pass
    if in_front != own_group:
        _draw_prompt_again()
    if report and not is_regular:
        _keep(report, fault)


def _in_front(own_group: int) -> int:
    """Return the process group in the terminal's foreground; the window's own if there is no job control."""
    try:
        return os.tcgetpgrp(0) or own_group
    except OSError:
        return own_group


def _draw_prompt_again() -> None:
    """Make the shell draw its prompt again, which went to the screen that was just left.

    Shells do so if the terminal's size changes.
    """
    try:
        rows, columns = termios.tcgetwinsize(0)
        termios.tcsetwinsize(0, (rows, columns - 1))
        time.sleep(0.05)
        if termios.tcgetwinsize(0) == (rows, columns - 1):
            termios.tcsetwinsize(0, (rows, columns))
    except termios.error:
        pass


def _sentence(folder: str, fault: bytes, report: str) -> str:
    """Return a line that says what happened, as far as it is known, and where to find more."""
    if fault:
        kind = fault.partition(b"\n")[0].rpartition(b": ")[2].decode("ascii", "replace")
        happened = f"the window crashed ({FAULTS.get(kind, kind)} in a library)"
        where = f"; {report} has the traceback" if report else ""
    else:
        happened = "the window was killed (SIGKILL; perhaps the machine ran out of memory)"
        where = f"; the logs are in {folder}" if folder else ""
    return _line(f"encoder-tui: {happened}; the terminal is restored{where}")


def _line(sentence: str) -> str:
    return "\r" + "".join(character if character.isprintable() else "?" for character in sentence) + "\r\n"


def _report_name(folder: str) -> str:
    """Return a new path for a crash report; empty if there is no folder."""
    if not folder:
        return ""
    return f"{folder}/{time.strftime('crash-%Y%m%d-%H%M%S')}-{os.urandom(4).hex()}.txt"


def _keep(report: str, fault: bytes) -> None:
    """Write a crash report that only the user can read."""
    try:
        descriptor = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        os.write(descriptor, fault)
    except OSError as error:
        _write(_line(f"encoder-tui: {report} cannot be written: {error.strerror}"))


def _write(text: str) -> None:
    """Write to the terminal; the alarm ends this process if the terminal accepts nothing."""
    left = text.encode("utf-8", "replace")
    try:
        while left:
            left = left[os.write(1, left) :]
    except OSError:
        os._exit(0)  # the terminal is gone
