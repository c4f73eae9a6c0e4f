"""A run in a table and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.text.safe import count, factor, seconds, size, visible
from encoder_tui.core.timing.best import verdicts
from encoder_tui.core.timing.run import Run, compared, growth_words, ratio
from encoder_tui.core.timing.samples import BUSY, SPREAD_LIMIT, Environment, Samples, statistics
from encoder_tui.window.widgets.table import Column, Row

WARNING = "!"
"""Beside a spread of more than 10 % of the median."""


DETAILS: Final = ("p90", "cold", "CPU", "peak")
"""What a table with room for it has of every point beside the median and its spread."""


def columns(run: Run, detailed: bool = False) -> list[Column]:
    """The length, each column's median and spread, its details where asked for, and the ratio of the first two."""
    widest = max((len(row.label) for row in run.rows), default=6)
    found = [Column("tokens" if not run.plan.text else "text", max(widest, 6), "right")]
    for column in range(len(run.columns)):
        label = run.label(column)
        shorts = [len(one.short) for (_, place), one in run.samples.items() if place == column]
        wide = max(9, len(label) + 7, *shorts)
        found += [Column(f"{label} median", wide, "right"), Column("± IQR", 6, "right")]
        found += [Column(name, 7, "right") for name in DETAILS if detailed]
    if len(run.columns) > 1:
        found.append(Column(f"{run.label(1)[0]}/{run.label(0)[0]}", 5, "right"))
    return found


def table_row(run: Run, row: int, detailed: bool = False) -> Row:
    """The cells of a row, in the order of `columns`."""
    cells = [run.rows[row].label]
    for column in range(len(run.columns)):
        found = run.statistics(row, column)
        samples = run.samples.get((row, column))
        if found is None:
            cells += [state(run, row, column, samples), ""]
        else:
            cells += [seconds(found.median), spread(found.spread)]
        cells += _details(samples) if detailed else []
    if len(run.columns) > 1:
        pair = [run.samples.get((row, column)) for column in (0, 1)]
        found = ratio(*(one.samples_s if one is not None else [] for one in pair))
        cells.append("–" if found is None else factor(found.median))
    return cells


def _details(samples: Samples | None) -> list[str]:
    """The cells of `DETAILS`, empty where nothing was measured (yet)."""
    if samples is None:
        return [""] * len(DETAILS)
    found, cpu = statistics(samples.samples_s), statistics(samples.cpu_samples_s)
    return [
        "" if found is None else seconds(found.p90),
        "" if samples.cold_s is None else seconds(samples.cold_s),
        "" if cpu is None else seconds(cpu.median),
        "" if samples.peak_memory_bytes is None else size(samples.peak_memory_bytes),
    ]


def state(run: Run, row: int, column: int, samples: Samples | None) -> str:
    """What stands where no median does."""
    if column in run.failures:
        return "failed"
    if samples is not None and samples.ended is not None:
        return samples.short or "ended"
    if (row, column) in run.next:
        return "…"
    return "warm-up" if samples is not None and samples.cold_s is not None else "·"


def spread(share: float) -> str:
    """The interquartile range as a share of the median, with a sign where it is wide."""
    return f"{WARNING if share > SPREAD_LIMIT else ''}{100 * share:.0f} %"


def details(run: Run, row: int) -> list[tuple[int, str]]:
    """The point under the cursor, a line for each column: its slot, and what the table has no room for."""
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
    found = statistics(samples.samples_s)
    if found is None and samples.cold_s is None:
        return samples.ended or "not measured yet"
    words = [] if samples.cold_s is None else [f"cold {seconds(samples.cold_s)}"]
    if found is not None:
        cpu = statistics(samples.cpu_samples_s)
        words.append(f"p90 {seconds(found.p90)}")
        words += [] if cpu is None else [f"CPU {seconds(cpu.median)}"]
        on_device = statistics(samples.device_samples_s)
        words += [] if on_device is None else [f"device {seconds(on_device.median)}"]
        words += _tokens(samples, found.median)
    if samples.peak_memory_bytes is not None:
        is_both = samples.process_peak_bytes not in {None, samples.peak_memory_bytes}
        process = f" on the device, {size(samples.process_peak_bytes or 0)} of the process" if is_both else ""
        words.append(f"peak {size(samples.peak_memory_bytes)}{process}")
    each = f" of {samples.calls} passes" if samples.calls > 1 else ""
    words.append(f"{count(len(samples.samples_s), 'sample')}{each}, warm-up {samples.warm_up}")
    if samples.retaken:
        words.append(f"{samples.retaken} taken again because of keys")
    words += [] if samples.device_state is None else samples.device_state.words()
    if (samples.other_load or 0) >= BUSY:
        words.append(f"others {samples.other_load:.1f} cores")
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


