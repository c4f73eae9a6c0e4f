"""What a directory says it is: kinds, limits, labels, files of weights, and what is said of each."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from encoder_tui.core.models.card import Card, Limits, card_of
from encoder_tui.core.models.card_words import card_rows, limit_words, line
from encoder_tui.core.models.modules import files_wanted, read_modules
from encoder_tui.core.models.names import ModelError
from tests.support.deployed_models import OLD_POOLING, modules, old, write_files

CONFIG = {
    "model_type": "bert",
    "architectures": ["BertModel"],
    "hidden_size": 16,
    "max_position_embeddings": 64,
    "vocab_size": 40,
}
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 437971872\n" % (b"ab" * 32)
DENSE = "sentence_transformers.base.modules.dense.Dense"


def model(folder: Path, config: dict[str, Any] | None = None, **files: Any) -> Path:
    """A directory with a configuration, and JSON files whose names have `__` for each dot."""
    return write_files(
        folder,
        {"config.json": {**CONFIG, **(config or {})}, **{f"{k.replace('__', '.')}": v for k, v in files.items()}},
    )


def safetensors(path: Path, **tensors: tuple[str, list[int]]) -> None:
    """A file of zeros; each tensor has a dtype as the format writes it, and a shape."""
    sizes = {"F32": 4, "F16": 2, "I8": 1, "F8_E4M3": 1}
    header, place = {}, 0
    for name, (dtype, shape) in tensors.items():
        length = sizes[dtype]
        for side in shape:
            length *= side
        header[name.replace("__", ".")] = {"dtype": dtype, "shape": shape, "data_offsets": [place, place + length]}
        place += length
    body = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(body)) + body + bytes(place))


def card(directory: Path) -> Card:
    found = card_of("NAME", directory)
    assert all(remark.isprintable() for remark in found.remarks)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Card) == found
    return found


def refused(directory: Path) -> str:
    with pytest.raises(ModelError) as caught:
        card_of("NAME", directory)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith("NAME")
    return message


def remark(directory: Path, *words: str) -> str:
    """The one remark that has these words."""
    (found,) = [remark for remark in card(directory).remarks if all(word in remark for word in words)]
    return found


@pytest.mark.parametrize(
    ("config", "kind", "labels"),
    [
        ({}, "encoder", None),
        ({"architectures": None}, "encoder", None),
        ({"architectures": ["BertForMaskedLM"]}, "masked-lm", None),
        ({"architectures": ["BertForPreTraining"]}, "masked-lm", None),
        ({"architectures": ["ElectraForPreTraining"]}, "encoder", None),
        ({"architectures": ["NewForQuestionAnswering"]}, "question-answering", None),
        (
            {"architectures": ["BertForTokenClassification"], "id2label": {"10": "c", "2": "b", "0": "a"}},
            "token-classification",
            ["a", "b", "c"],
        ),
        ({"architectures": ["BertForSequenceClassification"]}, "sequence-classification", ["LABEL_0", "LABEL_1"]),
        (
            {"architectures": ["BertForSequenceClassification"], "num_labels": 3},
            "sequence-classification",
            ["LABEL_0", "LABEL_1", "LABEL_2"],
        ),
        (
            {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "LABEL_0"}},
            "cross-encoder",
            ["LABEL_0"],
        ),
        (
            {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "toxic"}},
            "sequence-classification",
            ["toxic"],
        ),
        (
            {
                "architectures": ["BertForSequenceClassification"],
                "id2label": {"0": "LABEL_0"},
                "problem_type": "regression",
            },
            "sequence-classification",
            ["LABEL_0"],
        ),
        (
            {
                "architectures": ["BertForSequenceClassification"],
                "id2label": {"0": "contradiction", "1": "entailment", "2": "neutral"},
                "sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity",
            },
            "cross-encoder",
            ["contradiction", "entailment", "neutral"],
        ),
        (
            {
                "architectures": ["BertForSequenceClassification"],
                "id2label": {"0": "LABEL_0"},
                "sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid", "version": "4.1.0"},
            },
            "cross-encoder",
            ["LABEL_0"],
        ),
        ({"architectures": ["HF_ColBERT"]}, "multi-vector-encoder", None),
        ({"architectures": [3], "id2label": "x", "hidden_size": "wide"}, "encoder", None),
    ],
)
def test_the_kind_and_the_labels_follow_from_the_configuration(
    tmp_path: Path, config: dict[str, Any], kind: str, labels: list[str] | None
) -> None:
    found = card(model(tmp_path, config))
    assert (found.kind, found.labels) == (kind, labels)
    assert found.modules == []
    assert found.pooling is None
    assert found.similarity == ("maxsim" if kind == "multi-vector-encoder" else None)


@pytest.mark.parametrize(
    ("model_type", "kind", "similarity"),
    [
        ("SentenceTransformer", "sentence-transformer", "cosine"),
        ("SparseEncoder", "sparse-encoder", "dot"),
        ("MultiVectorEncoder", "multi-vector-encoder", "maxsim"),
        ("ColBERT", "multi-vector-encoder", "maxsim"),
        ("CrossEncoder", "cross-encoder", None),
        (None, "sentence-transformer", "cosine"),
    ],
)
def test_the_kind_of_a_directory_with_modules_is_stated(
    tmp_path: Path, model_type: str | None, kind: str, similarity: str | None
) -> None:
    settings = {"model_type": model_type, "similarity_fn_name": "no such"}
    files = {"modules.json": modules((old("Transformer"), "")), "config_sentence_transformers.json": settings}
    found = card(write_files(model(tmp_path), files))
    assert (found.kind, found.similarity) == (kind, similarity)


def test_modules_tell_the_kind_if_nothing_states_it(tmp_path: Path) -> None:
    splade = ("sentence_transformers.sparse_encoder.models.SpladePooling", "1_SpladePooling")
    files = {
        "modules.json": modules((old("Transformer"), ""), splade),
        "1_SpladePooling/config.json": {"pooling_strategy": "sum"},
    }
    found = card(write_files(model(tmp_path), files))
    assert (found.kind, found.pooling, found.dimension) == ("sparse-encoder", ["sum"], 40)


@pytest.mark.parametrize(
    ("files", "limits", "limit", "words"),
    [
        ({}, Limits(64), 64, "64, as many as its positions allow"),
        ({"tokenizer_config.json": {"model_max_length": 1e30}}, Limits(64), 64, "64, as many as its positions allow"),
        (
            {"tokenizer_config.json": {"model_max_length": 48}},
            Limits(64, 48),
            48,
            "48, as its tokenizer is set; its positions allow 64",
        ),
        ({"tokenizer_config.json": {"max_len": 48}}, Limits(64, 48), 48, None),
        (
            {
                "modules.json": modules((old("Transformer"), "")),
                "sentence_bert_config.json": {"max_seq_length": 32},
                "tokenizer_config.json": {"model_max_length": 64},
            },
            Limits(64, 64, 32),
            32,
            "32 as trained; its positions allow 64",
        ),
        (
            {"modules.json": modules((old("Transformer"), "")), "sentence_bert_config.json": {"max_seq_length": 512}},
            Limits(64, None, 512),
            64,
            "64, as many as its positions allow; sentence-transformers is set to 512",
        ),
        ({"sentence_bert_config.json": {"max_seq_length": 32}}, Limits(64), 64, None),
    ],
)
def test_the_limit_is_the_smallest_and_the_others_are_said(
    tmp_path: Path, files: dict[str, Any], limits: Limits, limit: int, words: str | None
) -> None:
    found = card(write_files(model(tmp_path), files))
    assert (found.limits, found.limit) == (limits, limit)
    if words is not None:
        assert limit_words(found) == words
        assert ("reads", words) in card_rows(found)


def test_a_length_that_the_positions_do_not_allow_is_said(tmp_path: Path) -> None:
    files = {"modules.json": modules((old("Transformer"), "")), "sentence_bert_config.json": {"max_seq_length": 512}}
    said = remark(write_files(model(tmp_path), files), "512", "its positions allow 64")
    assert "set max_seq_length to 64" in said


def test_an_architecture_without_positions_reads_any_length(tmp_path: Path) -> None:
    config = {"model_type": "t5", "architectures": ["T5EncoderModel"], "d_model": 24}
    found = card(write_files(tmp_path, {"config.json": config}))
    assert (found.limit, found.dimension, limit_words(found)) == (None, 24, "texts of any length")


def test_a_line_says_what_a_deployed_model_is(tmp_path: Path) -> None:
    steps = modules((old("Transformer"), ""), (old("Pooling"), "1_Pooling"), (old("Normalize"), "2_Normalize"))
    files = {
        "modules.json": steps,
        "1_Pooling/config.json": OLD_POOLING,
        "sentence_bert_config.json": {"max_seq_length": 32},
    }
    assert line(card(write_files(model(tmp_path / "dense"), files))) == (
        "sentence-transformer · 32 tokens · mean, normalized · 16"
    )
    config = {
        "architectures": ["BertForSequenceClassification"],
        "id2label": {"0": "bad", "1": "good", "2": "\x1b[31m"},
    }
    classifier = card(model(tmp_path / "classifier", config))
    assert line(classifier) == "sequence-classification · 64 tokens · 3 labels"
    assert ("labels", "bad, good, ␛[31m") in card_rows(classifier)


def test_old_transformers_and_layouts_are_named_with_what_to_write_instead(tmp_path: Path) -> None:
    files = {
        "modules.json": modules((old("BERT"), "0_BERT"), (old("Pooling"), "1_Pooling")),
        "0_BERT/config.json": CONFIG,
        "0_BERT/sentence_bert_config.json": {"max_seq_length": 16, "do_lower_case": True},
        "1_Pooling/config.json": OLD_POOLING,
    }
    directory = write_files(tmp_path, files)
    found = card(directory)
    assert (found.folder, found.limit, found.limits.positions, found.dimension) == ("0_BERT", 16, 64, 16)
    assert found.lowers_case
    assert remark(directory, "old layout", "0_BERT")
    assert remark(directory, old("BERT"), old("Transformer"))
    assert remark(directory, "lower-cases")


def test_settings_that_a_module_needs_are_missed(tmp_path: Path) -> None:
    steps = modules((old("Transformer"), ""), (old("Pooling"), "1_Pooling"), (old("Normalize"), "2_Normalize"))
    assert remark(model(tmp_path, modules__json=steps), "1_Pooling/config.json is missing")
    assert not [said for said in card(tmp_path).remarks if "2_Normalize" in said], "an empty folder is lost on the Hub"


def test_own_code_is_named_by_its_classes(tmp_path: Path) -> None:
    config = {"auto_map": {"AutoConfig": "conf.NewConfig", "AutoModel": ["modeling.NewModel", None], "AutoX": 3}}
    directory = model(tmp_path, config, modules__json=modules(("custom_st.Transformer", ""), (DENSE, "")))
    found = card(directory)
    assert found.auto_map == {"AutoConfig": "conf.NewConfig", "AutoModel": "modeling.NewModel"}
    assert (found.folder, found.class_name) == ("", "BertModel")
    assert remark(directory, "modules.json", "custom_st.Transformer", "only if you trust")
    assert remark(directory, "auto_map", "modeling.NewModel")


@pytest.mark.parametrize(
    "path", ["../outside", "/etc", "a/../../outside", "..\\outside", "c:/x", "a\x1b[31m", "x" * 300, "link", "a//b"]
)
def test_a_module_in_a_folder_elsewhere_is_refused(tmp_path: Path, path: str) -> None:
    secret = write_files(tmp_path / "outside", {"config.json": {"pooling_mode": "secret"}})
    directory = model(tmp_path / "model", modules__json=modules((old("Transformer"), ""), (old("Pooling"), path)))
    (directory / "link").symlink_to(secret)
    assert "modules.json names" in refused(directory)


def test_settings_that_are_links_to_elsewhere_are_refused(tmp_path: Path) -> None:
    secret = write_files(tmp_path / "outside", {"config.json": {"pooling_mode": "secret"}})
    steps = modules((old("Transformer"), ""), (old("Pooling"), "1_Pooling"))
    directory = model(tmp_path / "model", modules__json=steps)
    (directory / "1_Pooling").mkdir()
    (directory / "1_Pooling" / "config.json").symlink_to(secret / "config.json")
    assert "modules.json names 1_Pooling/config.json, which is a link out of the folder" in refused(directory)


def test_the_routes_of_a_router_follow_the_same_rule(tmp_path: Path) -> None:
    router = "sentence_transformers.base.modules.router.Router"
    settings = {"types": {"../outside": old("Pooling")}, "structure": {"query": ["../outside"]}}
    directory = model(tmp_path, modules__json=modules((router, "")), router_config__json=settings)
    assert "router_config.json names ../outside" in refused(directory)
    write_files(directory, {"router_config.json": {"types": [], "structure": 3}})
    assert "router_config.json" in refused(directory)


@pytest.mark.parametrize(
    "file",
    [
        "config.json", "modules.json", "config_sentence_transformers.json", "sentence_bert_config.json",
        "1_Pooling/config.json", "tokenizer_config.json", "adapter_config.json",
    ],
)  # fmt: skip
@pytest.mark.parametrize("content", [b"{", b'"text"', b"[" * 100_000, b'{"a": "\\ud800"}', b'{"a": "\xff"}', POINTER])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, file: str, content: bytes) -> None:
    steps = modules((old("Transformer"), ""), (old("Pooling"), "1_Pooling"))
    directory = write_files(model(tmp_path, modules__json=steps), {"1_Pooling/config.json": OLD_POOLING})
    (directory / file).write_bytes(content)
    message = refused(directory)
    assert f"NAME: {file} " in message
    assert ("run git lfs pull" in message) == (content == POINTER)


@pytest.mark.parametrize(
    "entries", [[], [3], [{}], [{"type": "x"}], [{"type": 3, "path": ""}], [{"type": "", "path": ""}]]
)
def test_a_list_of_modules_without_types_and_paths_is_refused(tmp_path: Path, entries: list[Any]) -> None:
    assert "modules.json" in refused(model(tmp_path, modules__json=entries))


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    directory = model(tmp_path)
    os.mkfifo(directory / "modules.json")
    assert "modules.json cannot be read" in refused(directory)


def test_a_file_of_settings_without_an_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (model(tmp_path) / "modules.json").open("wb") as file:
        file.truncate(70 << 20)
    assert "modules.json is larger than the 64 MiB allowed" in refused(tmp_path)


def test_dtypes_are_counted_over_all_files_and_modules(tmp_path: Path) -> None:
    steps = modules((old("Transformer"), ""), (DENSE, "2_Dense"))
    directory = write_files(model(tmp_path, modules__json=steps), {"2_Dense/config.json": {"out_features": 4}})
    safetensors(directory / "2_Dense" / "model.safetensors", linear__weight=("F32", [4, 16]))
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    write_files(directory, {"model.safetensors.index.json": index})
    safetensors(directory / "model-00001-of-00002.safetensors", a=("F16", [40, 16]))
    weights = card(directory).weights
    assert weights is not None
    assert remark(directory, "model-00002-of-00002.safetensors is missing")
    safetensors(directory / "model-00002-of-00002.safetensors", b=("F8_E4M3", [3]))
    weights = card(directory).weights
    assert weights is not None
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "2_Dense/model.safetensors"]
    assert (weights.files, weights.format, weights.variant) == (names, "safetensors", None)
    assert weights.dtypes == {"float16": 640, "float32": 64, "float8_e4m3fn": 3}
    assert weights.bytes == sum((directory / name).stat().st_size for name in names)
    assert card(directory).remarks == []


@pytest.mark.parametrize(
    ("file", "kind", "words"),
    [
        ("onnx/model.onnx", "onnx", "ONNX Runtime"),
        ("model.onnx", "onnx", "ONNX Runtime"),
        ("openvino/openvino_model.xml", "openvino", "OpenVINO"),
        ("model-q8_0.gguf", "gguf", "llama.cpp"),
        ("tf_model.h5", "tensorflow", "TensorFlow"),
        ("flax_model.msgpack", "flax", "Flax"),
        ("rust_model.ot", "rust", "rust-bert"),
    ],
)
def test_weights_of_other_programs_are_recognized(tmp_path: Path, file: str, kind: str, words: str) -> None:
    directory = model(tmp_path)
    (directory / file).parent.mkdir(exist_ok=True)
    (directory / file).write_bytes(b"x" * 72)
    weights = card(directory).weights
    assert weights is not None
    assert (weights.files, weights.format, weights.bytes, weights.dtypes) == ([file], kind, 72, None)
    assert file in remark(directory, words, "does not read")
    safetensors(directory / "model.safetensors", a=("F32", [2]))
    both = card(directory)
    assert both.weights is not None
    assert (both.weights.files, [other.files for other in both.other_weights]) == (["model.safetensors"], [[file]])
    assert remark(directory, "not read", file)


def test_a_variant_is_read_only_by_its_name(tmp_path: Path) -> None:
    directory = model(tmp_path)
    safetensors(directory / "model.fp16.safetensors", a=("F16", [2, 3]))
    weights = card(directory).weights
    assert weights is not None
    assert (weights.format, weights.variant, weights.dtypes) == ("safetensors", "fp16", {"float16": 6})
    assert remark(directory, "variant='fp16'", "rename it to model.safetensors")


def test_pointers_of_git_lfs_are_named_with_the_way_out(tmp_path: Path) -> None:
    directory = model(tmp_path)
    for name in ("model.safetensors", "tokenizer.json"):
        (directory / name).write_bytes(POINTER)
        assert "git lfs pull" in remark(directory, f"{name} is a Git LFS pointer", "437,971,872 bytes")
    weights = card(directory).weights
    assert weights is not None
    assert weights.dtypes is None


def test_a_damaged_header_is_named(tmp_path: Path) -> None:
    (model(tmp_path) / "model.safetensors").write_bytes(b"\xff" * 100)
    assert remark(tmp_path, "model.safetensors cannot be read", "header claims")


def test_names_that_a_wrapper_put_before_the_tensors_are_said(tmp_path: Path) -> None:
    for prefix, wrapper in (("module", "DataParallel"), ("_orig_mod", "torch.compile")):
        directory = model(tmp_path / prefix)
        safetensors(
            directory / "model.safetensors",
            **{f"{prefix}__a__weight": ("F32", [2]), f"{prefix}__b__bias": ("F32", [2])},
        )
        assert remark(directory, f'"{prefix}."', wrapper, f"model.{prefix}")


def test_an_adapter_names_its_base(tmp_path: Path) -> None:
    adapter = {"base_model_name_or_path": "someone/base", "peft_type": "LORA", "task_type": "SEQ_CLS"}
    beside = model(tmp_path / "beside", adapter_config__json=adapter)
    assert remark(beside, "LORA", "someone/base", "not applied")
    assert card(beside).kind == "encoder"
    alone = write_files(tmp_path / "alone", {"adapter_config.json": adapter})
    safetensors(alone / "adapter_model.safetensors", a=("F32", [2]))
    found = card(alone)
    assert (found.kind, found.class_name, found.limit) == ("sequence-classification", None, None)
    assert remark(alone, "without its base", "someone/base")


def test_quantized_weights_are_named(tmp_path: Path) -> None:
    directory = model(tmp_path, {"quantization_config": {"quant_method": "fp8"}})
    assert card(directory).quantization == "fp8"
    assert remark(directory, "quantized (fp8)")


def test_a_file_of_weights_alone_is_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "model-q8_0.gguf").write_bytes(b"GGUF")
    found = card(tmp_path)
    assert (found.kind, found.class_name, found.limit) == ("encoder", None, None)
    assert remark(tmp_path, "llama.cpp")


def test_a_training_run_names_its_last_checkpoint(tmp_path: Path) -> None:
    for step in (500, 1500, 1000):
        model(tmp_path / f"checkpoint-{step}")
    (tmp_path / "checkpoint-9999").mkdir()
    assert "the last of which is checkpoint-1500" in refused(tmp_path)
    model(tmp_path)
    assert remark(tmp_path, "training run", "checkpoint-1500")


def test_a_folder_of_the_cache_names_its_snapshot(tmp_path: Path) -> None:
    folder = tmp_path / "models--own--tiny"
    for commit in ("a" * 40, "c" * 40):
        model(folder / "snapshots" / commit)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("c" * 40)
    message = refused(folder)
    assert f"snapshots/{'c' * 40}" in message
    assert "own/tiny" in message


def test_a_directory_around_a_model_names_it(tmp_path: Path) -> None:
    model(tmp_path / "final")
    assert "final in it has one" in refused(tmp_path)


@pytest.mark.parametrize("name", ["missing", "a-file", "\0"])
def test_what_is_no_directory_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").touch()
    assert "no such directory" in refused(tmp_path / name)


def test_an_empty_directory_is_no_model(tmp_path: Path) -> None:
    assert "no config.json" in refused(tmp_path)


class Runs:
    """An object that runs code when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


