"""Weights are fetched from the Hub when outputs need them, and not before."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from textual.widgets import Static

from encoder_tui.core.hub import listing
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.models.placement import Placement, source_of
from encoder_tui.core.outputs.batching import batch_of
from encoder_tui.core.outputs.runs import RunAnswer
from encoder_tui.core.settings import Settings
from encoder_tui.core.tasks.masked import MaskedAnswer, why_no_predictions, with_mask
from encoder_tui.core.tasks.pooling import cut
from encoder_tui.engine.job import JobCancelled, OperationError
from encoder_tui.protocol import frames
from encoder_tui.protocol.outputs import RunRequest
from encoder_tui.protocol.tasks import MaskedRequest, VectorsRequest
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.outputs import OutputsPane
from encoder_tui.window.panes.tasks import TasksPane
from encoder_tui.window.panes.tasks.triplets import TripletsView
from encoder_tui.window.widgets.choice import Choice
from tests.support.fake_hub import FakeHub
from tests.support.hub_case import REPO, fetch, partial_files, ranges, serving
from tests.support.in_process import tasks_in_process
from tests.support.saved_models import TEXTS, Heard, directly, saved, silent, tokenizer_of, value, with_head
from tests.support.saved_models import run as run_directory
from tests.support.still import screen, until

__all__ = ["tasks_in_process"]

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.usefixtures("unloaded")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return saved("bert-cased", tmp_path)


def run(job: Heard | None = None, offline: bool = False) -> RunAnswer:
    from encoder_tui.engine.operations import run as task

    files = fetch()
    batch, _, _ = batch_of(tokenizer_of(Path(files.path)), files, TEXTS)
    source = source_of(files, offline=offline)
    return task.run(RunRequest(source, Placement(), batch, slot=0), job or silent())


def test_weights_are_fetched_with_progress_and_give_the_values_of_the_checkpoint(
    fake: FakeHub, repository: Path
) -> None:
    job = Heard()
    assert run(job).in_force.weights == "checkpoint"
    assert torch.equal(value("last_hidden_state"), directly(repository).last_hidden_state)
    size = (repository / "model.safetensors").stat().st_size
    told = [message for message in job.messages if isinstance(message, frames.Progress) and message.unit == "bytes"]
    assert ("fetching model.safetensors", size) in {(one.text, one.total) for one in told}
    fake.requests.clear()
    run()
    assert not any("model.safetensors" in path for path in fake.paths())


def in_shards(repository: Path) -> None:
    """Spread the weights over several files."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(repository)
    (repository / "model.safetensors").unlink()
    model.save_pretrained(repository, max_shard_size="10KB")
    assert len(list(repository.glob("model-*.safetensors"))) > 1


def test_weights_in_several_files_are_fetched_by_their_index(fake: FakeHub, repository: Path) -> None:
    in_shards(repository)
    assert run().in_force.missing == []
    assert torch.equal(value("last_hidden_state"), directly(repository).last_hidden_state)


@pytest.mark.parametrize("place", ["the Hub", "a directory"])
def test_shards_may_have_any_name_that_their_index_gives_them(fake: FakeHub, repository: Path, place: str) -> None:
    in_shards(repository)
    index = repository / "model.safetensors.index.json"
    for shard in repository.glob("model-*.safetensors"):
        shard.rename(repository / shard.name.replace("model-", "model.safetensors-"))
    index.write_text(index.read_text().replace('"model-', '"model.safetensors-'))
    if place == "the Hub":
        assert run().in_force.weights == "checkpoint"
        fake.requests.clear()
        assert run().in_force.weights == "checkpoint"
        assert len(fake.paths()) == 1, "which commit it is, by the name; nothing is asked for weights"
    else:
        assert run_directory(repository).in_force.weights == "checkpoint"
    assert torch.equal(value("last_hidden_state"), directly(repository).last_hidden_state)


