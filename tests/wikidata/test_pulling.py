"""A pull through everything that goes wrong ends with the snapshot of one without, byte by byte."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from peninsula.errors import QueryForbidden, UpstreamBusy, UpstreamFailed
from peninsula.federation import courier
from peninsula.wikidata.slice import Slice
from peninsula.wikidata.snapshot import Snapshot
from peninsula.wikidata.terms import DIRECT, ITEM

from . import servers
from .links import Pulling, linked_items, our_slice, snapshot_bytes, wd
from .servers import SERVICE_FILE, Fault, Proxy, Seen, Service, serving

DELETED, MERGED, TARGET = wd(6816), wd(74881), wd(9000000200)


@pytest.fixture
def pulling(proxy: Proxy, tmp_path: Path) -> Pulling:
    return Pulling(proxy, tmp_path / "journal", our_slice())


@pytest.fixture(scope="session")
def clean(service: Service, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the snapshot as it is where nothing goes wrong."""
    with Proxy(service.address) as proxy:
        return snapshot_bytes(Pulling(proxy, tmp_path_factory.mktemp("clean"), our_slice()).pull())


@pytest.fixture
def own_service() -> Iterator[Service]:
    """Return a service that a test may change."""
    with serving(SERVICE_FILE) as running:
        yield running


# What is pulled.


def test_it_is_the_shape_of_wikidata_and_nothing_but_what_is_wanted(pulling: Pulling) -> None:
    pull = pulling.pull()
    snapshot = Snapshot(pull.triples)
    putin = wd(7747)
    assert snapshot.labels(putin)["ko"] == "블라디미르 푸틴"
    assert snapshot.classes(putin) == [wd(5)]
    assert [m.edtf for m in snapshot.moments(putin, "P569")] == ["1952-10-07"]
    terms = [s for s in snapshot.statements(putin, "P39") if s.value]
    assert len(terms) > 5 and all(s.rank and s.moments["P580"].edtf for s in terms)
    assert snapshot.revision(putin).isdecimal() and snapshot.modified(putin)
    assert snapshot.articles(putin)["https://ko.wikipedia.org/"][1] == "블라디미르 푸틴"
    # What is pointed to has a name, and no more than that.
    party = snapshot.things(putin, "P102")[0]
    assert snapshot.labels(party) and not snapshot.revision(party)
    languages = {tag for item in snapshot.items for tag in snapshot.labels(item)}
    assert languages <= {"en", "ko", "ru", "mul"}
    assert not [t for t in pull.triples if t.predicate.value.endswith("wasDerivedFrom")]
    assert pull.requests == len(pulling.proxy.seen) > 20


def test_what_is_merged_is_followed_and_what_is_gone_is_told(pulling: Pulling) -> None:
    pull = pulling.pull()
    assert pull.redirects == {MERGED: TARGET} and pull.missing == {DELETED}
    assert TARGET in pull.items and set(linked_items()) <= pull.items
    snapshot = Snapshot(pull.triples)
    assert snapshot.resolve(MERGED) == TARGET and snapshot.revision(TARGET)
    assert not snapshot.is_known(DELETED)


def test_three_ranks_no_value_and_unknown_value_stay_apart(pulling: Pulling) -> None:
    snapshot = Snapshot(pulling.pull().triples)
    kim = snapshot.statements(wd(56226), "P569")
    assert sorted(s.rank.rpartition("#")[2] for s in kim) == [
        "DeprecatedRank", "NormalRank", "PreferredRank",
    ]  # fmt: skip
    assert [m.edtf for m in snapshot.moments(wd(56226), "P569")] == ["1984-01-08"]
    assert [m.edtf for m in snapshot.moments(wd(50300023), "P569")] == ["1963"]
    assert any(
        "P582" in s.qualifiers and "P582" not in s.moments
        for s in snapshot.statements(wd(50300023), "P39")
    )


def test_two_pulls_of_one_state_are_the_same_bytes(
    pulling: Pulling, clean: bytes, tmp_path: Path
) -> None:
    assert snapshot_bytes(pulling.pull()) == clean
    # However it was divided into batches.
    smaller = dataclasses.replace(our_slice(), batch=7)
    again = Pulling(pulling.proxy, tmp_path / "again", smaller)
    assert snapshot_bytes(again.pull()) == clean


