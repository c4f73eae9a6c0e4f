"""What the window remembers from one start to the next, in one small file that only its user can read.

What an option, a variable or the configuration file sets holds for that session and is not remembered; what is changed
in the window is.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from encoder_tui.core.files.atomic import write_private
from encoder_tui.core.files.private import open_file, private_folder, read_file, refuse_foreign_folder
from encoder_tui.core.settings import MOST_TOKENS

if TYPE_CHECKING:
    from encoder_tui.core.models.names import ModelName


VERSION: Final = 1
LARGEST: Final = 1_000_000
"""The largest text that is remembered, and the largest total of all earlier texts, in bytes of UTF-8."""
LONGEST_FILE: Final = 32 << 20
"""The largest file that is read, in bytes; JSON writes a character of 2 MB of text in at most 12."""
RECENT: Final = 8
EARLIER: Final = 5
PATIENCE: Final = 1.0
"""Seconds to wait for another window to finish writing, which takes milliseconds."""


class Remembered(msgspec.Struct, frozen=True):
    """What is restored. None or empty means that it was never changed in a window, so the settings' default applies.

    `documents_sort` counts the orders of the list of documents: 0 the source's, 1 characters, 2 the first model's
    tokens. `earlier_texts` are texts that another window would otherwise have overwritten, newest first. `limits` are
    how many tokens models read by the user's choice, by their names, the newest last.
    """

    version: int = VERSION
    model: list[str] = []
    text: str | None = None
    docs: str | None = None
    column: str | None = None
    pane: str | None = None
    parameters_by_size: bool = False
    documents_sort: int = 0
    recent_models: list[str] = []
    recent_sources: list[str] = []
    earlier_texts: list[str] = []
    limits: dict[str, Annotated[int, msgspec.Meta(ge=1, le=MOST_TOKENS)]] = {}


class Memory:
    """The remembered session: read once, changed in memory, written by `write`, which blocks on the disk.

    Without a path nothing is read or written. Windows that are open at the same time write only what each of them
    changed. `complaint` is a sentence for the user, to be shown once.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.state = Remembered()
        self.complaint = ""
        self._changes: dict[str, Any] = {}
        self._recent: dict[str, list[str]] = {"recent_models": [], "recent_sources": []}
        self._lock = threading.Lock()
        self._taking = threading.RLock()  # a signal's handler may come in between
        self.has_failed = False
        self._has_told = False
        if path is not None:
            self.state, self.complaint = read(path)
        self._begun_with = self.state.text

    @property
    def is_changed(self) -> bool:
        """Whether there is something to write."""
        return self.path is not None and bool(self._changes or any(self._recent.values()))

    def remember(self, **changes: Any) -> None:
        """Record changes, by the field names of `Remembered`."""
        with self._taking:
            self.state = msgspec.structs.replace(self.state, **changes)
            self._changes |= changes

    def use(self, what: str, name: str) -> None:
        """Record that a model or a source was opened; `what` is recent_models or recent_sources."""
        with self._taking:
            self.state = msgspec.structs.replace(self.state, **{what: _first(name, getattr(self.state, what))})
            self._recent[what].append(name)

    def take_earlier(self, chosen: str, instead_of: str) -> None:
        """Switch to an earlier text; the current text becomes an earlier one."""
        others = [text for text in self.state.earlier_texts if text != chosen]
        self.remember(text=chosen, earlier_texts=_kept([instead_of, *others]))

    def set_aside(self) -> bool:
        """Open without the remembered models and text: they become recent and earlier ones. Return if there were any.

        Used after a start that died, perhaps because of them.
        """
        before = self.state
        for name in reversed(before.model):
            self.use("recent_models", name)
        if before.text is not None:
            self.remember(earlier_texts=_kept([before.text, *before.earlier_texts]))
            self._begun_with = before.text
        if before.model or before.text is not None:
            self.remember(model=[], text=None)
        return bool(before.model or before.text is not None)

    def give_text(self) -> None:
        """Note that the window began with a given text, so it does not continue the remembered one."""
        self._begun_with = None

    def write(self) -> None:
        """Write what was changed since the last time. A failure becomes the complaint, and writing is tried again
        later.
        """
        if self.path is None or not self._lock.acquire(timeout=PATIENCE):
            return
        try:
            if self.is_changed:
                self._write(self.path)
        finally:
            self._lock.release()

    def _write(self, path: Path) -> None:
        with self._taking:
            changes, self._changes = self._changes, {}
            recent, self._recent = self._recent, {"recent_models": [], "recent_sources": []}
        self.has_failed = False
        try:
            private_folder(path.parent)
            with _alone(path):
                on_disk, why_not = read(path)
                if why_not:
                    path.replace(aside(path))
                # json and not msgspec: a lone surrogate, which a text may hold, comes through it.
                content = json.dumps(msgspec.to_builtins(self._merged(on_disk, changes, recent)))
                write_private(path, content, durable=True)
        except OSError as error:
            self.has_failed = True
            with self._taking:
                self._changes = {**changes, **self._changes}
                self._recent = {what: [*names, *self._recent[what]] for what, names in recent.items()}
            self._complain(f"this session cannot be saved: {path} cannot be written: {error.strerror or error}")
        else:
            if "text" in changes and _bytes(changes["text"]) <= LARGEST:
                self._begun_with = changes["text"]

    def _merged(self, on_disk: Remembered, changes: dict[str, Any], recent: dict[str, list[str]]) -> Remembered:
        """Return what is on the disk, with this window's changes."""
        changes = dict(changes)
        if "text" in changes and _bytes(changes["text"]) > LARGEST:
            self._complain("a text of more than 1 MB is not saved; the next start opens the one before it")
            del changes["text"]
        for what, names in recent.items():
            known = getattr(on_disk, what)
            for name in names:
                known = _first(name, known)
            changes[what] = known
        before = on_disk.text
        if "text" in changes and before not in {None, "", self._begun_with, changes["text"]}:
            # Another window's text, or one from before a text on the command line: keep it.
            earlier = _kept([before, *changes.get("earlier_texts", on_disk.earlier_texts)])
            changes["earlier_texts"] = earlier
            with self._taking:
                self.state = msgspec.structs.replace(self.state, earlier_texts=earlier)
        return msgspec.structs.replace(on_disk, **changes)

    def _complain(self, sentence: str) -> None:
        if not self._has_told:
            self.complaint = sentence
        self._has_told = True


