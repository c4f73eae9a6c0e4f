"""Train `builtin:tiny` on the sample documents: `python -m tests.support.train_tiny` (about ten minutes on one core).

A BERT of two layers learns three things at once, from spans of one to three sentences: to predict masked tokens; that
two spans of one document are nearer to each other than spans of two documents; and that two spans of one paragraph
are nearer still. Every fifth paragraph is held out, from the tokenizer too: the benchmark `tiny_model` takes its
triplets from those. The seed is fixed, and one thread computes, so that the same versions give the same weights. Run it
again after a sample document changed, and commit what it writes.
"""

from __future__ import annotations

import json
import math
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import BertConfig, BertForMaskedLM, BertModel

from encoder_tui import builtin
from tests.support.train_builtin import wordpiece, write

SEED: Final = 20
STEPS: Final = 2_600
PAIRS_OF_EACH: Final = 4
"""Pairs of spans of each document in a batch."""
SHORT: Final = 80
"""Tokens of a span at most, which most batches are of."""
WHOLE: Final = 5
"""Every batch of this number is of whole paragraphs instead, for the sake of the later positions."""
LEARNING_RATE: Final = 3e-3
WARM_UP: Final = 60
TEMPERATURE: Final = 0.07
MASKED: Final = 0.2
LONGEST: Final = 256
"""Tokens, including special ones, that the model reads."""
ENTRIES: Final = 3_000
HIDDEN: Final = 128
HEADING: Final = 40
"""Words; a shorter paragraph is a heading."""
HOLD_OUT: Final = 5
"""Every paragraph of this number is held out."""
SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of a sample document, its number counted without headings, and its sentences."""

    document: str
    number: int
    text: str

    @property
    def is_held_out(self) -> bool:
        return self.number % HOLD_OUT == HOLD_OUT - 1

    @property
    def sentences(self) -> list[str]:
        return re.split(r"(?<=[.?!]) +(?=[A-Z“\"])", self.text)


def paragraphs(*, held_out: bool) -> list[Paragraph]:
    """Return the paragraphs to train on, or those that are held out; without headings."""
    found = []
    for file in sorted(builtin.documents().glob("*.txt")):
        bodies = [text for text in file.read_text("utf-8").split("\n\n") if len(text.split()) >= HEADING]
        found += [Paragraph(file.stem, number, " ".join(text.split())) for number, text in enumerate(bodies)]
    return [paragraph for paragraph in found if paragraph.is_held_out == held_out]


@dataclass(frozen=True)
class Span:
    """A few sentences in a row, and the paragraph that they are of."""

    paragraph: Paragraph
    text: str


Pair = tuple[Span, Span, bool]
"""Two spans of one document, and whether both are of the same paragraph."""


def whole_pairs(training: list[Paragraph], chance: random.Random) -> Iterator[Pair]:
    """Yield a batch of paragraphs, two of each document."""
    for document in dict.fromkeys(paragraph.document for paragraph in training):
        first, second = chance.sample([one for one in training if one.document == document], 2)
        yield Span(first, first.text), Span(second, second.text), False


def pairs(training: list[Paragraph], chance: random.Random) -> Iterator[Pair]:
    """Yield a batch of spans."""
    by_document: dict[str, list[Paragraph]] = {}
    for paragraph in training:
        by_document.setdefault(paragraph.document, []).append(paragraph)
    for there in by_document.values():
        for place in range(PAIRS_OF_EACH):
            first, second = chance.sample(there, 2)
            sentences = first.sentences
            if place % 2 and len(sentences) > 1:
                at = chance.randrange(1, len(sentences))
                yield _span(first, sentences[:at], chance), _span(first, sentences[at:], chance), True
            else:
                yield _span(first, sentences, chance), _span(second, second.sentences, chance), False


def _span(paragraph: Paragraph, sentences: list[str], chance: random.Random) -> Span:
    length = min(chance.choice((1, 1, 2, 3)), len(sentences))
    start = chance.randrange(len(sentences) - length + 1)
    return Span(paragraph, " ".join(sentences[start : start + length]))


def masked(ids: torch.Tensor, specials: int, entries: int, mask_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids with masks, as in BERT's pretraining, and the labels; -100 where nothing is to be predicted."""
    chosen = (torch.rand(ids.shape) < MASKED) & (ids >= specials)
    labels = torch.where(chosen, ids, -100)
    how = torch.rand(ids.shape)
    changed = torch.where(chosen & (how < 0.8), mask_id, ids)
    return torch.where(chosen & (how >= 0.9), torch.randint(specials, entries, ids.shape), changed), labels


