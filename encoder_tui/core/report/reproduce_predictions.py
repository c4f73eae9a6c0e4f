"""Python code that reproduces with `transformers` what heads say of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from encoder_tui.core.models.names import ModelName
from encoder_tui.core.models.placement import InForce
from encoder_tui.core.report.reproduce import literal, pretrained
from encoder_tui.core.tasks.masked import MASK
from encoder_tui.core.tasks.predictions import HYPOTHESIS, Task, Wish

PIPELINES: Final[dict[Task, str]] = {
    "sequence-classification": "text-classification",
    "zero-shot-classification": "zero-shot-classification",
    "token-classification": "token-classification",
    "masked-lm": "fill-mask",
}
"""The pipelines of transformers by task; it has none for answers since version 5, and none for choices."""


class HeadToReproduce(msgspec.Struct, frozen=True):
    """A model whose head answered, and what it was asked; `runs_code` is as it was requested."""

    name: ModelName
    task: Task
    in_force: InForce
    wish: Wish
    runs_code: bool = False


def predictions_snippet(runs: Sequence[HeadToReproduce]) -> str:
    """Return a script that prints what each model's head says of the texts it was asked about."""
    lines: list[str] = []
    for run in runs:
        lines += ["", *(_with_pipeline(run) if run.task in PIPELINES else _OTHERS[run.task](run))]
    imports = dict.fromkeys(line for run in runs for line in _imports(run.task))
    return "\n".join(["import torch", *imports, *lines]) + "\n"


def _imports(task: Task) -> list[str]:
    if task in PIPELINES:
        return ["from transformers import pipeline"]
    if task == "cross-encoder":
        return ["from sentence_transformers import CrossEncoder"]
    kind = "QuestionAnswering" if task == "question-answering" else "MultipleChoice"
    return [f"from transformers import AutoModelFor{kind}, AutoTokenizer"]


def _texts(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(literal, texts))}]"


def _attention(in_force: InForce) -> str | None:
    """Return the attention implementation as transformers calls it; `sdpa_local` belongs to this program."""
    return "sdpa" if in_force.attention == "sdpa_local" else in_force.attention or None


def _threads(run: HeadToReproduce) -> list[str]:
    return [] if run.in_force.threads is None else [f"torch.set_num_threads({run.in_force.threads})"]


def _with_pipeline(run: HeadToReproduce) -> list[str]:
    wish, in_force = run.wish, run.in_force
    trust = ", trust_remote_code=True" if run.runs_code else ""
    attention = _attention(in_force)
    settings = f", model_kwargs={{'attn_implementation': {attention!a}}}" if attention else ""
    made = (
        f"model = pipeline({PIPELINES[run.task]!a}, model={pretrained(run.name)}, device={in_force.device!a},"
        f" dtype=torch.{in_force.dtype}{settings}{trust})"
    )
    lines = [*_threads(run), made]
    if run.task == "zero-shot-classification":
        arguments = f"candidate_labels={_texts(wish.labels)}, hypothesis_template={HYPOTHESIS!a}"
        return [*lines, f"print(model({_texts(wish.texts)}, {arguments}, multi_label={wish.multi_label}))"]
    if run.task == "token-classification":
        stride = f", stride={wish.stride}" if wish.windows and wish.aggregation != "none" else ""
        return [*lines, f"print(model({_texts(wish.texts)}, aggregation_strategy={wish.aggregation!a}{stride}))"]
    if run.task == "masked-lm":
        masked = f"[text.replace({MASK!a}, model.tokenizer.mask_token) for text in {_texts(wish.texts)}]"
        return [*lines, f"print(model({masked}))"]
    inputs = _texts(wish.texts)
    if wish.pairs:
        pairs = [f"{{'text': {literal(text)}, 'text_pair': {literal(pair or '')}}}" for text, pair in wish.inputs()]
        inputs = f"[{', '.join(pairs)}]"
    note = ["# the beginning of each text only: the pipeline reads no windows"] if wish.windows else []
    return [*lines, *note, f"print(model({inputs}, top_k=None, truncation=True))"]


def _cross_encoder(run: HeadToReproduce) -> list[str]:
    pairs = ", ".join(f"({literal(text)}, {literal(pair or '')})" for text, pair in run.wish.inputs())
    trust = ", trust_remote_code=True" if run.runs_code else ""
    settings = f"model_kwargs={{'dtype': torch.{run.in_force.dtype}}}"
    made = f"model = CrossEncoder({pretrained(run.name)}, device={run.in_force.device!a}, {settings}{trust})"
    return [*_threads(run), made, f"print(model.predict([{pairs}]))"]


def _loaded(run: HeadToReproduce, kind: str) -> list[str]:
    trust = ", trust_remote_code=True" if run.runs_code else ""
    attention = _attention(run.in_force)
    settings = f", attn_implementation={attention!a}" if attention else ""
    return [
        *_threads(run),
        f"tokenizer = AutoTokenizer.from_pretrained({pretrained(run.name)}{trust})",
        f"model = AutoModelFor{kind}.from_pretrained({pretrained(run.name)}, dtype=torch.{run.in_force.dtype}"
        f"{settings}{trust}).to({run.in_force.device!a}).eval()",
    ]


def _question_answering(run: HeadToReproduce) -> list[str]:
    windows = f", stride={run.wish.stride}, return_overflowing_tokens=True, padding=True" if run.wish.windows else ""
    return [
        *_loaded(run, "QuestionAnswering"),
        f"for text in {_texts(run.wish.texts)}:",
        f"    inputs = tokenizer({literal(run.wish.question or '')}, text, truncation='only_second',"
        f" return_tensors='pt', return_offsets_mapping=True{windows})",
        "    offsets = inputs.pop('offset_mapping')",
        "    inputs.pop('overflow_to_sample_mapping', None)",
        "    with torch.inference_mode():",
        "        output = model(**inputs.to(model.device))",
        "    for window in range(len(offsets)):",
        "        inside = [at for at, one in enumerate(inputs.sequence_ids(window)) if one == 1]",
        "        scores = output.start_logits[window, inside].softmax(0)[:, None] *"
        " output.end_logits[window, inside].softmax(0)",
        "        best = scores.triu().argmax().item()",
        "        first, last = inside[best // len(inside)], inside[best % len(inside)]",
        "        print(text[offsets[window, first, 0] : offsets[window, last, 1]], scores.triu().max().item())",
    ]


def _multiple_choice(run: HeadToReproduce) -> list[str]:
    choices = _texts(run.wish.pairs)
    return [
        *_loaded(run, "MultipleChoice"),
        f"choices = {choices}",
        f"inputs = tokenizer([{literal(run.wish.texts[0])}] * len(choices), choices, padding=True, truncation=True,"
        " return_tensors='pt').to(model.device)",
        "with torch.inference_mode():",
        "    print(model(**{key: rows[None] for key, rows in inputs.items()}).logits[0].softmax(0))",
    ]


_OTHERS: Final = {
    "cross-encoder": _cross_encoder,
    "question-answering": _question_answering,
    "multiple-choice": _multiple_choice,
}
