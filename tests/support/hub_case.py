"""What tests of the Hub share: a repository to serve, an imitation of the Hub that serves it, and how to fetch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from encoder_tui.core.hub import client
from encoder_tui.core.hub import fetch as hub
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.names import ModelError, parse_name
from tests.support.fake_hub import FakeHub

REPO = "someone/tiny-bert"
ENTRIES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Tiny", "tokens", "##s", "fly", "."]
SMALL = {"config.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"}


def write_model(folder: Path) -> Path:
    """A repository with a BERT tokenizer, a configuration, and what else lies in repositories."""
    folder.mkdir(parents=True)
    ids = {entry: index for index, entry in enumerate(ENTRIES)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "vocab.txt").write_text("".join(f"{entry}\n" for entry in ENTRIES))
    config = {"model_type": "bert", "vocab_size": len(ENTRIES), "hidden_size": 16, "num_attention_heads": 2}
    (folder / "config.json").write_text(json.dumps(config))
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "model_max_length": 64}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "special_tokens_map.json").write_text(json.dumps({"cls_token": "[CLS]"}))
    for name in ("README.md", "LICENSE.txt", "requirements.txt", "trainer_state.json", "eval_results.json",
                 "model.safetensors", "pytorch_model.bin", "model.safetensors.index.json", "onnx/model.onnx",
                 "onnx/config.json", "1_Pooling/config.json"):  # fmt: skip
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    return folder


@contextmanager
def serving(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A Hub with the one repository, known by a former name as well."""
    with FakeHub({REPO: folder}, moved={"tiny-bert": REPO}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setattr(client, "_silent_until", {})
        yield server


def ignore(*_: object) -> None:
    """Progress that nobody looks at."""


def fetch(name: str = REPO, progress: Callable[..., None] = ignore, offline: bool = False) -> ModelFiles:
    return hub.fetch(parse_name(name), offline=offline, progress=progress)


def refusal(name: str = REPO, **more: bool) -> str:
    """The message of a fetch that fails: one line without control characters."""
    with pytest.raises(ModelError) as caught:
        fetch(name, **more)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 400
    assert name in message
    return message


def ranges(fake: FakeHub, file: str) -> list[str | None]:
    """The `Range` of each request for a file."""
    return [seen.headers.get("range") for seen in fake.requests if seen.path.endswith(f"/{file}")]


def partial_files(home: Path) -> list[Path]:
    return list(home.rglob("*.incomplete"))
