"""The dialog in which a report's sections and its file are chosen."""

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
    """Asks for a path and for the sections; None where the user wants no report after all."""

    CSS = """
    ReportDialog OptionList { max-height: 12; }
    ReportDialog Static { color: $text-muted; }
    """
    BINDINGS = [
        Binding("space", "take", "Take or leave", id="report.take"),
    ]

    def __init__(self, sections: Sequence[tuple[str, str, bool]]) -> None:
        """`sections` are names, what each holds now in words, and whether it is in the report unless unchecked."""
        super().__init__()
        self._sections = list(sections)
        self._taken = [is_chosen for _, _, is_chosen in sections]
        self._confirmed = ""

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Report"
            yield Static("What is on the screen now, as a Markdown file; enter writes it", markup=False)
            yield Field(PROPOSED, placeholder="a path", compact=True)
            yield Static("Sections: tab goes to them, space takes or leaves one", markup=False)
            yield Options(*map(self._line, range(len(self._sections))), markup=False)

    def _line(self, index: int) -> Option:
        name, about, _ = self._sections[index]
        return Option(self._words(index, name, about))

    def _words(self, index: int, name: str, about: str) -> Content:
        sign = "✓" if self._taken[index] else " "
        return Content.assemble((f"{sign} {name:<14}", "bold" if self._taken[index] else ""), (visible(about), "dim"))

    @property
    def chosen(self) -> list[str]:
        """The names of the sections that are taken."""
        return [name for (name, _, _), is_taken in zip(self._sections, self._taken, strict=True) if is_taken]

    def toggle(self, index: int) -> None:
        """Take a section, or leave it out."""
        self._taken[index] = not self._taken[index]
        words = self._words(index, *self._sections[index][:2])
        self.query_one(OptionList).replace_option_prompt_at_index(index, words)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.toggle(event.option_index)

    def action_take(self) -> None:
        """Take the highlighted section, or leave it out."""
        sections = self.query_one(OptionList)
        if self.focused is sections and sections.highlighted is not None:
            self.toggle(sections.highlighted)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        sections = self.chosen
        if not sections:
            self.notify("take a section: tab goes to them, space takes one", severity="warning", markup=False)
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
            words = f"{path.name} is there already; enter once more writes over it"
            self.notify(visible(words), severity="warning", markup=False)
        else:
            self.dismiss((path, sections))
