"""A model's slot in the window, and the row of the open document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.text.safe import last_part

if TYPE_CHECKING:
    from encoder_tui.client.collection import Collection
    from encoder_tui.core.models.files import ModelFiles
    from encoder_tui.core.models.ready import ReadyModel, RequestedModel
    from encoder_tui.core.tokens.tokenizer import ModelTokenizer

SlotState = Literal["loading", "provisional", "exact", "failed"]


class Slot:
    """One of the models being compared, and its state.

    `number` chooses its letter and its colour, which it keeps until the window is closed: 0 is A.
    """

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.stands_in_for: str | None = None
        self.files: ModelFiles | None = None
        self.tokenizer: ModelTokenizer | None = None
        self.state: SlotState = "loading"
        self.message = ""
        self.waiting = True

    @property
    def why_not_ready(self) -> str:
        """Why the model cannot be run now; empty if it can."""
        if self.state == "failed":
            return self.message
        if self.files is None or self.tokenizer is None or self.state != "exact":
            return "its tokenizer is still loading; run again when it has loaded"
        return ""

    @property
    def letter(self) -> str:
        """The letter that stands for the model."""
        return LETTERS[self.number]

    @property
    def short(self) -> str:
        """The name without its owner or folder."""
        return last_part(self.name)

    @property
    def ready(self) -> ReadyModel | None:
        """The model, once its files and a tokenizer are loaded, otherwise None; the tokenizer may be provisional."""
        from encoder_tui.core.models.ready import ReadyModel  # noqa: PLC0415  # imported after the first paint

        if self.files is None or self.tokenizer is None:
            return None
        return ReadyModel(self.name, self.files, self.tokenizer)

    def requested(self) -> RequestedModel:
        """Return the model as it is now."""
        from encoder_tui.core.models.ready import RequestedModel  # noqa: PLC0415  # imported after the first paint

        return RequestedModel(self.number, self.name, self.ready, self.message if self.state == "failed" else None)


@dataclass(frozen=True)
class DocumentRow:
    """The row of a collection that contains the current document."""

    collection: Collection
    index: int
