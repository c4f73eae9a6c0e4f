"""The Python that reproduces what is on the screen with `transformers`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from encoder_tui.models import ModelName
from encoder_tui.tokens import EncodeOptions, without_surrogates


def encode_snippet(
    names: Sequence[ModelName],
    texts: Sequence[str],
    pair: str | None = None,
    options: EncodeOptions | None = None,
    tensors: bool = False,
) -> str:
    """A script that encodes texts under each model, as the window did.

    Every text is written as a Python literal in ASCII, so that nothing in it is lost or obeyed on the way through
    a clipboard; lone surrogates, which no tokenizer takes, are U+FFFD as in the window.
    """
    options = options or EncodeOptions()
    arguments = ["texts" if len(texts) > 1 else "texts[0]"]
    if pair is not None:
        arguments.append("[pair] * len(texts)" if len(texts) > 1 else "pair")
    if options.padding != "none":
        arguments.append(f"padding={options.padding!r}")
    if options.truncation:
        arguments.append("truncation=True")
    if options.max_length is not None and (options.truncation or options.padding == "max_length"):
        arguments.append(f"max_length={options.max_length}")
    has_windows = bool(options.stride and options.truncation)
    if has_windows:
        arguments += [f"stride={options.stride}", "return_overflowing_tokens=True"]
    if options.padding_side is not None and options.padding != "none":
        arguments.append(f"padding_side={options.padding_side!r}")
    arguments.append('return_tensors="pt"' if tensors else "return_offsets_mapping=True")
    lines = ["from transformers import AutoTokenizer", "", f"texts = [{', '.join(map(_literal, texts))}]"]
    if pair is not None:
        lines.append(f"pair = {_literal(pair)}")
    for name in names:
        location = name.location
        if location.startswith("~"):
            location = str(Path(location).expanduser())
        revision = f", revision={name.revision!a}" if name.revision else ""
        lines += [
            "",
            f"tokenizer = AutoTokenizer.from_pretrained({location!a}{revision})",
            f"encoding = tokenizer({', '.join(arguments)})",
        ]
        lines.append(
            "print(encoding)"
            if tensors or has_windows or len(texts) > 1
            else 'print(list(zip(encoding["input_ids"], encoding.tokens(), encoding["offset_mapping"])))'
        )
    return "\n".join(lines) + "\n"


def _literal(text: str) -> str:
    return ascii(without_surrogates(text))
