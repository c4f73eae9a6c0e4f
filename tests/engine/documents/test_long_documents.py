"""Documents of 10 MB: the text and the cuts at once, all tokens later, in memory that stays small."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest

from encoder_tui import builtin
from encoder_tui.client.client import EngineClient
from encoder_tui.client.collection import Collection, CountedModel
from encoder_tui.client.loader import builtin_form
from encoder_tui.core.documents.document import DocumentTokens
from encoder_tui.core.models.files import resolve_here
from encoder_tui.core.models.names import parse_name
from encoder_tui.core.models.ready import ReadyModel
from encoder_tui.core.tokens.tokenizer import EncodeOptions, ModelTokenizer
from encoder_tui.engine.documents import opened
from encoder_tui.engine.documents.counting import document_tokens
from encoder_tui.engine.documents.piecewise import Tokenization
from encoder_tui.engine.job import Job, JobCancelled
from encoder_tui.engine.operations import document
from encoder_tui.protocol.documents import Counted, DocumentRequest, SourceSpec
from encoder_tui.protocol.frames import Progress
from tests.support.engine_case import children
from tests.support.model_directories import all_directories
from tests.support.texts import texts

DIRECTORIES = all_directories()


def ready(name: str) -> ReadyModel:
    files = resolve_here(parse_name(name))
    assert files is not None
    return ReadyModel(name, files, ModelTokenizer(builtin_form(files)))


def tokenizer(name: str) -> ModelTokenizer:
    return ready(name).tokenizer


def long_text(characters: int) -> str:
    """Paragraphs of the samples in an order that nobody foresees."""
    source = random.Random(10)
    paragraphs = [
        line for path in sorted(builtin.documents().glob("*.txt")) for line in path.read_bytes().decode().split("\n")
    ]
    pieces: list[str] = []
    while characters > 0:
        pieces.append(source.choice(paragraphs))
        characters -= len(pieces[-1]) + 1
    return "\n".join(pieces)


def megabytes(pid: int) -> int:
    """The largest size that a process ever had in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) >> 10 for line in status.splitlines() if line.startswith("VmHWM"))


def in_pieces(tokenizer: ModelTokenizer, text: str, step: int, overlap: int) -> DocumentTokens:
    tokenization = Tokenization(tokenizer, text, step, overlap, 3)
    reached = -1
    while not tokenization.is_whole:
        tokenization.go_on()
        assert tokenization.reached >= reached or tokenization.reached == 0
        reached = tokenization.reached
    return tokenization.tokens


async def test_a_document_of_10_mb_opens_with_its_text_then_its_cuts_then_all_its_tokens(tmp_path: Path) -> None:
    text = long_text(10_000_000)
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": text}) + "\n")
    models = [CountedModel(ready("builtin:bert"))]
    seen: list[str] = []
    heads: list[DocumentTokens] = []

    def hear_progress(progress: Progress) -> None:
        assert progress.total == len(text)
        if seen[-1] != "progress":
            seen.append("progress")

    def hear_text(arrived: str) -> None:
        assert arrived == text
        seen.append("text")

    def hear_first(tokens: list[DocumentTokens]) -> None:
        heads.extend(tokens)
        seen.append("cuts")

    engine = EngineClient(tmp_path / "engine.log")
    try:
        collection = await Collection.open(engine, SourceSpec(str(path)))
        _, (tokens,) = await collection.document(0, models, hear_text, hear_progress, hear_first)
        # A list is not to wait for what takes seconds, and takes what is known.
        rows = await collection.rows(0, 1, models)
        peaks = [megabytes(pid) for pid in children()] if sys.platform == "linux" else []
    finally:
        await engine.close()
    assert seen == ["text", "progress", "cuts", "progress"]
    (head,) = heads
    assert (head.is_whole, tokens.is_whole) == (False, True)
    kept = models[0].tokenizer.encode([text[:60_000]], options=EncodeOptions(truncation=True, max_length=8192))[0]
    for limit in (128, 512, 8192):
        assert head.cut(limit) == tokens.cut(limit) == kept.offsets[limit - 2][1]
    assert tokens.ends[-1] == len(text.rstrip())
    assert 2_000_000 < tokens.total == rows.rows[0].tokens[0]
    # In one piece it took 1,700 MB.
    assert all(peak < 400 for peak in peaks)


@pytest.mark.parametrize("name", DIRECTORIES)
def test_pieces_give_the_tokens_of_the_whole(name: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    from encoder_tui.engine.operations.tokenizer import form_of

    directory: Path = DIRECTORIES[name](tmp_path)
    of = ModelTokenizer(form_of(AutoTokenizer.from_pretrained(directory), name))
    source = random.Random(name)
    clean = [text.encode("utf-8", "replace").decode() for text in texts(240)]
    hurtful = ["x" * 900, " " * 700, "我们" * 300, "😀" * 300, "\r\n" * 300, "e\u0301" * 300, "ab1" * 250]
    for separator in (" ", "", "\r\n"):
        text = separator.join(source.sample([*clean, *hurtful], 150))
        whole = document_tokens(of, text)
        for step, overlap in ((900, 500), (2_000, 256)):
            found = in_pieces(of, text, step, overlap)
            assert (list(found.starts), list(found.ends)) == (list(whole.starts), list(whole.ends))


def test_a_word_as_long_as_the_document_is_one_piece_in_the_end() -> None:
    of = tokenizer("builtin:bert")
    text = "x" * 50_000
    found = in_pieces(of, text, 1_000, 200)
    assert (list(found.starts), list(found.ends)) == ([0], [50_000])


def test_a_cancelled_document_ends_between_two_pieces_and_goes_on_from_there(tmp_path: Path) -> None:
    text = long_text(1_500_000)
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": text}) + "\n")
    opened.tokenizers["bert"] = tokenizer("builtin:bert")
    request = DocumentRequest(SourceSpec(str(path)), "text", 0, [Counted("bert", 512)])
    reached: list[int] = []

    def hear(message: object) -> None:
        if isinstance(message, Progress) and message.text.startswith("tokenizing"):
            reached.append(message.done)
            if len(reached) == 3:
                job.cancel()

    job = Job(1, hear)
    document.run(request, job)
    rest = DocumentRequest(request.spec, "text", 0, request.models, goes_on=True, seconds=60)
    with pytest.raises(JobCancelled):
        document.run(rest, job)
    job = Job(2, hear)
    assert document.run(rest, job).is_whole
    assert reached[0] == 0 < reached[1] < reached[2]
    assert reached[3] >= reached[2]
    opened.tokenizers.clear()
