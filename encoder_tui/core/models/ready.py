"""A model that is ready, and one that was requested."""

from __future__ import annotations

from dataclasses import dataclass

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.models.card import Card
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.placement import ModelSource, source_of
from encoder_tui.core.settings import Settings
from encoder_tui.core.tokens.tokenizer import ModelTokenizer


@dataclass(frozen=True)
class ReadyModel:
    """A model whose small files and tokenizer have loaded; `name` is as the user gave it."""

    name: str
    files: ModelFiles
    tokenizer: ModelTokenizer

    @property
    def card(self) -> Card:
        """What the model is, by what its directory says."""
        return self.files.card

    @property
    def limit(self) -> int | None:
        """How many tokens the deployed model reads, including special tokens; None if there is no limit."""
        return self.card.limit

    def source(self, settings: Settings) -> ModelSource:
        """Return where the engine loads the model from, and with which permissions."""
        return source_of(self.files, settings.trust_remote_code, settings.offline)


@dataclass(frozen=True)
class RequestedModel:
    """A requested model: `ready`, or `error` with the reason why not; neither while it is loading.

    `number` chooses its letter and its colour: 0 is A.
    """

    number: int
    name: str
    ready: ReadyModel | None = None
    error: str | None = None

    @property
    def letter(self) -> str:
        """The letter that stands for the model."""
        return LETTERS[self.number]

    @property
    def tokenizer(self) -> ModelTokenizer | None:
        """The tokenizer, if it has loaded."""
        return None if self.ready is None else self.ready.tokenizer
