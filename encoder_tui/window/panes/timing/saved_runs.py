"""The list of saved runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from textual.binding import Binding
from textual.message import Message

from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import last_part, visible
from encoder_tui.core.timing.files import FileProblem, bring_back, delete, load, saved
from encoder_tui.core.timing.run import Run
from encoder_tui.window.widgets.table import Column, Row, Table

Deed = Literal["open", "under", "repeat"]
MOST = 200
"""The most runs listed; older ones stay in the folder."""


class SavedRuns(Table):
    """Saved runs, newest first."""

    BINDINGS = [
        Binding("enter", "choose('open')", "Open", id="timing.saved.open", tooltip="Show this run"),
        Binding(
            "o",
            "choose('under')",
            "Overlay",
            id="timing.saved.lay-under",
            tooltip="Draw this run together with the current one",
        ),
        Binding("r", "choose('repeat')", "Repeat", id="timing.saved.repeat", tooltip="Measure the same again"),
        Binding(
            "d",
            "delete",
            "Delete",
            id="timing.saved.delete",
            tooltip="Delete this run; it can be restored while the window is open",
        ),
        Binding(
            "u",
            "bring_back",
            "Restore",
            id="timing.saved.bring-back",
            tooltip="Restore the run that was deleted last",
        ),
    ]

    class Chosen(Message):
        """A run is to be opened, shown as an overlay, or repeated."""

        def __init__(self, run: Run, deed: Deed, name: str) -> None:
            super().__init__()
            self.run = run
            self.deed = deed
            self.name = name

    def __init__(self) -> None:
        labels = [Column("when", 16), Column("models", 0), Column("run", 20), Column("device", 7), Column("dtype", 8)]
        super().__init__(labels, id="timing-saved")
        self._files: list[Path] = []
        self._rows: dict[Path, Row] = {}
        self._deleted: list[tuple[Path, bytes]] = []

    def look(self, folder: Path) -> None:
        """List the runs in a folder; each file is read once."""
        self._files = saved(folder)[:MOST]
        for path in self._files:
            if path not in self._rows:
                self._rows[path] = self._about(path)
        self.show_rows(len(self._files), lambda row: self._rows[self._files[row]])

    def _about(self, path: Path) -> Row:
        try:
            run = load(path)
        except FileProblem as error:
            return [path.stem, str(error).removeprefix(f"{path.name}: "), "", "", ""]
        names = ", ".join(dict.fromkeys(last_part(column.name) for column in run.columns))
        when = run.environment.started[:16].replace("T", " ") if run.environment is not None else path.stem
        lengths = [row.length for row in run.rows]
        what = "one text" if run.plan.text else f"{count(len(run.rows), 'row')}, {min(lengths):,} to {max(lengths):,}"
        device = ", ".join(dict.fromkeys(one.device for one in run.in_force))
        return [when, names, what, device, ", ".join(dict.fromkeys(one.dtype for one in run.in_force))]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide a key that would do nothing."""
        return bool(self._deleted) if action == "bring_back" else True

    def action_delete(self) -> None:
        """Delete the run under the cursor; one key restores it while the window is open."""
        if not self._files:
            return
        path = self._files[self.cursor]
        try:
            self._deleted.append((path, delete(path)))
        except FileProblem as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.notify(f"deleted the run of {self._rows[path][0]}; press u to restore it", markup=False)
        self._look_again(path)

    def action_bring_back(self) -> None:
        """Restore the run that was deleted last."""
        path, content = self._deleted.pop()
        try:
            bring_back(path, content)
        except FileProblem as error:
            self._deleted.append((path, content))
            self.notify(str(error), severity="error", markup=False)
        self._look_again(path)
        self.cursor = self._files.index(path) if path in self._files else self.cursor

    def _look_again(self, path: Path) -> None:
        self.look(path.parent)
        self.refresh()
        self.refresh_bindings()

    def action_choose(self, deed: Deed) -> None:
        """Read the run under the cursor and hand it to the pane."""
        if not self._files:
            self.notify("no saved runs yet; each run is saved when it ends", markup=False)
            return
        path = self._files[self.cursor]
        try:
            self.post_message(self.Chosen(load(path), deed, path.stem))
        except FileProblem as error:
            self.notify(visible(str(error)), severity="error", markup=False)
