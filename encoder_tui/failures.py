"""Which exceptions are failures, and which come of something that was closed while it was at work."""

from __future__ import annotations

from textual._context import active_message_pump
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import WorkerFailed, get_current_worker


def came_too_late(error: Exception) -> bool:
    """Whether it was raised because a closed dialog or a removed widget does not find its own parts any more.

    Asked where the exception is handled: whose message or worker it was follows from the context.
    """
    cause: BaseException = error
    pump: object = active_message_pump.get(None)
    if isinstance(error, WorkerFailed):
        # It runs in the app's name, whoever started it.
        cause, pump = error.error, get_current_worker().node
    if not isinstance(cause, NoMatches) or not isinstance(pump, Widget):
        return False
    screens = [node for node in pump.ancestors_with_self if isinstance(node, Screen)]
    return not screens or screens[0] not in pump.app.screen_stack
