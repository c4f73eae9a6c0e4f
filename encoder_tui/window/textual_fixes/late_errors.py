"""Which exceptions are failures, and which come of something that was closed while it was at work."""

from __future__ import annotations

import traceback

from textual._context import active_message_pump
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import WorkerFailed, get_current_worker


def came_too_late(error: Exception) -> bool:
    """Whether it was raised because a closed dialog or a removed widget does not find its own parts any more.

    Where Textual itself stumbles over what it closed, in whatever way, nothing is lost by going on. Asked where the
    exception is handled: whose message or worker it was follows from the context.
    """
    cause: BaseException = error
    pump: object = active_message_pump.get(None)
    if isinstance(error, WorkerFailed):
        # It runs in the app's name, whoever started it.
        cause, pump = error.error, get_current_worker().node
    if not isinstance(pump, Widget) or not (isinstance(cause, NoMatches) or _is_of_textual(cause)):
        return False
    screens = [node for node in pump.ancestors_with_self if isinstance(node, Screen)]
    return not screens or screens[0] not in pump.app.screen_stack


def _is_of_textual(error: BaseException) -> bool:
    """Whether Textual's own code raised it."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and str(frames[-1].f_globals.get("__name__")).partition(".")[0] == "textual"
