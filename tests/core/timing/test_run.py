"""Plans, runs, what they cost and say, and the files they are kept in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from encoder_tui.core.models.placement import InForce, ModelSource
from encoder_tui.core.settings import Settings, data_path
from encoder_tui.core.timing.files import FileProblem, csv_of, lines_of, load, run_of, save, saved
from encoder_tui.core.timing.plan import Plan, PlanError, TimedModel, numbers, varied_lengths
from encoder_tui.core.timing.run import Run, growth, ratio, sweep
from encoder_tui.core.timing.samples import Environment, Measurement, Mode, Samples, time_record
from encoder_tui.core.timing.words import compared, growth_words, remarks
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.timing.results import table_row
from encoder_tui.window.panes.timing.saved_runs import SavedRuns
from encoder_tui.window.widgets.choice import Choice
from tests.support.in_process import tasks_in_process
from tests.support.still import until

__all__ = ["tasks_in_process"]

Edit = Callable[[list[dict[str, Any]]], Any]

A = TimedModel(0, "bert", ModelSource("bert", "/bert"), 512)
B = TimedModel(1, "modern", ModelSource("modern", "/modern"), 8192)


def measured(plan: Plan | None = None, seconds: float = 0.1) -> Run:
    """A run whose points have three samples each, the second model's twice as long."""
    run = sweep([A, B], plan or Plan([128, 512, 1024]), 2)
    for row, column in run.planned:
        point = next(point for point in run.groups[row] if point.variant == column)
        middle = seconds * (column + 1) * point.length / 128
        in_force = InForce("cpu", "float32", "sdpa", "random", 1)
        samples = [middle * 0.9, middle, middle * 1.2]
        run.hear(Measurement(samples=[Samples(point, in_force, 1.0, samples, samples, 3, finished=True)]))
    return run


def test_a_plan_has_a_point_for_each_model_that_takes_the_length() -> None:
    run = sweep([A, B], Plan([1024, 512]), 2)
    assert run.planned == [(0, 0), (0, 1), (1, 1)]
    assert run.samples[1, 0].ended == "1,024 tokens are more than the model's limit of 512"
    assert run.samples[1, 0].short == "limit 512"
    assert [len(group) for group in run.request().groups] == [2, 1]


def test_several_dtypes_are_columns_that_say_what_sets_them_apart() -> None:
    run = sweep([A, B], Plan([16], dtypes=["float32", "bfloat16"]), 2)
    assert [run.label(column) for column in range(4)] == ["A float32", "B float32", "A bfloat16", "B bfloat16"]


def test_what_can_be_on_or_off_is_swept_over_like_the_rest() -> None:
    run = sweep([A], Plan([16], compiled=[False, True], unpadded=[True]), 2)
    assert [run.label(column) for column in range(2)] == ["A plain", "A compiled"]
    asked = [variant.mode for variant in run.request().variants]
    assert asked == [Mode(unpadded=True), Mode(compiled=True, unpadded=True)]


def test_numbers_are_read_as_people_write_them_and_refused_with_a_sentence() -> None:
    assert numbers("16, 512  128,16", "lengths", 8192) == [16, 512, 128]
    for wrong in ("", "0", "16, x", "9000"):
        with pytest.raises(PlanError, match="lengths: "):
            numbers(wrong, "lengths", 8192)


def test_varied_rows_go_from_a_quarter_of_the_length_to_all_of_it() -> None:
    assert varied_lengths(4, 400) == [400, 300, 200, 100]
    assert varied_lengths(1, 400) == [400]
    run = sweep([A], Plan([400], [4], rows="varied"), 2)
    assert run.groups[0][0].real_tokens == 1000


def test_time_left_shrinks_as_points_are_measured_and_follows_what_was_measured() -> None:
    plan = Plan([128, 512], min_time=0.0)
    run, slow = sweep([A], plan, 2), sweep([A], plan, 2)
    before = run.seconds_left()
    point = run.groups[0][0]
    run.hear(Measurement(samples=[Samples(point, None, 1.0, [run.guesses[0, 0]] * 5, finished=True)]))
    slow.hear(Measurement(samples=[Samples(point, None, 1.0, [10 * run.guesses[0, 0]] * 5, finished=True)]))
    assert run.seconds_left() < before
    assert slow.seconds_left() == pytest.approx(10 * run.seconds_left(), rel=0.9)
    assert slow.seconds_left() > 3 * run.seconds_left()


def test_compiling_takes_a_minute_until_one_point_was_compiled() -> None:
    plan = Plan([128, 512], min_time=0.0, compiled=[True])
    plain, run = sweep([A], Plan([128, 512], min_time=0.0), 2), sweep([A], plan, 2)
    assert run.seconds_left() == pytest.approx(plain.seconds_left() + 120)
    samples = [run.guesses[0, 0]] * 5
    for one in (plain, run):
        one.hear(Measurement(samples=[Samples(one.groups[0][0], None, 30.0, samples, finished=True)]))
    assert run.seconds_left() == pytest.approx(plain.seconds_left() + 30)


