"""From a model's name to its tokenizer: here where it is here, through the engine where it is not."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeVar

import msgspec

from encoder_tui import builtin
from encoder_tui.client.client import EngineClient
from encoder_tui.core.defaults import BUILTIN_NAMES, DEFAULT_PAIR
from encoder_tui.core.files.cache import DiskCache
from encoder_tui.core.hub.resolve import on_this_machine
from encoder_tui.core.models.card import Inspected
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.names import ModelName, parse_name
from encoder_tui.core.models.ready import ReadyModel
from encoder_tui.core.models.trust import also_allowed, is_trusted
from encoder_tui.core.parameters.description import Description
from encoder_tui.core.parameters.roles import VERSION as ROLES_VERSION
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.core.tokens.exact_form import FormCache, TokenizerForm
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.core.versions import installed_versions
from encoder_tui.protocol import frames, operations
from encoder_tui.protocol.models import CardRequest, FilesRequest, TokenizerRequest
from encoder_tui.protocol.parameters import DescribeRequest

R = TypeVar("R")

OnProgress = Callable[[frames.Progress], None]

STAND_INS: Final = dict(zip(DEFAULT_PAIR, BUILTIN_NAMES, strict=True))
"""The built-in model that stands in for a default one, if nobody chose a model and the default one cannot be had."""


class Loader:
    """Finds models for the window and for the commands alike.

    Where the engine is on another machine, so are the models' names and directories: everything but the built-in
    pair is then asked of the engine. `remarks` are for the user, from whoever tells and clears them.
    """

    def __init__(
        self, engine: EngineClient, cache: FormCache, offline: bool = False, trusted: tuple[str, ...] = ()
    ) -> None:
        self.engine = engine
        self.cache = cache
        self.offline = offline
        self.trusted = trusted
        self.remarks: list[str] = []
        self.descriptions = DiskCache(
            cache.folder.parent / "parameters", Description, f"description 2 {ROLES_VERSION}", ("torch", "transformers")
        )

    def parse(self, text: str) -> ModelName:
        """Read a model's name, of which the engine's side has the last word; raises `ModelError`."""
        return parse_name(text, self.engine.is_remote)

    def files_here(self, name: ModelName, *, needs_tokenizer: bool = True) -> ModelFiles | None:
        """A model's small files without the engine; None where they are on its side or not cached.

        Blocks on the disk for some milliseconds. Raises `ModelError`.
        """
        if self.engine.is_remote and not name.is_builtin:
            return None
        return on_this_machine(name, needs_tokenizer=needs_tokenizer)

    async def files(
        self, name: ModelName, on_progress: OnProgress | None = None, *, needs_tokenizer: bool = True
    ) -> tuple[ModelFiles, dict[str, str]]:
        """A model's small files and the versions of the libraries that will read them.

        Raises `ModelError`, `TaskFailed` or `EngineError`.
        """
        here = await asyncio.to_thread(self.files_here, name, needs_tokenizer=needs_tokenizer)
        if here is not None:
            return here, installed_versions()
        return await self.ask_for_files(name, on_progress, needs_tokenizer=needs_tokenizer)

    async def ask_for_files(
        self, name: ModelName, on_progress: OnProgress | None = None, *, needs_tokenizer: bool = True
    ) -> tuple[ModelFiles, dict[str, str]]:
        """What `files` gives, of a model that is not here. Raises `TaskFailed` or `EngineError`."""
        request = FilesRequest(name.text, self.offline, needs_tokenizer)
        answer = await self.engine.run(operations.FILES, request, on_progress)
        if answer.remark and answer.remark not in self.remarks:
            self.remarks.append(answer.remark)
        return answer.files, answer.versions

    def inspected_here(self, name: ModelName) -> Inspected | None:
        """What a model is, without the engine; None if its files are on the engine's side or incomplete.

        Blocks on the disk for some milliseconds. Raises `ModelError`.
        """
        from encoder_tui.core.hub.inspection import inspect_here  # noqa: PLC0415  # not needed before the first paint

        return None if self.engine.is_remote and not name.is_builtin else inspect_here(name)

    async def inspected(
        self, name: ModelName, on_progress: OnProgress | None = None
    ) -> tuple[Inspected, dict[str, str]]:
        """What a model is, and the versions of the libraries that read it.

        Raises `ModelError`, `TaskFailed` or `EngineError`.
        """
        here = await asyncio.to_thread(self.inspected_here, name)
        if here is not None:
            return here, installed_versions()
        answer = await self.engine.run(operations.CARD, CardRequest(name.text, self.offline), on_progress)
        if answer.remark and answer.remark not in self.remarks:
            self.remarks.append(answer.remark)
        return answer.inspected, answer.versions

    def form_here(self, files: ModelFiles, versions: dict[str, str]) -> TokenizerForm | None:
        """The exact form if it ships with the program or is cached; None where the engine must be asked."""
        if files.source == "builtin":
            return builtin_form(files)
        return None if self._also_allowed(files) else self.cache.get(self._formed_by(files), versions)

    async def form(
        self, files: ModelFiles, versions: dict[str, str], on_progress: OnProgress | None = None, text: str = ""
    ) -> TokenizerForm:
        """The exact form of a model's tokenizer, tried on a text. Raises `TaskFailed` or `EngineError`."""
        known = await asyncio.to_thread(self.form_here, files, versions)
        return known if known is not None else await self.ask_for_form(files, versions, on_progress, text)

    async def ask_for_form(
        self, files: ModelFiles, versions: dict[str, str], on_progress: OnProgress | None = None, text: str = ""
    ) -> TokenizerForm:
        """What `form` gives, of a model whose form is not here; it is cached. Raises `TaskFailed` or `EngineError`."""
        request = TokenizerRequest(
            files.name,
            files.repo or files.path,
            files.commit if files.repo else None,
            self.trusts(files),
            files.path,
            self._also_allowed(files),
            without_surrogates(text),
        )
        form = await self.engine.run(operations.TOKENIZER, request, on_progress)
        if not request.also_allowed:
            await asyncio.to_thread(self.cache.put, self._formed_by(files), versions, form)
        return form

    async def model(self, name: str) -> ReadyModel:
        """A model, ready to be worked with. Raises `ModelError`, `TaskFailed`, `EngineError` or ValueError."""
        files, versions = await self.files(self.parse(name))
        return ReadyModel(name, files, ModelTokenizer(await self.form(files, versions)))

    def trusts(self, files: ModelFiles) -> bool:
        """Whether the user allowed this model's own code, by its name."""
        return is_trusted(files, self.trusted)

    def _also_allowed(self, files: ModelFiles) -> tuple[str, ...]:
        """Others whose code a trusted model may run too. What it makes with that is not cached: it may change."""
        return also_allowed(files.code_of, self.trusted) if self.trusts(files) else ()

    def description_here(self, files: ModelFiles, versions: dict[str, str]) -> Description | None:
        """What is inside a model, if that is cached; None where the engine must be asked."""
        return None if self._also_allowed(files) else self.descriptions.get(self._described_by(files), versions)

    async def description(
        self, files: ModelFiles, versions: dict[str, str], on_progress: OnProgress | None = None
    ) -> Description:
        """What is inside a model, without its values. Raises `TaskFailed` or `EngineError`."""
        known = await asyncio.to_thread(self.description_here, files, versions)
        if known is not None:
            return known
        request = DescribeRequest(
            files.name,
            files.repo or files.path,
            files.path,
            files.commit if files.repo else None,
            files.repo,
            self.offline,
            self.trusts(files),
            self._also_allowed(files),
        )
        description = await self.engine.run(operations.DESCRIBE, request, on_progress)
        if not request.also_allowed:
            await asyncio.to_thread(self.descriptions.put, self._described_by(files), versions, description)
        return description

    def _formed_by(self, files: ModelFiles) -> str:
        """What an exact form depends on: the tokenizer's files, and the model's own code where that may run."""
        if not self.trusts(files):
            return files.fingerprint
        return hashlib.sha256(f"{files.fingerprint} {files.code}".encode()).hexdigest()

    def _described_by(self, files: ModelFiles) -> str:
        """What a description depends on: the configuration, the checkpoint, and the model's code where that may run."""
        place = [files.repo, files.commit] if self.trusts(files) or not files.weights else [None, None]
        parts = [files.config, files.weights, *place, files.code if self.trusts(files) else None]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def builtin_form(files: ModelFiles) -> TokenizerForm:
    """The exact form that ships with a built-in model: `form.json`, and the tokenizer itself beside it."""
    directory = builtin.directory(files.name.removeprefix("builtin:"))
    fields = msgspec.json.decode((directory / "form.json").read_bytes())
    return msgspec.convert({**fields, "json": files.tokenizer_json}, TokenizerForm)


async def load_or_stand_in(
    chosen: Sequence[str], load: Callable[[str], Awaitable[R | str]], tell: Callable[[str], None]
) -> AsyncIterator[tuple[str, R | str]]:
    """Each model's name and what `load` gives for it; a str is the reason why it cannot be had.

    If nobody chose a model, the default pair is loaded, and `STAND_INS` replace what cannot be had; `tell` says so.
    """
    for name in chosen or DEFAULT_PAIR:
        found = await load(name)
        if isinstance(found, str) and not chosen:
            tell(f"{found}; {STAND_INS[name]} stands in for it")
            yield STAND_INS[name], await load(STAND_INS[name])
        else:
            yield name, found
