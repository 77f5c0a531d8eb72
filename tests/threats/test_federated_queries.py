"""Queries that ask services, as an attacker writes them, and services, as an attacker runs them.

One server, with one service that it may ask: what stands there is the test's to say. ``canary`` is
where nothing may lead.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import quote, urlencode

import pytest

from peninsula.fairness import share
from peninsula.federation.gateway import MOST_AT_ONCE

from .conftest import LIMITS
from .hosts import EMPTY, HEAD, Host, drip, pour, redirect, response, stall
from .target import OTHERS, PROMPT, QUERY, SCENE, TURTLE, UPDATE, Reply, Target, started, wait_until
from .test_fetching import spellings

PUZZLED: Final = {400, 403}


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host() as standing:
        yield standing


@pytest.fixture(scope="module")
def other() -> Iterator[Host]:
    with Host() as standing:
        yield standing


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory, host: Host, other: Host) -> Iterator[Target]:
    """Return a server that may ask two services: “own”, which is ``host``, and “other”."""
    folder = tmp_path_factory.mktemp("asking")
    (folder / "peninsula.toml").write_text(
        f"[services.own]\naddress = '{host.address}/sparql'\ntrusted = true\n"
        "timeout = '3s'\nmax-bytes = '4MiB'\ncache = 0\nbatch = 10\n"
        f"[services.other]\naddress = '{other.address}/sparql'\ntrusted = true\ncache = 0\n"
    )
    with started(folder, *LIMITS, "--queue", "8", "--threads", "2") as server:
        yield server


@pytest.fixture(autouse=True)
def well_behaved(host: Host, other: Host) -> None:
    host.forget()
    other.forget()


def rows(*values: str, variable: str = "x") -> bytes:
    """Return an answer with literals."""
    bindings = [{variable: {"type": "literal", "value": value}} for value in values]
    body = {"head": {"vars": [variable]}, "results": {"bindings": bindings}}
    return response(json.dumps(body).encode())


def values_of(reply: Reply, name: str = "x") -> list[str]:
    assert reply.status == 200, str(reply)
    found = json.loads(reply.body)["results"]["bindings"]
    return sorted(row[name]["value"] for row in found if name in row)


def test_a_service_that_is_allowed_answers(asking: Target, host: Host) -> None:
    host.answer = rows("김정은", "it's")
    for name in ("peninsula:own", f"{host.address}/sparql"):
        with asking.undisturbed():
            reply = asking.query(f"SELECT ?x {{ SERVICE <{name}> {{ ?s <x:name> ?x }} }}")
        assert values_of(reply) == ["it's", "김정은"]
    assert all(visit.startswith(b"POST /sparql HTTP/1.1\r\n") for visit in host.visits)
    assert len(host.visits) == 2


# Whom a query may name.


@pytest.mark.parametrize(
    "form", ["SELECT * {{ {}\n}}", "CONSTRUCT WHERE {{ {}\n}}", "ASK {{ {}\n}}"]
)
def test_nobody_else_is_asked_in_whatever_spelling(
    asking: Target, canary: Host, host: Host, form: str
) -> None:
    with asking.undisturbed():
        for group in spellings(canary.address):
            reply = asking.query("PREFIX x: <x:> " + form.format(group))
            assert reply.status in PUZZLED, f"{group}: {reply}"
            # Beside one that is allowed: nobody is asked before everything is judged.
            beside = f"SERVICE <peninsula:own> {{ ?s ?p ?o }} {group}"
            reply = asking.query("PREFIX x: <x:> " + form.format(beside))
            assert reply.status in PUZZLED, f"{beside}: {reply}"
    assert not canary.visits and not host.visits


def test_a_service_inside_of_another_is_nobody_else_s_either(
    asking: Target, canary: Host, host: Host
) -> None:
    """What is sent to a service is not to make it ask others for us."""
    with asking.undisturbed():
        for group in spellings(canary.address):
            text = (
                f"PREFIX x: <x:> SELECT * {{ SERVICE <peninsula:own> {{ ?a ?b ?c . {group}\n}} }}"
            )
            reply = asking.query(text)
            assert reply.status in PUZZLED, f"{text}: {reply}"
    assert not canary.visits and not host.visits


def test_addresses_that_look_like_an_allowed_one(asking: Target, host: Host, canary: Host) -> None:
    own = f"{host.address}/sparql"
    port = host.port
    texts = [
        f"SELECT * {{ SERVICE <{iri}> {{ ?s ?p ?o }} }}"
        for iri in (
            f"{own}/", f"{own}?", f"{own}#", f"{own}#x", f"{own}?a=b", f"{own}/../sparql", f"{own}%20",
            f"http://127.0.0.1:{port}//sparql", f"http://127.0.0.1:{port}/%73parql",
            f"HTTP://127.0.0.1:{port}/sparql", f"http://localhost:{port}/sparql",
            f"http://127.0.0.1:0{port}/sparql", f"http://127.1:{port}/sparql",
            f"http://[::ffff:127.0.0.1]:{port}/sparql", f"http://me@127.0.0.1:{port}/sparql",
            f"http://127.0.0.1:{port}@127.0.0.1:{canary.port}/sparql",
            f"http://127.0.0.1:{port}.evil.example/sparql", f"https://127.0.0.1:{port}/sparql",
            "peninsula:own/", "peninsula:own#", "peninsula:OWN", "peninsula:own%20", "peninsula:",
            "peninsula:own-snapshot", "peninsula:provenance/x-snapshot", "peninsula:-snapshot",
            "peninsula:../graph/own-snapshot", "PENINSULA:own", "peninsula://own", "own", "", "#",
            "?query=", "//127.0.0.1/sparql", "file:///etc/passwd", "x:y",
            "http://wikiba.se/ontology#label", "http://www.bigdata.com/rdf#serviceParam",
        )
    ]  # fmt: skip
    texts += [
        f"BASE <http://127.0.0.1:{canary.port}/> SELECT * {{ SERVICE </sparql> {{ ?s ?p ?o }} }}",
        f"PREFIX c: <http://127.0.0.1:{canary.port}/> SELECT * {{ SERVICE c:sparql {{ ?s ?p ?o }} }}",
        f"PREFIX c: <{own}> PREFIX c: <{canary.address}/> SELECT * {{ SERVICE c: {{ ?s ?p ?o }} }}",
        f"BASE <{own}> BASE <{canary.address}/x> SELECT * {{ SERVICE <sparql> {{ ?s ?p ?o }} }}",
        "SELECT * { SERVICE undeclared:own { ?s ?p ?o } }",
        "SELECT * { SERVICE _:own { ?s ?p ?o } }",
        f'SELECT * {{ SERVICE "{own}" {{ ?s ?p ?o }} }}',
    ]
    with asking.undisturbed():
        for text in texts:
            reply = asking.query(text)
            assert reply.status in PUZZLED | {404}, f"{text}: {reply}"
            assert "root:" not in reply.text
    assert not canary.visits and not host.visits


def test_the_last_declaration_of_a_prefix_is_the_one_that_counts(
    asking: Target, host: Host, canary: Host
) -> None:
    """Judged is what is asked, wherever a prefix is declared twice."""
    own = f"{host.address}/"
    reply = asking.query(
        f"PREFIX c: <{canary.address}/> PREFIX c: <{own}> SELECT * {{ SERVICE c:sparql {{ ?s ?p ?o }} }}"
    )
    assert reply.status == 200, str(reply)
    assert len(host.visits) == 1 and not canary.visits


@pytest.mark.parametrize(
    "around",
    [
        "VALUES ?where {{ <{iri}> }} {call}",
        "VALUES ?where {{ <{iri}> <{canary}> }} {call}",
        "BIND(<{iri}> AS ?where) {call}",
        "BIND(IRI('{iri}') AS ?where) {call}",
        "?s ?p ?where . {call}",
        "{{ SELECT (<{iri}> AS ?where) {{}} }} {call}",
        "FILTER EXISTS {{ VALUES ?where {{ <{iri}> }} {call} }}",
        "OPTIONAL {{ BIND(<{iri}> AS ?where) {call} }}",
        "{call} FILTER(?where = <{iri}>)",
    ],
)
def test_no_service_comes_out_of_data(
    asking: Target, host: Host, canary: Host, around: str
) -> None:
    """Not even one that is allowed: who is asked stands in the query."""
    for call in ("SERVICE ?where { ?a ?b ?c }", "SERVICE SILENT $where { ?a ?b ?c }"):
        text = around.format(iri=f"{host.address}/sparql", canary=canary.address, call=call)
        reply = asking.query(f"SELECT * {{ {text} }}")
        assert (reply.status, reply.kind) == (403, "service-forbidden"), f"{text}: {reply}"
    assert not host.visits and not canary.visits


@pytest.mark.parametrize(
    "around",
    [
        "FILTER EXISTS {{ {} }}",
        "FILTER NOT EXISTS {{ {} }}",
        "FILTER(1 = 1 || EXISTS {{ {} }})",
        "BIND(EXISTS {{ {} }} AS ?e)",
        "BIND(IF(EXISTS {{ {} }}, 1, 2) AS ?e)",
        "MINUS {{ {} }}",
        "OPTIONAL {{ ?s ?p ?o {} }}",
        "GRAPH ?g {{ {} }}",
        "{{ {} }} UNION {{ ?s ?p ?o }}",
        "{{ SELECT (COUNT(*) AS ?n) {{ {} }} }}",
        "{{ SELECT * {{ ?s ?p ?o }} HAVING(EXISTS {{ {} }}) }}",
        "{{ SELECT ?s {{ ?s ?p ?o }} ORDER BY (EXISTS {{ {} }}) }}",
        "{{ SELECT (EXISTS {{ {} }} AS ?e) {{}} }}",
    ],
)
def test_nobody_else_is_asked_from_wherever(
    asking: Target, canary: Host, host: Host, around: str
) -> None:
    for silent in ("", "SILENT "):
        call = f"SERVICE {silent}<{canary.address}/> {{ ?a ?b ?c }}"
        reply = asking.query(f"SELECT * {{ {around.format(call)} }}")
        assert reply.status in PUZZLED, str(reply)
    assert not canary.visits and not host.visits


def test_no_other_address_asks_services(asking: Target, canary: Host, host: Host) -> None:
    """Updates, patches, what is validated, shapes, drafts: nobody is asked, allowed or not."""
    shapes = """
        PREFIX sh: <http://www.w3.org/ns/shacl#> PREFIX x: <x:>
        x:shape a sh:NodeShape ; sh:targetClass x:Thing ; sh:sparql [
            sh:select "SELECT $this { SERVICE <peninsula:own> { ?s ?p ?o } }" ] ."""
    with asking.undisturbed():
        for iri in ("peninsula:own", f"{host.address}/sparql", canary.address):
            for group in (
                f"SERVICE <{iri}> {{ ?s ?p ?o }}",
                f"SERVICE SILENT <{iri}> {{ ?s ?p ?o }}",
            ):
                for update in (
                    f"INSERT {{ ?s ?p ?o }} WHERE {{ {group} }}",
                    f"DELETE {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o {group} }}",
                    f"DELETE WHERE {{ {group} }}",
                    f"INSERT DATA {{ <x:a> <x:b> 1 }} ; INSERT {{ ?s ?p ?o }} WHERE {{ {group} }}",
                    f"INSERT {{ ?s ?p ?o }} WHERE {{ {group.replace('E', chr(92) + 'u0045', 1)} }}",
                ):
                    reply = asking.update(update)
                    assert reply.status in PUZZLED, f"{update}: {reply}"
                    if chr(92) not in update:
                        assert "/sparql" in reply.problem["detail"] + reply.problem["remedy"]
                    headers = {"Content-Type": UPDATE}
                    path = f"/store?{urlencode({'graph': 'x:g'})}"
                    reply = asking.request("PATCH", path, update.encode(), headers, role="write")
                    assert reply.status in PUZZLED | {422}, f"{update}: {reply}"
                    reply = asking.request("POST", "/validate", update.encode(), headers)
                    assert reply.status in PUZZLED, f"{update}: {reply}"
        for path in ("/validate", "/validate?mode=alone"):
            asking.request("POST", path, shapes.encode(), {"Content-Type": TURTLE})
        boundary = "x"
        for name in ("data", "shapes"):
            body = (
                f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n'
                f"Content-Type: text/turtle\r\n\r\n{shapes}\r\n--x--\r\n"
            )
            media_type = f"multipart/form-data; boundary={boundary}"
            asking.request("POST", "/validate", body.encode(), {"Content-Type": media_type})
    assert not canary.visits and not host.visits


def test_no_parameter_of_a_question_names_a_service(
    asking: Target, canary: Host, host: Host
) -> None:
    """What is filled in is a term, whatever it says."""
    names = [path.stem for path in (SCENE / "queries").glob("*.rq")]
    assert names
    evil = f"<x:y> }} SERVICE <{canary.address}> {{ ?s ?p ?o"
    with asking.undisturbed():
        for name in names:
            described = json.loads(asking.request("GET", "/openapi.json").body)
            found = described["paths"].get(f"/queries/{name}", {}).get("get", {})
            for parameter in found.get("parameters", []):
                value = quote(evil)
                asking.request("GET", f"/queries/{name}.json?{parameter['name']}={value}")
        for parameter in ("default-graph-uri", "named-graph-uri"):
            for iri in (canary.address, "peninsula:own", f"{host.address}/sparql"):
                reply = asking.query("SELECT * { ?s ?p ?o }", parameters={parameter: iri})
                assert reply.status in {200, 400, 403}, str(reply)
    assert not canary.visits and not host.visits


# What a service may do to a query.


HOSTILE: Final = [
    '" } } ; DROP ALL #',
    "' } UNION { ?s ?p ?o } #",
    '\\" } SERVICE <http://127.0.0.1/> { ?s ?p ?o } #',
    "\\u0022 } } DROP ALL",
    "\n\r\t\u0000\u0085\u2028\u202e",
    "{{ }} {% raw %} ${x} %s",
    "<script>alert(1)</script>",
    "\ufeff\ufffe\U0001f600",
    "\\",
    "'''",
    '"""',
]


