"""One tensor of a checkpoint: its numbers, a histogram, a heatmap."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from math import isfinite

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widgets import Static

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.parameters.description import Parameter, shape_text
from encoder_tui.core.parameters.roles import label
from encoder_tui.core.parameters.statistics import TensorStatistics
from encoder_tui.core.text.numbers import binary_size
from encoder_tui.core.text.safe import visible
from encoder_tui.core.text.transfer import Transfer
from encoder_tui.protocol.frames import Progress
from encoder_tui.protocol.operations import TENSOR
from encoder_tui.protocol.parameters import TensorRequest
from encoder_tui.window.panes.parameters.descriptions import Described
from encoder_tui.window.session.session import Session
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets import plots
from encoder_tui.window.widgets.lines import Lines
from encoder_tui.window.widgets.model_letters import letter_markup

PLOT_HEIGHT = 12
TEACHING = " Choose a parameter in a tree and press enter to show its values here."


class Picture(Lines):
    """The histogram, and below it the heatmap, which has two rows in each line."""

    def __init__(self) -> None:
        super().__init__()
        self.statistics: TensorStatistics | None = None
        self._strips: list[Strip] = []

    def show(self, statistics: TensorStatistics | None) -> None:
        """Draw a tensor's statistics, or nothing."""
        self.statistics = statistics
        self._strips = [] if statistics is None else [*self._histogram(statistics), *self._heatmap(statistics)]
        self.set_size(len(self._strips))

    def on_resize(self) -> None:
        self.show(self.statistics)

    def line(self, index: int) -> Strip:
        return self._strips[index]

    def _histogram(self, statistics: TensorStatistics) -> list[Strip]:
        if not any(statistics.histogram):
            return [Strip([Segment(" There are no finite values to count.")])]
        step = (statistics.maximum - statistics.minimum) / len(statistics.histogram)
        positions = [statistics.minimum + (index + 0.5) * step for index in range(len(statistics.histogram))]
        if not step or not isfinite(step):
            positions = [float(index) for index in range(len(positions))]
        colour = Style(color=self.app.theme_variables["primary"]) if self.size.width else Style.null()
        lines = plots.bars(positions, statistics.histogram, min(self.size.width - 2, 100), PLOT_HEIGHT)
        title = Strip([Segment(" Histogram", Style(bold=True))])
        return [title, *(Strip([Segment(f" {line}", colour)]) for line in lines), Strip([])]

    def _heatmap(self, statistics: TensorStatistics) -> list[Strip]:
        """Means of cells in colours from blue to red, under a title that names the values at the ends."""
        rows = statistics.heatmap
        if not rows or not rows[0]:
            return []
        finite = [abs(value) for row in rows for value in row if isfinite(value)]
        most = max(finite, default=0.0) or 1.0
        width = max(min(len(rows[0]), self.size.width - 3), 1)
        grid = [[row[column * len(row) // width] for column in range(width)] for row in rows]
        if len(grid) % 2:
            grid.append([float("nan")] * width)
        high, wide = statistics.heat_shape
        words = (
            f" Heatmap: means of {high:,} × {wide:,} values in {len(rows)} × {len(rows[0])} cells:"
            f" blue −{most:.3g}, red +{most:.3g}, grey not finite"
        )
        strips = [Strip([Segment(words, Style(bold=True))])]
        for upper, lower in zip(grid[::2], grid[1::2], strict=True):
            cells = [
                Segment("▀", Style.from_color(_colour(top, most), _colour(bottom, most)))
                for top, bottom in zip(upper, lower, strict=True)
            ]
            strips.append(Strip([Segment(" "), *cells]))
        return strips


def _colour(value: float, most: float) -> Color:
    if not isfinite(value):
        return Color.from_rgb(110, 110, 110)
    share = max(-1.0, min(1.0, value / most))
    strength = abs(share) ** 0.7
    strong, weak = round(30 + 200 * strength), round(30 + 20 * strength)
    return (
        Color.from_rgb(strong, weak, weak) if share >= 0 else Color.from_rgb(weak, weak + 20 * (share < -0.1), strong)
    )


class TensorView(Vertical):
    """Reads and shows a parameter's values, or says why there are none."""

    DEFAULT_CSS = """
    TensorView { height: 1fr; }
    TensorView > #tensor-words { height: auto; max-height: 7; padding: 0 0 1 0; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.asked: tuple[int, str] | None = None
        self._of: tuple[Slot, ModelFiles] | None = None
        self._said: tuple[Parameter, list[Content]] | None = None
        self._reading: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        yield Static(TEACHING, id="tensor-words", markup=False)
        yield Picture()

    def on_unmount(self) -> None:
        self.asked = None
        self.cancel()

    @property
    def is_reading(self) -> bool:
        return self._reading is not None and not self._reading.done()

    def cancel(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()

    def ask(self, number: int, files: ModelFiles, parameter: Parameter) -> None:
        """Show a parameter of a model; `number` chooses its letter."""
        slot = self.session.slot_of(number)
        if slot is None:
            return
        self.cancel()
        self._reading = None
        self.asked, self._of = (number, parameter.name), (slot, files)
        self.query_one(Picture).show(None)
        if not files.has_weights and files.repo is None:
            self._say(parameter, "there are no weights here, so there are no values to show", "$text-warning")
            return
        self._say(parameter, "reading", QUIET)
        self._reading = asyncio.create_task(self._read(files, parameter))

        def ended(task: asyncio.Task[None]) -> None:
            # Not in the task itself: it may be cancelled before its first step.
            if task.cancelled() and task is self._reading and self.asked is not None:
                self._say(parameter, "stopped; press enter in the tree to read it again", "$text-warning")

        self._reading.add_done_callback(ended)

    def show(self, entries: Sequence[Described]) -> None:
        """Follow the model to its new letter; show nothing if it was removed, and read again if its files changed."""
        if self.asked is None or self._of is None:
            return
        (before, name), (slot, files) = self.asked, self._of
        if slot not in self.session.slots:
            self._clear()
            return
        if slot.number != before:
            self.asked = slot.number, name
            self._write()
        now = entries[self.session.slots.index(slot)]
        # Until the model is described again, the values shown stay.
        if now.files is None or now.description is None or _read_from(now.files) == _read_from(files):
            return
        same = next((one for one in now.description.parameters if one.name == name), None)
        if same is None:
            self._clear()
        else:
            self.ask(slot.number, now.files, same)

    def _clear(self) -> None:
        self.asked = self._of = self._said = None
        self.cancel()
        self.query_one(Picture).show(None)
        self.query_one("#tensor-words", Static).update(Content(TEACHING))

    async def _read(self, files: ModelFiles, parameter: Parameter) -> None:
        transfer = Transfer()

        def show(progress: Progress) -> None:
            words = transfer.words(progress.text, progress.done, progress.total, progress.unit)
            share = (
                f" {100 * progress.done / progress.total:.0f} %" if progress.total and words == progress.text else ""
            )
            self._say(parameter, f"{words}{share}; escape stops", QUIET)

        request = TensorRequest(
            files.name,
            files.path,
            parameter.name,
            repo=files.repo,
            commit=files.commit,
            offline=self.session.loader.offline,
        )
        try:
            await asyncio.to_thread(importlib.import_module, "plotext")  # a quarter of a second, once
            statistics = await self.session.engine.run(TENSOR, request, show)
        except (OperationFailed, EngineError) as error:
            self._say(parameter, str(error), "$text-error")
        else:
            self._say(parameter, "", "", *facts(statistics))
            self.query_one(Picture).show(statistics)

    def _say(self, parameter: Parameter, words: str, style: str, *more: str) -> None:
        lines = [Content(f"   {visible(line)}") for line in more]
        if words:
            lines.append(Content.assemble("   ", (visible(words), style)))
        self._said = parameter, lines
        self._write()

    def _write(self) -> None:
        """Write the last message again, with the letter that the model has now."""
        if self._said is None or self.asked is None:
            return
        (parameter, lines), (number, _) = self._said, self.asked
        about = f"   {label(parameter.role)} · {shape_text(parameter.shape)} · {binary_size(parameter.bytes)}"
        first = Content.assemble(
            (f" {LETTERS[number]} ", letter_markup(number)),
            (visible(parameter.name), "bold"),
            (visible(about), QUIET),
        )
        self.query_one("#tensor-words", Static).update(Content("\n").join([first, *lines]))


def _read_from(files: ModelFiles) -> tuple[str, str]:
    return files.path, files.weights


def facts(statistics: TensorStatistics) -> list[str]:
    """Return a tensor's statistics in a few lines."""
    odd = [f"{statistics.nan:,} NaN", f"{statistics.infinite:,} infinite"]
    where = f"{statistics.stored_name} in {statistics.file}, {statistics.dtype}"
    if statistics.numel and not any(statistics.histogram):
        return [f"no finite value   {'   '.join(odd)}", where]
    return [
        f"mean {statistics.mean:.5g}   std {statistics.std:.5g}   norm {statistics.norm:.5g}",
        f"min {statistics.minimum:.5g}   max {statistics.maximum:.5g}   {statistics.zeros:,} zeros   "
        + ("   ".join(odd) if statistics.nan or statistics.infinite else "all finite"),
        where,
    ]
