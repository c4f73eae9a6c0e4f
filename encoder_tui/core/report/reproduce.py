"""Python code that reproduces with `transformers` what is on the screen."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from encoder_tui.core.models.names import ModelName
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.core.tokens.tokenizer import EncodeOptions


def encode_snippet(
    names: Sequence[ModelName],
    texts: Sequence[str],
    pair: str | None = None,
    options: EncodeOptions | None = None,
    tensors: bool = False,
) -> str:
    """Return a script that encodes texts under each model, as the window did.

    Every text is written as a Python literal in ASCII, so that a clipboard loses nothing and a terminal obeys nothing.
    Lone surrogates, which no tokenizer accepts, become U+FFFD as in the window.
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
    lines = ["from transformers import AutoTokenizer", "", f"texts = [{', '.join(map(literal, texts))}]"]
    if pair is not None:
        lines.append(f"pair = {literal(pair)}")
    for name in names:
        lines += [
            "",
            f"tokenizer = AutoTokenizer.from_pretrained({pretrained(name)})",
            f"encoding = tokenizer({', '.join(arguments)})",
        ]
        lines.append(
            "print(encoding)"
            if tensors or has_windows or len(texts) > 1
            else 'print(list(zip(encoding["input_ids"], encoding.tokens(), encoding["offset_mapping"])))'
        )
    return "\n".join(lines) + "\n"


def parameter_snippet(
    name: ModelName,
    parameter: str,
    *,
    is_checkpoint: bool = False,
    has_weights: bool = True,
    class_name: str = "AutoModel",
) -> str:
    """Return a script that gets one tensor of a model; `class_name` is the class of transformers that has it.

    If `is_checkpoint`, it reads the file, because transformers has no code for the model. Without weights, it builds
    the model from the configuration.
    """
    location = ascii(name.location)
    revision = f", revision={name.revision!a}" if name.revision else ""
    if is_checkpoint:
        fetched = f'hf_hub_download({location}, "model.safetensors"{revision})'
        path = f'{location} + "/model.safetensors"' if name.is_directory else fetched
        lines = [] if name.is_directory else ["from huggingface_hub import hf_hub_download"]
        lines += [
            "from safetensors import safe_open",
            "",
            f'with safe_open({path}, "pt") as file:',
            f"    tensor = file.get_tensor({parameter!a})",
        ]
    else:
        imported = class_name if has_weights else f"AutoConfig, {class_name}"
        lines = [f"from transformers import {imported}", ""]
        if name.is_builtin:
            lines.insert(0, "from encoder_tui.builtin import directory")
            location = f"directory({name.location.removeprefix('builtin:')!a})"
        if has_weights:
            lines.append(f"model = {class_name}.from_pretrained({location}{revision})")
        else:
            build = "AutoModel.from_config" if class_name == "AutoModel" else class_name
            lines += [
                f"config = AutoConfig.from_pretrained({location}{revision})",
                f"model = {build}(config)  # random weights",
            ]
        lines.append(f"tensor = model.get_parameter({parameter!a})")
    return "\n".join([*lines, "print(tensor.shape, tensor.dtype)"]) + "\n"


def literal(text: str) -> str:
    """Return a text as a Python literal in ASCII."""
    return ascii(without_surrogates(text))


class RunToReproduce(msgspec.Struct, frozen=True):
    """A model's run: where the model comes from, the length it was cut to, and the settings it ran with."""

    name: ModelName
    max_length: int | None
    device: str
    dtype: str
    attention: str
    threads: int | None = None


def run_snippet(
    runs: Sequence[RunToReproduce], text: str, hidden_states: bool = False, attentions: bool = False
) -> str:
    """Return a script that runs models on a text, as the window did, and prints the outputs."""
    wishes = {"output_hidden_states": hidden_states, "output_attentions": attentions}
    arguments = ", ".join(["**inputs", *(f"{name}=True" for name, wish in wishes.items() if wish)])
    lines = [
        "import torch",
        "from transformers import AutoModel, AutoTokenizer",
        "",
        f"text = {without_surrogates(text)!a}",
    ]
    for run in runs:
        where = pretrained(run.name)
        cut = f", truncation=True, max_length={run.max_length}" if run.max_length is not None else ""
        # It belongs to this program; transformers has no name for it.
        is_local = run.attention == "sdpa_local"
        attention = "sdpa" if is_local else run.attention
        note = ["# the window had sdpa_local: sdpa that leaves out what the local layers mask"] if is_local else []
        threads = [] if run.threads is None else [f"torch.set_num_threads({run.threads})"]
        lines += [
            "",
            *note,
            *threads,
            f"tokenizer = AutoTokenizer.from_pretrained({where})",
            f"settings = {{'dtype': torch.{run.dtype}, 'attn_implementation': {attention!a}}}",
            f"model = AutoModel.from_pretrained({where}, **settings)",
            f"model = model.to({run.device!a}).eval()",
            f'inputs = tokenizer(text{cut}, return_tensors="pt").to(model.device)',
            "with torch.inference_mode():",
            f"    outputs = model({arguments})",
            "print(outputs.last_hidden_state)",
        ]
    return "\n".join(lines) + "\n"


def pretrained(name: ModelName) -> str:
    """Return a model's name as the arguments of `from_pretrained`, or of a class of sentence-transformers."""
    location = os.path.expanduser(name.location)  # noqa: PTH111  # pathlib refuses a user that is not there
    return f"{location!a}, revision={name.revision!a}" if name.revision else f"{location!a}"
