"""The modules of a sentence-transformers directory: `modules.json` and the settings in the folders that it names.

Versions differ in where a class lies (`sentence_transformers.models.Pooling` was moved twice), in the names of
settings, and in the folder of the transformer itself: the directory, or `0_Transformer` in it. What is read here is
what `SentenceTransformer(directory)` of version 6 makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from encoder_tui.core.files.outside_names import NameRefused, inside
from encoder_tui.core.files.safetensors_header import HeaderError, read_header
from encoder_tui.core.models.architectures import WIDTH, count_of
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.models.small_files import Object, number_of, read_list, read_object, text_of
from encoder_tui.core.text.safe import shorten, visible

MODULES: Final = "modules.json"
SETTINGS: Final = "config_sentence_transformers.json"

TRANSFORMER_SETTINGS: Final = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
"""Where the settings of the transformer lie, in the order in which they are looked for."""

DROPPED: Final = frozenset({"ALBERT", "BERT", "CamemBERT", "DistilBERT", "RoBERTa", "T5", "XLMRoBERTa", "XLNet"})
"""Transformers of versions before 0.3, which later ones cannot load: the module is called Transformer since."""
TRANSFORMERS: Final = frozenset({"Transformer", "MLMTransformer", "CLIPModel"}) | DROPPED
ROUTES: Final = "router_config.json"
ROUTERS: Final = frozenset({"Router", "Asym"})
TABLES: Final = frozenset({"StaticEmbedding", "WordEmbeddings", "SparseStaticEmbedding"})
"""Modules that look vectors up, or weights, in a table of their own."""
WEIGHTED: Final = TABLES | {"CNN", "Dense", "LSTM", "LayerNorm", "SparseAutoEncoder", "WeightedLayerPooling"}
"""Modules beside the transformer that have weights of their own, in their folder."""
OWN_SETTINGS: Final = {
    "CNN": "cnn_config.json",
    "LSTM": "lstm_config.json",
    "WordEmbeddings": "wordembedding_config.json",
    **dict.fromkeys(ROUTERS, ROUTES),
}
"""Settings that do not lie in `config.json`, by the module's short name."""

LEGACY_POOLING: Final = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""Modes of pooling by their settings before version 5.4, in the order in which their vectors are joined."""

LIBRARY: Final = ("sentence_transformers.", "pylate.")
MOST_MODULES: Final = 100
"""More than any model has; a list of more is not followed."""


class Module(msgspec.Struct, frozen=True):
    """A step of a sentence-transformers model.

    `type` is the class as `modules.json` names it, `name` its last part, the same in all versions. `path` is the
    module's folder inside the directory, empty for the directory itself.
    """

    type: str
    name: str
    path: str

    @property
    def is_own_code(self) -> bool:
        """Whether its class is not one of sentence-transformers (or PyLate), but Python code beside the model."""
        return not self.type.startswith(LIBRARY)


class ModuleSettings(msgspec.Struct, frozen=True):
    """A module with its settings; `config` is the `config.json` of a transformer. `routes` are those of a Router."""

    module: Module
    settings: Object
    config: Object = {}
    routes: list[list[ModuleSettings]] = []


def read_modules(name: str, directory: Path) -> list[ModuleSettings] | None:
    """The modules of a directory; None if it has no `modules.json`. Raises `ModelError`."""
    entries = read_list(name, directory, MODULES)
    if entries is None:
        return None
    if not entries or len(entries) > MOST_MODULES:
        raise ModelError(f"{shorten(visible(name), 200)}: {MODULES} names {len(entries):,} modules")
    return [_module(name, directory, entry, "", MODULES) for entry in entries]


def _module(name: str, directory: Path, entry: Any, parent: str, stated_by: str) -> ModuleSettings:
    """A module by its entry in a file; raises `ModelError`."""
    shown = f"{shorten(visible(name), 200)}: {shorten(visible(stated_by), 80)}"
    kind, path = (entry.get("type"), entry.get("path")) if isinstance(entry, dict) else (None, None)
    if not isinstance(kind, str) or not kind or not isinstance(path, str):
        raise ModelError(f"{shown} has an entry without the type and the path of a module")
    path = "/".join(part for part in (parent, path.removesuffix("/")) if part not in {"", "."})
    module = Module(kind, kind.rpartition(".")[2], path)
    if module.name in TRANSFORMERS or (not path and module.is_own_code):
        return _transformer(name, directory, module, stated_by)
    settings = _settings(name, directory, module, OWN_SETTINGS.get(module.name, "config.json"), stated_by) or {}
    routes = _routes(name, directory, module, settings) if module.name in ROUTERS and not parent else []
    return ModuleSettings(module, settings, routes=routes)


def _transformer(name: str, directory: Path, module: Module, stated_by: str) -> ModuleSettings:
    # An empty object counts as none, as in sentence-transformers.
    found = (_settings(name, directory, module, file, stated_by) for file in TRANSFORMER_SETTINGS)
    settings = next((settings for settings in found if settings), {})
    return ModuleSettings(module, settings, _settings(name, directory, module, "config.json", stated_by) or {})


def _settings(name: str, directory: Path, module: Module, file: str, stated_by: str) -> Object | None:
    """A file of settings in a module's folder; None if it is not there. Raises `ModelError`."""
    if not module.path:
        return read_object(name, directory, file)
    try:
        inside(directory, f"{module.path}/{file}", directory / stated_by)
    except NameRefused as error:
        raise ModelError(f"{shorten(visible(name), 200)}: {shorten(visible(stated_by), 80)} {error}") from error
    return read_object(name, directory, f"{module.path}/{file}")


