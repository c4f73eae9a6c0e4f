"""Python code that reproduces with `sentence-transformers` what deployed models make of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from encoder_tui.core.models.heads import Kind
from encoder_tui.core.models.names import ModelName
from encoder_tui.core.models.placement import InForce
from encoder_tui.core.report.reproduce import literal, pretrained
from encoder_tui.core.tasks.encoding import Pipeline

CLASSES: Final[dict[Kind, str]] = {
    "sparse-encoder": "SparseEncoder",
    "multi-vector-encoder": "MultiVectorEncoder",
    "cross-encoder": "CrossEncoder",
}
"""The classes of sentence-transformers by kind; every other kind is a SentenceTransformer."""


class PipelineToReproduce(msgspec.Struct, frozen=True):
    """A deployed model that answered; `truncate_dim` and `runs_code` are as they were requested."""

    name: ModelName
    pipeline: Pipeline
    truncate_dim: int | None = None
    runs_code: bool = False

    @property
    def class_name(self) -> str:
        """The class of sentence-transformers that loads the model."""
        return CLASSES.get(self.pipeline.kind, "SentenceTransformer")


def vectors_snippet(runs: Sequence[PipelineToReproduce], texts: Sequence[str]) -> str:
    """Return a script that encodes texts with each model and prints the vectors and their similarities."""
    lines = [*_imports(runs), f"texts = [{', '.join(map(literal, texts))}]"]
    for run in runs:
        arguments = ["texts"]
        if run.pipeline.prompt is not None:
            arguments.append(f"prompt_name={run.pipeline.prompt!a}")
        if run.truncate_dim is not None:
            arguments.append(f"truncate_dim={run.truncate_dim}")
        method = "encode" if run.pipeline.side is None else f"encode_{run.pipeline.side}"
        lines += [*_model(run), f"vectors = model.{method}({', '.join(arguments)})"]
        if run.pipeline.kind == "sparse-encoder":
            lines.append("print(model.decode(vectors))")
        lines += ["print(vectors)", "print(model.similarity_fn_name, model.similarity(vectors, vectors))"]
    return "\n".join(lines) + "\n"


def pairs_snippet(runs: Sequence[PipelineToReproduce], pairs: Sequence[tuple[str, str]]) -> str:
    """Return a script that scores pairs with each cross-encoder, and prints the scores."""
    written = ", ".join(f"({literal(first)}, {literal(second)})" for first, second in pairs)
    lines = [*_imports(runs), f"pairs = [{written}]"]
    for run in runs:
        prompt = "" if run.pipeline.prompt is None else f", prompt_name={run.pipeline.prompt!a}"
        lines += [*_model(run), f"print(model.predict(pairs{prompt}))"]
    return "\n".join(lines) + "\n"


def token_states_snippet(runs: Sequence[PipelineToReproduce], query: str, document: str) -> str:
    """Return a script that compares the tokens of two texts under each model, and prints the matrix and the score."""
    lines = [*_imports(runs), f"query, document = {literal(query)}, {literal(document)}"]
    for run in runs:
        lines += _model(run)
        if run.pipeline.kind == "multi-vector-encoder":
            lines += [
                "queries, documents = model.encode_query([query]), model.encode_document([document])",
                "print(queries[0] @ documents[0].T)",
                "print(model.similarity_fn_name, model.similarity(queries, documents))",
            ]
        else:
            lines += [
                "states = [",
                '    encode([text], output_value="token_embeddings")[0]',
                "    for encode, text in ((model.encode_query, query), (model.encode_document, document))",
                "]",
                "first, second = (torch.nn.functional.normalize(one.float(), dim=-1) for one in states)",
                "print(first @ second.T)",
                "print((first @ second.T).amax(1).sum())  # the model pools its states, so this is not its own score",
            ]
    return "\n".join(lines) + "\n"


def matryoshka_snippet(runs: Sequence[PipelineToReproduce], texts: Sequence[str], sizes: Sequence[int]) -> str:
    """Return a script that prints the cosines of texts by the first values of their vectors, for each of `sizes`."""
    lines = [*_imports(runs), f"texts = [{', '.join(map(literal, texts))}]"]
    for run in runs:
        prompt = "" if run.pipeline.prompt is None else f", prompt_name={run.pipeline.prompt!a}"
        method = "encode" if run.pipeline.side is None else f"encode_{run.pipeline.side}"
        lines += [
            *_model(run),
            f"vectors = model.{method}(texts{prompt}, convert_to_tensor=True)",
            f"for size in {list(sizes)}:",
            "    cut = torch.nn.functional.normalize(vectors[:, :size].float(), dim=-1)",
            "    print(size, cut @ cut.T)",
        ]
    return "\n".join(lines) + "\n"


class PooledToReproduce(msgspec.Struct, frozen=True):
    """A model whose token states were pooled by `pooling`: mean, cls, max or pooler.

    `limit` is how many tokens it reads, None if nothing limits it, and `stride` how many of them windows share.
    """

    name: ModelName
    in_force: InForce
    limit: int | None
    stride: int
    pooling: str
    runs_code: bool = False


POOLED: Final = {
    "mean": "(states * weights).sum(1) / weights.sum(1)",
    "cls": "states[:, 0]",
    "max": "states.masked_fill(weights == 0, float('-inf')).amax(1)",
    "pooler": "output.pooler_output.float()",
}
"""The expression for the vectors of windows by each pooling."""


def triplet_snippet(runs: Sequence[PooledToReproduce], anchor: str, documents: Sequence[str]) -> str:
    """Return a script that prints the anchor's cosine with each document: its beginning, its windows, the best one."""
    lines = [
        "import torch",
        "from transformers import AutoModel, AutoTokenizer",
        "",
        f"anchor, documents = {literal(anchor)}, [{', '.join(map(literal, documents))}]",
    ]
    for run in runs:
        in_force, trust = run.in_force, ", trust_remote_code=True" if run.runs_code else ""
        attention = "sdpa" if in_force.attention == "sdpa_local" else in_force.attention
        cut = "" if run.limit is None else f", truncation=True, max_length={run.limit}, stride={run.stride}"
        overflow = "" if run.limit is None else ", return_overflowing_tokens=True"
        lines += [
            "",
            *([] if in_force.threads is None else [f"torch.set_num_threads({in_force.threads})"]),
            f"tokenizer = AutoTokenizer.from_pretrained({pretrained(run.name)}{trust})",
            f"settings = {{'dtype': torch.{in_force.dtype}, 'attn_implementation': {attention!a}}}",
            f"model = AutoModel.from_pretrained({pretrained(run.name)}, **settings{trust})"
            f".to({in_force.device!a}).eval()",
            "",
            "",
            "def windows(text):",
            f"    inputs = tokenizer(text, padding=True, return_tensors='pt'{cut}{overflow})",
            "    inputs.pop('overflow_to_sample_mapping', None)",
            "    inputs = inputs.to(model.device)",
            "    with torch.inference_mode():",
            "        output = model(**inputs)",
            "    states, weights = output.last_hidden_state.float(), inputs['attention_mask'][:, :, None].float()",
            f"    return {POOLED[run.pooling]}",
            "",
            "",
            "cosine = torch.nn.functional.cosine_similarity",
            "question = windows(anchor)[0]",
            "for document in documents:",
            "    vectors = windows(document)",
            "    likeness = cosine(question, vectors)",
            "    print(likeness[0], cosine(question, vectors.mean(0), dim=0), likeness.max())",
        ]
    return "\n".join(lines) + "\n"


