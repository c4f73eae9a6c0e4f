"""Tell real failures from exceptions in a dialog or widget that was closed while it was working.

Textual runs handlers and workers of a screen that has been closed meanwhile; there, `query_one` raises `NoMatches`, and
Textual's own code may raise anything. Which widget was at work is known only from the private `active_message_pump`.
Tried with Textual 8.2.8.
"""

from __future__ import annotations

import traceback

from textual._context import active_message_pump
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import WorkerFailed, get_current_worker


def came_too_late(error: Exception) -> bool:
    """Return whether an exception was raised because a closed dialog or a removed widget does not find its parts.

    An exception of Textual's own code in a closed screen is also harmless. Call this where the exception is handled:
    the context says whose message or worker it was.
    """
    cause: BaseException = error
    pump: object = active_message_pump.get(None)
    if isinstance(error, WorkerFailed):
        # A worker runs in the app's context; its node is the widget that started it.
        cause, pump = error.error, get_current_worker().node
    if not isinstance(pump, Widget) or not (isinstance(cause, NoMatches) or _is_of_textual(cause)):
        return False
    screens = [node for node in pump.ancestors_with_self if isinstance(node, Screen)]
    return not screens or screens[0] not in pump.app.screen_stack


def _is_of_textual(error: BaseException) -> bool:
    """Return whether Textual's own code raised an exception."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and str(frames[-1].f_globals.get("__name__")).partition(".")[0] == "textual"
