"""Directories that are not laid out as transformers expects: what they are, and which folder or file is meant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Final

from encoder_tui.core.files.private import read_file
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.models.pickles import look_into
from encoder_tui.core.models.small_files import read_object, text_of
from encoder_tui.core.models.stored_weights import Found, StoredWeights, pointers_in, tensors_of, weights_in
from encoder_tui.core.text.safe import shorten, visible

WRAPPERS: Final = {"module": "DataParallel", "_orig_mod": "torch.compile"}
"""What puts its own name before every tensor's, by that name."""

REASONS: Final = {
    "onnx": "ONNX Runtime",
    "openvino": "OpenVINO",
    "gguf": "llama.cpp",
    "tensorflow": "TensorFlow",
    "flax": "Flax",
    "rust": "rust-bert",
}
"""The programs that read a format."""

_BESIDE: Final = "not read, as the weights above are: "
_CHECKPOINT: Final = r"checkpoint-(\d{1,18})"


def why_no_model(directory: Path) -> str:
    """Return why a directory is not a model, as a clause that names the folder that is meant if one lies there."""
    if checkpoint := _last_checkpoint(directory):
        return (
            "the directory has no config.json, but it is the output of a training run;"
            f" name one of its checkpoints, the last of which is {checkpoint}"
        )
    if (directory / "adapter_config.json").is_file():
        return _adapter_words(directory)
    if snapshot := _snapshot(directory):
        return (
            "the directory is a folder of the Hub's cache and not a model;"
            f" name {snapshot} in it, or the model by its Hub id {_hub_id(directory)}"
        )
    if inner := [folder.name for folder in _folders(directory)[:20] if _is_model(folder)]:
        return (
            f"the directory has no config.json, but {' and '.join(inner[:3])} in it"
            f" {'has' if len(inner) == 1 else 'have'} one; name the folder that you mean"
        )
    stored = weights_in(directory).weights
    if stored is not None and stored.format in REASONS:
        return (
            f"the directory has no config.json, and {stored.files[0]} is for {REASONS[stored.format]};"
            " name the model that it was converted from"
        )
    return (
        "it has modules of sentence-transformers but no transformer (config.json); use encode, or info"
        if (directory / "modules.json").is_file()
        else "the directory has no config.json, so it is not a model directory"
    )


def _adapter_words(directory: Path) -> str:
    try:
        stated = text_of((read_object("", directory, "adapter_config.json") or {}).get("base_model_name_or_path"))
    except ModelError:
        stated = None
    return f"the directory holds an adapter without its base model; {merging_words(stated)}"


def merging_words(base: str | None) -> str:
    """Return how an adapter becomes a model; `base` is the model that it changes, None if it does not name one."""
    named = shorten(visible(base), 200) if base else "its base model, which it does not name"
    return f"load {named}, apply the adapter with PEFT, and save the result with merge_and_unload()"


def _is_model(folder: Path) -> bool:
    """Whether a folder has the configuration of a transformer, and not just the settings of a module."""
    try:
        return "model_type" in (read_object("", folder, "config.json") or {})
    except ModelError:
        return False


def _last_checkpoint(directory: Path) -> str | None:
    """The checkpoint with the highest step that holds a configuration."""
    steps = {
        int(match[1]): folder.name
        for folder in _folders(directory)
        if (match := re.fullmatch(_CHECKPOINT, folder.name)) and (folder / "config.json").is_file()
    }
    return steps[max(steps)] if steps else None


def _snapshot(directory: Path) -> str | None:
    """The snapshot that the main branch of a repository in the Hub's cache stands for, or the only one there."""
    snapshots = [folder.name for folder in _folders(directory / "snapshots")]
    if not snapshots:
        return None
    try:
        main = read_file(directory / "refs" / "main")[:40].decode("ascii")
    except (OSError, ValueError):
        main = ""
    return f"snapshots/{main if main in snapshots else snapshots[0]}"


def _hub_id(directory: Path) -> str:
    return directory.resolve().name.removeprefix("models--").replace("--", "/", 1)


def _folders(directory: Path) -> list[Path]:
    try:
        return sorted(entry for entry in directory.iterdir() if entry.is_dir())[:1000]
    except OSError:
        return []


def remarks_on(
    directory: Path, folder: str, folders: Sequence[str], stored: Found, *, looks_into_pickles: bool = True
) -> list[str]:
    """What is to be said of the files in a model's directory: what is not itself, and what nobody will read."""
    pointers = pointers_in(directory, dict.fromkeys(["", *folders]))
    remarks = [_pointer_words(directory, file, size) for file, size in pointers.items()]
    if folder:
        remarks.append(f"an old layout of sentence-transformers: the transformer lies in {folder}")
    remarks += _of_weights(directory, folder, stored, set(pointers), looks_into_pickles)
    return remarks