def _routes(name: str, directory: Path, router: Module, settings: Object) -> list[list[ModuleSettings]]:
    """The modules of every route of a Router; none if its settings are not there."""
    if not settings:
        return []
    types, structure = settings.get("types"), settings.get("structure")
    stated_by = f"{router.path}/{ROUTES}" if router.path else ROUTES
    if not isinstance(types, dict) or not isinstance(structure, dict) or len(types) > MOST_MODULES:
        raise ModelError(f"{shorten(visible(name), 200)}: {visible(stated_by)} has no types and structure of a Router")
    known = {
        key: _module(name, directory, {"type": kind, "path": key}, router.path, stated_by)
        for key, kind in types.items()
    }
    routes = [route for route in structure.values() if isinstance(route, list)]
    return [[known[key] for key in route if isinstance(key, str) and key in known] for route in routes]


def every_module(modules: list[ModuleSettings]) -> Iterator[ModuleSettings]:
    """The modules and those inside Routers, each once."""
    seen: set[tuple[str, str]] = set()
    for module in modules:
        for one in [module, *(inner for route in module.routes for inner in route)]:
            key = (one.module.type, one.module.path)
            if key not in seen:
                seen.add(key)
                yield one


def files_wanted(modules: list[ModuleSettings]) -> list[str]:
    """The small files in folders that describe a model's modules, beside those at the top of a repository."""
    wanted: list[str] = []
    for module in every_module(modules):
        if module.module.path:
            files = [OWN_SETTINGS.get(module.module.name, "config.json")]
            if module.module.name in TRANSFORMERS:
                files += [*TRANSFORMER_SETTINGS, "tokenizer_config.json", "tokenizer.json"]
            wanted += [f"{module.module.path}/{file}" for file in files]
    return wanted


def files_needed(modules: list[ModuleSettings]) -> list[str]:
    """Those of the wanted files without which a card may be wrong, unless the repository has no such file."""
    needed = []
    for module in every_module(modules):
        name, path = module.module.name, module.module.path
        if path and name in TRANSFORMERS:
            needed += [f"{path}/{file}" for file in ("config.json", TRANSFORMER_SETTINGS[0], "tokenizer_config.json")]
        elif path and name in {"SpladePooling", *DIMENSIONS, *ROUTERS}:
            needed.append(f"{path}/{OWN_SETTINGS.get(name, 'config.json')}")
    return needed


def transformer_folders(modules: list[ModuleSettings]) -> list[str]:
    """The folders inside the directory that hold transformers."""
    return [
        module.module.path
        for module in every_module(modules)
        if module.module.path and module.module.name in TRANSFORMERS
    ]


def transformer_of(modules: list[ModuleSettings]) -> ModuleSettings | None:
    """The first transformer; None if the vectors come from something else, such as a table of them."""
    return next((module for module in every_module(modules) if module.config), None)


def transformer_folder(name: str, directory: Path) -> str:
    """The folder of the transformer inside a model's directory; empty for the directory itself.

    If `modules.json` cannot be read, it counts as not there.
    """
    try:
        transformer = transformer_of(read_modules(name, directory) or [])
    except ModelError:
        return ""
    return transformer.module.path if transformer else ""


def pooling_of(modules: list[ModuleSettings]) -> list[str] | None:
    """The modes of pooling; None if no module pools."""
    found: list[str] = []
    for module in every_module(modules):
        if module.module.name == "Pooling":
            found += [mode for mode in pooling_modes(module.settings) if mode not in found]
        elif module.module.name == "SpladePooling":
            found.append(text_of(module.settings.get("pooling_strategy")) or "max")
    return found or None


