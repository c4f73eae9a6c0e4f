"""The notebook's way to the token lengths of a file: `datasets.map` with `AutoTokenizer`, one model after the other."""

import json
import resource
import sys

from datasets import load_dataset
from transformers import AutoTokenizer

path, cache, *models = sys.argv[1:]
rows = load_dataset("json", data_files=path, split="train", cache_dir=cache)
totals = []
for name in models:
    tokenizer = AutoTokenizer.from_pretrained(name)
    lengths = rows.map(
        lambda batch, of=tokenizer: {"length": [len(ids) for ids in of(batch["text"])["input_ids"]]},
        batched=True,
        remove_columns=rows.column_names,
    )
    totals.append(sum(lengths["length"]))
print(json.dumps({"tokens": totals, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
