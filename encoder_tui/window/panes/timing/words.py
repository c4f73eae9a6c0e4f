"""The Timing pane's words: the plan, the progress, the conclusion, the point under the cursor."""

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
"""The most lines of remarks in a low window, and in others."""


def headline(text: str, width: int) -> Content:
    """Return the first line of the pane."""
    return Content.styled(f" {text}", "bold").truncate(max(width, 1), ellipsis=True)


def run_summary(run: Run, measurer: Measurer, width: int) -> str:
    """Return the run's progress, or its conclusion."""
    if measurer.is_measuring:
        return _progress(run, measurer.activity, width)
    whole = "" if run.done == len(run.planned) else f"{run.done} of {count(len(run.planned), 'point')} whole, "
    ending = f" · {whole}{visible(measurer.ending)}" if measurer.ending else ""
    return f"{conclusion(run)}{ending}"


def plan_summary(planned: Run) -> str:
    """Return how many points a plan has and about how long they take."""
    points = len(planned.planned)
    skipped = sum(1 for samples in planned.samples.values() if samples.ended)
    beside = f", {skipped} too long" if skipped else ""
    models = count(len({column.slot for column in planned.columns}), "model")
    about = duration(max(planned.seconds_left(), 1))
    return f"{count(points, 'point')} for {models}{beside}, about {about} plus loading; press s to start"


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
    """Return the models of a run's letters if they are not the window's, and the settings used."""
    whose = [
        foreign_letters(session, run, width),
        foreign_letters(session, under, width, are_small=True),
    ]
    lines = [Content.styled(f" {text}", "$text-warning") for text in whose if text]
    if run is not None and (text := run_settings(run)):
        lines.append(Content.styled(f" {text}", QUIET))
    return Content("\n").join(line.truncate(max(width, 1), ellipsis=True) for line in lines)


def foreign_letters(session: Session, run: Run | None, width: int, are_small: bool = False) -> str:
    """Return the letters of a run that are not the window's models, and their models; empty if there are none.

    The letters of an overlay are small.
    """
    columns = [] if run is None else run.columns
    named = {column.slot: column.name for column in columns if not _is_in_place(session, column)}
    if not named:
        return ""
    # Leave out owners and folders, unless they are needed to distinguish the models.
    every = {*named.values(), *(slot.name for slot in session.slots)}
    has_twins = len({last_part(name) for name in every}) < len(every)
    shown = {slot: visible(name if has_twins else last_part(name)) for slot, name in sorted(named.items())}
    end = ", not the window's"
    room = max((width - 1 - len(end) + 2) // len(shown) - len("A = , "), 4)
    letters = LETTERS.lower() if are_small else LETTERS
    return ", ".join(f"{letters[slot]} = {shorten(name, room)}" for slot, name in shown.items()) + end


def _is_in_place(session: Session, column: RunColumn) -> bool:
    """Return whether the model of a run's column has the same letter in the window, by any name."""
    slot, source = session.slot_of(column.slot), column.variant.source
    if slot is None:
        return False
    return slot.name == column.name or (slot.files is not None and source_of(slot.files).location == source.location)


def room_for_remarks(run: Run | None, is_low: bool) -> int:
    """Return the lines to reserve for the remarks on a run, as far as there is room."""
    if run is None:
        return 0
    failed, remarked = len(failures(run)), len(model_remarks(run.samples.values()))
    if is_low:
        return min(1 + failed, LOW)
    return min(remarked + 1 + (2 * len(run.rows) + failed if run.plan.best else len(run.columns)), HIGH)


def what_will_stand_here(session: Session, run: Run | None) -> list[str]:
    """Return the words of an empty plot: what will appear here, and the keys for it."""
    if run is not None and run.plan.best:
        return ['The last run searched for the best settings; see the "best" view.']
    if run is not None:
        return ["The curves appear once the models are warmed up."]
    return [
        "Latency by sequence length appears here while it is measured.",
        "",
        "s  measures every model at every length, in turns, the cold pass separately",
        "n  measures the current text, cut to 512 tokens, on every device",
        "b  finds the fastest threads, dtype and attention for it",
        "e  edits the plan: lengths, batch sizes, seconds per point, threads",
        "v  shows throughput, memory, samples, document costs, saved runs",
        "a  changes the axes: linear or logarithmic",
    ]


def remarks(run: Run | None, width: int, is_low: bool) -> Content:
    """Return errors, remarks of the models, and how latency grows; … if there is no room for some."""
    room = room_for_remarks(run, is_low)
    lines = [] if run is None else [*_failures(run), *_of_results(run, width, is_low)]
    if len(lines) > room:
        lines[max(room - 1, 0) :] = [Content.styled(f" … {count(len(lines) - room + 1, 'more line')}", QUIET)]
    return Content("\n").join(line.truncate(max(width, 1), ellipsis=True) for line in lines)


def _of_results(run: Run, width: int, is_low: bool) -> list[Content]:
    if not run.has_results:
        return []
    if run.plan.best:
        # If there is no room, the headline has the essentials.
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
        # One line: a warning matters more than the growth.
        lines = lines[-1:]
    return lines


def _wrapped(found: Sequence[str], width: int) -> list[str]:
    return [line for one in found for line in textwrap.wrap(visible(one), max(width - 2, 20), subsequent_indent="   ")]


def _failures(run: Run) -> list[Content]:
    return [_line(slot, visible(reason), "$text-error") for slot, reason in failures(run)]


def detail(run: Run | None, row: int, width: int) -> Content:
    """Return the details of the point under the cursor."""
    if run is None or row >= len(run.rows):
        return Content("")
    lines = [_line(slot, visible(text), "") for slot, text in point_details(run, row)]
    return Content("\n").join(line.truncate(max(width, 1), ellipsis=True) for line in lines)


def _line(slot: int, text: str, style: str) -> Content:
    return Content.assemble((f" {LETTERS[slot]} ", letter_markup(slot)), (f" {text}", style))
