"""What becomes of every address when what is sent, or what is stored, is bad?

Two tables: addresses and bad values. Whatever comes together, the answer is no failure of the
server, is well-formed, and lets nothing that somebody stored or sent run in a browser.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from peninsula.app import create_app
from peninsula.config import Config
from peninsula.dataset.local import LocalDatabase, LocalDataset
from peninsula.knowledge import Knowledge
from peninsula.loading import Loaded
from peninsula.policy import Policy
from peninsula.tabulation.declarations import read_tables

from .conftest import BROWSER, Client
from .hostile_scene import TEXTS, hostile


@pytest.fixture(scope="module")
def crowded(loaded: Loaded, knowledge: Knowledge, folder: Path) -> FlaskClient:
    """Return who asks a server with every hostile thing."""
    return _serve(loaded, knowledge, folder / "crowded", 48)


@pytest.fixture(scope="module")
def client(loaded: Loaded, knowledge: Knowledge, folder: Path) -> FlaskClient:
    """Return who asks a server with a few of them."""
    return _serve(loaded, knowledge, folder / "few", 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return where what servers keep on disk goes, as seen from where they were started."""
    with contextlib.chdir(tmp_path_factory.mktemp("kept")):
        yield Path()


def _serve(loaded: Loaded, knowledge: Knowledge, store_folder: Path, size: int) -> FlaskClient:
    store = ox.Store()
    store.extend([*loaded.stated, *loaded.computed, *hostile(size)])
    database = LocalDatabase(LocalDataset(store, Policy()))
    app = create_app(Config(table_rows=50, store=store_folder), database, knowledge)
    app.test_client_class = Client
    return app.test_client()


@pytest.fixture(scope="module")
def empty(folder: Path) -> FlaskClient:
    database = LocalDatabase(LocalDataset(ox.Store(), Policy(), is_union=False))
    app = create_app(Config(empty=True, store=folder / "empty"), database, None)
    app.test_client_class = Client
    return app.test_client()


# What an answer must be.

