"""The report: its numbers are those of the commands, and whatever a text holds, the Markdown stays whole."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click.testing
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from textual.events import Key
from textual.widgets import Input

from encoder_tui.client.loader import builtin_form
from encoder_tui.commands.cli import cli
from encoder_tui.core.documents.lengths import CollectionCounts, LengthCounts
from encoder_tui.core.models.files import resolve_here
from encoder_tui.core.models.names import ModelName, parse_name
from encoder_tui.core.models.placement import InForce
from encoder_tui.core.models.ready import ReadyModel, RequestedModel
from encoder_tui.core.outputs.runs import OutputFacts, RunAnswer
from encoder_tui.core.parameters.description import Description, Parameter
from encoder_tui.core.report.material import (
    Material,
    ReportedPredictions,
    ReportedRun,
    ReportedTiming,
    ReportedVectors,
)
from encoder_tui.core.report.reproduce_predictions import HeadToReproduce
from encoder_tui.core.report.reproduce_tasks import PipelineToReproduce
from encoder_tui.core.report.sections import SECTIONS, write
from encoder_tui.core.settings import Settings
from encoder_tui.core.tasks.answers import Answer, WindowAnswers
from encoder_tui.core.tasks.encoding import EncodeAnswer, EncodedText, Pipeline, Similarity, Vectors
from encoder_tui.core.tasks.entities import Entity
from encoder_tui.core.tasks.predictions import HEAD_OF, Predicted, TextPrediction, TokenScore, Wish
from encoder_tui.core.tasks.probabilities import LabelScore
from encoder_tui.core.text import markdown
from encoder_tui.core.text.safe import visible, visible_piece
from encoder_tui.core.timing.plan import Plan
from encoder_tui.core.timing.run import sweep
from encoder_tui.core.timing.samples import Measurement, Point, Samples, time_record
from encoder_tui.core.tokens.comparison import compare
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.dialogs.report import PROPOSED, ReportDialog
from encoder_tui.window.panes.outputs.runs import ModelRun, Question
from encoder_tui.window.panes.timing import measurable
from encoder_tui.window.report import ReportWriter
from tests.support.app_report import in_a_terminal, written_by_the_window
from tests.support.in_process import tasks_in_process
from tests.support.still import until
from tests.support.texts import HARD

__all__ = ["tasks_in_process"]

PAIR = ("-m", "builtin:bert", "-m", "builtin:modernbert")
SIGNS = "`|\\*_[]()<>#!-+=~&$:/.0123456789 \n\r\t\x1b\x00ab"
hostile = st.text(alphabet=SIGNS, max_size=40) | st.text(max_size=30) | st.sampled_from(HARD)
parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tokens_of(text: str) -> Iterator[Token]:
    for token in parser.parse(text):
        yield token
        yield from token.children or ()


def shown(text: str) -> str:
    """What a reader of rendered Markdown sees, without its structure."""
    return "".join(token.content for token in tokens_of(text) if token.type in {"text", "code_inline", "text_special"})


def kinds(text: str) -> list[str]:
    """The structure: every token but the words themselves and how they are set."""
    words = {"text", "text_special", "softbreak", "code_inline"}
    return [token.type for token in tokens_of(text) if token.type not in words]


# The pieces


@settings(max_examples=200, deadline=None)
@given(hostile)
def test_words_and_code_are_read_as_they_are_and_make_nothing_else(text: str) -> None:
    plain = " ".join(visible(text).split())
    for written, seen in ((markdown.words(text), plain), (markdown.code(text), visible(text))):
        if not plain:
            continue
        assert shown(written) == seen
        assert kinds(written) == ["paragraph_open", "inline", "paragraph_close"]


@settings(max_examples=200, deadline=None)
@given(st.lists(hostile, min_size=1, max_size=4))
def test_a_table_has_a_cell_for_every_text_and_the_cell_says_it(texts: list[str]) -> None:
    heads = [str(index) for index in range(len(texts))]
    tables = {
        markdown.cell: [visible(text).strip(" ") for text in texts],
        markdown.cell_words: [" ".join(visible(text).split()) for text in texts],
    }
    for write_cell, seen in tables.items():
        found = parser.parse(markdown.table(heads, [[write_cell(text) for text in texts]]))
        cells = [
            "".join(child.content for child in after.children or ())
            for token, after in itertools.pairwise(found)
            if token.type == "td_open"
        ]
        assert cells == seen
        allowed = {"text", "text_special", "code_inline"}
        assert {child.type for token in found for child in token.children or ()} <= allowed


@settings(max_examples=100, deadline=None)
@given(hostile)
def test_a_fence_holds_every_line(text: str) -> None:
    found = parser.parse(markdown.fence(text))
    assert [token.type for token in found] == ["fence"]
    assert found[0].content == "".join(f"{visible(line)}\n" for line in text.split("\n"))


# The whole


@cache
def built_in() -> tuple[RequestedModel, ...]:
    models = []
    for name in ("builtin:bert", "builtin:modernbert"):
        files = resolve_here(parse_name(name))
        assert files is not None
        models.append(RequestedModel(len(models), name, ReadyModel(name, files, ModelTokenizer(builtin_form(files)))))
    return tuple(models)


def material(text: str, word: str) -> Material:
    """Something in every section; `word` wherever a name, a message or a value comes from outside."""
    models = [RequestedModel(model.number, word, model.ready) for model in built_in()]
    models.append(RequestedModel(2, word, error=word))
    parameters = [Parameter("embeddings.word_embeddings.weight", (4, 2), "float32", 8, "word_embedding")]
    one = Description(
        class_name=word,
        kind="",
        source="architecture",
        parameters=parameters,
        config={"a": f"of {word}", "b": 1},
        remarks=[word],
    )
    other = Description(
        class_name="x", kind="", source="architecture", parameters=parameters, config={"a": 2, f"{word}c": 1}
    )
    in_force = InForce(word, "float32", "sdpa", "random", 8, remarks=[word])
    answer = RunAnswer(in_force, [OutputFacts(word, [1, 2], "float32", "cpu", 0.5, None, 0.1, None, 3)])
    samples = Samples(Point(0, 128), in_force, 0.5, [0.1, 0.2, 0.1], [0.1], ended=word)
    counts = LengthCounts(word, 8, 2, {5: 3, 20: 1}, 60)
    return Material(
        models,
        made=word,
        versions={"torch": word},
        comparison=compare(text, models),
        descriptions=[one, other, None],
        complaints=[word],
        counts=CollectionCounts(word, word, [counts, counts], 4, 4, is_complete=True),
        document=word,
        runs=[ReportedRun("A", word, answer), ReportedRun("B", word, None, word)],
        encoded=[text, word],
        vectors=[encoded("A", word, in_force), ReportedVectors("B", word, error=word)],
        predicted=[text],
        predictions=[*predicted(text, word, in_force), ReportedPredictions("B", word, error=word)],
        timing=ReportedTiming(
            [("A", samples), ("B", Samples(Point(0, 9), ended=word))], {"A": word, "B": word}, None, word
        ),
    )


def predicted(text: str, word: str, in_force: InForce) -> list[ReportedPredictions]:
    """What heads of every kind say, with `word` for labels, tokens and what stands in the text."""
    found = [
        TextPrediction(labels=[LabelScore(word, 0.5)]),
        TextPrediction(entities=[Entity(word, 0, 1, word, 0.5)]),
        TextPrediction(answers=WindowAnswers([Answer(word, 0, 1, 0.5)], is_unanswerable=True)),
        TextPrediction(masks=[[TokenScore(word, 0.5)]]),
        TextPrediction(score=0.5),
    ]
    wish = Wish(texts=[text, word], pairs=[word], labels=[word], question=word)
    name = ModelName(word, word)
    return [
        ReportedPredictions(
            "A", word, Predicted(task, in_force, [], found, [word]), HeadToReproduce(name, task, in_force, wish)
        )
        for task in HEAD_OF
    ]


def encoded(letter: str, word: str, in_force: InForce) -> ReportedVectors:
    """Two texts under a sparse model whose terms, prompt and remarks are `word`."""
    pipeline = Pipeline(in_force, "sparse-encoder", "x", prompt=word, prompt_text=word, is_random=True, remarks=[word])
    weights = struct.pack("<3f", 3.0, 2.0, 1.0)
    vectors = Vectors("sparse", 9, weights, [2, 1], struct.pack("<3i", 1, 2, 1), {1: word, 2: word})
    texts = [EncodedText(3, 2, 1, 1.5), EncodedText(1, 1)]
    answer = EncodeAnswer(pipeline, texts, vectors, Similarity("dot", 2, struct.pack("<4f", 1, 0, 0, float("nan"))))
    return ReportedVectors(letter, word, answer, PipelineToReproduce(ModelName(word, word), pipeline))


@settings(max_examples=30, deadline=None)
@given(text=hostile, word=hostile)
@example(text="", word="~0")
def test_whatever_comes_from_outside_every_section_keeps_its_structure(text: str, word: str) -> None:
    report = write(material(text, word), list(SECTIONS))
    plain = write(material("ordinary words", word="name"), list(SECTIONS))
    for name in SECTIONS:
        if name != "tokens":
            found, wanted = kinds(section(report, name)), kinds(section(plain, name))
            # Paragraphs of an empty word are left out with it.
            assert found == wanted if visible(word).split() else set(found) <= set(wanted)
    headings = [token for token in parser.parse(report) if token.type == "heading_open"]
    assert [token.tag for token in headings] == ["h1", *["h2"] * len(SECTIONS)]
    assert not {"html_inline", "html_block", "link_open", "image", "em_open", "s_open"} & set(kinds(report))
    assert all(character.isprintable() or character == "\n" for character in report)


def section(report: str, name: str) -> str:
    return report.split(f"\n## {name.capitalize()}\n", 1)[1].split("\n## ", 1)[0]


def test_a_long_text_is_cut_with_a_sign() -> None:
    made = material("lamp, " * 2000, "name")
    told = section(write(made, ["tokens"]), "tokens")
    assert "… and 8,000 more characters" in told
    assert "more blocks" in told
    assert told.count("\n| ") < 210


def test_the_numbers_of_timing_are_those_of_json() -> None:
    samples = material("x", "name").timing
    assert samples is not None
    record = time_record("A", samples.points[0][1])
    row = next(
        line for line in section(write(material("x", "name"), ["timing"]), "timing").splitlines() if "| A |" in line
    )
    numbers = [1000 * record[key] for key in ("median_s", "iqr_s")]
    assert [cell.strip() for cell in row.split("|")[3:5]] == [f"{number:,.1f}" for number in numbers]


# The command


def call(*arguments: str) -> click.testing.Result:
    """Run a command in this process, its engine's tasks too."""
    return click.testing.CliRunner().invoke(cli, list(arguments), prog_name="encoder-tui")


