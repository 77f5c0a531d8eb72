"""Rows 5, 6, 7 and 14, and the policy on what is fetched: SERVICE, LOAD, FROM, and updates in disguise."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest

from .hosts import Host, behaving, drip
from .target import FORM, QUERY, TURTLE, UPDATE, Target, wait_until

PASSWORDS = "root:"


def spellings(address: str) -> list[str]:
    """Return groups that call the service at ``address``, in every spelling."""
    call = f"SERVICE <{address}> {{ ?s ?p ?o }}"
    return [
        call,
        call.lower(),
        call.replace("SERVICE ", "SeRvIcE"),
        call.replace("SERVICE", "SERVICE SILENT"),
        call.replace("SERVICE", "SERVICE#\n"),
        call.replace("SERVICE", "SERVICE # <x:y>\r\n SILENT # {}\n"),
        call.replace(" ", "\t\n\r "),
        call.replace("E", "\\u0045", 1),
        call.replace("SERVICE", "".join(f"\\u{ord(c):04X}" for c in "SERVICE")),
        call.replace("SERVICE", "".join(f"\\U{ord(c):08x}" for c in "service")),
        call.replace("SERVICE", "\\u0053ERVIC\\U00000045 SILENT"),
        f"VALUES ?where {{ <{address}> }} SERVICE ?where {{ ?s ?p ?o }}",
        f"VALUES ?where {{ <{address}> }} SERVICE SILENT $where {{ ?s ?p ?o }}",
        f"OPTIONAL {{ {{ {{ {call} }} }} }}",
        f"FILTER EXISTS {{ {call} }}",
        f"FILTER NOT EXISTS {{ MINUS {{ {call} }} }}",
        f"GRAPH ?g {{ {call} }}",
        f"{{ SELECT * {{ {call} }} }}",
        f"?a ?b '#' . {call} # '",
        f"?a ?b '''it''s '' # ''' . {call}",
        f'?a ?b "\\"" . {call} #"',
        f'?a ?b "\\\\" . {call} #"',
        f"?a ?b '\\u0027 . {call} #'",
        f"?a ?b '\\u005C' . {call} #'",
        f"?a <x:#'> ?c . {call} # '",
        f"?a ?b <x:\\u003E> . {call} # >",
        f"FILTER(1<2) {call} FILTER(2>1)",
        f"FILTER(?a<?b&&'x'>?c) {call}",
        f"BIND(<x:y>AS ?x){call}",
        f"?a ?b 1.{call}",
        f"?a ?b <<( <x:s> <x:p> '>>' )>> . {call}",
        f"?a ?b 'x'@en-US . {call}",
        f"?a x:y\\# ?b . {call}",
        f"?a x:y%23 ?b . {call}",
        call.replace("{ ?s ?p ?o }", "{ SERVICE SILENT <file:///etc/passwd> { ?s ?p ?o } }"),
    ]


@pytest.mark.parametrize(
    "form",
    ["SELECT * {{ {}\n}}", "ASK {{ {}\n}}", "DESCRIBE * {{ {}\n}}"],
    ids=["select", "ask", "describe"],
)
def test_service_is_refused_in_every_spelling(target: Target, canary: Host, form: str) -> None:
    refused = 0
    with target.undisturbed():
        for group in spellings(canary.address):
            reply = target.query("PREFIX x: <x:> " + form.format(group))
            assert reply.status in {400, 403}, f"{group}: {reply}"
            refused += reply.kind in {"query-forbidden", "service-forbidden"}
            assert PASSWORDS not in reply.text
    assert refused >= len(spellings("")) - 2, "hidden from the policy, and left to the parser"
    assert not canary.visits


def test_service_is_refused_in_an_update_and_whatever_the_method(
    target: Target, canary: Host
) -> None:
    with target.undisturbed():
        for group in spellings(canary.address):
            for text in (
                f"PREFIX x: <x:> INSERT {{ ?s ?p ?o }} WHERE {{ {group} }}",
                f"PREFIX x: <x:> INSERT DATA {{ <x:a> <x:b> '}}' }} ; DELETE WHERE {{ {group} }}",
                f"PREFIX x: <x:> WITH <x:g> DELETE {{}} USING <x:h> WHERE {{ {group} }}",
            ):
                reply = target.update(text)
                assert reply.status in {400, 403}, f"{text}: {reply}"
        query = f"SELECT * {{ SERVICE <{canary.address}> {{}} }}"
        for method, path, body, media_type in (
            ("GET", f"/sparql?{urlencode({'query': query})}", b"", ""),
            ("POST", "/sparql", urlencode({"query": query}).encode(), FORM),
            ("QUERY", "/sparql", query.encode(), QUERY),
        ):
            headers = {"Content-Type": media_type} if media_type else {}
            reply = target.request(method, path, body, headers)
            assert reply.status == 403, str(reply)
    assert not canary.visits


def is_confined(pid: int) -> bool:
    """Return whether a process may open no socket; one that has ended can do so least of all."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    return "Seccomp:\t2" in status or "State:\tZ" in status


