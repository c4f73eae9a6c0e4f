"""The search for the fastest settings: what is tried, what is said of it, and what it is kept as."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from encoder_tui.commands.measuring import Report
from encoder_tui.core.models.placement import InForce, ModelSource, Offers, Placement, placement_of
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.settings import Settings
from encoder_tui.core.timing.best import (
    best_run,
    candidates,
    chosen,
    difference,
    options,
    thread_counts,
    verdicts,
)
from encoder_tui.core.timing.files import load, save
from encoder_tui.core.timing.plan import Plan, TimedModel
from encoder_tui.core.timing.run import Run, sweep
from encoder_tui.core.timing.samples import Distance, Measurement, Mode, Samples, Variant
from encoder_tui.core.timing.words import verdict_sentences
from tests.support import made_up_runs

A = TimedModel(0, "bert", ModelSource("bert", "/bert"), 512)
B = TimedModel(1, "modern", ModelSource("modern", "/modern"), 8192)


def offers(device: str = "cpu", cores: int = 2, attentions: tuple[str, ...] = ("eager", "sdpa")) -> Offers:
    return Offers(InForce(device, "float32", "sdpa", "random", 1), list(attentions), cores, cores)


def found(seconds: Mapping[str, float], asked: Placement | None = None, others: float = 0.0) -> Run:
    """A search on two cores whose columns take so many seconds; what is not named was broken off."""
    run = best_run([A], {0: offers()}, asked or Placement(), {0: 400})
    for point in run.groups[0]:
        column = run.columns[point.variant]
        placement = column.variant.placement
        in_force = InForce(
            "cpu", placement.dtype or "float32", placement.attention or "sdpa", "random", 1, threads=placement.threads
        )
        middle = seconds.get(column.apart)
        samples = [] if middle is None else [0.99 * middle, middle, 1.01 * middle]
        apart = Distance(0.03, 0.999) if placement.dtype is not None else None
        ended = "broken off: too slow" if middle is None else None
        one = Samples(point, in_force, 1.0, samples, samples, ended=ended, other_load=others, distance=apart)
        run.hear(Measurement(samples=[one]))
    return run


def test_what_is_in_force_is_tried_first_then_what_differs_in_one_thing_then_in_more() -> None:
    tried = candidates(offers(), Placement())
    sets = [difference(Variant(A.source), Variant(A.source, *one)) for one in tried]
    assert sets[0] == frozenset()
    assert [len(one) for one in sets] == sorted(map(len, sets))
    assert len(set(sets)) == len(sets) == 3 * 2 * 2
    assert {"bfloat16", "eager attention", "1 thread"} in sets


def test_what_is_in_force_stays_as_it_was_asked_for_so_that_its_weights_are_shared() -> None:
    asked = {placement for placement, _ in candidates(offers(), Placement())}
    assert {one.dtype for one in asked} == {None, "bfloat16", "float16"}
    assert {one.attention for one in asked} == {None, "eager"}
    assert {one.threads for one in asked} == {None, 1}
    asked = {placement for placement, _ in candidates(offers(), Placement("cpu", "float32", "sdpa", 2))}
    assert {(one.device, one.dtype) for one in asked} == {("cpu", "float32"), ("cpu", "bfloat16"), ("cpu", "float16")}


@pytest.mark.parametrize(
    ("cores", "numbers"), [(1, [1]), (2, [2, 1]), (6, [6, 4, 2, 1]), (12, [12, 8, 4, 2]), (64, [64, 32, 16, 8])]
)
def test_numbers_of_threads_go_from_all_cores_down_by_powers_of_two(cores: int, numbers: list[int]) -> None:
    assert list(dict.fromkeys(thread_counts(offers(cores=cores)))) == numbers


def test_an_accelerator_is_not_tried_with_other_numbers_of_threads_and_flash_attention_not_in_float32() -> None:
    tried = candidates(offers("cuda:0", 8, ("eager", "sdpa", "flash_attention_2")), Placement())
    assert {placement.threads for placement, _ in tried} == {None}
    flash = [placement.dtype for placement, _ in tried if placement.attention == "flash_attention_2"]
    assert flash == ["bfloat16", "float16"]


def test_compiling_is_tried_only_where_it_is_asked_for() -> None:
    assert all(mode == Mode() for _, mode in candidates(offers(), Placement()))
    assert sum(mode.compiled for _, mode in candidates(offers(), Placement(), compiled=True)) == 12


def test_a_sentence_says_which_is_the_fastest_how_much_and_how_far_its_values_are() -> None:
    run = found({"×2 float32 sdpa": 1.0, "×2 float32 eager": 1.2, "×2 bfloat16 sdpa": 0.5})
    (sentence,) = verdict_sentences(run)
    assert sentence == (
        "A: ×2 bfloat16 sdpa is 2.00 × faster (1.98 to 2.02) at 400 tokens than the current settings: 500 ms against"
        " ×2 float32 sdpa, 1.00 s; its last hidden state differs from float32's by at most 0.03, lowest cosine of a"
        " token 0.999000"
    )
    assert "other processes used up to 1.5 cores" in verdict_sentences(found({"×2 float32 sdpa": 1.0}, others=1.5))[0]


def test_a_gain_within_the_spread_is_none() -> None:
    run = found({"×2 float32 sdpa": 1.0, "×2 float32 eager": 0.98})
    assert not verdicts(run)[0].is_faster
    assert (
        "nothing tried is measurably faster at 400 tokens than the current settings (×2 float32 sdpa, 1.00 s)"
        in (verdict_sentences(run)[0])
    )


def test_the_settings_found_are_options_of_a_command() -> None:
    run = found({"×2 float32 sdpa": 1.0, "×1 float32 eager": 0.5})
    column = verdicts(run)[0].column
    assert chosen(run, column) == {"dtype": "float32", "attention": "eager", "threads": 1}
    assert options(chosen(run, column), Mode()) == "--dtype float32 --attention eager --threads 1"
    assert chosen(found({}, Placement("cpu")), 0) == {"device": "cpu", "dtype": "float32", "attention": "sdpa"}


def test_the_command_prints_the_sentence_the_options_and_why_others_were_not_measured() -> None:
    report = Report(Plan([400], best=True))
    report.run = found({"×2 float32 sdpa": 1.0, "×1 float32 eager": 0.5})
    report.names = ["bert"]
    lines = report.table()
    assert lines[-2:] == [
        *verdict_sentences(report.run),
        "   use them with: --dtype float32 --attention eager --threads 1",
    ]
    assert "A ×2 bfloat16 sdpa: broken off: too slow" in lines
    (best,) = report.records()["best"]
    assert best["settings"] == {"dtype": "float32", "attention": "eager", "threads": 1}
    assert (best["is_faster"], best["times_as_fast"]) == (True, 2.0)
    by_threads = [one.get("threads") for one in report.records()["results"] if "skipped" not in one]
    assert by_threads == [None, 1]
    skipped = {one["settings"]: one["skipped"] for one in report.records()["results"] if "skipped" in one}
    assert skipped["×2 bfloat16 sdpa"] == "broken off: too slow"


def test_a_model_without_offers_is_told_and_the_others_are_searched() -> None:
    given = Batch([[1] * 7], [[1] * 7])
    run = best_run([A, B], {0: "bert: there are no weights", 1: offers()}, Placement(), {0: given, 1: given})
    assert run.failures == {0: "bert: there are no weights"}
    assert len(run.groups) == 1
    assert [row.length for row in run.rows] == [7]
    assert run.request().pruning


def test_a_search_is_kept_and_can_be_repeated(tmp_path: Path) -> None:
    run = found({"×2 float32 sdpa": 1.0, "×2 bfloat16 sdpa": 0.5})
    again = load(save(run, tmp_path))
    assert verdict_sentences(again) == verdict_sentences(run)
    assert again.again().request().pruning


def test_kept_runs_of_the_time_when_threads_were_one_number_are_read(tmp_path: Path) -> None:
    path = save(made_up_runs.whole([A], Plan([16, 64], threads=[2])), tmp_path)
    head, *rest = path.read_text("ascii").splitlines()
    old = json.loads(head)
    old["plan"]["threads"] = 2
    del old["plan"]["best"]
    for column in old["columns"]:
        del column["variant"]["placement"]["threads"]
    path.write_text("\n".join([json.dumps(old), *rest]), "ascii")
    run = load(path)
    assert run.plan == Plan([16, 64], threads=[2])
    assert run.again().request().variants[0].placement == Placement(threads=2)
    old["plan"]["threads"] = None
    path.write_text("\n".join([json.dumps(old), *rest]), "ascii")
    assert load(path).plan == Plan([16, 64])


def test_panes_and_commands_ask_for_the_threads_of_the_settings() -> None:
    asked = placement_of(Settings(device="cpu", dtype="float32", attention="eager", threads=3))
    assert asked == Placement("cpu", "float32", "eager", 3)
    assert placement_of(Settings()) == Placement()


def test_numbers_of_threads_are_swept_over_like_dtypes() -> None:
    run = sweep([A], Plan([16], threads=[1, 2]), 2)
    assert [run.label(column) for column in range(2)] == ["A ×1", "A ×2"]
    assert [variant.placement.threads for variant in run.request().variants] == [1, 2]
