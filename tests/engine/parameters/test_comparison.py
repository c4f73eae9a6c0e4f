"""What a checkpoint's header says that a model lacks, against what `from_pretrained` says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from encoder_tui.core.parameters.description import Description, Fit
from encoder_tui.engine.operations import describe
from encoder_tui.protocol.parameters import DescribeRequest
from tests.support.architectures import CONFIGURATIONS, write_configuration
from tests.support.saved_models import silent

Change = Callable[[dict[str, Any]], dict[str, Any]]


def described(directory: Path) -> Description:
    return describe.run(DescribeRequest(directory.name, str(directory), str(directory)), silent())


def rewrite(directory: Path, change: Change) -> None:
    from safetensors.torch import load_file, save_file

    file = directory / "model.safetensors"
    save_file(change(load_file(file)), file, {"format": "pt"})


def assert_as_transformers_says(directory: Path) -> Fit:
    from transformers import AutoModel

    _, info = AutoModel.from_pretrained(directory, output_loading_info=True, ignore_mismatched_sizes=True)
    ours = described(directory).fit
    assert ours is not None
    assert set(ours.missing) == set(info["missing_keys"])
    assert set(ours.unexpected) == set(info["unexpected_keys"])
    assert {(m.name, m.stored, m.expected) for m in ours.misfits} == {
        (name, tuple(there), tuple(wanted)) for name, there, wanted in info["mismatched_keys"]
    }
    return ours


def assert_nothing_amiss(fit: Fit) -> None:
    assert (fit.missing, fit.unexpected, fit.misfits, fit.prefix) == ([], [], [], "")


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_checkpoint_with_and_without_its_head(name: str, tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM

    directory = write_configuration(tmp_path, name)
    config = AutoConfig.from_pretrained(directory)
    AutoModel.from_config(config).save_pretrained(directory)
    assert_nothing_amiss(assert_as_transformers_says(directory))
    AutoModelForMaskedLM.from_config(config).save_pretrained(directory)
    assert assert_as_transformers_says(directory).unexpected


def without_pooler(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in tensors.items() if "pooler" not in name}


def as_google_named_them(tensors: dict[str, Any]) -> dict[str, Any]:
    return {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in tensors.items()
    }


def with_old_buffers(tensors: dict[str, Any]) -> dict[str, Any]:
    import torch

    return {**tensors, "embeddings.position_ids": torch.arange(32), "other.weight": torch.ones(2)}


def of_another_shape(tensors: dict[str, Any]) -> dict[str, Any]:
    import torch

    return {**tensors, "embeddings.word_embeddings.weight": torch.ones(41, 16)}


def with_a_prefix(prefix: str) -> Change:
    return lambda tensors: {f"{prefix}{name}": value for name, value in tensors.items()}


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    from transformers import AutoConfig, AutoModel

    directory = write_configuration(tmp_path, "bert")
    AutoModel.from_config(AutoConfig.from_pretrained(directory)).save_pretrained(directory)
    return directory


def test_what_is_missing_renamed_or_of_another_shape(bert: Path) -> None:
    rewrite(bert, without_pooler)
    assert assert_as_transformers_says(bert).missing == ["pooler.dense.weight", "pooler.dense.bias"]
    rewrite(bert, as_google_named_them)
    assert len(assert_as_transformers_says(bert).missing) == 2
    rewrite(bert, with_old_buffers)
    assert assert_as_transformers_says(bert).unexpected == ["other.weight"]
    rewrite(bert, of_another_shape)
    (misfit,) = assert_as_transformers_says(bert).misfits
    assert misfit.words == "embeddings.word_embeddings.weight is 41 × 16 in the checkpoint and 40 × 16 in the model"


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "state_dict.model."])
def test_a_prefix_that_hides_every_parameter_is_found(bert: Path, prefix: str) -> None:
    rewrite(bert, with_a_prefix(prefix))
    ours = assert_as_transformers_says(bert)
    assert (len(ours.missing), ours.prefix) == (len(described(bert).parameters), prefix)


def test_the_prefix_of_the_architecture_hides_nothing(bert: Path) -> None:
    rewrite(bert, with_a_prefix("bert."))
    assert_nothing_amiss(assert_as_transformers_says(bert))


def test_another_models_tensors_have_no_prefix_to_take_off(bert: Path) -> None:
    rewrite(bert, lambda tensors: {f"x.{index}": value for index, value in enumerate(tensors.values())})
    ours = assert_as_transformers_says(bert)
    assert (len(ours.missing), ours.prefix) == (len(described(bert).parameters), "")


@pytest.mark.parametrize(("kind", "alias"), [("t5", "encoder.embed_tokens.weight"), ("bart", "shared.weight")])
def test_tied_parameters_are_there_by_any_of_their_names(kind: str, alias: str, tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModel

    small = {"vocab_size": 40, "d_model": 16, "d_ff": 24, "d_kv": 8, "num_layers": 2, "num_heads": 2}
    small |= {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
    small |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    model = AutoModel.from_config(AutoConfig.for_model(kind, **small))
    model.save_pretrained(tmp_path)
    assert_nothing_amiss(assert_as_transformers_says(tmp_path))
    rewrite(
        tmp_path,
        lambda tensors: {
            alias if "embed_tokens" in name or "shared" in name else name: v for name, v in tensors.items()
        },
    )
    assert_nothing_amiss(assert_as_transformers_says(tmp_path))


KINDS = [
    "albert",
    "bart",
    "bert",
    "bert-generation",
    "big_bird",
    "bigbird_pegasus",
    "blenderbot",
    "camembert",
    "convbert",
    "data2vec-text",
    "deberta",
    "deberta-v2",
    "distilbert",
    "dpr",
    "electra",
    "ernie",
    "esm",
    "eurobert",
    "flaubert",
    "fnet",
    "gte",
    "ibert",
    "jina_embeddings_v3",
    "layoutlm",
    "longformer",
    "longt5",
    "m2m_100",
    "marian",
    "mbart",
    "megatron-bert",
    "modernbert",
    "mpnet",
    "mra",
    "mt5",
    "mvp",
    "nomic_bert",
    "nystromformer",
    "pegasus",
    "plbart",
    "rembert",
    "roberta",
    "roberta-prelayernorm",
    "roformer",
    "splinter",
    "squeezebert",
    "switch_transformers",
    "t5",
    "tapas",
    "umt5",
    "xlm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
    "yoso",
]
"""Architectures with encoders of texts, by `model_type`."""

NUMBERS = {
    **dict.fromkeys(("hidden_size", "d_model", "dim", "emb_dim", "embedding_size"), 16),
    **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim", "intermediate_size", "hidden_dim", "d_ff"), 24),
    **dict.fromkeys(("n_layers", "num_hidden_layers", "num_layers", "num_decoder_layers"), 2),
    **dict.fromkeys(("encoder_layers", "decoder_layers"), 1),
    **dict.fromkeys(("n_heads", "num_attention_heads", "num_heads"), 2),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2),
    **{"vocab_size": 40, "d_kv": 8, "max_position_embeddings": 64, "pad_token_id": 0},
}


def said(loaded: tuple[Any, dict[str, Any]]) -> tuple[list[Any], set[str], set[str]]:
    """The parameters of a loaded model, and what transformers said of its checkpoint."""
    model, info = loaded
    parameters = [(name, tuple(one.shape), str(one.dtype)[6:]) for name, one in model.named_parameters()]
    return parameters, set(info["missing_keys"]), set(info["unexpected_keys"])


def ours(directory: Path, *, head: bool = False) -> tuple[list[Any], set[str], set[str]]:
    """The same as it is described."""
    found = describe.run(DescribeRequest(directory.name, str(directory), str(directory), head=head), silent())
    assert found.fit is not None
    parameters = [(one.name, one.shape, one.dtype) for one in found.parameters]
    return parameters, set(found.fit.missing), set(found.fit.unexpected)


@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_is_described_as_it_is_loaded(kind: str, tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification
    from transformers.models.auto import modeling_auto

    usual = AutoConfig.for_model(kind)
    config = AutoConfig.for_model(kind, **{name: value for name, value in NUMBERS.items() if hasattr(usual, name)})
    labels = kind in modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES
    masks = kind in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    auto = AutoModelForSequenceClassification if labels else AutoModelForMaskedLM if masks else AutoModel
    auto.from_config(config).save_pretrained(tmp_path)
    assert ours(tmp_path) == said(AutoModel.from_pretrained(tmp_path, output_loading_info=True))
    rewrite(
        tmp_path, lambda tensors: {**dict(list(tensors.items())[3:]), "another.weight": next(iter(tensors.values()))}
    )
    assert ours(tmp_path) == said(AutoModel.from_pretrained(tmp_path, output_loading_info=True))
    if auto is not AutoModel:
        assert ours(tmp_path, head=True) == said(auto.from_pretrained(tmp_path, output_loading_info=True))
