"""Loading a model into its slot: from the name to the exact tokenizer, showing each step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from encoder_tui.client.client import EngineClient, EngineError, EngineState, OperationFailed
from encoder_tui.client.loader import STAND_INS, Loader, as_deployed
from encoder_tui.core.hub.offline import forbidden_by
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.names import ModelError, parse_name
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible
from encoder_tui.core.tokens.exact_form import TokenizerForm, provisional
from encoder_tui.core.tokens.tokenizer import ModelTokenizer, TokenizationError
from encoder_tui.core.versions import installed_versions
from encoder_tui.protocol.frames import Progress
from encoder_tui.protocol.models import Hello, HelloRequest
from encoder_tui.protocol.operations import HELLO
from encoder_tui.window.session.slot import Slot

Notice = Callable[[str, str], None]
"""Shows the user a sentence with a severity."""


class SlotLoader:
    """Loads models into slots. `changed` is called when a slot has changed; `text` returns the current text."""

    def __init__(self, loader: Loader, changed: Callable[[], None], notice: Notice, text: Callable[[], str]) -> None:
        self.loader = loader
        self._changed = changed
        self._notice = notice
        self._text = text

    async def load(self, slot: Slot, is_default: bool) -> None:
        """Load a slot's model. A failure becomes the slot's message; a missing default gets a built-in one."""
        loader = self.loader
        try:
            name = loader.parse(slot.name)
            here = await asyncio.to_thread(loader.files_here, name)
            if here is None and is_default:
                await self._stand_in(slot)

            async def load() -> None:
                if here is not None:
                    await self._load_from_files(slot, here, installed_versions())
                else:
                    await self._load_from_files(slot, *await loader.ask_for_files(name, self._progress_of(slot)))

            await loader.engine.once_more(load)
        except (ModelError, OperationFailed, EngineError, ValueError) as error:
            if slot.stands_in_for is not None:
                forbidden = "" if self.loader.engine.is_remote else forbidden_by(self.loader.offline)
                cause = f"{forbidden} forbids asking the Hub" if forbidden else "the Hub cannot be reached"
                slot.message = f"because {cause} and nothing is cached"
                if not forbidden:  # else the error says the same again, once for each model
                    self._notice(str(error), "warning")
            else:
                slot.state, slot.message, slot.tokenizer = "failed", str(error), None
        slot.waiting = False
        self._changed()

    async def _load_from_files(self, slot: Slot, files: ModelFiles, versions: dict[str, str]) -> None:
        loader = self.loader
        form = await asyncio.to_thread(loader.form_here, files, versions)
        if slot.stands_in_for is not None:
            self._notice(f"{slot.stands_in_for} was loaded from the Hub and replaces {slot.name}", "information")
            slot.name, slot.stands_in_for = slot.stands_in_for, None
        slot.files = files
        before: ModelTokenizer | None = None
        if form is None and files.tokenizer_json is not None:
            plain = as_deployed(provisional(files.tokenizer_json, files.tokenizer_config), files)
            # A tokenizer that may inflate a text is tried in the engine first, where a crash does no harm.
            if plain.growth is not None and plain.growth.is_known:
                before = await asyncio.to_thread(ModelTokenizer, plain)
                slot.tokenizer, slot.state = before, "provisional"
            slot.message = "waiting for the engine's exact tokenizer"
            self._changed()
        if form is None:
            form = await loader.ask_for_form(files, versions, self._progress_of(slot), self._text())
        await self._take(slot, form, before)
        while loader.remarks:
            self._notice(loader.remarks.pop(), "warning")
        if loader.cache.complaint is not None:
            self._notice(loader.cache.complaint, "warning")
            loader.cache.complaint = None

    async def _take(self, slot: Slot, form: TokenizerForm, before: ModelTokenizer | None) -> None:
        """Replace the provisional tokenizer by the exact one, and report changed ids of the current text."""
        exact = await asyncio.to_thread(ModelTokenizer, form)
        if before is not None:
            try:
                old, new = (tokenizer.encode([self._text()])[0].ids for tokenizer in (before, exact))
            except TokenizationError:
                old = new = []  # the panes report the error
            if old != new:
                changed = abs(len(old) - len(new)) + sum(a != b for a, b in zip(old, new, strict=False))
                self._notice(
                    f"{slot.short}: the exact tokenizer ({form.class_name}) changes {count(changed, 'id')} of the text",
                    "information",
                )
        slot.tokenizer, slot.state, slot.message = exact, "exact", ""

    async def _stand_in(self, slot: Slot) -> None:
        """Show the built-in counterpart of a default model while the model itself is downloaded."""
        wanted = slot.name
        stand_in = STAND_INS[wanted]
        files = await asyncio.to_thread(self.loader.files_here, parse_name(stand_in))
        assert files is not None
        form = self.loader.form_here(files, {})
        assert form is not None
        slot.tokenizer = await asyncio.to_thread(ModelTokenizer, form)
        slot.files, slot.name, slot.stands_in_for, slot.state = files, stand_in, wanted, "exact"
        slot.message = "while waiting for the Hub"
        self._changed()

    def _progress_of(self, slot: Slot) -> Callable[[Progress], None]:
        def show(progress: Progress) -> None:
            slot.message = visible(progress.text)
            self._changed()

        return show


async def greet(
    engine: EngineClient,
    loads: list[asyncio.Task[None]],
    take: Callable[[Hello], None],
    show: Callable[[EngineState], None],
    notice: Notice,
) -> None:
    """Start the engine in the background, and call `take` with what it runs on.

    Local tokenizers come first: the engine's imports would compete with them for the processor. A model that needs
    the engine has already started it.
    """

    def progress(report: Progress) -> None:
        show(EngineState("busy", f"engine {report.text}"))

    async def ask() -> None:
        take(await engine.run(HELLO, HelloRequest(), progress, take))

    if loads:
        await asyncio.wait(loads, timeout=1.5)
    try:
        await engine.once_more(ask)
    except (EngineError, OperationFailed) as error:
        notice(str(error), "error")
