"""Find a model's small files, on the engine's side."""

from __future__ import annotations

from encoder_tui import hub
from encoder_tui.engine.contract import FilesAnswer, FilesRequest
from encoder_tui.engine.job import Job
from encoder_tui.engine.versions import installed_versions
from encoder_tui.models import ModelError, parse_name, resolve_here


def run(request: FilesRequest, job: Job) -> FilesAnswer:
    """Built-in, directory, cache, Hub, in this order; where there is no Hub, what the cache holds will do."""
    name = parse_name(request.name)
    needs = request.needs_tokenizer
    files = resolve_here(name, needs_tokenizer=needs) or hub.cached(name, needs_tokenizer=needs)
    remark = ""
    if files is None:
        try:
            files = hub.fetch(name, offline=request.offline, progress=job.progress, needs_tokenizer=needs)
        except ModelError:
            files = hub.cached(name, needs_tokenizer=needs, needs_settings=False)
            if files is None:
                raise
            remark = (
                f"{name.text}: the cache holds no {hub.SETTINGS} and none can be fetched now,"
                " so the tokens may be wrong; go online once"
            )
    return FilesAnswer(files, installed_versions(), remark)
