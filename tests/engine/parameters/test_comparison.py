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
