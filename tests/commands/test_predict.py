"""`encoder-tui predict`, run as a program with the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_case import call, named
from tests.support.headed_models import ENTITIES, saved

TEXT = "The dance of the honeybee tells the way to the shells by the sea."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("heads")


def test_models_of_several_kinds_each_say_what_they_are_for(folder: Path) -> None:
    labels = saved(folder, "bert-cased", "AutoModelForSequenceClassification", ("bad", "good", "so-so"))
    tags = saved(folder, "bert-cased", "AutoModelForTokenClassification", ENTITIES)
    encoder = saved(folder, "bert-cased", "AutoModel")
    done = call("predict", "--json", "--top", "2", "--tokens", *named(labels, tags, encoder), TEXT, "x")
    assert done.code == 1
    classified, tagged, failed = done.models
    assert classified["task"] == "sequence-classification"
    assert [len(one) for one in classified["predictions"]] == [2, 2]
    assert classified["predictions"][0][0].keys() == {"label", "score"}
    assert classified["texts"][1] == {"tokens": 3, "characters": 1, "cut": None}
    assert tagged["task"] == "token-classification"
    assert tagged["labels"] == list(ENTITIES)
    assert "".join(TEXT[one["start"] : one["end"]] for one in tagged["tokens"][0]) == TEXT.replace(" ", "")
    assert {len(one["logits"]) for one in tagged["tokens"][0]} == {len(ENTITIES)}
    assert "tokens" not in classified
    for entity in tagged["predictions"][0]:
        assert entity.keys() == {"entity", "start", "end", "text", "score"}
        assert entity["text"] == TEXT[entity["start"] : entity["end"]]
    assert failed == {"model": str(encoder), "error": f"{encoder} has no head for labels; it is a bare encoder: "
                      "use run, or encode for vectors"}  # fmt: skip
    assert done.remarks == [f"encoder-tui: {failed['error']}"]


def test_what_is_not_read_is_said_and_windows_read_it(folder: Path) -> None:
    model = saved(folder, "bert-cased", "AutoModelForSequenceClassification", ("bad", "good", "so-so"))
    text = " ".join([TEXT] * 8)
    cut = call("predict", *named(model), text)
    assert "it reads the first" in cut.text
    assert "--windows reads all of it" in cut.text
    whole = call("predict", "--windows", *named(model), text)
    assert "of the whole" in whole.text
    (record,) = call("predict", "--windows", "--json", *named(model), text).models
    windows = record["windows"][0]
    assert len(windows) > 2
    assert record["texts"][0]["cut"] is None
    assert {label["label"] for label in record["predictions"][0]} == {"bad", "good", "so-so"}


def test_an_answer_a_mask_and_a_pair(folder: Path) -> None:
    reader = saved(folder, "bert-cased", "AutoModelForQuestionAnswering")
    done = call("predict", "--json", *named(reader), "--question", "Who?", TEXT)
    (answer,) = done.models[0]["predictions"]
    assert answer.keys() == {"answer", "start", "end", "score"}
    masked = saved(folder, "bert-cased", "AutoModelForMaskedLM")
    done = call("predict", "--json", "--top", "3", *named(masked), "The [MASK] of the [MASK].")
    (masks,) = done.models[0]["predictions"]
    assert [len(mask) for mask in masks] == [3, 3]
    assert masks[0][0].keys() == {"token", "score"}
    scorer = saved(folder, "bert-cased", "AutoModelForSequenceClassification", ("LABEL_0",))
    done = call("predict", "--json", *named(scorer), TEXT, "--pair", "x", "--pair", "y")
    assert [one.keys() for one in done.models[0]["predictions"]] == [{"score"}, {"score"}]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a", "b", "--pair", "c", "--pair", "d", "--pair", "e"], "2 texts and 3 second texts do not match"),
        (["a", "--labels", " , "], "--labels names no label"),
        (["a", "--top", "0"], "--top"),
        (["a", "--aggregation", "most"], "--aggregation"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    done = call("predict", *arguments)
    assert done.code == 2
    assert words in done.stderr


def test_occlusion_is_the_fall_of_the_score_when_a_word_is_masked(folder: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    directory = saved(folder, "bert-cased", "AutoModelForSequenceClassification", ("bad", "good", "so-so"))
    text = "She sells sea shells, unbelievable!"
    done = call("predict", "--json", "--occlusion", "--label", "good", *named(directory), text)
    (found,) = done.models[0]["occlusion"]
    model = AutoModelForSequenceClassification.from_pretrained(directory).eval()
    tokenizer = AutoTokenizer.from_pretrained(directory)

    def score(of: str) -> float:
        with torch.inference_mode():
            return float(model(**tokenizer(of, return_tensors="pt")).logits[0].softmax(0)[1])

    words = text.split()
    assert [word["text"] for word in found["words"]] == words
    assert (found["label"], found["score"]) == ("good", pytest.approx(score(text), abs=1e-6))
    for index, word in enumerate(found["words"]):
        masked = " ".join([*words[:index], "[MASK]", *words[index + 1 :]])
        assert word["fall"] == pytest.approx(score(text) - score(masked), abs=1e-6)
    assert max(abs(word["fall"]) for word in found["words"]) > 1e-3
    refused = call("predict", "--occlusion", "--label", "fine", *named(directory), text)
    assert refused.code == 1
    assert 'there is no label "fine"; the labels are bad, good, so-so' in refused.stderr


def test_the_limit_that_was_chosen_is_that_of_pairs_too(folder: Path) -> None:
    scorer = saved(folder, "bert-cased", "AutoModelForSequenceClassification", ("LABEL_0",))
    labels = saved(folder, "bert-cased", "AutoModelForSequenceClassification", ("bad", "good", "so-so"))
    pair = " ".join([TEXT] * 2)
    given = [*named(scorer, labels), "She sells", "--pair", pair, "--json"]
    whole, cut = call("predict", *given), call("predict", *given, "--max-seq-length", "16")
    for before, after in zip(whole.models, cut.models, strict=True):
        (read,) = before["texts"]
        assert "pair_cut" not in read
        (read,) = after["texts"]
        assert read["cut"] is None
        assert 0 < read["pair_cut"] < len(pair)
        assert before["predictions"] != after["predictions"]
    (cut_by_hand,) = call("predict", *named(scorer), "She sells", "--pair", pair[: read["pair_cut"]], "--json").models
    assert cut_by_hand["predictions"][0]["score"] == pytest.approx(cut.models[0]["predictions"][0]["score"], abs=1e-6)
    assert "of the second text; the rest is not seen" in call("predict", *given[:-1], "--max-seq-length", "16").text


def test_what_is_read_of_each_text_is_said_with_candidate_labels_too(folder: Path) -> None:
    model = saved(
        folder, "bert-cased", "AutoModelForSequenceClassification", ("contradiction", "neutral", "entailment")
    )
    texts = ["x", " ".join([TEXT] * 8)]
    (record,) = call("predict", "--json", "--labels", "sea,the long way home", *named(model), *texts).models
    short, long = record["texts"]
    assert (short["cut"], short["characters"]) == (None, 1)
    assert 0 < long["cut"] < long["characters"] == len(texts[1])
    printed = call("predict", "--labels", "sea,the long way home", *named(model), *texts).text
    assert printed.count("it reads the first") == 1
