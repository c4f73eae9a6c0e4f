"""`encoder-tui predict`: what the heads of the models say of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, get_args

import click
import msgspec

from encoder_tui.client.loader import Loader
from encoder_tui.client.predict import occlude, predict
from encoder_tui.commands import running
from encoder_tui.commands.console import say
from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core.models.ready import RequestedModel
from encoder_tui.core.settings import Settings
from encoder_tui.core.tasks.entities import AGGREGATIONS, Aggregation
from encoder_tui.core.tasks.occlusion import Occlusion
from encoder_tui.core.tasks.prediction_words import beginning_and_whole
from encoder_tui.core.tasks.predictions import (
    Combination,
    Predicted,
    Reading,
    TaskError,
    TextPrediction,
    Wish,
    best_answer,
)
from encoder_tui.core.text.numbers import count, share_percent
from encoder_tui.core.text.safe import shorten, visible, visible_piece
from encoder_tui.core.tokens.tokenizer import TokenizationError

BAR: Final = 20
"""Columns of the bar of a score of 1."""
SHOWN: Final = 5
"""How many labels or tokens are printed if `--top` is not given."""


@click.command("predict")
@click.argument("texts", nargs=-1, metavar="[TEXT…]")
@click.option(
    "--pair",
    "pairs",
    multiple=True,
    metavar="TEXT",
    help="The second text of a pair; one for each TEXT, one for all, or several for one TEXT.",
)
@click.option("--question", metavar="TEXT", help="A question, which each TEXT is searched for the answer to.")
@click.option(
    "--labels",
    metavar="A,B,C",
    help="Labels to choose among, for a model of natural language inference (zero-shot classification).",
)
@click.option("--multi-label", is_flag=True, help="Judge each of --labels by itself; several may hold.")
@click.option(
    "--aggregation",
    type=click.Choice(AGGREGATIONS),
    default="simple",
    show_default=True,
    help="How labelled tokens are joined to entities, as in transformers' pipeline.",
)
@click.option("--top", type=click.IntRange(1), metavar="N", help="Print N labels, answers or tokens.")
@click.option("--windows", is_flag=True, help="Read all of a text, in windows that overlap, not only its beginning.")
@click.option(
    "--combine",
    type=click.Choice(get_args(Combination)),
    default="mean",
    show_default=True,
    help="How the labels of the windows are combined.",
)
@click.option(
    "--occlusion",
    "wants_occlusion",
    is_flag=True,
    help="Also print how much the score of the best label falls if each word is hidden; this takes a pass a word.",
)
@click.option("--label", metavar="LABEL", help="The label that --occlusion follows.")
@click.option("--tokens", "wants_tokens", is_flag=True, help="Also print the probabilities of each token's labels.")
@click.option("--random-head", is_flag=True, help="Run a head that the checkpoint lacks; what it says is random.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options
@click.pass_context
def command(
    context: click.Context,
    /,
    texts: tuple[str, ...],
    pairs: tuple[str, ...],
    question: str | None,
    labels: str | None,
    multi_label: bool,
    aggregation: Aggregation,
    top: int | None,
    windows: bool,
    combine: Combination,
    wants_occlusion: bool,
    label: str | None,
    wants_tokens: bool,
    random_head: bool,
    as_json: bool,
    **shared: Any,
) -> None:
    """Print what each model's head says of the texts: labels, entities, answers, scores of pairs, masked tokens.

    Without texts, stdin is read as one text.

    \b
    encoder-tui -m ./classifier predict "A film that stays with you."
    encoder-tui -m ./tagger predict "Ada Lovelace lived in London."
    encoder-tui -m ./reader predict --question "Where did she live?" "Ada Lovelace lived in London."
    """
    settings = gather(context, shared)
    texts = running.named_texts(texts, settings)
    named = [one.strip() for one in (labels or "").split(",") if one.strip()]
    if label is not None and not wants_occlusion:
        raise click.UsageError("--label names what --occlusion follows; give --occlusion too")
    if labels is not None and not named:
        raise click.UsageError("--labels names no label; give some, with commas between them")
    wish = Wish(
        texts=running.texts_of(texts),
        pairs=list(pairs),
        question=question,
        labels=named,
        multi_label=multi_label,
        aggregation=aggregation,
        windows=windows,
        combination=combine,
    )
    try:
        wish.inputs()
    except TaskError as error:
        raise click.UsageError(str(error)) from error
    line = running.ProgressLine()

    async def one(loader: Loader, model: RequestedModel, settings: Settings) -> Said | str:
        ready = model.ready
        if ready is None:
            return model.error or "it could not be loaded"
        try:
            found = await predict(
                loader.engine, ready, settings, wish, line.show, best=top or SHOWN, allow_random=random_head
            )
            falls = [
                await occlude(loader.engine, ready, settings, text, label, line.show, allow_random=random_head)
                for text in (wish.texts if wants_occlusion else [])
            ]
            return Said(found, falls)
        except TokenizationError as refusal:
            return f"{model.name}: {refusal}"
        except (TaskError, *running.FAILURES) as error:
            return str(error)
        finally:
            line.clear()

    async def work(loader: Loader) -> list[tuple[str, Said | str]]:
        models = await running.load_tokenizers(loader, settings)
        return [(model.name, await one(loader, model, settings)) for model in models]

    done = running.run(settings, work)
    for _, found in done:
        for remark in [] if isinstance(found, str) else found.remarks:
            say(remark)
    running.show(
        done,
        as_json,
        lambda found: {"models": [_record(name, one, top, wants_tokens) for name, one in found]},
        lambda name, found: block(name, found, wish, top or SHOWN, wants_tokens),
    )


class Said(NamedTuple):
    """What a model says of the texts, and what its scores hang on, if that was asked for."""

    found: Predicted
    falls: list[Occlusion]

    @property
    def remarks(self) -> list[str]:
        return [*self.found.in_force.remarks, *self.found.remarks]


def _record(name: str, said: Said | str, top: int | None, wants_tokens: bool) -> dict[str, Any]:
    if isinstance(said, str):
        return {"model": name, "error": said}
    found = said.found
    record: dict[str, Any] = {
        "model": name,
        "task": found.task,
        "predictions": [one.record(top) for one in found.predictions],
        "texts": [
            {
                "tokens": reading.tokens,
                "characters": len(reading.text),
                "cut": reading.cut,
                **({} if reading.pair_cut is None else {"pair_cut": reading.pair_cut}),
            }
            for reading in found.read
        ],
        "random": found.in_force.random,
        "remarks": said.remarks,
    }
    if wants_tokens and found.task == "token-classification":
        record["labels"] = found.labels
        record["tokens"] = [msgspec.to_builtins(one.tokens) for one in found.predictions]
    if said.falls:
        record["occlusion"] = msgspec.to_builtins(said.falls)
    if any(one.windows for one in found.predictions):
        record["windows"] = [[part.record(top) for part in one.windows] for one in found.predictions]
    return record


def block(name: str, said: Said, wish: Wish, top: int, wants_tokens: bool = False) -> str:
    """Return what a model says of each text, as lines."""
    found, falls = said
    lines = [f"{visible(name)}: {found.task}, {found.in_force.words()}"]
    titles = _titles(wish, len(found.predictions))
    for index, (title, reading, one) in enumerate(zip(titles, found.read, found.predictions, strict=True)):
        lines.append(f"  {shorten(visible(title), max(running.terminal_width() - 2, 20))}")
        lines += [f"    {row}" for row in _rows(one, top)]
        lines += [f"    {row}" for row in (_tokens(found.labels, one) if wants_tokens else [])]
        lines += [f"    {sentence}" for sentence in _read_words(reading, one)]
        lines += [f"    {row}" for row in (_falls(falls[index], top) if falls else [])]
    return "\n".join(lines)


def _titles(wish: Wish, predictions: int) -> list[str]:
    """Return what stands above each prediction: its text, and the second one if it is what differs."""
    inputs = wish.inputs()
    if len(inputs) != predictions:
        return wish.texts[:predictions]
    return [f"{text} | {pair}" if pair is not None else text for text, pair in inputs]


def _rows(one: TextPrediction, top: int) -> list[str]:
    if one.labels is not None:
        return _scores([(label.label, label.score) for label in one.labels[:top]])
    if one.entities is not None:
        rows = [
            [visible(entity.entity), f"{entity.score:.4f}", f"{entity.start:,}–{entity.end:,}", visible(entity.text)]
            for entity in one.entities
        ]
        return running.aligned(rows, left=1) if rows else ["no entities"]
    if one.answers is not None:
        best = best_answer(one.answers)
        if best is None:
            return ["the model finds no answer in this text"]
        return [f"{best.score:.4f}  {best.start:,}–{best.end:,}  {visible(best.answer)}"]
    if one.masks is not None:
        return [row for mask in one.masks for row in _scores([(token.token, token.score) for token in mask])]
    return [f"score {one.score:.6g}"]


def _tokens(labels: Sequence[str], one: TextPrediction) -> list[str]:
    """Return each token with the probabilities of its labels, as a table."""
    rows = [
        [visible_piece(token.token), f"{token.start:,}–{token.end:,}", *(f"{p:.4f}" for p in token.probabilities())]
        for token in one.tokens or []
    ]
    return running.aligned([["token", "characters", *map(visible, labels)], *rows]) if rows else []


def _falls(found: Occlusion, top: int) -> list[str]:
    """Return the words whose hiding changes the score most."""
    most = sorted(found.words, key=lambda word: -abs(word.fall))[:top]
    rows = [[visible(word.text), f"{-word.fall:+.4f}", f"{word.start:,}–{word.end:,}"] for word in most]
    return [
        f"{visible(found.label)} changes most if these words are hidden:",
        *(f"  {row}" for row in running.aligned(rows)),
    ]


def _scores(scores: Sequence[tuple[str, float]]) -> list[str]:
    """Return labels with their scores, and bars if all of them are probabilities."""
    are_chances = all(0 <= score <= 1 for _, score in scores)
    lines = running.aligned([[visible(label), f"{score:.4f}"] for label, score in scores])
    if not are_chances:
        return lines
    return [f"{line}  {'█' * round(score * BAR)}".rstrip() for line, (_, score) in zip(lines, scores, strict=True)]


def _read_words(reading: Reading, one: TextPrediction) -> list[str]:
    """Say how much of the texts was read, and what the whole of the first says beside its beginning."""
    found = []
    if reading.cut is not None:
        share = share_percent(reading.cut / len(reading.text))
        found.append(
            f"it reads the first {share} of the text, {count(reading.cut, 'character')}; --windows reads all of it"
        )
    if reading.pair_cut is not None:
        found.append(f"it reads {count(reading.pair_cut, 'character')} of the second text; the rest is not seen")
    if one.windows:
        said = visible(beginning_and_whole(reading, one))
        found.append(f"read in {count(len(one.windows), 'window')}{f': {said}' if said else ''}")
    return found
