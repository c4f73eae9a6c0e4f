"""Find a model's small files, on the engine's side."""

from __future__ import annotations

from encoder_tui import hub
from encoder_tui.engine.contract import FilesAnswer, FilesRequest
from encoder_tui.engine.job import Job
from encoder_tui.engine.versions import installed_versions
from encoder_tui.models import parse_name, resolve_here


def run(request: FilesRequest, job: Job) -> FilesAnswer:
    """Built-in, directory, cache, Hub, in this order."""
    name = parse_name(request.name)
    needs = request.needs_tokenizer
    files = resolve_here(name, needs_tokenizer=needs) or hub.cached(name, needs_tokenizer=needs)
    if files is None:
        files = hub.fetch(name, offline=request.offline, progress=job.progress, needs_tokenizer=needs)
    return FilesAnswer(files, installed_versions())
