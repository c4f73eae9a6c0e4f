"""Fixes for Textual's toasts, so that none of them stays, appears twice, or freezes the window.

Textual keeps its notifications in private attributes, removes them with a private method, and has no public way to
replace one. Tried with Textual 8.2.8.
"""

from __future__ import annotations

from typing import Any, Final

from textual.app import App
from textual.notifications import Notification, Notify

SHORTEST: Final = 0.1
"""Minimum time in seconds that a toast is shown, even if it appears late."""


class Lasting(Notification):
    """A notification whose toast always has some time left.

    If one expires just before its toast is made, as happens every few hours on a busy machine, Textual starts a timer
    with a negative interval, which loops for ever: the window freezes.
    """

    @property
    def time_left(self) -> float:
        return max(super().time_left, SHORTEST)

    @property
    def has_expired(self) -> bool:
        return super().time_left <= 0


def take(app: App[Any], event: Notify) -> None:
    """Remove an identical older notification and its widget. Call before Textual shows the new one."""
    event.notification = Lasting(**vars(event.notification))
    # Not `list(…)`: it calls `len` after it has begun, which removes expired notifications.
    for old in [one for one in app._notifications if one.message == event.notification.message]:
        app._unnotify(old, refresh=False)
    # Textual leaves the holder behind if a notification expires just as another comes; over a day that adds up.
    for screen in app.screen_stack:  # empty while the window closes
        for holder in screen.query("ToastHolder"):
            if holder.is_mounted and not holder.children:
                holder.remove()
