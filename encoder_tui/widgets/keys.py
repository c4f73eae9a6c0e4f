"""The line of keys at the bottom."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Footer


class Keys(Footer):
    """Textual's footer, which makes its keys anew whenever the focus moves, and here forgets the old ones."""

    def compose(self) -> ComposeResult:
        # Each key watches its footer's `compact`, and is dropped only when that changes, which it never does.
        for listeners in getattr(self, "__watchers", {}).values():
            listeners[:] = [one for one in listeners if one[0].is_attached]
        yield from super().compose()
