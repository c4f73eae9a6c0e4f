"""What many tests need: a home of their own, and the reference models where they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_hub import FakeHub
from tests.support.hub_case import serving, write_model
from tests.support.terminal import compile_package

REFERENCE = Path(__file__).parent.parent.parent / "shared" / "models"

# Nothing here may talk to the real Hub, and no test may read or write the user's own caches.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "true"
# Several engines share few cores: threads that wait for each other awake would take them from the rest.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_configure(config: pytest.Config) -> None:
    """Once, not in every worker."""
    if not hasattr(config, "workerinput"):
        compile_package()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """What the imitated Hub serves."""
    return write_model(tmp_path / "repository")


@pytest.fixture
def fake(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """An imitation of the Hub that serves the repository."""
    with serving(repository, monkeypatch) as server:
        yield server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory for one test, with every cache and configuration folder inside it."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("HF_HOME", str(folder / "huggingface"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for name in ("CACHE", "CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / name.lower()))
    for name in list(os.environ):
        if name.startswith("ENCODER_TUI_") or name in {"HF_TOKEN", "HF_HUB_OFFLINE"}:
            monkeypatch.delenv(name)
    return folder


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows that never start the engine: for what the built-in tokenizers alone can show."""

    async def stay_silent(*_: object) -> None:
        return None

    monkeypatch.setattr("encoder_tui.window.session.loading.greet", stay_silent)


@pytest.fixture(scope="session")
def reference_models() -> tuple[Path, Path]:
    """The real tokenizers and configurations of the default pair."""
    pair = (REFERENCE / "bert-base-cased", REFERENCE / "answerdotai" / "ModernBERT-base")
    if not all((folder / "tokenizer.json").is_file() for folder in pair):
        pytest.skip(f"the reference models are not at {REFERENCE}")
    return pair


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engine's tasks, in this process, meet no models or outputs of another test, and compute in one thread."""
    import torch

    from encoder_tui.engine.models import loaded_models
    from encoder_tui.engine.outputs import kept

    monkeypatch.setattr(loaded_models, "LOADED", loaded_models.LoadedModels())
    monkeypatch.setattr(kept, "KEPT", {})
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    # Two threads add up in another order: a test that compares with its own pass would miss by the last bit.
    torch.set_num_threads(threads)
