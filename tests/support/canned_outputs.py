"""What an engine could answer, by arithmetic alone: pictures must not depend on a machine's last digits."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from operator import mul
from typing import Any

import pytest

from encoder_tui.client.client import EngineClient
from encoder_tui.core.models.heads import Kind
from encoder_tui.core.models.placement import InForce, ModelSource, Placement
from encoder_tui.core.outputs.runs import MemoryAnswer, ModelInMemory, OutputFacts, RunAnswer
from encoder_tui.core.outputs.slices import Cells
from encoder_tui.core.tasks.encoding import (
    EncodeAnswer,
    EncodedText,
    PairsAnswer,
    Pipeline,
    ScoredPair,
    Similarity,
    TokenStates,
    TokenStatesAnswer,
    Vectors,
)
from encoder_tui.core.tasks.masked import MaskedAnswer, Prediction
from encoder_tui.core.tasks.pooling import VectorsAnswer
from encoder_tui.protocol import operations
from encoder_tui.protocol.operations import Operation
from encoder_tui.protocol.outputs import LookRequest, RunRequest
from encoder_tui.protocol.tasks import EncodeRequest, MaskedRequest, PairsRequest, TokenStatesRequest, VectorsRequest

HIDDEN, HEADS, LAYERS = 768, 12, 3
REACH = 64
"""How far a local layer of ModernBERT sees."""


def in_force(source: ModelSource, placement: Placement, attention: str = "sdpa") -> InForce:
    size = 433_000_000 if source.name.endswith(":bert") else 596_000_000
    return InForce("cpu", placement.dtype or "float32", attention, "random", size)


def facts(name: str, shape: list[int]) -> OutputFacts:
    spread = len(name) / 16
    return OutputFacts(name, shape, "float32", "cpu", -0.000123 * len(name), spread, -3 * spread, 2.5 * spread)


def run(request: RunRequest) -> RunAnswer:
    tokens = len(request.batch.input_ids[0])
    outputs = [facts("last_hidden_state", [1, tokens, HIDDEN])]
    if request.source.name == "builtin:bert":
        outputs.append(facts("pooler_output", [1, HIDDEN]))
    if request.hidden_states:
        outputs += [facts(f"hidden_states.{layer}", [1, tokens, HIDDEN]) for layer in range(LAYERS + 1)]
    if request.attentions:
        outputs += [facts(f"attentions.{layer}", [1, HEADS, tokens, tokens]) for layer in range(LAYERS)]
    return RunAnswer(
        in_force(request.source, request.placement, "eager" if request.attentions else "sdpa"), outputs, 0.25
    )


def look(request: LookRequest) -> Cells:
    """Hidden states by a pattern; attentions that fade with the distance, and end where a local layer's do."""
    window = request.window
    is_attention = request.name.startswith("attentions")
    is_local = is_attention and request.slot == 1 and int(request.name[-1]) % 3 != 0
    values = array("f")
    rows = range(window.row, window.row + window.height * window.row_step, window.row_step)
    columns = range(window.column, window.column + window.width * window.column_step, window.column_step)
    if request.how == "norm":
        return Cells("float32", (len(rows), 1), array("f", [16 + row * 7 % 5 for row in rows]).tobytes())
    for row in rows:
        for column in columns:
            far = abs(row - column)
            if is_attention:
                values.append(0.0 if is_local and far > REACH else 1 / (1 + far))
            else:
                values.append(((row * 37 + column * 101) % 97 - 48) / 40)
    return Cells("float32", (len(rows), len(columns)), values.tobytes())


def vectors(request: VectorsRequest) -> VectorsAnswer:
    """Vectors of four values that depend on the tokens."""
    ids = [token for row in request.batch.input_ids for token in row]
    near = {
        pooling: array("f", [1, (sum(ids) + place) % 7 / 7, len(ids) % 11 / 11, ids[-2] % 5 / 5]).tobytes()
        for place, pooling in enumerate(["mean", "cls", "max"])
    }
    if request.source.name == "builtin:bert":
        near["pooler"] = near["cls"]
    return VectorsAnswer(in_force(request.source, request.placement), near)