def data(*arguments: str) -> Any:
    done = call(*arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.usefixtures("tasks_in_process")
def test_every_number_is_the_one_that_the_commands_print() -> None:
    text = "A lamp | of `a` lighthouse."
    done = call(*PAIR, "--docs", "builtin", "report", text, "--sections", "tokens,architectures,documents,outputs")
    assert done.exit_code == 0, done.stderr
    report = done.stdout
    printed = data(*PAIR, "tokens", "--json", text)
    streams = [model["encodings"][0] for model in printed["models"]]
    assert [re.findall(r"^[\d ]+$", report, re.MULTILINE)[index] for index in (0, 1)] == [
        " ".join(map(str, stream["input_ids"])) for stream in streams
    ]
    rows = [line for line in section(report, "tokens").splitlines() if line.startswith("| ")][2:]
    for row, block in zip(rows, printed["alignments"][0], strict=True):
        cells = [cell.strip() for cell in row.split(" | ")]
        assert cells[0] == "| {:,}–{:,}".format(*block["span"])
        for cell, stream, tokens in zip(cells[2:4], streams, block["tokens"], strict=True):
            assert shown(cell) == (" ".join(visible_piece(stream["tokens"][token]) for token in tokens) or "–")
    for model in data(*PAIR, "params", "--json")["models"]:
        assert f"| {len(model['parameters']):,} | {model['total']:,} |" in section(report, "architectures")
    for model in data(*PAIR, "docs", "builtin", "--summary", "--json")["models"]:
        figures = " | ".join(f"{model[name]:,.0f}" for name in ("median", "p95", "max", "tokens"))
        assert f"| {figures} | {model['characters_per_token']:.2f} |" in section(report, "documents")
    for model in data(*PAIR, "run", "--json", text)["models"]:
        for output in model["outputs"]:
            numbers = [output[name] for name in ("mean", "std", "min", "max")]
            row = " | ".join("–" if number is None else f"{number:.4g}" for number in numbers)
            assert f"| {row} |".replace("|  |", "|") in section(report, "outputs")


def test_a_report_goes_to_a_file_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    done = call(*PAIR, "report", "lens", "--sections", "models,tokens", "--output", str(path))
    assert (done.exit_code, done.stdout) == (0, "")
    assert path.read_text().startswith("# A builtin:bert · B builtin:modernbert\n")
    assert list(tmp_path.glob(".*")) == []
    assert call(*PAIR, "report", "x", "--output", str(tmp_path / "no" / "x.md")).exit_code == 2
    (tmp_path / "x.md").mkdir()
    assert call(*PAIR, "report", "x", "--sections", "models", "--output", str(tmp_path / "x.md")).exit_code == 2


def test_sections_stand_in_the_reports_order_and_an_unknown_one_is_wrong_usage() -> None:
    done = call(*PAIR, "report", "lens", "--sections", "tokens,models")
    assert re.findall("^## (.*)$", done.stdout, re.MULTILINE) == ["Models", "Tokens"]
    refused = call("report", "x", "--sections", "tokens,poems")
    assert refused.exit_code == 2
    assert "unknown section 'poems'" in refused.stderr


def test_a_model_that_cannot_be_had_is_told_and_the_rest_is_there() -> None:
    done = call("-m", "builtin:bert", "-m", "/no/such/model", "report", "lens", "--sections", "models,tokens")
    assert done.exit_code == 1
    assert "**B** could not be loaded: " in done.stdout
    assert "no such directory" in done.stderr
    assert "## Tokens" in done.stdout


def test_documents_of_a_model_that_was_named_twice_have_both_letters() -> None:
    counts = [LengthCounts(name, 2, 512, {600: 1}, 2_400) for name in ("one", "one", "of old")]
    counted = CollectionCounts("documents.jsonl", "text", counts)
    twins = [RequestedModel(0, "one"), RequestedModel(1, "one")]
    written = "\n".join(SECTIONS["documents"](Material(twins, counts=counted)))
    assert re.findall(r"^\| (\S) \| `?(?:one|of old)", written, re.MULTILINE) == ["A", "B", "–"]


# The window


async def test_the_palette_writes_what_is_on_the_screen(tmp_path: Path) -> None:
    report = await written_by_the_window(tmp_path / "r.md", "lens | of [a] lighthouse")
    assert re.findall("^## (.*)$", report, re.MULTILINE) == ["Models", "Settings", "Tokens", "Documents"]
    done = await asyncio.to_thread(call, *PAIR, "report", "lens | of [a] lighthouse", "--sections", "tokens")
    by_command = done.stdout
    assert section(report, "tokens").strip() == section(by_command, "tokens").strip()
    assert "all 2 documents counted" in section(report, "documents")


@pytest.mark.usefixtures("no_engine")
async def test_keys_typed_ahead_of_a_tab_go_to_what_the_tab_leads_to() -> None:
    app = EncoderApp(Settings(model=("builtin:bert",), text="lens"))
    async with app.run_test(size=(120, 40)) as pilot:
        app.action_report()
        await until(pilot, lambda: isinstance(app.screen, ReportDialog) and isinstance(app.focused, Input))
        dialog: Any = app.screen
        before = dialog.chosen
        # All at once, as they come over a slow line.
        for key, character in (("tab", None), ("down", None), ("space", " ")):
            app.post_message(Key(key, character))
        await until(pilot, lambda: dialog.chosen != before)
        assert dialog.query_one(Input).value == PROPOSED


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("pane", ["outputs", "timing"])
async def test_what_was_run_and_measured_in_the_window_is_in_its_report(pane: str) -> None:
    app = EncoderApp(Settings(model=("builtin:bert",), text="lens", pane=pane))
    run = material("x", "name").runs[0].answer
    assert run is not None
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.session.slots[0].state == "exact")
        there: Any = app.query_one(f"#{pane}")
        if pane == "outputs":
            there.runs.runs = [ModelRun(app.session.slots[0], 0, Question("lens"), answer=run)]
        else:
            (model,) = measurable.timed_models(app.session)
            there.measurer.run = sweep([model], Plan([16]), 2)
            there.measurer.run.hear(
                Measurement(samples=[Samples(there.measurer.run.groups[0][0], run.in_force, 0.5, [0.25], [0.25])])
            )
        report = section(write(ReportWriter(app.session).material(app.panes.made), list(SECTIONS)), pane)
    assert "**A** `builtin:bert`: name, float32, sdpa attention, random weights" in report
    assert ("| `name` | 1×2 | float32 | 0.5 |" if pane == "outputs" else "| A | 1 × 16 | 250.0 |") in report


def test_in_a_terminal_the_palette_leads_to_a_file(tmp_path: Path) -> None:
    report = in_a_terminal(tmp_path)
    assert "| 0–4 | `lens` |" in report


def test_vectors_stand_with_what_made_them_and_the_script_that_makes_them_again() -> None:
    report = " ".join(write(material("a lens", "name"), ["vectors"]).split())
    assert "| 1 | `a lens` |" in report
    assert "**A** `name`: sparse-encoder, 9 values, no limit, prompt name" in report
    assert "| 1 | 3 | 2 | 1 | 1.5000 | name 3.00, name 2.00 |" in report
    assert "The values are random, so similarities mean nothing." in report
    assert "model = SparseEncoder('name', device='name'" in report
    assert "**B** `name`: name" in report