def test_the_ratio_is_of_the_medians_and_its_spread_of_all_quotients() -> None:
    found = ratio([1.0, 1.0, 2.0], [2.0, 2.0, 4.0])
    assert found is not None
    assert found.median == 2.0
    assert (found.first_quartile, found.third_quartile) == (2.0, 2.0)
    wide = ratio([1.0, 2.0], [2.0, 8.0])
    assert wide is not None
    assert wide.first_quartile < wide.median < wide.third_quartile
    assert ratio([], [1.0]) is None
    assert ratio([0.0], [1.0]) is None


def test_a_model_that_is_a_thousand_times_as_fast_or_slow_has_a_factor_that_says_so() -> None:
    run = measured(Plan([128]))
    run.samples[0, 1] = msgspec.structs.replace(run.samples[0, 1], samples_s=[0.0001, 0.0001, 0.0001])
    assert compared(run, 0) == "B takes 0.001 times as long as A (0.0008 to 0.001)"
    assert table_row(run, 0)[-1] == "0.001"
    run.samples[0, 1] = msgspec.structs.replace(run.samples[0, 1], samples_s=[100.0, 100.0, 100.0])
    assert table_row(run, 0)[-1] == "1,000"


def test_growth_is_that_of_the_longest_lengths() -> None:
    flat_then_square = [(16.0, 1.0), (128.0, 1.0), (512.0, 1.0), (1024.0, 4.0), (2048.0, 16.0)]
    found = growth(flat_then_square)
    assert found is not None
    assert found[:2] == (512.0, 2048.0)
    assert found[2] == pytest.approx(2.0)
    assert "with the square of the length from 512 to 2,048 tokens (exponent 2.00)" in str(
        growth_words("B", flat_then_square)
    )
    assert growth_words("A", [(16.0, 1.0)]) is None


def test_a_curve_that_falls_is_not_said_to_grow() -> None:
    told = growth_words("A", [(16.0, 0.176), (32.0, 0.122)])
    assert told == "A gets faster from 16 to 32 tokens (exponent -0.53): too noisy to tell how its time grows"
    assert "grows hardly at all" in str(growth_words("A", [(16.0, 0.100), (32.0, 0.095)]))


def test_a_kept_run_is_read_as_it_was_and_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    run = measured()
    path = save(run, tmp_path / "timing")
    again = load(path)
    assert list(again.records()) == list(run.records())
    assert (again.plan, again.columns, again.rows, again.groups) == (run.plan, run.columns, run.rows, run.groups)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert saved(path.parent) == [path]
    assert save(run, path.parent) != path


def test_each_line_of_a_file_holds_what_time_json_prints(tmp_path: Path) -> None:
    run = measured()
    lines = save(run, tmp_path).read_text("ascii").splitlines()
    records = [record for _, record in run.records()]
    for line, record in zip(lines[1:], records, strict=True):
        assert record.items() <= json.loads(line).items()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"encoder_tui_timing": 9}', "\x00", "[" * 100_000])
def test_a_file_that_is_no_run_is_refused_in_a_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(FileProblem, match=r"x\.jsonl: "):
        load(path)


def test_a_damaged_point_is_refused_too(tmp_path: Path) -> None:
    path = save(measured(), tmp_path)
    lines = path.read_text().splitlines()
    for wrong in (lines[1].replace('"row": 0', '"row": 77'), lines[1].replace('"variant": 0', '"variant": 9'), "{}"):
        path.write_text("\n".join([lines[0], wrong]))
        with pytest.raises(FileProblem):
            load(path)


def point(**wrong: Any) -> Edit:
    return lambda lines: (
        lines[1]["everything"].update(wrong)
        or lines[1]["everything"]["point"].update(
            {name: value for name, value in wrong.items() if name in ("length", "batch", "given", "real_lengths")}
        )
    )


EDITS: dict[str, Edit] = {
    "memory below nothing": point(peak_memory_bytes=-(10**18)),
    "memory of no machine": point(peak_memory_bytes=10**18),
    "a length below one": point(length=-(10**18)),
    "a batch below one": point(batch=-1),
    "a sample below nothing": point(samples_s=[0.1, -0.5]),
    "a sample without end": point(samples_s=[float("inf")]),
    "a sample that is no number": point(samples_s=[float("nan")]),
    "ids beyond every machine": point(given={"input_ids": [[1 << 70]], "attention_mask": [[1]]}),
    "no rows": lambda lines: lines[0].update(rows=[], groups=[]),
    "no columns": lambda lines: lines[0].update(columns=[]),
    "a model without a letter": lambda lines: lines[0]["columns"][0].update(slot=9),
    "a failure of no model": lambda lines: lines[0].update(failures={"99": "x"}),
    "threads below nothing": lambda lines: lines[0]["columns"][0]["variant"]["placement"].update(threads=-1),
    "threads of no machine": lambda lines: lines[0]["columns"][0]["variant"]["placement"].update(threads=10**9),
    "a row without end": lambda lines: lines[1].update(row=float("inf")),
    "a title with NUL": lambda lines: lines[0].update(title="a\0b"),
    "a title that cannot be written": lambda lines: lines[0].update(title="\ud800"),
    "a title that climbs": lambda lines: lines[0].update(title="../x"),
    "a load of no numbers": lambda lines: lines[0].update(environment=environment(load_average=[])),
    "a plan for ever": lambda lines: lines[0]["plan"].update(min_time=float("inf")),
    "a plan of huge lengths": lambda lines: lines[0]["plan"].update(lengths=[1 << 80]),
}


