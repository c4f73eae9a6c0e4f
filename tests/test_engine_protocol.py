"""Frames: what is packed is what is read, and nothing that comes out of a pipe raises anything unforeseen."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from encoder_tui.engine import protocol

numbers = st.integers(min_value=-(2**63), max_value=2**63 - 1)
to_engine = st.one_of(
    st.builds(protocol.Request, numbers, st.text(), st.binary()),
    st.builds(protocol.Cancel, numbers),
)
from_engine = st.one_of(
    st.builds(protocol.Ready, numbers, st.text(), numbers),
    st.builds(protocol.Progress, numbers, st.text(), numbers, st.none() | numbers, st.text()),
    st.builds(protocol.Partial, numbers, st.binary()),
    st.builds(protocol.Result, numbers, st.binary()),
    st.builds(protocol.Failure, numbers, st.text(), st.text()),
    st.builds(protocol.Cancelled, numbers),
)
READERS = (protocol.unpack_to_engine, protocol.unpack_from_engine)


def body_of(frame: bytes) -> bytes:
    header, body = frame[: protocol.HEADER.size], frame[protocol.HEADER.size :]
    assert protocol.body_length(header) == len(body)
    return body


@given(to_engine)
def test_what_is_packed_for_the_engine_is_what_it_reads(message: protocol.ToEngine) -> None:
    assert protocol.unpack_to_engine(body_of(protocol.pack(message))) == message


@given(from_engine)
def test_what_the_engine_packs_is_what_the_app_reads(message: protocol.FromEngine) -> None:
    assert protocol.unpack_from_engine(body_of(protocol.pack(message))) == message


@given(st.one_of(st.binary(), st.builds(bytes.__add__, st.just(b"\x81\xa4type"), st.binary())))
@example(b"\x82\xa4type\xa6cancel\xa1x" + b"\x91" * 100_000 + b"\xc0")  # an unknown field, nested very deeply
@example(b"\x82\xa4type\xa9cancelled\xa1x" + b"\x91" * 100_000 + b"\xc0")
@example(b"\x83\xa4type\xa7request\xa2id\x01\xa4task\xa1\xff")  # text that is no UTF-8
@example(b"\x83\xa4type\xa7failure\xa2id\x01\xa7message\xa1\xff")
@example(b"\xc1")
def test_a_body_is_a_message_or_a_protocol_error(body: bytes) -> None:
    for read in READERS:
        with contextlib.suppress(protocol.ProtocolError):
            assert isinstance(read(body), protocol.ToEngine | protocol.FromEngine)


@given(st.one_of(to_engine, from_engine), st.data())
def test_a_message_with_a_byte_changed_is_a_message_or_a_protocol_error(
    message: protocol.ToEngine | protocol.FromEngine, data: st.DataObject
) -> None:
    body = bytearray(body_of(protocol.pack(message)))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    for read in READERS:
        with contextlib.suppress(protocol.ProtocolError):
            assert isinstance(read(bytes(body)), protocol.ToEngine | protocol.FromEngine)


@given(st.one_of(to_engine, from_engine), st.data())
def test_a_message_cut_short_is_a_protocol_error(
    message: protocol.ToEngine | protocol.FromEngine, data: st.DataObject
) -> None:
    body = body_of(protocol.pack(message))
    short = body[: data.draw(st.integers(0, len(body) - 1))]
    for read in READERS:
        with pytest.raises(protocol.ProtocolError):
            read(short)


def test_a_message_for_one_side_is_none_for_the_other() -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.unpack_from_engine(body_of(protocol.pack(protocol.Cancel(1))))
    with pytest.raises(protocol.ProtocolError):
        protocol.unpack_to_engine(body_of(protocol.pack(protocol.Cancelled(1))))


@pytest.mark.parametrize("length", [0, protocol.FRAME_LIMIT + 1, 2**32 - 1])
def test_a_length_that_no_engine_would_announce_is_a_protocol_error(length: int) -> None:
    with pytest.raises(protocol.ProtocolError, match=f"{length:,} bytes"):
        protocol.body_length(protocol.HEADER.pack(length))


@pytest.mark.parametrize("length", [1, protocol.FRAME_LIMIT])
def test_the_shortest_and_the_longest_frame_are_accepted(length: int) -> None:
    assert protocol.body_length(protocol.HEADER.pack(length)) == length


def test_a_message_longer_than_a_frame_is_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "FRAME_LIMIT", 100)
    with pytest.raises(protocol.ProtocolError, match="longer than a frame"):
        protocol.pack(protocol.Result(1, bytes(100)))
