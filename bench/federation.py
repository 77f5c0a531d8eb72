"""What does a join with another server cost: requests, bytes and time?

The same query is asked of Peninsula and of ``oxigraph serve``, both with the same data of their own
and about the same other server, a second ``oxigraph serve`` behind a proxy that counts. One sends
bindings along, the other fetches what stands in the SERVICE clause. No answer is cached.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.wikidata.servers import Proxy

from bench.findings import Finding, median, milliseconds
from bench.servers import OxigraphMemory, Peninsula, Server
from bench.validation import Setting

#: Scale of the benchmark -> items that the other server knows, each with seven triples.
ITEMS = {"real": 15_000, "1": 150_000, "10": 300_000}
#: Things of our own: each is the same as an item.
THINGS = 10_000
_BASE = "http://bench.example"
_JSON = "application/sparql-results+json"

#: Name -> what is asked of both, with {service} for the other server.
QUERIES = {
    "a dozen things": """
SELECT ?thing ?name ?born WHERE {{
  ?thing a <{base}/Leader> ; <{base}/same> ?item .
  SERVICE <{service}> {{ ?item <{base}/name> ?name ; <{base}/born> ?born }}
}}""",
    "a dozen things, optionally": """
SELECT ?thing ?name ?party WHERE {{
  ?thing a <{base}/Leader> ; <{base}/same> ?item .
  OPTIONAL {{ SERVICE <{service}> {{
    ?item <{base}/name> ?name ; <{base}/member> ?party . ?party <{base}/born> ?founded }} }}
}}""",
    "a thousand things": """
SELECT ?thing ?name WHERE {{
  ?thing a <{base}/Official> ; <{base}/same> ?item .
  SERVICE <{service}> {{ ?item <{base}/name> ?name }}
}}""",
}


def _own() -> Iterator[str]:
    for i in range(THINGS):
        thing = f"<{_BASE}/thing/{i}>"
        yield f"{thing} <{_BASE}/same> <{_BASE}/item/{i * 7 % 9973}> .\n"
        kind = "Leader" if i % 800 == 0 else "Official" if i % 10 == 0 else "Thing"
        yield f"{thing} <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{_BASE}/{kind}> .\n"
        yield f'{thing} <{_BASE}/label> "Thing {i}"@en .\n'


def _other(items: int) -> Iterator[str]:
    for i in range(items):
        item = f"<{_BASE}/item/{i}>"
        for name, language in ((f"Item {i}", "en"), (f"항목 {i}", "ko"), (f"Предмет {i}", "ru")):
            yield f'{item} <{_BASE}/name> "{name}"@{language} .\n'
        day = f'"{1900 + i % 100}-{1 + i % 12:02}-{1 + i % 28:02}"'
        yield f"{item} <{_BASE}/born> {day}^^<http://www.w3.org/2001/XMLSchema#date> .\n"
        yield f"{item} <{_BASE}/member> <{_BASE}/item/{i % 97}> .\n"
        yield f"{item} <{_BASE}/in> <{_BASE}/place/{i % 211}> .\n"
        yield f'{item} <{_BASE}/code> "{i:08}" .\n'


def _write(path: Path, lines: Iterator[str]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for count, line in enumerate(lines, 1):  # noqa: B007, the last one is the number
            file.write(line)
    return count


def selective(setting: Setting) -> None:
    """Join a little of ours with a lot of another server's."""
    own, other = setting.folder / "own.nt", setting.folder / "other.nt"
    _write(own, _own())
    triples = _write(other, _other(ITEMS[setting.scale]))
    setting.say(f"federation: {triples:,} triples elsewhere")
    remote = OxigraphMemory(setting.folder / "remote", other)
    ours = Peninsula(setting.folder / "ours", own, memory=setting.memory)
    peer = OxigraphMemory(setting.folder / "peer", own)
    started: list[Server] = []
    try:
        remote.start()
        started.append(remote)
        with Proxy(f"http://127.0.0.1:{remote.port}/query") as proxy:
            (ours.folder / "peninsula.toml").write_text(
                f'[services.other]\naddress = "{proxy.address}"\ntrusted = true\ncache = 0\n'
            )
            ours.load()
            for server in (ours, peer):
                server.start()
                started.append(server)
            for name, query in QUERIES.items():
                text = query.format(base=_BASE, service=proxy.address)
                _measure(setting, triples, name, text, (ours, peer), proxy)
    finally:
        for server in reversed(started):
            server.stop()


def _measure(
    setting: Setting, triples: int, name: str, query: str, servers: tuple[Server, ...], proxy: Proxy
) -> None:
    seconds: dict[str, list[float]] = defaultdict(list)
    traffic: dict[str, tuple[int, int]] = {}
    rows: dict[str, int] = {}
    for number in range(setting.rounds + 1):
        for server in servers if number % 2 else reversed(servers):
            proxy.clear()
            answer = server.client.query(server.query_path, query, _JSON, keep=not number)
            if number:
                seconds[server.name].append(answer.total)
            else:
                rows[server.name] = len(json.loads(answer.body)["results"]["bindings"])
            traffic[server.name] = (len(proxy.queries), proxy.sent + proxy.received)
    ours, peer = (server.name for server in servers)
    data = f"{triples / 1e6:.1f}M elsewhere"
    if rows[ours] != rows[peer]:
        setting.report.warnings.append(f"{name}: {rows[ours]} rows here, {rows[peer]} there.")
    setting.report.raw.setdefault("federation", {})[f"{data}, {name}"] = {
        "rows": rows, "requests and bytes": traffic, "seconds": dict(seconds),
    }  # fmt: skip
    (our_requests, our_bytes), (peer_requests, peer_bytes) = traffic[ours], traffic[peer]
    ratio = peer_bytes / our_bytes
    setting.report.add(
        Finding(
            data,
            f"SERVICE, {name}: bytes",
            f"{our_bytes:,} in {our_requests}",
            f"{peer_bytes:,} in {peer_requests}",
            ratio,
            f"{ratio:,.0f} × fewer",
            "federation bytes",
            f"{rows[ours]} rows; {peer}",
        )
    )
    faster = median(seconds[ours]) / median(seconds[peer])
    setting.report.add(
        Finding(
            data,
            f"SERVICE, {name}: time",
            f"{milliseconds(seconds[ours])} ms",
            f"{milliseconds(seconds[peer])} ms",
            faster,
            f"{faster:.2f} ×",
            "federation time",
        )
    )
