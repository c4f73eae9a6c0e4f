"""A model's way into its slot: from the name to the exact tokenizer, showing each step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from encoder_tui.client.client import EngineError, EngineState, TaskFailed
from encoder_tui.client.loader import BUILTIN_NAMES
from encoder_tui.core.defaults import DEFAULT_PAIR
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.names import ModelError, parse_name
from encoder_tui.core.text.safe import count, visible
from encoder_tui.core.tokens.exact_form import TokenizerForm, provisional
from encoder_tui.core.tokens.tokenizer import ModelTokenizer, TokenizationError
from encoder_tui.protocol.frames import Progress
from encoder_tui.protocol.operations import HELLO, Hello, HelloRequest
from encoder_tui.window.session.session import Session, Slot


async def load_slot(session: Session, slot: Slot, is_default: bool) -> None:
    """Load a slot's model. A failure becomes the slot's message; a default that cannot be had has a stand-in."""
    try:
        name = session.loader.parse(slot.name)
        here = await asyncio.to_thread(session.loader.files_here, name)
        if here is None and is_default:
            await _stand_in(session, slot)

        async def load() -> None:
            await _load_from_files(session, slot, *await session.loader.files(name, _progress_of(session, slot)))

        await though_it_dies(session, load)
    except (ModelError, TaskFailed, EngineError, ValueError) as error:
        if slot.stands_in_for is not None:
            slot.message = "because the Hub cannot be reached and nothing is cached"
            session.notice(str(error), "warning")
        else:
            slot.state, slot.message, slot.tokenizer = "failed", str(error), None
    slot.waiting = False
    session.models_changed.publish(None)


async def though_it_dies(session: Session, ask: Callable[[], Awaitable[None]]) -> None:
    """Ask the engine; where it dies over it, ask the next one, once: its death may have had another cause."""
    try:
        await ask()
    except EngineError:
        if session.engine.state.status == "stopped":
            raise
        await ask()


async def _load_from_files(session: Session, slot: Slot, files: ModelFiles, versions: dict[str, str]) -> None:
    form = await asyncio.to_thread(session.loader.form_here, files, versions)
    if slot.stands_in_for is not None:
        session.notice(f"{slot.stands_in_for} came from the Hub and takes the place of {slot.name}")
        slot.name, slot.stands_in_for = slot.stands_in_for, None
    slot.files = files
    before: ModelTokenizer | None = None
    if form is None and files.tokenizer_json is not None:
        plain = provisional(files.tokenizer_json, files.tokenizer_config)
        # A tokenizer that may inflate a text without bound is tried by the engine first, where a death costs nothing.
        if plain.growth is not None and plain.growth.is_known:
            before = await asyncio.to_thread(ModelTokenizer, plain)
            slot.tokenizer, slot.state = before, "provisional"
        slot.message = "the engine is asked for the exact form"
        session.models_changed.publish(None)
    if form is None:
        form = await session.loader.form(files, versions, _progress_of(session, slot), session.text)
    await _take(session, slot, form, before)
    while session.loader.remarks:
        session.notice(session.loader.remarks.pop(), "warning")
    if session.loader.cache.complaint is not None:
        session.notice(session.loader.cache.complaint, "warning")
        session.loader.cache.complaint = None


async def _take(session: Session, slot: Slot, form: TokenizerForm, before: ModelTokenizer | None) -> None:
    """Put the exact form in its place, saying where it changes an id of the text at hand."""
    exact = await asyncio.to_thread(ModelTokenizer, form)
    if before is not None:
        try:
            old, new = (tokenizer.encode([session.text])[0].ids for tokenizer in (before, exact))
        except TokenizationError:
            old = new = []  # where a text is refused, the panes say so
        if old != new:
            changed = abs(len(old) - len(new)) + sum(a != b for a, b in zip(old, new, strict=False))
            session.notice(
                f"{slot.short}: the exact form ({form.class_name}) changes {count(changed, 'id')} of this text"
            )
    slot.tokenizer, slot.state, slot.message = exact, "exact", ""


async def _stand_in(session: Session, slot: Slot) -> None:
    """Show the built-in counterpart of a default model while the Hub is asked for the model itself."""
    wanted = slot.name
    stand_in = BUILTIN_NAMES[DEFAULT_PAIR.index(wanted)]
    files = await asyncio.to_thread(session.loader.files_here, parse_name(stand_in))
    assert files is not None
    form = session.loader.form_here(files, {})
    assert form is not None
    slot.tokenizer = await asyncio.to_thread(ModelTokenizer, form)
    slot.files, slot.name, slot.stands_in_for, slot.state = files, stand_in, wanted, "exact"
    slot.message = "while the Hub is asked"
    session.models_changed.publish(None)


def _progress_of(session: Session, slot: Slot) -> Callable[[Progress], None]:
    def show(progress: Progress) -> None:
        slot.message = visible(progress.text)
        session.models_changed.publish(None)

    return show


async def greet(session: Session, loads: list[asyncio.Task[None]]) -> None:
    """Start the engine in the background, and learn what it runs on.

    Tokenizers that are here come first: the engine's imports would compete with them for the processor. A model
    that needs the engine has started it by then.
    """

    def hear(hello: Hello) -> None:
        session.hello = hello
        session.engine_changed.publish(session.engine.state)

    def show(progress: Progress) -> None:
        session.engine_changed.publish(EngineState("busy", f"engine {progress.text}"))

    async def ask() -> None:
        hear(await session.engine.run(HELLO, HelloRequest(), show, hear))

    if loads:
        await asyncio.wait(loads, timeout=1.5)
    try:
        await though_it_dies(session, ask)
    except (EngineError, TaskFailed) as error:
        session.notice(str(error), "error")
