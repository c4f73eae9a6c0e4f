"""A Markdown report to hand to a colleague, in sections chosen by name.

Sections are written from a `Material`. The command and the window each collect one; the same material gives the same
report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from encoder_tui import __version__
from encoder_tui.core.defaults import STRIDE
from encoder_tui.core.documents.lengths import summary
from encoder_tui.core.models.card_words import line as card_line
from encoder_tui.core.models.card_words import short_limit
from encoder_tui.core.models.ready import RequestedModel
from encoder_tui.core.outputs.runs import OUTPUT_COLUMNS, output_cells
from encoder_tui.core.parameters import configuration, correspondence
from encoder_tui.core.parameters.configuration import ABSENT
from encoder_tui.core.parameters.roles import label
from encoder_tui.core.report.material import Material
from encoder_tui.core.report.reproduce_predictions import predictions_snippet
from encoder_tui.core.report.reproduce_tasks import vectors_snippet
from encoder_tui.core.settings import CHOSEN
from encoder_tui.core.tasks.encoding_words import COLUMNS as TEXT_COLUMNS
from encoder_tui.core.tasks.encoding_words import MEANINGLESS, heading, similarity_rows, text_cells
from encoder_tui.core.tasks.prediction_words import COLUMNS as PREDICTION_COLUMNS
from encoder_tui.core.tasks.prediction_words import prediction_cells
from encoder_tui.core.text.markdown import bullets, cell, cell_words, code, fence, table, words
from encoder_tui.core.text.numbers import count, share_percent
from encoder_tui.core.text.safe import shorten, visible_piece, without_surrogates
from encoder_tui.core.timing.words import COLUMNS, environment_words, remarks, row_cells
from encoder_tui.core.tokens.comparison import Comparison

BLOCKS: Final = 200
TEXTS: Final = 50
PREDICTED: Final = 20
"""How many labels, entities, answers or tokens of a text are written."""
SIMILAR: Final = 12
TEXT_START: Final = 100
"""How many encoded texts are written, how many of them are compared, and how many characters of each are shown."""
IDS: Final = 1_000
CHARACTERS: Final = 4_000
"""How many characters of a text, of its blocks and of its ids are written; the rest is only counted."""
SHOWN_SETTINGS: Final = ("device", "dtype", "attention", "threads", "max_seq_length", "offline", "trust_remote_code")
"""Settings that measurements depend on; the others concern only the person who ran them."""


def write(material: Material, sections: Sequence[str]) -> str:
    """Return the report as the content of a file."""
    names = [f"{model.letter} {model.name}" for model in material.models]
    parts = [
        f"# {words(' · '.join(names))}",
        words(f"Report by encoder-tui {__version__}, written on {material.made}."),
    ]
    for name, section in SECTIONS.items():
        if name in sections:
            parts += [f"## {name.capitalize()}", *filter(None, section(material))]
    return "\n\n".join(parts) + "\n"


def models_section(material: Material) -> list[str]:
    """One line per model: its tokenizer, limit, revision and weights; then what its card says, with all remarks."""
    rows, failures, cards = [], [], []
    for model in material.models:
        ready, letter = model.ready, model.letter
        if model.error is not None or ready is None:
            failures.append(f"**{letter}** could not be loaded: {words(model.error or 'it is still being loaded')}")
            continue
        reads = short_limit(ready.card)
        commit = ABSENT if ready.files.commit is None else cell(ready.files.commit)
        weights = "here" if ready.files.has_weights else "not here"
        kind = str(ready.files.config.get("model_type", ABSENT))
        rows.append(
            [letter, cell(model.name), cell_words(kind), cell_words(ready.tokenizer.kind), reads, commit, weights]
        )
        cards.append(f"**{letter}** {words(card_line(ready.card))}")
        cards += [f"**{letter}** {words(remark)}" for remark in ready.card.remarks]
    heads = ["", "model", "architecture", "tokenizer", "token limit", "revision", "weights"]
    return [table(heads, rows, left=4) if rows else "", bullets(cards), bullets(failures)]


def settings_section(material: Material) -> list[str]:
    """The settings and where each was set, then the versions of the libraries."""
    rows = []
    for name in SHOWN_SETTINGS:
        value = getattr(material.settings, name)
        shown = ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value).lower()
        origin = material.settings.origin(name)
        # Without the path of the file, which may reveal more than a colleague should know.
        where = origin if origin in {"default", "command line", CHOSEN} or origin.isupper() else "configuration file"
        nothing = "none" if isinstance(value, tuple) else "left to the machine and the model"
        rows.append([name, cell(shown) if shown else nothing, cell_words(where)])
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(material.versions.items()))
    return [table(["setting", "value", "from"], rows, left=3), words(f"Libraries: {libraries}.") if libraries else ""]


def tokens_section(material: Material) -> list[str]:
    """The text, statistics of each stream, the summary, and the aligned blocks."""
    comparison = material.comparison
    if comparison is None or not (comparison.present or any(comparison.refusals)):
        return ["No tokenizer is loaded."]
    text = without_surrogates(comparison.text)
    more = len(text) - CHARACTERS
    parts = [f"{count(len(text), 'character')}:", fence(text[:CHARACTERS])]
    if more > 0:
        parts.append(f"… and {count(more, 'more character')}.")
    parts.append(words(comparison.sentence()))
    for model, stream, refusal in zip(comparison.models, comparison.streams, comparison.refusals, strict=True):
        letter = model.letter
        if stream is None:
            parts += [f"**{letter}** {code(model.name)}: {words(refusal)}"] if refusal else []
            continue
        ids = stream.encoding.ids
        facts = f"{count(len(ids), 'token')}, {stream.unknown:,} unknown; {words(stream.tokenizer.kind)}"
        if ids:
            facts = f"{len(text) / len(ids):.1f} characters per token; {facts}"
        listed = " ".join(map(str, ids[:IDS])) + (f" … and {len(ids) - IDS:,} more" if len(ids) > IDS else "")
        parts += [f"**{letter}** {code(model.name)}: {facts}", fence(listed) if ids else ""]
    return [*parts, *_blocks(comparison)] if comparison.present else parts


def _blocks(comparison: Comparison) -> list[str]:
    """Return the aligned blocks as a table: each part of the text with the tokens of each model."""
    there = [
        model.letter for model, stream in zip(comparison.models, comparison.streams, strict=True) if stream is not None
    ]
    blocks = len(comparison.alignment)
    rows = []
    for index in range(min(blocks, BLOCKS)):
        block = comparison.alignment[index]
        span = comparison.alignment.text[block.start : block.end]
        cells = [
            " ".join(cell(visible_piece(stream.encoding.tokens[token])) for token in tokens) or "–"
            for stream, tokens in zip(comparison.present, block.tokens, strict=True)
        ]
        differs = "≠" if comparison.is_differing(index) else ""
        rows.append([f"{block.start:,}–{block.end:,}", cell(visible_piece(span)) or "–", *cells, differs])
    if not rows:
        return []
    parts = [table(["characters", "text", *there, "differs"], rows, left=len(there) + 3)]
    if blocks > BLOCKS:
        parts.append(f"… and {count(blocks - BLOCKS, 'more block')}.")
    return parts


def architectures_section(material: Material) -> list[str]:
    """Parameters, special features of each model, roles side by side, and configurations that differ."""
    known = material.descriptions
    complaints = bullets([words(complaint) for complaint in material.complaints])
    if not any(known):
        return ["No model is described.", complaints]
    there = [letter for letter, one in zip(material.letters, known, strict=False) if one is not None]
    described = [one for one in known if one is not None]
    particular = [
        f"**{letter}**: {words(trait)}"
        for letter, trait in zip(there, correspondence.differences(described), strict=True)
        if trait
    ]
    notes = [
        f"**{letter}**: {words(note)}" for letter, one in zip(there, described, strict=True) for note in one.remarks
    ]
    parts = [words(correspondence.sentence(known, material.letters)), bullets(particular), bullets(notes), complaints]
    totals = [
        [letter, cell(one.class_name), f"{len(one.parameters):,}", f"{one.total:,}"]
        for letter, one in zip(there, described, strict=True)
    ]
    parts.append(table(["", "class", "parameters", "values"], totals, left=2))
    roles = [
        [
            cell_words(label(row.role)),
            *(
                entry
                for c in row.cells
                if c is not None
                for entry in (cell_words(c.words), f"{c.numel:,}" if c.first is not None else "")
            ),
        ]
        for row in correspondence.rows(described)
    ]
    parts.append(table(["role", *(head for letter in there for head in (letter, "values"))], roles))
    found = configuration.settings(described)
    shown = [row for row in found if row.is_derived or row.differs]
    values = [[cell(row.name), *(ABSENT if value is None else cell(value) for value in row.values)] for row in shown]
    agree = len(found) - len(shown)
    differing = configuration.summary(found, len(described))
    left_out = f"; the {count(agree, 'other')} {'is' if agree == 1 else 'are'} left out" if agree else ""
    computed = sum(row.is_derived for row in shown)
    follow = (
        f" The first {count(computed, 'row')} {'is' if computed == 1 else 'are'} derived from them." if computed else ""
    )
    return [
        *parts,
        f"Configuration: {differing}{left_out}.{follow}",
        table(["setting", *there], values, left=len(there) + 1),
    ]


def documents_section(material: Material) -> list[str]:
    """How much of a collection each model does not read: statistics, and the sentences of `card`."""
    parts = [words(material.document)]
    if material.counts is None or not material.counts.documents:
        return [*parts, "No collection was counted."]
    figures = summary(material.counts, STRIDE)
    parts.append(f"{code(figures['source'])} · {code(figures['column'])}: {words(material.counts.sentence())}")
    if figures["empty"]:
        parts.append(f"{count(figures['empty'], 'row')} without a text.")
    letters = _letters(material.models, [model["model"] for model in figures["models"]])
    rows = []
    for letter, model in zip(letters, figures["models"], strict=True):
        windows = model["windows"]["mean"]
        rows.append(
            [
                letter,
                cell(model["model"]),
                "none" if model["limit"] is None else f"{model['limit']:,}",
                *(f"{model[name]:,.0f}" for name in ("median", "p95", "max", "tokens")),
                f"{model['characters_per_token']:.2f}",
                "–" if windows is None else f"{windows:.1f}",
            ]
        )
    heads = ["", "model", "limit", "median", "p95", "longest", "total tokens", "characters per token"]
    parts.append(table([*heads, "windows per document"], rows, left=2))
    beyond = [{entry["limit"]: entry for entry in model["beyond"]} for model in figures["models"]]
    lost = [
        [
            f"{longest:,}",
            *(
                share_percent(entries[longest][what]) if longest in entries else "–"
                for entries in beyond
                for what in ("documents", "tokens")
            ),
        ]
        for longest in sorted({longest for entries in beyond for longest in entries})
    ]
    parts.append("Share of the documents that are longer than each limit, and share of all tokens that are beyond it:")
    parts.append(
        table(["limit", *(f"{letter} {what}" for letter in letters for what in ("documents", "tokens"))], lost)
    )
    return [*parts, bullets([words(line) for line in figures["card"]])]


def _letters(models: Sequence[RequestedModel], counted: Sequence[str]) -> list[str]:
    """Return the letter of each counted model, or a dash if it is not in the report. A model may be named twice."""
    left = {model.letter: model.name for model in models}
    letters = []
    for name in counted:
        letter = next((letter for letter, one in left.items() if one == name), "–")
        left.pop(letter, None)
        letters.append(letter)
    return letters


def outputs_section(material: Material) -> list[str]:
    """The outputs of each model, as `run` prints them."""
    if not material.runs:
        return ["Nothing was run."]
    parts = [f"For {words(material.run_of)}."]
    for run in material.runs:
        if run.answer is None:
            parts.append(f"**{run.letter}** {code(run.name)}: {words(run.error or 'the run did not finish')}")
            continue
        rows = [[cell(name), *map(cell_words, others)] for name, *others in map(output_cells, run.answer.outputs)]
        remarks_of_run = bullets([words(remark) for remark in run.answer.in_force.remarks])
        parts += [f"**{run.letter}** {code(run.name)}: {words(run.answer.in_force.words())}", remarks_of_run]
        parts.append(table(OUTPUT_COLUMNS, rows, left=3))
    return parts


def vectors_section(material: Material) -> list[str]:
    """What the deployed models make of texts, as `encode` prints it, and the script that makes it again."""
    if not material.vectors:
        return ["Nothing was encoded."]
    starts = [cell(shorten(text, TEXT_START)) for text in material.encoded[:TEXTS]]
    parts = [table(["text", "beginning"], [[str(at), start] for at, start in enumerate(starts, 1)], left=2)]
    for one in material.vectors:
        if one.answer is None:
            parts.append(f"**{one.letter}** {code(one.name)}: {words(one.error or 'the texts were not encoded')}")
            continue
        pipeline, similarity = one.answer.pipeline, one.answer.similarity
        parts.append(f"**{one.letter}** {code(one.name)}: {words(heading(pipeline, one.answer.dimension))}")
        parts.append(bullets([words(remark) for remark in pipeline.remarks]))
        rows = [text_cells(one.answer, text) for text in range(len(starts))]
        parts.append(table(TEXT_COLUMNS, [[cell_words(entry) for entry in row] for row in rows], left=0))
        if similarity is not None and similarity.size > 1:
            head, *others = similarity_rows(similarity, SIMILAR)
            parts.append(table(head, [[cell_words(entry) for entry in row] for row in others]))
        if pipeline.is_random:
            parts.append(f"{MEANINGLESS.capitalize()}.")
    again = [one.reproduced for one in material.vectors if one.reproduced is not None]
    return [*parts, fence(vectors_snippet(again, material.encoded[:TEXTS]).rstrip(), "python") if again else ""]


def predictions_section(material: Material) -> list[str]:
    """What the models' heads say of texts, as `predict` prints it, and the script that makes it again."""
    if not material.predictions:
        return ["Nothing was predicted."]
    parts = []
    for one in material.predictions:
        if one.found is None:
            parts.append(f"**{one.letter}** {code(one.name)}: {words(one.error or 'it was not run')}")
            continue
        found = one.found
        parts.append(f"**{one.letter}** {code(one.name)}: {words(f'{found.task}, {found.in_force.words()}')}")
        parts.append(bullets([words(remark) for remark in [*found.in_force.remarks, *found.remarks]]))
        rows = [
            [str(number), *map(cell_words, row)]
            for number, prediction in enumerate(found.predictions[:TEXTS], 1)
            for row in prediction_cells(prediction)[:PREDICTED]
        ]
        parts.append(table(["text", *PREDICTION_COLUMNS], rows, left=2) if rows else "It says nothing of them.")
    again = [one.reproduced for one in material.predictions if one.reproduced is not None]
    return [*parts, fence(predictions_snippet(again).rstrip(), "python") if again else ""]


