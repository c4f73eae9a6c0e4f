"""Data sets of the Hub, imitated on loopback, streamed by the real engine."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from encoder_tui.client.client import EngineClient, OperationFailed
from encoder_tui.client.collection import Collection
from encoder_tui.protocol.documents import SourceSpec
from tests.support.fake_hub import FakeHub

ROWS = 400
COLUMNS = ("anchor", "positive")
REPO = "datasets/tiny/documents"


def text(index: int) -> str:
    """A row; all of them are more than what is fetched ahead of the first."""
    return random.Random(index).randbytes(20_000).hex()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    folder = tmp_path / "repository"
    for config in ("pairs", "triplets"):
        (folder / config).mkdir(parents=True)
        table = pyarrow.table(
            {
                "anchor": [f"question {index}?" for index in range(ROWS)],
                "positive": [text(index) for index in range(ROWS)],
            }
        )
        pyarrow.parquet.write_table(
            table, folder / config / "train-00000-of-00001.parquet", row_group_size=50, compression="none"
        )
    (folder / "README.md").write_text(
        "---\nconfigs:\n"
        + "".join(
            f"- config_name: {config}\n  data_files:\n  - split: train\n    path: {config}/train-*\n"
            for config in ("pairs", "triplets")
        )
        + "---\n"
    )
    with FakeHub({REPO: folder}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EngineClient]:
    client = EngineClient(tmp_path / "engine.log")
    yield client
    await client.close()


async def test_the_first_rows_come_without_the_whole_file(fake: FakeHub, engine: EngineClient) -> None:
    collection = await Collection.open(engine, SourceSpec("tiny/documents:triplets"))
    assert collection.answer.label == "tiny/documents · triplets · train"
    assert (collection.answer.columns, collection.column) == (["anchor", "positive"], "positive")
    answer = await collection.rows(0, 10, [])
    assert [row.beginning for row in answer.rows] == [text(index)[:400] for index in range(10)]
    asked = [seen.headers.get("range", "") for seen in fake.requests if "/storage/" in seen.path]
    ends = [range_.removeprefix("bytes=").partition("-") for range_ in asked]
    assert 0 < sum(int(end) - int(begin) for begin, _, end in ends) < ROWS * 40_000 / 2


async def test_a_connection_cut_in_the_middle_is_told_and_the_next_question_goes_on(
    fake: FakeHub, engine: EngineClient
) -> None:
    collection = await Collection.open(engine, SourceSpec("tiny/documents:pairs:train"))
    fake.fault("/storage/*", "cut at once")
    with pytest.raises(OperationFailed, match=r"broke after row \d+ .*the rows received are kept; try again"):
        await collection.rows(ROWS - 10, 10, [])
    kept = await collection.rows(0, 10, [])
    assert kept.rows[9].beginning == text(9)[:400]
    fake.heal()
    answer = await collection.rows(ROWS - 10, 20, [])
    assert [row.beginning for row in answer.rows] == [text(index)[:400] for index in range(ROWS - 10, ROWS)]
    assert answer.total == ROWS


@pytest.mark.parametrize("stated", [100, 1_000])
async def test_a_card_that_states_another_number_of_rows_ends_nothing(
    fake: FakeHub, engine: EngineClient, tmp_path: Path, stated: int
) -> None:
    card = tmp_path / "repository" / "README.md"
    column = "  features:\n  - name: {}\n    dtype: string\n".format("\n    dtype: string\n  - name: ".join(COLUMNS))
    splits = f"  splits:\n  - name: train\n    num_bytes: 1\n    num_examples: {stated}\n"
    info = f"dataset_info:\n- config_name: pairs\n{column}{splits}  download_size: 1\n  dataset_size: 1\n---\n"
    card.write_text(card.read_text().removesuffix("---\n") + info)
    collection = await Collection.open(engine, SourceSpec("tiny/documents:pairs:train"), "anchor")
    assert collection.answer.total == stated, "the card is what is known at first"
    sample = collection.no_counts([], 150)
    assert [answer.next async for answer in collection.scan(sample, [])][-1] == 150
    assert (sample.is_complete, sample.sample) == (True, 150)
    whole = collection.no_counts([])
    assert len([answer async for answer in collection.scan(whole, [], seconds=0.001)]) > 0
    assert (whole.is_complete, whole.next, whole.total) == (True, ROWS, ROWS)
    answer = await collection.rows(95, 20, [])
    assert [row.index for row in answer.rows] == [*range(95, 115)]
    assert not answer.is_end
    answer = await collection.rows(ROWS - 5, 20, [])
    assert (len(answer.rows), answer.total, answer.is_end) == (5, ROWS, True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tiny/missing", "tiny/missing is not on the Hub"),
        ("tiny/documents:nothing", "tiny/documents: datasets cannot open it"),
        ("tiny/documents:pairs:test", "tiny/documents has no split test in pairs; its splits are train"),
    ],
)
async def test_what_a_data_set_has_not_is_told_in_a_sentence(
    fake: FakeHub, engine: EngineClient, name: str, said: str
) -> None:
    with pytest.raises(OperationFailed) as caught:
        await Collection.open(engine, SourceSpec(name))
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


async def test_a_hub_that_never_answers_is_given_up(fake: FakeHub, engine: EngineClient) -> None:
    fake.fault("*", "hang")
    async with asyncio.timeout(60):
        with pytest.raises(OperationFailed, match="no answer within 2 s"):
            await Collection.open(engine, SourceSpec("tiny/documents"))
        collection = await Collection.open(engine, SourceSpec(None))
    assert "no answer" in (collection.answer.stands_in_for or "") or "does not answer" in (
        collection.answer.stands_in_for or ""
    )
