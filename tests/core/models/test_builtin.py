"""The embedded default: what ships is what its files make, and its documents are what they should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from encoder_tui import builtin
from encoder_tui.client.loader import builtin_form
from encoder_tui.core.defaults import BUILTIN_NAMES, BUILTIN_PAIR, TRAINED
from encoder_tui.core.models.files import ModelFiles, resolve_here
from encoder_tui.core.models.names import parse_name
from encoder_tui.core.tokens.exact_form import TokenizerForm
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from tests.support import train_builtin, train_tiny


def files_of(name: str) -> ModelFiles:
    files = resolve_here(parse_name(name))
    assert files is not None
    return files


def form_of(name: str) -> TokenizerForm:
    return builtin_form(files_of(name))


def document(name: str) -> str:
    return (builtin.documents() / name).read_text("utf-8")


DOCUMENTS = sorted(path.name for path in builtin.documents().glob("*.txt"))
LONGEST = max(DOCUMENTS, key=lambda name: len(document(name)))
TRIPLETS = json.loads(document("triplets.json"))


@pytest.mark.parametrize("name", BUILTIN_NAMES)
def test_the_form_that_ships_is_what_autotokenizer_makes_of_the_folder(name: str) -> None:
    from transformers import AutoTokenizer

    from encoder_tui.engine.operations import tokenizer

    made = tokenizer.form_of(AutoTokenizer.from_pretrained(files_of(name).path), name)
    assert made == form_of(name)
    assert made.exact


@pytest.mark.parametrize("name", BUILTIN_PAIR)
def test_training_again_gives_the_tokenizer_that_ships(name: str) -> None:
    trainer = {"builtin:bert": train_builtin.wordpiece, "builtin:modernbert": train_builtin.byte_level_bpe}[name]
    made, shipped = json.loads(trainer(train_builtin.texts()).to_str()), json.loads(form_of(name).json)
    for part in ("model", "added_tokens", "normalizer", "pre_tokenizer"):
        assert made[part] == shipped[part], part


def test_berts_special_tokens_have_their_real_ids() -> None:
    found = ModelTokenizer(form_of("builtin:bert")).special_tokens()
    assert {role: token_id for role, _, token_id in found} == {
        "pad": 0, "unk": 100, "cls": 101, "sep": 102, "mask": 103,
    }  # fmt: skip


def test_modernberts_special_tokens_follow_its_vocabulary_in_their_real_order() -> None:
    tokenizer = ModelTokenizer(form_of("builtin:modernbert"))
    ids = {role: token_id for role, _, token_id in tokenizer.special_tokens()}
    last = tokenizer.entries - 1
    assert ids == {"unk": last - 4, "cls": last - 3, "sep": last - 2, "pad": last - 1, "mask": last}


@pytest.mark.parametrize("name", BUILTIN_NAMES)
def test_every_id_is_one_that_the_configuration_has_an_embedding_for(name: str) -> None:
    tokenizer = ModelTokenizer(form_of(name))
    assert 2_000 < tokenizer.entries <= files_of(name).config["vocab_size"]


def test_their_limits_are_the_real_ones() -> None:
    limits = [files_of(name).card.limit for name in BUILTIN_PAIR]
    assert limits == [512, 8192]


def test_configurations_and_pipelines_are_those_of_the_real_models(reference_models: tuple[Path, Path]) -> None:
    def of(path: Path, file: str) -> dict[str, Any]:
        return json.loads((path / file).read_text("utf-8"))

    for name, real in zip(BUILTIN_PAIR, reference_models, strict=True):
        ours = Path(files_of(name).path)
        assert of(ours, "config.json") == of(real, "config.json")
        one, other = of(ours, "tokenizer.json"), of(real, "tokenizer.json")
        assert one["model"]["type"] == other["model"]["type"]
        for part in ("normalizer", "pre_tokenizer"):
            assert one[part] == other[part], (name, part)
        assert one["decoder"]["type"] == other["decoder"]["type"]
        special, theirs = (
            {token["content"]: token | {"id": None} for token in file["added_tokens"]} for file in (one, other)
        )
        assert special == {content: theirs[content] for content in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")}


def test_ascii_is_never_unknown() -> None:
    printable = "".join(map(chr, range(0x21, 0x7F)))
    tokenizer = ModelTokenizer(form_of("builtin:bert"))
    for text in (printable, " ".join(printable), "".join(sorted(printable, key=str.isalnum))):
        assert tokenizer.unknown_id not in tokenizer.encode([text])[0].ids


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_a_long_readable_text(name: str) -> None:
    text = document(name)
    words = len(text.split())
    assert words >= 1_500
    assert name == LONGEST or words <= 3_500
    assert all(character.isprintable() or character == "\n" for character in text)
    assert text.count("\n\n") >= 8


def test_there_are_six_documents_or_more_and_one_is_past_8192_tokens() -> None:
    assert len(DOCUMENTS) >= 6
    tokenizer = ModelTokenizer(form_of("builtin:modernbert"))
    lengths = {name: len(tokenizer.encode([document(name)])[0]) for name in DOCUMENTS}
    assert [name for name, length in lengths.items() if length > 8192] == [LONGEST]
    assert min(lengths.values()) > 512


def test_triplets_name_a_question_and_two_documents_that_are_there() -> None:
    assert len(TRIPLETS) >= 6
    for triplet in TRIPLETS:
        assert sorted(triplet) == ["anchor", "negative", "positive"]
        assert {triplet["positive"], triplet["negative"]} <= set(DOCUMENTS)
        assert triplet["positive"] != triplet["negative"]
        assert triplet["anchor"].endswith("?")
    assert {triplet["positive"] for triplet in TRIPLETS} == set(DOCUMENTS)
    assert len({triplet["anchor"] for triplet in TRIPLETS}) == len(TRIPLETS)


@pytest.mark.parametrize("name", BUILTIN_PAIR)
def test_the_folder_holds_small_files_only(name: str) -> None:
    sizes = {path.name: path.stat().st_size for path in Path(files_of(name).path).iterdir()}
    assert sorted(sizes) == ["config.json", "form.json", "tokenizer.json", "tokenizer_config.json"]
    assert sum(sizes.values()) < 1 << 20


def test_the_tokenizer_of_tiny_is_made_again_from_the_paragraphs_that_are_not_held_out() -> None:
    texts = [paragraph.text for paragraph in train_tiny.paragraphs(held_out=False)]
    made = json.loads(train_builtin.wordpiece(texts, train_tiny.SPECIAL, train_tiny.ENTRIES, lowercase=True).to_str())
    shipped = json.loads(form_of(TRAINED).json)
    assert made["model"] == shipped["model"]
    held_out = train_tiny.paragraphs(held_out=True)
    assert len({paragraph.document for paragraph in held_out}) == len(DOCUMENTS)
    assert not {paragraph.text for paragraph in held_out} & set(texts)


def test_tiny_is_a_small_directory_of_sentence_transformers_that_says_what_it_knows() -> None:
    files = files_of(TRAINED)
    assert sum(path.stat().st_size for path in Path(files.path).rglob("*") if path.is_file()) < 2 << 20
    card = files.card
    assert (card.kind, card.limit, card.pooling, card.dimension) == ("sentence-transformer", 256, ["mean"], 128)
    assert [module.name for module in card.modules] == ["Transformer", "Pooling", "Normalize"]
    assert card.weights is not None
    assert card.weights.dtypes == {"float16": 784_312}
    assert any("sample documents of encoder-tui alone and knows nothing else" in remark for remark in card.remarks)
    assert not any("sample documents" in remark for remark in files_of("builtin:bert").card.remarks)