def pipeline(request: EncodeRequest | PairsRequest | TokenStatesRequest, kind: Kind) -> Pipeline:
    force = in_force(request.source, request.placement)
    return Pipeline(force, kind, "sentence-transformers 6.0", 512, ["mean"], is_random=kind == "sparse-encoder")


def encode(request: EncodeRequest) -> EncodeAnswer:
    """Vectors of eight values that depend on the texts; of a sparse encoder for builtin:modernbert."""
    rows = [[(len(text) * place % 13 - 4) / 8 for place in range(1, 9)] for text in request.texts]
    is_sparse = request.source.name == "builtin:modernbert"
    products = [[sum(map(mul, one, other)) for other in rows] for one in rows]
    norms = [math.sqrt(products[place][place]) for place in range(len(rows))]
    alike = [
        product if is_sparse else product / (norms[row] * norms[column])
        for row, values in enumerate(products)
        for column, product in enumerate(values)
    ]
    texts = [
        EncodedText(len(text.split()) + 2, len(text), 20 if len(text) > 48 else None, norm)
        for text, norm in zip(request.texts, norms, strict=True)
    ]
    vectors = Vectors("dense", 8, array("f", [value for row in rows for value in row]).tobytes())
    if is_sparse:
        entries = [
            sorted(((abs(value), place) for place, value in enumerate(row) if value), reverse=True) for row in rows
        ]
        weights = array("f", [weight for row in entries for weight, _ in row]).tobytes()
        indices = array("i", [place for row in entries for _, place in row]).tobytes()
        terms = dict(enumerate(["lens", "lamp", "light", "tower", "keeper", "bread", "yeast", "glass"]))
        vectors = Vectors("sparse", 8, weights, [len(row) for row in entries], indices, terms)
    similarity = Similarity("dot" if is_sparse else "cosine", len(rows), array("f", alike).tobytes())
    kind: Kind = "sparse-encoder" if is_sparse else "sentence-transformer"
    return EncodeAnswer(pipeline(request, kind), texts, vectors, similarity)


def pairs(request: PairsRequest) -> PairsAnswer:
    scored = [ScoredPair([len(second) % 11 / 11], len(first + second) // 4) for first, second in request.pairs]
    return PairsAnswer(pipeline(request, "cross-encoder"), scored, [], "Sigmoid")


def token_states(request: TokenStatesRequest) -> TokenStatesAnswer:
    query, document = (["[CLS]", *text.split(), "[SEP]"] for text in (request.query, request.document))
    values = [(len(one) * len(other) + len(one)) % 17 / 17 for one in query for other in document]
    spans = [[(0, 0)] * len(tokens) for tokens in (query, document)]
    return TokenStatesAnswer(
        pipeline(request, "sentence-transformer"),
        TokenStates(query, spans[0]),
        TokenStates(document, spans[1]),
        array("f", values).tobytes(),
        "cosine",
        4.25,
        is_native=False,
    )


def masked(request: MaskedRequest) -> MaskedAnswer:
    chances = (0.5, 0.25, 0.125, 0.0625, 0.03125)
    best = [Prediction(200 + 31 * place, chance) for place, chance in enumerate(chances)]
    return MaskedAnswer(in_force(request.source, request.placement), [best for _ in request.positions])


async def answer(
    self: EngineClient,
    task: Operation[Any, Any],
    request: Any,
    on_progress: Callable[[Any], None] | None = None,
    on_partial: Callable[[Any], None] | None = None,
) -> Any:
    """What `EngineClient.run` would give."""
    if task in {operations.MEMORY, operations.UNLOAD}:
        sources = [ModelSource(f"builtin:{name}", "") for name in ("bert", "modernbert")]
        held = [ModelInMemory(source.name, in_force(source, Placement())) for source in sources]
        return MemoryAnswer(held, 151_000, None, None)
    found: dict[str, Callable[[Any], Any]] = {
        one.__name__: one for one in (run, look, vectors, masked, encode, pairs, token_states)
    }
    return found[task.name](request)


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every window of a test have such an engine."""
    monkeypatch.setattr(EngineClient, "run", answer)