def test_weights_of_which_a_part_was_fetched_are_completed(fake: FakeHub, repository: Path) -> None:
    in_shards(repository)
    assert run().in_force.weights == "checkpoint"
    snapshot = Path(fetch().path)
    for shard in sorted(snapshot.glob("model-*.safetensors"))[1:]:
        shard.unlink()
    in_force = run(offline=True).in_force
    assert in_force.weights == "random"
    assert "its weights are not in the cache, and --offline forbids" in in_force.remarks[0]
    in_force = run().in_force
    assert (in_force.weights, in_force.remarks) == ("checkpoint", [])
    assert torch.equal(value("last_hidden_state"), directly(repository).last_hidden_state)


def test_an_index_cannot_name_files_that_are_none_of_the_repository(fake: FakeHub, repository: Path) -> None:
    (repository / "model.safetensors").unlink()
    (repository / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../../../escape"}}')
    with pytest.raises(
        ModelError,
        match=r"index.json names ../../../escape, which is not a file inside",
    ):
        run()


def test_offline_the_values_are_random_and_the_reason_is_told(fake: FakeHub) -> None:
    in_force = run(offline=True).in_force
    assert in_force.weights == "random"
    assert in_force.remarks == [
        f"{REPO}: its weights are not in the cache, and --offline forbids asking the Hub; all values are random"
    ]


def test_a_repository_without_weights_runs_on_random_ones(fake: FakeHub, repository: Path) -> None:
    (repository / "model.safetensors").unlink()
    in_force = run().in_force
    assert in_force.weights == "random"
    assert in_force.remarks == [f"{REPO}: the repository has no weights that transformers reads; all values are random"]


def test_a_download_that_fails_is_an_error_and_no_random_weights(fake: FakeHub) -> None:
    fetch()
    fake.fault("*/model.safetensors", "damage")
    with pytest.raises(ModelError, match="arrived damaged"):
        run()


def test_weights_of_which_no_length_was_stated_may_be_longer_than_a_small_file(
    fake: FakeHub, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.states_hashes = False
    fetch()
    monkeypatch.setattr(listing, "SMALL_FILE", 100)
    assert run().in_force.weights == "checkpoint"
    assert torch.equal(value("last_hidden_state"), directly(repository).last_hidden_state)


def test_weights_that_end_too_early_are_not_kept_though_nothing_was_said_of_their_length(
    fake: FakeHub, repository: Path
) -> None:
    """As some mirrors do; a safetensors file says itself how long it is."""
    fake.states_hashes = False
    fetch()
    fake.fault("/storage/*/model.safetensors", "ends early", times=1)
    with pytest.raises(ModelError, match=r"model\.safetensors arrived damaged; try again"):
        run()
    assert run().in_force.weights == "checkpoint"
    assert torch.equal(value("last_hidden_state"), directly(repository).last_hidden_state)


def test_a_cancelled_download_ends_and_is_taken_up_again(fake: FakeHub) -> None:
    with pytest.raises(JobCancelled):
        run(Heard(end="fetching model.safetensors"))
    assert run().in_force.weights == "checkpoint"


def test_measuring_fetches_nothing(fake: FakeHub) -> None:
    from encoder_tui.core.timing.samples import MeasureRequest, Point, Variant
    from encoder_tui.engine.operations import measure

    request = MeasureRequest([Variant(source_of(fetch()))], [[Point(0, 8)]], 0.0)
    (samples,) = measure.run(request, silent()).samples
    assert samples.in_force is not None
    assert samples.in_force.weights == "random"
    assert not any("model.safetensors" in path for path in fake.paths())


def test_vectors_fetch_the_weights_and_are_those_of_the_checkpoint(fake: FakeHub, repository: Path) -> None:
    from encoder_tui.engine.operations import vectors as task

    files = fetch()
    job = Heard()
    batch = cut(tokenizer_of(Path(files.path)), TEXTS[0], None).batch
    answer = task.run(VectorsRequest(source_of(files), Placement(), batch), job)
    assert answer.in_force.weights == "checkpoint"
    wanted = directly(repository, TEXTS[:1]).last_hidden_state[0].mean(0)
    assert torch.allclose(torch.tensor(answer.vector("mean")), wanted, atol=1e-6)
    assert any("fetching model.safetensors" in getattr(message, "text", "") for message in job.messages)


def masked(job: Heard, offline: bool = False) -> MaskedAnswer:
    from encoder_tui.engine.operations import masked as task

    files = fetch()
    tokenizer = tokenizer_of(Path(files.path))
    batch = cut(tokenizer, with_mask("How [MASK] rises.", tokenizer), None).batch
    assert why_no_predictions(files, tokenizer) == ""
    return task.run(MaskedRequest(source_of(files, offline=offline), Placement(), batch, [2]), job)


def test_masked_tokens_fetch_the_weights_and_never_when_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(with_head("bert-cased", tmp_path / "other"), monkeypatch) as fake:
        with pytest.raises(OperationError, match="--offline forbids asking the Hub"):
            masked(Heard(), offline=True)
        assert not any("model.safetensors" in path for path in fake.paths())
        job = Heard()
        assert len(masked(job).predictions[0]) == 5
        assert any("fetching model.safetensors" in getattr(message, "text", "") for message in job.messages)


async def test_the_triplets_of_a_hub_model_fetch_its_weights_in_the_pane(
    fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With an engine of its own: huggingface_hub and transformers read HF_ENDPOINT once, when they are imported.
    app = EncoderApp(Settings(model=(REPO,), text="Bread.", pane="tasks"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: all(slot.state == "exact" for slot in app.session.slots), 60)
        assert not any("model.safetensors" in path for path in fake.paths())
        app.query_one("#tasks-view", Choice).chosen = "triplets"
        await until(pilot, lambda: bool(app.query(TripletsView)) and app.query_one(TasksPane).view.id == "triplets")
        view = app.query_one(TripletsView)
        said: list[str] = []
        monkeypatch.setattr(view.asker, "_say", lambda slot, words: said.append(words))
        await pilot.press("r")
        await until(
            pilot, lambda: view.asker.asked is not None and not view.asker.status and not view.asker.is_asking, 90
        )
        assert any(" kB of " in words for words in said if "fetching model.safetensors" in words)
        assert "windows of 64" in view.copied()
        assert "random" not in str(app.query_one("#tasks-sentence", Static).content)


async def test_an_engine_killed_while_it_fetches_weights_is_told_and_the_next_one_takes_the_download_up(
    fake: FakeHub, repository: Path, home: Path, tmp_path: Path
) -> None:
    local = str(saved("modernbert", tmp_path))
    app = EncoderApp(Settings(model=(local, REPO), text="A lighthouse.", pane="outputs"))
    async with app.run_test(size=(120, 40)) as pilot:
        runs = app.query_one(OutputsPane).runs
        await until(pilot, lambda: all(slot.state == "exact" for slot in app.session.slots), 90)
        fake.fault("/storage/*/model.safetensors", "hang body", times=1)
        await pilot.press("r")
        half = (repository / "model.safetensors").stat().st_size // 2
        await until(pilot, lambda: [file.stat().st_size for file in partial_files(home)] == [half], 90)
        before = runs.runs[0].answer
        assert before is not None
        engine = app.session.engine.pid
        assert engine is not None
        os.kill(engine, signal.SIGKILL)
        await until(pilot, lambda: "the engine was killed (SIGKILL" in screen(pilot), 90)
        await until(pilot, lambda: app.session.engine.state.status in {"ready", "busy"}, 90)
        assert app.session.engine.pid not in {engine, None}
        assert "the engine was killed (SIGKILL" in runs.runs[1].error
        assert runs.runs[0].answer is before
        assert app.session.text == "A lighthouse."
        await pilot.press("r")
        await until(pilot, lambda: bool(runs.runs) and not runs.is_running, 90)
        answers = [run.answer for run in runs.runs]
        assert [run.error for run in runs.runs] == ["", ""]
        assert answers[0] is not before
        assert answers[1] is not None
        assert answers[1].in_force.weights == "checkpoint"
    assert ranges(fake, "model.safetensors") == [None, None, f"bytes={half}-", f"bytes={half}-"]
