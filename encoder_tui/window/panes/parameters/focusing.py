"""Where the keys of the Parameters pane are heard while there may be nothing to move in yet."""

from __future__ import annotations

from textual.widget import Widget

from encoder_tui.window.panes.pane import Pane
from encoder_tui.window.panes.parameters.tree import ParameterTree


class Focusing(Pane):
    """A pane that lends the focus to its row of views until there is something to move in."""

    _is_lent = False

    def to_move_in(self) -> Widget | None:
        """What can be moved in; None while there is nothing."""
        raise NotImplementedError

    def take_focus(self) -> None:
        """Give the focus to what can be moved in, or else to the row of views: some key of the pane must be heard."""
        target = self.to_move_in()
        self._is_lent = target is None
        # At once: the next key is meant for it.
        self.screen.set_focus(target or self.view_choice)

    @property
    def is_choosing(self) -> bool:
        """Whether the user went to the row of views."""
        return self.screen.focused is self.view_choice and not self._is_lent

    @property
    def misses_focus(self) -> bool:
        """Whether the focus is nowhere, on a tree that is gone, or only lent."""
        focused = self.screen.focused
        if isinstance(focused, ParameterTree):
            return not focused.display
        return focused is None or (self._is_lent and focused is self.view_choice)
