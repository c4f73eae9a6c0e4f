"""The decoded ids beside the text, with every character marked that did not survive."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widgets import Static

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible
from encoder_tui.core.tokens.alignment import Span
from encoder_tui.core.tokens.comparison import Comparison, Stream
from encoder_tui.core.tokens.decoding import changes
from encoder_tui.window.panes.tokens.comparer import AT_ONCE, GivenUp
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.key_line import possible_changed
from encoder_tui.window.widgets.lines import Lines
from encoder_tui.window.widgets.model_letters import letter_markup

Losses = tuple[str, list[Span], list[Span]]
"""A decoded text, the spans of the text that it lost, and the spans of its own that were added."""


class Marked(Lines):
    """A text in wrapped lines, with some of its characters marked."""

    COMPONENT_CLASSES = {"marked--mark"}
    DEFAULT_CSS = """
    Marked { height: auto; max-height: 12; }
    Marked .marked--mark { color: $text-error; background: $error-muted; text-style: bold underline; }
    """

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._text: str | None = None
        self._marks: list[Span] = []
        self._room = 8

    def show(self, text: str, marks: list[Span]) -> None:
        """Show a text; `marks` are spans of its characters."""
        self._text, self._marks = text, marks
        self._wrap(text)

    def _wrap(self, text: str) -> None:
        """Break the text into lines of equal length: characters are compared, not words."""
        self._room = max(self.size.width - 4, 8)
        self.set_size(max(-(-len(text) // self._room), 1))

    def on_resize(self) -> None:
        if self._text is not None:
            self._wrap(self._text)

    def line(self, index: int) -> Strip:
        text = self._text or ""
        start = index * self._room
        end = min(start + self._room, len(text))
        mark = self.get_component_rich_style("marked--mark", partial=True)
        segments = [Segment("    ")]
        place = start
        position = max(bisect_right(self._marks, (start, len(text))) - 1, 0)
        for mark_start, mark_end in self._marks[position:]:
            if mark_start >= end:
                break
            first, last = max(mark_start, place), min(mark_end, end)
            if first < last:
                segments += [
                    Segment(visible(text[place:first])),
                    Segment(visible(text[first:last]), mark),
                ]
                place = last
        segments.append(Segment(visible(text[place:end])))
        return Strip(segments)


class DecodeView(Vertical):
    """Each model's decoded ids beside the text, with the characters marked that did not survive."""

    DEFAULT_CSS = """
    DecodeView { height: 1fr; overflow-y: auto; }
    DecodeView > Static { height: 1; margin-top: 1; }
    DecodeView > Static:first-child { margin-top: 0; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._shown: Comparison | None = None
        self._decoding: asyncio.Task[None] | None = None
        self._given_up = threading.Event()

    def compose(self) -> ComposeResult:
        for index in range(len(LETTERS)):
            yield Static("", id=f"decode-title-{index}", markup=False)
            yield Marked(id=f"decode-text-{index}")
            yield Marked(id=f"decode-decoded-{index}")

    def on_unmount(self) -> None:
        self._given_up.set()

    @property
    def is_busy(self) -> bool:
        """Whether a long text is being decoded."""
        return self._decoding is not None and not self._given_up.is_set()

    def show(self, comparison: Comparison) -> None:
        """Decode every stream's tokens, except special ones, and mark the losses."""
        if comparison is self._shown:
            return
        self._shown = comparison
        self._given_up.set()
        self._decoding = None
        if len(comparison.text) <= AT_ONCE:
            self._draw(comparison, losses(comparison))
            return
        self._given_up = given_up = threading.Event()
        self._say(f"decoding {count(len(comparison.text), 'character')} and looking for losses… escape stops")
        self._decoding = asyncio.create_task(self._decode(comparison, given_up))

    async def _decode(self, comparison: Comparison, given_up: threading.Event) -> None:
        """Decode in a thread: finding the losses of a long text takes seconds."""

        def checkpoint() -> None:
            if given_up.is_set():
                raise GivenUp

        with contextlib.suppress(GivenUp):
            found = await asyncio.to_thread(losses, comparison, checkpoint)
            if not given_up.is_set():
                given_up.set()
                self._draw(comparison, found)
                possible_changed(self)

    def stop(self) -> None:
        """Stop decoding."""
        self._given_up.set()
        self._shown = None
        self._say("stopped; leave this view and come back to decode again")
        possible_changed(self)

    def _say(self, words: str) -> None:
        """Show words instead of the texts."""
        for widget in self.query("Static, Marked"):
            widget.display = widget.id == "decode-title-0"
        self.query_one("#decode-title-0", Static).update(Content(f" {words}"))

    def _draw(self, comparison: Comparison, found: Sequence[Losses | None]) -> None:
        for index in range(len(LETTERS)):
            stream = comparison.by_letter[index]
            title = self.query_one(f"#decode-title-{index}", Static)
            text_view = self.query_one(f"#decode-text-{index}", Marked)
            decoded_view = self.query_one(f"#decode-decoded-{index}", Marked)
            for widget in (title, text_view, decoded_view):
                widget.display = stream is not None
            if stream is None or (of := found[index]) is None:
                continue
            decoded, lost, added = of
            letter = (f" {LETTERS[index]}  ", letter_markup(index))
            title.update(Content.assemble(letter, loss_sentence(stream, lost, added)))
            text_view.show(stream.text, lost)
            decoded_view.show(decoded, added)


def losses(comparison: Comparison, checkpoint: Callable[[], None] = lambda: None) -> list[Losses | None]:
    """Decode every stream and find the losses, by letter; `checkpoint` may raise to stop."""
    return [None if stream is None else decode_losses(stream, checkpoint) for stream in comparison.by_letter]


def decode_losses(stream: Stream, checkpoint: Callable[[], None] = lambda: None) -> Losses:
    """Return a stream's decoded text, what the text lost in it, and what was added."""
    encoding = stream.encoding
    ids = [token for token, special in zip(encoding.ids, encoding.special_tokens_mask, strict=True) if not special]
    decoded = stream.tokenizer.decode(ids)
    lost, added = changes(stream.text, decoded, checkpoint=checkpoint)
    return decoded, lost, added


def loss_sentence(stream: Stream, lost: list[Span], added: list[Span]) -> str:
    """Say what decoding did to the text."""
    gone = sum(end - start for start, end in lost)
    new = sum(end - start for start, end in added)
    if not gone and not new:
        return "decoding returns the text unchanged"
    words = [f"{count(gone, 'character')} of {len(stream.text):,} did not survive"] if gone else []
    if new:
        words.append(f"decoding adds {count(new, 'character')}")
    return " and ".join(words) + " (above: the text; below: the decoded ids)"
