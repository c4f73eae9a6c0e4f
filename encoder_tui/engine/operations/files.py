"""Find a model's small files on the engine's machine."""

from __future__ import annotations

from encoder_tui.core.hub.resolve import resolve
from encoder_tui.core.models.names import parse_name
from encoder_tui.core.versions import installed_versions
from encoder_tui.engine.job import Job
from encoder_tui.protocol.models import FilesAnswer, FilesRequest


def run(request: FilesRequest, job: Job) -> FilesAnswer:
    """Look among the built-in models, then for a directory, in the cache, and on the Hub; if the Hub cannot be reached,
    an incomplete cache will do.
    """
    files, remark = resolve(
        parse_name(request.name),
        offline=request.offline,
        progress=job.progress,
        needs_tokenizer=request.needs_tokenizer,
    )
    return FilesAnswer(files, installed_versions(), remark)
