"""The operations of the engine: their names, requests and answers, all plain data.

Requests are defined in this package, in the module of their topic, unless `core` itself makes them; answers are data of
`core`.
"""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

from encoder_tui.core.models.placement import Offers
from encoder_tui.core.outputs.runs import MemoryAnswer, RunAnswer, Values
from encoder_tui.core.outputs.slices import Cells
from encoder_tui.core.parameters.description import Description
from encoder_tui.core.parameters.statistics import Differences, TensorStatistics
from encoder_tui.core.tasks.encoding import EncodeAnswer, PairsAnswer, TokenStatesAnswer
from encoder_tui.core.tasks.heads import HeadAnswer
from encoder_tui.core.tasks.masked import MaskedAnswer
from encoder_tui.core.tasks.pooling import VectorsAnswer
from encoder_tui.core.timing.samples import Measurement, MeasureRequest
from encoder_tui.core.tokens.exact_form import TokenizerForm
from encoder_tui.protocol import documents, models, outputs, parameters, tasks

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
SEARCH: Final = Operation("search", models.SearchRequest, models.SearchAnswer)
CARD: Final = Operation("card", models.CardRequest, models.CardAnswer)
TOKENIZER: Final = Operation("tokenizer", models.TokenizerRequest, TokenizerForm)
RUN: Final = Operation("run", outputs.RunRequest, RunAnswer)
VALUES: Final = Operation("values", outputs.ValuesRequest, Values)
LOOK: Final = Operation("look", outputs.LookRequest, Cells)
VECTORS: Final = Operation("vectors", tasks.VectorsRequest, VectorsAnswer)
ENCODE: Final = Operation("encode", tasks.EncodeRequest, EncodeAnswer)
PAIRS: Final = Operation("pairs", tasks.PairsRequest, PairsAnswer)
TOKEN_STATES: Final = Operation("token_states", tasks.TokenStatesRequest, TokenStatesAnswer)
MASKED: Final = Operation("masked", tasks.MaskedRequest, MaskedAnswer)
HEAD: Final = Operation("head", tasks.HeadRequest, HeadAnswer)
MEASURE: Final = Operation("measure", MeasureRequest, Measurement)
OFFERS: Final = Operation("offers", models.OffersRequest, Offers)
MEMORY: Final = Operation("memory", outputs.MemoryRequest, MemoryAnswer)
UNLOAD: Final = Operation("unload", outputs.UnloadRequest, MemoryAnswer)
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
        SEARCH,
        CARD,
        TOKENIZER,
        RUN,
        VALUES,
        LOOK,
        VECTORS,
        ENCODE,
        PAIRS,
        TOKEN_STATES,
        MASKED,
        HEAD,
        MEASURE,
        OFFERS,
        MEMORY,
        UNLOAD,
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
