"""What `builtin:tiny` knows, on the paragraphs that its training held out: `python -m tests.benchmarks tiny_model`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, product

from encoder_tui import builtin
from encoder_tui.core.tasks.pooling import builtin_triplets
from tests.benchmarks.measuring import Figure
from tests.support.train_tiny import Paragraph, paragraphs

Likeness = Sequence[Sequence[float]]


def triplets(held_out: Sequence[Paragraph], alike: Likeness) -> tuple[int, int]:
    """Return how many triplets of held-out paragraphs hold, and how many there are.

    Every two paragraphs of one document, either as the anchor, with every paragraph of the other documents.
    """
    right = total = 0
    for one, other in combinations(range(len(held_out)), 2):
        if held_out[one].document != held_out[other].document:
            continue
        for anchor, positive in ((one, other), (other, one)):
            for negative in range(len(held_out)):
                if held_out[negative].document != held_out[anchor].document:
                    total += 1
                    right += alike[anchor][positive] > alike[anchor][negative]
    return right, total


def by_words(texts: Sequence[str]) -> Likeness:
    """Return the cosines of the texts' word counts, as a peer that has learnt nothing."""
    counts = [Counter(text.lower().split()) for text in texts]
    norms = [math.sqrt(sum(times * times for times in count.values())) for count in counts]
    found = [[0.0] * len(texts) for _ in texts]
    for (row, one), (column, other) in product(enumerate(counts), repeat=2):
        found[row][column] = sum(times * other[word] for word, times in one.items()) / (norms[row] * norms[column])
    return found


def figures(runs: int) -> list[Figure]:
    """The share of held-out triplets that hold, and of the built-in ones; the same in every run."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(builtin.directory("tiny")), device="cpu")
    held_out = paragraphs(held_out=True)
    texts = [paragraph.text for paragraph in held_out]
    vectors = model.encode(texts)
    shares = []
    for alike in (model.similarity(vectors, vectors).tolist(), by_words(texts)):
        right, total = triplets(held_out, alike)
        shares.append(100 * right / total)
    name = f"{total:,} triplets of held-out paragraphs that hold under builtin:tiny, against cosines of word counts"
    questions = [(one.anchor, one.positive, one.negative) for one in builtin_triplets() if one.negative is not None]
    hold = 0
    for question in questions:
        anchor, positive, negative = model.encode(list(question))
        hold += bool(anchor @ positive > anchor @ negative)
    return [
        Figure(name, "%", [shares[0]], "≥ 90 %", [shares[1]], f"+{shares[0] - shares[1]:.0f} points"),
        Figure(
            f"the {len(questions)} built-in triplets, whose questions it was not trained on",
            "%",
            [100 * hold / len(questions)],
        ),
    ]


if __name__ == "__main__":
    for figure in figures(1):
        print(" | ".join(figure.row()))
