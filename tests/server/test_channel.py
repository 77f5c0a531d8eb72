"""Messages between processes arrive whole, in order, with their descriptors, or not at all."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.dataset.channel import Channel, ChannelClosed

VALUES = st.recursive(
    # Text from the network may hold surrogates that are no characters.
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    one, other = Channel.pair()
    yield one, other
    one.close()
    other.close()


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_a_message_arrives_as_it_was_sent(message: dict[str, object]) -> None:
    one, other = Channel.pair()
    try:
        one.send(message)
        assert other.receive() == (message, [])
    finally:
        one.close()
        other.close()


def test_messages_arrive_in_their_order(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    for number in range(50):
        one.send({"number": number})
    assert [other.receive()[0]["number"] for _ in range(50)] == [*range(50)]


def test_a_long_message_arrives_whole(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    text = "한국" * 1_000_000
    sender = threading.Thread(target=one.send, args=({"text": text},))
    sender.start()
    assert other.receive()[0] == {"text": text}
    sender.join()


def test_a_question_is_answered(ends: tuple[Channel, Channel]) -> None:
    one, other = ends

    def answer() -> None:
        message, _ = other.receive()
        other.send({"double": 2 * message["number"]})

    thread = threading.Thread(target=answer)
    thread.start()
    assert one.ask({"number": 4}) == {"double": 8}
    thread.join()


def test_open_files_are_handed_on(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    read, write = os.pipe()
    long = "x" * 1_000_000
    sender = threading.Thread(target=one.send, args=({"long": long}, [write]))
    sender.start()
    message, descriptors = other.receive()
    sender.join()
    os.close(write)
    assert message == {"long": long}
    assert len(descriptors) == 1
    os.write(descriptors[0], b"through the other end")
    os.close(descriptors[0])
    assert os.read(read, 100) == b"through the other end"
    assert os.read(read, 100) == b""
    os.close(read)


def test_an_end_that_is_closed_is_told(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    one.send({"last": True})
    one.close()
    assert other.receive()[0] == {"last": True}
    with pytest.raises(ChannelClosed):
        other.receive()
    with pytest.raises(ChannelClosed):
        other.send({"to": "nobody"})
    with pytest.raises(ChannelClosed):
        one.receive()
    with pytest.raises(ChannelClosed):
        one.send({})


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0",
        struct.pack("!I", 10) + b"{}",
        struct.pack("!I", 2**32 - 1) + b"{}",
        struct.pack("!I", 2) + b"{x",
        struct.pack("!I", 2) + b"\xff\xff",
    ],
    ids=["half a length", "half a message", "too long", "no JSON", "no UTF-8"],
)
def test_nonsense_is_an_end_of_the_conversation(data: bytes) -> None:
    one, other = Channel.pair()
    try:
        os.write(one.fileno(), data)
        one.close()
        with pytest.raises(ChannelClosed):
            other.receive()
    finally:
        other.close()


def test_waiting_has_an_end(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    began = time.monotonic()
    assert not other.wait(0.05)
    with pytest.raises(TimeoutError):
        other.receive(0.05)
    assert 0.09 < time.monotonic() - began < 2
    one.send({})
    assert other.wait(5)
    assert other.receive(5) == ({}, [])


def test_an_end_is_found_by_its_descriptor(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    again = Channel.from_fd(os.dup(one.fileno()))
    again.send({"from": "the copy"})
    assert other.receive()[0] == {"from": "the copy"}
    again.close()
