"""What a classifier says of 200 texts: `predict` against a script with `transformers.pipeline`, same batch size.

Both are whole programs, launched in turn. The model has the configuration of `bert-base-cased` with random weights and
three labels; the labels and scores have to be equal.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from encoder_tui import builtin
from tests.benchmarks.measuring import PEERS, REFERENCE, Figure

TEXTS = 200
LABELS = {0: "negative", 1: "neutral", 2: "positive"}


def texts() -> list[str]:
    """Texts of one to six sentences, in an order of their own."""
    source = random.Random(5)
    whole = " ".join(file.read_text("utf-8") for file in sorted(builtin.documents().glob("*.txt")))
    sentences = [sentence.strip() for sentence in whole.replace("\n", " ").split(". ") if len(sentence) > 40]
    return [". ".join(source.choices(sentences, k=source.randint(1, 6))) for _ in range(TEXTS)]


def classifier(folder: Path) -> Path:
    """A directory with the reference tokenizer and a saved classifier. Raises AssertionError without the reference."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    source = REFERENCE / "bert-base-cased"
    if not (source / "tokenizer.json").is_file():
        raise AssertionError("the reference models are not there")
    torch.manual_seed(1)
    config = AutoConfig.from_pretrained(source, id2label=LABELS, label2id={name: at for at, name in LABELS.items()})
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return folder


def run(command: list[str]) -> tuple[float, list[list[dict[str, float]]]]:
    """Seconds that a program takes, and the predictions that it printed."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    found = json.loads(done.stdout.splitlines()[-1])
    return seconds, found["models"][0]["predictions"] if isinstance(found, dict) else found


def figures(runs: int) -> list[Figure]:
    """Seconds of each; raises AssertionError if they do not say the same."""
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        model = classifier(Path(folder) / "classifier")
        given = texts()
        (Path(folder) / "texts.json").write_text(json.dumps(given), "utf-8")
        program = [sys.executable, "-m", "encoder_tui", "-m", str(model), "predict", "--json", *given]
        script = [sys.executable, str(PEERS / "pipeline.py"), str(model), str(Path(folder) / "texts.json")]
        for _ in range(runs):
            seconds, expected = run(script)
            theirs.append(seconds)
            seconds, found = run(program)
            ours.append(seconds)
            for one, other in zip(found, expected, strict=True):
                scores = {label["label"]: label["score"] for label in other}
                if any(abs(scores[label["label"]] - label["score"]) > 1e-5 for label in one):
                    raise AssertionError(f"{one} here, {other} by the pipeline")
    ratio = statistics.median(theirs) / statistics.median(ours)
    name = f"labels of {TEXTS} texts in batches of 16, whole programs, against transformers.pipeline"
    return [Figure(name, "s", ours, "1 × as fast", theirs, f"{ratio:.2f} × as fast, scores equal to 1e-5")]


if __name__ == "__main__":
    for figure in figures(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        print(" | ".join(figure.row()))