def test_what_a_service_says_is_data(asking: Target, host: Host) -> None:
    """Its words are written into the query that is evaluated; they stay words."""
    host.answer = rows(*HOSTILE)
    query = "SELECT ?x { SERVICE <peninsula:own> { ?s <x:p> ?x } }"
    with asking.undisturbed():
        assert values_of(asking.query(query)) == sorted(HOSTILE)
        page = asking.query(query, accept="text/html")
        assert page.status == 200
        assert "<script>alert(1)" not in page.text and "&lt;script&gt;alert(1)" in page.text
        reply = asking.query("SELECT (COUNT(*) AS ?x) { SERVICE <peninsula:own> { ?s <x:p> ?x } }")
        # And from one service on to another: they come in the bindings of the second request.
        host.visits.clear()
        asking.query(
            "SELECT * { SERVICE <peninsula:own> { ?s <x:p> ?x } "
            f"SERVICE <{host.address}/sparql> {{ ?t <x:q> ?x }} }}"
        )
    assert len(host.visits) >= 2
    assert reply.status in {200, 400}


@pytest.mark.parametrize(
    "cell",
    [
        {"type": "uri", "value": "x:y> } } ; DROP ALL #"},
        {"type": "literal", "value": "x", "datatype": "x:y> } #"},
        {"type": "literal", "value": "x", "xml:lang": "en } #"},
        {"type": "bnode", "value": "b } #"},
    ],
)
def test_terms_that_are_none_end_the_query(
    asking: Target, host: Host, cell: dict[str, str]
) -> None:
    body = {"head": {"vars": ["x"]}, "results": {"bindings": [{"x": cell}]}}
    host.answer = response(json.dumps(body).encode())
    with asking.undisturbed():
        reply = asking.query("SELECT ?x { SERVICE <peninsula:own> { ?s <x:p> ?x } }")
    assert (reply.status, reply.kind) == (502, "upstream-failed"), str(reply)


