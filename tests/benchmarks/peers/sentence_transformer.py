"""What one writes without this program: `SentenceTransformer.encode` in a process with nothing else in it.

Arguments are a directory and a JSON file of texts. For every line on stdin it encodes them and prints a JSON list: the
seconds, the SHA-256 of the vectors' bytes, and the largest memory of the process so far in bytes.
"""

import hashlib
import json
import resource
import sys
import time
from pathlib import Path

from sentence_transformers import SentenceTransformer

model = SentenceTransformer(sys.argv[1], device="cpu")
texts = json.loads(Path(sys.argv[2]).read_text("utf-8"))
model.encode(texts[:64])
print("ready", flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    vectors = model.encode(texts)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps([seconds, hashlib.sha256(vectors.tobytes()).hexdigest(), peak]), flush=True)