def test_a_reader_cannot_open_a_socket(target: Target) -> None:
    assert '"confined":true' in target.request("GET", "/ready").text
    with target.undisturbed():
        readers = target.processes("pen-reader") + target.processes("pen-writer")
        assert readers
        for pid in readers:
            # One that was forked just now confines itself before it says that it is ready.
            wait_until(lambda pid=pid: is_confined(pid), 10)  # type: ignore[misc]


def test_no_file_is_read_for_a_dataset(target: Target) -> None:
    file = "file:///etc/passwd"
    with target.undisturbed():
        for text in (
            f"SELECT * FROM <{file}> {{ ?s ?p ?o }}",
            f"SELECT * FROM NAMED <{file}> {{ GRAPH ?g {{ ?s ?p ?o }} }}",
            f"SELECT * FROM # <x:y>\n <{file.upper()}> {{ ?s ?p ?o }}",
            "SELECT * FROM <\\u0066ile:///etc/passwd> { ?s ?p ?o }",
        ):
            reply = target.query(text)
            assert reply.status == 403, f"{text}: {reply}"
        # Names of graphs, of which there are none of this name: nothing is opened.
        for text, parameters in (
            ("BASE <file:///etc/> SELECT * FROM <passwd> { ?s ?p ?o }", {}),
            ("PREFIX f: <file:///etc/> SELECT * FROM f:passwd { ?s ?p ?o }", {}),
            ("SELECT * { ?s ?p ?o }", {"default-graph-uri": file}),
            ("SELECT * { GRAPH ?g { ?s ?p ?o } }", {"named-graph-uri": file}),
        ):
            reply = target.query(text, parameters=parameters)
            assert reply.status in {200, 400, 403}, str(reply)
            assert PASSWORDS not in reply.text
            if reply.status == 200:
                assert '"bindings":[]' in reply.text


def test_a_dataset_on_the_network_is_not_fetched(target: Target, canary: Host) -> None:
    with target.undisturbed():
        reply = target.query(f"SELECT * FROM <{canary.address}/x.ttl> {{ ?s ?p ?o }}")
        assert reply.status == 200 and '"bindings":[]' in reply.text
    assert not canary.visits


def test_an_update_is_none_whatever_it_looks_like(target: Target) -> None:
    updates = [
        "INSERT DATA { <x:s> <x:p> 1 }",
        "# SELECT * {}\nINSERT DATA { <x:s> <x:p> 1 }",
        "PREFIX SELECT: <x:> DELETE WHERE { ?s ?p ?o }",
        "BASE <x:SELECT> CLEAR ALL",
        "DROP ALL",
        "CREATE GRAPH <x:g>",
        "LOAD <http://127.0.0.1:9/>",
        "\\u0044ROP ALL",
        "WITH <x:g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
        "SELECT * {} ; DROP ALL",
        "ASK {} DROP ALL",
        "SELECT * { ?s ?p ?o } \n; INSERT DATA { <x:s> <x:p> 1 }",
    ]
    with target.undisturbed():
        for text in updates:
            assert target.query(text).status == 400, text
            for path, body, media_type, status in (
                ("/sparql", text.encode(), UPDATE, 415),
                ("/sparql", urlencode({"update": text}).encode(), FORM, 400),
                ("/sparql?" + urlencode({"update": text}), b"query=ASK+{}", FORM, 400),
                ("/update", text.encode(), QUERY, 415),
                ("/update", urlencode({"query": text}).encode(), FORM, 400),
            ):
                reply = target.request(
                    "POST", path, body, {"Content-Type": media_type}, role="admin"
                )
                assert reply.status == status, f"{path} {text}: {reply}"
            reply = target.request("GET", "/update?" + urlencode({"update": text}), role="admin")
            assert reply.status == 405, str(reply)
        for text in (
            "SELECT * {}",
            "ASK {}",
            "",
            "PREFIX x: <x:> CONSTRUCT WHERE { ?s ?p ?o }",
        ):
            assert target.update(text).status == 400, text


