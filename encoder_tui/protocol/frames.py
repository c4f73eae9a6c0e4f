"""Frames between the app and the engine: length-prefixed msgpack over any pipe.

A frame is a length (four bytes, big-endian) and a msgpack message of that length. Frames from the engine begin after
`MARKER`; what a login shell prints before it is skipped.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

PROTOCOL_VERSION: Final = 2
MARKER: Final = b"\nencoder-tui frames \x01\n"
BANNER_LIMIT: Final = 1 << 20
"""Maximum number of bytes before the marker; more cannot be a login banner."""
FRAME_LIMIT: Final = 1 << 30
"""Maximum length of a frame in bytes; a longer one means that the pipe carries something else."""

HEADER: Final = struct.Struct(">I")


class ProtocolError(Exception):
    """The data in the pipe does not follow the protocol."""


class Request(msgspec.Struct, frozen=True, tag="request"):
    """Request an operation; `params` is its own request as msgpack.

    `offline` forbids contacting the Hub, in this operation and in all that follow.
    """

    id: int
    task: str
    params: bytes
    offline: bool = False


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Cancel a request."""

    id: int


class Note(msgspec.Struct, frozen=True, tag="note"):
    """A message of the app to a running operation: a word that the operation knows, and a number."""

    id: int
    word: str
    number: int = 0


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Check whether the engine is alive."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The engine's first message."""

    protocol: int
    version: str
    pid: int


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """The answer to a ping, sent by the thread that reads frames."""


class Importing(msgspec.Struct, frozen=True, tag="importing"):
    """The import of a large library has begun or ended; during it the engine may notice a cancellation late."""

    is_begun: bool


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """What an operation is doing; `total` is None if it is unknown."""

    id: int
    text: str
    done: int = 0
    total: int | None = None
    unit: str = ""


class Partial(msgspec.Struct, frozen=True, tag="partial"):
    """A partial answer of an operation, as msgpack."""

    id: int
    value: bytes


class Result(msgspec.Struct, frozen=True, tag="result"):
    """The final answer of an operation, as msgpack."""

    id: int
    value: bytes


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """An operation failed: one sentence for people, and the traceback for the log and for `--debug`."""

    id: int
    message: str
    traceback: str = ""


class Cancelled(msgspec.Struct, frozen=True, tag="cancelled"):
    """An operation ended because its request was cancelled."""

    id: int


ToEngine = Request | Cancel | Note | Ping
FromEngine = Ready | Pong | Importing | Progress | Partial | Result | Failure | Cancelled

# Text that is not UTF-8 raises ValueError, and unknown fields can be nested without a limit.
_UNDECODABLE = (msgspec.MsgspecError, ValueError, RecursionError)

_encoder = msgspec.msgpack.Encoder()
_to_engine: msgspec.msgpack.Decoder[ToEngine] = msgspec.msgpack.Decoder(ToEngine)
_from_engine: msgspec.msgpack.Decoder[FromEngine] = msgspec.msgpack.Decoder(FromEngine)


def pack(message: ToEngine | FromEngine) -> bytes:
    """Return one message as one frame."""
    body = _encoder.encode(message)
    if len(body) > FRAME_LIMIT:
        raise ProtocolError(f"a message of {len(body):,} bytes is too long for a frame")
    return HEADER.pack(len(body)) + body


def body_length(header: bytes) -> int:
    """Return the length that a header announces. Raises `ProtocolError` if it is impossible."""
    length: int = HEADER.unpack(header)[0]
    if not 0 < length <= FRAME_LIMIT:
        raise ProtocolError(f"a frame announces {length:,} bytes")
    return length


def unpack_to_engine(body: bytes) -> ToEngine:
    """Decode a message to the engine. Raises `ProtocolError`."""
    try:
        return _to_engine.decode(body)
    except _UNDECODABLE as error:
        raise ProtocolError(str(error)) from error


def unpack_from_engine(body: bytes) -> FromEngine:
    """Decode a message from the engine. Raises `ProtocolError`."""
    try:
        return _from_engine.decode(body)
    except _UNDECODABLE as error:
        raise ProtocolError(str(error)) from error
