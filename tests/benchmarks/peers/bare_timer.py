"""What one writes without this program: `torch.utils.benchmark` on both models, in a process with nothing else in it.

Arguments are seconds and directories with a config.json. For every line `NUMBER,NUMBER…` on stdin, lengths, it prints
a JSON list with the median seconds of a pass for each model and, within that, each length.
"""

import json
import sys

import torch
from torch.utils.benchmark import Timer
from transformers import AutoConfig, AutoModel

torch.manual_seed(0)
models = [AutoModel.from_config(AutoConfig.from_pretrained(path)).eval() for path in sys.argv[2:]]
print("ready", flush=True)
for line in sys.stdin:
    medians = []
    for model in models:
        medians.append([])
        for length in map(int, line.split(",")):
            inputs = {
                "input_ids": torch.randint(1000, model.config.vocab_size, (1, length)),
                "attention_mask": torch.ones((1, length), dtype=torch.long),
            }
            with torch.inference_mode():
                model(**inputs)
                # One thread, unless it is told otherwise.
                timer = Timer("model(**inputs)", globals=globals(), num_threads=torch.get_num_threads())
                medians[-1].append(timer.blocked_autorange(min_run_time=float(sys.argv[1])).median)
    print(json.dumps(medians), flush=True)
