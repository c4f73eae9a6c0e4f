"""A minute of `python -m tests.long_use`, which takes hours by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.long_use import Found, Person, Sample, use

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked at in /proc")


def test_a_person_at_random_keys_finds_nothing(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    person = use(60, 1, tmp_path)
    assert person.samples
    assert len(person.pressed) > 150


def judged(*samples: Sample) -> None:
    person = object.__new__(Person)
    person.samples = list(samples)
    person.judge()


def sample(app: int = 100_000, engine: int = 1_000_000, files: int = 16, threads: int = 9, tasks: int = 250) -> Sample:
    return Sample({"app": app, "engine 1": engine}, files, threads, tasks)


@pytest.mark.parametrize("what", [{"app": 3_000}, {"engine": 40_000}, {"files": 1}, {"threads": 1}, {"tasks": 20}])
def test_what_grows_with_every_key_is_found(what: dict[str, int]) -> None:
    ((name, step),) = what.items()
    start = getattr(sample(), name, None) or sample().memory["app" if name == "app" else "engine 1"]
    with pytest.raises(Found, match="grow"):
        judged(*(sample(**{name: start + turn * step}) for turn in range(60)))


def test_what_a_pass_takes_and_gives_back_is_no_growth() -> None:
    judged(*(sample(engine=3_000_000 if turn in {44, 57} else 1_000_000) for turn in range(60)))
