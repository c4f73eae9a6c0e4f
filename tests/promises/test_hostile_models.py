"""Models that try to read, write or run what is not theirs. Every attack is performed, in files that the test makes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from encoder_tui.client.client import EngineClient
from encoder_tui.core.hub import client
from encoder_tui.core.hub.fetch import fetch
from encoder_tui.core.hub.token import may_carry_token
from encoder_tui.core.hub.weights import fetch_weights
from encoder_tui.core.models import vetting
from encoder_tui.core.models.files import ModelFiles, resolve_here
from encoder_tui.core.models.names import ModelError, parse_name
from encoder_tui.core.models.placement import Placement, source_of
from encoder_tui.core.models.trust import also_allowed
from encoder_tui.core.tokens.rust_errors import words
from encoder_tui.engine.job import OperationError
from encoder_tui.engine.models.loaded_models import LoadedModels
from encoder_tui.engine.operations import describe, difference, tensor, tokenizer
from encoder_tui.engine.server import one_line
from encoder_tui.protocol.models import TokenizerRequest
from encoder_tui.protocol.parameters import DescribeRequest, DifferenceRequest, TensorRequest
from tests.support.fake_hub import FakeHub
from tests.support.hub_case import REPO, ignore, write_model
from tests.support.saved_models import saved, silent

pytestmark = pytest.mark.usefixtures("unloaded")

INDEX = "model.safetensors.index.json"


class HostileMirror(FakeHub):
    """A mirror that lists a file by any name, and states its hash or none."""

    def __init__(self, folder: Path, name: str, states_hashes: bool) -> None:
        super().__init__({REPO: folder}, states_hashes=states_hashes)
        self.hostile = name

    def files(self, repo: str) -> dict[str, Path]:
        found = super().files(repo)
        return {self.hostile if name == "evil.bin" else name: file for name, file in found.items()}


@pytest.mark.parametrize("states_hashes", [True, False])
@pytest.mark.parametrize("index", [INDEX, "pytorch_model.bin.index.json"])
@pytest.mark.parametrize("target", ["../../../../../planted/startup.pth", "{home}/.bash_aliases"])
def test_a_mirror_writes_nothing_outside_the_cache(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, target: str, index: str, states_hashes: bool
) -> None:
    folder = write_model(tmp_path / "mirror")
    for name in ("model.safetensors", "pytorch_model.bin", INDEX):
        (folder / name).unlink()
    hostile = target.format(home=home)
    (folder / "evil.bin").write_bytes(b"import os")
    (folder / index).write_text(json.dumps({"weight_map": {"a": hostile}}))
    with HostileMirror(folder, hostile, states_hashes) as mirror:
        monkeypatch.setenv("HF_ENDPOINT", mirror.endpoint)
        monkeypatch.setattr(client, "_silent_until", {})
        files = fetch(parse_name(REPO), offline=False, progress=ignore)
        before = everything(tmp_path)
        with pytest.raises(ModelError, match="which is not a file inside the folder"):
            fetch_weights(REPO, REPO, str(files.commit), offline=False, progress=ignore)
    new = everything(tmp_path) - before
    assert all(path.is_relative_to(home / "huggingface" / "hub") for path in new)
    assert not any("evil" in path.name or "startup" in path.name or "bash" in path.name for path in new)


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_a_planted_link_in_a_snapshot_is_not_written_through(fake: FakeHub, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    snapshot = Path(fetch(parse_name(REPO), offline=False, progress=ignore).path)
    (snapshot / "model.safetensors").symlink_to(victim)
    with pytest.raises(ModelError, match="which is a link out of the folder"):
        fetch_weights(REPO, REPO, snapshot.name, offline=False, progress=ignore)
    assert not victim.exists()


# Directories


def files_of(directory: Path) -> ModelFiles:
    files = resolve_here(parse_name(os.fspath(directory)))
    assert files is not None
    return files


def change(directory: Path, file: str = "config.json", **settings: Any) -> Path:
    about = json.loads((directory / file).read_text()) if (directory / file).is_file() else {}
    (directory / file).write_text(json.dumps(about | settings))
    return directory


def load(directory: Path, trusted: tuple[str, ...] = ()) -> Any:
    return LoadedModels().get(source_of(files_of(directory), trusted), Placement(), silent())


def request_of(directory: Path, trusted: tuple[str, ...] = ()) -> DescribeRequest:
    path, files = os.fspath(directory), files_of(directory)
    also = also_allowed(files.code_of, trusted)
    return DescribeRequest("it", path, path, trust_remote_code=bool(trusted), also_allowed=also)


def described(directory: Path, trusted: tuple[str, ...] = ()) -> Any:
    return describe.run(request_of(directory, trusted), silent())


def tokenized(directory: Path, trusted: tuple[str, ...] = ()) -> Any:
    about = request_of(directory, trusted)
    request = TokenizerRequest("it", about.path, None, about.trust_remote_code, about.path, about.also_allowed)
    return tokenizer.run(request, silent())


def refused(work: Any, *arguments: Any) -> str:
    """The sentence with which a model is refused, at once."""
    found: list[str] = []

    def run() -> None:
        try:
            work(*arguments)
        except (ModelError, OperationError) as error:
            found.append(str(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(60)
    assert found, "it was not refused, or waits for ever"
    assert found[0].isprintable()
    return found[0]


@pytest.mark.parametrize("how", ["path", "link"])
def test_an_index_in_a_directory_cannot_name_the_weights_of_another_place(tmp_path: Path, how: str) -> None:
    directory = saved("bert-cased", tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (directory / "model.safetensors").rename(tmp_path / "elsewhere" / "other.safetensors")
    name = "../elsewhere/other.safetensors"
    if how == "link":
        (directory / "part.safetensors").symlink_to(name)
        name = "part.safetensors"
    index = {"metadata": {"total_size": 1}, "weight_map": {"embeddings.word_embeddings.weight": name}}
    (directory / INDEX).write_text(json.dumps(index))
    for work in (load, described):
        assert f"has an index, {INDEX}, that names" in refused(work, directory)
    path = os.fspath(directory)
    looked_up = TensorRequest("it", path, "embeddings.word_embeddings.weight")
    for sentence in (
        refused(tensor.run, looked_up, silent()),
        refused(difference.run, DifferenceRequest("it", path, "it", path), silent()),
    ):
        assert f"names {name}, which is" in sentence


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("config.json", {"configuration_files": ["../config.1.0.0.json"]}),
        ("config.json", {"transformers_weights": "../x.safetensors"}),
        ("tokenizer_config.json", {"fast_tokenizer_files": ["../tokenizer.1.0.0.json"]}),
        ("tokenizer_config.json", {"vocab_file": "{outside}"}),
    ],
)
def test_a_configuration_cannot_name_files_of_another_place(
    tmp_path: Path, file: str, settings: dict[str, Any]
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("secret")
    stated = json.loads(json.dumps(settings).replace("{outside}", os.fspath(outside)))
    directory = change(saved("bert-cased", tmp_path), file, **stated)
    assert "which is not a file" in refused(tokenized, directory)


@pytest.mark.parametrize("file", ["tokenizer_config.json", INDEX])
def test_no_file_is_too_large_to_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    """Spaces behind the JSON: transformers reads it all the same."""
    monkeypatch.setattr(vetting, "SMALL_FILE", 1 << 20)
    directory = change(saved("bert-cased", tmp_path), file, fast_tokenizer_files=["../tokenizer.1.0.0.json"])
    with (directory / file).open("a") as text:
        text.write(" " * (1 << 20))
    assert refused(tokenized, directory).endswith(f"{file} is larger than the 1 MiB allowed")


def test_a_file_that_was_a_path_on_another_machine_is_no_reason_to_refuse_a_model(tmp_path: Path) -> None:
    stated = {"special_tokens_map_file": os.devnull, "name_or_path": "/root/model"}
    assert tokenized(change(saved("bert-cased", tmp_path), "tokenizer_config.json", **stated)).exact


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "vocab.txt", "model.safetensors", INDEX, "part.safetensors", "code.py"]
)
def test_a_pipe_in_the_place_of_any_file_of_a_model_is_refused_at_once(tmp_path: Path, name: str) -> None:
    directory = saved("bert-cased", tmp_path)
    whole = files_of(directory)
    if name == "part.safetensors":
        (directory / "model.safetensors").unlink()
        (directory / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": {"a.weight": name}}))
    (directory / name).unlink(missing_ok=True)
    os.mkfifo(directory / name)
    path = os.fspath(directory)
    assert "which is a pipe, a socket or a device" in refused(files_of, directory)
    # The same for who found the files before the pipe came.
    assert "pipe" in refused(describe.run, DescribeRequest("it", path, path), silent())
    assert "pipe" in refused(tokenizer.run, TokenizerRequest("it", path), silent())
    if name != "config.json":
        assert "pipe" in refused(LoadedModels().get, source_of(whole), Placement(), silent())
    if name in {"part.safetensors", "model.safetensors"}:
        message = refused(tensor.run, TensorRequest("it", path, "a.weight"), silent())
        assert "pipe" in message or "no weights here" in message


@pytest.mark.parametrize(
    "settings",
    [
        {"num_labels": 30_000_000},
        {"id2label": {str(number): "x" for number in range(100_001)}},
        {"vocab_size": 10**9},
        {"hidden_size": 1 << 20},
        {"intermediate_size": 10**8},
        {"num_attention_heads": 10**6},
        {"max_position_embeddings": 10**9},
        {"type_vocab_size": 10**8},
        {"num_hidden_layers": 10**9},
        {"num_hidden_layers": 1e30},
        {"text_config": {"num_labels": 30_000_000}},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_configuration_that_claims_too_much_is_refused_before_anything_is_built(
    tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoConfig

    def built(*_: object, **__: object) -> None:
        raise AssertionError("transformers read it")

    monkeypatch.setattr(AutoConfig, "from_pretrained", built)
    directory = change(saved_without_building("bert-cased", tmp_path), **settings)
    for work in (load, described, tokenized):
        assert "which no encoder has" in refused(work, directory)


def saved_without_building(name: str, folder: Path) -> Path:
    from tests.support.model_directories import all_directories

    return all_directories()[name](folder)


# Code


@pytest.fixture
def traces(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A model whose classes are those of another directory, that directory, and the file that its code writes."""
    model, other, trace = write_model(tmp_path / "model"), tmp_path / "other", tmp_path / "it ran"
    other.mkdir()
    (other / "code.py").write_text(
        f"import pathlib\npathlib.Path({str(trace)!r}).write_text('')\n"
        "from transformers import BertConfig, BertModel, PreTrainedTokenizerFast\n"
        "class OwnConfig(BertConfig):\n    model_type = 'own'\n"
        "class OwnModel(BertModel):\n    config_class = OwnConfig\n"
        "class OwnTokenizer(PreTrainedTokenizerFast):\n    pass\n"
    )
    return model, other, trace


