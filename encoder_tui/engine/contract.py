"""The tasks of the engine: their names, what they take and what they yield, all plain data."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

import msgspec

from encoder_tui.forms import TokenizerForm
from encoder_tui.looking import Cells, LookRequest
from encoder_tui.masked import MaskedAnswer, MaskedRequest
from encoder_tui.models import ModelFiles
from encoder_tui.outputs import MemoryAnswer, RunAnswer, RunRequest, UnloadRequest, Values, ValuesRequest
from encoder_tui.timing import Measurement, MeasureRequest
from encoder_tui.vectors import VectorsAnswer, VectorsRequest

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
    """A device that torch can compute on; memory in bytes, None where it is not known."""

    name: str
    description: str
    free_memory: int | None = None
    total_memory: int | None = None


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


class FilesAnswer(msgspec.Struct, frozen=True):
    """The files, and the versions of the libraries that will read them."""

    files: ModelFiles
    versions: dict[str, str]


class TokenizerRequest(msgspec.Struct, frozen=True):
    """Load `AutoTokenizer` from files that are on the engine's side already.

    `location` is a directory or a Hub id, `commit` the snapshot of a Hub id.
    """

    name: str
    location: str
    commit: str | None = None
    trust_remote_code: bool = False


HELLO: Final = Task("hello", HelloRequest, Hello)
FILES: Final = Task("files", FilesRequest, FilesAnswer)
TOKENIZER: Final = Task("tokenizer", TokenizerRequest, TokenizerForm)
RUN: Final = Task("run", RunRequest, RunAnswer)
VALUES: Final = Task("values", ValuesRequest, Values)
LOOK: Final = Task("look", LookRequest, Cells)
VECTORS: Final = Task("vectors", VectorsRequest, VectorsAnswer)
MASKED: Final = Task("masked", MaskedRequest, MaskedAnswer)
MEASURE: Final = Task("measure", MeasureRequest, Measurement)
MEMORY: Final = Task("memory", UnloadRequest, MemoryAnswer)

TASKS: Final[dict[str, Task[object, object]]] = {
    task.name: task  # type: ignore[misc]
    for task in (HELLO, FILES, TOKENIZER, RUN, VALUES, LOOK, VECTORS, MASKED, MEASURE, MEMORY)
}
