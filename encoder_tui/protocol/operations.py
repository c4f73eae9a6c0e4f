"""The tasks of the engine: their names, what they take and what they yield, all plain data."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

import msgspec

from encoder_tui.core.models.card import Inspected
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.placement import Offers, OffersRequest
from encoder_tui.core.outputs.runs import MemoryAnswer, RunAnswer, RunRequest, UnloadRequest, Values, ValuesRequest
from encoder_tui.core.outputs.slices import Cells, LookRequest
from encoder_tui.core.parameters.description import Description
from encoder_tui.core.parameters.statistics import Differences, TensorStatistics
from encoder_tui.core.tasks.masked import MaskedAnswer, MaskedRequest
from encoder_tui.core.tasks.pooling import VectorsAnswer, VectorsRequest
from encoder_tui.core.timing.samples import Measurement, MeasureRequest
from encoder_tui.core.tokens.exact_form import TokenizerForm
from encoder_tui.protocol import documents

Q = TypeVar("Q")
R = TypeVar("R")


class Task(Generic[Q, R]):
    """A task: the module under `engine.tasks` that does it, and the types of its request and its answer.

    A task answers with any number of partial answers and one final one, all of type `answer`.
    """

    def __init__(self, name: str, request: type[Q], answer: type[R]) -> None:
        self.name = name
        self.request = request
        self.answer = answer


class HelloRequest(msgspec.Struct, frozen=True):
    """Nothing to say."""


class Device(msgspec.Struct, frozen=True):
    """A device that torch can compute on; memory in bytes, None where it is not known.

    `offers` is what not every device does: `tf32`, `flash_attention_2`.
    """

    name: str
    description: str
    free_memory: int | None = None
    total_memory: int | None = None
    offers: list[str] = []


class Hello(msgspec.Struct, frozen=True):
    """What the engine runs on. `devices` is None in the partial answer that comes before torch is imported."""

    versions: dict[str, str]
    python: str
    platform: str
    threads: int
    free_memory: int | None
    devices: list[Device] | None = None


class FilesRequest(msgspec.Struct, frozen=True):
    """Find a model's small files on the engine's side, fetching them where they are not cached."""

    name: str
    offline: bool = False
    needs_tokenizer: bool = True


class FilesAnswer(msgspec.Struct, frozen=True):
    """The files, the versions of the libraries that will read them, and what there is to say of them, if anything."""

    files: ModelFiles
    versions: dict[str, str]
    remark: str = ""


class CardRequest(msgspec.Struct, frozen=True):
    """Say what a model is, fetching its small files if they are not cached."""

    name: str
    offline: bool = False


class CardAnswer(msgspec.Struct, frozen=True):
    """What a model is, the versions of the libraries that read it, and a remark, empty if there is none."""

    inspected: Inspected
    versions: dict[str, str]
    remark: str = ""


class TokenizerRequest(msgspec.Struct, frozen=True):
    """Load `AutoTokenizer` from files that are on the engine's side already.

    `location` is a directory or a Hub id, `commit` the snapshot of a Hub id, and `path` the directory of its files on
    the engine's side. `also_allowed` are others whose code may run as well as the model's own. The tokenizer is
    tried on `text`.
    """

    name: str
    location: str
    commit: str | None = None
    trust_remote_code: bool = False
    path: str = ""
    also_allowed: tuple[str, ...] = ()
    text: str = ""


class DescribeRequest(msgspec.Struct, frozen=True):
    """Describe a model's parameters without its values.

    `location` and `commit` as for the tokenizer; `path` is the directory of its files on the engine's side,
    `repo` its Hub id if it has one, whose header is asked for where transformers has no code for the model.
    """

    name: str
    location: str
    path: str
    commit: str | None = None
    repo: str | None = None
    offline: bool = False
    trust_remote_code: bool = False
    also_allowed: tuple[str, ...] = ()


class TensorRequest(msgspec.Struct, frozen=True):
    """Read one tensor of the checkpoint in the directory `path`; `parameter` is the model's name for it."""

    name: str
    path: str
    parameter: str
    bins: int = 60


class DifferenceRequest(msgspec.Struct, frozen=True):
    """Compare the checkpoints in two directories; `first` and `second` are the models' names."""

    first: str
    first_path: str
    second: str
    second_path: str


HELLO: Final = Task("hello", HelloRequest, Hello)
FILES: Final = Task("files", FilesRequest, FilesAnswer)
CARD: Final = Task("card", CardRequest, CardAnswer)
TOKENIZER: Final = Task("tokenizer", TokenizerRequest, TokenizerForm)
RUN: Final = Task("run", RunRequest, RunAnswer)
VALUES: Final = Task("values", ValuesRequest, Values)
LOOK: Final = Task("look", LookRequest, Cells)
VECTORS: Final = Task("vectors", VectorsRequest, VectorsAnswer)
MASKED: Final = Task("masked", MaskedRequest, MaskedAnswer)
MEASURE: Final = Task("measure", MeasureRequest, Measurement)
OFFERS: Final = Task("offers", OffersRequest, Offers)
MEMORY: Final = Task("memory", UnloadRequest, MemoryAnswer)
DESCRIBE: Final = Task("describe", DescribeRequest, Description)
TENSOR: Final = Task("tensor", TensorRequest, TensorStatistics)
DIFFERENCE: Final = Task("difference", DifferenceRequest, Differences)
SOURCE: Final = Task("source", documents.SourceRequest, documents.SourceAnswer)
FORMS: Final = Task("forms", documents.FormsRequest, documents.FormsAnswer)
ROWS: Final = Task("rows", documents.RowsRequest, documents.RowsAnswer)
DOCUMENT: Final = Task("document", documents.DocumentRequest, documents.DocumentAnswer)
SCAN: Final = Task("scan", documents.ScanRequest, documents.ScanAnswer)
FIND: Final = Task("find", documents.FindRequest, documents.FindAnswer)

TASKS: Final[dict[str, Task[object, object]]] = {
    task.name: task for task in list(globals().values()) if isinstance(task, Task)
}
