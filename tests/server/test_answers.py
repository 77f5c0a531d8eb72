"""An answer that was given need not be made again, and says of which state it is."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient

from peninsula.compression import decompress
from peninsula.views.site import begin

from .conftest import BROWSER, DEATH, Served, serving_app, wait_until

ALL = "SELECT ?o { ?s <x:p> ?o } ORDER BY ?o"
NUMBERS = " ".join(f"<x:s{n}> <x:p> {n} ." for n in range(400))


@pytest.fixture(scope="module")
def served(site: Served) -> Served:
    """Return the site with generations 2 (four hundred numbers) and 3 (one more)."""
    assert site.update(f"INSERT DATA {{ {NUMBERS} }}").status_code == 200
    assert site.update("INSERT DATA { <x:last> <x:p> 400 }").status_code == 200
    # Whoever reads the names for search asks, too: no test is to count that.
    wait_until(site.database.generations.names(3).exists)
    return site


@pytest.fixture
def client(served: Served) -> FlaskClient:
    return served.client


def url(query: str, **more: str) -> str:
    return "/sparql?" + urlencode({"query": query, **more})


def fresh(name: str, **more: str) -> str:
    """Return the address of a query that nobody has asked before."""
    return url(f"{ALL} # {name}", **more)


def hits(served: Served) -> int:
    text = served.client.get("/metrics").text
    return int(float(re.findall(r"^peninsula_cache_hits_total ([\d.]+)", text, re.MULTILINE)[0]))


# 304 and the cache


def test_an_answer_has_a_tag_and_tells_its_state(client: FlaskClient) -> None:
    response = client.get(fresh("tag"))
    assert response.status_code == 200
    assert re.fullmatch(r'W/"3-[^"]+"', response.headers["ETag"])
    assert response.headers["Cache-Control"] == "public, no-cache"
    assert response.headers["Peninsula-Generation"] == "3"
    assert set(response.vary) >= {"Accept", "Accept-Encoding", "Accept-Language", "Accept-Datetime"}


def test_whoever_has_the_answer_is_told_so(client: FlaskClient) -> None:
    path = fresh("not modified")
    tag = client.get(path).headers["ETag"]
    for given in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = client.get(path, headers={"If-None-Match": given})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == "public, no-cache"
        assert "Content-Type" not in again.headers
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_tag_depends_on_what_is_asked_for(client: FlaskClient) -> None:
    path = fresh("variants")
    tags = {
        client.get(path, headers=headers).headers["ETag"]
        for headers in (
            {}, {"Accept": "text/csv"}, {"Accept-Language": "ko"}, {"Accept-Encoding": "gzip"},
            {"Host": "other.example"},
        )
    }  # fmt: skip
    assert len(tags) == 5
    assert client.get(fresh("another")).headers["ETag"] not in tags
    assert client.get(path, headers={"Accept": "text/csv"}).headers["ETag"] in tags


def test_nothing_is_evaluated_for_whoever_has_the_answer(
    served: Served, client: FlaskClient
) -> None:
    """Not even where nothing could be: every reader is busy."""
    path, cached = fresh("busy"), fresh("busy and cached")
    tag = client.get(path).headers["ETag"]
    body = client.get(cached).data
    served.database.generations.find(3)
    threads = [
        threading.Thread(target=served.client.get, args=(url(f"{DEATH} # {n}"),)) for n in range(2)
    ]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(served.database.readers.running()) == 2)
        before = served.database.readers._last_id
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
        posted = client.post(
            "/sparql", data={"query": f"{ALL} # busy"}, headers={"If-None-Match": "*"}
        )
        assert posted.status_code in {304, 200}
        assert client.get(cached).data == body
        assert served.database.readers._last_id - before <= (posted.status_code == 200)
    finally:
        for query in served.database.readers.running():
            served.database.readers.cancel(query.id)
        for thread in threads:
            thread.join()


def test_an_answer_comes_from_the_cache_the_second_time(
    served: Served, client: FlaskClient
) -> None:
    path = fresh("cached")
    first = client.get(path)
    assert first.data
    before, ran = hits(served), served.database.readers._last_id
    second = client.get(path)
    assert second.data == first.data
    assert hits(served) == before + 1
    assert served.database.readers._last_id == ran
    for name in ("ETag", "Content-Type", "Link", "Peninsula-Generation", "Cache-Control"):
        assert second.headers.getlist(name) == first.headers.getlist(name)


def test_the_same_query_by_post_is_the_same_answer(served: Served, client: FlaskClient) -> None:
    query = f"{ALL} # by POST"
    got = client.get(url(query))
    assert got.data
    ran = served.database.readers._last_id
    for posted in (
        client.post("/sparql", data={"query": query}),
        client.post("/sparql", data=query, content_type="application/sparql-query"),
        client.open("/sparql", method="QUERY", data=query, content_type="application/sparql-query"),
    ):
        assert posted.data == got.data
        assert posted.headers["ETag"] == got.headers["ETag"]
    assert served.database.readers._last_id == ran


def test_only_what_was_sent_whole_is_kept(served: Served, client: FlaskClient) -> None:
    path = url("SELECT ?a ?b { ?s <x:p> ?a . ?t <x:p> ?b } # half", format="csv")
    response = client.get(path, buffered=False)
    chunks = response.iter_encoded()
    assert next(iter(chunks))
    response.close()
    before = hits(served)
    assert client.get(path).data.count(b"\r\n") == 401**2 + 1
    assert hits(served) == before
    assert client.get(path).data.count(b"\r\n") == 401**2 + 1
    assert hits(served) == before + 1


@pytest.mark.parametrize("call", ["NOW()", "RAND()", "UUID()", "STRUUID()", "BNODE()"])
def test_what_depends_on_the_moment_is_never_kept(client: FlaskClient, call: str) -> None:
    path = url(f"SELECT ({call} AS ?x) {{}}")
    one, other = client.get(path), client.get(path)
    assert one.headers["Cache-Control"] == "no-store"
    assert "ETag" not in one.headers
    assert "Last-Modified" not in one.headers
    assert client.get(path, headers={"If-None-Match": "*"}).status_code == 200
    if call not in {"BNODE()", "NOW()"}:
        assert one.data != other.data


def test_an_error_is_never_kept(client: FlaskClient) -> None:
    for path in (url("SELECT * {"), "/nowhere", url(ALL, generation="99")):
        response = client.get(path)
        assert response.status_code >= 400
        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers


def test_a_head_says_what_a_get_would(client: FlaskClient) -> None:
    for path in (fresh("head"), "/store?default", "/store", "/", "/void", "/queries", "/history"):
        head, got = client.head(path), client.get(path)
        assert (head.status_code, head.data) == (got.status_code, b"") == (200, b"")
        for name in ("Content-Type", "ETag", "Peninsula-Generation"):
            assert head.headers.get(name) == got.headers.get(name), (path, name)
    assert client.head("/store?graph=x:none").status_code == 404
    assert client.head(url("SELECT * {")).status_code == 400


# Generations


def test_a_past_state_answers_as_it_did(client: FlaskClient) -> None:
    old, new = client.get(url(ALL, generation="2")), client.get(url(ALL))
    assert len(old.json["results"]["bindings"]) == 400  # type: ignore[index]
    assert len(new.json["results"]["bindings"]) == 401  # type: ignore[index]
    assert old.headers["Peninsula-Generation"] == "2"
    assert old.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert old.headers["ETag"].startswith('W/"2-')
    posted = client.post("/sparql", data={"query": ALL, "generation": "2"})
    assert posted.json == old.json
    assert client.get("/store?default&generation=2").data.count(b"x:s") == 400


@pytest.mark.parametrize(
    ("number", "status", "kind"),
    [
        ("99", 404, "unknown-generation"),
        ("0", 400, "protocol-error"),
        ("-1", 400, "protocol-error"),
        ("two", 400, "protocol-error"),
    ],
)
def test_a_state_that_is_not_there_is_told(
    client: FlaskClient, number: str, status: int, kind: str
) -> None:
    for path in (url(ALL, generation=number), f"/store?default&generation={number}"):
        response = client.get(path)
        assert response.status_code == status
        assert response.json
        assert response.json["type"].endswith(kind)


def links(response: Any) -> dict[str, str]:
    """Return the targets of a Link header by their relations."""
    found = re.findall(r'<([^>]*)>; rel="([^"]*)"', response.headers["Link"])
    return {name: target for target, names in found for name in names.split()}


@pytest.mark.parametrize("path", [url(ALL), "/dumps/peninsula.nq"])
def test_a_date_finds_the_state_of_then(served: Served, client: FlaskClient, path: str) -> None:
    second, third = served.database.find(2), served.database.find(3)
    far = datetime(2100, 1, 1, tzinfo=UTC)
    early = datetime(2000, 1, 1, tzinfo=UTC)
    for moment, number in ((far, 3), (early, 1), (third.published, 3)):
        wished = format_datetime(moment.astimezone(UTC), usegmt=True)
        response = client.get(path, headers={"Accept-Datetime": wished})
        assert response.status_code == 200
        assert response.headers["Peninsula-Generation"] == str(number)
        about = served.database.find(number)
        told = parsedate_to_datetime(response.headers["Memento-Datetime"])
        assert told == about.published.replace(microsecond=0)
        # Its own address leads to the same answer.
        again = client.get(response.headers["Content-Location"])
        assert again.data == response.data
        assert again.headers["Peninsula-Generation"] == str(number)
        assert "immutable" not in response.headers["Cache-Control"], "another day, another answer"
    assert second.published < third.published


@pytest.mark.parametrize("wished", ["yesterday", "2019-02-27", ""])
def test_a_date_that_is_none_is_told(client: FlaskClient, wished: str) -> None:
    response = client.get(url(ALL), headers={"Accept-Datetime": wished})
    assert response.status_code == 400
    assert "Accept-Datetime" in response.text


def test_an_answer_leads_to_its_past(client: FlaskClient) -> None:
    path = url(f"{ALL} # ü 한", format="csv")
    response = client.get(path)
    found = links(response)
    assert found["original"] == found["timegate"] == f"http://localhost{path}"
    timemap = client.get(found["timemap"])
    assert timemap.content_type == "application/link-format"
    mementos = re.findall(r'<([^>]*)>; rel="(?:first |last )*memento"', timemap.text)
    assert [parse_qs(urlsplit(m).query)["generation"] for m in mementos] == [["1"], ["2"], ["3"]]
    for memento in mementos:
        assert client.get(memento).status_code == 200
    old = client.get(mementos[1])
    assert links(old)["original"] == f"http://localhost{path}"
    assert old.headers["Memento-Datetime"]


def test_a_long_query_has_no_links(client: FlaskClient) -> None:
    response = client.get(url(f"{ALL} # {'x' * 2000}"))
    assert response.status_code == 200
    assert "Link" not in response.headers


# Encodings


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize(
    "path",
    [fresh("packed"), url("SELECT ?a ?b { ?s <x:p> ?a . ?t <x:p> ?b }"), "/store?default", "/"],
    ids=["small", "streamed", "graph", "page"],
)
def test_an_answer_is_packed_where_that_is_welcome(
    client: FlaskClient, encoding: str, path: str
) -> None:
    accept = BROWSER if path == "/" else {}
    plain = client.get(path, headers=accept)
    assert "Content-Encoding" not in plain.headers
    for _ in range(2):  # made, and from the cache
        packed = client.get(path, headers={**accept, "Accept-Encoding": encoding})
        assert packed.headers["Content-Encoding"] == encoding
        assert len(packed.data) < len(plain.data)
        whole = b"".join(decompress([packed.data], encoding))  # type: ignore[arg-type]
        assert sorted(whole.split(b"},{")) == sorted(plain.data.split(b"},{"))
    refused = client.get(path, headers={**accept, "Accept-Encoding": f"{encoding};q=0"})
    assert "Content-Encoding" not in refused.headers


def test_a_tiny_answer_is_not_packed(client: FlaskClient) -> None:
    response = client.get(url("ASK {}"), headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in response.headers
    assert response.json == {"head": {}, "boolean": True}


def test_a_query_may_come_packed(client: FlaskClient) -> None:
    response = client.post(
        "/sparql",
        data=gzip.compress(ALL.encode()),
        content_type="application/sparql-query",
        headers={"Content-Encoding": "gzip"},
    )
    assert len(response.json["results"]["bindings"]) == 401  # type: ignore[index]
    bomb = gzip.compress(b" " * 30_000_000)
    response = client.post(
        "/sparql",
        data=bomb,
        content_type="application/sparql-query",
        headers={"Content-Encoding": "gzip"},
    )
    assert response.status_code == 413
    unknown = client.post(
        "/sparql",
        data=b"x",
        content_type="application/sparql-query",
        headers={"Content-Encoding": "rot13"},
    )
    assert unknown.status_code == 415
    assert "gzip" in unknown.headers["Accept-Encoding"]


# The method QUERY


def test_the_method_query_asks_with_a_body(client: FlaskClient) -> None:
    response = client.open(
        "/sparql?format=csv", method="QUERY", data=ALL, content_type="application/sparql-query"
    )
    assert response.status_code == 200
    assert response.data == client.get(url(ALL, format="csv")).data
    assert "application/sparql-query" in response.headers["Accept-Query"]
    assert client.get("/sparql").headers["Accept-Query"] == response.headers["Accept-Query"]
    refused = client.open("/sparql", method="QUERY", data="{}", content_type="application/json")
    assert refused.status_code == 415


# What a visitor and a reader's token see


def test_a_syntax_error_is_a_page_for_a_browser_and_a_problem_for_programs(
    client: FlaskClient,
) -> None:
    page = client.get(url("SELECT * {"), headers=BROWSER)
    assert page.status_code == 400
    assert page.mimetype == "text/html"
    assert "<textarea" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    problem = client.get(url("SELECT * {"))
    assert problem.mimetype == "application/problem+json"
    assert problem.json
    assert problem.json["line"] == 1


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("closed")
    with serving_app(folder, default_graph="own", read_token=True) as served:
        served.update("INSERT DATA { <https://w3id.org/peninsula/id/state/x> <x:p> 1 }")
        yield served


READING = [
    url("ASK {}"), "/sparql", "/store?default", "/store", "/", "/void", "/.well-known/void",
    "/history", "/history/1", "/history/2.rdfp", "/metrics", "/ns.html", "/id/state/x",
    "/id/state/x.ttl", "/id/state/nothing", "/timemap?url=http://localhost/", "/graph/none",
]  # fmt: skip


@pytest.mark.parametrize("path", READING)
def test_a_closed_server_tells_nothing_without_a_token(closed: Served, path: str) -> None:
    refused = closed.client.get(path)
    assert refused.status_code == 401
    assert refused.mimetype == "application/problem+json"
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="peninsula"'
    wrong = closed.client.get(path, headers={"Authorization": "Bearer pen_wrong"})
    assert wrong.status_code == 401
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
    for role in ("read", "write", "admin"):
        allowed = closed.client.get(path, headers=closed.bearing(role))
        assert allowed.status_code in {200, 303, 404}
        assert "public" not in allowed.headers.get("Cache-Control", ""), "for its bearer alone"


def test_health_needs_no_token(closed: Served) -> None:
    assert closed.client.get("/health").status_code == 200
    ready = closed.client.get("/ready")
    assert (ready.status_code, ready.json) == (200, {"status": "ready"})
    assert closed.client.get("/ready", headers=closed.bearing("read")).json["triples"]  # type: ignore[index]


def test_what_one_was_given_is_not_given_to_another(closed: Served) -> None:
    path = url("SELECT ?o { ?s ?p ?o } # once")
    assert closed.client.get(path, headers=closed.bearing("read")).status_code == 200
    assert closed.client.get(path, headers=closed.bearing("read")).status_code == 200
    assert closed.client.get(path).status_code == 401
    assert closed.client.get(path, headers={"If-None-Match": "*"}).status_code == 401


# Small answers whole, large ones in pieces


def test_a_small_answer_comes_whole_and_a_large_one_in_pieces() -> None:
    assert begin(iter([b"a", b"b"])) == b"ab"
    assert begin(iter([])) == b""
    pieces = [b"x" * 5000] * 5
    large = begin(iter(pieces))
    assert not isinstance(large, bytes)
    assert b"".join(large) == b"".join(pieces)


def test_an_error_before_the_first_piece_is_raised_and_a_later_one_breaks_off() -> None:
    def fail(after: int) -> Iterator[bytes]:
        for _ in range(after):
            yield b"x" * 9000
        raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        begin(fail(0))
    large = begin(fail(2))
    assert not isinstance(large, bytes)
    assert len(next(large)) == 9000
    next(large)
    with pytest.raises(ValueError, match="late"):
        next(large)


def test_closing_a_large_answer_ends_its_source() -> None:
    is_closed = threading.Event()

    def produce() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 9000
        finally:
            is_closed.set()

    large = begin(produce())
    large.close()  # type: ignore[union-attr]
    assert is_closed.is_set()


def test_an_address_with_anything_in_it_makes_sound_headers(client: FlaskClient) -> None:
    odd = "/queries/%22%3E%3Cscript%3E?x=%0d%0aSet-Cookie:%20a=b&" + quote('">')
    response = client.get(odd, headers=BROWSER)
    assert response.status_code == 404
    assert "Set-Cookie" not in response.headers
    assert "<script>" not in response.text
