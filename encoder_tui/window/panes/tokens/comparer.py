"""Compare the session's text under every model: at once if it is short, in a thread if it is long."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from encoder_tui.core.models.ready import RequestedModel
from encoder_tui.core.text.numbers import count
from encoder_tui.core.tokens.comparison import Comparison, compare
from encoder_tui.window.session.session import Session

SOON: Final = 0.5
"""Seconds of work after which the window shows what is being done."""
AT_ONCE: Final = 4_000
"""A text of up to this many characters is compared at once, in a few milliseconds; a longer one in a thread."""


class GivenUp(Exception):
    """This comparison is no longer needed."""


class Comparer:
    """Compares the session's text under every model.

    `on_change` is called with each finished comparison, and with None if only `activity` or the models' states have
    changed. `prepare` does the slow part of drawing a long comparison; it is called in a thread.
    """

    def __init__(
        self,
        session: Session,
        on_change: Callable[[Comparison | None], None],
        prepare: Callable[[Comparison], None],
    ) -> None:
        self.session = session
        self.comparison = Comparison(session.text, [], [])
        self.activity = ""
        """The work on a long text, or that it was stopped; empty if there is nothing to report."""
        self._on_change = on_change
        self._prepare = prepare
        self._asked: tuple[str, list[RequestedModel]] | None = None
        self._doing = ""
        self._wanted = False
        self._working: asyncio.Task[None] | None = None
        self._given_up = threading.Event()
        self._given_up.set()

    def close(self) -> None:
        """Stop the current work, and do not call `on_change` again."""
        self._wanted = False
        self._given_up.set()
        if self._working is not None:
            self._working.cancel()

    @property
    def is_stoppable(self) -> bool:
        """Whether a comparison is running, and has taken long enough that the window shows how to stop it."""
        return self._is_comparing and bool(self.activity)

    @property
    def is_stopped(self) -> bool:
        """Whether the comparison of the current text was stopped, so an earlier text is shown."""
        return bool(self.activity) and not self._is_comparing

    @property
    def _is_comparing(self) -> bool:
        return self._wanted or not self._given_up.is_set()

    def compare(self) -> None:
        """Encode and align the session's text, unless this is already being done."""
        asked = self.session.text, self.session.models
        if len(asked[0]) <= AT_ONCE:
            self._give_up()
            self._take(_compared(*asked))
        elif asked == self._asked:
            self._on_change(None)  # a model has reported progress
        else:
            self._give_up()
            self._asked, self._wanted = asked, True
            self._on_change(None)  # a tokenizer may have finished loading
            if self._working is None or self._working.done():
                self._working = asyncio.create_task(self._compare_long())

    def again(self) -> None:
        """Compare the text whose comparison was stopped."""
        self._asked = None
        self.compare()

    def stop(self) -> None:
        """Stop the work on the current text; the earlier comparison stays, and the activity says so."""
        asked = self._asked
        self._give_up()
        self._asked = asked
        self._tell(f"Stopped; {self._shown or 'there are no tokens yet'}; leave the editor and press r to tokenize")

    def _give_up(self) -> None:
        """Stop the current work at its next step, and drop its result."""
        self._asked, self._wanted = None, False
        self._given_up.set()

    async def _compare_long(self) -> None:
        """Compare the newest text, again if it has changed meanwhile."""
        loop = asyncio.get_running_loop()
        while self._wanted and self._asked is not None:
            self._wanted = False
            self._given_up = given_up = threading.Event()
            self._doing = f"Tokenizing {count(len(self._asked[0]), 'character')}"
            timer = loop.call_later(SOON, self._show_work)
            try:
                comparison = await asyncio.to_thread(self._compare_and_prepare, *self._asked, given_up, loop)
            except GivenUp:
                continue
            finally:
                timer.cancel()
            if not given_up.is_set():
                given_up.set()
                self._take(comparison)

    def _compare_and_prepare(
        self,
        text: str,
        models: Sequence[RequestedModel],
        given_up: threading.Event,
        loop: asyncio.AbstractEventLoop,
    ) -> Comparison:
        """Return the comparison; runs in a thread. Raises `GivenUp` before the next step if it is no longer needed."""
        begun = time.monotonic()

        def check(doing: str) -> None:
            if given_up.is_set():
                raise GivenUp
            self._doing = doing
            if time.monotonic() - begun >= SOON:
                loop.call_soon_threadsafe(self._show_work)

        comparison = _compared(text, models, check)
        if comparison.present:
            check(self._doing)
            _ = [stream.unread for stream in comparison.present]
            self._prepare(comparison)
        return comparison

    def _show_work(self) -> None:
        if self._is_comparing:
            shown = f"; {self._shown}" if self._shown else ""
            self._tell(f"{self._doing}… escape stops{shown}")

    @property
    def _shown(self) -> str:
        """What is shown until the work is done; empty if nothing is."""
        if not self.comparison.present:
            return ""
        is_same_text = self.comparison.text == self.session.text
        return "below are the earlier models" if is_same_text else "below is the earlier text"

    def _tell(self, activity: str) -> None:
        if activity != self.activity:
            self.activity = activity
            self._on_change(None)

    def _take(self, comparison: Comparison) -> None:
        self.comparison, self.activity = comparison, ""
        self._on_change(comparison)


def _compared(
    text: str, models: Sequence[RequestedModel], check: Callable[[str], None] = lambda doing: None
) -> Comparison:
    """Return a comparison with all that showing it needs computed; `check` is called with the name of each step."""
    comparison = compare(text, models)
    if comparison.present:
        doing = f"Aligning {count(sum(len(stream.encoding) for stream in comparison.present), 'token')}"
        check(doing)
        _ = comparison.alignment
        check(doing)
        _ = comparison.differing
        check(doing)
        _ = comparison.differing_texts
    return comparison
