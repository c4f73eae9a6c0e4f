"""Frames: what is packed is what is read, and nothing that comes out of a pipe raises anything unforeseen."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from encoder_tui.protocol import frames

numbers = st.integers(min_value=-(2**63), max_value=2**63 - 1)
to_engine = st.one_of(
    st.builds(frames.Request, numbers, st.text(), st.binary()),
    st.builds(frames.Cancel, numbers),
)
from_engine = st.one_of(
    st.builds(frames.Ready, numbers, st.text(), numbers),
    st.builds(frames.Progress, numbers, st.text(), numbers, st.none() | numbers, st.text()),
    st.builds(frames.Partial, numbers, st.binary()),
    st.builds(frames.Result, numbers, st.binary()),
    st.builds(frames.Failure, numbers, st.text(), st.text()),
    st.builds(frames.Cancelled, numbers),
)
READERS = (frames.unpack_to_engine, frames.unpack_from_engine)


def body_of(frame: bytes) -> bytes:
    header, body = frame[: frames.HEADER.size], frame[frames.HEADER.size :]
    assert frames.body_length(header) == len(body)
    return body


@given(to_engine)
def test_what_is_packed_for_the_engine_is_what_it_reads(message: frames.ToEngine) -> None:
    assert frames.unpack_to_engine(body_of(frames.pack(message))) == message


@given(from_engine)
def test_what_the_engine_packs_is_what_the_app_reads(message: frames.FromEngine) -> None:
    assert frames.unpack_from_engine(body_of(frames.pack(message))) == message


@given(st.one_of(st.binary(), st.builds(bytes.__add__, st.just(b"\x81\xa4type"), st.binary())))
@example(b"\x82\xa4type\xa6cancel\xa1x" + b"\x91" * 100_000 + b"\xc0")  # an unknown field, nested very deeply
@example(b"\x82\xa4type\xa9cancelled\xa1x" + b"\x91" * 100_000 + b"\xc0")
@example(b"\x83\xa4type\xa7request\xa2id\x01\xa4task\xa1\xff")  # text that is no UTF-8
@example(b"\x83\xa4type\xa7failure\xa2id\x01\xa7message\xa1\xff")
@example(b"\xc1")
def test_a_body_is_a_message_or_a_protocol_error(body: bytes) -> None:
    for read in READERS:
        with contextlib.suppress(frames.ProtocolError):
            assert isinstance(read(body), frames.ToEngine | frames.FromEngine)


@given(st.one_of(to_engine, from_engine), st.data())
def test_a_message_with_a_byte_changed_is_a_message_or_a_protocol_error(
    message: frames.ToEngine | frames.FromEngine, data: st.DataObject
) -> None:
    body = bytearray(body_of(frames.pack(message)))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    for read in READERS:
        with contextlib.suppress(frames.ProtocolError):
            assert isinstance(read(bytes(body)), frames.ToEngine | frames.FromEngine)


@given(st.one_of(to_engine, from_engine), st.data())
def test_a_message_cut_short_is_a_protocol_error(
    message: frames.ToEngine | frames.FromEngine, data: st.DataObject
) -> None:
    body = body_of(frames.pack(message))
    short = body[: data.draw(st.integers(0, len(body) - 1))]
    for read in READERS:
        with pytest.raises(frames.ProtocolError):
            read(short)


def test_a_message_for_one_side_is_none_for_the_other() -> None:
    with pytest.raises(frames.ProtocolError):
        frames.unpack_from_engine(body_of(frames.pack(frames.Cancel(1))))
    with pytest.raises(frames.ProtocolError):
        frames.unpack_to_engine(body_of(frames.pack(frames.Cancelled(1))))


@pytest.mark.parametrize("length", [0, frames.FRAME_LIMIT + 1, 2**32 - 1])
def test_a_length_that_no_engine_would_announce_is_a_protocol_error(length: int) -> None:
    with pytest.raises(frames.ProtocolError, match=f"{length:,} bytes"):
        frames.body_length(frames.HEADER.pack(length))


@pytest.mark.parametrize("length", [1, frames.FRAME_LIMIT])
def test_the_shortest_and_the_longest_frame_are_accepted(length: int) -> None:
    assert frames.body_length(frames.HEADER.pack(length)) == length


def test_a_message_longer_than_a_frame_is_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "FRAME_LIMIT", 100)
    with pytest.raises(frames.ProtocolError, match="too long for a frame"):
        frames.pack(frames.Result(1, bytes(100)))
