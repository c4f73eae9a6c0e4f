"""Tell failures from exceptions of a dialog or widget that was closed while it was working."""

from __future__ import annotations

import traceback

from textual._context import active_message_pump
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import WorkerFailed, get_current_worker


def came_too_late(error: Exception) -> bool:
    """Return whether an exception was raised because a closed dialog or removed widget cannot find its own parts.

    If Textual itself fails on what it closed, nothing is lost by going on. Call it where the exception is handled: the
    context says whose message or worker it was.
    """
    cause: BaseException = error
    pump: object = active_message_pump.get(None)
    if isinstance(error, WorkerFailed):
        # A worker runs in the app's context, whoever started it.
        cause, pump = error.error, get_current_worker().node
    if not isinstance(pump, Widget) or not (isinstance(cause, NoMatches) or _is_of_textual(cause)):
        return False
    screens = [node for node in pump.ancestors_with_self if isinstance(node, Screen)]
    return not screens or screens[0] not in pump.app.screen_stack


def _is_of_textual(error: BaseException) -> bool:
    """Return whether Textual's own code raised it."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and str(frames[-1].f_globals.get("__name__")).partition(".")[0] == "textual"
