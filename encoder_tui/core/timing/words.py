"""A run and its points in sentences and table cells, for the Timing pane, `time` and the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.text.numbers import count, decimal_size, factor, seconds
from encoder_tui.core.text.safe import visible
from encoder_tui.core.timing.best import Verdict, verdicts
from encoder_tui.core.timing.run import Run, growth
from encoder_tui.core.timing.samples import BUSY, Environment, Samples, Statistics

WIDE_SPREAD: Final = "!"
"""The mark beside a spread of more than 10 % of the median."""
COLUMNS: Final = ["", "tokens", "median ms", "IQR", "p90", "cold", "CPU ms", "tokens/s", "peak MB"]
"""The column heads of `row_cells`."""


def row_cells(label: str, samples: Samples) -> list[str] | None:
    """Return a point as a row of the table; None if nothing was measured."""
    found = samples.latency
    if found is None:
        return None
    cpu = samples.cpu_time
    point, peak = samples.point, samples.peak_memory_bytes
    times = (found.median, found.iqr, found.p90, samples.cold_s, None if cpu is None else cpu.median)
    return [
        label,
        f"{point.batch} × {point.length:,}",
        *("–" if number is None else f"{1000 * number:,.1f}" for number in times),
        f"{point.real_tokens / found.median:,.0f}" if found.median else "–",
        "–" if peak is None else f"{peak / 1e6:,.0f}",
    ]


def environment_words(about: Environment) -> str:
    """Return the machine that measured, in one line."""
    return f"{visible(about.processor)}; {count(about.threads, 'thread')}; {', '.join(_libraries(about))}"


def _libraries(about: Environment) -> list[str]:
    return [f"{name} {about.versions[name]}" for name in ("torch", "transformers") if name in about.versions]


def remarks(points: Sequence[tuple[str, Samples]]) -> list[str]:
    """Return what a reader must know: points that were not measured, wide spreads, and how latency grows."""
    found: list[str | None] = []
    curves: dict[str, list[tuple[float, float]]] = {}
    for label, samples in points:
        said, length = samples.latency, samples.point.length
        if said is None:
            found.append(f"{label} at {count(length, 'token')} was not measured: {samples.ended}")
            continue
        found += [spread_sentence(label, length, said), samples.ended]
        if samples.point.batch == points[0][1].point.batch:
            curves.setdefault(label, []).append((float(length), said.median))
    found += [growth_words(label, curve) for label, curve in curves.items()]
    return [visible(remark) for remark in found if remark]


def spread_sentence(name: str, length: int, found: Statistics) -> str | None:
    """Return a warning if the samples spread widely, otherwise None."""
    if not found.is_wide:
        return None
    return (
        f"{name} at {count(length, 'token')}: the samples spread by {100 * found.spread:.0f} % of the median;"
        " something else is using this machine, so measure again or longer"
    )


def growth_words(label: str, points: Sequence[tuple[float, float]]) -> str | None:
    """Say how latency grows; None if fewer than two lengths were measured."""
    found = growth(points)
    if found is None:
        return None
    short, long, power = found
    if power < -0.15:
        return (
            f"{label} gets faster from {short:,.0f} to {long:,.0f} tokens (exponent {power:.2f}): too noisy to tell how"
            " its time grows"
        )
    bounds = (
        (0.15, "hardly at all"),
        (0.9, "less than linearly"),
        (1.1, "linearly"),
        (1.75, "more than linearly"),
        (2.25, "with the square of the length"),
    )
    how = next((words for bound, words in bounds if power < bound), "faster than the square")
    return f"{label}'s time grows {how} from {short:,.0f} to {long:,.0f} tokens (exponent {power:.2f})"


# A run as a whole


def compared(run: Run, row: int) -> str | None:
    """Compare the first two columns of a row in a sentence; None if one of them has no samples."""
    found = run.ratio((row, 0), (row, 1))
    if found is None:
        return None
    a, b = run.label(0), run.label(1)
    spread = f"{factor(found.first_quartile)} to {factor(found.third_quartile)}"
    return f"{b} takes {factor(found.median)} times as long as {a} ({spread})"


def conclusion(run: Run) -> str:
    """Summarise the run in one sentence."""
    if run.plan.best:
        fastest = " · ".join(f"{LETTERS[one.slot]} {verdict_summary(one)}" for one in verdicts(run))
        return f"Fastest here: {fastest}" if fastest else "Nothing was measured"
    for row in reversed(range(len(run.rows))):
        words = compared(run, row)
        if words is not None:
            where = "This text: " if run.plan.text else f"At {run.rows[row].words} "
            return f"{where}{words}"
    for row in reversed(range(len(run.rows))):
        for column in range(len(run.columns)):
            found = run.statistics(row, column)
            if found is not None:
                return f"At {run.rows[row].words} {run.label(column)} takes {seconds(found.median)}"
    return "Nothing was measured"


def growths(run: Run) -> list[str]:
    """Say how latency grows, one sentence per column."""
    if run.plan.text:
        return []
    found = [growth_words(run.label(column), run.curve(column)) for column in range(len(run.columns))]
    return [words for words in found if words is not None]


def failures(run: Run) -> dict[tuple[int, str], list[int]]:
    """Return the slots and reasons of the columns that failed."""
    found: dict[tuple[int, str], list[int]] = {}
    for column, reason in run.failures.items():
        found.setdefault((run.columns[column].slot, reason), []).append(column)
    return found


def model_remarks(points: Iterable[Samples]) -> list[str]:
    """Return the remarks of the models measured at these points, each sentence once."""
    return list(dict.fromkeys(one for samples in points if samples.in_force for one in samples.in_force.remarks))


def spread_warning(run: Run) -> str | None:
    """Explain the mark beside a spread, if the table has one."""
    wide = [found for place in run.samples if (found := run.statistics(*place)) is not None and found.is_wide]
    if not wide:
        return None
    which = count(len(wide), "point")
    others = max((samples.other_load or 0.0 for samples in run.samples.values()), default=0.0)
    who = f"other processes used up to {others:.1f} cores" if others >= BUSY else "something else uses this machine"
    return f"{WIDE_SPREAD} {which} spread by more than 10 %: {who}; measure again, or longer"


def run_settings(run: Run) -> str:
    """Return the settings that this run was measured with, as the models report them."""
    about = run.environment
    if about is None:
        return ""
    in_force = run.in_force
    each = [(one.device, one.dtype, one.attention) for one in in_force]
    words = [" and ".join(dict.fromkeys(values)) for values in zip(*each, strict=True)] or [""] * 3
    asked = dict.fromkeys(one for one in run.plan.attentions if one is not None)
    if words[2] and (missed := [one for one in asked if one not in words[2].split(" and ")]):
        words[2] += f" (requested: {' and '.join(missed)})"
    words += _modes(run)
    if run.plan.best:
        # Each line has its own.
        return visible(" · ".join([*dict.fromkeys(one.device for one in in_force), *_machine(run, about)]))
    words = [word for word in words if word]
    if words and words[0] == "cpu":
        numbers = dict.fromkeys(str(one.threads or about.threads) for one in in_force)
        words[0] = f"cpu ×{' and ×'.join(numbers)}"
    return visible(" · ".join([*words, *_machine(run, about)]))


def _machine(run: Run, about: Environment) -> list[str]:
    weights = {one.weights for one in run.in_force}
    words = ["random weights"] if weights == {"random"} else ["some weights random"] if len(weights) > 1 else []
    words += _libraries(about)
    if about.load_average is not None:
        words.append(f"load {about.load_average[0]:.1f} of {about.cores}")
    return [*words, about.processor]


def _modes(run: Run) -> list[str]:
    """Say which switches were obtained, and which were requested but not obtained."""
    measured = [(samples, run.columns[column].variant.mode) for (_, column), samples in run.samples.items()]
    modes = [(samples.mode.words(), asked.words()) for samples, asked in measured if samples.samples_s]
    words = []
    for what in dict.fromkeys(word for obtained, asked in modes for word in [*obtained, *asked]):
        has = [what in obtained for obtained, asked in modes]
        wished = any(what in asked and what not in obtained for obtained, asked in modes)
        words.append(f"not {what}, though requested" if wished else what if all(has) else f"{what} or not")
    return words


def point_details(run: Run, row: int) -> list[tuple[int, str]]:
    """Return details of a point, one line per column: its slot, and what the table has no room for."""
    lines = []
    for column, about in enumerate(run.columns):
        samples = run.samples.get((row, column))
        words = run.failures.get(column) or _detail(samples)
        name = f"{about.apart}  " if about.apart else ""
        lines.append((about.slot, f"{name}{words}"))
    return lines


def _detail(samples: Samples | None) -> str:
    if samples is None:
        return "not measured yet"
    found = samples.latency
    if found is None and samples.cold_s is None:
        return samples.ended or "not measured yet"
    words = [] if samples.cold_s is None else [f"cold {seconds(samples.cold_s)}"]
    if found is not None:
        cpu = samples.cpu_time
        words.append(f"p90 {seconds(found.p90)}")
        words += [] if cpu is None else [f"CPU {seconds(cpu.median)}"]
        on_device = samples.device_time
        words += [] if on_device is None else [f"device {seconds(on_device.median)}"]
        words += _tokens(samples, found.median)
    if samples.peak_memory_bytes is not None:
        is_both = samples.process_peak_bytes not in {None, samples.peak_memory_bytes}
        process = f" on the device, {decimal_size(samples.process_peak_bytes or 0)} of the process" if is_both else ""
        words.append(f"peak {decimal_size(samples.peak_memory_bytes)}{process}")
    each = f" of {samples.calls} passes" if samples.calls > 1 else ""
    words.append(f"{count(len(samples.samples_s), 'sample')}{each}, warm-up {samples.warm_up}")
    if samples.retaken:
        words.append(f"{samples.retaken} repeated because of keys")
    words += [] if samples.device_state is None else samples.device_state.words()
    if (samples.other_load or 0) >= BUSY:
        words.append(f"other load {samples.other_load:.1f} cores")
    if samples.ended is not None:
        words.append(samples.ended)
    return " · ".join(words)


def _tokens(samples: Samples, median: float) -> list[str]:
    real, point = samples.point.real_tokens, samples.point
    words = [f"{real / median:,.0f} tokens/s"]
    padded = point.batch * point.length
    if real != padded and point.given is None:
        words.append(f"{padded / median:,.0f} with padding")
    return words


# A search for the fastest settings


def verdict_summary(verdict: Verdict) -> str:
    """Return the fastest settings and their gain in a few words."""
    if not verdict.is_faster:
        return "current settings"
    return f"{verdict.settings}, {factor(verdict.gain.median)} × faster"


def verdict_sentence(verdict: Verdict) -> str:
    """Return the result for a model, after its letter."""
    now = f"{verdict.first_settings}, {seconds(verdict.first_seconds)}"
    busy = ""
    if verdict.others >= BUSY:
        busy = f"; other processes used up to {verdict.others:.1f} cores, so measure again later"
    letter, at = LETTERS[verdict.slot], f"at {count(verdict.length, 'token')}"
    if not verdict.is_faster:
        return f"{letter}: nothing tried is measurably faster {at} than the current settings ({now}){busy}"
    gain = verdict.gain
    spread = f"{factor(gain.first_quartile)} to {factor(gain.third_quartile)}"
    apart = f"; its last hidden state {verdict.distance}" if verdict.distance else ""
    return (
        f"{letter}: {verdict.settings} is {factor(gain.median)} × faster ({spread}) {at} than the"
        f" current settings: {seconds(verdict.seconds)} against {now}{apart}{busy}"
    )


def verdict_sentences(run: Run) -> list[str]:
    """Return the result of a run, one sentence per model."""
    return list(map(verdict_sentence, verdicts(run)))
