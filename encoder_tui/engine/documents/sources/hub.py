"""Data sets on the Hub, streamed with `datasets`: the first rows are shown without downloading a whole file."""

from __future__ import annotations

import functools
import re
import tempfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Final

import msgspec

from encoder_tui.core.hub.client import HubClient
from encoder_tui.core.hub.offline import offline_by_environment
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.engine.documents.sources.features import Feature, of_arrow, of_rows
from encoder_tui.engine.documents.sources.retrieval import join_titles, parts_of
from encoder_tui.engine.documents.sources.source import ROW_AT_MOST, SAMPLED, Source, TooLong, text_of
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.server import one_line

DEFAULT: Final = "sentence-transformers/mldr:en-triplet:train"
"""Long English documents, each with a question: the default source."""

BUFFER: Final = 2 << 20
"""How many bytes of a parquet file are fetched at a time."""

NAME: Final = re.compile(r"([\w.-]+(?:/[\w.-]+)?)(?::([^:/\s]*))?(?::([^:/\s]*))?", re.ASCII)
"""`OWNER/NAME`, optionally followed by a configuration and a split, separated by colons."""


class HubRows(Source):
    """The rows of one split. Rows that have arrived are kept in a temporary file, so going back needs no network."""

    is_remote = True

    def __init__(self, name: str, job: Job, *, offline: bool) -> None:
        found = NAME.fullmatch(name)
        assert found is not None
        repo, config, split = found[1], found[2] or None, found[3] or None
        forbidden = "--offline" if offline else offline_by_environment()
        if forbidden:
            raise OperationError(f"{repo} is a data set of the Hub, and {forbidden} forbids asking it; name a file")
        # One request with a timeout of two seconds, because datasets itself tries an unreachable Hub for minutes.
        client = HubClient(repo, f"datasets/{repo}", job.progress)
        client.listing("main")
        job.progress(f"opening {repo}")
        self._open(repo, config, split)
        super().__init__(" · ".join([repo, *([self._config] if self._config != "default" else []), self._split]))
        self._spool: IO[bytes] = tempfile.TemporaryFile(prefix="encoder-tui-")  # noqa: SIM115
        self._offsets = array("Q", [0])
        self._stream: Iterator[dict[str, Any]] | None = None
        info = self._rows.info.splits or {}
        # From the data set's card, which nobody checks.
        self.stated = info[self._split].num_examples if self._split in info else None
        self.reach(SAMPLED, job)
        samples = list(self._kept(0))
        if not samples:
            raise OperationError(f"{self.label} has no rows; choose another split")
        self.take_columns(samples, self._features(samples))
        join_titles(self, self._config)

    def _features(self, samples: list[dict[str, Any]]) -> dict[str, Feature]:
        """Return what the columns hold, as `datasets` has it, or else as the first rows show it."""
        if self._rows.features is None:
            return of_rows(samples)
        return {field.name: of_arrow(field.type) for field in self._rows.features.arrow_schema}

    def _open(self, repo: str, config: str | None, split: str | None) -> None:
        import datasets  # noqa: PLC0415  # two seconds, for the Hub alone
        from huggingface_hub import hf_file_system  # noqa: PLC0415

        # By default they retry for minutes, one inside the other, and cannot be cancelled.
        patient: Any = hf_file_system
        patient.http_backoff = functools.partial(patient.http_backoff, max_retries=1)
        datasets.config.STREAMING_READ_MAX_RETRIES = datasets.config.STREAMING_OPEN_MAX_RETRIES = 2
        datasets.config.STREAMING_READ_RETRY_INTERVAL = datasets.config.STREAMING_OPEN_RETRY_INTERVAL = 1
        datasets.disable_progress_bars()
        try:
            if config is None:
                configs = datasets.get_dataset_config_names(repo)
                parts = parts_of(configs)
                config = "default" if "default" in configs or not configs else configs[0]
                config = config if parts is None else parts.corpus
            builder = datasets.load_dataset_builder(repo, name=config)
            _read_little(builder)
            splits = builder.as_streaming_dataset()
        except Exception as error:
            raise OperationError(f"{repo}: datasets cannot open it ({one_line(error)})") from error
        if split is not None and split not in splits:
            raise OperationError(f"{repo} has no split {split} in {config}; its splits are {', '.join(splits)}")
        self.configs, self.splits = list(builder.builder_configs) or [config], [str(one) for one in splits]
        self._config = self.config = config
        self._split = self.split = split or ("train" if "train" in splits else next(iter(splits)))
        self._rows = splits[self._split]

    def reach(self, count: int, job: Job) -> None:
        if count <= self.known or self.total is not None:
            return
        if self._stream is None:
            self._stream = self._arriving(self.known)
        for row in self._stream:
            kept = msgspec.msgpack.encode(self._plain(row, self.known))
            self._spool.seek(self._offsets[-1])
            self._spool.write(kept)
            self._offsets.append(self._offsets[-1] + len(kept))
            self.known += 1
            job.progress(f"receiving {self.label}", self.known, self.expected(), "rows")
            if self.known >= count:
                return
        self.total = self.known

    def _arriving(self, start: int) -> Iterator[dict[str, Any]]:
        """Yield rows from the Hub. A broken connection is a `OperationError`, and the next call continues there."""
        try:
            yield from self._rows.skip(start) if start else self._rows
        except Exception as error:
            self._stream = None
            raise OperationError(
                f"{self.label}: the connection broke after row {self.known:,} ({one_line(error)});"
                " the rows received are kept; try again"
            ) from error

    def _kept(self, start: int) -> Iterator[dict[str, Any]]:
        """Yield the rows that have already arrived."""
        index = start
        while index < self.known:
            begin, end = self._offsets[index], self._offsets[index + 1]
            self._spool.seek(begin)
            yield msgspec.msgpack.decode(self._spool.read(end - begin))
            index += 1

    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Yield the rows that are here, then the others, which are not kept because a whole collection may not fit."""
        for row in self._kept(start):
            start += 1
            yield row
        if self.total is not None and start >= self.total:
            return
        for row in self._arriving(start):
            start += 1
            yield self._plain({name: row.get(name) for name in names}, start - 1)
        self.stated = start

    def _plain(self, value: Any, index: int) -> Any:
        """Return a row, or a value of it, as text, lists and structs of text; None for all else, and for a text that is
        too long.
        """
        if isinstance(value, str):
            if len(value) > ROW_AT_MOST:
                self.leave_out(index, TooLong(len(value)), self.label)
                return None
            return text_of(value)
        if isinstance(value, list):
            return [self._plain(one, index) for one in value]
        if isinstance(value, dict):
            return {without_surrogates(str(name)): self._plain(one, index) for name, one in value.items()}
        return None


def _read_little(builder: Any) -> None:
    """Fetch a parquet file in pieces.

    By default pyarrow requests all row groups of a file before `datasets` yields the first row: 211 MB of MLDR.
    """
    if hasattr(builder.config, "fragment_scan_options"):
        from pyarrow.dataset import ParquetFragmentScanOptions  # noqa: PLC0415

        options = ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True, buffer_size=BUFFER)
        builder.config.fragment_scan_options = options
        builder.config.batch_size = 64
