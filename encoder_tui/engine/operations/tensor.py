"""Statistics of the values of one tensor."""

from __future__ import annotations

from math import hypot, isinf, sqrt
from typing import IO, TYPE_CHECKING, Any, Final

from encoder_tui.core.parameters.checkpoint import Stored
from encoder_tui.core.parameters.description import numel_of
from encoder_tui.core.parameters.statistics import TensorStatistics
from encoder_tui.engine.job import Job
from encoder_tui.engine.parameters import stored_values
from encoder_tui.protocol.parameters import TensorRequest

if TYPE_CHECKING:
    import numpy

HEAT: Final = (40, 120)
"""The largest number of rows and columns of a heatmap."""


def run(request: TensorRequest, job: Job) -> TensorStatistics:
    """Read the tensor twice: for its extremes and moments, then for the histogram between the extremes.

    If the weights are on the Hub, only the tensor's own bytes are fetched, once.
    """
    job.progress(f"looking for {request.parameter}")
    with stored_values.opened(request, job) as (tensor, fetched):
        entry = tensor.entry
        numel = numel_of(entry.shape)
        moments, heat = Moments(), Heat(entry.shape)
        _read(tensor, fetched, job, f"reading {entry.name}", 0, [moments, heat])
        bins = Bins(moments, request.bins)
        _read(tensor, fetched, job, f"counting {entry.name}", numel, [bins])
    return TensorStatistics(
        stored_name=entry.name,
        file=tensor.file.name if fetched is None else f"{tensor.file} on the Hub",
        dtype=entry.dtype,
        shape=entry.shape,
        numel=numel,
        mean=moments.mean,
        std=sqrt(moments.squares / moments.count) if moments.count else 0.0,
        minimum=moments.minimum,
        maximum=moments.maximum,
        zeros=moments.zeros,
        nan=moments.nan,
        infinite=moments.infinite,
        norm=hypot(sqrt(moments.squares), sqrt(moments.count) * moments.mean),
        histogram=bins.counts,
        heatmap=heat.means(),
        heat_shape=heat.view,
    )


def _read(tensor: Stored, fetched: IO[bytes] | None, job: Job, text: str, before: int, takers: list[Any]) -> None:
    """Pass every slice to the takers; progress counts the values of both readings."""
    numel = numel_of(tensor.entry.shape)
    done = 0
    shape = tensor.entry.shape
    columns = numel // shape[0] if len(shape) > 1 and shape[0] else numel
    # Whole rows, if a row fits into a slice.
    size = stored_values.SLICE // columns * columns if 0 < columns <= stored_values.SLICE else stored_values.SLICE
    for values in stored_values.slices(tensor, job, size, fetched):
        for taker in takers:
            taker.take(values)
        done += len(values)
        job.progress(text, before + done, 2 * numel, "values")


class Moments:
    """Count, mean, sum of squared deviations and extremes of the finite values, merged slice by slice.

    Sums of squares lose digits if the mean is large, so slices are merged by the formula of Chan, Golub and LeVeque.
    """

    def __init__(self) -> None:
        self.count = self.zeros = self.nan = self.infinite = 0
        self.mean = self.squares = 0.0
        self.minimum = self.maximum = 0.0

    def take(self, values: numpy.ndarray[Any, Any]) -> None:
        import numpy  # noqa: PLC0415

        finite = finite_of(values)
        nan = 0 if finite is values else int(numpy.isnan(values).sum())
        self.nan += nan
        self.infinite += len(values) - len(finite) - nan
        if not len(finite):
            return
        self.zeros += len(finite) - int(numpy.count_nonzero(finite))
        low, high, mean = float(finite.min()), float(finite.max()), float(finite.mean())
        self.minimum = min(self.minimum, low) if self.count else low
        self.maximum = max(self.maximum, high) if self.count else high
        centred = finite - mean
        squares = float(numpy.dot(centred, centred))
        together = self.count + len(finite)
        step = mean - self.mean
        self.squares += squares + step * step * self.count * len(finite) / together
        self.mean += step * len(finite) / together
        self.count = together


class Bins:
    """Counts of the finite values in bins of equal width between the extremes."""

    def __init__(self, moments: Moments, number: int) -> None:
        width = moments.maximum - moments.minimum
        # Neither the width nor a quotient by it may be infinite, however far apart or close the extremes are.
        self.scale = 0.25 if isinf(width) else 2.0**64 if 0 < width < 1e-300 else 1.0
        self.low = moments.minimum * self.scale
        self.width = moments.maximum * self.scale - self.low
        self.counts = [0] * max(number, 1)

    def take(self, values: numpy.ndarray[Any, Any]) -> None:
        import numpy  # noqa: PLC0415

        number, finite = len(self.counts), finite_of(values)
        if not self.width:
            # If all values are equal, they are in the middle bin.
            self.counts[number // 2] += len(finite)
            return
        scaled = finite if self.scale == 1 else finite * self.scale
        # Like numpy.histogram, in a third of its time.
        place = (scaled - self.low) * (number / self.width)
        counted = numpy.bincount(numpy.minimum(place.astype(numpy.int64), number - 1), minlength=number)
        self.counts = [before + int(now) for before, now in zip(self.counts, counted, strict=True)]


def finite_of(values: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
    """Return the finite values; the array itself if all of them are."""
    import numpy  # noqa: PLC0415

    with numpy.errstate(over="ignore", invalid="ignore"):
        if numpy.isfinite(values.sum()):
            return values
    finite: numpy.ndarray[Any, Any] = values[numpy.isfinite(values)]
    return finite


class Heat:
    """Means over the cells of a grid. The tensor is seen as a table of its first dimension by all the others."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        import numpy  # noqa: PLC0415

        numel = numel_of(shape)
        rows = shape[0] if len(shape) > 1 else 1
        self.view = (rows, numel // rows) if numel else (0, 0)
        self.grid = (min(HEAT[0], self.view[0]), min(HEAT[1], self.view[1]))
        self._sums = numpy.zeros(self.grid)
        self._counts = numpy.zeros(self.grid)
        self._place = 0

    def take(self, values: numpy.ndarray[Any, Any]) -> None:
        import numpy  # noqa: PLC0415

        finite = numpy.isfinite(values)
        everywhere = bool(finite.all())
        start, columns = self._place, self.view[1]
        self._place += len(values)
        if start % columns == 0 and len(values) % columns == 0:
            table = (values if everywhere else numpy.where(finite, values, 0.0)).reshape(-1, columns)
            row = (start // columns + numpy.arange(len(table))) * self.grid[0] // self.view[0]
            edges = -(-numpy.arange(self.grid[1]) * columns // self.grid[1])  # the first column of each cell
            numpy.add.at(self._sums, row, numpy.add.reduceat(table, edges, axis=1))
            sizes = finite.reshape(-1, columns)
            numpy.add.at(self._counts, row, numpy.add.reduceat(sizes, edges, axis=1, dtype=numpy.float64))
            return
        # A row is longer than a slice.
        row, column = numpy.divmod(numpy.arange(start, start + len(values)), columns)
        cell = (row * self.grid[0] // self.view[0], column * self.grid[1] // columns)
        numpy.add.at(self._sums, tuple(index[finite] for index in cell), values[finite])
        numpy.add.at(self._counts, tuple(index[finite] for index in cell), 1.0)

    def means(self) -> list[list[float]]:
        """Return the rows of the grid; a cell without finite values is NaN."""
        import numpy  # noqa: PLC0415

        with numpy.errstate(invalid="ignore", divide="ignore"):
            table: list[list[float]] = (self._sums / self._counts).tolist()
        return table
