"""A classifier's labels for the texts of a JSON file, by `transformers.pipeline` in batches of 16; printed as JSON."""

import json
import sys
from pathlib import Path

from transformers import pipeline

model, file = sys.argv[1:]
texts = json.loads(Path(file).read_text("utf-8"))
classify = pipeline("text-classification", model=model, device="cpu", top_k=None, truncation=True, batch_size=16)
print(json.dumps(classify(texts)))
