"""Fixes for Textual's toasts, so that none stays forever, appears twice, or stops the window."""

from __future__ import annotations

from typing import Any, Final

from textual.app import App
from textual.notifications import Notification, Notify

SHORTEST: Final = 0.1
"""Minimum number of seconds that a toast is shown."""


class Lasting(Notification):
    """A notification whose toast always has some time left.

    If one expires just before its toast is made, which happens once in hours on a busy machine, Textual starts a timer
    with a negative interval that never yields, and the window stops.
    """

    @property
    def time_left(self) -> float:
        return max(super().time_left, SHORTEST)

    @property
    def has_expired(self) -> bool:
        return super().time_left <= 0


def take(app: App[Any], event: Notify) -> None:
    """Replace an identical notification instead of stacking it, and drop its old widget."""
    event.notification = Lasting(**vars(event.notification))
    # Not with `list`: it asks for the length while iterating, and that removes expired notifications.
    for old in [one for one in app._notifications if one.message == event.notification.message]:
        app._unnotify(old, refresh=False)
    # Textual leaves an empty holder behind if one expires just as another arrives; over a day there are many.
    for screen in app.screen_stack:  # empty while the window closes
        for holder in screen.query("ToastHolder"):
            if holder.is_mounted and not holder.children:
                holder.remove()
