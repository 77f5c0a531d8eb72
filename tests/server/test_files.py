"""A file is there whole or not at all, whatever happens to whoever writes it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from peninsula.errors import OperatorError
from peninsula.files import PART, explain, write_whole

PROGRAM = """
import sys, time
from pathlib import Path
from peninsula.files import write_whole

def chunks():
    yield b"half"
    print("half", flush=True)
    time.sleep(60)

write_whole(Path(sys.argv[1]), chunks())
"""


def test_a_file_is_written_with_its_folder_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.txt"
    write_whole(path, [b"one ", b"two"])
    assert path.read_bytes() == b"one two"
    assert [*path.parent.iterdir()] == [path]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_who_may_read_a_file_may_read_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_whole(path, [b"new"])
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def chunks() -> Iterator[bytes]:
        yield b"new"
        assert path.with_name(f"file{PART}").exists()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_whole(path, chunks())
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_process_that_is_killed_half_way_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", PROGRAM, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "half\n"
        process.send_signal(signal.SIGKILL)
    assert path.read_bytes() == b"old"
    write_whole(path, [b"new"])
    assert path.read_bytes() == b"new"
    assert [*tmp_path.iterdir()] == [path], "what was left is taken up"


def test_a_link_goes_on_leading_there(tmp_path: Path) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"old")
    link.symlink_to(path)
    write_whole(link, [b"new"])
    assert link.is_symlink()
    assert path.read_bytes() == b"new"


def test_a_device_is_written_to(tmp_path: Path) -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as end:
        try:
            write_whole(Path(f"/dev/fd/{write}"), [b"through ", b"a pipe"])
        finally:
            os.close(write)
        assert end.read() == b"through a pipe"
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("name", "why"), [(".", "Is a directory"), ("file/below", "Not a directory")]
)
def test_what_cannot_be_written_is_one_readable_line(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(OperatorError, match=rf"it cannot be written \({why}\)") as raised:
        write_whole(tmp_path / name, [b"new"])
    assert "\n" not in str(raised.value)
    assert (tmp_path / "file").read_bytes() == b"old"


def test_why_a_file_cannot_be_read_is_told_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        (tmp_path / "none").read_bytes()
    assert explain(missing.value) == "No such file or directory"
    assert explain(OSError("what a library says")) == "what a library says"
    assert explain(ValueError("no UTF-8")) == "no UTF-8"
