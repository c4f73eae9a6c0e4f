"""The dialog in which models are chosen."""

from __future__ import annotations

import asyncio
import textwrap
from functools import partial
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
from encoder_tui.core.models.card_words import line
from encoder_tui.core.models.names import ModelError, parse_name
from encoder_tui.core.models.nearby import directories_like
from encoder_tui.core.text.safe import shorten, visible
from encoder_tui.window.dialogs.dialog import Dialog
from encoder_tui.window.session.hub_search import HubSearch, result_words
from encoder_tui.window.session.session import Session
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.textual_fixes import workers
from encoder_tui.window.widgets.field import Field
from encoder_tui.window.widgets.model_letters import letter_markup
from encoder_tui.window.widgets.option_list import Options

WIDTH: Final = 76
"""Cells of the box in a window that has them."""


class ModelsDialog(Dialog[None]):
    """One to four models: add, replace, remove, swap, bring back.

    Above are the models being compared; below, the names to choose from: recent, cached and built-in ones. A model that
    is chosen takes its place once it has loaded.
    """

    CSS = """
    ModelsDialog #slots { max-height: 10; }
    ModelsDialog #candidates { max-height: 8; }
    ModelsDialog .label { color: $text-muted; }
    ModelsDialog #hint { height: auto; max-height: 4; }
    """
    BINDINGS = [
        Binding("delete,d", "remove", "Remove", id="models.remove"),
        Binding("r", "replace", "Replace", id="models.replace"),
        Binding("u", "bring_back", "Bring back", id="models.bring-back"),
        Binding("s", "swap", "Exchange letters with next", id="models.swap-with-next"),
        Binding("x", "stop", "Stop loading", id="models.stop-loading"),
        Binding("down", "candidates", "Results", show=False, id="models.results"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._replaced: Slot | None = None
        """The model that the next choice replaces, if there is room for another; None if it is added."""
        self._candidates: list[str] = []
        self._known: list[str] = []
        self._in_cache: set[str] = set()
        self._directories: list[str] = []
        self._search = HubSearch(session, "models", session.engine, self._show_found)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Models"
            yield Static(
                "d removes · r replaces · u undoes · s swaps letters · x stops loading",
                classes="label",
                markup=False,
            )
            yield Options(id="slots", markup=False)
            yield Field(
                placeholder="search the Hub, or name a directory or OWNER/NAME[@REVISION]", compact=True, id="name"
            )
            yield Static("", id="hint", classes="label", markup=False)
            yield Options(id="candidates", markup=False)

    def on_unmount(self) -> None:
        # Otherwise the signal would keep the dialog alive.
        self.session.models_changed.unsubscribe(self)
        self.session.is_choosing = False
        self._search.close()

    async def on_mount(self) -> None:
        self.session.is_choosing, self.session.refusal = True, ""
        self.session.models_changed.subscribe(self, lambda _: self._show_slots())
        self._show_slots()
        self.query_one("#slots", OptionList).highlighted = 0
        self.query_one("#name", Input).focus()
        cached = [] if self.session.engine.is_remote else await asyncio.to_thread(cached_models)
        recent = self.session.memory.state.recent_models
        self._known = list(dict.fromkeys([*recent, *cached, *DEFAULT_PAIR, *BUILTIN_NAMES]))
        self._in_cache = set(cached)
        self._show_candidates()

    def on_resize(self) -> None:
        self._show_slots()
        self._show_candidates()

    @property
    def _room(self) -> int:
        """The width of an option in cells: the box without its border, padding and scroll bar."""
        return max(min(WIDTH, self.app.size.width * 95 // 100) - 8, 20)

    def _show_found(self) -> None:
        self._show_candidates()
        self._show_hint()

    @on(Input.Changed, "#name")
    def _name_changed(self, event: Input.Changed) -> None:
        self._search.ask(event.value)
        self._show_found()
        workers.start(self, partial(self._find_directories, event.value.strip()), group="directories", exclusive=True)

    async def _find_directories(self, typed: str) -> None:
        """Find directories that look like models and go with what was typed."""
        is_here = bool(typed) and not self.session.engine.is_remote
        found = await asyncio.to_thread(directories_like, typed) if is_here else []
        if self.is_mounted and typed == self._typed:
            self._directories = found
            self._show_candidates()

    @property
    def _typed(self) -> str:
        return self.query_one("#name", Input).value.strip()

    def _show_candidates(self) -> None:
        """Show what there is to choose: directories, known models that go with what was typed, results of the Hub."""
        typed = self._typed.casefold()
        results = {found.name: result_words(found) for found in self._search.found}
        known = [name for name in self._known if typed in name.casefold()]
        self._candidates = list(dict.fromkeys([*(self._directories if typed else ()), *known, *results]))
        recent = self.session.memory.state.recent_models

        def where(name: str) -> str:
            if name in BUILTIN_NAMES:
                return "built in"
            if name in self._directories and typed:
                return "directory"
            if name in results and name not in recent:
                return results[name]
            there = "cached" if name in self._in_cache else "Hub"
            return ("recent" if there == "Hub" else "recent, cached") if name in recent else there

        candidates = self.query_one("#candidates", OptionList)
        highlighted = candidates.highlighted
        candidates.set_options(
            Option(
                Content.assemble(
                    shorten(visible(name), max(self._room - len(where(name)) - 3, 16)),
                    (f"   {shorten(where(name), max(self._room - 19, 16))}", "dim"),
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
            slots.add_option(Option(self._row(slot)))
        last = len(self.session.slots) - 1
        slots.highlighted = min(highlighted if highlighted is not None else 0, last)
        self._show_hint()

    def _row(self, slot: Slot) -> Content:
        """Return a model's letter, name and state, and below what it is or why it could not be loaded."""
        letter = (f" {slot.letter} ", letter_markup(slot.number))
        message = visible(slot.message).removeprefix(f"{visible(slot.name)}: ")
        state = f"shown instead of {visible(slot.stands_in_for)}" if slot.stands_in_for else ""
        if slot.state == "failed":
            below = "\n".join(f"    {line}" for line in textwrap.wrap(message, self._room - 4, max_lines=3))
            return Content.assemble(letter, f" {shorten(visible(slot.name), self._room - 4)}\n", (below, "$text-error"))
        if slot.state != "exact" and not state:
            state = message or slot.state
        state = shorten(state, self._room // 2)
        room = self._room - 4 - (len(state) + 2 if state else 0)
        # Cut in the middle: the end of a path tells models apart.
        parts: list[str | tuple[str, str]] = [letter, f" {shorten(visible(slot.name), room)}", (f"  {state}", "dim")]
        if slot.files is not None:
            parts.append((f"\n    {shorten(line(slot.files.card), self._room - 4)}", "dim"))
        return Content.assemble(*parts)

    @property
    def _place(self) -> int:
        return min(self.query_one("#slots", OptionList).highlighted or 0, len(self.session.slots) - 1)

    @property
    def _to_replace(self) -> Slot | None:
        """The model that the next choice replaces; None if it is added."""
        session = self.session
        if self._replaced in session.slots:
            return self._replaced
        return None if session.room > 0 else session.slots[self._place]

    @on(OptionList.OptionHighlighted, "#slots")
    def _show_hint(self) -> None:
        """Say what enter does, what is being loaded, and what went wrong."""
        session, replaced = self.session, self._to_replace
        if replaced is None:
            says = f"enter adds it as {session.next_letter}"
        else:
            says = f"enter replaces {replaced.letter} {visible(replaced.short)}"
        parts = [(says, "$text-muted")]
        if session.arriving:
            names = ", ".join(shorten(visible(slot.name), self._room // 2) for slot in session.arriving)
            doing = next((visible(slot.message) for slot in session.arriving if slot.message), "")
            parts.insert(0, (f"loading {names}{f': {doing}' if doing else ''}; x stops\n", "$text-muted"))
        elif session.refusal:
            parts.insert(0, (f"{visible(session.refusal)}\n", "$text-error"))
        elif session.gone is not None:
            parts.append((f" · u brings back {visible(session.gone.short)}", "$text-muted"))
        if self._search.words:
            parts.append((f"\n{self._search.words}", "$text-muted"))
        self.query_one("#hint", Static).update(Content.assemble(*parts))

    def _choose(self, name: str) -> None:
        replaced = self._to_replace
        self._replaced = None
        if replaced is None:
            self.session.add(name)
        else:
            self.session.replace(self.session.slots.index(replaced), name)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if not self.session.engine.is_remote:
            try:
                parse_name(name)
            except ModelError as error:
                self.session.refusal = str(error)
                self._show_hint()
                return
        event.input.clear()
        self._choose(name)

    @on(OptionList.OptionSelected, "#candidates")
    def _picked(self, event: OptionList.OptionSelected) -> None:
        name, field = self._candidates[event.option_index], self.query_one("#name", Input)
        field.clear()
        self.set_focus(field)
        self._choose(name)

    @on(OptionList.OptionSelected, "#slots")
    def _slot_picked(self) -> None:
        """Load a model that failed or was stopped again; let another be replaced."""
        if self.session.slots[self._place].state == "failed":
            self.session.load_again(self._place)
        else:
            self.action_replace()

    def action_replace(self) -> None:
        """Let the next choice replace the highlighted model; once more: let it be added."""
        slot = self.session.slots[self._place]
        self._replaced = None if self._replaced is slot else slot
        self._show_hint()
        self.set_focus(self.query_one("#name", Input))

    def action_candidates(self) -> None:
        """Go from the field to what there is to choose."""
        candidates = self.query_one("#candidates", OptionList)
        candidates.highlighted = 0 if self._candidates else None
        self.set_focus(candidates)  # at once: the next key is meant for it

    def action_bring_back(self) -> None:
        """Bring back the model that was removed or replaced last."""
        self.session.bring_back()

    def action_remove(self) -> None:
        """Remove the highlighted model."""
        self.session.remove(self._place)

    def action_stop(self) -> None:
        """Stop loading the chosen models, or if there are none the highlighted one."""
        if not self.session.stop_arriving():
            self.session.stop_loading(self._place)

    def action_swap(self) -> None:
        """Exchange the letters of the highlighted model and the next one."""
        if len(self.session.slots) > 1:
            self.session.swap(self._place, (self._place + 1) % len(self.session.slots))
