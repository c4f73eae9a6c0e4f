"""Tokens of a model whose texts sentence-transformers lower-cases, against those that it makes itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoder_tui.client.loader import as_deployed
from encoder_tui.core.tokens.exact_form import lowering
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from tests.support.deployed_models import OLD_POOLING, modules, old, write_files
from tests.support.saved_models import files_of, saved, tokenizer_of

TEXTS = (
    "How BREAD rises.",
    "İstanbul ΟΔΟΣ Straße ǅ [CLS] [MASK] É e\u0301",
    "",
    "\U00010400 \u212a \u1e9e",
)


@pytest.mark.parametrize("name", ["bert-cased", "roberta", "xlm-roberta-nfkc", "bert-keeps-accents"])
def test_ids_are_those_of_sentence_transformers_and_offsets_are_in_the_text(name: str, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    directory = write_files(
        saved(name, tmp_path),
        {
            "modules.json": modules((old("Transformer"), ""), (old("Pooling"), "1_Pooling")),
            "1_Pooling/config.json": OLD_POOLING,
            "sentence_bert_config.json": {"max_seq_length": 60, "do_lower_case": True},
        },
    )
    files = files_of(directory)
    tokenizer = ModelTokenizer(as_deployed(tokenizer_of(directory).form, files))
    reference = SentenceTransformer(str(directory), device="cpu")
    for text in TEXTS:
        (encoding,) = tokenizer.encode([text])
        assert encoding.ids == reference.preprocess([text])["input_ids"][0].tolist()
        assert encoding.offsets == reference.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
        assert all(0 <= start <= end <= len(text) for start, end in encoding.offsets)
    assert ("lower-cased by sentence-transformers" in tokenizer.kind) is (name != "bert-keeps-accents")


def test_a_form_that_lower_cases_already_stays_as_it_is(tmp_path: Path) -> None:
    form = tokenizer_of(saved("bert-cased", tmp_path)).form
    once = lowering(form)
    assert once.json != form.json
    assert lowering(once) is once