def test_names_and_rows_that_nobody_asked_for_are_passed_over(asking: Target, host: Host) -> None:
    """A service says more than it was asked, about variables of the query outside of its clause."""
    summit = {"type": "uri", "value": "https://w3id.org/peninsula/id/event/made-up"}
    text = {"type": "literal", "value": "made up"}
    body = {
        "head": {"vars": ["x", "secret", "peninsula_one", "label0"]},
        "results": {"bindings": [{"x": text, "secret": summit, "peninsula_one": text}] * 3},
    }
    host.answer = response(json.dumps(body).encode())
    reply = asking.query(
        "SELECT ?x ?secret { SERVICE <peninsula:own> { ?s <x:p> ?x } OPTIONAL { ?secret a <x:None> } }"
    )
    found = json.loads(reply.body)["results"]["bindings"]
    assert [set(row) for row in found] == [{"x"}] * 3
    # It answers for things that it was not asked about: they are joined away.
    body = {"head": {"vars": ["e", "x"]}, "results": {"bindings": [{"e": summit, "x": text}]}}
    host.answer = response(json.dumps(body).encode())
    reply = asking.query("SELECT * { ?e a pen:Summit SERVICE <peninsula:own> { ?e <x:p> ?x } }")
    assert values_of(reply) == []


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        response(b"<html>", "text/html"),
        response(EMPTY[:-3]),
        response(b"x", status="500 Oops"),
        redirect("http://169.254.169.254/latest/meta-data/"),
        redirect("file:///etc/passwd"),
    ],
)
def test_what_is_wrong_with_a_service_is_told_and_silent_means_silent(
    asking: Target, host: Host, answer: bytes
) -> None:
    host.answer = answer
    with asking.undisturbed():
        reply = asking.query("SELECT * { SERVICE <peninsula:own> { ?s ?p ?o } }")
        assert reply.status == 502 and "“own”" in reply.problem["detail"], str(reply)
        assert "169.254" not in reply.text and str(host.port) not in reply.text
        quiet = asking.query(
            "SELECT ?e { ?e a pen:Summit SERVICE SILENT <peninsula:own> { ?e <x:p> ?x } }"
        )
        assert len(values_of(quiet, "e")) == 2


