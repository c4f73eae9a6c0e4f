"""What a model is, by what its directory says: its kind, how much it reads, what its vectors and labels are.

Only small files and the headers of weights are read. What a library would do without a word (stop at 256 tokens, lower
the case of every text, leave files unread) is said in `Card.remarks`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from encoder_tui import builtin
from encoder_tui.core.models import layouts
from encoder_tui.core.models.architectures import architecture
from encoder_tui.core.models.heads import LABELLED, Kind, class_of, kind_of, kind_of_adapter, labels_of
from encoder_tui.core.models.limits import positions_of
from encoder_tui.core.models.modules import (
    DROPPED,
    MODULES,
    SETTINGS,
    Module,
    ModuleSettings,
    dimension_of,
    every_module,
    hidden_size,
    lowers_case,
    pooling_of,
    read_modules,
    settings_lacking,
    transformer_of,
)
from encoder_tui.core.models.names import ModelError, is_directory_here
from encoder_tui.core.models.small_files import Object, number_of, read_object, text_of
from encoder_tui.core.models.stored_weights import StoredWeights, weights_in
from encoder_tui.core.text.safe import shorten, visible
from encoder_tui.core.tokens.stated_length import sane_length

KINDS: Final[dict[str, Kind]] = {
    "SentenceTransformer": "sentence-transformer",
    "SparseEncoder": "sparse-encoder",
    "MultiVectorEncoder": "multi-vector-encoder",
    "ColBERT": "multi-vector-encoder",
    "CrossEncoder": "cross-encoder",
}
"""Kinds by the `model_type` that sentence-transformers (and PyLate) writes."""

OF_MODULES: Final[dict[str, Kind]] = {
    "SpladePooling": "sparse-encoder",
    "SparseAutoEncoder": "sparse-encoder",
    "SparseStaticEmbedding": "sparse-encoder",
    "MultiVectorMask": "multi-vector-encoder",
    "LogitScore": "cross-encoder",
}
"""Kinds by a module, if nothing states a `model_type`."""

SIMILARITIES: Final[dict[Kind, tuple[str, ...]]] = {
    "sentence-transformer": ("cosine", "dot", "euclidean", "manhattan"),
    "sparse-encoder": ("dot", "cosine", "euclidean", "manhattan"),
    "multi-vector-encoder": ("maxsim", "meanmaxsim"),
}
"""The functions of similarity that a kind can have, its default first."""


class Limits(msgspec.Struct, frozen=True):
    """How many tokens each of them allows; None if it sets no limit."""

    positions: int | None = None
    tokenizer: int | None = None
    sentence_transformers: int | None = None

    @property
    def smallest(self) -> int | None:
        """The limit of the deployed model, which stops at the smallest of them; None if there is none."""
        bounds = (self.positions, self.tokenizer, self.sentence_transformers)
        return min((bound for bound in bounds if bound is not None), default=None)


class Adapter(msgspec.Struct, frozen=True):
    """An adapter of PEFT: its type, such as LORA, and the name of the model that it changes."""

    type: str
    base: str | None


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a model's directory says it is. `remarks` are sentences for people.

    `limit` is how many tokens the deployed model reads, special tokens included; None if nothing limits it. If the user
    chose a limit, it is that one, and `is_limit_chosen` is set. `folder` is where the transformer's files lie inside
    the directory, empty for the directory itself. `dimension` is the length of its vectors. `other_weights` are in
    formats that transformers leaves unread. `of_weights` are the remarks that are about its weights.
    """

    kind: Kind
    class_name: str | None = None
    limit: int | None = None
    limits: Limits = Limits()
    is_limit_chosen: bool = False
    modules: list[Module] = []
    folder: str = ""
    pooling: list[str] | None = None
    dimension: int | None = None
    similarity: str | None = None
    prompts: dict[str, str] = {}
    default_prompt: str | None = None
    lowers_case: bool = False
    labels: list[str] | None = None
    problem_type: str | None = None
    weights: StoredWeights | None = None
    other_weights: list[StoredWeights] = []
    adapter: Adapter | None = None
    quantization: str | None = None
    auto_map: dict[str, str] = {}
    remarks: list[str] = []
    of_weights: list[str] = []

    @property
    def chosen_limit(self) -> int | None:
        """The limit that the user chose; None if it is that of the deployed model."""
        return self.limit if self.is_limit_chosen else None


def card_of(name: str, directory: Path, *, looks_into_pickles: bool = True) -> Card:
    """The card of the model in a directory; `name` is the model's, as it was given.

    Pickled weights take up to a second to look into, which only remarks on them need. Raises `ModelError` if no model
    lies there, or if a file that says what it is cannot be read.
    """
    if not is_directory_here(str(directory)):
        raise ModelError(f"{shorten(visible(name), 200)}: there is no such directory")
    return _card(name, directory, read_modules(name, directory), looks_into_pickles)


