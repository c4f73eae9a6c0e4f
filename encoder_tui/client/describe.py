"""The descriptions of the models' parameters that a report needs and that were not requested before."""

from __future__ import annotations

from collections.abc import Callable

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.client.loader import Loader
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.report.material import Material


async def describe_models(material: Material, loader: Loader, begin: Callable[[str], None] = lambda name: None) -> None:
    """Fill in the material's descriptions, one for each model; call `begin` with the name of each that is requested.

    If a model cannot be described, its description is None and the reason is added to the material's complaints.
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
        except (ModelError, OperationFailed, EngineError) as error:
            material.complaints.append(str(error))
