"""The operations of the engine: their names, what they take and what they answer, all plain data.

What is asked stands in the module of its topic in this package; what comes back is data of `core`.
"""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

from encoder_tui.core.models.placement import Offers, OffersRequest
from encoder_tui.core.outputs.runs import MemoryAnswer, RunAnswer, RunRequest, UnloadRequest, Values, ValuesRequest
from encoder_tui.core.outputs.slices import Cells, LookRequest
from encoder_tui.core.parameters.description import Description
from encoder_tui.core.parameters.statistics import Differences, TensorStatistics
from encoder_tui.core.tasks.masked import MaskedAnswer, MaskedRequest
from encoder_tui.core.tasks.pooling import VectorsAnswer, VectorsRequest
from encoder_tui.core.timing.samples import Measurement, MeasureRequest
from encoder_tui.core.tokens.exact_form import TokenizerForm
from encoder_tui.protocol import documents, models, parameters

Q = TypeVar("Q")
R = TypeVar("R")


class Operation(Generic[Q, R]):
    """An operation: the module in `engine.operations` that does it, and the types of its request and its answer.

    It answers with any number of partial answers and one final one, all of type `answer`.
    """

    def __init__(self, name: str, request: type[Q], answer: type[R]) -> None:
        self.name = name
        self.request = request
        self.answer = answer


HELLO: Final = Operation("hello", models.HelloRequest, models.Hello)
FILES: Final = Operation("files", models.FilesRequest, models.FilesAnswer)
CARD: Final = Operation("card", models.CardRequest, models.CardAnswer)
TOKENIZER: Final = Operation("tokenizer", models.TokenizerRequest, TokenizerForm)
RUN: Final = Operation("run", RunRequest, RunAnswer)
VALUES: Final = Operation("values", ValuesRequest, Values)
LOOK: Final = Operation("look", LookRequest, Cells)
VECTORS: Final = Operation("vectors", VectorsRequest, VectorsAnswer)
MASKED: Final = Operation("masked", MaskedRequest, MaskedAnswer)
MEASURE: Final = Operation("measure", MeasureRequest, Measurement)
OFFERS: Final = Operation("offers", OffersRequest, Offers)
MEMORY: Final = Operation("memory", UnloadRequest, MemoryAnswer)
DESCRIBE: Final = Operation("describe", parameters.DescribeRequest, Description)
TENSOR: Final = Operation("tensor", parameters.TensorRequest, TensorStatistics)
DIFFERENCE: Final = Operation("difference", parameters.DifferenceRequest, Differences)
SOURCE: Final = Operation("source", documents.SourceRequest, documents.SourceAnswer)
FORMS: Final = Operation("forms", documents.FormsRequest, documents.FormsAnswer)
ROWS: Final = Operation("rows", documents.RowsRequest, documents.RowsAnswer)
DOCUMENT: Final = Operation("document", documents.DocumentRequest, documents.DocumentAnswer)
SCAN: Final = Operation("scan", documents.ScanRequest, documents.ScanAnswer)
FIND: Final = Operation("find", documents.FindRequest, documents.FindAnswer)

OPERATIONS: Final[dict[str, Operation[Any, Any]]] = {
    operation.name: operation
    for operation in (
        HELLO,
        FILES,
        CARD,
        TOKENIZER,
        RUN,
        VALUES,
        LOOK,
        VECTORS,
        MASKED,
        MEASURE,
        OFFERS,
        MEMORY,
        DESCRIBE,
        TENSOR,
        DIFFERENCE,
        SOURCE,
        FORMS,
        ROWS,
        DOCUMENT,
        SCAN,
        FIND,
    )
}