def timing_section(material: Material) -> list[str]:
    """Latency at each length, as `time` prints it."""
    timing = material.timing
    if timing is None or not timing.points:
        return ["Nothing was measured."]
    parts = [words(timing.about)]
    if timing.environment is not None:
        parts.append(words(environment_words(timing.environment)))
    in_force = {
        name: samples.in_force.words(samples.mode.words())
        for name, samples in reversed(timing.points)
        if samples.in_force is not None
    }
    parts.append(
        bullets(
            [
                f"**{words(name)}** {code(timing.names[name])}: {words(force)}"
                for name, force in sorted(in_force.items())
            ]
        )
    )
    rows = [cells for name, samples in timing.points if (cells := row_cells(name, samples)) is not None]
    parts.append(table(COLUMNS, [[cell_words(entry) for entry in row] for row in rows]) if rows else "")
    return [*parts, bullets([words(remark) for remark in remarks(timing.points)])]


SECTIONS: Final[dict[str, Callable[[Material], list[str]]]] = {
    "models": models_section,
    "settings": settings_section,
    "tokens": tokens_section,
    "architectures": architectures_section,
    "documents": documents_section,
    "outputs": outputs_section,
    "vectors": vectors_section,
    "predictions": predictions_section,
    "timing": timing_section,
}
"""Every section, in the order of the report."""
