"""Files that are kept: made once, read as they grow, whole afterwards, bounded."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from peninsula.errors import Overloaded, QueryTimeout, StoreFull
from peninsula.keeping import KeptFiles, clear_parts

from .conftest import wait_until


def test_a_file_is_read_as_it_grows_and_made_once(tmp_path: Path) -> None:
    may_go_on = threading.Event()
    made = []

    def produce() -> Iterator[bytes]:
        made.append(1)
        yield b"first "
        may_go_on.wait()
        yield b"second"

    files = KeptFiles(100)
    kept = files.get(tmp_path / "1", "a.nq", produce)
    pieces = kept.follow()
    assert next(pieces) == b"first "
    assert not kept.wait(0)
    assert files.get(tmp_path / "1", "a.nq", produce) is kept
    late = kept.follow()
    may_go_on.set()
    assert b"".join(pieces) == b"second"
    assert b"".join(late) == b"first second"
    assert kept.wait(10)
    assert kept.path.read_bytes() == b"first second"
    # A server that starts again finds it, with the tag that it had.
    found = KeptFiles(100).get(tmp_path / "1", "a.nq", produce)
    assert (found.is_whole, found.tag, made) == (True, kept.tag, [1])
    assert files.get(tmp_path / "2", "a.nq", produce).tag != kept.tag


def test_what_cannot_be_made_is_told_and_tried_again(tmp_path: Path) -> None:
    def fail() -> Iterator[bytes]:
        yield b"half"
        raise QueryTimeout("It took too long.")

    def break_off() -> Iterator[bytes]:
        yield b"half"
        raise KeyError("nobody thought of it")

    files = KeptFiles(100)
    kept = files.get(tmp_path / "1", "a.nq", fail)
    with pytest.raises(QueryTimeout):
        b"".join(kept.follow())
    with pytest.raises(QueryTimeout):
        kept.wait(10)
    # Whatever it was, nobody waits for ever.
    broken = files.get(tmp_path / "1", "a.nq", break_off)
    with pytest.raises(KeyError):
        broken.wait(10)
    again = files.get(tmp_path / "1", "a.nq", lambda: iter([b"x" * 101]))
    with pytest.raises(StoreFull):
        again.wait(10)
    last = files.get(tmp_path / "1", "a.nq", lambda: iter([b"whole"]))
    assert last.wait(10)
    assert last.path.read_bytes() == b"whole"
    assert list((tmp_path / "1").iterdir()) == [last.path]


def test_the_least_used_give_way(tmp_path: Path) -> None:
    files = KeptFiles(25)
    kept = {}
    for age, name in enumerate("abc"):
        kept[name] = files.get(tmp_path / name, "x.nq", lambda: iter([b"0123456789"]))
        assert kept[name].wait(10)
        os.utime(kept[name].path, (age, age))
        if name == "b":
            # Whoever asks for it makes it younger than the other one.
            files.get(tmp_path / "a", "x.nq", lambda: iter([]))
    files.get(tmp_path / "d", "y.nq", lambda: iter([b"0"])).wait(10)
    # Room is made for a file when it is whole already.
    wait_until(lambda: [kept[name].path.exists() for name in "abc"] == [True, False, True])


def test_many_wait_and_no_more(tmp_path: Path) -> None:
    may_go_on = threading.Event()

    def produce() -> Iterator[bytes]:
        may_go_on.wait()
        yield b"x"

    files = KeptFiles(100)
    waiting = [files.get(tmp_path / "1", f"{n}.nq", produce) for n in range(8)]
    with pytest.raises(Overloaded):
        files.get(tmp_path / "1", "9.nq", produce)
    may_go_on.set()
    assert all(kept.wait(10) for kept in waiting)


def test_what_a_server_left_half_made_is_removed(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    for name in ("0f-a.nq", "0e-b.nq.part"):
        (tmp_path / "1" / name).touch()
    clear_parts(tmp_path)
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["0f-a.nq"]
    clear_parts(tmp_path / "nowhere")
