"""What one writes without this program: load both tokenizers, encode, print."""

import sys

from transformers import AutoTokenizer

for name in sys.argv[2:]:
    tokenizer = AutoTokenizer.from_pretrained(name)
    encoding = tokenizer(sys.argv[1], return_offsets_mapping=True)
    print(name, list(zip(encoding["input_ids"], encoding.tokens(), encoding["offset_mapping"], strict=True)))
print("done")
