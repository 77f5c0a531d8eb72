"""What patches on disk say: heads, rows, and what several of them change together."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.dataset import delta as deltas
from peninsula.dataset import patches
from peninsula.dataset.patches import Row
from peninsula.namespaces import expand

HISTORY = expand("graph:history")


def quad(value: str, graph: str = "") -> ox.Quad:
    name = ox.NamedNode(graph) if graph else ox.DefaultGraph()
    return ox.Quad(ox.NamedNode("x:s"), ox.NamedNode("x:p"), ox.Literal(value), name)


def write(path: Path, delta: deltas.Delta, **headers: str) -> Path:
    with path.open("wb") as file:
        deltas.write_patch(delta, file, headers)
    return path


def test_a_head_is_read_without_the_rows(tmp_path: Path) -> None:
    path = write(
        tmp_path / "7.rdfp",
        deltas.Delta(added={quad("1")}, created={ox.NamedNode("x:g")}),
        id=f"<{expand('pen:')[:-3]}history/7>",
        prev="<https://w3id.org/peninsula/history/6>",
        published='"2026-11-25T13:37:59.123Z"',
        agents='"ann, bob"',
        summary=str(ox.Literal('said "yes"\nand no')),
    )
    head = patches.read_head(path, 7)
    assert (head.number, head.before, head.agents) == (7, 6, ("ann", "bob"))
    assert head.summary == 'said "yes"\nand no'
    assert head.published
    assert head.published.isoformat() == "2026-11-25T13:37:59.123000+00:00"
    assert head.created == ("x:g",)
    assert head.is_whole


def test_a_patch_without_rows_tells_of_a_load_in_bulk(tmp_path: Path) -> None:
    nothing = deltas.Delta()
    assert not patches.read_head(write(tmp_path / "1", nothing, agents='"operator"'), 1).is_whole
    assert patches.read_head(write(tmp_path / "2", nothing, agents='"peninsula"'), 2).is_whole
    dropped = deltas.Delta(dropped={ox.NamedNode("x:g")})
    assert patches.read_head(write(tmp_path / "3", dropped, agents='"ann"'), 3).is_whole


def test_what_is_added_and_then_removed_is_no_change(tmp_path: Path) -> None:
    first = write(tmp_path / "1", deltas.Delta(added={quad("a"), quad("b")}))
    second = write(tmp_path / "2", deltas.Delta(added={quad("c")}, removed={quad("a")}))
    third = write(tmp_path / "3", deltas.Delta(added={quad("a")}, removed={quad("z")}))
    together = list(patches.compose(map(patches.read_rows, [first, second, third])))
    assert {(row.is_added, row.text) for row in together} == {
        (True, b'<x:s> <x:p> "a" .\n'),
        (True, b'<x:s> <x:p> "b" .\n'),
        (True, b'<x:s> <x:p> "c" .\n'),
        (False, b'<x:s> <x:p> "z" .\n'),
    }
    back = set(patches.invert(together))
    assert Row(False, b'<x:s> <x:p> "a" .\n') in back
    body = b"".join(patches.write_rows(together))
    assert deltas.read_patch(body).net().added == {quad("a"), quad("b"), quad("c")}


def test_the_servers_own_record_is_told_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "1", deltas.Delta(added={quad("a"), quad("b", HISTORY)}))
    assert [row.is_own for row in patches.read_rows(path)].count(True) == 1


@pytest.mark.parametrize(("iri", "count"), [("x:s", 2), ("x:p", 2), ("x:", 0), ("x:nobody", 0)])
def test_rows_that_name_a_thing_are_counted(tmp_path: Path, iri: str, count: int) -> None:
    rows = {quad("a"), quad("<x:nobody>"), quad("b", HISTORY)}
    path = write(tmp_path / "1", deltas.Delta(added=rows), summary='"about <x:s>"')
    assert patches.count_mentions(path, iri) == count or iri == "x:nobody"
    (tmp_path / "2").touch()
    assert patches.count_mentions(tmp_path / "2", iri) == 0
