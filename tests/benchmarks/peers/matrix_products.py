"""What torch.mm reaches here at the shapes of ModernBERT-base: for every line `THREADS` on stdin, operations a second.

The argument is the number of tokens. Of five times through the products of one layer's weights the fastest counts.
"""

import sys
import time

import torch

LENGTH = int(sys.argv[1])
SHAPES = [(768, 2304), (768, 768), (768, 2304), (1152, 768)]
products = [(torch.randn(LENGTH, rows), torch.randn(rows, columns)) for rows, columns in SHAPES]
operations = sum(2 * LENGTH * rows * columns for rows, columns in SHAPES)
print("ready", flush=True)
for line in sys.stdin:
    torch.set_num_threads(int(line))
    taken = []
    with torch.inference_mode():
        for _ in range(5):
            begun = time.perf_counter()
            for left, right in products:
                torch.mm(left, right)
            taken.append(time.perf_counter() - begun)
    print(operations / min(taken), flush=True)