def test_it_is_polite(pulling: Pulling) -> None:
    pulling.pull()
    proxy = pulling.proxy
    assert proxy.most_at_once == 1
    for seen in proxy.seen:
        assert "tests@example.org" in seen.headers["user-agent"]
        assert seen.query.count("wd:Q") <= 40


# What goes wrong.

PASSING = {
    "429 in seconds": servers.TooMany(0),
    "429 as a date": servers.TooMany(0, is_date=True),
    "429 without a word": servers.TooMany(None),
    "503": servers.Status(503),
    "503 with Retry-After": servers.TooMany(0, status=503),
    "500": servers.Status(500),
    "closed without a word": servers.HangUp(),
    "reset": servers.HangUp(is_reset=True),
    "cut in the middle": servers.Cut(100),
    "cut at the last byte": servers.Cut(-1),
    "cut in a chunk": servers.Cut(100, is_chunked=True),
    "dribbled": servers.Slow(pause=0.001, bytes_at_once=2000),
    "a page of HTML": servers.HTML_PAGE,
    "another media type": servers.MediaType("text/html"),
    "broken triples": servers.BAD_NTRIPLES,
    "bytes": servers.BINARY,
    "results instead of triples": servers.DOCTYPE,
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_passes_leaves_no_trace(
    pulling: Pulling, clean: bytes, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = pulling.proxy
    # How long a service is left alone that does not say how long.
    monkeypatch.setattr(courier, "_PAUSE", 0.05)
    # The first request, some in the middle of batches, and one to the end of it.
    proxy.rule = lambda _, number: fault if number in {0, 17, 18, 33} else None
    assert snapshot_bytes(pulling.pull()) == clean
    assert [seen.fault for seen in proxy.seen].count(fault) == 4


def test_what_never_ends_is_given_up_and_asked_again(pulling: Pulling, clean: bytes) -> None:
    endless = servers.Endless(
        media_type=servers.NTRIPLES, begin=b"", piece=b'<x:s> <x:p> "' + b"x" * 60_000 + b'" .\n'
    )
    bomb = servers.Bomb(1 << 26, servers.NTRIPLES)
    faults = {2: endless, 9: bomb}
    pulling.proxy.rule = lambda _, number: faults.get(number)
    assert snapshot_bytes(pulling.pull(max_bytes=1 << 20)) == clean
    assert pulling.proxy.seen[2].sent < 1 << 26


def test_a_silent_service_is_not_waited_for_without_end(pulling: Pulling, clean: bytes) -> None:
    pulling.proxy.rule = lambda _, number: servers.Nothing() if number == 4 else None
    assert snapshot_bytes(pulling.pull(timeout=2.0)) == clean


def test_too_long_an_answer_is_asked_for_in_parts(pulling: Pulling, clean: bytes) -> None:
    pull = pulling.pull(max_bytes=60_000)
    assert snapshot_bytes(pull) == clean
    asked = [seen.query.count("wd:Q") for seen in pulling.proxy.seen if "statement" in seen.query]
    assert max(asked) == 40 and 10 in asked


def test_a_service_that_stays_busy_is_left_alone(pulling: Pulling) -> None:
    pulling.proxy.always = servers.TooMany(30)
    pulling.patience = 100
    with pytest.raises(UpstreamBusy):
        pulling.pull(timeout=1.0)
    # It waited as it was told, and as long as it may, and hardly asked.
    assert 30 <= pulling.waited <= 100
    assert len(pulling.proxy.seen) <= 8


def test_a_service_that_is_broken_is_not_hammered(pulling: Pulling) -> None:
    pulling.proxy.always = servers.HTML_PAGE
    with pytest.raises(UpstreamFailed):
        pulling.pull()
    assert len(pulling.proxy.seen) < 40


def test_another_address_is_not_followed(pulling: Pulling, clean: bytes, service: Service) -> None:
    with Proxy(service.address) as elsewhere:
        pulling.proxy.rule = lambda _, number: (
            servers.Redirect(f"http://localhost:{elsewhere.port}/query") if number >= 12 else None
        )
        with pytest.raises((QueryForbidden, UpstreamFailed)):
            pulling.pull()
        assert elsewhere.seen == []
    pulling.proxy.clear()
    assert snapshot_bytes(pulling.pull()) == clean
    # Only what was missing is asked for: the first batch stands in the journal.
    assert wd(7747) not in pulling.proxy.queries[0]
    assert 0 < len(pulling.proxy.seen) < 45


OURS = "<https://w3id.org/peninsula/id/state/russia>"
LIES = {
    "of ours": f'{OURS} <http://www.w3.org/2000/01/rdf-schema#label> "x"@en .\n',
    "of another item": f'<{ITEM}Q1> <http://www.w3.org/2000/01/rdf-schema#label> "x"@en .\n',
    "by another property": f"<{ITEM}Q159> <http://www.w3.org/2004/02/skos/core#exactMatch> {OURS} .\n",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_who_says_what_nobody_asked_is_not_believed(pulling: Pulling, lie: str) -> None:
    pulling.proxy.rule = lambda _, number: (
        servers.Body(lie.encode(), servers.NTRIPLES) if number == 1 else None
    )
    with pytest.raises(UpstreamFailed, match="not asked for"):
        pulling.pull([wd(159)])


def test_more_than_the_limit_is_given_up(pulling: Pulling) -> None:
    pulling.slice = dataclasses.replace(our_slice(), max_triples=1000)
    with pytest.raises(UpstreamFailed, match="1,000 triples"):
        pulling.pull()


# What changes meanwhile.


def test_what_is_edited_while_it_is_read_is_read_again(
    own_service: Service, tmp_path: Path
) -> None:
    putin = f"<{wd(7747)}>"
    label = "<http://www.w3.org/2000/01/rdf-schema#label>"
    version = "<http://schema.org/version>"

    def edit() -> None:
        own_service.update(
            f"DELETE {{ {putin} {label} ?l ; {version} ?v }} "
            f'INSERT {{ {putin} {label} "Edited"@en ; {version} 3000000000 }} '
            f'WHERE {{ {putin} {label} ?l ; {version} ?v FILTER(LANG(?l) = "en") }}'
        )

    with Proxy(own_service.address) as proxy:
        # After the names were read, before the rest is.
        proxy.script(None, None, servers.Call(edit))
        pull = Pulling(proxy, tmp_path / "journal", our_slice()).pull([wd(7747)])
        snapshot = Snapshot(pull.triples)
        assert snapshot.revision(wd(7747)) == "3000000000"
        assert snapshot.labels(wd(7747))["en"] == "Edited"
        assert len([t for t in pull.triples if t.predicate.value.endswith("/version")]) == 1


def test_what_is_edited_all_the_time_is_given_up(own_service: Service, tmp_path: Path) -> None:
    number = iter(range(1, 100))

    def edit() -> None:
        own_service.update(
            f"DELETE WHERE {{ <{wd(7747)}> <http://schema.org/version> ?v }} ; "
            f"INSERT DATA {{ <{wd(7747)}> <http://schema.org/version> {next(number)} }}"
        )

    def rule(seen: Seen, _: int) -> Fault | None:
        return servers.Call(edit) if "altLabel" in seen.query else None

    with Proxy(own_service.address) as proxy:
        proxy.rule = rule
        with pytest.raises(UpstreamFailed, match="edited while they were read"):
            Pulling(proxy, tmp_path / "journal", our_slice()).pull([wd(7747)])


def test_blank_nodes_of_a_service_get_names_that_stay(own_service: Service, tmp_path: Path) -> None:
    own_service.update(f"INSERT DATA {{ <{wd(7747)}> <{DIRECT}P570> [] }}")
    with Proxy(own_service.address) as proxy:
        pulls = [
            Pulling(proxy, tmp_path / name, our_slice()).pull([wd(7747)]) for name in ("a", "b")
        ]
    assert snapshot_bytes(pulls[0]) == snapshot_bytes(pulls[1])
    (value,) = Snapshot(pulls[0].triples).values(wd(7747), "P570")
    assert "/.well-known/genid/" in str(value)


def test_an_empty_list_asks_nothing(pulling: Pulling) -> None:
    pull = pulling.pull([])
    assert pull.triples == set() and pulling.proxy.seen == []


def test_a_slice_without_much_asks_little(pulling: Pulling) -> None:
    pulling.slice = Slice(languages=("en",), properties={"P31": "instance of"})
    snapshot = Snapshot(pulling.pull([wd(7747)]).triples)
    assert snapshot.classes(wd(7747)) == [wd(5)] and set(snapshot.labels(wd(7747))) == {"en"}
    assert snapshot.values(wd(7747), "P569") == [] and snapshot.articles(wd(7747)) == {}
    assert len(pulling.proxy.seen) == 5
