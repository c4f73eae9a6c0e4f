"""`encode`: what is read of a text, what is said of a model, and input that goes wrong."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from encoder_tui.core.tasks.encoding import MOST_COMPARED, MOST_TEXTS
from encoder_tui.engine.job import JobCancelled, OperationError
from encoder_tui.engine.machine import devices
from encoder_tui.engine.models.loaded_models import LOADED
from encoder_tui.engine.operations import memory, unload
from encoder_tui.protocol.outputs import MemoryRequest, UnloadRequest
from tests.support.deployed_models import Write, saved_by_library, tiny_bert, write_files
from tests.support.encoding import encoded
from tests.support.saved_models import Heard, silent

LONG = "The dance of the honeybee tells the way. " * 30


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Write]:
    folder = tmp_path_factory.mktemp("berts")
    return saved_by_library(tiny_bert(folder / "bert"), tiny_bert(folder / "masked", head=True))


@pytest.fixture(autouse=True)
def _unload() -> Iterator[None]:
    yield
    LOADED.unload()


@pytest.fixture
def dense(directories: dict[str, Write], tmp_path: Path) -> Path:
    return directories["dense"](tmp_path / "dense")


def edit(file: Path, **settings: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))


def test_a_text_is_cut_where_the_model_stops_and_the_prompt_counts(
    directories: dict[str, Write], tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    directory = directories["prompts"](tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(directory)
    for side, prompt in (("query", "query: "), ("document", ""), (None, "classify: ")):
        answer = encoded(directory, [LONG, "bees"], side=side)
        assert answer.pipeline.prompt_text == prompt
        long, short = answer.texts
        assert long.tokens == len(tokenizer(prompt + LONG, verbose=False).input_ids)
        kept = tokenizer(prompt + LONG, truncation=True, max_length=64, return_offsets_mapping=True)
        assert long.cut == kept.offset_mapping[-2][1] - len(prompt)
        assert (short.tokens, short.cut) == (len(tokenizer(prompt + "bees").input_ids), None)
    assert encoded(directory, ["bees"], prompt="query").vectors == encoded(directory, ["bees"], side="query").vectors


def test_a_text_that_just_fits_is_whole(dense: Path) -> None:
    full = "bees " * 31
    longer = encoded(dense, [full, full + "bees", full + "bees bees"])
    assert [text.tokens for text in longer.texts] == sorted(text.tokens for text in longer.texts)
    assert [text.cut is None for text in longer.texts] == [text.tokens <= 64 for text in longer.texts]
    assert any(text.tokens == 64 for text in longer.texts)


def test_a_prompt_longer_than_the_limit_leaves_nothing_of_the_text(
    directories: dict[str, Write], tmp_path: Path
) -> None:
    directory = directories["prompts"](tmp_path / "model")
    edit(directory / "config_sentence_transformers.json", prompts={"query": "bees " * 100}, default_prompt_name=None)
    assert encoded(directory, ["honey"], prompt="query").texts[0].cut == 0


def test_a_limit_that_the_user_chose_holds_for_one_request(dense: Path) -> None:
    from sentence_transformers import SentenceTransformer

    deployed = encoded(dense, [LONG])
    answer = encoded(dense, [LONG], limit=20)
    model = SentenceTransformer(str(dense), device="cpu")
    model.max_seq_length = 20
    assert answer.vectors.data == model.encode([LONG]).tobytes()
    assert (answer.pipeline.limit, deployed.pipeline.limit) == (20, 64)
    assert (answer.texts[0].cut or 0) < (deployed.texts[0].cut or 0)
    assert encoded(dense, [LONG]).vectors == deployed.vectors


def test_settings_and_library_stand_beside_the_vectors(dense: Path) -> None:
    answer = encoded(dense, ["bees"], dtype="bfloat16", attention="eager", threads=1)
    in_force = answer.pipeline.in_force
    assert (in_force.dtype, in_force.attention, in_force.threads, in_force.weights) == (
        "bfloat16", "eager", 1, "checkpoint",
    )  # fmt: skip
    assert answer.pipeline.library.startswith("sentence-transformers 6")
    assert answer.texts[0].norm == pytest.approx(1, abs=0.01)


def test_a_table_of_vectors_has_no_dtype_to_choose_and_it_is_said(
    directories: dict[str, Write], tmp_path: Path
) -> None:
    answer = encoded(directories["static"](tmp_path / "static"), ["bees"], dtype="float16", attention="eager")
    assert (answer.pipeline.in_force.dtype, answer.pipeline.in_force.attention) == ("float32", "no")
    assert answer.pipeline.remarks == ["static: it has no transformer, so it is computed in float32"]


def test_a_bare_encoder_gets_mean_pooling_and_it_is_said(tmp_path: Path) -> None:
    answer = encoded(tiny_bert(tmp_path), ["bees"])
    assert (answer.pipeline.is_own_pooling, answer.pipeline.pooling) == (True, ["mean"])
    assert any("choice of encoder-tui" in remark for remark in answer.pipeline.remarks)


def test_a_model_is_kept_counted_and_unloaded(dense: Path) -> None:
    encoded(dense, ["bees"])
    kept = LOADED.all()
    encoded(dense, ["bees"])
    assert LOADED.all() == kept
    (held,) = memory.run(MemoryRequest(), silent()).models
    assert held.head == "pipeline"
    # The weights of the Dense are counted too: 16 × 24 and 24 values.
    assert held.in_force.parameter_bytes == sum(one.nbytes for one in kept[0].model.parameters())
    (dense / "2_Dense" / "config.json").touch()
    encoded(dense, ["bees"])
    assert len(LOADED.all()) == 1
    assert LOADED.all() != kept
    assert unload.run(UnloadRequest([os.fspath(dense)]), silent()).models == []


def test_a_prompt_that_does_not_exist_is_refused_with_those_that_do(dense: Path) -> None:
    with pytest.raises(OperationError, match=r"dense: there is no prompt \?x; it has document, query"):
        encoded(dense, ["bees"], prompt="?x")


def test_a_dimension_beyond_the_model_s_is_refused(dense: Path, directories: dict[str, Write], tmp_path: Path) -> None:
    assert encoded(dense, ["bees"], truncate_dim=24).dimension == 24
    with pytest.raises(OperationError, match="have 24 values, so they cannot be cut to 25"):
        encoded(dense, ["bees"], truncate_dim=25)
    with pytest.raises(OperationError, match="is a sparse-encoder, whose vectors cannot be cut"):
        encoded(directories["splade"](tmp_path / "splade"), ["bees"], truncate_dim=8)


def test_without_weights_the_values_are_random_and_the_same_each_time(dense: Path) -> None:
    for file in dense.rglob("*.safetensors"):
        file.unlink()
    answer = encoded(dense, ["bees", "lens"])
    assert (answer.pipeline.is_random, answer.pipeline.in_force.weights) == (True, "random")
    assert answer.similarity is not None
    assert any("all values are random" in remark for remark in answer.pipeline.remarks)
    LOADED.unload()
    assert encoded(dense, ["bees", "lens"]).vectors == answer.vectors


def without(directory: Path, *names: str) -> None:
    """Take tensors out of a checkpoint."""
    from safetensors.torch import load_file, save_file

    file = directory / "model.safetensors"
    kept = {key: value for key, value in load_file(file).items() if not key.startswith(names)}
    save_file(kept, file, metadata={"format": "pt"})


def test_missing_tensors_are_random_and_named_but_a_pooler_that_nobody_uses_is_not(dense: Path) -> None:
    without(dense, "pooler.")
    assert not encoded(dense, ["bees"]).pipeline.is_random
    without(dense, "encoder.layer.1.output")
    answer = encoded(dense, ["bees"])
    assert (answer.pipeline.is_random, answer.pipeline.in_force.weights) == (True, "checkpoint")
    assert answer.pipeline.in_force.missing[0].startswith("encoder.layer.1.output")
    assert any("therefore random" in remark for remark in answer.pipeline.remarks)


def test_weights_of_another_model_and_a_missing_dense_are_refused(dense: Path) -> None:
    (dense / "2_Dense" / "model.safetensors").unlink()
    with pytest.raises(OperationError, match=r"2_Dense/model\.safetensors is missing, though modules\.json names"):
        encoded(dense, ["bees"])
    shutil.rmtree(dense / "2_Dense")
    with pytest.raises(OperationError, match="2_Dense"):
        encoded(dense, ["bees"])


def test_weights_of_another_model_are_refused(dense: Path) -> None:
    without(dense, "embeddings", "encoder", "pooler")
    with pytest.raises(OperationError, match=r"check that config\.json is of these weights"):
        encoded(dense, ["bees"])


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 437971872\n"


@pytest.mark.parametrize("file", ["model.safetensors", "2_Dense/model.safetensors", "tokenizer.json"])
def test_a_pointer_of_git_lfs_is_named_and_not_what_the_library_makes_of_it(dense: Path, file: str) -> None:
    (dense / file).write_text(POINTER)
    with pytest.raises(OperationError, match=rf"^dense: .*{Path(file).name} is a Git LFS pointer.*git lfs pull"):
        encoded(dense, ["bees"])


def test_the_settings_that_a_module_lacks_are_named(dense: Path) -> None:
    (dense / "1_Pooling" / "config.json").unlink()
    with pytest.raises(OperationError, match=r"1_Pooling/config\.json is missing, though modules\.json names"):
        encoded(dense, ["bees"])


def test_weights_for_another_program_are_the_reason_why_values_are_random(dense: Path) -> None:
    for file in dense.rglob("*.safetensors"):
        file.unlink()
    (dense / "model-q8_0.gguf").write_text("GGUF")
    (remark,) = (one for one in encoded(dense, ["bees"]).pipeline.remarks if "random" in one)
    assert "the only weights are for llama.cpp (model-q8_0.gguf)" in remark


def test_a_prefix_that_hides_the_weights_is_named_with_the_way_to_take_it_off(dense: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = dense / "model.safetensors"
    tensors = load_file(file)
    for prefix, words in (("module", r"DataParallel.*save the inner model \(model\.module\)"), ("net", '"net."')):
        save_file({f"{prefix}.{key}": value for key, value in tensors.items()}, file, metadata={"format": "pt"})
        with pytest.raises(OperationError, match=words):
            encoded(dense, ["bees"])
        LOADED.unload()


def test_vectors_of_an_encoder_decoder_say_whose_states_they_are_made_of(tmp_path: Path) -> None:
    from transformers import BartConfig, BartModel

    directory = tiny_bert(tmp_path / "bart")
    words = json.loads((directory / "config.json").read_text())["vocab_size"]
    sizes = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    BartModel(BartConfig(vocab_size=words, **sizes, **heads)).save_pretrained(directory)
    remarks = encoded(directory, ["bees"]).pipeline.remarks
    assert any("made of the decoder's states" in remark for remark in remarks)


OWN = """
from pathlib import Path
from sentence_transformers.base.modules import Normalize

