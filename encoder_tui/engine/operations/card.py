"""Say what a model is, on the engine's machine."""

from __future__ import annotations

from encoder_tui.core.hub.inspection import inspect
from encoder_tui.core.models.names import parse_name
from encoder_tui.core.versions import installed_versions
from encoder_tui.engine.job import Job
from encoder_tui.protocol.models import CardAnswer, CardRequest


def run(request: CardRequest, job: Job) -> CardAnswer:
    """Return the card of a model, whose small files are fetched if they are not here."""
    inspected, remark = inspect(parse_name(request.name), offline=request.offline, progress=job.progress)
    return CardAnswer(inspected, installed_versions(), remark)
