"""Finding a model's small files: built in, in a directory, in the Hub's cache, or on the Hub, in this order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from encoder_tui.core.hub.cache import SETTINGS, cached, settings_lacking
from encoder_tui.core.hub.fetch import fetch
from encoder_tui.core.models.files import ModelFiles, resolve_here
from encoder_tui.core.models.names import ModelError, ModelName


def on_this_machine(name: ModelName, *, needs_tokenizer: bool = True) -> ModelFiles | None:
    """Return a model's small files if they are complete on this machine, else None. Raises `ModelError`.

    Takes some milliseconds and sends no request.
    """
    return resolve_here(name, needs_tokenizer=needs_tokenizer) or cached(name, needs_tokenizer=needs_tokenizer)


def resolve(
    name: ModelName, *, offline: bool, progress: Callable[..., None], needs_tokenizer: bool = True
) -> tuple[ModelFiles, str]:
    """Return a model's small files, fetched from the Hub if necessary, and a remark on them (possibly empty).

    If the Hub cannot be reached, incomplete files from the cache are used. Raises `ModelError`, and what `progress`
    raises.
    """
    files = on_this_machine(name, needs_tokenizer=needs_tokenizer)
    if files is not None:
        return files, ""
    try:
        return fetch(name, offline=offline, progress=progress, needs_tokenizer=needs_tokenizer), ""
    except ModelError:
        files = cached(name, needs_tokenizer=needs_tokenizer, needs_settings=False)
        if files is None:
            raise
    lacking = settings_lacking(name.text, Path(files.directory), needs_tokenizer)
    what = "tokens" if any(file.endswith(SETTINGS) for file in lacking) else "limit and pooling"
    return files, (
        f"{name.text}: the cache holds no {' or '.join(lacking)} and none can be fetched now,"
        f" so the {what} may be wrong; go online once"
    )
