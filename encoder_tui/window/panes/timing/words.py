"""What the Timing pane says: the plan, the progress, the conclusion, the point under the cursor."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual.content import Content

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.models.files import limit
from encoder_tui.core.models.placement import source_of
from encoder_tui.core.text.safe import count, last_part, shorten, visible
from encoder_tui.core.timing.best import sentences
from encoder_tui.core.timing.plan import Column, Plan, PlanError, TimedModel
from encoder_tui.core.timing.run import Run
from encoder_tui.window.panes.timing import results
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.model_letters import letter_markup

if TYPE_CHECKING:
    from encoder_tui.window.panes.timing.pane import TimingPane

QUIET: Final = "$text-muted"
LOW: Final = 3
HIGH: Final = 7
"""Lines that remarks may take in a low window, and in others."""


def timed_models(session: Session) -> list[TimedModel]:
    """The models of the window that can be measured, as far as their files are there."""
    found = []
    for index, slot in enumerate(session.slots):
        if slot.files is not None and slot.state != "failed":
            stated = None if slot.tokenizer is None else slot.tokenizer.form.model_max_length
            source = source_of(slot.files, session.settings.trust_remote_code)
            bound = limit(slot.files.config, stated)
            found.append(TimedModel(index, slot.name, source, bound, slot.files.config))
    return found


def no_models(session: Session) -> str:
    """Why nothing can be measured."""
    failed = [slot for slot in session.slots if slot.state == "failed"]
    if len(failed) == len(session.slots):
        return visible(failed[0].message) or "no model could be had"
    return "the models are still being looked up; try again in a moment"


def machine(session: Session) -> tuple[int, bool]:
    """Cores of the engine's machine, and whether models run on an accelerator unless told otherwise."""
    hello = session.hello
    if hello is None:
        return 2, False
    device = session.settings.device or (hello.devices[0].name if hello.devices else "cpu")
    return hello.threads, not device.startswith("cpu")


def refuse_what_is_not_offered(session: Session, plan: Plan) -> None:
    """Raise `PlanError` where no device of the engine's machine has what a plan asks for; the engine looks closer."""
    if session.hello is None or session.hello.devices is None:
        return
    offered = {what for device in session.hello.devices for what in device.offers}
    if True in plan.unpadded and not any(what.startswith("flash") for what in offered):
        raise PlanError("unpadded rows need flash attention on an accelerator; there is none here")
    if True in plan.tf32 and "tf32" not in offered:
        raise PlanError("TF32 is of NVIDIA's accelerators since Ampere; there is none here")


def text_at_hand(session: Session) -> str:
    """The document that is open where one is, otherwise the text."""
    return session.text if session.document is None else session.document


def duration(seconds: float) -> str:
    """About how long, as a person says it: `40 s`, `3 min`."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60):,} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def sentence(pane: TimingPane, width: int) -> Content:
    """What the plan comes to, how far the run is, or what it says."""
    run = pane.run
    if run is not None and pane.is_measuring:
        text = _progress(pane, run)
    elif run is not None:
        whole = "" if run.done == len(run.planned) else f"{run.done} of {count(len(run.planned), 'point')} whole, "
        text = f"{results.conclusion(run)} · {whole}{visible(pane.ending)}" if pane.ending else results.conclusion(run)
    else:
        text = plan_words(pane)
    return Content.styled(f" {text}", "bold").truncate(max(width, 1), ellipsis=True)


def plan_words(pane: TimingPane) -> str:
    """How many points a plan has and about how long they take, before it starts."""
    planned = pane.planned()
    if isinstance(planned, str):
        return planned
    points = len(planned.planned)
    skipped = sum(1 for samples in planned.samples.values() if samples.ended)
    beside = f", {skipped} beyond a limit" if skipped else ""
    models = count(len({column.slot for column in planned.columns}), "model")
    about = duration(planned.seconds_left())
    return f"{count(points, 'point')} of {models}{beside}, about {about} and the loading; s starts"


def _progress(pane: TimingPane, run: Run) -> str:
    if run.environment is None:
        return f"{visible(pane.activity)}…"
    where = "" if run.current is None else f" at {run.rows[run.current].words}"
    done, planned = run.done, len(run.planned)
    room = 20 if pane.size.width >= 100 else 8
    filled = round(room * done / max(planned, 1))
    bar = f"▕{'█' * filled}{' ' * (room - filled)}▏"
    return f"Measuring{where} {bar} {done} of {planned} points, about {duration(run.seconds_left())} left; x stops"


def settings(session: Session, run: Run | None, under: Run | None, width: int) -> Content:
    """What the letters of a run mean where the window's mean something else, and the settings in force."""
    whose = [others(session, run, width), others(session, under, width, are_small=True)]
    lines = [Content.styled(f" {text}", "$text-warning") for text in whose if text]
    if run is not None and (text := results.settings_in_force(run)):
        lines.append(Content.styled(f" {text}", QUIET))
    return Content("\n").join(line.truncate(max(width, 1), ellipsis=True) for line in lines)


def others(session: Session, run: Run | None, width: int, are_small: bool = False) -> str:
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


def _is_in_place(session: Session, column: Column) -> bool:
    """Whether the model of a run's column stands in the window where it stood, by whatever name it was given."""
    if column.slot >= len(session.slots):
        return False
    slot, source = session.slots[column.slot], column.variant.source
    return slot.name == column.name or (slot.files is not None and source_of(slot.files).location == source.location)


def room_for_remarks(run: Run | None, is_low: bool) -> int:
    """Lines that the remarks on a run take once everything is known, as far as there is room."""
    if run is None:
        return 0
    failed, told = len(results.failed(run)), len(_told(run))
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
    growths = results.growths(run)
    if run.plan.best:
        # Where there is no room, the line at the top says the most of it.
        growths = [] if is_low else _wrapped(sentences(run), width)
    if not run.plan.best and (is_low or sum(map(len, growths)) + 3 * len(growths) <= width):
        growths = [" · ".join(growths)] if growths else []
    lines = [Content.styled(f" {text}", QUIET) for text in [*_told(run), *growths]]
    if (warning := results.warning(run)) is not None:
        lines.append(Content.styled(f" {warning}", "$text-warning"))
    if is_low:
        # One line: the warning, where there is one, matters more than the growth.
        lines = lines[-1:]
    return lines


def _told(run: Run) -> list[str]:
    """What the models said of themselves."""
    told = [samples.in_force.remarks for samples in run.samples.values() if samples.in_force is not None]
    return list(dict.fromkeys(visible(remark) for remarks in told for remark in remarks))


def _wrapped(found: Sequence[str], width: int) -> list[str]:
    return [line for one in found for line in textwrap.wrap(visible(one), max(width - 2, 20), subsequent_indent="   ")]


def _failures(run: Run) -> list[Content]:
    return [_line(slot, visible(reason), "$text-error") for slot, reason in results.failed(run)]


def detail(run: Run | None, row: int, width: int) -> Content:
    """The point under the cursor."""
    if run is None or row >= len(run.rows):
        return Content("")
    lines = [_line(slot, visible(text), "") for slot, text in results.details(run, row)]
    return Content("\n").join(line.truncate(max(width, 1), ellipsis=True) for line in lines)


def _line(slot: int, text: str, style: str) -> Content:
    return Content.assemble((f" {LETTERS[slot]} ", letter_markup(slot)), (f" {text}", style))
