"""Row 16: who may do what, and what a page shows of what others wrote."""

from __future__ import annotations

import base64
import contextlib
import html.parser
import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode

import pytest

from .target import TURTLE, UPDATE, Target

INSERT = b"INSERT DATA { <x:s> <x:p> 1 }"
#: Method, path, media type, body and the least role that may.
CHANGES = [
    ("POST", "/update", UPDATE, INSERT, "write"),
    ("POST", "/update?dry-run", UPDATE, INSERT, "write"),
    ("PUT", "/store?graph=x:g", TURTLE, b"<x:s> <x:p> 1 .", "write"),
    ("POST", "/store?default", TURTLE, b"<x:s> <x:p> 1 .", "write"),
    ("POST", "/store", TURTLE, b"<x:s> <x:p> 1 .", "write"),
    ("DELETE", "/store?graph=x:g", "", b"", "write"),
    ("DELETE", "/store", "", b"", "write"),
    ("PATCH", "/store?graph=x:g", UPDATE, INSERT, "write"),
    ("PATCH", "/store", "application/rdf-patch", b"A <x:s> <x:p> 1 .", "write"),
    ("PUT", "/store/graph/x", TURTLE, b"<x:s> <x:p> 1 .", "write"),
    ("GET", "/admin/queries", "", b"", "admin"),
    ("DELETE", "/admin/queries/1", "", b"", "admin"),
]


def credentials(target: Target) -> Iterator[str]:
    """Yield values of Authorization that are none."""
    token = target.tokens["admin"]
    basic = base64.b64encode(f"admin:{token}".encode()).decode()
    yield from (
        "", "Bearer", "Bearer ", "Bearer  ", f"Basic {basic}", f"Digest {token}", token, f"Token {token}",
        f"Bearer {token}x", f"Bearer {token[:-1]}", f"Bearer {token[:-1]}\x00", f"Bearer {token.upper()}",
        f"Bearer {token}, Bearer {token}", f'Bearer "{token}"', f"Bearer {token} {token}", f"Bearer{token}",
        "Bearer null", "Bearer undefined", "Bearer pen_", "Bearer *", "Bearer ../../tokens", "Bearer " + "x" * 100_000,
        "Bearer é", "Bearer \xff\xfe", f"Negotiate {token}", "Bearer the-admin", "Bearer admin",
    )  # fmt: skip


def test_nothing_changes_without_a_token(target: Target) -> None:
    with target.undisturbed():
        for method, path, media_type, body, _ in CHANGES:
            headers = {"Content-Type": media_type} if media_type else {}
            reply = target.request(method, path, body, headers)
            assert (reply.status, reply.kind) == (401, "unauthorized"), f"{method} {path}: {reply}"
            assert reply.headers["www-authenticate"].startswith("Bearer ")


def test_a_wrong_token_is_none(target: Target) -> None:
    with target.undisturbed():
        for value in credentials(target):
            for method, path, media_type, body, _ in (CHANGES[0], CHANGES[2], CHANGES[10]):
                headers = {"Authorization": value, "Content-Type": media_type or TURTLE}
                reply = target.request(method, path, body, headers)
                assert reply.status in {400, 401}, f"{value[:60]!r}: {reply}"
                assert target.tokens["admin"] not in reply.text


def test_a_token_is_taken_from_nowhere_else(target: Target) -> None:
    """No ambient credentials: no cookie, no parameter, no form field, no user of the address."""
    token = target.tokens["admin"]
    with target.undisturbed():
        for path, headers in (
            (f"/update?{urlencode({'access_token': token})}", {}),
            (f"/update?{urlencode({'token': token})}", {}),
            ("/update", {"Cookie": f"token={token}; Authorization=Bearer {token}"}),
            ("/update", {"X-Authorization": f"Bearer {token}"}),
            ("/update", {"Proxy-Authorization": f"Bearer {token}"}),
            (
                "/update",
                {
                    "X-HTTP-Method-Override": "POST",
                    "X-Original-URL": "/update",
                    "X-Rewrite-URL": "/",
                },
            ),
            (
                "/update",
                {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-User": "admin", "X-Real-IP": "::1"},
            ),
        ):
            reply = target.request("POST", path, INSERT, {"Content-Type": UPDATE, **headers})
            assert reply.status == 401, f"{path} {headers}: {reply}"
        form = urlencode({"update": INSERT.decode(), "access_token": token}).encode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": "http://evil.example",
        }
        assert target.request("POST", "/update", form, headers).status == 401


