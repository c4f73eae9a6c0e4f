"""Parse terminal input into messages. A paste is always one message, and no input can stop the parser.

It uses `XTermParser` and some of its attributes, which are private: Textual has no public parser of input. Tried with
Textual 8.2.8.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final

from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.events import Paste
from textual.message import Message

_SEQUENCES: Final = re.compile("(?=\x1b)")
_KEPT: Final = ("last_x", "last_y", "mouse_pixels", "terminal_size", "terminal_pixel_size")
"""The attributes in which Textual's parser keeps facts about the terminal."""


class TerminalInput:
    """Textual's parser, with three faults avoided.

    In a paste, it looks for keys from the first ESC on (in a coloured line of a log, ctrl+q would quit). It stops for
    ever at a sequence with a number that is not a character. Its input must be valid UTF-8.
    """

    def __init__(self) -> None:
        self._parser = XTermParser()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._before = ""
        self._pasted: str | None = None

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages of these bytes."""
        text = self._decoder.decode(data)
        while text:
            if self._pasted is None:
                seen = self._before + text  # the mark may have begun in the previous piece
                mark = seen.find(BRACKETED_PASTE_START)
                if mark < 0:
                    self._before = seen[1 - len(BRACKETED_PASTE_START) :]
                    yield from self._keys(text)
                    return
                end = mark + len(BRACKETED_PASTE_START) - len(self._before)
                yield from self._keys(text[:end])
                self._before, self._pasted, text = "", "", text[end:]
            else:
                begin = max(len(self._pasted) - len(BRACKETED_PASTE_END) + 1, 0)
                self._pasted += text
                end = self._pasted.find(BRACKETED_PASTE_END, begin)
                if end < 0:
                    return
                pasted, text = self._pasted[:end], self._pasted[end + len(BRACKETED_PASTE_END) :]
                self._pasted = None
                # Textual's parser sees an empty paste.
                yield from (message for message in self._keys(BRACKETED_PASTE_END) if not isinstance(message, Paste))
                yield Paste(pasted)

    def tick(self) -> Iterator[Message]:
        """Yield messages that depend on time: an escape that nothing has followed is a key."""
        yield from self._parser.tick()

    def _keys(self, text: str) -> Iterator[Message]:
        for piece in _SEQUENCES.split(text):
            if not piece:
                continue  # an empty piece would end the parser
            try:
                yield from self._parser.feed(piece)
            except Exception:  # noqa: BLE001  # the sequence is dropped, and the next key still works
                old, self._parser = self._parser, XTermParser()
                for name in _KEPT:
                    setattr(self._parser, name, getattr(old, name))