def environment(**wrong: Any) -> dict[str, Any]:
    made = Environment("2026-03-04T05:06:07", [], "3", "x", "x", 2, 2, 1, [0.0, 0.0, 0.0], "highest", [], {}, 1.0, 5)
    return {**msgspec.to_builtins(made), **wrong}


@pytest.mark.parametrize("what", EDITS)
def test_a_run_with_numbers_that_nothing_measured_is_refused(what: str) -> None:
    lines = [json.loads(line) for line in lines_of(measured())]
    run_of([json.dumps(line) for line in lines])
    EDITS[what](lines)
    with pytest.raises(FileProblem):
        run_of([json.dumps(line) for line in lines])


@pytest.mark.usefixtures("tasks_in_process", "no_engine", "home")
async def test_the_list_of_kept_runs_names_their_models_and_says_so_of_those_that_somebody_spoiled() -> None:
    folder = data_path() / "timing"
    kept_run = measured()
    kept_run.columns[0] = msgspec.structs.replace(kept_run.columns[0], name="/models/bert/")
    save(kept_run, folder)
    for number, edit in enumerate(EDITS.values()):
        lines = [json.loads(line) for line in lines_of(measured())]
        edit(lines)
        (folder / f"19990101T{number:06}-x.jsonl").write_text("\n".join(map(json.dumps, lines)))
    app = EncoderApp(Settings(model=("builtin:bert",), pane="timing"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: bool(app.query("#timing-view")))
        app.query_one("#timing-view", Choice).chosen = "saved"
        kept = app.query_one(SavedRuns)
        await until(pilot, lambda: len(kept._files) == len(EDITS) + 1)
        said = [kept._rows[path][1] for path in kept._files]
        assert len([words for words in said if "does not hold a run saved by encoder-tui" in words]) == len(EDITS)
        assert "bert, modern" in said


def test_a_kept_run_trusts_no_models_own_code_but_the_settings_of_today_do() -> None:
    source = ModelSource("own", "/models/own", trust_remote_code=True)
    model = TimedModel(0, "own", source, 512)
    run = sweep([model], Plan([128]), 2)
    assert run.request().variants[0].source.trust_remote_code
    kept = run_of(lines_of(run))
    assert not kept.again().request().variants[0].source.trust_remote_code
    assert kept.again([model]).request().variants[0].source.trust_remote_code
    assert not run.again().request().variants[0].source.trust_remote_code
    elsewhere = msgspec.structs.replace(model, source=msgspec.structs.replace(source, location="/models/other"))
    assert not kept.again([elsewhere]).request().variants[0].source.trust_remote_code


def test_a_run_is_repeated_with_the_same_points_and_knows_how_long_it_took() -> None:
    run = measured()
    again = run.again()
    assert again.request() == run.request()
    assert not again.has_results
    assert again.guesses[0, 1] == run.statistics(0, 1).median  # type: ignore[union-attr]
    assert again.samples[2, 0].ended is not None


def test_csv_has_a_line_for_each_point() -> None:
    run = measured()
    rows = list(csv.DictReader(io.StringIO(csv_of(run))))
    assert len(rows) == 6
    first = time_record("bert", run.samples[0, 0])
    assert float(rows[0]["median_s"]) == first["median_s"]
    assert rows[4]["skipped"].startswith("1,024 tokens")


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x")', "+1", "-x/model", "@SUM(A1)"])
def test_no_cell_of_csv_is_a_formula_to_a_spreadsheet(name: str) -> None:
    run = measured()
    run.columns[0] = msgspec.structs.replace(run.columns[0], name=name)
    run.samples[2, 0] = msgspec.structs.replace(run.samples[2, 0], ended=name)
    rows = list(csv.DictReader(io.StringIO(csv_of(run), newline="")))
    assert rows[0]["model"] == f"'{name}"
    assert rows[4]["skipped"] == f"'{name}"
    run.columns[0] = msgspec.structs.replace(run.columns[0], name=f"\t\r\n{name}")
    control = next(csv.DictReader(io.StringIO(csv_of(run), newline="")))["model"]
    assert control.isprintable()
    assert control.endswith(name)
    # Numbers stay numbers.
    assert float(rows[0]["median_s"]) > 0


def test_a_single_token_is_told_as_one() -> None:
    run = sweep([TimedModel(0, "bert", A.source, 512)], Plan([1, 2]), 2)
    assert [row.words for row in run.rows] == ["1 token", "2 tokens"]
    told = remarks([("A", Samples(group[0], ended="out of memory")) for group in run.groups])
    assert told == [f"A at {words} was not measured: out of memory" for words in ("1 token", "2 tokens")]
