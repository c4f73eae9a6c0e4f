"""The words of the Outputs pane: the text, a line for each model, remarks, the summary."""

from __future__ import annotations

from textual.content import Content

from encoder_tui.core.models.card_words import other_limits
from encoder_tui.core.text.numbers import count, statistic
from encoder_tui.core.text.safe import shorten, visible
from encoder_tui.window.panes.outputs.runs import ModelRun, Runs
from encoder_tui.window.session.session import Session
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.about_line import about_line
from encoder_tui.window.widgets.model_letters import letter_markup

BAR = 12
WIDE = 90


def text_line(session: Session, runs: Runs, width: int) -> Content:
    """The text that is run, and what the engine holds."""
    held = session.engine_memory.summary
    text = runs.text
    what = "document" if runs.of_document else "text"
    if runs.is_earlier:
        was = runs.runs[0].question.what
        other = f"an earlier {what}" if was == what else f"the {was}"
        now = "the current one" if was == what else f"the {what}"
        words = f"these results are for {other}; press r to run {now}"
        left = Content.styled(f" {words}", "$text-warning")
    else:
        characters = count(len(text), "character")
        other = "text" if runs.of_document else "document"
        other = f"  d switches to the {other}" if width >= WIDE else f"  d: {other}"
        other = other if session.document else ""
        room = max(width - len(held) - len(characters) - len(other) - 9, 8)
        # Not the whole text: it may have a million characters, and a line shows a hundred.
        begun = visible(" ".join(text[: 2 * room].split()))
        quoted = Content(f" “{begun}”" if len(text) <= room else f" “{begun}…”").truncate(room, ellipsis=True)
        left = Content.assemble(quoted, (f"  {characters}{other}", QUIET))
    return about_line(left, held, width)


def model_line(slot: Slot, run: ModelRun | None, width: int) -> Content:
    """Return a model's line: the progress of its run, or the settings that it ran with."""
    parts: list[Content | tuple[str, str]] = [(f" {slot.letter} ", letter_markup(slot.number))]
    if run is None:
        words = f"{slot.message or 'loading'}" if slot.state != "exact" else "not run yet"
        parts.append((f" {visible(words)}", "$text-error" if slot.state == "failed" else QUIET))
    elif run.error:
        # The model stands beside it, and the reason comes last, so the middle is left out.
        why = visible(run.error.removeprefix(f"{slot.name}: "))
        parts.append((f" {shorten(why, max(width - 4, 8))}", "$text-error"))
    elif run.answer is None:
        parts.append(_progress(run, width))
    else:
        parts += _in_force(run, width)
    return Content.assemble(*parts).truncate(max(width, 1), ellipsis=True)


def _progress(run: ModelRun, width: int) -> Content:
    progress = run.progress
    if progress is None:
        is_loading = run.slot.state in {"loading", "provisional"}
        return Content.styled(f" waits for its {'tokenizer' if is_loading else 'turn'}", QUIET)
    words = visible(run.doing.removeprefix(f"{run.slot.name}: "))
    done = BAR * progress.done // progress.total if progress.total else 0
    bar = f"▕{'█' * done}{' ' * (BAR - done)}▏ " if progress.total else ""
    return Content.assemble(f" {bar}", shorten(words, max(width - BAR - 24, 12)), ("  x cancels", QUIET))


def _in_force(run: ModelRun, width: int) -> list[Content | tuple[str, str]]:
    assert run.answer is not None
    in_force = run.answer.in_force
    tokens = 0 if run.encoding is None else len(run.encoding)
    # Not as random in the middle of a line as weights that were read.
    is_random = in_force.weights == "random"
    seconds = f"{run.answer.seconds:.2f} s" if width >= WIDE else ""
    return [
        (f" {count(tokens, 'token'):<14}", "bold"),
        (f"{in_force.short} · ", QUIET),
        ("random weights" if is_random else "checkpoint weights", "$text-warning" if is_random else QUIET),
        (f"   {count(len(run.outputs), 'output')}   {seconds}", QUIET),
        ("" if run.is_held else "  no longer in memory", "$text-warning"),
    ]


def remarks(session: Session, runs: Runs) -> list[Content]:
    """Return remarks on truncation, random tensors, and attention other than requested.

    A remark on several models is shown once, with all their letters.
    """
    there = [(slot, run) for slot in session.slots if (run := runs.of(slot)) is not None]
    # Truncation first, because there may not be room for all remarks.
    sentences_of = [
        (slot, [run.truncation.sentence(slot.name, 1, run.question.what) + other_limits(run.files.card)])
        for slot, run in there
        if run.truncation is not None and run.files is not None
    ]
    sentences_of += [(slot, run.answer.in_force.remarks) for slot, run in there if run.answer is not None]
    found: dict[str, list[Slot]] = {}
    for slot, sentences in sentences_of:
        for sentence in sentences:
            found.setdefault(visible(sentence.removeprefix(f"{slot.name}: ")), []).append(slot)
    return [
        Content.assemble(
            *((f" {slot.letter}", letter_markup(slot.number)) for slot in slots), " ", (f"! {words}", "$text-warning")
        )
        for words, slots in found.items()
    ]


def fitted(remarks: list[Content], width: int, room: int) -> list[Content]:
    """Return the lines of as many whole remarks as fit, and the number of those left out."""
    wrapped = [remark.wrap(max(width, 1)) for remark in remarks]
    if sum(map(len, wrapped)) <= room:
        return [line for lines in wrapped for line in lines]
    shown: list[Content] = []
    for place, lines in enumerate(wrapped):
        if len(shown) + len(lines) >= room:
            more = f" … {count(len(wrapped) - place, 'more remark')}; enlarge the window to see all"
            return [*shown, Content.styled(more, "$text-warning").truncate(max(width, 1), ellipsis=True)]
        shown += lines
    return shown


def runs_summary(session: Session, runs: Runs) -> str:
    """Summarise the outputs in numbers."""
    done = [
        (slot.letter, run)
        for slot in session.slots
        if (run := runs.of(slot)) is not None and run.answer is not None and run.outputs
    ]
    if runs.is_running:
        return f"{len(done)} of {count(len(runs.runs), 'model')} done"
    if not done:
        return "Nothing has been run"
    gives = "; ".join(_gives(letter, run) for letter, run in done)
    broken = sum(output.non_finite for _, run in done for output in run.outputs)
    return gives + (f"; {count(broken, 'value is', 'values are')} not finite" if broken else "")


def _gives(letter: str, run: ModelRun) -> str:
    first = run.outputs[0]
    words = f"{letter} returns {count(len(run.outputs), 'tensor')}"
    if first.min is None or first.max is None:
        return words
    shape = "×".join(map(str, first.shape[1:]))
    return f"{words}, {shape} states from {statistic(first.min, 2)} to {statistic(first.max, 2)}"
