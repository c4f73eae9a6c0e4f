"""Train the built-in tokenizers on the sample documents: `python -m tests.support.train_builtin`.

Their pipelines are those of `bert-base-cased` and `ModernBERT-base`; only the vocabularies are small. Run it again
after a sample document changed, and commit what it writes.
"""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from encoder_tui import builtin
from encoder_tui.engine.operations.tokenizer import form_of

ENTRIES = 4_000
BERT_SPECIAL = ["[PAD]", *(f"[unused{i}]" for i in range(1, 100)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
"""With the ids that they have in `bert-base-cased`: 0, 1 to 99, 100 to 103."""
MODERNBERT_SPECIAL = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
"""In the order of ModernBERT-base, where they follow the vocabulary (50280 to 50284)."""


def texts() -> list[str]:
    """The sample documents and the questions asked of them."""
    folder = builtin.documents()
    documents = [file.read_text("utf-8") for file in sorted(folder.glob("*.txt"))]
    anchors = [triplet["anchor"] for triplet in json.loads((folder / "triplets.json").read_text("utf-8"))]
    return documents + anchors


def wordpiece(
    samples: list[str], special: Sequence[str] = BERT_SPECIAL, entries: int = ENTRIES, *, lowercase: bool = False
) -> Tokenizer:
    """A WordPiece tokenizer with BERT's pipeline; `special` are its first entries.

    The trainers of `tokenizers` break ties differently in every run as soon as pieces have a prefix, so a BPE
    without one finds the pieces, and the most frequent of them, at the beginning and inside of words, make the
    vocabulary.
    """
    pieces = Tokenizer(models.BPE())
    pieces.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=None)
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces.train_from_iterator(samples, trainers.BpeTrainer(vocab_size=entries, show_progress=False))
    counts: Counter[str] = Counter()
    for word, times in Counter(_words(pieces, samples)).items():
        first, *others = pieces.model.tokenize(word)
        counts[first.value] += times
        for piece in others:
            counts[f"##{piece.value}"] += times
    # Any word of ASCII characters can be spelled, as with the real vocabulary.
    letters = string.ascii_lowercase if lowercase else string.ascii_letters
    ascii_characters = letters + string.digits + string.punctuation
    spelling = [*ascii_characters, *(f"##{character}" for character in ascii_characters)]
    frequent = sorted(counts.keys() - set(spelling), key=lambda piece: (-counts[piece], piece))
    vocabulary = [*special, *spelling, *frequent][:entries]
    model = models.WordPiece({entry: index for index, entry in enumerate(vocabulary)}, unk_token="[UNK]")
    tokenizer = Tokenizer(model)
    tokenizer.add_special_tokens([entry for entry in special if not entry.startswith("[unused")])
    tokenizer.normalizer, tokenizer.pre_tokenizer = pieces.normalizer, pieces.pre_tokenizer
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    cls, sep = vocabulary.index("[CLS]"), vocabulary.index("[SEP]")
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", sep), ("[CLS]", cls))
    return tokenizer


def _words(tokenizer: Tokenizer, samples: list[str]) -> Iterator[str]:
    for sample in samples:
        normal = tokenizer.normalizer.normalize_str(sample)
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal):
            yield word


def byte_level_bpe(samples: list[str]) -> Tokenizer:
    """A byte-level BPE tokenizer with ModernBERT's pipeline; its special tokens follow the vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=ENTRIES - len(MODERNBERT_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(samples, trainer)
    mask = AddedToken("[MASK]", lstrip=True, normalized=False, special=True)
    tokenizer.add_special_tokens([*MODERNBERT_SPECIAL[:-1], mask])
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", cls), ("[SEP]", sep)],
    )
    return tokenizer


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "bert": {"do_lower_case": False, "model_max_length": 512},
    "modernbert": {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 8192,
        "clean_up_tokenization_spaces": True,
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
        "pad_token": "[PAD]",
        "sep_token": "[SEP]",
        "unk_token": "[UNK]",
    },
}


def write(folder: Path, tokenizer: Tokenizer, configuration: dict[str, Any]) -> None:
    """Save a tokenizer, and the exact form that `AutoTokenizer` makes of it."""
    from transformers import AutoTokenizer  # slow to import, and those who only train do without it

    (folder / "tokenizer_config.json").write_text(json.dumps(configuration, indent=2) + "\n", "utf-8")
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    form = form_of(AutoTokenizer.from_pretrained(folder), folder.name)
    # The form holds the whole tokenizer: it takes the file's place, and form.json holds the rest.
    (folder / "tokenizer.json").write_text(form.json, "utf-8")
    fields = msgspec.to_builtins(form)
    del fields["json"]
    (folder / "form.json").write_text(json.dumps(fields, indent=2) + "\n", "utf-8")


def main() -> None:
    samples = texts()
    for name, train in (("bert", wordpiece), ("modernbert", byte_level_bpe)):
        tokenizer = train(samples)
        write(builtin.directory(name), tokenizer, CONFIGURATIONS[name])
        print(f"builtin:{name}: {tokenizer.get_vocab_size():,} entries")


if __name__ == "__main__":
    main()
