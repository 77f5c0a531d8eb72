"""Every error has a status, a title and words; operators get places they can click."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from peninsula import errors
from peninsula.errors import PeninsulaError, QuerySyntaxError, UnsupportedMediaType, place


def kinds(kind: type[PeninsulaError] = PeninsulaError) -> Iterator[type[PeninsulaError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


@pytest.mark.parametrize("kind", list(kinds()))
def test_the_tree_at_the_top_is_the_tree_below(kind: type[PeninsulaError]) -> None:
    assert errors.__doc__
    line = next(
        line for line in errors.__doc__.splitlines() if line.split()[1:2] == [kind.__name__]
    )
    assert int(line.split()[2]) == kind.status
    assert kind.title
    assert kind.__doc__


def test_the_status_is_read_when_the_error_is_handled() -> None:
    class Teapot(UnsupportedMediaType):
        status = 418

    assert Teapot("no coffee").status == 418


def test_the_remedy_stands_after_the_message() -> None:
    assert str(PeninsulaError("It is broken.", "Mend it.")) == "It is broken. Mend it."
    assert str(PeninsulaError("It is broken.")) == "It is broken."


def test_a_syntax_error_tells_programs_where() -> None:
    error = QuerySyntaxError("no", line=3, column=7, excerpt="x\n^")
    assert error.details() == {"line": 3, "column": 7, "excerpt": "x\n^"}
    assert error.slug() == "query-syntax-error"


def test_a_place_is_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert place(tmp_path / "a" / "b.ttl", 3) == str(Path("a") / "b.ttl:3")
    assert place("/elsewhere/b.ttl") == "/elsewhere/b.ttl"
