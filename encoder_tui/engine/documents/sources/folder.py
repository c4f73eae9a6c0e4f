"""A folder as a source: the configuration, the split and the files of it that `datasets` would load."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.engine.documents.sources.content import Content
from encoder_tui.engine.documents.sources.features import Feature
from encoder_tui.engine.documents.sources.files import TextFiles
from encoder_tui.engine.documents.sources.joined import Joined
from encoder_tui.engine.documents.sources.kinds import KINDS, kind_of, open_path
from encoder_tui.engine.documents.sources.layouts import LOG, DeltaTable, is_delta_table, saved_splits
from encoder_tui.engine.documents.sources.resolution import README, TRAIN, Resolution, patterns_of, resolve, split_of
from encoder_tui.engine.documents.sources.retrieval import CORPUS, Parts, files_of_parts, join_titles, parts_of
from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.documents.sources.tree import Tree
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.documents import FORMATS, SourceSpec

SIDE_FILES: Final = frozenset(
    {README, "config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}
)
"""Files beside the data that describe them; `datasets` ignores them too."""

DEFAULT: Final = "default"
"""What `datasets` calls the configuration of a folder that names none."""

SPLIT_WORDS: Final = re.compile(r"train|valid|dev|val|test|eval|-of-", re.IGNORECASE)
"""What is in every name by which `datasets` finds splits."""


class Found(NamedTuple):
    """The files of a folder by split, relative to it, and how to read them.

    `kind` is one of `FORMATS`, and `spec` has the options that the folder itself states. `remarks` say what is read
    otherwise than datasets would.
    """

    kind: str
    splits: Mapping[str, list[str]]
    spec: SourceSpec
    configs: list[str] = []
    config: str | None = None
    features: dict[str, Feature] | None = None
    remarks: list[str] = []


def open_folder(name: str, path: Path, spec: SourceSpec, job: Job) -> Source:
    """Open the wanted split of the wanted configuration of a folder. Raises `OperationError`."""
    name = name.rstrip("/") or name
    tree = Tree(path)
    if tree.closed and not tree.files:
        raise tree.closed[0]
    job.checkpoint()
    spec = _config_or_split(tree, name, spec)
    tree.look_at_sizes()
    found = find(tree, name, spec)
    splits = [split for split, files in found.splits.items() if files]
    if not splits:
        raise _nothing(name)
    split = split_of(splits, name, spec.split)
    source = _opened(tree, name, found, split)
    if len(found.configs) > 1:
        source.configs, source.config = found.configs, found.config
    if len(splits) > 1:
        source.splits, source.split = splits, split
    parts = [name, *(one for one in (source.config, source.split) if one is not None)]
    source.label = " · ".join(parts)
    if found.config is not None:
        join_titles(source, found.config)
    for sentence in [*found.remarks, *_remarks(tree, name, found, spec, split)]:
        source.remark(sentence)
    return source


def _config_or_split(tree: Tree, name: str, spec: SourceSpec) -> SourceSpec:
    """Return the request with a configuration that the folder has; what is none may name a split.

    Raises `OperationError` if it names neither.
    """
    if spec.config is None:
        return spec
    bare = find(tree, name, msgspec.structs.replace(spec, config=None, split=None))
    configs = bare.configs or [DEFAULT]
    if spec.config in configs:
        return spec
    if spec.split is None and bare.splits.get(spec.config):
        return msgspec.structs.replace(spec, config=None, split=spec.config)
    what, names = ("configurations", configs) if len(configs) > 1 else ("splits", list(bare.splits))
    there = f"its {what} are {', '.join(names)}"
    raise OperationError(f"{name} has no configuration {spec.config}; {there}")


def find(tree: Tree, name: str, spec: SourceSpec) -> Found:
    """Return the files of the wanted configuration by split. Raises `OperationError`."""
    if (saved := saved_splits(tree, name)) is not None:
        return Found("arrow", saved, spec)
    if is_delta_table(tree):
        table = DeltaTable(tree, name)
        return Found("parquet", {TRAIN: table.files}, spec, remarks=table.remarks)
    if not tree.has(README) and (parts := files_of_parts(tree)):
        return _part(tree, name, spec, parts)
    if spec.format is None and (plain := _plain_kind(tree)) is not None:
        return Found(plain, {TRAIN: tree.files}, spec)
    resolution = resolve(tree, name, spec.config)
    parts_named = parts_of(resolution.configs) if resolution is not None and spec.config is None else None
    remarks = []
    if resolution is not None and parts_named is not None and parts_named.corpus != resolution.config:
        remarks = [_corpus_sentence(name, parts_named)]
        resolution = resolve(tree, name, parts_named.corpus)
    return _read_as(tree, name, spec, resolution, remarks)


def parts_of_folder(name: str, path: Path) -> Parts | None:
    """Return the names of the configurations with the corpus, the queries and the judgements of a folder; None if it is
    no collection for retrieval. Raises `OperationError`.
    """
    tree = Tree(path)
    if not tree.has(README):
        return parts_of(files_of_parts(tree))
    resolution = resolve(tree, name, None)
    return None if resolution is None else parts_of(resolution.configs)


def _read_as(tree: Tree, name: str, spec: SourceSpec, resolution: Resolution | None, remarks: list[str]) -> Found:
    """Return what `datasets` found, in a format that is read here: the requested one, that of `datasets`, or text."""
    kind = spec.format or (resolution.format if resolution is not None else None)
    if kind is None or kind == "text" or kind not in FORMATS:
        return _texts_or_most(tree, name, spec, resolution)
    if resolution is None or (spec.format is not None and spec.format != resolution.format):
        return Found(kind, _of_kind(patterns_of(tree), kind), spec)
    stated = _with_parameters(spec, kind, resolution.parameters)
    return Found(kind, resolution.splits, stated, resolution.configs, resolution.config, resolution.features, remarks)


def _texts_or_most(tree: Tree, name: str, spec: SourceSpec, resolution: Resolution | None) -> Found:
    """Return the texts of a folder, or if most of its files are of another kind, those."""
    if resolution is not None and resolution.format == "text" and len(resolution.configs) > 1:
        return Found("text", resolution.splits, spec, resolution.configs, resolution.config)
    everything = patterns_of(tree)
    kinds = _kinds(everything)
    if not kinds:
        everything = {TRAIN: tree.files}
        kinds = _kinds(everything)
    if not kinds:
        raise _nothing(name)
    wanted = spec.format or (resolution.format if resolution is not None else None)
    kind = wanted if wanted is not None and wanted in kinds else kinds.most_common(1)[0][0]
    return Found(kind, _of_kind(everything, kind), spec)


def _kinds(splits: Mapping[str, list[str]]) -> Counter[str]:
    """Return how many files there are of each kind."""
    return Counter(kind for files in splits.values() for one in files if (kind := kind_of(Path(one))) is not None)


def _of_kind(splits: Mapping[str, list[str]], kind: str) -> dict[str, list[str]]:
    return {split: [one for one in files if kind_of(Path(one)) == kind] for split, files in splits.items()}


def _plain_kind(tree: Tree) -> str | None:
    """Return the kind of a folder whose files are all of one and belong to one split by their names.

    Such a folder, which is the most frequent one, needs no `datasets`, whose import takes most of a second.
    """
    kinds = {kind_of(Path(file)) for file in tree.files}
    is_plain = len(kinds) == 1 and not tree.links and SPLIT_WORDS.search(tree.joined) is None
    suffixes = {file.rsplit("/", 1)[-1].partition(".")[2] for file in tree.files}
    described = any(tree.has(one) for one in (README, ".huggingface.yaml", "dataset_infos.json"))
    if not is_plain or described or len(suffixes) != 1 or SIDE_FILES & set(tree.files):
        return None
    return kinds.pop()


def _part(tree: Tree, name: str, spec: SourceSpec, files: dict[str, list[str]]) -> Found:
    """Return a part of a collection for retrieval: the wanted one, or its corpus."""
    config = spec.config or CORPUS
    names = files[config]
    kinds = _kinds({config: names})
    kind = spec.format or (kinds.most_common(1)[0][0] if kinds else "json")
    splits: dict[str, list[str]] = {}
    for one in names:
        if kind_of(Path(one)) == kind:
            splits.setdefault(_split_by_name(one, config), []).append(one)
    parts = parts_of(files)
    remarks = [_corpus_sentence(name, parts)] if parts is not None and not spec.config else []
    return Found(kind, splits, spec, list(files), config, remarks=remarks)


def _split_by_name(file: str, config: str) -> str:
    """Return the split that a file of judgements is of by its name; the name of the part for other files."""
    stem = re.split(r"[-.]", file.rsplit("/", 1)[-1])[0]
    return config if stem in (config, "part") or "/" not in file or stem.isdigit() else stem


def _corpus_sentence(name: str, parts: Parts) -> str:
    others = ", ".join(f"{name}:{one}" for one in parts if one is not None and one != parts.corpus)
    return f"{name} is a collection for retrieval: its corpus is read ({others} have the rest)"


def _with_parameters(spec: SourceSpec, kind: str, stated: Mapping[str, Any]) -> SourceSpec:
    """Return the options with those that README.md states and the user does not."""
    delimiter = stated.get("delimiter") or stated.get("sep")
    if kind == "csv":
        return msgspec.structs.replace(
            spec,
            delimiter=spec.delimiter or (str(delimiter) if delimiter else None),
            header=False if spec.header is None and "header" in stated and stated["header"] is None else spec.header,
            quotes=False if spec.quotes is None and stated.get("quoting") == 3 else spec.quotes,
        )
    field = stated.get("field")
    return msgspec.structs.replace(spec, field=spec.field or (str(field) if field and kind == "json" else None))


def _opened(tree: Tree, name: str, found: Found, split: str) -> Source:
    files = [file for file in found.splits[split] if file not in tree.empty]
    if not files:
        if tree.closed:
            raise tree.closed[0]
        raise OperationError(f"{name} holds no documents: {count(len(found.splits[split]), 'empty file')}")
    if found.kind == "text" and not found.spec.lines:
        return TextFiles(name, [Content(tree.path(file), name=without_surrogates(file)) for file in files])
    paths = [tree.path(file) for file in files]
    return Joined(name, paths, lambda path: open_path(found.kind, name, path, found.spec), files, found.features)


def _remarks(tree: Tree, name: str, found: Found, spec: SourceSpec, split: str) -> list[str]:
    """Return what a reader should know about the files that are not read."""
    remarks = []
    splits = [one for one, files in found.splits.items() if files]
    if len(splits) > 1 and spec.split is None:
        config = found.config or DEFAULT
        others = ", ".join(one for one in splits if one != split)
        example = next(one for one in splits if one != split)
        remarks.append(f"only the split {split} of {name} is read; others: {others} ({name}:{config}:{example})")
    if len(found.configs) > 1 and spec.config is None and parts_of(found.configs) is None:
        others = ", ".join(one for one in found.configs if one != found.config)
        remarks.append(f"only the configuration {found.config} of {name} is read; others: {others}")
    taken = {file for files in found.splits.values() for file in files}
    left = [file for file in tree.files if file not in taken and file not in tree.empty and _is_document(file)]
    if left and len(found.configs) < 2:
        more = ", …" if len(left) > 1 else ""
        others = "1 other is not" if len(left) == 1 else f"{len(left):,} others are not"
        remarks.append(f"{count(len(taken), f'{found.kind} file')} of {name} read, {others} ({left[0]}{more})")
    if empty := [file for file in tree.files if file in tree.empty and _is_document(file)]:
        more = ", …" if len(empty) > 1 else ""
        remarks.append(f"{count(len(empty), 'empty file')} of {name} left out: {empty[0]}{more}")
    if tree.links:
        remarks.append(f"{name} has links to folders ({', '.join(tree.links[:3])}); load_dataset does not follow them")
    if tree.closed:
        first = Path(tree.closed[0].filename).name
        folders = count(len({error.filename for error in tree.closed}), "folder")
        remarks.append(f"{folders} of {name} cannot be read ({first}: {tree.closed[0].strerror})")
    return remarks


def _is_document(file: str) -> bool:
    """Return whether a file would be read if it were not for the others of its folder."""
    return kind_of(Path(file)) is not None and Path(file).name not in SIDE_FILES and not file.startswith(f"{LOG}/")


def _nothing(name: str) -> OperationError:
    suffixes = ", ".join(KINDS)
    return OperationError(f"{name} holds no documents; looked for files with the suffixes {suffixes}")
