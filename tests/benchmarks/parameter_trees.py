"""Both parameter trees on the screen, nothing cached, against loading both models and listing their parameters.

The models are the reference configurations
with weights of zeros, made in a temporary folder (1 GB). Each round starts the program in a pseudo-terminal with
an empty cache, and a bare script that calls `from_pretrained`, in turn. A configuration of ten billion parameters
goes the same way. Memory is the largest resident size of the engine and of the script, in megabytes.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measuring import REFERENCE, Figure
from tests.support.terminal import Terminal, encoder_tui

BASELINE = """
import resource, sys, time
begin = time.perf_counter()
from transformers import AutoModel
lists = [[(name, p.shape, p.dtype, p.numel()) for name, p in AutoModel.from_pretrained(path).named_parameters()]
         for path in sys.argv[1:]]
print([len(one) for one in lists], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def with_weights(source: Path, folder: Path) -> Path:
    """A copy of a configuration and tokenizer, with weights of zeros."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoConfig, AutoModel

    shutil.copytree(source, folder)
    with torch.device("meta"):
        model = AutoModel.from_config(AutoConfig.from_pretrained(folder))
    zeros = {name: torch.zeros(p.shape) for name, p in model.named_parameters()}
    save_file(zeros, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def resident(pid: int) -> int:
    """Megabytes of the largest process that a process started, by its high-water mark."""
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    marks = [
        int(line.split()[1]) // 1024
        for child in children.stdout.split()
        for line in Path(f"/proc/{child}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    return max(marks, default=0)


def shown(models: list[Path], wanted: list[str]) -> tuple[float, int]:
    """Seconds from the launch until every text is on the screen and a key is echoed after it, and megabytes."""
    with tempfile.TemporaryDirectory() as cache:
        names = [word for model in models for word in ("-m", str(model))]
        command = encoder_tui("--fresh", *names, "--pane", "parameters")
        with Terminal(command, environ={"XDG_CACHE_HOME": cache}) as terminal:
            terminal.wait_for("─ card")
            terminal.send("v")
            terminal.wait_for(lambda text: all(words in text for words in wanted), 120)
            terminal.send("/")
            terminal.wait_for("part of a name")
            seconds = time.perf_counter() - terminal.started
            return seconds, resident(terminal.pid)


def loaded(models: list[Path]) -> tuple[float, int]:
    """The same for the script."""
    begin = time.perf_counter()
    command = [sys.executable, "-c", BASELINE, *map(str, models)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - begin, int(done.stdout.split()[-1])


def figures(runs: int) -> list[Figure]:
    """The rows of the design's table that the Parameters pane is answerable for; none without the references."""
    if not (REFERENCE / "bert-base-cased" / "config.json").is_file():
        return []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = [
            with_weights(REFERENCE / "bert-base-cased", folder / "bert"),
            with_weights(REFERENCE / "answerdotai" / "ModernBERT-base", folder / "modernbert"),
        ]
        huge = folder / "huge"
        shutil.copytree(REFERENCE / "bert-base-cased", huge)
        sizes = {"hidden_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 40, "intermediate_size": 20480}
        (huge / "config.json").write_text(json.dumps({**json.loads((huge / "config.json").read_text()), **sizes}))
        trees, loads, large = [], [], []
        for _ in range(runs):
            trees.append(shown(models, ["BertModel  199", "ModernBertModel  134"]))
            loads.append(loaded(models))
            large.append(shown([huge], ["BertModel  519"]))
    seconds = [[taken for taken, _ in measured] for measured in (trees, loads, large)]
    memory = [float(max(megabytes for _, megabytes in measured)) for measured in (trees, loads, large)]
    ratio = statistics.median(seconds[0]) / statistics.median(seconds[1])
    return [
        Figure(
            "both parameter trees, nothing cached, against from_pretrained",
            "s",
            seconds[0],
            "less",
            seconds[1],
            f"{ratio:.2f} ×",
        ),
        Figure(
            "the same for a configuration of ten billion parameters",
            "s",
            seconds[2],
            "as fast",
            seconds[0],
            f"{statistics.median(seconds[2]) / statistics.median(seconds[0]):.2f} ×",
        ),
        Figure(
            "largest memory of the engine meanwhile, against the script",
            "MB",
            memory[:1],
            "no weights",
            memory[1:2],
            f"{memory[0] / memory[1]:.2f} ×",
        ),
    ]
