"""What is to be said of a checkpoint that does not hold exactly the parameters of its model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from encoder_tui.core.parameters.checkpoint import wrapper_of
from encoder_tui.core.parameters.description import Fit, Parameter
from encoder_tui.core.text.numbers import count, first_of
from encoder_tui.core.text.safe import visible


def remarks_on(
    fit: Fit, class_name: str, parameters: Iterable[Parameter], file: str, said: Iterable[str] = ()
) -> list[str]:
    """Return sentences about a checkpoint that does not fit exactly; `file` is the first of its files.

    A prefix that a sentence in `said` explains already is not explained again.
    """
    dtypes = {parameter.name: parameter.dtype for parameter in parameters}
    remarks = []
    if fit.prefix:
        if not any(f'"{fit.prefix}"' in sentence for sentence in said):
            remarks.append(prefix_words(fit.prefix, file))
    elif dtypes and dtypes.keys() <= set(fit.missing):
        remarks.append(f"no tensor in {file} has the name of a parameter of {class_name}, so all of them are random")
    elif fit.missing:
        are = count(len(fit.missing), "parameter is", "parameters are")
        remarks.append(f"{are} not in {file}, and random when {class_name} is loaded: {first_of(fit.missing, 4)}")
    remarks += [f"{misfit.words}, so its values are random when {class_name} is loaded" for misfit in fit.misfits[:4]]
    if len(fit.misfits) > 4:
        remarks.append(f"{len(fit.misfits) - 4:,} more tensors have another shape than in the model")
    pairs = Counter((stored, dtypes[name]) for name, stored in fit.stored_dtypes.items() if name in dtypes)
    for (stored, loaded), number in pairs.items():
        are = count(number, "parameter is", "parameters are")
        remarks.append(f"{are} stored as {stored} and loaded as {loaded}")
    return remarks


def prefix_words(prefix: str, file: str) -> str:
    """Return what a prefix of every stored name does, and what to do about it."""
    saved = file if file.endswith((".safetensors", ".bin")) else "model.safetensors"
    library, load, save = (
        ("torch", "load", "save") if saved.endswith(".bin") else ("safetensors.torch", "load_file", "save_file")
    )
    return (
        f'every tensor in {file} has "{prefix}" before its name, so transformers does not find them;'
        f" take it off the names with {library}:"
        f" {save}({{n.removeprefix({prefix!r}): t for n, t in {load}({saved!r}).items()}}, {saved!r})"
    )


def why_nothing_fits(class_name: str, names: Collection[str], file: str = "model.safetensors") -> str:
    """Return why no tensor of a checkpoint is the model's; `names` are those that the model does not know."""
    if prefix := wrapper_of(names):
        return prefix_words(prefix, file)
    known = ", ".join(visible(name) for name in sorted(names)[:3])
    return (
        f"the weights have no tensor of a {class_name}{f'; theirs are called {known}, …' if known else ''};"
        " check that config.json is of these weights"
    )