def contrast(first: torch.Tensor, second: torch.Tensor, batch: list[Pair]) -> torch.Tensor:
    """Return the loss of pairs among the other pairs; spans that a pair should be near to are no negatives."""
    scores = functional.normalize(first, dim=-1) @ functional.normalize(second, dim=-1).T / TEMPERATURE
    excluded = torch.zeros(len(batch), len(batch), dtype=torch.bool)
    for row, (one, _, is_close) in enumerate(batch):
        for column, (_, other, _) in enumerate(batch):
            if row == column or one.paragraph.document != other.paragraph.document:
                continue
            excluded[row, column] = not is_close or one.paragraph == other.paragraph
    wanted = torch.arange(len(batch))
    return (
        functional.cross_entropy(scores.masked_fill(excluded, -torch.inf), wanted)
        + functional.cross_entropy(scores.T.masked_fill(excluded.T, -torch.inf), wanted)
    ) / 2


def configuration(tokenizer: Tokenizer) -> BertConfig:
    """Return the settings of the model."""
    return BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=3 * HIDDEN,
        max_position_embeddings=LONGEST,
        # So few texts are to be remembered: what is not dropped is learnt sooner.
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=tokenizer.token_to_id("[PAD]"),
    )


def train(tokenizer: Tokenizer, training: list[Paragraph]) -> BertForMaskedLM:
    """Return the trained model, in float32."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    chance = random.Random(SEED)
    model = BertForMaskedLM(configuration(tokenizer))
    # With a pooler, which learns beside the mean: none of the weights that a `BertModel` has is left random.
    model.bert = BertModel(model.config)
    model.tie_weights()
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _rate)
    mask_id, began = tokenizer.token_to_id("[MASK]"), time.monotonic()
    for step in range(STEPS):
        is_whole = step % WHOLE == 0
        batch = list((whole_pairs if is_whole else pairs)(training, chance))
        tokenizer.enable_truncation(LONGEST if is_whole else SHORT)
        encodings = tokenizer.encode_batch([span.text for one in batch for span in one[:2]])
        ids = torch.tensor([encoding.ids for encoding in encodings])
        attention = torch.tensor([encoding.attention_mask for encoding in encodings])
        changed, labels = masked(ids, len(SPECIAL), model.config.vocab_size, mask_id)
        outputs = model.bert(input_ids=changed, attention_mask=attention)
        states, pooled, there = outputs.last_hidden_state, outputs.pooler_output, labels >= 0
        predicting = functional.cross_entropy(model.cls(states[there]), labels[there])
        means = (states * attention[:, :, None]).sum(1) / attention.sum(1, keepdim=True)
        nearness = contrast(means[::2], means[1::2], batch) + 0.3 * contrast(pooled[::2], pooled[1::2], batch)
        optimizer.zero_grad()
        (2 * predicting + nearness).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 49:
            minutes = (time.monotonic() - began) / 60
            print(f"{step + 1:,} steps, {minutes:.1f} min: {predicting.item():.2f} {nearness.item():.2f}", flush=True)
    return model.eval()


def _rate(step: int) -> float:
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    return 0.02 + 0.98 * (1 + math.cos(math.pi * (step - WARM_UP) / (STEPS - WARM_UP))) / 2


MODULES: Final = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]


def save(folder: Path, model: BertForMaskedLM) -> None:
    """Write the weights in float16 and what makes the folder one of sentence-transformers."""
    settings = {"architectures": ["BertForMaskedLM"], **model.config.to_diff_dict(), "dtype": "float32"}
    _write(folder / "config.json", settings)
    states = {
        name: values.to(torch.float16).contiguous()
        for name, values in model.state_dict().items()
        if "decoder" not in name and "position_ids" not in name
    }
    save_file(states, folder / "model.safetensors", {"format": "pt"})
    (folder / "1_Pooling").mkdir(exist_ok=True)
    _write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": HIDDEN, "pooling_mode": "mean"})
    _write(folder / "modules.json", MODULES)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": LONGEST, "do_lower_case": False})
    _write(folder / "config_sentence_transformers.json", {"similarity_fn_name": "cosine"})


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def main() -> None:
    training, folder = paragraphs(held_out=False), builtin.directory("tiny")
    folder.mkdir(exist_ok=True)
    tokenizer = wordpiece([one.text for one in training], SPECIAL, ENTRIES, lowercase=True)
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    model = train(tokenizer, training)
    save(folder, model)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    write(folder, tokenizer, {"do_lower_case": True, "model_max_length": LONGEST})
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder}: {size:,} bytes")


if __name__ == "__main__":
    main()
