"""A report of what is on the screen, as a file; missing results are computed first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from encoder_tui.client.describe import describe_models
from encoder_tui.core.files.atomic import AtomicFile
from encoder_tui.core.report.material import Material, now
from encoder_tui.core.report.sections import write
from encoder_tui.core.text.safe import last_part
from encoder_tui.core.tokens.comparison import compare
from encoder_tui.core.versions import installed_versions
from encoder_tui.window.panes.pane import Pane
from encoder_tui.window.session.session import Session


class ReportWriter:
    """Collects the results in the window and writes a report."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def material(self, panes: Iterable[Pane]) -> Material:
        """Return the current contents of the session and these panes."""
        session = self.session
        versions = installed_versions() if session.hello is None else session.hello.versions
        made = Material(session.models, session.settings, now(), versions, text=session.text)
        for pane in panes:
            pane.add_to_report(made)
        return made

    async def write(self, material: Material, path: Path, sections: Sequence[str]) -> None:
        """Compute what is missing, write the file, and notify the user of success or failure."""

        def work() -> None:
            if "tokens" in sections:
                material.comparison = compare(material.text, material.models)
            content = write(material, sections).encode()
            with AtomicFile(path) as file:
                file.write(content)

        if "architectures" in sections:
            await describe_models(material, self.session.loader, self._tell_of_model)
        try:
            await asyncio.to_thread(work)
        except OSError as error:
            self.session.notice(f"{path} cannot be written: {error.strerror or error}", "error")
        else:
            self.session.notice(f"saved the report to {path}")

    def _tell_of_model(self, name: str) -> None:
        self.session.notice(f"report: reading the parameters of {name}")


def offered_sections(material: Material) -> list[tuple[str, str, bool]]:
    """Return each section's name, a description of its contents, and whether it is selected at first."""
    answered = [run.letter for run in material.runs if run.answer is not None]
    counted = material.counts is not None and material.counts.documents > 0
    seen = counted or bool(material.document)
    encoded = [one.letter for one in material.vectors if one.answer is not None]
    predicted = [one.letter for one in material.predictions if one.found is not None]
    measured = material.timing is not None
    documents = material.counts.sentence() if material.counts is not None and counted else "none counted yet"
    return [
        ("models", ", ".join(last_part(model.name) for model in material.models)[:50], True),
        ("settings", "current settings, and library versions", True),
        ("tokens", f"of the text of {len(material.text):,} characters", True),
        ("architectures", "parameters, roles, configurations", True),
        ("documents", documents, seen),
        ("outputs", f"of {' and '.join(answered)}" if answered else "nothing run yet", bool(answered)),
        ("vectors", f"by {' and '.join(encoded)}" if encoded else "nothing encoded yet", bool(encoded)),
        ("predictions", f"by {' and '.join(predicted)}" if predicted else "nothing predicted yet", bool(predicted)),
        ("timing", "the run on the screen" if measured else "nothing measured yet", measured),
    ]