def test_a_redirect_leads_to_nobody(asking: Target, host: Host, canary: Host) -> None:
    with asking.undisturbed():
        for status in (301, 302, 303, 307, 308):
            for to in (
                canary.address,
                f"http://localhost:{canary.port}/",
                f"{asking.address}/update",
            ):
                host.answer = redirect(to, status)
                reply = asking.query("SELECT * { SERVICE <peninsula:own> { ?s ?p ?o } }")
                assert reply.status == 502, str(reply)
                assert str(canary.port) not in reply.text
    assert not canary.visits


# What others notice.


HANGING: Final = "SELECT * {{ SERVICE <peninsula:own> {{ ?s <x:{}> ?o }} }}"


@pytest.mark.parametrize(
    "behave", [stall, drip(b" ", HEAD + b"\r\n"), pour(b" " * 65_536, HEAD + b"\r\n")]
)
def test_a_service_that_hangs_hinders_nobody(asking: Target, host: Host, behave: Any) -> None:
    host.behave = behave
    numbers = iter(range(1000))

    def attack() -> list[int]:
        return [asking.query(HANGING.format(next(numbers))).status for _ in range(2)]

    with asking.undisturbed(), asking.under(attack, 60) as results:
        pass
    statuses = {status for found in results if isinstance(found, list) for status in found}
    assert statuses <= {502, 503, 504}, statuses
    assert not [result for result in results if not isinstance(result, list)]


