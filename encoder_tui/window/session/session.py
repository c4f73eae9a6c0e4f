"""What the panes share: the chosen models, the text, the engine."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from textual.signal import Signal

from encoder_tui.core.defaults import BUILTIN_PAIR, DEFAULT_PAIR, MAXIMUM, WELCOME
from encoder_tui.core.files.private import refuse_foreign_folder
from encoder_tui.core.settings import CHOSEN, Settings, cache_path, log_path, state_path
from encoder_tui.window.session.chosen_models import ChosenModels
from encoder_tui.window.session.engine_memory import EngineMemory
from encoder_tui.window.session.memory import SessionMemory
from encoder_tui.window.session.slot import DocumentRow, Slot

if TYPE_CHECKING:
    from textual.app import App

    from encoder_tui.client.client import EngineClient, EngineState
    from encoder_tui.client.loader import Loader
    from encoder_tui.core.documents.lengths import CollectionCounts
    from encoder_tui.protocol.models import Hello


class Session(ChosenModels):
    """The models, the text and the engine of one window.

    Every change is published: `text_changed` with the text, `engine_changed` with the engine's state, `noticed` with a
    sentence and its severity.
    """

    def __init__(self, app: App[Any], settings: Settings, last_start_died: bool = False) -> None:
        """If the last start died, the remembered models and text are set aside and the built-in pair opens."""
        self.settings = settings
        self.models_changed: Signal[None] = Signal(app, "models_changed")
        self.text_changed: Signal[str] = Signal(app, "text_changed")
        self.text_replaced: Signal[str] = Signal(app, "text_replaced")
        self.engine_changed: Signal[EngineState] = Signal(app, "engine_changed")
        self.noticed: Signal[tuple[str, str]] = Signal(app, "noticed")
        self.engine_memory = EngineMemory(lambda: self.engine, self.notice, Signal(app, "engine_memory_changed"))
        path = None if settings.fresh else state_path()
        self.memory = SessionMemory(path, lambda: self.engine.is_remote, self.notice)
        self._left_aside = ""
        if last_start_died:
            self._leave_aside(settings)
        last = self.memory.state
        self.text = next(text for text in (settings.text, last.text, WELCOME) if text is not None)
        if settings.text is not None:
            self.memory.last.give_text()
        names = list(settings.model or last.model or (BUILTIN_PAIR if last_start_died else DEFAULT_PAIR))[:MAXIMUM]
        self._is_default = not settings.model and sorted(names) == sorted(DEFAULT_PAIR)
        super().__init__(names)
        self.docs, self.column = (settings.docs, None) if settings.docs is not None else (last.docs, last.column)
        self.hello: Hello | None = None
        self._others: set[asyncio.Task[None]] = set()
        self.settings_changed: Signal[Settings] = Signal(app, "settings_changed")
        self.document: str | None = None
        self.document_row: DocumentRow | None = None
        self.document_changed: Signal[str] = Signal(app, "document_changed")
        self.nothing_measured = asyncio.Event()
        self.nothing_measured.set()
        self.counts: CollectionCounts | None = None
        self._limits: dict[str, int | None] = {}

    @property
    def document_or_text(self) -> str:
        """The document open in the Documents pane; the text of the Tokens pane if there is none."""
        return self.text if self.document is None else self.document

    def set_document(self, text: str | None, row: DocumentRow | None = None) -> None:
        """Set the document that the user opened, from a row of the collection; None if no document is listed."""
        if (text, row) != (self.document, self.document_row):
            self.document, self.document_row = text, row
            self.document_changed.publish(text or "")

    def _leave_aside(self, settings: Settings) -> None:
        """Do not open what the last start opened, except names on the command line."""
        had_text = self.memory.state.text is not None
        if self.memory.last.set_aside() or not settings.model:
            happened = "the last start ended within its first minute, so its models and text were not reopened"
            back = "m lists the models" + ('; "Earlier texts" in the palette (ctrl+p) has the text' if had_text else "")
            self._left_aside = f"{happened}: {back}"

    # The engine's client and the code that reads models are imported after the first paint.

    @cached_property
    def engine(self) -> EngineClient:
        """The engine for the models."""
        from encoder_tui.client.client import EngineClient  # noqa: PLC0415

        return EngineClient(log_path() / "engine.log", self.settings.engine, self._engine_is, self.settings.offline)

    def _engine_is(self, state: EngineState) -> None:
        if state.status in {"died", "stopped"}:
            self.engine_memory.engine_died()
        self.engine_changed.publish(state)

    @cached_property
    def documents_engine(self) -> EngineClient:
        """A second engine, for documents, so that counting never waits for a forward pass. Started when needed."""
        from encoder_tui.client.client import EngineClient  # noqa: PLC0415
        from encoder_tui.client.pipes import STDIN, pipe_of  # noqa: PLC0415

        engine = EngineClient(log_path() / "documents.log", self.settings.engine, offline=self.settings.offline)
        named = self.settings.docs
        with contextlib.suppress(OSError):  # the engine says that it is not open
            # The window's own stdin is the terminal.
            pipe = None if named is None or named in STDIN else pipe_of(named)
            engine.descriptors += [] if pipe is None else [pipe.descriptor]
        return engine

    @cached_property
    def loader(self) -> Loader:
        """Finds and downloads models."""
        from encoder_tui.client.loader import Loader  # noqa: PLC0415
        from encoder_tui.core.tokens.exact_form import FormCache  # noqa: PLC0415

        cache = FormCache(cache_path() / "tokenizers")
        offline, trusted = self.settings.offline, self.settings.trust_remote_code
        return Loader(self.engine, cache, offline, trusted, self._chosen_limit)

    async def start(self) -> None:
        """Load the models and start the engine; called once the window has been painted."""
        self.memory.show_complaint()
        if self._left_aside:
            self.notice(self._left_aside, "warning")
        try:
            refuse_foreign_folder(log_path())
        except OSError as error:
            self.notice(f"no log is written: {error.strerror}", "warning")
        # In a thread, so that keys work meanwhile.
        await asyncio.to_thread(importlib.import_module, "encoder_tui.window.session.loading")
        for slot in self.slots:
            self._load(slot, is_default=self._is_default)
        self._started.set()
        self._greet()

    async def restart_engine(self) -> None:
        """Restart the engines and try failed models again."""
        from encoder_tui.client.client import EngineError  # noqa: PLC0415

        try:
            for engine in self._engines():
                await engine.restart()
        except EngineError as error:
            self.notice(str(error), "error")
            return
        for index, slot in enumerate(self.slots):
            if slot.state == "failed":
                self.load_again(index)
        self._greet()

    def _greet(self) -> None:
        """Start the engine in the background, after the models that need no engine have been loaded."""
        from encoder_tui.window.session import loading  # noqa: PLC0415  # imported in a thread by `start`

        greeting = loading.greet(
            self.engine, [*self._loads.values()], self._take_hello, self.engine_changed.publish, self.notice
        )
        self._keep(asyncio.create_task(greeting))

    def _take_hello(self, hello: Hello) -> None:
        self.hello = hello
        self.engine_changed.publish(self.engine.state)

    def _keep(self, task: asyncio.Task[None]) -> None:
        """Keep a reference to a task until it ends, because asyncio does not."""
        self._others.add(task)
        task.add_done_callback(self._others.discard)

    async def close(self) -> None:
        """Cancel the running tasks and close the engines."""
        for task in [*self._loads.values(), *self._others]:
            task.cancel()
        self.memory.stop()
        await asyncio.to_thread(self.memory.last.write)
        await asyncio.gather(*(engine.close() for engine in self._engines()))

    def kill_engines(self) -> None:
        """End the engines at once, without waiting for the window; from any thread."""
        for engine in self._engines():
            engine.kill("the window ended")

    def _engines(self) -> list[EngineClient]:
        """Return the engines that have been used."""
        return [self.__dict__[name] for name in ("engine", "documents_engine") if name in self.__dict__]

    @property
    def is_measuring(self) -> bool:
        """Whether Timing is measuring, so that nothing else may use the machine."""
        return not self.nothing_measured.is_set()

    @is_measuring.setter
    def is_measuring(self, is_measuring: bool) -> None:
        if is_measuring:
            self.nothing_measured.clear()
        else:
            self.nothing_measured.set()

    def touched(self) -> None:
        """Note a key or a mouse movement: the current sample of a measurement must be repeated."""
        if self.is_measuring:
            from encoder_tui.core.timing.samples import KEY  # noqa: PLC0415  # imported when Timing was opened

            self.engine.note(KEY)

    def set_text(self, text: str) -> None:
        """Set the text that the user typed."""
        if text != self.text:
            self.text = text
            self.memory.remember(text=text)
            self.text_changed.publish(text)

    def take_earlier_text(self, text: str) -> None:
        """Replace the text by one of an earlier session."""
        self.memory.last.take_earlier(text, instead_of=self.text)
        self.set_text(text)
        self.text_replaced.publish(text)

    def run_with(self, **chosen: str | int | None) -> None:
        """Run models with other settings (device, dtype, attention, threads) until the window is closed."""
        sources = {**self.settings.sources, **dict.fromkeys(chosen, CHOSEN)}
        self.settings = replace(self.settings, **chosen, sources=sources)  # type: ignore[arg-type]
        self.settings_changed.publish(self.settings)

    def choose_limit(self, slot: Slot, limit: int | None) -> None:
        """Make a model read `limit` tokens, or as many as it was deployed with if that is None."""
        from msgspec.structs import replace as replaced  # noqa: PLC0415  # after the first paint

        from encoder_tui.core.models.card import with_limit  # noqa: PLC0415

        if slot.files is None or (card := with_limit(slot.files.card, limit)) == slot.files.card:
            return
        slot.files = replaced(slot.files, card=card)
        self._limits[slot.name] = limit
        self.memory.remember_limit(slot.name, card.limit if card.is_limit_chosen else None)
        self.models_changed.publish(None)

    def _chosen_limit(self, name: str) -> int | None:
        """Return how many tokens a model is to read; None for as many as it was deployed with."""
        if name in self._limits:
            return self._limits[name]
        return self.settings.max_seq_length or self.memory.limit_of(name)

    @property
    def banner(self) -> str:
        """Why built-in models are shown instead of the requested ones; empty if they are not."""
        stand_ins = [slot for slot in self.slots if slot.stands_in_for is not None]
        if not stand_ins:
            return ""
        why = "while waiting for the Hub" if any(slot.waiting for slot in stand_ins) else stand_ins[0].message
        return f"Built-in models are shown {why}: real configurations, random weights; esc, then m, to choose others"

    def notice(self, sentence: str, severity: str = "information") -> None:
        """Notify the user."""
        self.noticed.publish((sentence, severity))
