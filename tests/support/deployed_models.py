"""Directories as models are deployed: saved by sentence-transformers, and written by hand as its older versions did.

`saved_by_library` and `old_layouts` name them; each value writes its directory. All of them hold the same tiny BERT.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.saved_models import saved, with_head

Write = Callable[[Path], Path]
WIDTH = 16
"""Values in a vector of the tiny BERT."""


def tiny_bert(folder: Path, head: bool = False) -> Path:
    """A saved BERT of 64 positions, with a masked-language head if asked for."""
    return (with_head if head else saved)("bert-cased", folder)


def saved_by_library(bert: Path, masked: Path) -> dict[str, Write]:
    """Directories that sentence-transformers writes, by what is particular about them.

    `bert` and `masked` are saved models, the second with a masked-language head.
    """
    from sentence_transformers import CrossEncoder, MultiVectorEncoder, SentenceTransformer, SparseEncoder
    from sentence_transformers.base.modules import Dense, Normalize, Router, Transformer
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
    from sentence_transformers.sentence_transformer.modules import (
        CNN,
        LSTM,
        LayerNorm,
        Pooling,
        StaticEmbedding,
        WeightedLayerPooling,
    )
    from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder, SpladePooling
    from tokenizers import Tokenizer

    def kept(model: Any) -> Write:
        def write(directory: Path) -> Path:
            model.save_pretrained(str(directory), create_model_card=False)
            return directory

        return write

    def transformer(**settings: Any) -> Any:
        return Transformer(str(bert), **settings)

    def dense(*modules: Any, **settings: Any) -> Write:
        return kept(SentenceTransformer(modules=[transformer(), *modules], device="cpu", **settings))

    def longest(tokens: int, model: Any) -> Any:
        model.max_seq_length = tokens
        return model

    pooled = Pooling(WIDTH)
    static = StaticEmbedding(Tokenizer.from_file(str(bert / "tokenizer.json")), embedding_dim=12)
    mask = MultiVectorMask()
    return {
        **{f"pooling {mode}": dense(Pooling(WIDTH, mode)) for mode in Pooling.POOLING_MODES},
        "pooling of two modes": dense(Pooling(WIDTH, ("cls", "weightedmean"))),
        "normalized": dense(pooled, Normalize()),
        "dense": dense(pooled, Dense(WIDTH, 24), Normalize()),
        "two dense": dense(pooled, Dense(WIDTH, 24), Dense(24, 6)),
        "layer norm": dense(pooled, LayerNorm(WIDTH)),
        "cnn": dense(CNN(WIDTH, 8, [1, 3]), Pooling(16)),
        "lstm": dense(LSTM(WIDTH, 5), Pooling(10)),
        "layers pooled": dense(WeightedLayerPooling(WIDTH, 2, 1), pooled),
        "cut to five values": dense(pooled, truncate_dim=5),
        "cut to more than there are": dense(pooled, truncate_dim=500),
        "prompts": dense(
            pooled, prompts={"query": "query: ", "document": "", "classification": "classify: "},
            default_prompt_name="classification",
        ),
        "short": kept(longest(20, SentenceTransformer(modules=[transformer(), pooled], device="cpu"))),
        **{
            f"similarity {name}": dense(pooled, similarity_fn_name=name)
            for name in ("cosine", "dot", "euclidean", "manhattan")
        },
        "static": kept(SentenceTransformer(modules=[static], device="cpu")),
        "two routes": kept(
            SentenceTransformer(
                modules=[Router.for_query_document([transformer(), pooled], [transformer(), Pooling(WIDTH, "cls")])],
                device="cpu",
            )
        ),
        "splade": kept(
            SparseEncoder(
                modules=[Transformer(str(masked), transformer_task="fill-mask"), SpladePooling("max")], device="cpu"
            )
        ),
        "sparse auto-encoder": kept(
            SparseEncoder(
                modules=[transformer(), pooled, SparseAutoEncoder(WIDTH, 48, k=4)],
                device="cpu", similarity_fn_name="cosine",
            )
        ),
        "multi-vector": kept(
            MultiVectorEncoder(
                modules=[
                    transformer(),
                    Dense(WIDTH, 10, bias=False, activation_function=None, module_input_name="token_embeddings"),
                    mask, Normalize(module_input_name="token_embeddings"),
                ],
                device="cpu", prompts={"query": "[Q] ", "document": "[D] "},
            )
        ),
        "cross-encoder": kept(CrossEncoder(str(bert), num_labels=1, device="cpu", local_files_only=True)),
        "cross-encoder of three labels": kept(
            CrossEncoder(str(bert), num_labels=3, device="cpu", local_files_only=True, prompts={"rank": "rank: "})
        ),
    }  # fmt: skip


OLD_POOLING = {
    "word_embedding_dimension": WIDTH,
    "pooling_mode_cls_token": False,
    "pooling_mode_mean_tokens": True,
    "pooling_mode_max_tokens": False,
    "pooling_mode_mean_sqrt_len_tokens": False,
}


def modules(*entries: tuple[str, str]) -> list[dict[str, Any]]:
    """`modules.json` with these classes and folders."""
    return [
        {"idx": index, "name": str(index), "path": path, "type": kind} for index, (kind, path) in enumerate(entries)
    ]


def old(name: str) -> str:
    """A class of modules by the name that it had for five years."""
    return f"sentence_transformers.models.{name}"


def write_files(directory: Path, files: dict[str, Any]) -> Path:
    """Write JSON files, in folders if their names have them."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return directory