def _imports(runs: Sequence[PipelineToReproduce]) -> list[str]:
    classes = ", ".join(sorted({run.class_name for run in runs}))
    return ["import torch", f"from sentence_transformers import {classes}", ""]


def _model(run: PipelineToReproduce) -> list[str]:
    """Return the lines that load a model as it ran, with what has to be said of it."""
    pipeline, in_force = run.pipeline, run.pipeline.in_force
    notes = []
    if in_force.weights == "random":
        notes.append("# there were no weights, so the values were random, and this script has none to load")
    elif pipeline.is_random:
        notes.append("# some tensors are not in the checkpoint: they are random, and not the same ones here")
    if pipeline.is_own_pooling:
        notes.append("# the model states no pooling; the mean is the choice of encoder-tui, and of the library too")
    # It belongs to this program; transformers has no name for it.
    if is_local := in_force.attention == "sdpa_local":
        notes.append("# it ran with sdpa_local: sdpa that leaves out what the local layers mask")
    settings = [f"'dtype': torch.{in_force.dtype}"]
    if in_force.attention not in {"no", ""} and " and " not in in_force.attention:
        settings.append(f"'attn_implementation': {'sdpa' if is_local else in_force.attention!a}")
    trust = ", trust_remote_code=True" if run.runs_code else ""
    threads = [] if in_force.threads is None else [f"torch.set_num_threads({in_force.threads})"]
    return [
        "",
        *notes,
        *threads,
        f"settings = {{{', '.join(settings)}}}",
        f"model = {run.class_name}({pretrained(run.name)}, device={in_force.device!a}, model_kwargs=settings{trust})",
        *([f"model.max_seq_length = {pipeline.limit}"] if pipeline.is_limit_chosen else []),
    ]
