"""The dialog that chooses the sections of a report and its file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from encoder_tui.core.files.typed_paths import typed_path
from encoder_tui.core.text.safe import visible
from encoder_tui.window.dialogs.dialog import Dialog
from encoder_tui.window.widgets.field import Field
from encoder_tui.window.widgets.option_list import Options

PROPOSED = "encoder-tui-report.md"

Chosen = tuple[Path, list[str]]


class ReportDialog(Dialog[Chosen | None]):
    """Asks for a path and for the sections; answers None if the user cancels."""

    CSS = """
    ReportDialog OptionList { max-height: 12; }
    ReportDialog Static { color: $text-muted; }
    """
    BINDINGS = [
        Binding("space", "take", "Select or deselect", id="report.take"),
    ]

    def __init__(self, sections: Sequence[tuple[str, str, bool]]) -> None:
        """`sections` holds for each section its name, a description, and whether it is selected at first."""
        super().__init__()
        self._sections = list(sections)
        self._taken = [is_chosen for _, _, is_chosen in sections]
        self._confirmed = ""

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Report"
            yield Static("Saves what is on the screen as a Markdown file; enter writes it", markup=False)
            yield Field(PROPOSED, placeholder="a path", compact=True)
            yield Static("Sections: tab moves to them, space selects or deselects one", markup=False)
            yield Options(*map(self._line, range(len(self._sections))), markup=False)

    def _line(self, index: int) -> Option:
        name, about, _ = self._sections[index]
        return Option(self._words(index, name, about))

    def _words(self, index: int, name: str, about: str) -> Content:
        sign = "✓" if self._taken[index] else " "
        return Content.assemble((f"{sign} {name:<14}", "bold" if self._taken[index] else ""), (visible(about), "dim"))

    @property
    def chosen(self) -> list[str]:
        """The names of the selected sections."""
        return [name for (name, _, _), is_taken in zip(self._sections, self._taken, strict=True) if is_taken]

    def toggle(self, index: int) -> None:
        """Select a section, or deselect it."""
        self._taken[index] = not self._taken[index]
        words = self._words(index, *self._sections[index][:2])
        self.query_one(OptionList).replace_option_prompt_at_index(index, words)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.toggle(event.option_index)

    def action_take(self) -> None:
        """Select the highlighted section, or deselect it."""
        sections = self.query_one(OptionList)
        if self.focused is sections and sections.highlighted is not None:
            self.toggle(sections.highlighted)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        sections = self.chosen
        if not sections:
            self.notify("select at least one section (tab to move, space to select)", severity="warning", markup=False)
            return
        try:
            path = typed_path(event.value.strip() or PROPOSED)
            is_folder, has_folder, is_there = path.is_dir(), path.parent.is_dir(), path.exists()
        except OSError as error:
            words = f"{event.value.strip()} cannot be written: {error.strerror}"
            self.notify(visible(words), severity="error", markup=False)
            return
        if is_folder or not has_folder:
            why = f"{path} is a folder" if is_folder else f"there is no folder {path.parent} to write in"
            self.notify(visible(why), severity="error", markup=False)
        elif is_there and self._confirmed != event.value:
            self._confirmed = event.value
            words = f"{path.name} already exists; press enter again to overwrite it"
            self.notify(visible(words), severity="warning", markup=False)
        else:
            self.dismiss((path, sections))
