"""The dialog in which models are chosen."""

from __future__ import annotations

import asyncio
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from encoder_tui.core.defaults import BUILTIN_NAMES, DEFAULT_PAIR
from encoder_tui.core.hub.cache import cached_models
from encoder_tui.core.models.names import ModelError, parse_name
from encoder_tui.core.text.safe import shorten, visible
from encoder_tui.window.dialogs.dialog import Dialog
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.field import Field
from encoder_tui.window.widgets.model_letters import letter_markup
from encoder_tui.window.widgets.option_list import Options

WIDTH: Final = 76
"""Cells of the box in a window that has them."""


class ModelsDialog(Dialog[None]):
    """One to four models: add, replace, remove, swap.

    Above are the models being compared; below, the names to choose from: recent, cached and built-in ones.
    """

    CSS = """
    ModelsDialog OptionList { max-height: 6; }
    ModelsDialog #candidates { max-height: 8; }
    ModelsDialog .label { color: $text-muted; }
    """
    BINDINGS = [
        Binding("delete,d", "remove", "Remove", id="models.remove"),
        Binding("s", "swap", "Exchange letters with next", id="models.swap-with-next"),
        Binding("x", "stop", "Stop loading", id="models.stop-loading"),
        Binding("a", "add", "Add", id="models.add"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._candidates: list[str] = []
        self._in_cache: set[str] = set()

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Models"
            yield Static(
                "Compared now: d removes, s swaps letters with the next, x stops loading",
                classes="label",
                markup=False,
            )
            yield Options(id="slots", markup=False)
            yield Field(placeholder="a Hub id (OWNER/NAME[@REVISION]) or a directory", compact=True, id="name")
            yield Static("", id="hint", classes="label", markup=False)
            yield Options(id="candidates", markup=False)

    def on_unmount(self) -> None:
        # Otherwise the signal would keep the dialog alive.
        self.session.models_changed.unsubscribe(self)

    async def on_mount(self) -> None:
        self.session.models_changed.subscribe(self, lambda _: self._show_slots())
        self._show_slots()
        self.query_one("#slots", OptionList).highlighted = 0
        self.query_one("#name", Input).focus()
        cached = [] if self.session.engine.is_remote else await asyncio.to_thread(cached_models)
        recent = self.session.memory.state.recent_models
        self._candidates = list(dict.fromkeys([*recent, *cached, *DEFAULT_PAIR, *BUILTIN_NAMES]))
        self._in_cache = set(cached)
        self._show_candidates()

    def on_resize(self) -> None:
        self._show_slots()
        self._show_candidates()

    @property
    def _room(self) -> int:
        """The width of an option in cells: the box without its border, padding and scroll bar."""
        return max(min(WIDTH, self.app.size.width * 95 // 100) - 8, 20)

    def _show_candidates(self) -> None:
        recent = self.session.memory.state.recent_models

        def where(name: str) -> str:
            if name in BUILTIN_NAMES:
                return "built in"
            there = "cached" if name in self._in_cache else "Hub"
            return ("recent" if there == "Hub" else "recent, cached") if name in recent else there

        candidates = self.query_one("#candidates", OptionList)
        highlighted = candidates.highlighted
        candidates.set_options(
            Option(
                Content.assemble(
                    shorten(visible(name), self._room - len(where(name)) - 3), (f"   {where(name)}", "dim")
                )
            )
            for name in self._candidates
        )
        candidates.highlighted = highlighted

    def _show_slots(self) -> None:
        slots = self.query_one("#slots", OptionList)
        highlighted = slots.highlighted
        slots.clear_options()
        for slot in self.session.slots:
            stands_in = f"shown instead of {visible(slot.stands_in_for)}" if slot.stands_in_for else ""
            state = stands_in or visible(slot.message) or slot.state
            state = state.removeprefix(f"{visible(slot.name)}: ")
            # Cut in the middle: the end of a path tells models apart, and the end of a message says what is wrong.
            name, state = (shorten(words, self._room - 4) for words in (visible(slot.name), state))
            between = "  " if len(name) + len(state) + 6 <= self._room else "\n    "
            style = "$text-error" if slot.state == "failed" else "dim"
            letter = (f" {slot.letter} ", letter_markup(slot.number))
            slots.add_option(Option(Content.assemble(letter, f" {name}", between, (state, style))))
        last = len(self.session.slots) - 1
        slots.highlighted = min(highlighted if highlighted is not None else 0, last)
        self._place_changed()

    @property
    def _place(self) -> int:
        return min(self.query_one("#slots", OptionList).highlighted or 0, len(self.session.slots) - 1)

    @on(OptionList.OptionHighlighted, "#slots")
    def _place_changed(self) -> None:
        hint = f"enter replaces model {self.session.slots[self._place].letter}; a in the list adds a model"
        self.query_one("#hint", Static).update(Content(hint))

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if not self.session.engine.is_remote:
            try:
                parse_name(name)
            except ModelError as error:
                self.notify(visible(str(error)), severity="error", markup=False)
                return
        event.input.clear()
        self.session.replace(self._place, name)

    @on(OptionList.OptionSelected, "#candidates")
    def _picked(self, event: OptionList.OptionSelected) -> None:
        self.session.replace(self._place, self._candidates[event.option_index])

    def action_add(self) -> None:
        """Add the typed or highlighted model."""
        candidates = self.query_one("#candidates", OptionList)
        typed = self.query_one("#name", Input).value.strip()
        if typed:
            self.session.add(typed)
        elif candidates.highlighted is not None:
            self.session.add(self._candidates[candidates.highlighted])

    def action_remove(self) -> None:
        """Remove the highlighted model."""
        self.session.remove(self._place)

    def action_stop(self) -> None:
        """Stop loading the highlighted model; enter on its name loads it again."""
        self.session.stop_loading(self._place)

    def action_swap(self) -> None:
        """Swap the highlighted model with the next one."""
        if len(self.session.slots) > 1:
            self.session.swap(self._place, (self._place + 1) % len(self.session.slots))
