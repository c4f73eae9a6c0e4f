"""From the text to its comparison: at once where that takes milliseconds, in a thread where the text is long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Final

from encoder_tui.core.text.safe import count
from encoder_tui.core.tokens.comparison import Comparison, compare
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.window.panes.pane import Pane
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.key_line import possible_changed

SOON: Final = 0.5
"""Seconds after which it is told what is being done."""
AT_ONCE: Final = 4_000
"""Characters that are tokenized and aligned between two keys, in a few milliseconds; more goes to a thread."""


class GivenUp(Exception):
    """Nobody waits for this comparison any more."""


class Comparing(Pane):
    """A text under every model, compared anew at every change; a subclass shows it (`show_comparison`, `tell`)."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.comparison = Comparison(session.text, [None for _ in session.slots])
        self.activity = ""
        """What is being done with a long text, or that it was stopped; empty where neither is to be told."""
        self._asked: tuple[str, list[ModelTokenizer | None]] | None = None
        self._doing = ""
        self._wanted = False
        self._working: asyncio.Task[None] | None = None
        self._given_up = threading.Event()
        self._given_up.set()

    def show_comparison(self) -> None:
        """Show the comparison that has come."""
        raise NotImplementedError

    def preparation(self) -> Callable[[Comparison], None]:
        """What does of the showing that which takes long and can be done in a thread."""
        raise NotImplementedError

    def tell(self) -> None:
        """Say the activity, or what the comparison comes to."""
        raise NotImplementedError

    def on_unmount(self) -> None:
        self._given_up.set()
        if self._working is not None:
            self._working.cancel()

    @property
    def is_stoppable(self) -> bool:
        """Whether a comparison takes so long that a way to stop it has been told."""
        return self._is_comparing and bool(self.activity)

    @property
    def is_stopped(self) -> bool:
        """Whether what is shown is of another text than the one at hand, and nothing is done about it."""
        return bool(self.activity) and not self._is_comparing

    @property
    def _is_comparing(self) -> bool:
        return self._wanted or not self._given_up.is_set()

    def recompute(self) -> None:
        """Encode and align the text at hand, unless that was asked for already."""
        asked = self.session.text, self.session.tokenizers
        if len(asked[0]) <= AT_ONCE:
            self._give_up()
            self._take(self._compare(*asked))
        elif asked == self._asked:
            self.tell()  # a model has said how far it is
        else:
            self._give_up()
            self._asked, self._wanted = asked, True
            self.tell()  # a tokenizer may have come, which is no longer said to be loading
            if self._working is None or self._working.done():
                self._working = asyncio.create_task(self._compare_long())

    def again(self) -> None:
        """Compare what was stopped."""
        self._asked = None
        self.recompute()

    def stop(self) -> None:
        """Leave the text at hand: what is shown stays, and it is said of what it is."""
        asked = self._asked
        self._give_up()
        self._asked = asked
        shown = "below is the text before" if self.comparison.present else "there are no tokens yet"
        self._tell(f"Stopped; {shown}; r outside the text tokenizes it")

    def _give_up(self) -> None:
        """What is under way ends at its next step, and nobody takes what comes of it."""
        self._asked, self._wanted = None, False
        self._given_up.set()

    async def _compare_long(self) -> None:
        """Work on the newest text until none newer has come meanwhile."""
        while self._wanted and self._asked is not None:
            self._wanted = False
            self._given_up = given_up = threading.Event()
            self._doing = f"Tokenizing {count(len(self._asked[0]), 'character')}"
            telling = self.set_interval(SOON, self._tell_of_work)
            try:
                check, prepare = self._checkpoint(given_up), self.preparation()
                comparison = await asyncio.to_thread(self._compare_and_prepare, *self._asked, check, prepare)
            except GivenUp:
                continue
            finally:
                telling.stop()
            if not given_up.is_set():
                given_up.set()
                self._take(comparison)

    def _checkpoint(self, given_up: threading.Event) -> Callable[[str], None]:
        """What the thread calls before each piece of work, saying which."""

        def check(doing: str) -> None:
            if given_up.is_set():
                raise GivenUp
            self._doing = doing

        return check

    def _tell_of_work(self) -> None:
        if self._is_comparing:
            shown = "; below is the text before" if self.comparison.present else ""
            self._tell(f"{self._doing}… escape stops{shown}")

    def _tell(self, activity: str) -> None:
        if activity != self.activity:
            self.activity = activity
            self.tell()
            possible_changed(self)

    def _take(self, comparison: Comparison) -> None:
        is_first = bool(comparison.present) != bool(self.comparison.present)
        was_told = bool(self.activity)
        self.comparison, self.activity = comparison, ""
        self.show_comparison()
        if is_first or was_told:
            possible_changed(self)

    def _compare(
        self,
        text: str,
        tokenizers: Sequence[ModelTokenizer | None],
        checkpoint: Callable[[str], None] = lambda doing: None,
    ) -> Comparison:
        comparison = compare(text, tokenizers)
        if comparison.present:
            doing = f"Aligning {count(sum(len(stream.encoding) for stream in comparison.present), 'token')}"
            checkpoint(doing)
            _ = comparison.alignment  # here, where it may be a thread
            checkpoint(doing)
            _ = comparison.differing
        return comparison

    def _compare_and_prepare(
        self,
        text: str,
        tokenizers: Sequence[ModelTokenizer | None],
        checkpoint: Callable[[str], None],
        prepare: Callable[[Comparison], None],
    ) -> Comparison:
        comparison = self._compare(text, tokenizers, checkpoint)
        if comparison.present:
            checkpoint(self._doing)
            _ = [stream.unknown for stream in comparison.present]
            prepare(comparison)
        return comparison