# LOAD.


def answer(body: str, media_type: str = TURTLE, status: str = "200 OK", more: str = "") -> bytes:
    data = body.encode()
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\n{more}"
        f"Content-Length: {len(data)}\r\n\r\n"
    ).encode() + data


def test_load_is_off_where_no_host_is_allowed(target: Target, canary: Host) -> None:
    canary.answer = answer("<x:s> <x:p> 1 .")
    with target.undisturbed():
        for text in (
            f"LOAD <{canary.address}/x.ttl>",
            f"LOAD SILENT <{canary.address}/x.ttl> INTO GRAPH <x:g>",
            f"INSERT DATA {{ <x:s> <x:p> '; LOAD <{canary.address}/>' }} ; LOAD <{canary.address}/x.ttl>",
            f"BASE <{canary.address}/> lo\\u0041d <x.ttl>",
            "LOAD <file:///etc/passwd>",
            "LOAD <file:///etc/passwd> INTO GRAPH <x:g>",
        ):
            reply = target.update(text)
            # SILENT passes over what cannot be loaded, and nothing is.
            is_silent = "SILENT" in text and reply.status == 200 and '"added":0' in reply.text
            assert is_silent or reply.status in {400, 403}, f"{text}: {reply}"
    assert not canary.visits


def test_load_fetches_from_allowed_addresses_only(open_target: Target, canary: Host) -> None:
    """Names near the allowed one, user names, other schemes, other ports, other spellings."""
    port = canary.port
    canary.answer = answer("<x:s> <x:p> 1 .")
    with open_target.undisturbed():
        for address in (
            "file:///etc/passwd",
            "FILE:/etc/passwd",
            f"ftp://127.0.0.1:{port}/",
            f"gopher://127.0.0.1:{port}/",
            "data:text/turtle,<x:s><x:p>1.",
            f"http://user@127.0.0.1:{port}/",
            f"http://user:secret@127.0.0.1:{port}/",
            f"http://127.0.0.1:{port}@127.0.0.1:9/",
            f"http://127.0.0.1:{port}.example.org/",
            f"http://127.0.0.1.example.org:{port}/",
            f"http://localhost:{port}/",
            f"http://127.1:{port}/",
            f"http://2130706433:{port}/",
            f"http://0x7f000001:{port}/",
            f"http://0177.0.0.1:{port}/",
            f"http://0.0.0.0:{port}/",
            f"http://[::1]:{port}/",
            f"http://[::ffff:127.0.0.1]:{port}/",
            f"http://127.0.0.2:{port}/",
            "http://127.0.0.1/",
            f"http://127.0.0.1:{port + 1}/",
            f"https://127.0.0.1:{port + 1}/",
            "http://169.254.169.254/latest/meta-data/",
            f"http://127.0.0.1%2F:{port}/",
            f"http://127.0.0.1:{port}999/",
            f"http://127.0.0.1:{port}%20/",
            "",
            "x.ttl",
        ):
            reply = open_target.update(f"LOAD <{address}> INTO GRAPH <x:loaded>")
            # The last two are relative to the server's own address, which is not listed.
            assert reply.status in {400, 403}, f"{address}: {reply}"
            assert PASSWORDS not in reply.text
    assert not canary.visits


def test_a_name_that_leads_into_a_network_is_refused(open_target: Target, canary: Host) -> None:
    host = socket.gethostname()
    try:
        inside = socket.gethostbyname(host)
    except OSError:
        pytest.skip("the name of this machine does not resolve")
    if not inside.startswith(("127.", "10.", "192.168.", "172.")):
        pytest.skip("this machine's name leads to a public address")
    with open_target.undisturbed():
        reply = open_target.update(f"LOAD <http://{host}:{canary.port}/x.ttl>")
        assert (reply.status, reply.kind) == (403, "query-forbidden"), str(reply)
        assert "inside of a network" in reply.problem["detail"]
    assert not canary.visits