def card_without_modules(name: str, directory: Path, reason: str) -> Card:
    """The card of the transformer in a directory whose other files cannot be read, as `reason` says."""
    config = read_object(name, directory, "config.json") or {}
    tokenizer = read_object(name, directory, "tokenizer_config.json") or {}
    limits = Limits(positions_of(config), _stated_by(tokenizer))
    return Card(
        kind=kind_of(config),
        class_name=class_of(config),
        limit=limits.smallest,
        limits=limits,
        dimension=hidden_size(config),
        labels=labels_of(config) if kind_of(config) in LABELLED else None,
        remarks=[visible(f"{reason}, so it is taken for the transformer alone")],
    )


def _card(name: str, directory: Path, modules: list[ModuleSettings] | None, looks_into_pickles: bool) -> Card:
    adapter = _adapter(read_object(name, directory, "adapter_config.json"))
    transformer = transformer_of(modules or [])
    folder = transformer.module.path if transformer else ""
    config = transformer.config if transformer else read_object(name, directory, "config.json")
    folders = list(dict.fromkeys([folder, *(module.module.path for module in every_module(modules or []))]))
    stored = weights_in(directory, folders)
    if config is None and not modules and adapter is None and stored.weights is None:
        raise ModelError(f"{shorten(visible(name), 200)}: {layouts.why_no_model(directory)}")
    config = config or {}
    settings = (read_object(name, directory, SETTINGS) or {}) if modules else {}
    tokenizer = read_object(name, directory / folder, "tokenizer_config.json") or {}
    kind = _kind(modules, settings, config, adapter, read_object(name, directory, "adapter_config.json"))
    limits = Limits(
        positions_of(config) if config else None,
        _stated_by(tokenizer),
        max_seq_length(modules, tokenizer, config) if modules else None,
    )
    quantization = config.get("quantization_config")
    card = Card(
        kind=kind,
        class_name=class_of(config),
        limit=limits.smallest,
        limits=limits,
        modules=[module.module for module in modules or []],
        folder=folder,
        pooling=pooling_of(modules or []),
        dimension=_dimension(modules, settings, config, directory),
        similarity=_similarity(kind, settings),
        prompts=_prompts(kind, settings) if modules else {},
        default_prompt=text_of(settings.get("default_prompt_name")),
        lowers_case=lowers_case(modules or []),
        labels=labels_of(config) if kind in LABELLED and config else None,
        problem_type=text_of(config.get("problem_type")),
        weights=stored.weights,
        other_weights=stored.others,
        adapter=adapter,
        quantization=_quantization(quantization),
        auto_map=_auto_map(config.get("auto_map")),
    )
    remarks = [f"{file} is missing, though {MODULES} names its module" for file in settings_lacking(modules or [])]
    of_weights = [
        *layouts.remarks_on(directory, folder, folders, stored, looks_into_pickles=looks_into_pickles),
        *stored.remarks,
        *_remarks_on_weights(card),
    ]
    remarks += [*of_weights, *_remarks(card), *_of_builtin(name)]
    return msgspec.structs.replace(
        card,
        remarks=[visible(remark) for remark in remarks],
        of_weights=[visible(remark) for remark in of_weights],
    )


def with_limit(card: Card, chosen: int | None) -> Card:
    """Return a card whose model reads `chosen` tokens, or as many as its positions allow if those are fewer.

    None restores the limit of the deployed model.
    """
    allowed = [bound for bound in (chosen, card.limits.positions) if bound is not None]
    limit = card.limits.smallest if chosen is None else min(allowed)
    return msgspec.structs.replace(card, limit=limit, is_limit_chosen=limit != card.limits.smallest)


def max_seq_length(modules: list[ModuleSettings], tokenizer: Object, config: Object) -> int | None:
    """What `SentenceTransformer.max_seq_length` gives for a directory; None if it is without bounds.

    The first module states it. If it does not, the tokenizer's `model_max_length` and the number of positions do.
    """
    first = modules[0]
    if first.routes:
        found = [max_seq_length(route, tokenizer, config) for route in first.routes if route]
        return max((length for length in found if length is not None), default=None)
    if not first.config:
        return sane_length(first.settings.get("max_seq_length"))
    for key in ("processor_kwargs", "tokenizer_args"):
        stated = first.settings.get(key)
        if isinstance(stated, dict) and "model_max_length" in stated:
            return sane_length(stated["model_max_length"])
    if first.settings.get("max_seq_length") is not None:
        return sane_length(first.settings["max_seq_length"])
    positions = config.get("max_position_embeddings", architecture(config.get("model_type")).positions)
    bounds = [_stated_by(tokenizer), number_of(positions)]
    return min((bound for bound in bounds if bound is not None), default=None)


def _stated_by(tokenizer: Object) -> int | None:
    """The limit that a `tokenizer_config.json` states; `max_len` is its old name."""
    return sane_length(tokenizer.get("model_max_length", tokenizer.get("max_len")))


