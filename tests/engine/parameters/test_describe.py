"""What is inside a model, told without its weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from encoder_tui.core.parameters import description as parameters
from encoder_tui.core.parameters.description import Description
from encoder_tui.core.parameters.roles import ROLES as ROLE_NAMES
from encoder_tui.core.parameters.roles import label, role_of
from encoder_tui.core.text.numbers import binary_size
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.operations import describe
from encoder_tui.protocol.parameters import DescribeRequest
from tests.support.architectures import CHECKPOINT_ROLES, CONFIGURATIONS, ROLES, write_configuration


def description_of(directory: Path, **request: Any) -> Description:
    asked = DescribeRequest(str(directory), str(directory), str(directory), **request)
    return describe.run(asked, Job(1, lambda message: None))


def built(directory: Path) -> list[tuple[str, tuple[int, ...], str, int]]:
    """The parameters of the model that transformers builds, values and all."""
    from transformers import AutoConfig, AutoModel

    model = AutoModel.from_config(AutoConfig.from_pretrained(directory))
    return [(name, tuple(p.shape), str(p.dtype)[6:], p.numel()) for name, p in model.named_parameters()]


def listed(description: Description) -> list[tuple[str, tuple[int, ...], str, int]]:
    return [(p.name, p.shape, p.dtype, p.numel) for p in description.parameters]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_list_equals_the_parameters_of_the_model_that_transformers_builds(tmp_path: Path, name: str) -> None:
    directory = write_configuration(tmp_path, name)
    assert listed(description_of(directory)) == built(directory)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_parameter_of_a_known_architecture_has_a_role(tmp_path: Path, name: str) -> None:
    description = description_of(write_configuration(tmp_path, name))
    assert [p.name for p in description.parameters if p.role == "other"] == []
    assert {p.role for p in description.parameters} <= set(ROLE_NAMES)


@pytest.mark.parametrize("name", ROLES)
def test_roles_by_example(tmp_path: Path, name: str) -> None:
    description = description_of(write_configuration(tmp_path, name))
    roles = {p.name: p.role for p in description.parameters}
    assert {parameter: roles.get(parameter) for parameter in ROLES[name]} == ROLES[name]


@pytest.mark.parametrize(("parameter", "role"), CHECKPOINT_ROLES.items())
def test_names_of_checkpoints_have_roles_too(parameter: str, role: str) -> None:
    assert role_of(parameter) == role


def test_a_name_that_no_rule_knows_is_other() -> None:
    assert role_of("visual.stem.kernel") == "other"
    assert label("fused_qkv") == "fused q/k/v"


def test_the_reference_models_have_their_known_numbers(reference_models: tuple[Path, Path]) -> None:
    bert, modernbert = map(description_of, reference_models)
    assert (bert.class_name, len(bert.parameters), bert.total) == ("BertModel", 199, 108_310_272)
    assert (modernbert.class_name, len(modernbert.parameters), modernbert.total) == (
        "ModernBertModel",
        134,
        149_014_272,
    )
    assert parameters.by_dtype(bert.parameters) == {"float32": 4 * 108_310_272}
    assert {p.role for p in [*bert.parameters, *modernbert.parameters]}.isdisjoint({"other"})


def test_the_reference_layers_attend_as_their_papers_say(reference_models: tuple[Path, Path]) -> None:
    bert, modernbert = map(description_of, reference_models)
    assert {(fact.attention, fact.window, fact.rotary_base) for fact in bert.layers} == {("global", None, None)}
    assert len(modernbert.layers) == 22
    for index, fact in enumerate(modernbert.layers):
        expected = ("global", None, 160_000.0) if index % 3 == 0 else ("sliding window", 128, 10_000.0)
        assert (fact.attention, fact.window, fact.rotary_base) == expected


def test_the_word_embedding_is_said_to_be_tied_to_the_head(reference_models: tuple[Path, Path]) -> None:
    ties = [{p.name: p.tied_to for p in description_of(path).parameters if p.tied_to} for path in reference_models]
    assert ties == [
        {"embeddings.word_embeddings.weight": ("cls.predictions.decoder.weight of BertForMaskedLM",)},
        {"embeddings.tok_embeddings.weight": ("decoder.weight of ModernBertForMaskedLM",)},
    ]


def test_only_buffers_that_matter_are_listed(tmp_path: Path) -> None:
    assert description_of(write_configuration(tmp_path / "bert", "bert")).buffers == []
    rotary = description_of(write_configuration(tmp_path / "euro", "eurobert")).buffers
    assert [(buffer.name, buffer.shape) for buffer in rotary] == [("rotary_emb.inv_freq", (4,))]


def test_albert_says_that_its_layers_run_again(tmp_path: Path) -> None:
    description = description_of(write_configuration(tmp_path, "albert", num_hidden_layers=12))
    assert description.repeats == 12
    assert len(description.layers) == 12


def test_the_dtype_is_the_checkpoints_where_the_configuration_states_none(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    directory = write_configuration(tmp_path, "bert")
    save_file({"pooler.dense.bias": torch.zeros(16, dtype=torch.float16)}, directory / "model.safetensors")
    assert {p.dtype for p in description_of(directory).parameters} == {"float16"}
    (directory / "model.safetensors").write_bytes(b"damaged")
    assert {p.dtype for p in description_of(directory).parameters} == {"float32"}


def test_ten_billion_parameters_cost_no_memory(tmp_path: Path) -> None:
    import resource

    sizes = {"hidden_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 40, "intermediate_size": 20_480}
    directory = write_configuration(tmp_path, "bert", vocab_size=50_000, **sizes)
    description_of(write_configuration(tmp_path / "small", "bert"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert description_of(directory).total > 10_000_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "kilobytes"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_hidden_layers": 10**9}, "claims 1,000,000,000 layers"),
        ({"pad_token_id": 4_000}, "cannot build a model"),
        ({"num_attention_heads": 3}, "cannot"),
        ({"hidden_act": "gelu_nope"}, "cannot build a model from its configuration: KeyError: 'gelu_nope'"),
        ({"hidden_size": -1}, "cannot"),
        ({"model_type": "unheard-of"}, "no code for the architecture unheard-of"),
        ({"model_type": None}, "no code for the architecture"),
    ],
)
def test_a_configuration_that_makes_no_model_is_refused_with_a_sentence(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    directory = write_configuration(tmp_path, "bert", **changes)
    with pytest.raises(OperationError) as caught:
        description_of(directory)
    message = str(caught.value)
    assert words in message
    assert str(directory) in message
    assert message.isprintable()


def test_a_model_without_code_is_described_by_its_checkpoint(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    directory = write_configuration(tmp_path, "bert", model_type="new-bert", architectures=["NewBert"])
    tensors = {
        "bert.encoder.layer.10.output.LayerNorm.gamma": torch.zeros(16),
        "bert.encoder.layer.2.output.LayerNorm.gamma": torch.zeros(16, dtype=torch.bfloat16),
        "bert.embeddings.word_embeddings.weight": torch.zeros(40, 16),
        "cls.predictions.bias": torch.zeros(40),
    }
    save_file(tensors, directory / "model.safetensors")
    description = description_of(directory)
    assert (description.source, description.class_name) == ("checkpoint", "NewBert")
    assert listed(description) == [
        ("bert.embeddings.word_embeddings.weight", (40, 16), "float32", 640),
        ("bert.encoder.layer.2.output.LayerNorm.gamma", (16,), "bfloat16", 16),
        ("bert.encoder.layer.10.output.LayerNorm.gamma", (16,), "float32", 16),
        ("cls.predictions.bias", (40,), "float32", 40),
    ]
    notes = " ".join(description.remarks)
    for words in ("checkpoint's own names", "gamma and beta", "begin with bert.", "a head is included (cls)"):
        assert words in notes


def test_a_description_survives_the_way_through_a_frame(tmp_path: Path) -> None:
    import msgspec

    directory = write_configuration(tmp_path, "modernbert")
    description = description_of(directory)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(description), type=Description) == description
    json.dumps(description.config, allow_nan=False)


def test_sizes_are_said_in_the_unit_that_fits() -> None:
    assert [binary_size(n) for n in (512, 2048, 433_241_088)] == ["512 B", "2.0 KiB", "413 MiB"]
    assert [parameters.million(n) for n in (999, 108_310_272, 10_353_320_960)] == ["999", "108.3 M", "10.4 B"]
    assert [parameters.share(n, 1000) for n in (0, 1000, 25, 500)] == ["0 %", "100 %", "2.5 %", "50 %"]
    assert parameters.share(1, 10**6) == "< 0.1 %"
    assert parameters.bytes_of(3, "float4_e2m1") == 2


@pytest.mark.parametrize("kind", ["t5", "mt5", "umt5", "longt5", "bart", "mbart", "mvp", "pegasus", "led", "m2m_100"])
def test_tied_embeddings_are_listed_once_as_from_pretrained_has_them(kind: str, tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModel

    small = {"vocab_size": 40, "d_model": 16, "d_ff": 24, "d_kv": 8, "num_heads": 2}
    small |= {f"{side}_layers": 1 for side in ("encoder", "decoder", "num", "num_decoder")}
    small |= {f"{side}_ffn_dim": 16 for side in ("encoder", "decoder")}
    small |= {f"{side}_attention_heads": 2 for side in ("encoder", "decoder")}
    AutoModel.from_config(AutoConfig.for_model(kind, **small)).save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path)
    found = description_of(tmp_path)
    assert [p.name for p in found.parameters] == [name for name, _ in loaded.named_parameters()]
    assert found.total == loaded.num_parameters()
    assert [p.tied_to for p in found.parameters if p.tied_to] == [
        ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
    ]


@pytest.mark.parametrize("name", ["T5EncoderModel", "MT5EncoderModel", "UMT5EncoderModel", "LongT5EncoderModel"])
def test_a_text_encoder_is_the_class_that_its_configuration_names(name: str, tmp_path: Path) -> None:
    import transformers

    encoder = getattr(transformers, name)
    small = {"vocab_size": 40, "d_model": 16, "d_ff": 24, "d_kv": 8, "num_heads": 2, "num_layers": 1}
    encoder(encoder.config_class(**small)).save_pretrained(tmp_path)
    loaded, info = encoder.from_pretrained(tmp_path, output_loading_info=True)
    found = description_of(tmp_path)
    assert found.class_name == name
    assert [p.name for p in found.parameters] == [name for name, _ in loaded.named_parameters()]
    assert found.fit is not None
    assert (found.fit.missing, found.fit.unexpected) == ([], [])
    assert (info["missing_keys"], info["unexpected_keys"]) == (set(), set())


def test_embeddings_that_are_to_be_tied_but_differ_are_listed_with_each_other(tmp_path: Path) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForMaskedLM

    directory = write_configuration(tmp_path, "bert", architectures=["BertForMaskedLM"], tie_word_embeddings=False)
    AutoModelForMaskedLM.from_config(AutoConfig.from_pretrained(directory)).save_pretrained(directory)
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": True}))
    loaded = AutoModelForMaskedLM.from_pretrained(directory)
    names = [name for name, _ in loaded.named_parameters()]
    assert "cls.predictions.decoder.weight" in names
    assert [p.name for p in description_of(directory, head=True).parameters] == names
    with torch.no_grad():
        loaded.cls.predictions.decoder.weight.copy_(loaded.bert.embeddings.word_embeddings.weight)
    from safetensors.torch import save_file

    save_file({name: value.clone() for name, value in loaded.state_dict().items()}, directory / "model.safetensors")
    names = [name for name, _ in AutoModelForMaskedLM.from_pretrained(directory).named_parameters()]
    assert "cls.predictions.decoder.weight" not in names
    assert [p.name for p in description_of(directory, head=True).parameters] == names


def test_a_checkpoint_of_code_that_was_not_run_is_shown_by_its_own_names(tmp_path: Path) -> None:
    """As Jina v3, whose configuration says XLM-RoBERTa."""
    import torch
    from safetensors.torch import save_file

    own = {"AutoModel": "owner/code--modeling_lora.XLMRobertaLoRA"}
    folder = write_configuration(tmp_path / "jina", "xlm-roberta", auto_map=own, architectures=["XLMRobertaModel"])
    names = {
        "roberta.embeddings.word_embeddings.parametrizations.weight.original": "word_embedding",
        "roberta.encoder.layers.0.mixer.Wqkv.parametrizations.weight.0.lora_A": "adapter",
        "roberta.encoder.layers.0.mixer.Wqkv.parametrizations.weight.original": "fused_qkv",
        "roberta.pooler.dense.bias": "pooler",
    }
    save_file({name: torch.zeros(16) for name in names}, folder / "model.safetensors")
    description = description_of(folder)
    assert description.source == "checkpoint"
    assert {parameter.name: parameter.role for parameter in description.parameters} == names
    assert description.remarks[0].startswith("config.json names the model's own code, which was not run")