def pooling_modes(settings: Object) -> list[str]:
    """The modes that a pooling's settings name, whichever version wrote them."""
    stated = settings.get("pooling_mode")
    if isinstance(stated, str):
        return [stated]
    if isinstance(stated, list) and stated:
        return [mode for mode in stated if isinstance(mode, str)]
    return [mode for key, mode in LEGACY_POOLING.items() if settings.get(key)] or ["mean"]


def settings_lacking(modules: list[ModuleSettings]) -> list[str]:
    """The files of settings without which sentence-transformers cannot make a module, and which are not there."""
    lacking = []
    for module in every_module(modules):
        name, folder = module.module.name, f"{module.module.path}/" if module.module.path else ""
        if name in TRANSFORMERS and not module.config:
            lacking.append(f"{folder}config.json")
        elif name in {*DIMENSIONS, *ROUTERS} and not module.settings:
            lacking.append(f"{folder}{OWN_SETTINGS.get(name, 'config.json')}")
    return lacking


def lowers_case(modules: list[ModuleSettings]) -> bool:
    """Whether sentence-transformers lower-cases every text, whatever the tokenizer does."""
    transformer = transformer_of(modules)
    return transformer is not None and transformer.settings.get("do_lower_case") is True


def dimension_of(modules: list[ModuleSettings], directory: Path) -> int | None:
    """The length of the vectors that come out of the last module that determines it; None if none does."""
    for module in reversed(modules):
        if module.module.name in ROUTERS:
            lengths = {dimension_of(route, directory) for route in module.routes}
            found = lengths.pop() if len(lengths) == 1 else None
        else:
            found = _dimension(module, modules, directory)
        if found is not None:
            return found
    return None


def _dimension(module: ModuleSettings, modules: list[ModuleSettings], directory: Path) -> int | None:
    if module.config:
        projected = module.settings.get("module_output_name") == "sentence_embedding"
        return (projected and number_of(module.config.get("projection_dim"))) or hidden_size(module.config)
    name = module.module.name
    if name in TABLES:
        return _table_width(directory / module.module.path / "model.safetensors")
    if name == "SpladePooling":
        # Until the first text, sentence-transformers does not know it; the vectors are as long as the vocabulary.
        transformer = transformer_of(modules)
        return _width(module.settings) or number_of(transformer.config.get("vocab_size") if transformer else None)
    return DIMENSIONS[name](module.settings) if name in DIMENSIONS else None


def _width(settings: Object) -> int | None:
    return number_of(settings.get("embedding_dimension")) or number_of(settings.get("word_embedding_dimension"))


def _pooled(settings: Object) -> int | None:
    width = _width(settings)
    return width and width * len(pooling_modes(settings))


def _recurrent(settings: Object) -> int | None:
    hidden = number_of(settings.get("hidden_dim"))
    return hidden and hidden * (1 if settings.get("bidirectional") is False else 2)


def _convolved(settings: Object) -> int | None:
    channels, kernels = number_of(settings.get("out_channels")), settings.get("kernel_sizes")
    return channels * len(kernels) if channels and isinstance(kernels, list) else None


def _counted(settings: Object) -> int | None:
    vocabulary = settings.get("vocab")
    return len(vocabulary) if isinstance(vocabulary, list) else None


DIMENSIONS: Final[dict[str, Callable[[Object], int | None]]] = {
    "Pooling": _pooled,
    "Dense": lambda settings: number_of(settings.get("out_features")),
    "SparseAutoEncoder": lambda settings: number_of(settings.get("hidden_dim")),
    "LayerNorm": lambda settings: number_of(settings.get("dimension")),
    "WeightedLayerPooling": _width,
    "LSTM": _recurrent,
    "CNN": _convolved,
    "BoW": _counted,
}
"""The length of a module's vectors by its settings; a module that is not here keeps that of the module before it."""


def _table_width(path: Path) -> int | None:
    """The length of the vectors in a file that holds a table of them, or of its one vector of weights."""
    try:
        shapes = {entry.name: entry.shape for entry in read_header(path)}
    except (HeaderError, OSError):
        return None
    for name in ("embedding.weight", "embeddings", "emb_layer.weight", "weight"):
        if shapes.get(name):
            return shapes[name][-1]
    return None


def hidden_size(config: Object) -> int | None:
    """The length of a transformer's vectors, by whichever name its configuration has for it; None if it has none."""
    if found := count_of(config, WIDTH):
        return found
    text = config.get("text_config")
    return hidden_size(text) if isinstance(text, dict) and "text_config" not in text else None
