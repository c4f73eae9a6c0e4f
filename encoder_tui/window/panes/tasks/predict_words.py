"""Predictions in words and marks: bars of scores, entities and answers in the text, a strip along its windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content

from encoder_tui.core.tasks.answers import WindowAnswers
from encoder_tui.core.tasks.entities import Entity, TokenLogits, aligned
from encoder_tui.core.tasks.occlusion import Occlusion
from encoder_tui.core.tasks.prediction_words import beginning_and_whole
from encoder_tui.core.tasks.predictions import Predicted, Reading, TextPrediction, best_answer
from encoder_tui.core.text.numbers import count, share_percent
from encoder_tui.core.text.safe import shorten, visible, visible_in_place, visible_piece
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.bars import bar
from encoder_tui.window.widgets.model_letters import letter_markup

LABELS_SHOWN: Final = 5
BAR: Final = 24
STEPS: Final = "▁▂▃▄▅▆▇█"
CHARACTERS: Final = 6_000
"""How much of a text is shown with its marks."""
WORDS_SHOWN: Final = 6
TOKENS_SHOWN: Final = 200
PLACES_SHOWN: Final = 60
SHADES: Final = (("", 0.15), ("underline", 0.4), ("bold underline", 0.7), ("bold reverse", 1.01))
"""The emphasis of a word by its share of the largest fall, and of a number by the probability it stands for."""


def in_window(error: str) -> str:
    """Return a sentence for the command line as one for the window, which has fields where it has options."""
    for option, field in (
        ("give one with --question", "write one in the field above"),
        ("give --question", "write a question in the field above"),
        ("give the second one with --pair", "write the second one in the field above"),
        ("leave out --pair", "empty the field above"),
        ("--labels", "labels"),
        ("use encode", 'see the view "similarity"'),
    ):
        error = error.replace(option, field)
    return f"it {error}" if not error.startswith("it ") else error


def best(one: TextPrediction) -> str | None:
    """Return the label with the highest score, if the head gives labels."""
    return one.labels[0].label if one.labels else None


def of_text(
    label: str, reading: Reading, one: TextPrediction, colour: str, width: int, *, differs: bool
) -> list[Content]:
    """Return the lines for one text: what it is, what the head says, and how much of it was read."""
    lines = []
    if one.entities is not None:
        lines += _entities(label, reading.text, one.entities, colour)
    elif one.answers is not None:
        lines += _answers(label, reading.text, one.answers, colour)
    else:
        mark: list[str | tuple[str, str]] = [("≠ other models say otherwise  ", "$text-warning")] if differs else []
        room = max(width - len(label) - 4, 12)
        snippet = shorten(visible(" ".join(reading.text[:400].split())), room)
        lines.append(Content.assemble((f" {label} ", QUIET), *mark, snippet))
    names = 18 if width >= 56 else 11
    if one.labels is not None:
        lines += [
            Content.assemble(
                f"     {shorten(visible(one_label.label), names):<{names}}",
                (f"{one_label.score:>8.4f}  ", "bold" if place == 0 else ""),
                (bar(one_label.score, min(BAR, width - names - 16)) if 0 <= one_label.score <= 1 else "", colour),
            )
            for place, one_label in enumerate(one.labels[:LABELS_SHOWN])
        ]
        more = len(one.labels) - LABELS_SHOWN
        if more > 0:
            lines.append(Content.styled(f"     and {count(more, 'label')} more", QUIET))
    if one.score is not None:
        shown = bar(one.score, min(BAR, width - 20)) if 0 <= one.score <= 1 else ""
        lines.append(Content.assemble("     score ", (f"{one.score:.4f}  ", "bold"), (shown, colour)))
    return [*lines, *_parts(reading, one)]


def _parts(reading: Reading, one: TextPrediction) -> list[Content]:
    """Return how much of the texts was read, and the best label's score along the windows of the first."""
    found = []
    if reading.cut is not None:
        share = share_percent(reading.cut / max(len(reading.text), 1))
        found.append(Content.styled(f"     reads the first {share} of it; the rest is not seen", QUIET))
    if reading.pair_cut is not None:
        read = count(reading.pair_cut, "character")
        found.append(Content.styled(f"     reads {read} of the second text; the rest is not seen", QUIET))
    if not one.windows:
        return found
    words, label = f"     read in {count(len(one.windows), 'window')}", best(one)
    if label is None:
        return [*found, Content.styled(words, QUIET)]
    scores = [next(other.score for other in window.labels or [] if other.label == label) for window in one.windows]
    low, high = min(scores), max(scores)
    strip = "".join(STEPS[round((score - low) / (high - low) * 7) if high > low else 3] for score in scores)
    said = f"{words}; {visible(label)} along the text "
    return [
        *found,
        Content.assemble((said, QUIET), (strip, "bold"), (f" {low:.2f} to {high:.2f}", QUIET)),
        Content.styled(f"     {visible(beginning_and_whole(reading, one))}", QUIET),
    ]


def _marked(text: str, marks: Sequence[tuple[int, int, str, str]]) -> Content:
    """Return a text in which each mark (start, end, tag, style) is drawn; the tag follows it in brackets."""
    parts: list[str | tuple[str, str]] = []
    at = 0
    for start, end, tag, style in marks:
        if start < at or start >= CHARACTERS:
            continue
        parts += [_plain(text[at:start]), (_plain(text[start:end]), style), (f"[{visible(tag)}]" if tag else "", QUIET)]
        at = end
    parts.append(_plain(text[at:CHARACTERS]) if at < CHARACTERS else "")
    if len(text) > CHARACTERS:
        parts.append((f" … {len(text) - CHARACTERS:,} more characters", QUIET))
    return Content.assemble(*parts)