Path({mark!r}).touch()


class Doubled(Normalize):
    def forward(self, features):
        features["sentence_embedding"] = 2 * features["sentence_embedding"]
        return features
"""


def test_a_module_of_the_model_s_own_code_runs_only_if_it_is_trusted(dense: Path, tmp_path: Path) -> None:
    plain = encoded(dense, ["bees"])
    mark = tmp_path / "it-ran"
    (dense / "doubling.py").write_text(OWN.format(mark=os.fspath(mark)))
    modules = json.loads((dense / "modules.json").read_text())
    modules.append({"idx": 4, "name": "4", "path": "4_Doubled", "type": "doubling.Doubled"})
    write_files(dense, {"modules.json": modules, "4_Doubled/config.json": {}})
    with pytest.raises(OperationError, match=r"own code \(doubling\.Doubled\), which is not run"):
        encoded(dense, ["bees"])
    assert not mark.exists()
    assert encoded(dense, ["bees"], trusted=True).texts[0].norm == pytest.approx(2 * (plain.texts[0].norm or 0))
    assert mark.exists()


def test_modules_of_an_unknown_type_are_refused_in_a_sentence(dense: Path) -> None:
    modules = json.loads((dense / "modules.json").read_text())
    modules[-1]["type"] = "sentence_transformers.models.Unheard"
    write_files(dense, {"modules.json": modules})
    with pytest.raises(OperationError, match=r"sentence-transformers cannot load it: .*Unheard"):
        encoded(dense, ["bees"])
    modules[-1]["type"] = "elsewhere..Code"
    write_files(dense, {"modules.json": modules})
    with pytest.raises(OperationError, match="none of its code is run"):
        encoded(dense, ["bees"], trusted=True)


@pytest.mark.parametrize(
    "settings",
    [
        {"model_args": {"weights_only": False}},
        {"model_kwargs": {"use_kernels": True}},
        {"model_args": {"attn_implementation": "somebody/kernels"}},
        {"tokenizer_args": {"tokenizer_file": "/etc/passwd"}},
        {"tokenizer_name_or_path": "somebody/else"},
    ],
)
def test_settings_that_would_make_transformers_do_more_than_load_are_refused(
    dense: Path, settings: dict[str, Any]
) -> None:
    edit(dense / "sentence_bert_config.json", **settings)
    with pytest.raises(OperationError, match=r"which encoder-tui does not hand on|which is not read"):
        encoded(dense, ["bees"])


def test_a_folder_outside_the_model_is_not_read(dense: Path, tmp_path: Path) -> None:
    modules = json.loads((dense / "modules.json").read_text())
    modules[1]["path"] = "../elsewhere"
    write_files(dense, {"modules.json": modules})
    with pytest.raises(OperationError, match=r"modules\.json names"):
        encoded(dense, ["bees"])


def test_encoding_is_cancelled_between_two_batches(dense: Path) -> None:
    class Second(Heard):
        """Cancelled when the second batch begins."""

        def _hear(self, message: Any) -> None:
            self.messages.append(message)
            if getattr(message, "unit", "") == "texts" and message.done == 2:
                self.cancel()

    job = Second()
    with pytest.raises(JobCancelled):
        encoded(dense, ["bees"] * 6, job=job, batch=2)
    assert [message.done for message in job.messages if message.unit == "texts"] == [0, 2]
    assert encoded(dense, ["bees"]).texts[0].tokens > 2


def test_too_little_memory_ends_in_a_sentence(dense: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded(dense, ["bees"])
    monkeypatch.setattr(devices, "free_on", lambda device: 1000)
    with pytest.raises(OperationError, match=r"a pass of 3 × 64 tokens .* use shorter texts or fewer of them"):
        encoded(dense, [LONG] * 3)


def test_too_many_texts_are_refused_and_of_many_no_similarities_are_computed(
    directories: dict[str, Write], tmp_path: Path
) -> None:
    directory = directories["static"](tmp_path / "static")
    with pytest.raises(OperationError, match=r"10,001 texts are too many at once .* evaluate"):
        encoded(directory, ["bees"] * (MOST_TEXTS + 1))
    answer = encoded(directory, [f"bees {number}" for number in range(MOST_COMPARED + 1)])
    assert answer.similarity is None
    assert any("at most 1,000 texts" in remark for remark in answer.pipeline.remarks)


def test_a_sparse_vector_names_its_terms(directories: dict[str, Write], tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    directory = directories["splade"](tmp_path / "splade")
    answer = encoded(directory, ["bees"])
    weights = [weight for _, weight in answer.vectors.entries(0)]
    assert weights == sorted(weights, reverse=True)
    indices = [index for index, _ in answer.vectors.entries(0)]
    tokenizer = AutoTokenizer.from_pretrained(directory)
    assert list(map(answer.vectors.term, indices)) == tokenizer.convert_ids_to_tokens(indices)
    nameless = encoded(directories["sparse auto-encoder"](tmp_path / "auto"), ["bees"])
    assert nameless.vectors.terms == {}
    assert len(nameless.vectors.entries(0)) <= 4