def test_one_client_cannot_keep_others_from_services(
    asking: Target, host: Host, other: Host
) -> None:
    """It has as many queries wait for a service that hangs as it may, and tries for more."""
    numbers = iter(range(100_000))
    is_over = threading.Event()
    host.behave = stall
    other.answer = rows("here")

    def insist() -> set[str]:
        told = set()
        while not is_over.is_set():
            reply = asking.query(HANGING.format(f"taken{next(numbers)}"))
            told.add(f"{reply.status} {reply.problem['detail']}")
        return told

    def ask(name: str) -> Reply:
        query = f"SELECT ?x {{ SERVICE <peninsula:{name}> {{ ?s <x:asked> ?x }} }}"
        return asking.query(query, source=OTHERS)

    def calls() -> float:
        metrics = asking.request("GET", "/metrics", source=OTHERS).text
        return float(metrics.partition("\npeninsula_service_calls ")[2].partition("\n")[0])

    with asking.undisturbed(), asking.under(insist, 30) as results:
        try:
            wait_until(lambda: calls() >= share(MOST_AT_ONCE), 10)
            for _ in range(5):
                reply = ask("other")
                assert values_of(reply) == ["here"]
                assert reply.seconds < PROMPT, str(reply)
            # Nor from the service that hangs: it may answer others.
            with ThreadPoolExecutor(1) as pool:
                asked = pool.submit(ask, "own")
                wait_until(lambda: any(b"x%3Aasked" in visit for visit in host.visits), 3)
        finally:
            is_over.set()
    assert asked.result().status == 504
    told = set().union(*(found for found in results if isinstance(found, set)))
    assert {text[:3] for text in told} == {"503", "504"}
    assert any("24 queries of this client that ask services of others" in text for text in told)