@pytest.mark.parametrize("role", ["read", "write"])
def test_a_role_reaches_as_far_as_it_does(target: Target, role: str) -> None:
    ranks = ("read", "write", "admin")
    with target.undisturbed():
        for method, path, media_type, body, needed in CHANGES:
            if ranks.index(role) >= ranks.index(needed):
                continue
            headers = {"Content-Type": media_type} if media_type else {}
            reply = target.request(method, path, body, headers, role=role)
            assert (reply.status, reply.kind) == (403, "forbidden"), f"{method} {path}: {reply}"
            assert reply.problem["role"] == needed


def test_another_site_gets_no_credentials(target: Target) -> None:
    reply = target.request(
        "OPTIONS",
        "/update",
        headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert "access-control-allow-credentials" not in reply.headers
    assert reply.headers["access-control-allow-origin"] == "*"
    for path in ("/", "/sparql?query=ASK%7B%7D", "/nowhere"):
        assert "set-cookie" not in target.request("GET", path).headers


def test_tokens_are_stored_hashed_and_logged_never(target: Target) -> None:
    for token in target.tokens.values():
        assert token not in target.log()
        for path in target.stored():
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and path.stat().st_size < 1_000_000:
                    assert token.encode() not in path.read_bytes(), path


# Stored and reflected scripts.

SCRIPT = "<script>alert('x')</script>"
HOSTILE = [
    SCRIPT, '"><img src=x onerror=alert(1)>', "</textarea><script>alert(1)</script>", "' onmouseover='alert(1)",
    "{{ 7*7 }}", "{% raw %}", "</title><svg onload=alert(1)>", "<!--", "]]>", "\u2028<b>", "javascript:alert(1)",
]  # fmt: skip


class Page(html.parser.HTMLParser):
    """What a page would do in a browser."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.links: list[str] = []
        self.images: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        values = dict(attrs)
        if tag == "script":
            self.scripts.append(values.get("src") or "inline")
        if tag == "img":
            self.images.append(values.get("src") or "")
        self.handlers += [name for name in values if name.startswith("on") or name == "style"]
        self.links += [values[name] or "" for name in ("href", "src", "action") if values.get(name)]

    def check(self) -> None:
        """Fail where it would run what is not the server's own."""
        assert all(script.startswith("/static/") for script in self.scripts), self.scripts
        assert not self.handlers
        # Drawings are the server's own: a stored one would bring a handler, a script or a link.
        assert not self.tags & {
            "iframe", "object", "embed", "foreignobject", "animate", "set",
        }, self.tags  # fmt: skip
        assert set(self.images) <= {"/static/icon.svg"}
        bad = [
            link
            for link in self.links
            if link.lower().startswith(("javascript:", "data:", "vbscript:", "//"))
        ]
        assert not bad


def test_what_others_wrote_is_shown_as_text(target: Target) -> None:
    thing = "https://w3id.org/peninsula/id/state/hostile"
    label = "<http://www.w3.org/2000/01/rdf-schema#label>"
    literals = ", ".join(json.dumps(text) for text in HOSTILE)
    addresses = ", ".join(
        f"<{iri}>"
        for iri in (
            "javascript:alert(1)", "data:text/html,%3Cscript%3Ealert(1)%3C/script%3E", "vbscript:x",
            "https://w3id.org/peninsula//evil.example/", "x:'onclick='alert(1)", "JavaScript:alert(2)",
        )
    )  # fmt: skip
    update = (
        f"INSERT DATA {{ GRAPH <x:hostile'onclick='alert(1)> {{ <{thing}> {label} {json.dumps(SCRIPT)}@en, "
        f"{json.dumps(SCRIPT)}@ko ; <x:says> {literals} ; <x:seeAlso> {addresses} . "
        f"<javascript:alert(3)> <x:of> <{thing}> ; {label} {json.dumps(SCRIPT)}@en . "
        f"<x:p%3Cscript%3E> a <{thing}> . <{thing}> <javascript:alert(4)> 1 }} }}"
    )
    try:
        assert target.update(update).status == 200
        pages = [
            "/", "/history", "/ns.html", "/id/state/hostile.html", "/queries", "/queries/summits",
            f"/sparql?query={quote(f'SELECT ?p ?o {{ <{thing}> ?p ?o }}')}",
            f"/sparql?query={quote(f'CONSTRUCT WHERE {{ <{thing}> ?p ?o }}')}",
            f"/sparql?query={quote('SELECT ?g { GRAPH ?g { ?s <x:says> ?o } }')}",
            f"/sparql?query={quote('SELECT * { ?s ?p <' + thing + '> }')}",
            f"/queries/summits-of?{urlencode({'state': thing})}",
            "/positions", "/timeline", "/map?others=1", "/network", "/search?q=alert", "/about",
            f"/history/2?{urlencode({'thing': thing})}", "/history/diff?from=1&to=2",
        ]  # fmt: skip
        for path in pages:
            reply = target.request("GET", path, headers={"Accept": "text/html"})
            assert reply.status == 200, f"{path}: {reply}"
            check_page(reply.headers, reply.text)
        assert (
            "&lt;script&gt;"
            in target.request("GET", "/id/state/hostile.html", headers={"Accept": "text/html"}).text
        )
    finally:
        assert target.update("DROP GRAPH <x:hostile'onclick='alert(1)>").status == 200


def check_page(fields: Mapping[str, str], text: str) -> None:
    assert fields["content-type"].startswith("text/html"), fields
    policy = dict(
        part.strip().partition(" ")[::2] for part in fields["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'" and policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'" and policy["form-action"] == "'self'"
    assert "unsafe" not in fields["content-security-policy"]
    assert fields["x-content-type-options"] == "nosniff"
    Page(text).check()
    assert "{{ 49" not in text


def test_what_was_asked_is_shown_as_text(target: Target) -> None:
    for text in HOSTILE:
        for path in (
            f"/sparql?{urlencode({'query': text})}",
            f"/sparql?{urlencode({'query': f'SELECT (1 AS ?x) {{}} # {text}'})}",
            f"/sparql?{urlencode({'query': f'SELECT * {{ SERVICE <x:{quote(text)}> {{}} }} # {text}'})}",
            f"/{quote(text)}",
            f"/id/state/{quote(text)}",
            f"/id/{quote(text)}/x",
            f"/queries/{quote(text)}",
            f"/queries/summits-of?{urlencode({'state': text})}",
            f"/queries/summits-of?{urlencode({text: text, 'state': 'state:russia'})}",
            f"/problem/{quote(text)}",
            f"/history/{quote(text)}",
            f"/static/{quote(text)}",
            f"/search?{urlencode({'q': text})}",
            f"/positions?{urlencode({'actor': text})}",
            f"/timeline?{urlencode({'kind': text})}",
            f"/network?{urlencode({'topic': text})}",
            f"/history/at?{urlencode({'when': text})}",
        ):
            reply = target.request("GET", path, headers={"Accept": "text/html"})
            assert reply.status in {200, 400, 403, 404}, f"{path}: {reply}"
            check_page(reply.headers, reply.text)


def test_answers_that_are_no_pages_run_nothing(target: Target) -> None:
    """RDF/XML and SPARQL XML with a script of XHTML in it: the policy stands on them, too."""
    query = f"SELECT ({json.dumps(SCRIPT)} AS ?x) {{}}"
    construct = "CONSTRUCT { <x:s> <http://www.w3.org/1999/xhtml#script> 'alert(1)' } WHERE {}"
    for text, formats in (
        (query, ("json", "xml", "csv", "tsv")),
        (construct, ("rdfxml", "turtle", "jsonld")),
    ):
        for name in formats:
            reply = target.request("GET", f"/sparql?{urlencode({'query': text, 'format': name})}")
            assert reply.status == 200, str(reply)
            assert "html" not in reply.headers["content-type"]
            assert "script-src 'self'" in reply.headers["content-security-policy"]
            assert reply.headers["x-content-type-options"] == "nosniff"
            if name in {"xml", "rdfxml"}:
                assert "<script>alert" not in reply.text
