"""Requests about the engine itself, and about a model's files, tokenizer and settings."""

from __future__ import annotations

from typing import Literal

import msgspec

from encoder_tui.core.hub.search import Found
from encoder_tui.core.models.files import Inspected, ModelFiles
from encoder_tui.core.models.placement import ModelSource, Placement


class HelloRequest(msgspec.Struct, frozen=True):
    """Report what the engine runs on."""


class Device(msgspec.Struct, frozen=True):
    """A device that torch can compute on; memory in bytes, None if it is unknown.

    `offers` names features that only some devices have: `tf32`, `flash_attention_2`.
    """

    name: str
    description: str
    free_memory: int | None = None
    total_memory: int | None = None
    offers: list[str] = []


class Hello(msgspec.Struct, frozen=True):
    """What the engine runs on. `devices` is None in the partial answer that comes before torch is imported."""

    versions: dict[str, str]
    python: str
    platform: str
    threads: int
    free_memory: int | None
    devices: list[Device] | None = None


class FilesRequest(msgspec.Struct, frozen=True):
    """Find a model's small files on the engine's machine; download them if they are not cached."""

    name: str
    offline: bool = False
    needs_tokenizer: bool = True


class FilesAnswer(msgspec.Struct, frozen=True):
    """The files, the versions of the libraries that will read them, and a remark, empty if there is none."""

    files: ModelFiles
    versions: dict[str, str]
    remark: str = ""


class SearchRequest(msgspec.Struct, frozen=True):
    """Search the Hub for models or data sets."""

    kind: Literal["models", "datasets"]
    query: str
    offline: bool = False


class SearchAnswer(msgspec.Struct, frozen=True):
    """What was found, the most downloaded first."""

    found: list[Found]


class CardRequest(msgspec.Struct, frozen=True):
    """Describe what a model is; download its small files if they are not cached."""

    name: str
    offline: bool = False


class CardAnswer(msgspec.Struct, frozen=True):
    """What a model is, the versions of the libraries that read it, and a remark, empty if there is none."""

    inspected: Inspected
    versions: dict[str, str]
    remark: str = ""


class TokenizerRequest(msgspec.Struct, frozen=True):
    """Load `AutoTokenizer` from files that are already on the engine's machine.

    `location` is a directory or a Hub id, `commit` the snapshot of a Hub id, and `path` the directory of its files on
    the engine's machine. `also_allowed` are others whose code may run in addition to the model's own. The tokenizer is
    tried on `text`.
    """

    name: str
    location: str
    commit: str | None = None
    trust_remote_code: bool = False
    path: str = ""
    also_allowed: tuple[str, ...] = ()
    text: str = ""


class OffersRequest(msgspec.Struct, frozen=True):
    """Load a model and report the settings that it could run with."""

    source: ModelSource
    placement: Placement
