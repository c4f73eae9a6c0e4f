"""The dialog that saves to a file what could be copied."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from encoder_tui.core.files.atomic import FileExistsAlready, write_whole
from encoder_tui.core.files.typed_paths import typed_path
from encoder_tui.core.text.numbers import decimal_size
from encoder_tui.core.text.safe import shorten, visible
from encoder_tui.window.dialogs.dialog import Dialog
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.field import Field


@dataclass(frozen=True)
class Saveable:
    """Something to save: its name, a default file name, and a function that returns it (empty if there is nothing)."""

    what: str
    file_name: str
    make: Callable[[], Awaitable[str | bytes]]


class SaveDialog(Dialog[None]):
    """Asks what to save, if there is a choice, and where; a second enter overwrites an existing file."""

    CSS = """
    SaveDialog #save-hint { color: $text-muted; height: auto; }
    """

    def __init__(self, things: Sequence[Saveable]) -> None:
        super().__init__()
        self._things = {thing.what: thing for thing in things}
        self._confirmed = ""

    def compose(self) -> ComposeResult:
        first = next(iter(self._things.values()))
        with Vertical() as box:
            box.border_title = "Save to a file"
            if len(self._things) > 1:
                yield Choice(list(self._things), id="save-what")
            yield Field(first.file_name, placeholder="a path", compact=True, id="save-path")
            yield Static(id="save-hint", markup=False)

    def on_mount(self) -> None:
        self._hint()
        self.query_one(Input).focus()

    @property
    def _chosen(self) -> Saveable:
        for choice in self.query(Choice):
            return self._things[choice.chosen]
        return next(iter(self._things.values()))

    def _hint(self, words: str = "") -> None:
        other = "shift+tab chooses what; " if len(self._things) > 1 else ""
        folder = shorten(visible(str(Path.cwd())), 48)
        hint = words or f"{other}enter saves {self._chosen.what}; relative paths start at {folder}"
        self.query_one("#save-hint", Static).update(Content(hint))

    @on(Choice.Changed)
    def _other(self, event: Choice.Changed) -> None:
        event.stop()
        field = self.query_one(Input)
        if field.value in {thing.file_name for thing in self._things.values()}:
            field.value = self._chosen.file_name
        self._hint()

    @on(Input.Changed)
    def _path_changed(self, event: Input.Changed) -> None:
        if event.value != self._confirmed:
            self._confirmed = ""
            self._hint()

    @on(Input.Submitted)
    async def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value.strip()
        if not name:
            self._hint("enter a path")
            return
        try:
            path = typed_path(name)
        except OSError as error:
            self._hint(f"{visible(name)} cannot be written: {visible(str(error.strerror or error))}")
            return
        content = await self._chosen.make()
        if not content:
            self._hint(f"there is no {self._chosen.what} to save yet")
            return
        try:
            write_whole(path, content, replace=self._confirmed == event.value)
        except FileExistsAlready:
            self._confirmed = event.value
            self._hint(f"{visible(path.name)} already exists; press enter again to overwrite it")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            self._hint(f"{visible(str(path))} cannot be written: {visible(str(why))}")
        else:
            length = decimal_size(len(content)) if isinstance(content, bytes) else f"{len(content):,} characters"
            self.notify(f"saved {self._chosen.what}, {length}, to {visible(str(path.absolute()))}", markup=False)
            self.dismiss()
