"""Which files of a folder belong to which configuration and split, as `datasets` says."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from encoder_tui.engine.documents.sources.features import Feature, of_arrow
from encoder_tui.engine.documents.sources.tree import Tree
from encoder_tui.engine.job import OperationError
from encoder_tui.engine.server import one_line

README: Final = "README.md"
"""The card of a data set."""

TRAIN: Final = "train"
"""The split that is read if there are several and none is named."""

WITHOUT_WORDS: Final = re.compile(r"\*|\?|\[[^]]*\]|/")
"""What of a pattern is not found literally in a path that matches it."""


class Resolution(NamedTuple):
    """A configuration of a folder: its files by split, relative to the folder, and the `format` of all of them.

    `configs` are the names of all configurations; `parameters` is what README.md says of this one besides its files,
    and `features` what its columns hold, if README.md says so.
    """

    configs: list[str]
    config: str
    format: str
    splits: dict[str, list[str]]
    parameters: Mapping[str, Any]
    features: dict[str, Feature] | None


def resolve(tree: Tree, name: str, wanted: str | None) -> Resolution | None:
    """Return the wanted configuration of a folder, or the one that `datasets` takes by default.

    Returns None if `datasets` finds no files that it reads, or refuses what it finds. Raises `OperationError` if
    README.md is wrong, or if there is no such configuration.
    """
    import datasets  # noqa: PLC0415  # 0.8 s, for folders and the Hub
    from datasets.data_files import EmptyDatasetError  # noqa: PLC0415
    from datasets.exceptions import DataFilesNotFoundError  # noqa: PLC0415
    from datasets.load import LocalDatasetModuleFactory  # noqa: PLC0415

    with listed_once(tree):
        try:
            module = LocalDatasetModuleFactory(str(tree.folder)).get_module()
        except (EmptyDatasetError, DataFilesNotFoundError) as error:
            if _names_files(tree):
                raise OperationError(f"{name}: the files that its README.md names are not there") from error
            if wanted is not None:
                raise OperationError(f"{name} has no configuration {wanted}") from error
            return None
        except Exception as error:
            if wanted is None and not tree.has(README):
                return None  # its splits are of several formats, for example
            raise OperationError(f"{name}: datasets cannot find its files ({one_line(error)})") from error
        found: Any = module.builder_configs_parameters
        configs = {one.name: one for one in found.builder_configs or ()}
        names = list(configs)
        chosen = wanted or found.default_config_name
        if chosen not in configs:
            if wanted is not None:
                raise OperationError(f"{name} has no configuration {wanted}; {_there(names, 'configuration')}")
            chosen = names[0]
        config = configs[chosen]
        try:
            config._resolve_data_files(str(tree.folder), datasets.DownloadConfig())
        except (FileNotFoundError, ValueError) as error:
            raise OperationError(f"{name}: datasets cannot find its files ({one_line(error)})") from error
    splits = {str(split): [relative(tree, file) for file in files] for split, files in config.data_files.items()}
    parameters = (found.metadata_configs or {}).get(chosen, {})
    info = (module.dataset_infos or {}).get(chosen)
    schema = info.features.arrow_schema if info is not None and info.features else None
    features = None if schema is None else {field.name: of_arrow(field.type) for field in schema}
    return Resolution(names, chosen, module.module_path.rsplit(".", 1)[-1], splits, parameters, features)


def _names_files(tree: Tree) -> bool:
    """Return whether README.md says which files belong to the data set."""
    from datasets.utils.metadata import MetadataConfigs  # noqa: PLC0415
    from huggingface_hub import DatasetCard  # noqa: PLC0415

    return tree.has(README) and bool(DatasetCard.load(tree.path(README)).data.get(MetadataConfigs.FIELD_NAME))


def patterns_of(tree: Tree) -> dict[str, list[str]]:
    """Return every file of a folder, whatever its format, by the splits that `datasets` sees in names and folders."""
    from datasets import data_files  # noqa: PLC0415

    with listed_once(tree), contextlib.suppress(FileNotFoundError):
        found = data_files.DataFilesDict.from_patterns(
            data_files.get_data_patterns(str(tree.folder)), base_path=str(tree.folder)
        )
        return {str(split): [relative(tree, file) for file in files] for split, files in found.items()}
    return {}


def split_of(names: Sequence[str], name: str, wanted: str | None) -> str:
    """Return the wanted split, or the one that is read if none is named. Raises `OperationError`."""
    if wanted is None:
        return TRAIN if TRAIN in names else names[0]
    if wanted not in names:
        raise OperationError(f"{name} has no split {wanted}; {_there(names, 'split')}")
    return wanted


def _there(names: Sequence[str], what: str) -> str:
    return f"its only {what} is {names[0]}" if len(names) == 1 else f"its {what}s are {', '.join(names)}"


def relative(tree: Tree, file: str) -> str:
    """Return a path that `datasets` found relative to the folder; unchanged if it lies elsewhere."""
    return file.removeprefix(f"{tree.folder}/")


@contextlib.contextmanager
def listed_once(tree: Tree) -> Iterator[None]:
    """Let `datasets` look for its patterns in a listing of the folder.

    By itself it lists the folder for each of some sixty patterns, which takes a minute for 10,000 files, and does not
    follow links to folders.
    """
    from datasets import data_files  # noqa: PLC0415

    listed: Any = data_files
    found, stated = listed.resolve_pattern, listed._get_origin_metadata
    originals = {"resolve_pattern": found, "_get_origin_metadata": stated}

    def resolve_pattern(
        pattern: str, base_path: str, allowed_extensions: Any = None, download_config: Any = None
    ) -> Any:
        is_here = base_path == str(tree.folder) and not pattern.startswith("/") and "::" not in pattern
        if not is_here or re.search(r"(^|/)(\.|__)", pattern):
            return found(pattern, base_path, allowed_extensions, download_config)
        names = [name for name in _matching(tree, pattern) if _is_taken(name, pattern, listed, allowed_extensions)]
        if not names:
            raise FileNotFoundError(f"Unable to find '{base_path}/{pattern}'")
        return [f"{base_path}/{name}" for name in names]

    listed.resolve_pattern = resolve_pattern
    # It would ask for the time of each file, to name its cache.
    listed._get_origin_metadata = lambda files, *_, **__: [()] * len(files)
    try:
        yield
    finally:
        for name, function in originals.items():
            setattr(listed, name, function)


def _is_taken(name: str, pattern: str, listed: Any, extensions: Sequence[str] | None) -> bool:
    """Return whether `datasets` takes a file that matches a pattern: no side files, and only of these suffixes."""
    base = name.rsplit("/", 1)[-1]
    if base in listed.FILES_TO_IGNORE and base != pattern.rsplit("/", 1)[-1]:
        return False
    return extensions is None or any(f".{suffix}" in extensions for suffix in base.split(".")[1:])


def _matching(tree: Tree, pattern: str) -> list[str]:
    """Return the files that match a pattern of fsspec."""
    from fsspec import utils  # type: ignore[import-untyped]  # noqa: PLC0415

    words = [word for word in WITHOUT_WORDS.split(pattern) if word]
    if not all(word in tree.joined for word in words):
        return []
    matches = re.compile(utils.glob_translate(f"/{pattern}")).match
    longest = max(words, key=len, default="")
    return [file for file in tree.files if longest in file and matches(f"/{file}")]
