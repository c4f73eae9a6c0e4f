"""Checks of a deployed model's directory before sentence-transformers reads it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

from encoder_tui import builtin
from encoder_tui.core.files.outside_names import shown
from encoder_tui.core.models.card import Card, card_of
from encoder_tui.core.models.modules import MODULES, ModuleSettings, every_module, read_modules
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.models.placement import ModelSource
from encoder_tui.core.models.trust import refuse_code
from encoder_tui.engine.job import OperationError
from encoder_tui.engine.models.configuration import refuse_unsafe

ARGUMENTS: Final = ("model_args", "model_kwargs", "tokenizer_args", "processor_kwargs", "config_args", "config_kwargs")
"""Settings of a transformer that sentence-transformers hands to transformers as they are written."""

REFUSED: Final = frozenset(
    {"adapter_kwargs", "code_revision", "device_map", "gguf_file", "kernel_config", "offload_folder", "state_dict",
     "use_kernels", "weights_only"}
)  # fmt: skip
"""Arguments that would unpickle objects, run native code from the Hub, read other files, or move the model."""


class Checked(NamedTuple):
    """A deployed model that may be read: its directory, its card, and its modules with those inside Routers."""

    directory: Path
    card: Card
    modules: list[ModuleSettings]


def checked(source: ModelSource) -> Checked:
    """Return a deployed model's directory, card and modules, once nothing in it is found that must not be read.

    Raises `OperationError`, also if the model would run code of its own that the user did not trust.
    """
    directory = _directory(source)
    try:
        card = card_of(source.name, directory)
        modules = list(every_module(read_modules(source.name, directory) or []))
        _refuse_own_code(source, directory, card, modules)
    except ModelError as error:
        raise OperationError(str(error)) from error
    for folder in dict.fromkeys(["", *(module.module.path for module in modules)]):
        if (directory / folder).is_dir():
            refuse_unsafe(
                source.name,
                directory / folder,
                own=source.repo,
                runs_code=source.trust_remote_code,
                also_allowed=source.also_allowed,
            )
    for module in modules:
        _refuse_arguments(source.name, module)
        _refuse_imports(source.name, module)
    if card.adapter is not None:
        remark = next((one for one in card.remarks if one.startswith("adapter_config.json")), "it is an adapter")
        raise OperationError(f"{source.name}: {remark}")
    return Checked(directory, card, modules)


def _directory(source: ModelSource) -> Path:
    if source.location.startswith("builtin:"):
        return builtin.directory(source.location.removeprefix("builtin:"))
    directory = Path(source.location).expanduser()
    for _ in PurePosixPath(source.folder).parts:
        # The location is that of the transformer, which may lie in a folder of its own.
        directory = directory.parent
    if not any((directory / file).is_file() for file in (MODULES, "config.json")):
        raise OperationError(f"{source.name}: there is no model at {directory} any more")
    return directory


def _refuse_own_code(source: ModelSource, directory: Path, card: Card, modules: list[ModuleSettings]) -> None:
    """Raise `OperationError` or `ModelError` for modules that are code beside the model, unless it is trusted."""
    own = [module.module.type for module in modules if module.module.is_own_code]
    if not own:
        return
    if not source.trust_remote_code:
        raise OperationError(
            f"{source.name}: {MODULES} names the model's own code ({shown(own[0])}), which is not run;"
            " look at it, and add the model's name to trust_remote_code if you trust it"
        )
    refuse_code(source.name, directory, own, source.repo, source.also_allowed)


def _refuse_arguments(name: str, module: ModuleSettings) -> None:
    """Raise `OperationError` if a transformer's settings would make transformers do more than load it."""
    settings = module.settings
    where = f"{name}: the settings of {shown(module.module.path) or 'its transformer'}"
    if settings.get("tokenizer_name_or_path"):
        raise OperationError(f"{where} name another model's tokenizer, which is not read")
    for key in ARGUMENTS:
        stated: Any = settings.get(key)
        for argument, value in stated.items() if isinstance(stated, dict) else ():
            is_foreign = argument.endswith("_file") or (isinstance(value, str) and "/" in value)
            if argument in REFUSED or is_foreign:
                raise OperationError(
                    f"{where} ask transformers for {shown(argument)}, which encoder-tui does not hand on;"
                    f" take it out of {key}"
                )


def _refuse_imports(name: str, module: ModuleSettings) -> None:
    """Raise `OperationError` if a module's settings name code or files that are not the library's or the model's."""
    tokenizer = module.settings.get("tokenizer_class")
    if module.module.name == "WordEmbeddings" and not str(tokenizer).startswith("sentence_transformers."):
        raise OperationError(
            f"{name}: the settings of {shown(module.module.path)} name the tokenizer {shown(str(tokenizer))}, which is"
            " not one of sentence-transformers and is not imported"
        )
    if module.module.name == "SparseStaticEmbedding" and module.settings.get("path"):
        raise OperationError(
            f"{name}: the settings of {shown(module.module.path)} name a file of weights elsewhere, which is not read;"
            " save the model with save_pretrained, which writes them beside it"
        )
