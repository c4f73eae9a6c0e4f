"""The batch view: several texts encoded together, with padding shown and counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import cast

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.strip import Strip
from textual.widgets import Input, TextArea

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.models.ready import RequestedModel
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible_piece
from encoder_tui.core.tokens.comparison import Comparison
from encoder_tui.core.tokens.tokenizer import EncodeOptions, Encoding, ModelTokenizer, Padding, Side, TokenizationError
from encoder_tui.window.panes.tokens.comparer import SOON
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.editor import Editor
from encoder_tui.window.widgets.field import Field
from encoder_tui.window.widgets.key_line import possible_changed
from encoder_tui.window.widgets.lines import Lines
from encoder_tui.window.widgets.model_letters import letter_style

Asked = tuple[list[str], str | None, EncodeOptions]
"""Texts, the second text of each pair, options."""
Batch = tuple[int, str, list[Encoding]]
"""The number of a model's letter, a sentence about its batch, and the rows."""

AT_ONCE = 8_000
"""A batch of up to this many characters is encoded at once; a longer one in a thread."""
WIDEST = 4_000
"""Tokens of a row that are drawn; a longer row shows how many are left out."""


class BatchGrid(Lines):
    """Every model's batch, a line for each row of the tensor."""

    COMPONENT_CLASSES = {"batch--padding", "batch--special", "batch--note"}
    DEFAULT_CSS = """
    BatchGrid .batch--padding { color: $text-warning; background: $warning-muted; }
    BatchGrid .batch--special { color: $text-muted; text-style: italic; }
    BatchGrid .batch--note { color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[tuple[int | None, str, Encoding | None]] = []

    def show(self, batches: list[Batch]) -> None:
        """Show, for each model, a sentence and the rows of its batch."""
        self._lines = []
        for number, sentence, rows in batches:
            self._lines.append((number, sentence, None))
            self._lines += [(None, f"{place:>4} ", row) for place, row in enumerate(rows)]
            self._lines.append((None, "", None))
        widest = max((self._width(row) for _, _, row in self._lines if row is not None), default=0)
        self.set_size(len(self._lines), widest + 8)

    def _width(self, row: Encoding) -> int:
        return sum(cell_len(visible_piece(token)) + 1 for token in row.tokens[:WIDEST])

    def line(self, index: int) -> Strip:
        number, words, row = self._lines[index]
        if row is None:
            if number is None:
                return Strip([])
            return Strip([Segment(f" {LETTERS[number]}  ", letter_style(self, number, bold=True)), Segment(words)])
        padding = self.get_component_rich_style("batch--padding")
        special = self.get_component_rich_style("batch--special")
        note = self.get_component_rich_style("batch--note")
        segments = [Segment(words, note)]
        masks = zip(row.tokens[:WIDEST], row.attention_mask, row.special_tokens_mask, strict=False)
        for token, attended, is_special in masks:
            style = padding if not attended else special if is_special else Style.null()
            segments += [Segment(visible_piece(token), style), Segment(" ")]
        if len(row) > WIDEST:
            segments.append(Segment(f"… {len(row) - WIDEST:,} more", note))
        return Strip(segments)


class BatchLab(Vertical):
    """Texts, one per line, and options for encoding them together."""

    DEFAULT_CSS = """
    BatchLab { height: 1fr; }
    BatchLab > Editor { height: 4; max-height: 25%; }
    BatchLab > Horizontal { height: 1; }
    BatchLab Input { width: 1fr; }
    BatchLab Input.number { width: 18; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._shown: tuple[Asked, list[RequestedModel]] | None = None
        self._wanted: Asked | None = None
        self._working: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        first = self.session.text.replace("\n", " ")
        yield Editor(f"{first}\nA shorter text.\nHi!", id="batch-texts")
        with Horizontal():
            yield Field(placeholder="second text of a pair (none)", compact=True, id="batch-pair")
            yield Input(placeholder="max_length", compact=True, id="batch-max", classes="number", restrict=r"\d{0,7}")
            yield Input(placeholder="stride", compact=True, id="batch-stride", classes="number", restrict=r"\d{0,6}")
        with Horizontal():
            yield Cycle("padding", ("longest", "max_length", "none"), id="batch-padding")
            yield Cycle("side", ("the model's", "right", "left"), id="batch-side")
            yield Cycle("truncation", ("no", "yes"), id="batch-truncation")
        yield BatchGrid()

    def on_mount(self) -> None:
        self.show()

    @on(TextArea.Changed)
    @on(Input.Changed)
    @on(Cycle.Changed)
    def _changed(self) -> None:
        self.show()

    def asked(self) -> Asked:
        """The texts, the second text of each pair, and the options set in the controls."""
        texts = self.query_one("#batch-texts", Editor).text.split("\n")
        pair = self.query_one("#batch-pair", Input).value
        side = self.query_one("#batch-side", Cycle).value
        numbers = [self.query_one(f"#batch-{name}", Input).value for name in ("max", "stride")]
        options = EncodeOptions(
            padding=cast(Padding, self.query_one("#batch-padding", Cycle).value),
            truncation=self.query_one("#batch-truncation", Cycle).value == "yes",
            max_length=int(numbers[0]) if numbers[0] else None,
            stride=int(numbers[1] or 0),
            padding_side=None if side == "the model's" else cast(Side, side),
        )
        return [text for text in texts if text] or [""], pair or None, options

    def show(self, comparison: Comparison | None = None) -> None:
        """Encode the batch under every model and show it; if the texts are long, in a thread."""
        asked, models = self.asked(), self.session.models
        if (asked, models) == self._shown:
            return  # the pane's own text is not part of the batch
        self._shown = asked, models
        is_free = self._working is None or self._working.done()
        if is_free and sum(map(len, asked[0])) <= AT_ONCE:
            self.query_one(BatchGrid).show(encode_batches(models, *asked))
            return
        self._wanted = asked
        possible_changed(self)
        if is_free:
            self._working = asyncio.create_task(self._encode_long())

    async def _encode_long(self) -> None:
        """Encode the newest texts in a thread, again if they change meanwhile, until they are shown or stopped."""
        while (asked := self._wanted) is not None:
            timer = self.set_timer(SOON, partial(self._show_work, asked))
            is_wanted = partial(self._is_wanted, asked)
            batches = await asyncio.to_thread(encode_batches, self.session.models, *asked, is_wanted)
            timer.stop()
            if self._wanted is asked and self.is_mounted:
                self._wanted = None
                self.query_one(BatchGrid).show(batches)
                possible_changed(self)

    def _is_wanted(self, asked: Asked) -> bool:
        return self._wanted is asked

    def _show_work(self, asked: Asked) -> None:
        if self._is_wanted(asked):
            self._say(f"encoding {count(sum(map(len, asked[0])), 'character')}… escape stops")

    def _say(self, words: str) -> None:
        there = (slot.number for slot in self.session.slots if slot.tokenizer is not None)
        self.query_one(BatchGrid).show([(number, words, []) for number in there])

    @property
    def is_busy(self) -> bool:
        """Whether a long batch is being encoded."""
        return self._wanted is not None

    def stop(self) -> None:
        """Stop encoding before the next model."""
        self._wanted = None
        self._say("stopped; change a text or an option to encode again")
        possible_changed(self)

    def on_unmount(self) -> None:
        self._wanted = None
        if self._working is not None:
            self._working.cancel()


def encode_batches(
    models: list[RequestedModel],
    texts: list[str],
    pair: str | None,
    options: EncodeOptions,
    is_wanted: Callable[[], bool] = lambda: True,
) -> list[Batch]:
    """Return the batch of every model whose tokenizer has loaded, until `is_wanted` is False."""
    batches: list[Batch] = []
    for model in models:
        if model.tokenizer is None or not is_wanted():
            continue
        try:
            batches.append((model.number, *encode_batch(model.tokenizer, texts, pair, options)))
        except TokenizationError as error:
            batches.append((model.number, str(error), []))
    return batches


def encode_batch(
    tokenizer: ModelTokenizer, texts: list[str], pair: str | None, options: EncodeOptions
) -> tuple[str, list[Encoding]]:
    """Return a sentence about the batch, and its rows: each text, followed by its further windows."""
    encodings = tokenizer.encode(texts, pair, options)
    rows = [row for encoding in encodings for row in [encoding, *(encoding.overflowing if options.stride else ())]]
    cells = sum(map(len, rows))
    padding = cells - sum(row.real_tokens() for row in rows)
    lengths = {len(row) for row in rows}
    shape = f"{len(rows):,} × {lengths.pop():,}" if len(lengths) == 1 else f"{len(rows):,} rows of different lengths"
    waste = f"{100 * padding / cells:.0f} %" if cells else "0 %"
    words = [shape, f"{count(padding, 'padding token')} of {cells:,}: {waste} waste"]
    needs_length = options.truncation or options.padding == "max_length"
    if needs_length and options.max_length is None and tokenizer.form.model_max_length is None:
        words.append("this tokenizer has no maximum length, so nothing is truncated or padded to it")
    if len(rows) > len(texts):
        words.append(f"{count(len(rows) - len(texts), 'more window')} for text that did not fit")
    return "; ".join(words), rows
