"""What a report says of the models' parameters, asked for as far as nobody has asked for it yet."""

from __future__ import annotations

from collections.abc import Callable

from encoder_tui.client.client import EngineError, TaskFailed
from encoder_tui.client.loader import Loader
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.report.material import Material


async def describe_models(material: Material, loader: Loader, begin: Callable[[str], None] = lambda name: None) -> None:
    """Fill the material's descriptions, one for each model, and call `begin` with the name of each that is asked for.

    A model that cannot be described has None, and why is one of the material's complaints.
    """
    known = material.descriptions or [None for _ in material.models]
    material.descriptions = list(known)
    for index, model in enumerate(material.models):
        if known[index] is not None:
            continue
        begin(model.name)
        try:
            files, versions = await loader.files(loader.parse(model.name), needs_tokenizer=False)
            material.descriptions[index] = await loader.description(files, versions)
        except (ModelError, TaskFailed, EngineError) as error:
            material.complaints.append(str(error))
