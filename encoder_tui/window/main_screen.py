"""The screen around the panes: the top line, and a sentence if the window is too small."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from encoder_tui.core.text.safe import shorten, visible
from encoder_tui.window.panes.switcher import PaneSwitcher
from encoder_tui.window.session.session import Session
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.model_letters import letter_markup

SMALLEST: Final = (60, 16)


class TopLine(Static):
    """The models with their letters, and the engine's state."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="top", markup=False)
        self.session = session
        self._engine = "engine off"

    def on_mount(self) -> None:
        self.session.models_changed.subscribe(self, lambda _: self.show())
        self.session.settings_changed.subscribe(self, lambda _: self.show())
        self.session.engine_changed.subscribe(self, lambda state: self.show(state.text))
        self.show()

    def on_resize(self) -> None:
        self.show()

    def show(self, engine: str | None = None) -> None:
        """Draw the line; in a narrow window the models are shortened, not the settings."""
        self._engine = engine or self._engine
        right = self._settings(self._engine)
        room = max(self.size.width - len(right) - 2, 0)
        slots = self.session.slots
        wide = self.size.width >= 100
        parts: list[tuple[str, str]] = [(" encoder-tui  ", "bold")] if wide else []
        each = max((room - (14 if wide else 0)) // max(len(slots), 1) - 4, 6)
        for slot in slots:
            style = "$text-error" if slot.state == "failed" else ""
            parts += [
                (f" {slot.letter} ", letter_markup(slot.number)),
                (f"{shorten(visible(slot.short), each)} ", style),
            ]
        left = Content.assemble(*parts)
        gap = max(self.size.width - left.cell_length - len(right) - 1, 1)
        self.update(Content.assemble(left, " " * gap, (right, QUIET)))

    def _settings(self, engine: str) -> str:
        hello, settings = self.session.hello, self.session.settings
        words = []
        if hello is not None and hello.devices:
            device = settings.device or hello.devices[0].name
            words.append(f"{device} ×{settings.threads or hello.threads}" if device == "cpu" else device)
            words += [visible(one) for one in (settings.dtype, settings.attention) if one is not None]
        words.append(visible(engine))
        return shorten(" · ".join(words), max(self.size.width // 2, 20))


class TooSmall(Static):
    """Replaces everything else if the window is too small."""

    def on_resize(self) -> None:
        width, height = self.app.size
        needed = f"{SMALLEST[0]}×{SMALLEST[1]}"
        self.update(Content(f"This window has {width}×{height} characters; encoder-tui needs {needed}."))


class MainScreen(Screen[None]):
    """The screen below every dialog."""

    _is_hidden = False
    """Whether the window is too small for its panes, or was until just now."""

    def set_focus(self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False) -> None:
        """Move the focus, but not into a hidden pane that asked for it before another pane was opened.

        `Widget.focus` is queued behind keys typed meanwhile, and one of them may open a pane.
        """
        inside = () if widget is None else widget.ancestors_with_self
        if all(node.display for node in inside if isinstance(node.parent, PaneSwitcher)):
            super().set_focus(widget, scroll_visible, from_app_focus)

    def _reset_focus(self, widget: Widget, avoiding: list[Widget] | None = None) -> None:
        # A widget that is hidden because the window is too small keeps the focus.
        if avoiding or not self._is_hidden:
            super()._reset_focus(widget, avoiding)

    def on_descendant_focus(self) -> None:
        """Leave the maximised view when the focus moves to another widget."""
        focused = self.focused
        if self.maximized is not None and focused is not None and self.maximized not in focused.ancestors_with_self:
            self.minimize()

    def on_resize(self, event: Resize) -> None:
        width, height = event.size
        # Not by breakpoints: they set a class on every screen, so everything would be styled twice at the start.
        too_small = width < SMALLEST[0] or height < SMALLEST[1]
        self.set_class(too_small, "-too-small")
        if too_small:
            self._is_hidden = True
        elif self._is_hidden:
            self.call_after_refresh(self._shown_again)  # some widgets do not know yet that they were hidden

    def _shown_again(self) -> None:
        self._is_hidden = self.has_class("-too-small")