def refer(model: Path, before: str) -> None:
    change(model, model_type="own", auto_map={kind: f"{before}.Own{kind[4:]}" for kind in ("AutoConfig", "AutoModel")})
    change(
        model,
        "tokenizer_config.json",
        tokenizer_class="OwnTokenizer",
        auto_map={"AutoTokenizer": [None, f"{before}.OwnTokenizer"]},
    )


def test_a_trusted_model_runs_no_other_directorys_code(traces: tuple[Path, Path, Path]) -> None:
    model, other, trace = traces
    refer(model, f"{other}--code")
    for work in (tokenized, described, load):
        assert "which is not trusted" in refused(work, model, (str(model),))
    assert not trace.exists()
    tokenized(model, (str(model), str(other)))
    assert trace.exists()


def test_a_trusted_model_runs_no_other_repositorys_code(traces: tuple[Path, Path, Path], home: Path) -> None:
    model, other, trace = traces
    commit = "c" * 40
    snapshot = home / "huggingface" / "hub" / "models--other--code" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "code.py").write_bytes((other / "code.py").read_bytes())
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs" / "main").write_text(commit)
    refer(model, "other/code--code")
    for work in (tokenized, described, load):
        assert "would run the code of other/code, which is not trusted" in refused(work, model, (str(model),))
    assert not trace.exists()


