"""What the Outputs pane says in words: the text, a line a model, remarks, the sentence."""

from __future__ import annotations

from textual.content import Content

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.outputs.runs import MemoryAnswer
from encoder_tui.core.text.numbers import count, decimal_size, statistic
from encoder_tui.core.text.safe import shorten, visible
from encoder_tui.window.panes.outputs.runs import ModelRun, Runs
from encoder_tui.window.panes.registry import PANES
from encoder_tui.window.session.session import Session
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.model_letters import letter_markup

BAR = 12
NO_DOCUMENT = f"no document is open; {PANES['documents'].shown_key} opens one"
WIDE = 90


def text_line(session: Session, runs: Runs, width: int, about: str = "") -> Content:
    """The text that is run, or what a view with a question of its own is `about`, and what the engine holds."""
    held = memory_words(runs.memory)
    text = runs.text
    what = "document" if runs.of_document else "text"
    if about:
        left = Content.styled(f" {about}", QUIET).truncate(max(width - len(held) - 3, 8), ellipsis=True)
    elif runs.is_earlier:
        was = runs.runs[0].question.what
        other = f"another {what} than the one" if was == what else f"a {was} and not of the {what}"
        words = f"this is of {other} at hand; r runs that"
        left = Content.styled(f" {words}", "$text-warning")
    else:
        characters = count(len(text), "character")
        other = "text" if runs.of_document else "document"
        other = f"  d takes the {other}" if width >= WIDE else f"  d: {other}"
        other = other if session.document else ""
        room = max(width - len(held) - len(characters) - len(other) - 9, 8)
        # Not the whole text: it may have a million characters, and a line shows a hundred.
        begun = visible(" ".join(text[: 2 * room].split()))
        quoted = Content(f" “{begun}”" if len(text) <= room else f" “{begun}…”").truncate(room, ellipsis=True)
        left = Content.assemble(quoted, (f"  {characters}{other}", QUIET))
    gap = max(width - left.cell_length - len(held) - 1, 2)
    return Content.assemble(left, " " * gap, (held, QUIET)).truncate(max(width, 1), ellipsis=True)


def memory_words(memory: MemoryAnswer | None) -> str:
    """What the engine holds, short."""
    if memory is None:
        return ""
    weights = sum(model.in_force.parameter_bytes for model in memory.models)
    if not weights:
        return "no weights loaded"
    return f"held: weights {decimal_size(weights)}, outputs {decimal_size(memory.outputs)}"


def model_line(index: int, slot: Slot, run: ModelRun | None, width: int) -> Content:
    """One model: how far its run is, or what is in force."""
    parts: list[Content | tuple[str, str]] = [(f" {LETTERS[index]} ", letter_markup(index))]
    if run is None:
        words = f"{slot.message or 'loading'}" if slot.state != "exact" else "not run yet"
        parts.append((f" {visible(words)}", "$text-error" if slot.state == "failed" else QUIET))
    elif run.error:
        parts.append((f" {visible(run.error)}", "$text-error"))
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
        ("" if run.is_held else "  not held any more", "$text-warning"),
    ]


def remarks(session: Session, runs: Runs) -> list[Content]:
    """What must not be missed: truncation, tensors that are random, another attention than was asked for.

    What is so of several models is said once, under all their letters.
    """
    there = [(index, slot, run) for index, slot in enumerate(session.slots) if (run := runs.of(slot)) is not None]
    # What a model has not seen first, in case that there is no room for all.
    told = [
        (index, slot, [run.truncation.sentence(slot.name, 1, run.question.what)])
        for index, slot, run in there
        if run.truncation is not None
    ]
    told += [(index, slot, run.answer.in_force.remarks) for index, slot, run in there if run.answer is not None]
    found: dict[str, list[int]] = {}
    for index, slot, sentences in told:
        for sentence in sentences:
            found.setdefault(visible(sentence.removeprefix(f"{slot.name}: ")), []).append(index)
    return [
        Content.assemble(
            *((f" {LETTERS[index]}", letter_markup(index)) for index in indices), " ", (f"! {words}", "$text-warning")
        )
        for words, indices in found.items()
    ]


def fitted(remarks: list[Content], width: int, room: int) -> list[Content]:
    """The lines of whole remarks, as many as there is room for, and how many more there are."""
    wrapped = [remark.wrap(max(width, 1)) for remark in remarks]
    if sum(map(len, wrapped)) <= room:
        return [line for lines in wrapped for line in lines]
    shown: list[Content] = []
    for place, lines in enumerate(wrapped):
        if len(shown) + len(lines) >= room:
            more = f" … {count(len(wrapped) - place, 'more remark')}, for which a higher window has room"
            return [*shown, Content.styled(more, "$text-warning").truncate(max(width, 1), ellipsis=True)]
        shown += lines
    return shown


def runs_summary(session: Session, runs: Runs) -> str:
    """What came out, in numbers."""
    done = [
        (LETTERS[index], run)
        for index, slot in enumerate(session.slots)
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
    words = f"{letter} gives {count(len(run.outputs), 'tensor')}"
    if first.min is None or first.max is None:
        return words
    shape = "×".join(map(str, first.shape[1:]))
    return f"{words}, {shape} states from {statistic(first.min, 2)} to {statistic(first.max, 2)}"