def test_a_client_that_leaves_ends_what_is_asked_for_it(asking: Target, host: Host) -> None:
    left = threading.Event()

    def behave(client: socket.socket) -> None:
        client.settimeout(10)
        if client.recv(1) == b"":
            left.set()

    host.behave = behave
    body = b"SELECT * { SERVICE <peninsula:own> { ?s ?p ?o } }"
    with asking.connect() as client:
        client.sendall(
            f"POST /sparql HTTP/1.1\r\nHost: {asking.host}\r\nContent-Type: {QUERY}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        wait_until(lambda: host.visits, 5)
    assert left.wait(1.5), "its request goes on"


def test_more_than_fits_is_a_clear_answer(asking: Target, host: Host) -> None:
    """Rows that multiply in the query, and more of them than it may take in."""
    host.answer = rows(*(str(number) for number in range(50_000)))
    with asking.undisturbed():
        reply = asking.query(
            "SELECT (COUNT(*) AS ?n) { SERVICE <peninsula:own> { ?s <x:p> ?x } "
            "{ SERVICE <peninsula:own> { ?t <x:p> ?y } } { SERVICE <peninsula:own> { ?u <x:p> ?z } } "
            "FILTER(?x < ?y && ?y < ?z) }"
        )
        assert reply.status in {400, 502, 504, 507, 503, 200}, str(reply)
        assert reply.seconds < 10


def test_many_clauses_are_many_requests_and_no_more_than_that(asking: Target, host: Host) -> None:
    clauses = " ".join(f"SERVICE <peninsula:own> {{ ?s <x:{n}> ?o{n} }}" for n in range(60))
    host.answer = rows("x", variable="s")
    with asking.undisturbed():
        reply = asking.query(f"SELECT * {{ {clauses} }}")
        assert reply.status in {200, 400, 502, 504}, str(reply)
        nested = "SERVICE <peninsula:own> { " * 60 + "?s ?p ?o" + " }" * 60
        reply = asking.query(f"SELECT * {{ {nested} }}")
        assert reply.status in PUZZLED, str(reply)
        deep = "{ " * 50 + "SERVICE <peninsula:own> { ?s ?p ?o }" + " }" * 50
        assert asking.query(f"SELECT * {{ {deep} }}").status in {200, 400}
    assert len(host.visits) <= 63


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * {{ {} }}".format("SERVICE <peninsula:own> { ?s ?p ?o } " * 3000),
        "SELECT * {{ {} }}".format("OPTIONAL { SERVICE <peninsula:own> { ?s ?p ?o } } " * 600),
        "SELECT * {{ {}?s ?p ?o{} }}".format("{ SERVICE <peninsula:own> { " * 500, "} }" * 500),
        "SELECT * {{ SERVICE <peninsula:own> {{ {} }} }}".format("?s ?p ?o . " * 4000),
        "SELECT * {{ SERVICE <peninsula:own> {{ VALUES ?x {{ {} }} }} }}".format("1 " * 100_000),
        "SELECT * {{ VALUES ?x {{ {} }} SERVICE <peninsula:own> {{ ?s ?p ?x }} }}".format(
            "1 " * 100_000
        ),
        "SELECT * {{ ?s ?p ?o . {} SERVICE <peninsula:own> {{ ?s ?q ?r }} }}".format(
            "?s ?p ?o . " * 100
        ),
        "SELECT * {{ {} SERVICE <peninsula:own> {{ ?a0 ?q ?r }} }}".format(
            " ".join(f"?a{n} ?b{n} ?a{n + 1} ." for n in range(100))
        ),
        "SERVICE " * 20_000,
        "SELECT * { SERVICE",
        "SELECT * { SERVICE <peninsula:own>",
        "SELECT * { SERVICE <peninsula:own> {",
        "SELECT * { SERVICE SILENT SILENT <peninsula:own> { ?s ?p ?o } }",
        "SELECT * { SERVICE <peninsula:own> { ?s ?p ?o } } SERVICE <peninsula:own> {}",
        "SERVICE <peninsula:own> { ?s ?p ?o }",
    ],
    ids=range(15),
)
def test_queries_of_death_with_services_in_them(asking: Target, text: str) -> None:
    with asking.undisturbed():
        reply = asking.query(text)
    assert reply.status in {200, 400, 403, 502, 503, 504, 507}, str(reply)
    assert reply.seconds < 8