def old_layouts(bert: Path) -> dict[str, Write]:
    """Directories as older versions of sentence-transformers wrote them, by what is particular about them."""

    def beside(files: dict[str, Any]) -> Write:
        """The transformer in the directory itself."""

        def write(directory: Path) -> Path:
            shutil.copytree(bert, directory)
            return write_files(directory, files)

        return write

    def in_folders(folder: str, files: dict[str, Any]) -> Write:
        """The transformer in a folder of its own."""

        def write(directory: Path) -> Path:
            shutil.copytree(bert, directory / folder)
            return write_files(directory, files)

        return write

    usual = modules((old("Transformer"), ""), (old("Pooling"), "1_Pooling"))
    of_version_0 = modules((old("Transformer"), "0_Transformer"), (old("Pooling"), "1_Pooling"))
    short = {"max_seq_length": 32, "do_lower_case": False}
    both = {**OLD_POOLING, "pooling_mode_cls_token": True, "pooling_mode_max_tokens": True}
    return {
        "version 2": beside(
            {"modules.json": usual, "1_Pooling/config.json": OLD_POOLING, "sentence_bert_config.json": short}
        ),
        "normalized, with an empty folder left out": beside(
            {
                "modules.json": [*usual, {"idx": 2, "name": "2", "path": "2_Normalize", "type": old("Normalize")}],
                "1_Pooling/config.json": OLD_POOLING,
                "sentence_bert_config.json": short,
            }
        ),
        "three modes of pooling": beside({"modules.json": usual, "1_Pooling/config.json": both}),
        "no mode of pooling": beside(
            {"modules.json": usual, "1_Pooling/config.json": {"word_embedding_dimension": WIDTH}}
        ),
        "no length stated": beside(
            {
                "modules.json": usual,
                "1_Pooling/config.json": OLD_POOLING,
                "sentence_bert_config.json": {"max_seq_length": None, "do_lower_case": False},
            }
        ),
        "settings named after RoBERTa": beside(
            {"modules.json": usual, "1_Pooling/config.json": OLD_POOLING, "sentence_roberta_config.json": short}
        ),
        "tokenizer's arguments": beside(
            {
                "modules.json": usual,
                "1_Pooling/config.json": OLD_POOLING,
                "sentence_bert_config.json": {**short, "tokenizer_args": {"model_max_length": 24}},
            }
        ),
        "prompts": beside(
            {
                "modules.json": usual,
                "1_Pooling/config.json": OLD_POOLING,
                "config_sentence_transformers.json": {
                    "__version__": {"sentence_transformers": "2.4.0"},
                    "prompts": {"query": "query: ", "passage": "passage: "},
                    "default_prompt_name": "query",
                    "similarity_fn_name": "dot",
                },
            }
        ),
        "version 0": in_folders(
            "0_Transformer",
            {
                "modules.json": of_version_0,
                "1_Pooling/config.json": OLD_POOLING,
                "0_Transformer/sentence_bert_config.json": {"max_seq_length": 16, "do_lower_case": True},
            },
        ),
        "modules by the names of version 5": beside(
            {
                "modules.json": modules(
                    ("sentence_transformers.sentence_transformer.modules.Transformer", ""),
                    ("sentence_transformers.sentence_transformer.modules.Pooling", "1_Pooling"),
                    ("sentence_transformers.sentence_transformer.modules.Normalize", "2_Normalize"),
                ),
                "1_Pooling/config.json": {"embedding_dimension": WIDTH, "pooling_mode": "lasttoken"},
                "sentence_bert_config.json": short,
            }
        ),
    }