@pytest.mark.parametrize("is_old", [False, True])
def test_a_pickle_is_looked_into_without_running_it(tmp_path: Path, is_old: bool) -> None:
    import torch

    directory, mark = model(tmp_path), tmp_path / "ran"
    file = directory / "pytorch_model.bin"
    new = {"_use_new_zipfile_serialization": not is_old}
    torch.save({"a.weight": torch.ones(2), "x": Runs(f"touch {mark}")}, file, **new)
    assert "would run code" in remark(directory, "pytorch_model.bin", "posix.system")
    assert not mark.exists()
    torch.save({"a.weight": torch.ones(2), "b.bias": torch.ones(2, dtype=torch.bfloat16)}, file, **new)
    assert card(directory).remarks == []
    torch.save(torch.nn.Linear(2, 2), file, **new)
    assert remark(directory, "pickled object (torch.nn.modules.linear.Linear)", "save_pretrained")
    torch.save(
        {"epoch": 3, "state_dict": {"model.a.weight": torch.ones(2), "model.b.bias": torch.ones(2)}}, file, **new
    )
    assert remark(directory, "state_dict", 'without the "model."')
    torch.save({"module.a.weight": torch.ones(2), "module.b.bias": torch.ones(2)}, file, **new)
    assert remark(directory, '"module."', "DataParallel")
    weights = card(directory).weights
    assert weights is not None
    assert (weights.format, weights.dtypes) == ("pytorch", None)


def test_a_damaged_file_of_torch_is_said(tmp_path: Path) -> None:
    file = model(tmp_path) / "pytorch_model.bin"
    file.write_bytes(b"no pickle")
    assert remark(tmp_path, "pytorch_model.bin", "fetch it again")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("other", "x")
    assert remark(tmp_path, "pytorch_model.bin", "fetch it again")


def test_the_small_files_in_the_folders_of_modules_are_named(tmp_path: Path) -> None:
    steps = modules((old("Transformer"), ""), (old("Pooling"), "1_Pooling"), (old("Dense"), "2_Dense"))
    assert files_wanted(read_modules("NAME", model(tmp_path, modules__json=steps)) or []) == [
        "1_Pooling/config.json",
        "2_Dense/config.json",
    ]
    write_files(tmp_path, {"modules.json": modules((old("Transformer"), "0_Transformer"))})
    wanted = files_wanted(read_modules("NAME", tmp_path) or [])
    assert {"0_Transformer/config.json", "0_Transformer/sentence_bert_config.json"} < set(wanted)
