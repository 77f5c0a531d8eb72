"""Tokens: who may do what, whoever else writes the file, and whatever is in it."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula import tokens
from peninsula.errors import Forbidden, InvalidToken, PeninsulaError, ProtocolError, Unauthorized
from peninsula.tokens import FILE, ROLES, Identity, Tokens, add, list_tokens, read_bearer, revoke


def test_a_token_is_known_from_when_it_is_added_until_it_is_revoked(tmp_path: Path) -> None:
    known = Tokens(tmp_path)
    assert known.identify("pen_x") is None
    text = add(tmp_path, "ci", "write")
    assert known.identify(text) == Identity("ci", "write")
    other = add(tmp_path, "root", "admin")
    assert known.identify(other) == Identity("root", "admin")
    assert known.identify(text) == Identity("ci", "write")
    revoke(tmp_path, "ci")
    assert known.identify(text) is None
    assert known.identify(other) == Identity("root", "admin")
    (tmp_path / FILE).unlink()
    assert known.identify(other) is None


def test_the_text_is_random_and_kept_nowhere(tmp_path: Path) -> None:
    texts = {add(tmp_path, f"t{n}", "read") for n in range(20)}
    assert len(texts) == 20
    assert all(text.startswith("pen_") and len(text) == 47 for text in texts)
    written = "".join(path.read_text() for path in tmp_path.iterdir())
    assert not any(text[4:] in written for text in texts)


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        add(tmp_path, "a", "read")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", " ", "a b", "a\nb", "-a", "a" * 65, "ä", "../x", 'a"'])
def test_a_malformed_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidToken, match="cannot be the name"):
        add(tmp_path, name, "read")
    assert not (tmp_path / FILE).exists()


def test_an_unknown_role_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidToken, match=r"no role “owner”\. Roles are read, write, admin"):
        add(tmp_path, "a", "owner")


def test_a_name_is_given_once(tmp_path: Path) -> None:
    text = add(tmp_path, "a", "read")
    with pytest.raises(InvalidToken, match=r"already.*token revoke a"):
        add(tmp_path, "a", "admin")
    assert Tokens(tmp_path).identify(text) == Identity("a", "read")


def test_revoking_an_unknown_name_says_which_there_are(tmp_path: Path) -> None:
    add(tmp_path, "a", "read")
    with pytest.raises(InvalidToken, match=r"no token “b”\. Tokens: a\."):
        revoke(tmp_path, "b")


def test_the_list_tells_names_roles_and_times(tmp_path: Path) -> None:
    add(tmp_path, "a", "read")
    add(tmp_path, "b", "admin")
    assert [(entry.name, entry.role) for entry in list_tokens(tmp_path)] == [
        ("a", "read"),
        ("b", "admin"),
    ]
    assert all(entry.created.endswith("+00:00") for entry in list_tokens(tmp_path))


def _add_some(folder: Path, who: str) -> None:
    for number in range(10):
        add(folder, f"{who}-{number}", "read")


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add_some, args=(tmp_path, who)) for who in "abc"]
    for process in processes:
        process.start()
    known = Tokens(tmp_path)
    while any(process.is_alive() for process in processes):
        known.identify("pen_none")  # never sees half a file
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(list_tokens(tmp_path)) == 30


def test_threads_of_a_server_look_up_at_once(tmp_path: Path) -> None:
    text = add(tmp_path, "a", "read")
    known = Tokens(tmp_path)

    def look(number: int) -> bool:
        if number % 50 == 0:
            add(tmp_path, f"n{number}", "read")
        return known.identify(text) == Identity("a", "read")

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(look, range(200)))


def test_what_a_killed_process_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / f"{FILE}.new").write_text("half")
    text = add(tmp_path, "a", "read")
    assert Tokens(tmp_path).identify(text)


DIGEST = "0" * 64
GOOD = {"name": "a", "role": "read", "created": "2026-01-01", "sha256": DIGEST}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"version": 2, "tokens": []}',
        '{"version": 1, "tokens": {}}',
        json.dumps({"version": 1, "tokens": [GOOD, GOOD]}),
        *(
            json.dumps({"version": 1, "tokens": [GOOD | change]})
            for change in (
                {"name": None},
                {"name": "a\nb"},
                {"role": "god"},
                {"role": ["admin"]},
                {"sha256": DIGEST.upper().replace("0", "A")},
                {"sha256": ""},
                {"created": 5},
            )
        ),
    ],
    ids=range(15),
)
def test_with_a_damaged_file_nobody_gets_in(tmp_path: Path, content: str) -> None:
    text = add(tmp_path, "a", "admin")
    known = Tokens(tmp_path)
    assert known.identify(text)
    (tmp_path / FILE).write_text(content)
    for _ in range(2):
        with pytest.raises(InvalidToken, match="damaged"):
            known.identify(text)
    with pytest.raises(InvalidToken, match="damaged"):
        add(tmp_path, "b", "admin")
    assert (tmp_path / FILE).read_text() == content


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidToken, match="cannot be written there"):
        add(tmp_path / "file" / "store", "a", "read")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("needed", ROLES)
def test_a_role_includes_those_below_it(tmp_path: Path, role: str, needed: str) -> None:
    text = add(tmp_path, "a", role)
    known = Tokens(tmp_path)
    if ROLES.index(role) >= ROLES.index(needed):
        assert known.authorize(f"Bearer {text}", needed) == Identity("a", role)
    else:
        with pytest.raises(Forbidden, match=f"needs “{needed}”") as raised:
            known.authorize(f"Bearer {text}", needed)
        assert f'scope="{needed}"' in raised.value.challenge
        assert raised.value.status == 403


def test_without_a_known_token_the_challenge_says_why(tmp_path: Path) -> None:
    known = Tokens(tmp_path)
    with pytest.raises(Unauthorized) as raised:
        known.authorize(None, "write")
    assert raised.value.challenge == 'Bearer realm="peninsula"'
    with pytest.raises(Unauthorized) as raised:
        known.authorize("Bearer pen_wrong", "write")
    assert raised.value.challenge == 'Bearer realm="peninsula", error="invalid_token"'
    assert raised.value.status == 401
    assert "pen_wrong" not in str(raised.value)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None),
        ("", None),
        ("Bearer abc", "abc"),
        ("bearer  abc== ", "abc=="),
        ("BEARER a.b-c_d~e+f/g", "a.b-c_d~e+f/g"),
    ],
)
def test_a_bearer_header_is_read(header: str | None, token: str | None) -> None:
    assert read_bearer(header) == token


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("Bearer", ProtocolError),
        ("Bearer ", ProtocolError),
        ("Bearer a b", ProtocolError),
        ("Bearer a,b", ProtocolError),
        ("Bearer ä", ProtocolError),
        ("Bearer " + "a" * 513, ProtocolError),
        ("Bearer\tabc", Unauthorized),
        ("Basic dXNlcjpwYXNz", Unauthorized),
        ("abc", Unauthorized),
    ],
)
def test_another_header_is_refused(header: str, error: type[PeninsulaError]) -> None:
    with pytest.raises(error) as raised:
        read_bearer(header)
    assert raised.value.status == (401 if error is Unauthorized else 400)


@given(st.text(max_size=60))
def test_any_header_is_a_token_or_refused(header: str) -> None:
    try:
        token = read_bearer(header)
    except (Unauthorized, ProtocolError):
        return
    assert token is None or (token in header and tokens._CREDENTIALS.fullmatch(token))