_RUNS: Final = re.compile(r"<script>alert|<img src=x")
_VOID: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")
)
#: Elements whose end tag HTML lets be left out.
_IMPLIED: Final = frozenset(("p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "option"))


class _Page(HTMLParser):
    """Reads a page as a browser would, and remembers what a policy or a reader would mind."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if len(given) != len(attrs):
            self.wrong.append(f"<{tag}> has an attribute twice: {attrs}")
        for name, value in attrs:
            if name.startswith("on") or name in {"style", "srcdoc"}:
                self.wrong.append(f"<{tag} {name}={value!r}>")
            if name in {"href", "src", "action", "formaction", "xlink:href"}:
                scheme = re.match(r"[\s\x00-\x1f]*([a-z][a-z0-9+.-]*):", value or "", re.IGNORECASE)
                if (scheme and scheme[1].lower() not in {"http", "https", "mailto"}) or (
                    (value or "").startswith(("//", "/\\"))
                ):
                    self.wrong.append(f"<{tag} {name}={value!r}>")
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.wrong.append(f"<{tag}> stands in the page")
        if tag == "img" and given.get("src") == "x":
            self.wrong.append("a stored image")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1] != tag and self.open[-1] in _IMPLIED:
            self.open.pop()
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing at {self.getpos()}")


def check(response: TestResponse) -> None:
    """Fail where the answer is the server's failure, is malformed, or does what others want."""
    text = response.get_data().decode(errors="replace")
    assert response.status_code < 500, text[:2000]
    for name, value in response.headers:
        assert not re.search(r"[\x00-\x1f\x7f]", value), (name, value)
    kind = response.mimetype or ""
    assert "Traceback" not in text
    if kind == "text/html":
        page = _Page()
        page.feed(text)
        page.close()
        assert not page.wrong, page.wrong[:3]
        assert not _RUNS.search(text)
        if response.status_code // 100 != 3:
            assert not set(page.open) - _IMPLIED, page.open
    else:
        _parse(kind, response)


def _parse(kind: str, response: TestResponse) -> None:
    """Read what is sent as its media type says; raises where that cannot be done."""
    text = response.get_data().decode(errors="replace")
    if kind == "application/x-ndjson":
        for line in text.splitlines():
            json.loads(line, parse_constant=_refuse)
    elif kind.endswith("json"):
        found = json.loads(text, parse_constant=_refuse)
        if kind == "application/problem+json":
            assert found["status"] == response.status_code
            assert found["title"] and found["detail"]
    elif kind.endswith("xml"):
        ET.XML(text)
    elif kind == "text/csv":
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        assert len({len(row) for row in rows}) <= 1
    elif kind == "text/turtle":
        list(ox.parse(text.encode(), format=ox.RdfFormat.TURTLE))
    elif kind == "application/vnd.apache.parquet":
        pq.read_table(io.BytesIO(response.data)).validate(full=True)
    elif kind == "application/vnd.apache.arrow.file":
        pa.ipc.open_file(response.data).read_all().validate(full=True)


def _refuse(constant: str) -> float:
    raise AssertionError(f"{constant} is no JSON")


# The addresses.


def _ask(path: str, **parameters: str) -> str:
    return f"{path}?{urlencode(parameters)}"


PAGES: Final = (
    "/", "/positions", "/positions?open=all", "/positions?actor=state:h0",
    "/positions?topic=topic:h0", "/positions?actor=state:h0&topic=topic:h0",
    "/positions/compare?actor=state:h0&actor=state:h1&open=all",
    "/timeline?from=0001", "/timeline?kind=position&kind=planned&from=0001&until=9999",
    "/timeline?lanes=actor", "/map?others=1&view=world", "/network", "/network?of=votes&least=1",
    "/network?of=stances", "/network?of=stances&evidence=claims&aimed=no",
    "/network?of=stances&mode=affiliation", "/network?of=stances&mode=concepts",
    "/network?of=votes&least=1&a=state:h0&b=state:h1",
    "/search", "/search?q=alert", "/search?q=%22%3E%3Cimg", "/queries", "/openapi", "/sparql",
    "/sparql?query=SELECT+*+%7B+%3Fs+rdfs:label+%3Fo+%7D",
    "/sparql?query=SELECT+*+%7B+%3Fs+pen:inTensionWith+%3Fo+%7D&view=network",
    "/sparql?query=SELECT+*+%7B+%3Fs+pen:from+%3Ffrom+%3B+pen:until+%3Funtil+%7D&view=timeline",
    "/sparql?query=SELECT+*+%7B+%3Fs+geo:asWKT+%3Fpoint+%7D&view=map",
    "/sparql?query=SELECT+%3Fl+(COUNT(*)+AS+%3Fn)+%7B+%3Fs+rdfs:label+%3Fl+%7D+GROUP+BY+%3Fl&view=bar",
    "/sparql?query=CONSTRUCT+WHERE+%7B+%3Fs+rdfs:label+%3Fo+%7D", "/sparql?query=ASK+%7B+%7D",
    "/validate", "/history", "/history/1", "/history/diff?from=1&to=1", "/about", "/ns.html",
    "/store", "/problem/parameter",
    *(f"/id/{kind}/h0.html" for kind in (
        "state", "person", "position", "claim", "tension", "event", "place", "passage",
        "attribution", "resolution", "vote", "measure", "document", "tenure", "office", "reading",
        "agreement", "geometry",
    )),
    *(f"/id/{kind}/h{i}.html" for kind in ("claim", "position", "passage", "resolution")
      for i in (2, 3, 4, 5, 9, 19)),
    "/topic/h0.html", "/stance/supports.html",
    "/id/state/h0.html?section=positions", "/id/state/h0.html?pointing=pen:isAbout",
    "/tables", *(f"/tables/{name}" for name in read_tables()), "/tables/claims?lang=ko", "/dumps",
    "/reconcile", "/reconcile?names=alert%0AL%0A%22%3E%3Cimg&type=pen:State",
    *(f"/reconcile/preview?id={kind}:h{i}" for kind in ("state", "claim", "event") for i in (0, 5, 7)),
    "/search?q=alert&class=pen:State&kind=state",
)  # fmt: skip
DATA: Final = (
    "/positions.csv", "/positions.json", "/positions.graphml", "/positions.csv?actor=state:h0",
    "/positions.json?topic=topic:h0", "/positions.graphml?actor=state:h0",
    "/positions/compare.csv?actor=state:h0&actor=state:h1", "/timeline?format=json&from=0001",
    "/timeline?format=csv&kind=position", "/map?format=geojson&others=1", "/map?format=csv",
    "/map?format=json", "/network.json", "/network.graphml", "/network.csv", "/network.matrix.csv",
    "/network.matrix.json?of=votes&least=1", "/network.graphml?of=stances&mode=affiliation",
    "/search?q=alert&format=json", "/search?q=alert&format=csv", "/queries.json", "/queries.ttl",
    "/sparql/terms", "/sparql/terms?name=state:h0&name=javascript:alert(1)",
    "/sparql/complete?position=class&subject=%3Fx",
    "/sparql/complete?position=value&subject=%3Fx&predicate=rdfs:label",
    "/sparql/complete?prefix=state&text=h", "/history?format=json", "/history/1?format=json",
    "/void", "/openapi.json",
    "/sparql?query=SELECT+%3Fs+%3Fo+%7B+%3Fs+pen:succeeds+%3Fo+%7D&format=graphml",
    "/sparql?query=SELECT+%3Fs+%3Fpoint+%7B+%3Fs+geo:asWKT+%3Fpoint+FILTER(CONTAINS(STR(%3Fpoint),'127'))+%7D&format=geojson",
    "/sparql?query=SELECT+*+%7B+%3Fs+rdfs:label+%3Fo+%7D&format=csv",
    *(f"/id/state/h0.{extension}" for extension in ("ttl", "jsonld", "csv", "nt")),
    "/store?graph=x:hostile", "/metrics", "/ready",
    "/tables?format=json", "/tables/csvw.json", "/tables/claims.csv-metadata.json",
    *(f"/tables/{name}.{ending}" for name in read_tables() for ending in ("csv", "json", "ndjson")),
    *(f"/tables/{name}.{ending}?lang=ko" for name in read_tables() for ending in ("parquet", "arrow")),
    "/dumps?format=json", "/dumps/peninsula.nq", "/dumps/peninsula.nt", "/dumps/nanopublications.nq",
    "/dumps/nanopublications.trig", "/nanopub/claim/h0.nq", "/nanopub/position/h2.jsonld",
    "/reconcile?format=json", "/reconcile?callback=f", "/reconcile?names=alert%0AL&format=csv",
    _ask("/reconcile", queries='{"a":{"query":"<script>alert"},"b":{"query":"L","type":"pen:State"}}'),
    _ask("/reconcile", extend=json.dumps({
        "ids": [f"{kind}:h{i}" for kind in ("state", "claim", "event") for i in range(12)],
        "properties": [{"id": f"pen:{name}"} for name in ("from", "until", "footnoteNumber", "level")]
        + [{"id": "rdfs:label"}, {"id": "rdfs:seeAlso"}],
    })),
    *(f"/reconcile/suggest/{what}?prefix={text}" for what in ("entity", "type", "property")
      for text in ("", "a", "L", "%3Cscript")),
    *(f"/reconcile/flyout/entity?id={kind}:h{i}" for kind in ("state", "claim") for i in (0, 1, 5)),
    "/reconcile/flyout/type?id=pen:h0", "/reconcile/properties?type=pen:State", "/reconcile/properties",
)  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_hostile_data_on_every_page(crowded: FlaskClient, address: str) -> None:
    response = crowded.get(address, headers=BROWSER)
    check(response)
    assert response.status_code in {200, 404} or "/store" in address, response.status_code
    if response.status_code == 404:
        assert "/history" in address or "/id/" in address or "/problem" in address


@pytest.mark.parametrize("address", DATA)
def test_hostile_data_in_every_format(crowded: FlaskClient, address: str) -> None:
    response = crowded.get(address)
    check(response)
    assert response.status_code == 200, response.get_data(as_text=True)[:500]


@pytest.mark.parametrize("address", [*PAGES, *DATA])
def test_without_data_every_address_says_so(empty: FlaskClient, address: str) -> None:
    check(empty.get(address, headers=BROWSER))
    check(empty.get(address, headers={"Accept": "application/json"}))


#: Addresses with the parameters that they know.
PARAMETERS: Final = {
    "/": ("lang",),
    "/positions": (
        "actor", "topic", "stance", "modality", "kind", "on", "from", "until", "open", "rows",
        "page", "aim", "unknown",
    ),
    "/positions/compare": ("actor", "topic", "open"),
    "/timeline": ("kind", "from", "until", "actor", "topic", "lanes"),
    "/map": ("kind", "from", "until", "actor", "topic", "view", "others"),
    "/network": (
        "of", "mode", "topic", "from", "until", "least", "rule", "normalization", "duplicates",
        "isolates", "undated", "a", "b", "ambivalent",
    ),
    "/search": ("q", "kind", "class", "page", "limit"),
    "/queries": ("q", "tag"),
    "/queries/summits-of": ("state", "view"),
    "/sparql": ("query", "view", "example", "timeout", "default-graph-uri"),
    "/sparql/terms": ("name",),
    "/sparql/complete": ("position", "subject", "predicate", "pattern", "prologue", "prefix"),
    "/validate": ("graph", "mode", "example"),
    "/history": ("before", "thing"),
    "/history/1": ("thing", "page"),
    "/history/diff": ("from", "to", "thing", "page"),
    "/history/at": ("when", "page"),
    "/timemap": ("url",),
    "/language": ("to", "back"),
    "/id/state/h0.html": ("section", "page", "by", "pointing", "stance", "holder", "topic", "kind"),
    "/ns.html": ("q",),
    "/about": (),
    "/store": ("graph", "default"),
    "/tables": (),
    "/tables/claims": ("lang", "format", "generation"),
    "/tables/claims.csv": ("lang", "generation"),
    "/tables/claims.csv-metadata.json": ("lang", "generation"),
    "/dumps": ("format", "generation"),
    "/dumps/record.ttl": ("generation",),
    "/nanopub/claim/c029": ("format", "generation"),
    "/reconcile": ("queries", "query", "extend", "callback", "names", "type", "lang", "timeout"),
    "/reconcile/suggest/entity": ("prefix", "cursor", "limit", "type", "callback"),
    "/reconcile/suggest/type": ("prefix", "cursor", "limit"),
    "/reconcile/suggest/property": ("prefix", "cursor", "limit"),
    "/reconcile/flyout/entity": ("id", "callback"),
    "/reconcile/flyout/property": ("id",),
    "/reconcile/preview": ("id",),
    "/reconcile/view": ("id",),
    "/reconcile/properties": ("type", "limit", "callback"),
}  # fmt: skip
EVERYWHERE: Final = ("format", "generation", "lang", "timeout")
VALUES: Final = (
    *TEXTS[:6], "x" * 3000, "-1", "0", "99999999999999999999", "1e9", "NaN", "9999-12-31",
    "0001-01-01", "10000-01-01", "2017-02-30", "javascript:alert(1)", "state:", "state:h0", ":",
    "<x:y", "x:a> } DELETE {", "topic:h0|^pen:x", "state:h0 . ?s ?p ?o", "//evil.example/",
    "/\\evil.example", "\r\nSet-Cookie: a=1", "٣", "%", "https://w3id.org/peninsula/id/state/h0",
    '{"q":{"query":"\\ud800"}}', '{"\\udfff":{"query":"x"}}', '{"q":{"query":"a\\u0000b"}}',
    '{"ids":["\\ud800","\\u0000","state:h0"],"properties":[{"id":"rdfs:label"}]}', "[" * 3000,
    '{"q":{"query":"x","limit":1e999}}', '{"q":{"query":"x","type":"\\ud800"}}', "\u202e\U0001f600",
    '{"q":{"query":"x","properties":[{"pid":"\\ud800","v":["\\ud800",1e308,{"id":"\\ud800"}]}]}}',
    '{"ids":["state:h0"],"properties":[{"id":"\\ud800"}]}',
    "?x", "} #", "a/b", "http://[", "http://localhost/\x00", "9" * 5000, "²",
    f"{1:018}{0:05000}", f"{1:05000}",
)  # fmt: skip


@pytest.mark.parametrize("path", PARAMETERS)
def test_bad_values_are_told_apart(client: FlaskClient, path: str) -> None:
    """Nothing that stands in an address is a failure of the server, or runs."""
    for name in (*PARAMETERS[path], *(EVERYWHERE if path in {"/", "/timeline", "/sparql"} else ())):
        for value in VALUES:
            address = f"{path}?{quote(name)}={quote(value)}"
            try:
                check(client.get(address, headers=BROWSER))
            except AssertionError as error:
                raise AssertionError(address[:300]) from error


@pytest.mark.parametrize("path", PARAMETERS)
def test_what_is_not_utf_8(client: FlaskClient, path: str) -> None:
    for query in ("q=%FF%FE", "%FF=1", "a=%ED%A0%80", "a=%00", "&&&=&=", "a" * 5000, "%", "%zz"):
        check(client.get(f"{path}?{query}", headers=BROWSER))
    known = "&".join(f"{name}=%ED%A0%80%FF" for name in PARAMETERS[path])
    check(client.get(f"{path}?{known}", headers=BROWSER))
    many = "&".join(f"p{i}={i}" for i in range(3000)) + "&actor=state:h0" * 500
    check(client.get(f"{path}?{many}", headers=BROWSER))


@pytest.mark.parametrize("path", PARAMETERS)
@pytest.mark.parametrize("cookie", ["lang=", "lang=xx", 'lang="', "lang=\xff", "=;;=", "x" * 5000])
def test_odd_cookies(client: FlaskClient, path: str, cookie: str) -> None:
    check(client.get(path, headers={**BROWSER, "Cookie": cookie}))


@pytest.mark.parametrize("path", PARAMETERS)
@pytest.mark.parametrize(
    "accept",
    ["", "*", "*/*", "text/html;q=0", "x", "image/png", "application/json;q=nan", ",,,;q=", "\xff",
     "a/b," * 500, "text/*;q=0.1, application/*;q=0.2"],
)  # fmt: skip
def test_odd_accept_headers(client: FlaskClient, path: str, accept: str) -> None:
    for name in ("Accept", "Accept-Language", "Accept-Encoding", "Accept-Datetime",
                 "If-None-Match", "If-Modified-Since"):  # fmt: skip
        response = client.get(path, headers={name: accept})
        if response.headers.get("Content-Encoding"):
            assert response.status_code == 200
        else:
            check(response)


ROUTES: Final = tuple(path for path in PARAMETERS if path not in {"/sparql", "/store"})


@pytest.mark.parametrize("path", ROUTES)
def test_methods(client: FlaskClient, path: str) -> None:
    """HEAD is GET without a body; what changes nothing takes no change."""
    got = client.get(path, headers=BROWSER)
    head = client.head(path, headers=BROWSER)
    assert (head.status_code, head.data) == (got.status_code, b"")
    assert head.headers.get("Content-Type") == got.headers.get("Content-Type")
    assert client.options(path).status_code in {200, 204}
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY", "PROPFIND"):
        response = client.open(path, method=method, headers=BROWSER, data=b"a=1")
        check(response)
        if not (path in {"/validate", "/reconcile"} and method == "POST"):
            assert response.status_code == 405, method
            assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize("path", [p for p in ROUTES if p != "/"])
def test_formats_and_slashes_that_are_none(client: FlaskClient, path: str) -> None:
    for address in (
        f"{path}/",
        f"{path}.xyz",
        f"{path}.",
        f"{path}/../..",
        f"{path}%00",
        f"{path}//",
    ):
        response = client.get(address, headers=BROWSER)
        check(response)
        if address.endswith((".xyz", "%00")):
            assert response.status_code in {400, 404}, address
    response = client.get(f"{path}?format=xyz", headers=BROWSER)
    assert response.status_code in {400, 404, 406, 200}, response.status_code
    check(response)


@pytest.mark.parametrize(
    "path",
    [
        "/positions",
        "/timeline",
        "/map",
        "/network",
        "/search?q=a",
        "/queries/summits-of?state=state:russia",
    ],
)
def test_a_format_that_is_not_on_offer(client: FlaskClient, path: str) -> None:
    joint = "&" if "?" in path else "?"
    assert client.get(f"{path}{joint}format=xyz").status_code == 406
    assert client.get(path, headers={"Accept": "image/png"}).status_code == 406


@pytest.mark.parametrize(
    "back",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)",
     "/\t/evil.example", "/\n/evil.example", "\\\\evil.example", "/%09/evil.example", " //evil",
     "/\x00/evil.example", "/a\r\nSet-Cookie: x=1"],
)  # fmt: skip
@pytest.mark.parametrize("address", ["/language?to=ko&back=", "/history/at?when=1&page="])
def test_nobody_is_led_elsewhere(client: FlaskClient, address: str, back: str) -> None:
    response = client.get(address + quote(back, safe=""), headers=BROWSER)
    check(response)
    assert response.status_code == 303
    location = response.headers["Location"].removeprefix("http://localhost")
    assert re.match(r"/(?![/\\\t\r\n])", location), location
