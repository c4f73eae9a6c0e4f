"""The search of the Hub while the user types: asked after a pause, dropped when another is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from encoder_tui.client.client import EngineClient, EngineError, OperationFailed
from encoder_tui.core.hub.offline import forbidden_by
from encoder_tui.core.models.names import is_path
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol.models import SearchRequest
from encoder_tui.protocol.operations import SEARCH

if TYPE_CHECKING:
    from encoder_tui.core.hub.search import Found, Kind
    from encoder_tui.window.session.session import Session

PAUSE: Final = 0.3
"""Seconds without a key before a search is sent."""
PATIENCE: Final = 2.0
"""Seconds after which a search that was not answered is given up."""
SHORTEST: Final = 2
"""Characters below which nothing is searched for."""


def result_words(found: Found) -> str:
    """Return what is known about a result, in a few words."""
    downloads = "" if found.downloads is None else count(found.downloads, "download")
    parts = [found.what, downloads, found.size, "here" if found.is_here else ""]
    return visible(" · ".join(filter(None, parts))) or "Hub"


class HubSearch:
    """Searches the Hub from the engine's machine, where what is found will be fetched.

    `found` answers the query that was asked last; `words` is what the search is doing, or why it found nothing.
    `changed` is called when either has changed.
    """

    def __init__(self, session: Session, kind: Kind, engine: EngineClient, changed: Callable[[], None]) -> None:
        self.found: list[Found] = []
        self.words = ""
        self._session = session
        self._kind: Kind = kind
        self._engine = engine
        self._changed = changed
        self._query = ""
        self._searching: asyncio.Task[None] | None = None

    def ask(self, query: str) -> None:
        """Search for what is in the field now; the answer to an earlier query is dropped."""
        query = query.strip()
        if query == self._query:
            return
        self.close()
        self._query, self.found, self.words = query, [], ""
        if len(query) >= SHORTEST and not is_path(query):
            self._searching = asyncio.create_task(self._search(query))

    def close(self) -> None:
        """Drop the search that is being done."""
        if self._searching is not None:
            self._searching.cancel()
            self._searching = None

    async def _search(self, query: str) -> None:
        await asyncio.sleep(PAUSE)
        if self._session.is_measuring:
            self._say("the Hub is not searched during a measurement")
            return
        if not self._engine.is_remote and (forbidden := forbidden_by(self._session.settings.offline)):
            self._say(f"offline: {forbidden} forbids searching the Hub")
            return
        self._say("searching the Hub…")
        request = SearchRequest(self._kind, query, self._session.settings.offline)
        try:
            async with asyncio.timeout(PATIENCE + PAUSE):
                answer = await self._engine.run(SEARCH, request)
        except TimeoutError:
            self._say("the search had no answer: the engine is busy, or the Hub is silent")
        except (OperationFailed, EngineError) as error:
            self._say(visible(str(error)))
        else:
            self.found = answer.found
            self._say("" if self.found else "the Hub found nothing by this name")

    def _say(self, words: str) -> None:
        self.words = words
        self._changed()
