"""Frames between the app and the engine: length-prefixed msgpack over any pipe.

A frame is four bytes, the big-endian length of what follows, and then one msgpack message. Frames from the engine begin
after `MARKER`, so that anything a login shell prints before it is skipped.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

PROTOCOL_VERSION: Final = 2
MARKER: Final = b"\nencoder-tui frames \x01\n"
BANNER_LIMIT: Final = 1 << 20
"""The most bytes before the marker; more is not a login banner."""
FRAME_LIMIT: Final = 1 << 30
"""The longest frame that is accepted, in bytes; a longer one means that the pipe carries something else."""

HEADER: Final = struct.Struct(">I")


class ProtocolError(Exception):
    """The pipe carries something that is not the protocol."""


class Request(msgspec.Struct, frozen=True, tag="request"):
    """Ask for a task; `params` is the msgpack of the task's own parameters.

    `offline` forbids asking the Hub, in this task and in all that follow.
    """

    id: int
    task: str
    params: bytes
    offline: bool = False


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Ask for a request to be cancelled."""

    id: int


class Note(msgspec.Struct, frozen=True, tag="note"):
    """Something that the app tells a task while it works: a word that the task knows, and a number to go with it."""

    id: int
    word: str
    number: int = 0


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Ask whether the engine is alive."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The engine's first message."""

    protocol: int
    version: str
    pid: int


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """The answer to a ping, sent by a thread that does nothing else."""


class Importing(msgspec.Struct, frozen=True, tag="importing"):
    """The import of a large library has begun or ended; meanwhile the engine may notice a cancellation late."""

    is_begun: bool


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """What a task is doing; `total` is None where it is not known."""

    id: int
    text: str
    done: int = 0
    total: int | None = None
    unit: str = ""


class Partial(msgspec.Struct, frozen=True, tag="partial"):
    """A piece of a task's answer, as msgpack."""

    id: int
    value: bytes


class Result(msgspec.Struct, frozen=True, tag="result"):
    """A task's last word, as msgpack."""

    id: int
    value: bytes


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """A task that failed: one sentence for people, and the traceback for the log and for `--debug`."""

    id: int
    message: str
    traceback: str = ""


class Cancelled(msgspec.Struct, frozen=True, tag="cancelled"):
    """A task that ended because somebody wished so."""

    id: int


ToEngine = Request | Cancel | Note | Ping
FromEngine = Ready | Pong | Importing | Progress | Partial | Result | Failure | Cancelled

# Text that is no UTF-8 is a ValueError, and fields that nobody asked for can be nested without end.
_UNDECODABLE = (msgspec.MsgspecError, ValueError, RecursionError)

_encoder = msgspec.msgpack.Encoder()
_to_engine: msgspec.msgpack.Decoder[ToEngine] = msgspec.msgpack.Decoder(ToEngine)
_from_engine: msgspec.msgpack.Decoder[FromEngine] = msgspec.msgpack.Decoder(FromEngine)


def pack(message: ToEngine | FromEngine) -> bytes:
    """Return one message as one frame."""
    body = _encoder.encode(message)
    if len(body) > FRAME_LIMIT:
        raise ProtocolError(f"a message of {len(body):,} bytes is longer than a frame may be")
    return HEADER.pack(len(body)) + body


def body_length(header: bytes) -> int:
    """Return the length that a header announces. Raises `ProtocolError` if no engine would have written it."""
    length: int = HEADER.unpack(header)[0]
    if not 0 < length <= FRAME_LIMIT:
        raise ProtocolError(f"a frame announces {length:,} bytes")
    return length


def unpack_to_engine(body: bytes) -> ToEngine:
    """Return a message to the engine. Raises `ProtocolError`."""
    try:
        return _to_engine.decode(body)
    except _UNDECODABLE as error:
        raise ProtocolError(str(error)) from error


def unpack_from_engine(body: bytes) -> FromEngine:
    """Return a message from the engine. Raises `ProtocolError`."""
    try:
        return _from_engine.decode(body)
    except _UNDECODABLE as error:
        raise ProtocolError(str(error)) from error
