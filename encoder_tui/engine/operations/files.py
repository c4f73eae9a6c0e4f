"""Find a model's small files, on the engine's side."""

from __future__ import annotations

from encoder_tui.core.hub import fetch
from encoder_tui.core.models.files import ModelError, parse_name, resolve_here
from encoder_tui.core.versions import installed_versions
from encoder_tui.engine.job import Job
from encoder_tui.protocol.operations import FilesAnswer, FilesRequest


def run(request: FilesRequest, job: Job) -> FilesAnswer:
    """Built-in, directory, cache, Hub, in this order; where there is no Hub, what the cache holds will do."""
    name = parse_name(request.name)
    needs = request.needs_tokenizer
    files = resolve_here(name, needs_tokenizer=needs) or fetch.cached(name, needs_tokenizer=needs)
    remark = ""
    if files is None:
        try:
            files = fetch.fetch(name, offline=request.offline, progress=job.progress, needs_tokenizer=needs)
        except ModelError:
            files = fetch.cached(name, needs_tokenizer=needs, needs_settings=False)
            if files is None:
                raise
            remark = (
                f"{name.text}: the cache holds no {fetch.SETTINGS} and none can be fetched now,"
                " so the tokens may be wrong; go online once"
            )
    return FilesAnswer(files, installed_versions(), remark)
