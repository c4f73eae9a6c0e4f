"""Requests about documents, and their answers: plain data."""

from __future__ import annotations

from typing import Final

import msgspec

from encoder_tui.core.documents.lengths import LengthCounts
from encoder_tui.core.tokens.exact_form import TokenizerForm

FORMATS: Final = ("text", "json", "csv", "parquet", "arrow")
"""Formats of files that `--format` names; `json` is JSON lines too, and `csv` every table of delimited fields."""


HURRY: Final = "hurry"
"""The note that something else is wanted soon: a slice of counting or searching ends early."""


class SourceSpec(msgspec.Struct, frozen=True):
    """Which documents: `source` as the user named it, None for the default. Paths are those of the engine's machine.

    `source` is a path, a glob, a Hub id or builtin; `PATH:CONFIG:SPLIT` and `ID:CONFIG:SPLIT` name a configuration
    and a split, and `config` and `split` overrule them. `more` are further paths, read after the first one. If `lines`
    is set, every line of a text file is a document. `label` replaces the path in sentences for people, for example if
    the path is a temporary copy of stdin.

    The other options overrule what is guessed from the files: `format` is one of `FORMATS`, `delimiter` separates the
    fields of a CSV file, `header` says whether its first row has the names of the columns, `quotes` whether its fields
    are quoted, and `field` is the key of a JSON object that holds the rows.
    """

    source: str | None = None
    lines: bool = False
    offline: bool = False
    more: tuple[str, ...] = ()
    config: str | None = None
    split: str | None = None
    format: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    quotes: bool | None = None
    field: str | None = None
    label: str | None = None


class SourceRequest(msgspec.Struct, frozen=True):
    """Open a source and find its columns of text; `column` is the requested one.

    A column is named as its `Column` has it, and several names separated by commas are joined to one text.
    """

    spec: SourceSpec
    column: str | None = None


class Column(msgspec.Struct, frozen=True):
    """A column that can be chosen, and the beginning of its text in the first row that has one.

    In a name, "a.b" is a field of a struct. If "a" is a list of texts, "a" joins them to one document and "a[]" makes
    each a document of its own; "a.b" and "a[].b" do the same for a field of a list of structs.
    """

    name: str
    example: str | None = None


class SourceAnswer(msgspec.Struct, frozen=True):
    """An opened source: its name for people, its columns of text, the chosen one, and how many rows it has.

    `known` rows can be requested now; `total` is None until the end has been read. `is_remote` is set if rows come from
    the Hub. `stands_in_for` says why the built-in samples replace another source. `config` and `split` are those that
    are read, `configs` and `splits` (of this configuration) those that there are; all are empty if the source has no
    such choice. `has_files` is set if the rows come from several files, which rows then name. `choices` are the columns
    with an example of each, in the order of `columns`.
    """

    label: str
    columns: list[str]
    column: str
    known: int
    total: int | None
    is_remote: bool = False
    stands_in_for: str | None = None
    remarks: list[str] = []
    configs: list[str] = []
    config: str | None = None
    splits: list[str] = []
    split: str | None = None
    has_files: bool = False
    choices: list[Column] = []


class Counted(msgspec.Struct, frozen=True):
    """A model whose tokens are counted: the key of its exact tokenizer, and its limit."""

    key: str
    limit: int | None = None


class FormsRequest(msgspec.Struct, frozen=True):
    """Send tokenizers that the engine lacks, by their keys."""

    forms: dict[str, TokenizerForm]


class FormsAnswer(msgspec.Struct, frozen=True):
    """The keys that the engine now knows."""

    keys: list[str]


class RowsRequest(msgspec.Struct, frozen=True):
    """Return rows; with `cuts`, also the character at which each model stops reading."""

    spec: SourceSpec
    column: str
    start: int
    count: int
    models: list[Counted] = []
    cuts: bool = False


class Row(msgspec.Struct, frozen=True):
    """A document in a list; `characters` is None if the row holds no text.

    `tokens` and `cuts` are by model. Tokens include special ones. `file` is the file that the row comes from, relative
    to the source, if the source has several.
    """

    index: int
    characters: int | None
    beginning: str
    tokens: list[int | None] = []
    cuts: list[int | None] = []
    file: str | None = None


class RowsAnswer(msgspec.Struct, frozen=True):
    """Rows; the partial answer before the final one has no tokens yet. `missing` holds the keys of unknown tokenizers.

    `total` is the number that the source states until the last row has been read; `is_end` is set if these rows include
    the last one.
    """

    rows: list[Row]
    known: int
    total: int | None
    missing: list[str] = []
    remarks: list[str] = []
    is_end: bool = False


class DocumentRequest(msgspec.Struct, frozen=True):
    """Return a whole document and the spans of each model's tokens in it.

    The answer for a long document has only its first tokens, at least as many as the largest limit. All of them take
    requests with `goes_on`, for one model at a time, repeated until the answer `is_whole`. Each works for about
    `seconds`, so that other requests can be answered in between.
    """

    spec: SourceSpec
    column: str
    index: int
    models: list[Counted] = []
    goes_on: bool = False
    seconds: float = 0.5


class Spans(msgspec.Struct, frozen=True):
    """A model's tokens of a document, or the first of them, in the format of `DocumentTokens.from_bytes`."""

    starts: bytes
    ends: bytes
    special: int
    side: str
    is_whole: bool = True


class DocumentAnswer(msgspec.Struct, frozen=True):
    """A document's text, None if the row holds none, and each model's tokens. A partial answer has the text alone.

    The answer to a request that `goes_on` has no spans until all tokens are found. `file` is as in `Row`.
    """

    index: int
    text: str | None
    spans: list[Spans] = []
    missing: list[str] = []
    is_whole: bool = True
    file: str | None = None


class ScanRequest(msgspec.Struct, frozen=True):
    """Count the tokens of rows from `start` on, for about `seconds`, at most `rows` of them.

    A collection is counted slice by slice: other requests are answered between two slices, and counting pauses when no
    further request is sent. If `fast` is set, the counters of the extra `fast` are used if they prove exact.
    """

    spec: SourceSpec
    column: str
    start: int
    seconds: float
    models: list[Counted]
    rows: int | None = None
    fast: bool = True


class ScanAnswer(msgspec.Struct, frozen=True):
    """The counts of a slice, without a model's name; `next` is the row to continue with.

    `lengths` holds each model's number of tokens for every row of the slice as 32-bit numbers, and `characters` its
    number of characters; both are 0 for a row without a text. `counters` names the library that counted, by model.
    """

    counts: list[LengthCounts]
    next: int
    is_end: bool
    empty: int
    known: int
    total: int | None
    lengths: list[bytes] = []
    characters: bytes = b""
    counters: list[str] = []
    missing: list[str] = []
    remarks: list[str] = []


class FindRequest(msgspec.Struct, frozen=True):
    """Search for a text in the rows from `start` on, for about `seconds`, ignoring case."""

    spec: SourceSpec
    column: str
    text: str
    start: int
    seconds: float


class FindAnswer(msgspec.Struct, frozen=True):
    """The rows of a slice that contain the text, as 32-bit numbers; `next` is the row to continue with."""

    found: bytes
    next: int
    is_end: bool