def test_nothing_tells_where_services_are(asking: Target, host: Host) -> None:
    """Names of services, and never their addresses: those may be inside of a network."""
    asking.query(HANGING.format("told"))
    host.answer = redirect("http://10.0.0.1/secret")
    asking.query(HANGING.format("led"))
    where = str(host.port)
    for path in (
        "/", "/health", "/ready", "/metrics", "/about", "/sparql", "/openapi.json", "/void",
        "/.well-known/void", "/queries", "/history",
    ):  # fmt: skip
        for accept in ("*/*", "text/html", "text/turtle"):
            reply = asking.request("GET", path, headers={"Accept": accept})
            assert where not in reply.text, f"{path} tells it"
            assert "10.0.0.1" not in reply.text
    reply = asking.query("SELECT * { SERVICE <http://example.org/> {} }")
    assert where not in reply.text and "peninsula:own" in reply.text
    metrics = asking.request("GET", "/metrics").text
    assert 'peninsula_service_requests_total{outcome="ok",service="own"}' in metrics


def test_a_storm_of_many_kinds_leaves_nothing_behind(asking: Target, host: Host) -> None:
    before = len(asking.processes("pen-results"))
    answers = [
        b"",
        response(EMPTY),
        response(b"{"),
        response(b"x", status="503 No"),
        redirect("http:"),
    ]

    def attack(number: int) -> int:
        host.answer = answers[number % len(answers)]
        return asking.query(HANGING.format(f"storm{number}")).status

    with asking.undisturbed(), ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(attack, range(80)))
    assert statuses <= {200, 502, 503, 504}
    host.answer = response()
    wait_until(lambda: len(asking.processes("pen-results")) <= before, 5)
    assert asking.query(HANGING.format("after")).status == 200
    wait_until(lambda: "peninsula_service_calls 0.0" in asking.request("GET", "/metrics").text, 2)