@pytest.mark.parametrize("before", ["{other}/code", "../other/code", "link", "--code"])
def test_a_trusted_model_runs_no_module_of_another_place(traces: tuple[Path, Path, Path], before: str) -> None:
    model, other, trace = traces
    (model / "link.py").symlink_to(other / "code.py")
    refer(model, before.format(other=other))
    for work in (tokenized, described, load):
        refused(work, model, (str(model),))
    assert not trace.exists()


@pytest.mark.parametrize("file", ["config.1.0.0.json", "config.json"])
def test_code_is_refused_in_whichever_configuration_it_is_named(traces: tuple[Path, Path, Path], file: str) -> None:
    model, other, trace = traces
    change(model, configuration_files=["config.1.0.0.json"])
    refer(model, "code")
    about = json.loads((model / "config.json").read_text())
    about["auto_map"] = {"AutoConfig": f"{other}--code.OwnConfig"}
    (model / file).write_text(json.dumps(about if file == "config.json" else {**about, "model_type": "own"}))
    assert "which is not trusted" in refused(described, model, (str(model),))
    assert not trace.exists()


def test_what_is_kept_of_a_model_depends_on_whose_code_may_run(traces: tuple[Path, Path, Path]) -> None:
    model, other, _ = traces
    refer(model, f"{other}--code")
    alone = source_of(files_of(model), (str(model),))
    both = source_of(files_of(model), (str(model), str(other)))
    assert (alone.also_allowed, both.also_allowed) == ((), (str(other),))
    assert alone != both
    assert hashlib.sha256(repr(alone).encode()).digest() != hashlib.sha256(repr(both).encode()).digest()