def test_what_an_allowed_host_answers_is_not_trusted(
    open_target: Target, canary: Host, deaf_port: int
) -> None:
    here = canary.address
    doctype = '<!DOCTYPE r [<!ENTITY x "y">]><r>&x;</r>'
    answers = {
        "to a file": (answer("", status="302 Found", more="Location: file:///etc/passwd\r\n"), 403),
        "to another port": (
            answer("", status="301 M", more=f"Location: http://127.0.0.1:{deaf_port + 1}/\r\n"), 403
        ),
        "to a name": (
            answer("", status="307 T", more=f"Location: http://localhost:{canary.port}/\r\n"), 403
        ),
        "to metadata": (
            answer("", status="308 P", more="Location: http://169.254.169.254/\r\n"), 403
        ),
        "with a user": (
            answer("", status="302 F", more=f"Location: http://u:p@127.0.0.1:{canary.port}/\r\n"), 403
        ),
        "without end": (answer("", status="302 F", more=f"Location: {here}/x.ttl\r\n"), 502),
        "nowhere": (answer("", status="302 F"), 502),
        "error": (answer("no", status="500 Oops"), 502),
        "page": (answer("<html>", "text/html"), 502),
        "doctype": (answer(doctype, "application/rdf+xml"), 400),
        "deep": (answer('{"x:a":' * 4000 + "1" + "}" * 4000, "application/ld+json"), 400),
        "context": (answer(f'{{"@context":"{here}/c","a":1}}', "application/ld+json"), 400),
        "broken": (answer("<x:s> <x:p>"), 400),
        "too large": (answer("#" * 9_000_000), 502),
        "compressed": (answer("x", more="Content-Encoding: gzip\r\n"), 502),
        "headers": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n", 502),
        "no HTTP": (b"SSH-2.0-OpenSSH\r\n", 502),
        "nothing": (b"", 502),
        "cut short": (answer("<x:s> <x:p> 1 .")[:-5], 502),
    }  # fmt: skip
    with open_target.undisturbed():
        for name, (canary.answer, status) in answers.items():
            canary.visits.clear()
            reply = open_target.update(f"LOAD <{here}/x> INTO GRAPH <x:loaded>")
            assert reply.status == status, f"{name}: {reply}"
            assert len(canary.visits) == (6 if name == "without end" else 1), name
            assert PASSWORDS not in reply.problem["detail"]
            quiet = open_target.update(f"LOAD SILENT <{here}/x> INTO GRAPH <x:loaded>")
            assert quiet.status == 200 and '"added":0' in quiet.text, f"{name}: {quiet}"
        reply = open_target.update(f"LOAD <http://127.0.0.1:{deaf_port}/x>")
        assert (reply.status, reply.kind) == (502, "upstream-unreachable"), str(reply)


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/turtle\r\n\r\n", b"#"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/turtle\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n#\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["status", "header", "body", "chunks", "continue"],
)  # fmt: skip
def test_a_host_that_answers_slowly_is_given_up(
    open_target: Target, canary: Host, head: bytes, drop: bytes
) -> None:
    with behaving(canary, drip(drop, head, 0.3)), open_target.undisturbed():
        began = time.monotonic()
        reply = open_target.update(f"LOAD <{canary.address}/x.ttl>", timeout=15)
        assert (reply.status, reply.kind) == (504, "upstream-timeout"), str(reply)
        assert time.monotonic() - began < 5


def test_load_brings_what_an_allowed_host_has(open_target: Target, canary: Host) -> None:
    canary.answer = answer("<x:s> <x:p> 'loaded' .")
    with open_target.undisturbed(changes=True):
        reply = open_target.update(f"LOAD <{canary.address}/x.ttl> INTO GRAPH <x:loaded>")
        assert reply.status == 200 and '"added":1' in reply.text, str(reply)
    assert b"User-Agent: peninsula/" in canary.visits[0]
    assert b"Authorization" not in canary.visits[0]
    assert open_target.update("DROP GRAPH <x:loaded>").status == 200
