"""What `builtin:tiny` knows, on the paragraphs that its training held out: `python -m tests.benchmarks tiny`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, product

from encoder_tui import builtin
from encoder_tui.core.tasks.pooling import builtin_triplets
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


def main() -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(builtin.directory("tiny")), device="cpu")
    held_out = paragraphs(held_out=True)
    texts = [paragraph.text for paragraph in held_out]
    for name, alike in (
        ("builtin:tiny", model.similarity(model.encode(texts), model.encode(texts)).tolist()),
        ("cosine of word counts", by_words(texts)),
    ):
        right, total = triplets(held_out, alike)
        print(f"{name}: {right:,} of {total:,} triplets of held-out paragraphs hold ({right / total:.1%})")
    questions = builtin_triplets()
    right = 0
    for one in questions:
        assert one.negative is not None
        anchor, positive, negative = model.encode([one.anchor, one.positive, one.negative])
        right += bool(anchor @ positive > anchor @ negative)
    print(f"builtin:tiny: {right} of {len(questions)} built-in triplets hold; it was not trained on their questions")


if __name__ == "__main__":
    main()
