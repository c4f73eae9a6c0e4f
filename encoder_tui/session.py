"""What the panes share: the chosen models, the text, the engine. Panes watch it and ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

from textual.signal import Signal

from encoder_tui.display import count, visible
from encoder_tui.engine import contract
from encoder_tui.engine.client import EngineClient, EngineError, EngineState, TaskFailed
from encoder_tui.engine.protocol import Progress
from encoder_tui.forms import FormCache, TokenizerForm, provisional
from encoder_tui.loading import BUILTIN_NAMES, Loader
from encoder_tui.models import DEFAULT_PAIR, MAXIMUM, ModelError, ModelFiles, parse_name
from encoder_tui.settings import Settings, cache_path, log_path
from encoder_tui.tokens import ModelTokenizer

if TYPE_CHECKING:
    from textual.app import App

LETTERS: Final = "ABCD"
WELCOME: Final = "This is MIDS 266. Let's learn some NLP!"
"""The text of the notebook that this program replaces; what the window opens with when nobody gave one."""

SlotState = Literal["loading", "provisional", "exact", "failed"]


class Slot:
    """One of the models being compared, and how far it is."""

    def __init__(self, name: str, stands_in_for: str | None = None) -> None:
        self.name = name
        self.stands_in_for = stands_in_for
        self.files: ModelFiles | None = None
        self.tokenizer: ModelTokenizer | None = None
        self.state: SlotState = "loading"
        self.message = ""

    @property
    def short(self) -> str:
        """The name without its owner or folder."""
        return self.name.rstrip("/").rsplit("/", 1)[-1] or self.name


class Session:
    """The models, the text and the engine of one window.

    Every change is published: `models_changed`, `text_changed`, `engine_changed` carry what changed, `noticed`
    a sentence and its severity.
    """

    def __init__(self, app: App[Any], settings: Settings) -> None:
        self.settings = settings
        self.models_changed: Signal[None] = Signal(app, "models_changed")
        self.text_changed: Signal[str] = Signal(app, "text_changed")
        self.engine_changed: Signal[EngineState] = Signal(app, "engine_changed")
        self.noticed: Signal[tuple[str, str]] = Signal(app, "noticed")
        self.engine = EngineClient(log_path() / "engine.log", settings.engine, self.engine_changed.publish)
        cache = FormCache(cache_path() / "tokenizers")
        self.loader = Loader(self.engine, cache, settings.offline, settings.trust_remote_code)
        self.text = settings.text if settings.text is not None else WELCOME
        self.slots: list[Slot] = [Slot(name) for name in settings.model or DEFAULT_PAIR]
        self.hello: contract.Hello | None = None
        self._loads: dict[Slot, asyncio.Task[None]] = {}
        self._documents_engine: EngineClient | None = None
        self.document: str | None = None
        self.document_changed: Signal[str] = Signal(app, "document_changed")
        self.is_measuring = False

    @property
    def documents_engine(self) -> EngineClient:
        """A second engine, for documents: counting them never waits behind a forward pass. Started when asked."""
        if self._documents_engine is None:
            self._documents_engine = EngineClient(log_path() / "documents.log", self.settings.engine)
        return self._documents_engine

    def set_document(self, text: str) -> None:
        """The user opened another document."""
        if text != self.document:
            self.document = text
            self.document_changed.publish(text)

    @property
    def letters(self) -> str:
        """A letter for each model."""
        return LETTERS[: len(self.slots)]

    @property
    def tokenizers(self) -> list[ModelTokenizer | None]:
        """Each model's tokenizer, as far as it is there."""
        return [slot.tokenizer for slot in self.slots]

    def start(self) -> None:
        """Load the models and start the engine; called once the window has been painted."""
        for slot in self.slots:
            self._load(slot, is_default=not self.settings.model)
        self._keep(asyncio.create_task(self._greet([*self._loads.values()])))

    def _keep(self, task: asyncio.Task[None]) -> None:
        """Hold a task until it ends, because asyncio does not."""
        self._others: set[asyncio.Task[None]] = getattr(self, "_others", set())
        self._others.add(task)
        task.add_done_callback(self._others.discard)

    async def close(self) -> None:
        """End what is under way, and the engine."""
        for task in [*self._loads.values(), *getattr(self, "_others", ())]:
            task.cancel()
        if self._documents_engine is not None:
            await self._documents_engine.close()
        await self.engine.close()

    def set_text(self, text: str) -> None:
        """The user changed the text."""
        if text != self.text:
            self.text = text
            self.text_changed.publish(text)

    # Models

    def add(self, name: str) -> None:
        """Compare one more model."""
        if len(self.slots) >= MAXIMUM:
            self.notice(f"at most {MAXIMUM} models stand beside each other; remove or replace one", "warning")
            return
        slot = Slot(name)
        self.slots.append(slot)
        self._load(slot)
        self.models_changed.publish(None)

    def replace(self, index: int, name: str) -> None:
        """Put another model in a place."""
        self._forget(self.slots[index])
        self.slots[index] = slot = Slot(name)
        self._load(slot)
        self.models_changed.publish(None)

    def remove(self, index: int) -> None:
        """Compare one model less; the last one stays."""
        if len(self.slots) == 1:
            self.notice("the last model stays; replace it instead", "warning")
            return
        self._forget(self.slots.pop(index))
        self.models_changed.publish(None)

    def swap(self, first: int, second: int) -> None:
        """Exchange two models' places, and with them their letters and colours."""
        self.slots[first], self.slots[second] = self.slots[second], self.slots[first]
        self.models_changed.publish(None)

    def _forget(self, slot: Slot) -> None:
        task = self._loads.pop(slot, None)
        if task is not None:
            task.cancel()

    def _load(self, slot: Slot, is_default: bool = False) -> None:
        task = asyncio.create_task(self._load_slot(slot, is_default))
        self._loads[slot] = task
        task.add_done_callback(lambda _: self._loads.pop(slot, None))

    async def _load_slot(self, slot: Slot, is_default: bool) -> None:
        """Take a model from its name to its exact tokenizer, showing each step."""
        try:
            name = parse_name(slot.name)
            here = await asyncio.to_thread(self.loader.files_here, name)
            if here is None and is_default:
                await self._stand_in(slot)
            await self._load_from_files(slot, *await self.loader.files(name, self._progress_of(slot)))
        except (ModelError, TaskFailed, EngineError, ValueError) as error:
            if slot.stands_in_for is not None:
                self._explain_stand_in(slot, str(error))
            else:
                slot.state, slot.message, slot.tokenizer = "failed", str(error), None
        self.models_changed.publish(None)

    async def _load_from_files(self, slot: Slot, files: ModelFiles, versions: dict[str, str]) -> None:
        form = await asyncio.to_thread(self.loader.form_here, files, versions)
        if slot.stands_in_for is not None:
            self.notice(f"{slot.stands_in_for} came from the Hub and takes the place of {slot.name}")
            slot.name, slot.stands_in_for = slot.stands_in_for, None
        slot.files = files
        before: ModelTokenizer | None = None
        if form is None and files.tokenizer_json is not None:
            plain = provisional(files.tokenizer_json, files.tokenizer_config)
            before = await asyncio.to_thread(ModelTokenizer, plain)
            slot.tokenizer, slot.state = before, "provisional"
            slot.message = "provisional: plain tokenizer.json until the engine has the exact form"
            self.models_changed.publish(None)
        if form is None:
            form = await self.loader.form(files, versions, self._progress_of(slot))
        await self._take(slot, form, before)
        if self.loader.cache.complaint is not None:
            self.notice(self.loader.cache.complaint, "warning")
            self.loader.cache.complaint = None

    async def _take(self, slot: Slot, form: TokenizerForm, before: ModelTokenizer | None) -> None:
        """Put the exact form in its place, saying where it changes an id of the text at hand."""
        exact = await asyncio.to_thread(ModelTokenizer, form)
        if before is not None:
            old, new = (tokenizer.encode([self.text])[0].ids for tokenizer in (before, exact))
            if old != new:
                changed = abs(len(old) - len(new)) + sum(a != b for a, b in zip(old, new, strict=False))
                self.notice(
                    f"{slot.short}: the exact form ({form.class_name}) changes {count(changed, 'id')} of this text"
                )
        slot.tokenizer, slot.state, slot.message = exact, "exact", ""

    async def _stand_in(self, slot: Slot) -> None:
        """Show the built-in counterpart of a default model while the Hub is asked for the model itself."""
        wanted = slot.name
        stand_in = BUILTIN_NAMES[DEFAULT_PAIR.index(wanted)]
        files = await asyncio.to_thread(self.loader.files_here, parse_name(stand_in))
        assert files is not None
        form = self.loader.form_here(files, {})
        assert form is not None
        slot.tokenizer = await asyncio.to_thread(ModelTokenizer, form)
        slot.files, slot.name, slot.stands_in_for, slot.state = files, stand_in, wanted, "exact"
        slot.message = f"stands in for {wanted} while the Hub is asked for it"
        self.models_changed.publish(None)

    def _explain_stand_in(self, slot: Slot, reason: str) -> None:
        slot.message = f"stands in for {slot.stands_in_for}: {reason}"

    @property
    def banner(self) -> str:
        """Why built-in models are on the screen, where nobody asked for them; empty otherwise."""
        standing = [slot for slot in self.slots if slot.stands_in_for is not None]
        if not standing:
            return ""
        waiting = any(slot in self._loads for slot in standing)
        why = "while the Hub is asked" if waiting else "because the Hub cannot be reached and nothing is cached"
        return f"Built-in models {why}: real configurations, small tokenizers, random weights. m chooses others."

    def _progress_of(self, slot: Slot) -> Callable[[Progress], None]:
        def show(progress: Progress) -> None:
            slot.message = visible(progress.text)
            self.models_changed.publish(None)

        return show

    # The engine

    async def _greet(self, loads: list[asyncio.Task[None]]) -> None:
        """Start the engine in the background, and learn what it runs on.

        Tokenizers that are here come first: the engine's imports would compete with them for the processor. A
        model that needs the engine has started it by then.
        """
        await asyncio.wait(loads, timeout=1.5)

        def hear(hello: contract.Hello) -> None:
            self.hello = hello
            self.engine_changed.publish(self.engine.state)

        try:
            hear(await self.engine.run(contract.HELLO, contract.HelloRequest(), self._import_progress, hear))
        except (EngineError, TaskFailed) as error:
            self.notice(str(error), "error")

    def _import_progress(self, progress: Progress) -> None:
        self.engine_changed.publish(EngineState("busy", f"engine {progress.text}"))

    def notice(self, sentence: str, severity: str = "information") -> None:
        """Tell the user something in passing."""
        self.noticed.publish((sentence, severity))
