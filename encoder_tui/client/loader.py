"""From a model's name to its tokenizer: read from this machine if it is cached here, else through the engine."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeVar

import msgspec

from encoder_tui import builtin
from encoder_tui.client.client import EngineClient
from encoder_tui.core.defaults import BUILTIN_PAIR, DEFAULT_PAIR
from encoder_tui.core.files.cache import DiskCache
from encoder_tui.core.hub.resolve import on_this_machine
from encoder_tui.core.models.card import Card, with_limit
from encoder_tui.core.models.card_words import beyond_positions
from encoder_tui.core.models.files import Inspected, ModelFiles
from encoder_tui.core.models.names import ModelName, parse_name
from encoder_tui.core.models.ready import ReadyModel
from encoder_tui.core.models.trust import also_allowed, is_trusted
from encoder_tui.core.parameters.description import Description
from encoder_tui.core.parameters.roles import VERSION as ROLES_VERSION
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.core.tokens.exact_form import FormCache, TokenizerForm, lowering
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.core.versions import installed_versions
from encoder_tui.protocol import frames, operations
from encoder_tui.protocol.models import CardRequest, FilesRequest, TokenizerRequest
from encoder_tui.protocol.parameters import DescribeRequest

R = TypeVar("R")

OnProgress = Callable[[frames.Progress], None]

STAND_INS: Final = dict(zip(DEFAULT_PAIR, BUILTIN_PAIR, strict=True))
"""The built-in model that replaces a default one, if the user chose no model and the default one is unavailable."""


class Loader:
    """Finds models for the window and for the commands alike.

    If the engine is remote, names and directories of models are those of its machine, and everything but the built-in
    pair is requested from it. `chosen_limit` returns the limit that the user chose for a model of a name, None for its
    own. `remarks` are sentences for the user; the caller shows and clears them.
    """

    def __init__(
        self,
        engine: EngineClient,
        cache: FormCache,
        offline: bool = False,
        trusted: tuple[str, ...] = (),
        chosen_limit: Callable[[str], int | None] = lambda _: None,
    ) -> None:
        self.engine = engine
        self.cache = cache
        self.offline = offline
        self.trusted = trusted
        self.chosen_limit = chosen_limit
        self.remarks: list[str] = []
        self.descriptions = DiskCache(
            cache.folder.parent / "parameters", Description, f"description 4 {ROLES_VERSION}", ("torch", "transformers")
        )

    def parse(self, text: str) -> ModelName:
        """Parse a model's name. If the engine is remote, only it can check a directory. Raises `ModelError`."""
        return parse_name(text, self.engine.is_remote)

    def files_here(self, name: ModelName, *, needs_tokenizer: bool = True) -> ModelFiles | None:
        """Return a model's small files without the engine; None if they are on its machine or not cached.

        Blocks on the disk for some milliseconds. Raises `ModelError`.
        """
        if self.engine.is_remote and not name.is_builtin:
            return None
        files = on_this_machine(name, needs_tokenizer=needs_tokenizer)
        return None if files is None else self._with_limit(files)

    async def files(
        self, name: ModelName, on_progress: OnProgress | None = None, *, needs_tokenizer: bool = True
    ) -> tuple[ModelFiles, dict[str, str]]:
        """Return a model's small files and the versions of the libraries that will read them.

        Raises `ModelError`, `OperationFailed` or `EngineError`.
        """
        here = await asyncio.to_thread(self.files_here, name, needs_tokenizer=needs_tokenizer)
        if here is not None:
            return here, installed_versions()
        return await self.ask_for_files(name, on_progress, needs_tokenizer=needs_tokenizer)

    async def ask_for_files(
        self, name: ModelName, on_progress: OnProgress | None = None, *, needs_tokenizer: bool = True
    ) -> tuple[ModelFiles, dict[str, str]]:
        """Do what `files` does for a model that is not on this machine. Raises `OperationFailed` or `EngineError`."""
        request = FilesRequest(name.text, self.offline, needs_tokenizer)
        answer = await self.engine.run(operations.FILES, request, on_progress)
        self._remark(answer.remark)
        return self._with_limit(answer.files), answer.versions

    def _remark(self, remark: str) -> None:
        if remark and remark not in self.remarks:
            self.remarks.append(remark)

    def _with_limit(self, files: ModelFiles) -> ModelFiles:
        """Return a model's files with the limit that the user chose; remark if its positions do not allow it."""
        return msgspec.structs.replace(files, card=self._limited(files.name, files.card))

    def _limited(self, name: str, card: Card) -> Card:
        chosen = self.chosen_limit(name)
        if beyond := beyond_positions(card, chosen):
            self._remark(f"{name}: {beyond}")
        return with_limit(card, chosen)

    def inspected_here(self, name: ModelName) -> Inspected | None:
        """Return what a model is, without the engine; None if its files are on the engine's machine or incomplete.

        Blocks on the disk for some milliseconds. Raises `ModelError`.
        """
        from encoder_tui.core.hub.inspection import inspect_here  # noqa: PLC0415  # not needed before the first paint

        here = None if self.engine.is_remote and not name.is_builtin else inspect_here(name)
        return None if here is None else self._inspected_with_limit(name, here)

    def _inspected_with_limit(self, name: ModelName, found: Inspected) -> Inspected:
        files = None if found.files is None else self._with_limit(found.files)
        return msgspec.structs.replace(found, card=self._limited(name.text, found.card), files=files)

    async def inspected(
        self, name: ModelName, on_progress: OnProgress | None = None
    ) -> tuple[Inspected, dict[str, str]]:
        """Return what a model is, and the versions of the libraries that read it.

        Raises `ModelError`, `OperationFailed` or `EngineError`.
        """
        here = await asyncio.to_thread(self.inspected_here, name)
        if here is not None:
            return here, installed_versions()
        answer = await self.engine.run(operations.CARD, CardRequest(name.text, self.offline), on_progress)
        self._remark(answer.remark)
        return self._inspected_with_limit(name, answer.inspected), answer.versions

    def form_here(self, files: ModelFiles, versions: dict[str, str]) -> TokenizerForm | None:
        """Return the exact form if it ships with the program or is cached; None if the engine must make it."""
        if files.source == "builtin":
            return builtin_form(files)
        known = None if self._also_allowed(files) else self.cache.get(self._formed_by(files), versions)
        return None if known is None else as_deployed(known, files)

    async def form(
        self, files: ModelFiles, versions: dict[str, str], on_progress: OnProgress | None = None, text: str = ""
    ) -> TokenizerForm:
        """Return the exact form of a model's tokenizer, tried on a text. Raises `OperationFailed` or `EngineError`."""
        known = await asyncio.to_thread(self.form_here, files, versions)
        return known if known is not None else await self.ask_for_form(files, versions, on_progress, text)

    async def ask_for_form(
        self, files: ModelFiles, versions: dict[str, str], on_progress: OnProgress | None = None, text: str = ""
    ) -> TokenizerForm:
        """Request the exact form from the engine and cache it. Raises `OperationFailed` or `EngineError`."""
        request = TokenizerRequest(
            files.name,
            files.hub_id or files.path,
            files.commit if files.hub_id else None,
            self.trusts(files),
            files.path,
            self._also_allowed(files),
            without_surrogates(text),
        )
        form = await self.engine.run(operations.TOKENIZER, request, on_progress)
        if not request.also_allowed:
            await asyncio.to_thread(self.cache.put, self._formed_by(files), versions, form)
        return as_deployed(form, files)

    async def model(self, name: str) -> ReadyModel:
        """Return a model that is ready for use. Raises `ModelError`, `OperationFailed`, `EngineError` or ValueError."""
        files, versions = await self.files(self.parse(name))
        return ReadyModel(name, files, ModelTokenizer(await self.form(files, versions)))

    def trusts(self, files: ModelFiles) -> bool:
        """Return whether the user allowed this model's own code, by its name."""
        return is_trusted(files, self.trusted)

    def _also_allowed(self, files: ModelFiles) -> tuple[str, ...]:
        """Return others whose code a trusted model may also run. What depends on it is not cached: it may change."""
        return also_allowed(files.code_of, self.trusted) if self.trusts(files) else ()

    def description_here(
        self, files: ModelFiles, versions: dict[str, str], *, head: bool = False
    ) -> Description | None:
        """Return the cached description of a model's parameters; None if the engine must make it."""
        return None if self._also_allowed(files) else self.descriptions.get(self._described_by(files, head), versions)

    async def description(
        self,
        files: ModelFiles,
        versions: dict[str, str],
        on_progress: OnProgress | None = None,
        *,
        head: bool = False,
    ) -> Description:
        """Return the description of a model's parameters, without values; with its `head` if it has one.

        Raises `OperationFailed` or `EngineError`.
        """
        known = await asyncio.to_thread(self.description_here, files, versions, head=head)
        if known is not None:
            return known
        request = DescribeRequest(
            files.name,
            files.hub_id or files.path,
            files.path,
            files.commit,
            files.repo,
            self.offline,
            self.trusts(files),
            self._also_allowed(files),
            head,
        )
        description = await self.engine.run(operations.DESCRIBE, request, on_progress)
        # A checkpoint that could not be reached this time may be there the next.
        is_final = description.fit is not None or files.repo is None
        if is_final and not request.also_allowed:
            await asyncio.to_thread(self.descriptions.put, self._described_by(files, head), versions, description)
        return description

    def _formed_by(self, files: ModelFiles) -> str:
        """Return a key of what an exact form depends on: the tokenizer's files, and the model's code if it may run."""
        if not self.trusts(files):
            return files.fingerprint
        return hashlib.sha256(f"{files.fingerprint} {files.code}".encode()).hexdigest()

    def _described_by(self, files: ModelFiles, head: bool) -> str:
        """Return a key of what a description depends on: configuration, checkpoint, and code if it may run.

        Its remarks depend on the other files of the directory too, which they name.
        """
        place = [files.repo, files.commit, files.path, files.card.of_weights]
        parts = [files.config, files.weights, *place, files.code if self.trusts(files) else None, head]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def as_deployed(form: TokenizerForm, files: ModelFiles) -> TokenizerForm:
    """Return a tokenizer as the deployed model uses it: sentence-transformers may lower-case every text."""
    return lowering(form) if files.card.lowers_case else form


def builtin_form(files: ModelFiles) -> TokenizerForm:
    """Return the exact form that ships with a built-in model: `form.json` and the tokenizer beside it."""
    directory = builtin.directory(files.name.removeprefix("builtin:"))
    fields = msgspec.json.decode((directory / "form.json").read_bytes())
    return msgspec.convert({**fields, "json": files.tokenizer_json}, TokenizerForm)


async def load_or_stand_in(
    chosen: Sequence[str], load: Callable[[str], Awaitable[R | str]], tell: Callable[[str], None]
) -> AsyncIterator[tuple[str, R | str]]:
    """Yield each model's name and what `load` returns for it; a str is the reason why the model is unavailable.

    If no model is chosen, the default pair is loaded. `STAND_INS` replace an unavailable one, which `tell` reports.
    """
    for name in chosen or DEFAULT_PAIR:
        found = await load(name)
        if isinstance(found, str) and not chosen:
            tell(f"{found}; {STAND_INS[name]} replaces it")
            yield STAND_INS[name], await load(STAND_INS[name])
        else:
            yield name, found
