"""Find a model's small files, on the engine's side."""

from __future__ import annotations

from encoder_tui.core.hub.resolve import resolve
from encoder_tui.core.models.names import parse_name
from encoder_tui.core.versions import installed_versions
from encoder_tui.engine.job import Job
from encoder_tui.protocol.operations import FilesAnswer, FilesRequest


def run(request: FilesRequest, job: Job) -> FilesAnswer:
    """The files, from the Hub if they are not on this machine. Raises `ModelError`."""
    files, remark = resolve(
        parse_name(request.name),
        offline=request.offline,
        progress=job.progress,
        needs_tokenizer=request.needs_tokenizer,
    )
    return FilesAnswer(files, installed_versions(), remark)