def conclusion(run: Run) -> str:
    """What the run comes to, in a sentence."""
    if run.plan.best:
        fastest = " · ".join(f"{LETTERS[one.slot]} {one.short()}" for one in verdicts(run))
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
    """How latency grows, a sentence a column."""
    if run.plan.text:
        return []
    found = [growth_words(run.label(column), run.curve(column)) for column in range(len(run.columns))]
    return [words for words in found if words is not None]


def failed(run: Run) -> dict[tuple[int, str], list[int]]:
    """The columns that failed, by slot and reason."""
    found: dict[tuple[int, str], list[int]] = {}
    for column, reason in run.failures.items():
        found.setdefault((run.columns[column].slot, reason), []).append(column)
    return found


def warning(run: Run) -> str | None:
    """What the sign beside a spread means, where one stands."""
    wide = [found for place in run.samples if (found := run.statistics(*place)) is not None and found.is_wide]
    if not wide:
        return None
    which = count(len(wide), "point")
    others = max((samples.other_load or 0.0 for samples in run.samples.values()), default=0.0)
    who = f"other processes used up to {others:.1f} cores" if others >= BUSY else "something else uses this machine"
    return f"{WARNING} {which} spread by more than 10 %: {who}; measure again, or longer"


def settings_in_force(run: Run) -> str:
    """The settings that every number of this run was measured under, read from what is in force."""
    about = run.environment
    if about is None:
        return ""
    in_force = [samples.in_force for samples in run.samples.values() if samples.in_force is not None]
    words = [
        " and ".join(dict.fromkeys(getattr(one, name) for one in in_force)) for name in ("device", "dtype", "attention")
    ]
    asked = dict.fromkeys(one for one in run.plan.attentions if one is not None)
    if words[2] and (missed := [one for one in asked if one not in words[2].split(" and ")]):
        words[2] += f" (asked for {' and '.join(missed)})"
    words += modes_in_force(run)
    if run.plan.best:
        # Each line has its own.
        return visible(" · ".join([*dict.fromkeys(one.device for one in in_force), *_machine(run, about)]))
    words = [word for word in words if word]
    if words and words[0] == "cpu":
        numbers = dict.fromkeys(str(one.threads or about.threads) for one in in_force)
        words[0] = f"cpu ×{' and ×'.join(numbers)}"
    return visible(" · ".join([*words, *_machine(run, about)]))


def _machine(run: Run, about: Environment) -> list[str]:
    weights = {samples.in_force.weights for samples in run.samples.values() if samples.in_force is not None}
    words = ["random weights"] if weights == {"random"} else ["some weights random"] if len(weights) > 1 else []
    words += [f"{name} {about.versions[name]}" for name in ("torch", "transformers") if name in about.versions]
    if about.load_average is not None:
        words.append(f"load {about.load_average[0]:.1f} of {about.cores}")
    return [*words, about.processor]


def modes_in_force(run: Run) -> list[str]:
    """What was obtained of compiling, TF32 and unpadding, and what was asked for and not obtained."""
    measured = [(samples, run.columns[column].variant.mode) for (_, column), samples in run.samples.items()]
    modes = [(samples.mode.words(), asked.words()) for samples, asked in measured if samples.samples_s]
    words = []
    for what in dict.fromkeys(word for obtained, asked in modes for word in [*obtained, *asked]):
        has = [what in obtained for obtained, asked in modes]
        wished = any(what in asked and what not in obtained for obtained, asked in modes)
        words.append(f"not {what}, though asked for" if wished else what if all(has) else f"{what} or not")
    return words


def tsv(run: Run, header: Sequence[Column]) -> str:
    """The table as tab-separated text."""
    rows = [[column.label for column in header], *(list(table_row(run, row)) for row in range(len(run.rows)))]
    return "\n".join("\t".join(map(visible, row)) for row in rows) + "\n"
