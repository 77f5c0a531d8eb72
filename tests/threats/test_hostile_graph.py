"""What somebody may write must not make the pages that everybody reads endless.

Row 10 again, one step later: queries end at their limits, but a page puts together what they
answer, in the process that serves everybody. So thousands of positions on one thing, topics with
more ways down than there are atoms, rings wherever something leads on, and texts of a megabyte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from peninsula.namespaces import PREFIXES

from .target import TURTLE, Target, started

_DATES: Final = ("9999-12-31", "-5000-01-01", "0001-01-01", "2017-09-11", "99999-01-01")
_STANCES: Final = ("supports", "opposes", "ambivalent", "conditional")
#: Seconds and bytes that one page may take at most, on a machine with other things to do.
_LONGEST: Final = 15.0
_MOST_BYTES: Final = 700 << 20
_SIZE: Final = 4000


def _write() -> Iterator[str]:
    for prefix in ("pen", "rdfs", "skos", "owl", "xsd", "vocabulary"):
        yield f"@prefix {prefix}: <{PREFIXES[prefix]}> ."
    for prefix in ("state", "topic", "position", "claim", "tension", "event", "stance", "vote",
                   "resolution", "vote-choice", "place", "person"):  # fmt: skip
        yield f"@prefix {prefix}: <{PREFIXES[prefix]}> ."
    for i in range(1500):
        above = f"topic:h{i - 1}" if i else "topic:h1499"
        yield f"topic:h{i} skos:broader {above} ; skos:inScheme vocabulary:topics ."
    for i in range(2, 120):
        layer = i // 2 * 2
        yield f"topic:d{i} skos:broader topic:d{layer - 2}, topic:d{layer - 1} ."
        yield f"topic:d{i} skos:inScheme vocabulary:topics ."
    for i in range(800):
        yield f'state:h{i} a pen:State ; rdfs:label "State {i}"@en .'
    megabyte = "<script>alert(1)</script>" * 40_000
    yield f'state:h0 rdfs:label "{megabyte}"@ko .'
    yield f'topic:h7 skos:prefLabel "{megabyte}"@en .'
    for i in range(_SIZE):
        day, end = _DATES[i % 5], _DATES[i // 5 % 5]
        after = (i + 1) % _SIZE
        yield (
            f"position:h{i} a pen:PolicyPosition ; pen:hasHolder state:h{0 if i % 2 else i % 800} ;"
            f" pen:hasStance stance:{_STANCES[i % 4]} ; pen:onObject state:h1 ;"
            f" pen:hasTopic topic:h1499, topic:d119 ; pen:evidencedBy claim:h{i} ;"
            f' pen:succeeds position:h{after} ; pen:from "{day}"^^xsd:date ;'
            f' pen:until "{end}"^^xsd:date .'
        )
        yield (
            f"claim:h{i} a pen:Claim ; pen:hasHolder state:h{i % 800} ; pen:isAbout state:h1 ;"
            f' pen:inTensionWith claim:h{after} ; pen:paraphrase "Claim {i}"@en .'
        )
        yield f"tension:h0 a pen:Tension ; pen:hasTensionMember claim:h{i} ."
        yield f"pen:h{i} a owl:Class ; rdfs:subClassOf pen:h{after} ."
        yield f'event:h{i} a pen:Visit ; pen:from "{day}"^^xsd:date ; pen:takesPlaceAt place:p .'
    for r in range(20):
        yield f'resolution:h{r} a pen:Resolution ; pen:adoptionDate "2017-09-{r + 1:02}"^^xsd:date .'
        for i in range(300):
            yield (
                f"vote:h{r}-{i} pen:isVoteOn resolution:h{r} ; pen:isCastBy state:h{i} ;"
                f" pen:hasChoice vote-choice:for ."
            )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Return a server with all of that in a graph of its own."""
    folder = tmp_path_factory.mktemp("hostile-graph")
    with started(folder, "--query-timeout", "10s", "--max-upload-bytes", "64MiB") as server:
        reply = server.upload("\n".join(_write()).encode(), TURTLE)
        assert reply.status == 201, str(reply)
        yield server


PAGES: Final = (
    "/", "/positions", "/positions?open=all", "/positions?actor=state:h0",
    "/positions?topic=topic:h1499", "/positions?actor=state:h0&topic=topic:h1499",
    "/positions/compare?actor=state:h0&actor=state:h1&open=all", "/positions.csv?open=all",
    "/positions.json?actor=state:h0", "/positions.graphml", "/timeline?from=0001&until=9999",
    "/timeline?kind=position&lanes=actor&from=0001", "/map?others=1", "/network?of=votes",
    "/network.json?of=votes&rule=both", "/network?of=stances", "/network?of=stances&evidence=claims",
    "/network.graphml?of=stances&mode=affiliation", "/search?q=a", "/search?q=zzqqxxkkjj",
    "/search?q=state", "/about", "/ns.html", "/sparql/terms", "/sparql/complete?prefix=state&text=h",
    "/sparql/complete?position=value&subject=?x&predicate=rdfs:label", "/id/state/h0.html",
    "/id/state/h1.html", "/id/state/nothing.html", "/id/position/h0.html", "/id/claim/h0.html",
    "/id/tension/h0.html", "/id/event/h0.html", "/id/resolution/h0.html", "/topic/h1499.html",
    "/topic/d119.html", "/stance/supports.html", "/history/2", "/history/diff?from=1&to=2", "/void",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_hostile_data_is_bounded(hostile: Target, path: str) -> None:
    reply = hostile.request("GET", path, headers={"Accept": "text/html, */*;q=0.5"})
    # What takes too long is said to; nothing fails.
    assert reply.status in {200, 404, 504}, str(reply)
    assert reply.seconds < _LONGEST, str(reply)
    assert b"<script>alert" not in reply.body
    assert len(reply.body) < 16 << 20
    memory = Path(f"/proc/{hostile.pid}/status").read_text(encoding="ascii")
    peak = re.search(r"VmHWM:\s+(\d+) kB", memory)
    assert peak
    assert int(peak[1]) << 10 < _MOST_BYTES


def test_nothing_of_it_failed(hostile: Target) -> None:
    hostile.ask_ordinary()
    log = hostile.log()
    assert "traceback" not in log
    assert not re.search(r"status=50[0-3]", log)