def _plain(text: str) -> str:
    return visible(visible_in_place(text.replace("\n", " ")))


def _entities(label: str, text: str, found: Sequence[Entity], colour: str) -> list[Content]:
    marks = [(one.start, one.end, one.entity, f"{colour} underline") for one in found]
    lines = [Content.assemble((f" {label} ", QUIET), _marked(text, marks))]
    if not found:
        return [*lines, Content.styled("     no entities", QUIET)]
    return [
        *lines,
        *(
            Content.assemble(
                f"     {visible(one.entity):<12}",
                (f"{one.score:>7.4f}  ", "bold"),
                (f"{one.start:,}–{one.end:,}  ", QUIET),
                visible(one.text),
            )
            for one in found
        ),
    ]


def _answers(label: str, text: str, found: WindowAnswers, colour: str) -> list[Content]:
    answer = best_answer(found)
    marks = [] if answer is None else [(answer.start, answer.end, "answer", f"{colour} reverse")]
    lines = [Content.assemble((f" {label} ", QUIET), _marked(text, marks))]
    if answer is None:
        lines.append(Content.styled("     the model finds no answer in this text; its best guesses:", "$text-warning"))
    return [
        *lines,
        *(
            Content.assemble(
                (f"     {one.score:.4f}  ", "bold" if place == 0 else ""),
                (f"{one.start:,}–{one.end:,}  ", QUIET),
                shorten(visible(one.answer), 60),
            )
            for place, one in enumerate(found.answers)
        ),
    ]


def of_tokens(labels: Sequence[str], tokens: Sequence[TokenLogits], *, as_logits: bool) -> list[Content]:
    """Return the tokens with a number for each label, marked by its size: a table that is a heatmap too."""
    heads = "".join(f"{shorten(visible(label), 8):>9}" for label in labels)
    lines = [Content.styled(f"     {'token':<14}{heads}", QUIET)]
    for token in tokens[:TOKENS_SHOWN]:
        chances = token.probabilities()
        cells = [
            (f"{logit if as_logits else chance:>9.3f}", next(style for style, bound in SHADES if chance < bound))
            for logit, chance in zip(token.logits, chances, strict=True)
        ]
        lines.append(Content.assemble(f"     {shorten(visible_piece(token.token), 13):<14}", *cells))
    if len(tokens) > TOKENS_SHOWN:
        lines.append(Content.styled(f"     and {len(tokens) - TOKENS_SHOWN:,} more tokens", QUIET))
    return lines


def of_taggers(there: Sequence[tuple[Slot, Predicted]], question: object) -> list[Content]:
    """Return the entities of several models over each text, lined up by their characters; nothing of one model."""
    taggers = [(slot, found) for slot, found in there if found.task == "token-classification"]
    if len(taggers) < 2:
        return []
    labels: Sequence[str] = getattr(question, "labels", ())
    lines: list[Content] = []
    for index in range(min(len(found.predictions) for _, found in taggers)):
        rows = aligned([found.predictions[index].entities or [] for _, found in taggers])
        agreeing = sum(_agree(row) for row in rows)
        label = labels[index] if index < len(labels) else str(index + 1)
        lines.append(Content.assemble((f" {label} ", QUIET), f"{agreeing:,} of {count(len(rows), 'place')} agree"))
        for row in rows[:PLACES_SHOWN]:
            parts: list[str | tuple[str, str]] = ["     "]
            for (slot, _), entity in zip(taggers, row, strict=True):
                said = "–" if entity is None else f"{visible(entity.entity)} {shorten(visible(entity.text), 20)}"
                parts += [(f"{slot.letter} ", letter_markup(slot.number)), f"{said:<28}"]
            parts.append(("" if _agree(row) else "≠", "$text-warning"))
            lines.append(Content.assemble(*parts))
        if len(rows) > PLACES_SHOWN:
            lines.append(Content.styled(f"     and {len(rows) - PLACES_SHOWN:,} more", QUIET))
    return [*lines, Content("")]


def _agree(row: Sequence[Entity | None]) -> bool:
    """Return whether all models found the same characters with the same label."""
    return None not in row and len({(one.entity, one.start, one.end) for one in row if one is not None}) == 1


def of_occlusion(text: str, found: Occlusion) -> list[Content]:
    """Return the text marked by how much the score falls if a word is hidden, and the words that matter most."""
    most = max((abs(word.fall) for word in found.words), default=0.0)
    marks = [
        (word.start, word.end, "", next(style for style, bound in SHADES if word.fall / most < bound))
        for word in found.words
        if most and word.fall > 0
    ]
    top = sorted(found.words, key=lambda word: -abs(word.fall))[:WORDS_SHOWN]
    listed = ", ".join(f"{visible(word.text)} {-word.fall:+.3f}" for word in top)
    return [
        Content.assemble(
            (f" occlusion: {visible(found.label)} {found.score:.4f}, each word of text 1 hidden in turn ", QUIET),
        ),
        Content.assemble("   ", _marked(text, marks)),
        Content.assemble(("   changes most if hidden: ", QUIET), listed),
    ]


def sentence(found: Predicted) -> str:
    """Say what a model says of the first text, in a few words."""
    one = found.predictions[0]
    if one.labels:
        return f"says {visible(one.labels[0].label)} ({one.labels[0].score:.2f}) of text 1"
    if one.entities is not None:
        total = sum(len(other.entities or []) for other in found.predictions)
        return f"finds {count(total, 'entity', 'entities')}"
    if one.answers is not None:
        answer = best_answer(one.answers)
        return "finds no answer in text 1" if answer is None else f'answers "{shorten(visible(answer.answer), 40)}"'
    return f"scores text 1 with {one.score:.3f}" if one.score is not None else "predicts masks"
