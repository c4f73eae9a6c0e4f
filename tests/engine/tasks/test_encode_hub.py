"""A deployed model of the Hub: the weights of all its modules are fetched, and offline nothing is asked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from encoder_tui.core.models.placement import ModelSource, Placement, source_of
from encoder_tui.core.tasks.encoding import EncodeAnswer
from encoder_tui.engine.job import OperationError
from encoder_tui.engine.models.loaded_models import LOADED
from encoder_tui.engine.operations import encode
from encoder_tui.protocol.tasks import EncodeRequest
from tests.support.deployed_models import saved_by_library, tiny_bert
from tests.support.encoding import encoded
from tests.support.fake_hub import FakeHub
from tests.support.hub_case import fetch
from tests.support.saved_models import silent

pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _unload() -> Iterator[None]:
    yield
    LOADED.unload()


@pytest.fixture
def dense(repository: Path, tmp_path: Path, fake: FakeHub) -> EncodeAnswer:
    """The repository holds a model with a Dense; what a directory with the same files gives."""
    shutil.rmtree(repository)
    written = saved_by_library(tiny_bert(tmp_path / "bert"), tiny_bert(tmp_path / "masked", head=True))
    return encoded(written["dense"](repository), ["bees"])


def of(source: ModelSource) -> EncodeAnswer:
    return encode.run(EncodeRequest(source, Placement(), ["bees"]), silent())


def test_the_weights_of_every_module_are_fetched_once(dense: EncodeAnswer, fake: FakeHub) -> None:
    source = source_of(fetch())
    answer = of(source)
    assert (answer.vectors, answer.pipeline.is_random) == (dense.vectors, False)
    assert answer.pipeline.revision == source.commit
    assert any(path.endswith("/2_Dense/model.safetensors") for path in fake.paths())
    fake.requests.clear()
    LOADED.unload()
    assert of(source).vectors == dense.vectors
    assert fake.requests == []


def test_offline_nothing_is_asked_and_what_is_missing_is_said(dense: EncodeAnswer, fake: FakeHub) -> None:
    source = source_of(fetch(), offline=True)
    fake.requests.clear()
    answer = of(source)
    assert answer.pipeline.is_random
    assert any("--offline forbids asking the Hub; all values are random" in one for one in answer.pipeline.remarks)
    assert fake.requests == []
    LOADED.unload()
    of(msgspec.structs.replace(source, offline=False))
    LOADED.unload()
    (Path(source.location) / "2_Dense" / "model.safetensors").unlink()
    with pytest.raises(OperationError, match="the weights of 2_Dense are not in the cache, and --offline forbids"):
        of(source)
