"""What the Timing pane says: the plan, the progress, the conclusion, the point under the cursor."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from textual.content import Content

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.models.placement import source_of
from encoder_tui.core.text.numbers import count, duration
from encoder_tui.core.text.safe import last_part, shorten, visible
from encoder_tui.core.timing.plan import RunColumn
from encoder_tui.core.timing.run import Run
from encoder_tui.core.timing.words import (
    conclusion,
    failures,
    growths,
    model_remarks,
    point_details,
    run_settings,
    spread_warning,
    verdict_sentences,
)
from encoder_tui.window.panes.timing.measurer import Measurer
from encoder_tui.window.session.session import Session
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.model_letters import letter_markup

LOW: Final = 3
HIGH: Final = 7
"""Lines that remarks may take in a low window, and in others."""


def headline(text: str, width: int) -> Content:
    """The first line of the pane."""
    return Content.styled(f" {text}", "bold").truncate(max(width, 1), ellipsis=True)


def run_summary(run: Run, measurer: Measurer, width: int) -> str:
    """How far the run is, or what it says."""
    if measurer.is_measuring:
        return _progress(run, measurer.activity, width)
    whole = "" if run.done == len(run.planned) else f"{run.done} of {count(len(run.planned), 'point')} whole, "
    ending = f" · {whole}{visible(measurer.ending)}" if measurer.ending else ""
    return f"{conclusion(run)}{ending}"


def plan_summary(planned: Run) -> str:
    """How many points a plan has and about how long they take."""
    points = len(planned.planned)
    skipped = sum(1 for samples in planned.samples.values() if samples.ended)
    beside = f", {skipped} beyond a limit" if skipped else ""
    models = count(len({column.slot for column in planned.columns}), "model")
    about = duration(max(planned.seconds_left(), 1))
    return f"{count(points, 'point')} of {models}{beside}, about {about} and the loading; s starts"


def _progress(run: Run, activity: str, width: int) -> str:
    if run.environment is None:
        return f"{visible(activity)}…"
    where = "" if run.current is None else f" at {run.rows[run.current].words}"
    done, planned = run.done, len(run.planned)
    room = 20 if width >= 100 else 8
    filled = round(room * done / max(planned, 1))
    bar = f"▕{'█' * filled}{' ' * (room - filled)}▏"
    left = duration(max(run.seconds_left(), 1))
    return f"Measuring{where} {bar} {done} of {planned} points, about {left} left; x stops"


def settings(session: Session, run: Run | None, under: Run | None, width: int) -> Content:
    """What the letters of a run mean where the window's mean something else, and the settings in force."""
    whose = [
        foreign_letters(session, run, width),
        foreign_letters(session, under, width, are_small=True),
    ]
    lines = [Content.styled(f" {text}", "$text-warning") for text in whose if text]
    if run is not None and (text := run_settings(run)):
        lines.append(Content.styled(f" {text}", QUIET))
    return Content("\n").join(line.truncate(max(width, 1), ellipsis=True) for line in lines)


def foreign_letters(session: Session, run: Run | None, width: int, are_small: bool = False) -> str:
    """Which letters of a run stand for other models than the window's, and for which; empty where none does.

    Those of a run that is laid under are small.
    """
    columns = [] if run is None else run.columns
    named = {column.slot: column.name for column in columns if not _is_in_place(session, column)}
    if not named:
        return ""
    # Owners and folders are left out, unless nothing else tells the models apart.
    every = {*named.values(), *(slot.name for slot in session.slots)}
    has_twins = len({last_part(name) for name in every}) < len(every)
    shown = {slot: visible(name if has_twins else last_part(name)) for slot, name in sorted(named.items())}
    end = ", not the window's"
    room = max((width - 1 - len(end) + 2) // len(shown) - len("A = , "), 4)
    letters = LETTERS.lower() if are_small else LETTERS
    return ", ".join(f"{letters[slot]} = {shorten(name, room)}" for slot, name in shown.items()) + end


def _is_in_place(session: Session, column: RunColumn) -> bool:
    """Whether the model of a run's column stands in the window where it stood, by whatever name it was given."""
    if column.slot >= len(session.slots):
        return False
    slot, source = session.slots[column.slot], column.variant.source
    return slot.name == column.name or (slot.files is not None and source_of(slot.files).location == source.location)


def room_for_remarks(run: Run | None, is_low: bool) -> int:
    """Lines that the remarks on a run take once everything is known, as far as there is room."""
    if run is None:
        return 0
    failed, told = len(failures(run)), len(model_remarks(run.samples.values()))
    if is_low:
        return min(1 + failed, LOW)
    return min(told + 1 + (2 * len(run.rows) + failed if run.plan.best else len(run.columns)), HIGH)


def what_will_stand_here(session: Session, run: Run | None) -> list[str]:
    """What an empty plot says: what will stand here, and the key that fills it."""
    if run is not None and run.plan.best:
        return ["What was measured last looks for the best settings; «best» shows it."]
    if run is not None:
        return ["The curves begin once the models are warmed up."]
    return [
        "Latency by sequence length will grow here while it is measured.",
        "",
        "s  measures every model at every length, in turns, the cold pass apart",
        "n  measures the text at hand, cut to 512 tokens, on every device",
        "b  looks for the threads, dtype and attention that are the fastest for it",
        "e  edits the plan: lengths, batch sizes, seconds a point, threads",
        "v  shows throughput, memory, samples, what documents cost, kept runs",
        "a  changes the axes: linear or logarithmic",
    ]


def remarks(run: Run | None, width: int, is_low: bool) -> Content:
    """What went wrong, what the models said of themselves, and how latency grows; a sign where some has no room."""
    room = room_for_remarks(run, is_low)
    lines = [] if run is None else [*_failures(run), *_of_results(run, width, is_low)]
    if len(lines) > room:
        lines[max(room - 1, 0) :] = [Content.styled(f" … {count(len(lines) - room + 1, 'more line')}", QUIET)]
    return Content("\n").join(line.truncate(max(width, 1), ellipsis=True) for line in lines)


def _of_results(run: Run, width: int, is_low: bool) -> list[Content]:
    if not run.has_results:
        return []
    if run.plan.best:
        # Where there is no room, the line at the top says the most of it.
        found = [] if is_low else _wrapped(verdict_sentences(run), width)
    else:
        found = growths(run)
        if is_low or sum(map(len, found)) + 3 * len(found) <= width:
            found = [" · ".join(found)] if found else []
    said = map(visible, model_remarks(run.samples.values()))
    lines = [Content.styled(f" {text}", QUIET) for text in [*said, *found]]
    if (warning := spread_warning(run)) is not None:
        lines.append(Content.styled(f" {warning}", "$text-warning"))
    if is_low:
        # One line: the warning, where there is one, matters more than the growth.
        lines = lines[-1:]
    return lines


def _wrapped(found: Sequence[str], width: int) -> list[str]:
    return [line for one in found for line in textwrap.wrap(visible(one), max(width - 2, 20), subsequent_indent="   ")]


def _failures(run: Run) -> list[Content]:
    return [_line(slot, visible(reason), "$text-error") for slot, reason in failures(run)]


def detail(run: Run | None, row: int, width: int) -> Content:
    """The point under the cursor."""
    if run is None or row >= len(run.rows):
        return Content("")
    lines = [_line(slot, visible(text), "") for slot, text in point_details(run, row)]
    return Content("\n").join(line.truncate(max(width, 1), ellipsis=True) for line in lines)


def _line(slot: int, text: str, style: str) -> Content:
    return Content.assemble((f" {LETTERS[slot]} ", letter_markup(slot)), (f" {text}", style))
