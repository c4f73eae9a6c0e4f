"""What Textual's toasts need so that none of them stays, comes twice, or stops the window."""

from __future__ import annotations

from typing import Any, Final

from textual.app import App
from textual.notifications import Notification, Notify

SHORTEST: Final = 0.1
"""Seconds that a toast is shown, however late it comes."""


class Lasting(Notification):
    """A notification whose toast has always some time left.

    Where one runs out just before its toast is made, as it does once in hours on a busy machine, Textual starts a
    timer of less than nothing, which looks for its next turn for ever: nothing is drawn or heard any more.
    """

    @property
    def time_left(self) -> float:
        return max(super().time_left, SHORTEST)

    @property
    def has_expired(self) -> bool:
        return super().time_left <= 0


def take(app: App[Any], event: Notify) -> None:
    """Before Textual shows a notification: the same words take the place of the first, and what held one goes."""
    event.notification = Lasting(**vars(event.notification))
    # Not by `list`, which asks for the length once it has begun: that forgets what has run out meanwhile.
    for old in [one for one in app._notifications if one.message == event.notification.message]:
        app._unnotify(old, refresh=False)
    # Textual leaves it behind where one runs out just as another comes, and a day has many.
    for screen in app.screen_stack:  # none is left while the window closes
        for holder in screen.query("ToastHolder"):
            if holder.is_mounted and not holder.children:
                holder.remove()