def why_not_loaded(directory: Path) -> str | None:
    """Why transformers finds no weights in a directory, or cannot read them, as a sentence; None if nothing says so."""
    stored = weights_in(directory)
    pointers = pointers_in(directory, [""])
    if stored.weights is not None:
        for file in stored.weights.files:
            if file in pointers:
                return _pointer_words(directory, file, pointers[file])
    found = [*_of_weights(directory, "", stored, set(pointers)), *stored.remarks]
    return next((sentence for sentence in found if not sentence.startswith(_BESIDE)), None)


def why_not_read(directory: Path, folders: Sequence[str]) -> str | None:
    """Why the files of a model's modules cannot be read, as `why_not_loaded`; a pointer is named whatever it is for."""
    for folder in folders:
        if why := why_not_loaded(directory / folder):
            return f"{folder}: {why}" if folder else why
    return next((_pointer_words(directory, *found) for found in pointers_in(directory, folders).items()), None)


def _pointer_words(directory: Path, file: str, size: int) -> str:
    target = f"a file of {size:,} bytes" if size else "a large file"
    return f"{file} is a Git LFS pointer to {target} and not the file itself; run git lfs pull in {directory}"


def _of_weights(
    directory: Path, folder: str, stored: Found, pointers: Container[str], looks_into_pickles: bool = True
) -> list[str]:
    """What keeps transformers from reading weights, or from finding tensors in them."""
    weights = stored.weights
    if weights is None:
        if checkpoint := _last_checkpoint(directory):
            return [f"the weights of this training run lie in its checkpoints, the last of which is {checkpoint}"]
        return []
    remarks = _unread(weights, stored.others)
    if weights.format == "pytorch" and looks_into_pickles:
        for file in weights.files:
            if file not in pointers:
                remarks += _of_pickle(directory, file)
    names = list(tensors_of(directory, weights, folder) or ())
    return [*remarks, *_wrapped(names, weights.files[0])]


def _unread(weights: StoredWeights, others: Sequence[StoredWeights]) -> list[str]:
    """Weights that transformers does not read."""
    remarks = []
    if weights.variant:
        remarks.append(
            f"{weights.files[0]} is read only with variant={weights.variant!r}, so transformers finds no weights;"
            f" rename it to {weights.files[0].replace(f'.{weights.variant}', '', 1)} to use it"
        )
    elif weights.format in REASONS:
        remarks.append(
            f"the only weights are for {REASONS[weights.format]} ({weights.files[0]}), and transformers does not read"
            " them; use the model that they were converted from, or put its model.safetensors here"
        )
    beside = [other for other in others if not _is_adapter(other)]
    if beside:
        named = ", ".join(
            f"{other.files[0]} ({other.format}{f', {other.variant}' if other.variant else ''})" for other in beside[:6]
        )
        remarks.append(f"{_BESIDE}{named}")
    return remarks


def _is_adapter(weights: StoredWeights) -> bool:
    return weights.files[0].rpartition("/")[2].startswith("adapter_model")


def _of_pickle(directory: Path, file: str) -> list[str]:
    """What a file of torch holds beside plain tensors, or in their place."""
    pickle = look_into(directory / file)
    if pickle is None:
        return [f"{file} is not a file that torch.save wrote, or is damaged; fetch it again"]
    if pickle.module:
        return [
            f"{file} holds a pickled object ({pickle.module}) and not the tensors alone, and reading it would run code;"
            " if you trust it, load it and save it again with save_pretrained()"
        ]
    if pickle.is_nested:
        prefix = _common_prefix(pickle.names)
        strip = f' without the "{prefix}." before their names' if prefix else ""
        return [
            f"{file} is a trainer's checkpoint (as Lightning saves it): its tensors lie under state_dict, where"
            f" transformers does not look; save those alone{strip}"
        ]
    return _wrapped(pickle.names, file)


def _wrapped(names: Sequence[str], file: str) -> list[str]:
    prefix = _common_prefix(names)
    if prefix not in WRAPPERS:
        return []
    return [
        f'every tensor in {file} has "{prefix}." before its name, which {WRAPPERS[prefix]} puts there, so transformers'
        f" does not find them; save the inner model (model.{prefix}), or take it off the names"
    ]


def _common_prefix(names: Sequence[str]) -> str | None:
    """The first part of all names, if they have the same."""
    firsts = Counter(name.partition(".")[0] for name in names)
    return next(iter(firsts)) if len(firsts) == 1 else None