def read(path: Path) -> tuple[Remembered, str]:
    """Return what a file remembers. If it cannot be used, return an empty memory and a sentence that says why."""
    try:
        refuse_foreign_folder(path.parent)
        if path.stat().st_size > LONGEST_FILE:
            raise ValueError
        found = json.loads(read_file(path))
        version = found["version"]
        if version != VERSION:
            words = f"has version {str(version)[:20]}, but this program reads version {VERSION}"
            return Remembered(), f"the last session cannot be restored: {path} {words}"
        return msgspec.convert(found, Remembered), ""
    except (FileNotFoundError, NotADirectoryError):
        return Remembered(), ""
    except OSError as error:
        return Remembered(), f"the last session cannot be restored: {path} cannot be read: {error.strerror or error}"
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError):
        return Remembered(), f"the last session cannot be restored: {path} is damaged"


def aside(path: Path) -> Path:
    """Return the path to which an unusable file is moved before another one is written in its place."""
    return path.with_name(f"{path.stem}-unreadable{path.suffix}")


def forget(path: Path) -> bool:
    """Delete what is remembered; return whether there was anything. Raises OSError."""
    there = [one for one in (path, aside(path), _lock_path(path)) if one.exists()]
    for one in there:
        one.unlink(missing_ok=True)
    return path in there or aside(path) in there


def absolute(name: str, model: ModelName | None = None) -> str:
    """Return a name that means the same from any folder: a directory or a file gets its whole path."""
    if model is not None and not model.is_directory:
        return name
    try:
        path = Path(name).expanduser()
        return str(path.absolute()) if model is not None or path.exists() else name
    except (OSError, ValueError, RuntimeError):
        return name


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other windows from writing meanwhile. If locks are unavailable, continue without: files are always whole
    anyway.
    """
    try:
        import fcntl  # noqa: PLC0415  # not on every system

        descriptor = open_file(_lock_path(path), os.O_WRONLY | os.O_CREAT)
    except (ImportError, OSError):
        yield
        return
    with os.fdopen(descriptor, "wb") as lock:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:
                break
        yield


def _lock_path(path: Path) -> Path:
    return path.with_suffix(".lock")


def _first(name: str, known: list[str]) -> list[str]:
    return [name, *(other for other in known if other != name)][:RECENT]


def _kept(texts: list[str]) -> list[str]:
    """Return as many earlier texts as are kept, each once, without the empty one."""
    kept = [text for text in dict.fromkeys(texts) if text][:EARLIER]
    while sum(map(_bytes, kept)) > LARGEST:
        kept.pop()
    return kept


def _bytes(text: str | None) -> int:
    return 0 if text is None else len(text.encode("utf-8", "surrogatepass"))