def _kind(
    modules: list[ModuleSettings] | None,
    settings: Object,
    config: Object,
    adapter: Adapter | None,
    stated: Object | None,
) -> Kind:
    if modules:
        if kind := KINDS.get(str(settings.get("model_type"))):
            return kind
        of_modules = [OF_MODULES[m.module.name] for m in every_module(modules) if m.module.name in OF_MODULES]
        return of_modules[0] if of_modules else "sentence-transformer"
    return kind_of_adapter(stated or {}) if adapter and not config else kind_of(config)


def _dimension(modules: list[ModuleSettings] | None, settings: Object, config: Object, directory: Path) -> int | None:
    found = dimension_of(modules, directory) if modules else hidden_size(config)
    cut = number_of(settings.get("truncate_dim"))
    return min((length for length in (found, cut) if length is not None), default=None)


def _similarity(kind: Kind, settings: Object) -> str | None:
    known = SIMILARITIES.get(kind)
    stated = settings.get("similarity_fn_name")
    return None if known is None else stated if stated in known else known[0]


def _prompts(kind: Kind, settings: Object) -> dict[str, str]:
    """The prompts as sentence-transformers has them once loaded: those for queries and documents are always there."""
    stated = settings.get("prompts")
    prompts: dict[str, str] = {} if kind == "cross-encoder" else {"query": "", "document": ""}
    if isinstance(stated, dict):
        prompts |= {name: text if isinstance(text, str) else "" for name, text in stated.items()}
    if kind == "multi-vector-encoder":
        for key, name in (("query_prefix", "query"), ("document_prefix", "document")):
            if isinstance(prefix := settings.get(key), str):
                prompts[name] = prefix + prompts[name].removeprefix(prefix)
    return prompts


def _adapter(stated: Object | None) -> Adapter | None:
    if stated is None:
        return None
    return Adapter(text_of(stated.get("peft_type")) or "adapter", text_of(stated.get("base_model_name_or_path")))


def _quantization(stated: Any) -> str | None:
    if not isinstance(stated, dict) or not stated:
        return None
    return text_of(stated.get("quant_method")) or "unnamed"


def _auto_map(stated: Any) -> dict[str, str]:
    """The classes of the model's own code, by the class of transformers that they stand for."""
    if not isinstance(stated, dict):
        return {}
    found = {}
    for key, value in stated.items():
        names = [name for name in (value if isinstance(value, list) else [value]) if isinstance(name, str)]
        if names:
            found[key] = names[0]
    return found


def _remarks(card: Card) -> list[str]:
    """What is to be said of what the card holds."""
    found = []
    limits = card.limits
    if limits.sentence_transformers is not None:
        for bound, what in ((limits.positions, "its positions"), (limits.tokenizer, "its tokenizer")):
            if bound is not None and bound < limits.sentence_transformers:
                found.append(
                    f"sentence-transformers is set to {limits.sentence_transformers:,} tokens, but {what} allow"
                    f"{'s' if what == 'its tokenizer' else ''} {bound:,}; set max_seq_length to {bound:,}"
                )
    if card.lowers_case:
        found.append("sentence-transformers lower-cases every text before its tokenizer sees it (do_lower_case)")
    found += [
        f"{MODULES} names {module.type}, which sentence-transformers no longer has;"
        " write sentence_transformers.models.Transformer in its place"
        for module in card.modules
        if module.name in DROPPED
    ]
    own = [module.type for module in card.modules if module.is_own_code]
    return [*found, *([_own_code_words(MODULES, own)] if own else [])]


def _of_builtin(name: str) -> list[str]:
    return builtin.REMARKS.get(name.removeprefix("builtin:"), []) if name.startswith("builtin:") else []


def _remarks_on_weights(card: Card) -> list[str]:
    """What is to be said of a card about the weights."""
    found = []
    if card.auto_map:
        found.append(_own_code_words("auto_map in config.json", list(card.auto_map.values())))
    if card.quantization:
        found.append(
            f"the weights are quantized ({card.quantization}), which transformers reads only with the library for it"
        )
    if card.adapter:
        if card.class_name is None and card.dimension is None:
            found.append(
                f"adapter_config.json: this is an adapter ({card.adapter.type}) without its base;"
                f" {layouts.merging_words(card.adapter.base)}"
            )
        else:
            base = card.adapter.base or "a model that it does not name"
            found.append(
                f"adapter_config.json: an adapter ({card.adapter.type}) of {base} lies here, which is not applied; "
                "apply it with PEFT and save the result with merge_and_unload()"
            )
    return found


def _own_code_words(what: str, classes: list[str]) -> str:
    named = ", ".join(dict.fromkeys(classes))
    return f"{what} names the model's own code ({named}); it runs only if you trust the model by its name"
