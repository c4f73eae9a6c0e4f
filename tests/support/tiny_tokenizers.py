"""Tiny tokenizers of many kinds, as the `tokenizer.json` of a model holds them; the same ones every time."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from functools import cache
from typing import Any

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from tests.support.texts import CORPUS

BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


@cache
def _pieces(split: str, lowercase: bool, size: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of a BPE trained on the corpus; the other trainers are not deterministic."""
    trained = Tokenizer(models.BPE())
    alphabet = []
    if lowercase:
        trained.normalizer = normalizers.Lowercase()
    if split == "bytes":
        trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    elif split == "metaspace":
        trained.pre_tokenizer = pre_tokenizers.Metaspace()
    else:
        trained.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trained.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    )
    model = json.loads(trained.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def _template(cls: str, sep: str, ids: Callable[[str], int | None], between: int = 1) -> Any:
    second = 1 if between == 1 else 0
    return processors.TemplateProcessing(
        single=f"{cls} $A {sep}",
        pair=f"{cls} $A {' '.join([sep] * between)} $B:{second} {sep}:{second}",
        special_tokens=[(token, ids(token)) for token in (cls, sep)],
    )


def wordpiece(lowercase: bool, special: list[str] | None = None, cls: str = "[CLS]", sep: str = "[SEP]") -> Tokenizer:
    """A WordPiece tokenizer as BERT's `tokenizer.json` holds it."""
    pieces = sorted(_pieces("words", lowercase, 900)[0])
    entries = [*(special or BERT_SPECIAL), *pieces, *(f"##{piece}" for piece in pieces)]
    vocabulary = {entry: index for index, entry in enumerate(entries)}
    tokenizer = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(special or BERT_SPECIAL)
    tokenizer.post_processor = _template(cls, sep, tokenizer.token_to_id)
    return tokenizer


def byte_level(special: list[str], prefix_space: bool = False, trim_offsets: bool = True) -> Tokenizer:
    """A byte-level BPE as RoBERTa has it (with ROBERTA_SPECIAL), or ModernBERT (with BERT_SPECIAL)."""
    pieces, merges = _pieces("bytes", False, 700)
    vocabulary = {entry: index for index, entry in enumerate([*special, *sorted(pieces, key=pieces.__getitem__)])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    mask = AddedToken(special[-1], lstrip=True, normalized=False, special=True)
    tokenizer.add_special_tokens([*special[:-1], mask])
    if special == ROBERTA_SPECIAL:
        tokenizer.post_processor = processors.RobertaProcessing(
            ("</s>", 2), ("<s>", 0), trim_offsets=trim_offsets, add_prefix_space=prefix_space
        )
    else:
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.post_processor = _template("[CLS]", "[SEP]", tokenizer.token_to_id)
    return tokenizer


def unigram(special: list[str], cls: str, sep: str, between: int, normalizer: Any = None) -> Tokenizer:
    """A Unigram tokenizer with a metaspace; the scores fall with the rank, as those of trained pieces do."""
    pieces, _ = _pieces("metaspace", False, 900)
    ranked = [piece for piece in sorted(pieces, key=pieces.__getitem__) if piece not in special]
    scored = [(piece, -2.0 - math.log(2.0 + rank)) for rank, piece in enumerate(ranked)]
    vocabulary = [(token, 0.0) for token in special] + scored
    unknown = next(index for index, token in enumerate(special) if "unk" in token.lower())
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=unknown))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = _template(cls, sep, tokenizer.token_to_id, between)
    return tokenizer


def byte_fallback() -> Tokenizer:
    """A BPE that spells characters it does not know as `<0x..>` bytes."""
    pieces, merges = _pieces("metaspace", False, 500)
    known = [piece for piece in sorted(pieces, key=pieces.__getitem__) if all(ord(letter) < 10_000 for letter in piece)]
    entries = [*BERT_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *known]
    vocabulary = {entry: index for index, entry in enumerate(entries)}
    kept = [merge for merge in merges if merge[0] + merge[1] in vocabulary]
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=kept, unk_token="[UNK]", byte_fallback=True, fuse_unk=True)
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens(BERT_SPECIAL)
    tokenizer.post_processor = _template("[CLS]", "[SEP]", tokenizer.token_to_id)
    return tokenizer


def words() -> Tokenizer:
    """A word-level tokenizer without a post-processor."""
    found = sorted({word for line in CORPUS for word, _ in pre_tokenizers.Whitespace().pre_tokenize_str(line)})
    vocabulary = {entry: index for index, entry in enumerate([*BERT_SPECIAL, *found])}
    tokenizer = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(BERT_SPECIAL)
    return tokenizer


def stretching() -> Tokenizer:
    """A WordPiece tokenizer whose normaliser makes texts shorter and longer."""
    tokenizer = wordpiece(True)
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Replace("e", "ee"),
            normalizers.Replace("the", ""),
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Strip(),
        ]
    )
    return tokenizer


@cache
def charsmap() -> bytes:
    """The normalisation table that sentencepiece writes into a model, `precompiled_charsmap`."""
    import sentencepiece

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=written, vocab_size=400, hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc", minloglevel=2,
    )  # fmt: skip
    # ModelProto: field 3 is the NormalizerSpec, whose field 2 is the table.
    return _protobuf_field(_protobuf_field(written.getvalue(), 3), 2)


def _protobuf_field(message: bytes, wanted: int) -> bytes:
    """The content of the first length-delimited field with this number."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(message):
        number, kind = divmod(varint(), 8)
        if kind == 2:
            length = varint()
            if number == wanted:
                return message[position : position + length]
            position += length
        elif kind == 0:
            varint()
        else:
            position += {1: 8, 5: 4}[kind]
    raise LookupError(f"no field {wanted}")