# The Hub


@pytest.mark.parametrize(
    "settings",
    [
        {"attn_implementation": "someone/kernel"},
        {"_attn_implementation": "someone/kernel"},
        {"_attn_implementation_internal": "someone/kernel"},
        {"_attn_implementation_autoset": "someone/kernel", "attn_implementation": {"": "someone/kernel"}},
        {"attn_implementation": "flash_attention_2"},
        {"attn_implementation": "eager"},
        {"output_attentions": True},
    ],
    ids=str,
)
def test_a_configuration_chooses_no_attention_and_brings_no_native_code(
    tmp_path: Path, fake: FakeHub, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    import urllib.request

    from transformers import modeling_utils

    def kernel(implementation: str, *_: object, **__: object) -> None:
        # What the package `kernels`, which is not installed here, would do.
        urllib.request.urlopen(f"{fake.endpoint}/api/models/{implementation}/revision/main")

    monkeypatch.setattr(modeling_utils, "lazy_import_flash_attention", kernel)
    directory = saved("bert-cased", tmp_path)
    weights = (directory / "model.safetensors").read_bytes()
    change(directory, **settings)
    for has_weights in (True, False):
        if not has_weights:
            (directory / "model.safetensors").unlink()
        assert load(directory).in_force().attention == "sdpa"
        assert described(directory).class_name == "BertModel"
        assert tokenized(directory).exact
    (directory / "model.safetensors").write_bytes(weights)
    for attention in ("someone/kernel", "flash_attention_2"):
        message = refused(load(directory).use_attention, attention)
        assert "not run" in message or "needs the package" in message
    assert fake.requests == []


@pytest.mark.parametrize("is_told", [True, False])
def test_offline_holds_in_the_engine_and_in_every_library(is_told: bool, fake: FakeHub, tmp_path: Path) -> None:
    script = """
import sys
import datasets, huggingface_hub, transformers
from encoder_tui.engine.job import Job
from encoder_tui.engine.server import Server
from encoder_tui.protocol import frames
server = Server(None, None)
server.send = lambda message: None
server._answer(frames.Request(1, "hello", b"\\x80", sys.argv[1] == "True"), Job(1, server.send))
for ask in (
    lambda: huggingface_hub.HfApi().model_info("someone/tiny-bert"),
    lambda: transformers.AutoConfig.from_pretrained("someone/tiny-bert"),
    lambda: datasets.load_dataset("someone/rows"),
):
    try:
        ask()
    except Exception as error:
        print(type(error).__name__)
"""
    done = subprocess.run([sys.executable, "-c", script, str(is_told)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert bool(fake.requests) is not is_told


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the environment is read in /proc")
async def test_offline_is_in_the_environment_of_the_engine(tmp_path: Path) -> None:
    engine = EngineClient(tmp_path / "engine.log", offline=True)
    try:
        await engine.start()
        assert b"HF_HUB_OFFLINE=1" in Path(f"/proc/{engine.pid}/environ").read_bytes().split(b"\0")
    finally:
        await engine.close()


@pytest.fixture
def proxy(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """The imitation of the Hub as the proxy through which a host is reached in clear."""
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
    monkeypatch.setenv("HTTP_PROXY", fake.endpoint)
    monkeypatch.setenv("http_proxy", fake.endpoint)
    for variable in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    return fake


FETCHING = f"""
from encoder_tui.core.hub.fetch import fetch
from encoder_tui.core.models.names import parse_name
fetch(parse_name({REPO!r}), offline=False, progress=lambda *_: None)
"""
ASKING = f"""
from encoder_tui.engine import hub_access
hub_access.restrict()
from huggingface_hub import HfApi, HfFileSystem
HfApi().model_info({REPO!r})
HfFileSystem().ls({REPO!r})
"""


@pytest.mark.parametrize("script", [FETCHING, ASKING], ids=["our client", "huggingface_hub in the engine"])
def test_a_token_is_not_sent_in_clear(proxy: FakeHub, script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert any(seen.path.startswith("http://hub.example/") for seen in proxy.requests)
    assert "hf_secret" not in str(proxy.requests)


def test_a_hub_that_wants_a_token_over_http_is_told_by_a_sentence(proxy: FakeHub) -> None:
    proxy.fault("*", "401")
    done = subprocess.run([sys.executable, "-c", FETCHING], capture_output=True, text=True, check=False)
    assert "your token was not sent, because the address does not begin with https" in done.stderr
    assert "hf_secret" not in str(proxy.requests)


def test_a_token_does_not_follow_an_answer_to_another_host(
    fake: FakeHub, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    files = fetch(parse_name(REPO), offline=False, progress=ignore)
    fetch_weights(REPO, REPO, str(files.commit), offline=False, progress=ignore)
    hosts: dict[str, set[bool]] = {}
    for seen in fake.requests:
        hosts.setdefault(seen.headers["host"].partition(":")[0], set()).add("authorization" in seen.headers)
    assert hosts == {"127.0.0.1": {True}, "localhost": {False}}


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://huggingface.co", True),
        ("http://127.0.0.1:80", True),
        ("http://[::1]", True),
        ("http://localhost:8080/hub", True),
        ("http://huggingface.co", False),
        ("http://127.0.0.1.example.org", False),
        ("http://localhost@example.org", False),
        ("http://10.0.0.1", False),
        ("http://[x", False),
        ("ftp://127.0.0.1", False),
    ],
)
def test_a_token_goes_over_https_or_to_this_machine(url: str, may: bool) -> None:
    assert may_carry_token(url) is may


# Messages


class Harmful:
    def __reduce__(self) -> Any:
        return os.system, ("true",)


def test_no_message_advises_to_load_a_pickle_whole(tmp_path: Path) -> None:
    import torch

    directory = saved("bert-cased", tmp_path)
    (directory / "model.safetensors").unlink()
    torch.save({"embeddings.word_embeddings.weight": Harmful()}, directory / "pytorch_model.bin")
    message = refused(load, directory)
    assert "not the tensors alone" in message
    assert "weights_only" not in message
    assert "save_pretrained" in message


def test_no_message_advises_to_trust_a_models_code(traces: tuple[Path, Path, Path]) -> None:
    model, other, trace = traces
    refer(model, "code")
    (model / "code.py").write_bytes((other / "code.py").read_bytes())
    message = refused(load, model)
    assert "=True" not in message
    assert "Python code of its own, which is not run" in message
    assert not trace.exists()


@pytest.mark.parametrize(
    "advice",
    [
        "Object arrays cannot be loaded when allow_pickle=False",
        "Offline mode is enabled. To disable it, please unset the `HF_HUB_OFFLINE` environment variable.",
        "pass `allow_all_kernels=True`",
        "self signed certificate; use verify=False",
    ],
)
def test_advice_of_a_library_to_lower_a_protection_is_not_passed_on(advice: str) -> None:
    for sentence in (words(ValueError("x" * 300 + advice)), one_line(ValueError("x" * 300 + advice))):
        assert not set(advice.split()) & set(sentence.split()) & {"allow_pickle=False", "`HF_HUB_OFFLINE`"}
        assert "x" * 10 not in sentence
    assert words(ValueError("a plain message")) == "a plain message"
