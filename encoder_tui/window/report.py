"""The part of the window that keeps things: a report of what is on the screen, the texts of earlier sessions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.app import App, SystemCommand
from textual.widgets import ContentSwitcher

from encoder_tui.window.textual_fixes import workers

if TYPE_CHECKING:
    from encoder_tui.core.report.material import Material
    from encoder_tui.window.session.session import Session

# What is imported in the functions is not needed for the first paint.


@runtime_checkable
class Reporting(Protocol):
    """A pane that has results of its own."""

    def add_to_report(self, material: Material) -> None:
        """Add what the pane shows."""


class Keeping(App[int]):
    """Actions of the palette."""

    session: Session

    def keeping_commands(self) -> Iterable[SystemCommand]:
        """What the palette offers."""
        yield SystemCommand("Report", "Write what is on the screen as a Markdown file", self.action_report)
        if self.session.memory.state.earlier_texts:
            yield SystemCommand("Earlier texts", "Go on with a text of an earlier session", self.action_earlier_texts)

    def action_earlier_texts(self) -> None:
        """Go on with a text that another session left."""
        from encoder_tui.window.dialogs.earlier_texts import TextsDialog  # noqa: PLC0415

        if not isinstance(self.screen, TextsDialog):
            self.push_screen(TextsDialog(self.session))

    def action_report(self) -> None:
        """Ask for the sections of a report and for its file, then write it."""
        from encoder_tui.window.dialogs.report import Chosen, ReportDialog  # noqa: PLC0415

        if isinstance(self.screen, ReportDialog):
            return
        # What is on the screen now: what comes while the dialog is open belongs to another report.
        material = self.material()

        def chosen(answer: Chosen | None) -> None:
            if answer is not None:
                workers.start(self, partial(self._report, material, *answer), group="report")

        self.push_screen(ReportDialog(_offered(material)), chosen)

    def material(self) -> Material:
        """What the window knows at this moment."""
        from encoder_tui.core.report.material import Material, ReportedModel  # noqa: PLC0415
        from encoder_tui.core.versions import installed_versions  # noqa: PLC0415

        session = self.session
        models = [
            ReportedModel(slot.name, slot.files, slot.tokenizer, slot.message if slot.state == "failed" else None)
            for slot in session.slots
        ]
        versions = installed_versions() if session.hello is None else session.hello.versions
        made = Material(models, session.settings, time.strftime("%Y-%m-%d %H:%M %Z"), versions, text=session.text)
        for pane in self.screen_stack[0].query_one("#panes", ContentSwitcher).children:
            if isinstance(pane, Reporting):
                pane.add_to_report(made)
        return made

    async def _report(self, material: Material, path: Path, sections: Sequence[str]) -> None:
        """Ask for what the panes have not asked for yet, write, and say so, whichever way it went."""
        from encoder_tui.core.files.atomic import AtomicFile  # noqa: PLC0415
        from encoder_tui.core.report.sections import write  # noqa: PLC0415
        from encoder_tui.core.tokens.comparison import compare  # noqa: PLC0415

        def work() -> None:
            if "tokens" in sections:
                material.comparison = compare(material.text, [model.tokenizer for model in material.models])
            content = write(material, sections).encode()
            with AtomicFile(path) as file:
                file.write(content)

        if "architectures" in sections:
            await self._describe(material)
        try:
            await asyncio.to_thread(work)
        except OSError as error:
            self.session.notice(f"{path} cannot be written: {error.strerror or error}", "error")
        else:
            self.session.notice(f"the report is in {path}")

    async def _describe(self, material: Material) -> None:
        """The descriptions that the Parameters pane has not asked for."""
        from encoder_tui.client.client import EngineError, TaskFailed  # noqa: PLC0415
        from encoder_tui.core.models.names import ModelError  # noqa: PLC0415

        known = material.descriptions or [None for _ in material.models]
        material.descriptions = list(known)
        loader = self.session.loader
        for index, model in enumerate(material.models):
            if known[index] is not None:
                continue
            try:
                self.session.notice(f"the report asks for the parameters of {model.name}")
                files, versions = await loader.files(loader.parse(model.name), needs_tokenizer=False)
                material.descriptions[index] = await loader.description(files, versions)
            except (ModelError, TaskFailed, EngineError) as error:
                material.complaints.append(str(error))


def _offered(material: Material) -> list[tuple[str, str, bool]]:
    """The sections, what each would hold, and whether that is worth a section."""
    answered = [run.letter for run in material.runs if run.answer is not None]
    counted = material.counts is not None and material.counts.documents > 0
    seen = counted or bool(material.document)
    measured = material.timing is not None
    documents = material.counts.sentence() if material.counts is not None and counted else "none were counted"
    return [
        ("models", ", ".join(model.name.rpartition("/")[2] for model in material.models)[:50], True),
        ("settings", "in force, and the libraries", True),
        ("tokens", f"of the text of {len(material.text):,} characters", True),
        ("architectures", "parameters, roles, configurations", True),
        ("documents", documents, seen),
        ("outputs", f"of {' and '.join(answered)}" if answered else "nothing was run", bool(answered)),
        ("timing", "the run on the screen" if measured else "nothing was measured", measured),
    ]
