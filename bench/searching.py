"""How long does it take to find one of a million names, and to make that possible?

A store with a million names is served, and asked for the first time: that has the index made, and
how long that takes, on disk and in memory, is what the index says of itself and what its processes
take meanwhile. Then texts as people type them are looked for over HTTP, each of them once: whole
names, beginnings, slips, endings, particles, words in another order. The peer is what there is
without an index: Oxigraph, which filters all names by CONTAINS.
"""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from bench import names
from bench.findings import Finding, milliseconds, percentile
from bench.servers import Oxigraph, Peninsula, Server, proportional
from bench.validation import Setting

#: Names, of which the thousandth part is looked for.
NAMES = 1_000_000
_TEXTS = 300
#: Texts that the peer is asked for: it takes a second for each.
_PEER_TEXTS = 12
_LONGEST_BUILD = 900.0
_TICK = 0.2
_JSON = {"Accept": "application/json"}
_ASKED = "/search?q=hanoi&format=json"
_PARTICLES = ("은", "이", "의", "에서", "와")
_ENDINGS = ("а", "у", "ом", "е")


def search(setting: Setting) -> None:
    """Measure at the scale of a million triples alone: names are a million at every scale."""
    if setting.scale != "1":
        return
    things = int(NAMES / names.NAMES_A_THING)
    data = setting.folder / "names.nt"
    count = names.write(data, things)
    title = f"{count / 1e6:.1f}M names"
    setting.say(f"[bold]{title}[/]: {things:,} things, {data.stat().st_size / 1e6:,.0f} MB")
    ours = Peninsula(setting.folder / "ours", data, memory="never")
    peer = Oxigraph(setting.folder / "peer", data)
    texts = list(_texts(things))
    for server in (ours, peer):
        setting.say(f"{server.name} loaded in {server.load():.1f} s")
    ours.start()
    try:
        build = _build(setting, ours, title)
        mine = _ask(ours, texts)
    finally:
        ours.stop()
    peer.start()
    try:
        theirs = _ask_peer(peer, texts[:_PEER_TEXTS])
    finally:
        peer.stop()
    report = setting.report
    report.raw[f"{title} search, s"] = {"ours": mine, "peer": theirs, "build": build}
    slow = percentile(mine, 0.95)
    report.add(
        Finding(
            title, "search over HTTP, 95th percentile", milliseconds([slow]),
            milliseconds([percentile(theirs, 0.95)]), slow * 1000, milliseconds([slow]), "search",
            f"{len(mine)} texts, each once; median {milliseconds(mine)} ms, the peer's "
            f"{milliseconds(theirs)} ms by CONTAINS for the first 20 names",
        )
    )  # fmt: skip
    shutil.rmtree(setting.folder / "ours")
    shutil.rmtree(setting.folder / "peer")
    data.unlink()


def _build(setting: Setting, server: Server, title: str) -> dict[str, float]:
    """Have the index made; report what that took."""
    peak = 0.0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        web = server.web_process()
        while not done.wait(_TICK):
            # What is forked of the zygote was there before.
            family = [pid for pid in server.processes() if pid != web and _is_building(pid)]
            peak = max(peak, proportional(family))

    before = proportional([server.web_process()])
    watcher = threading.Thread(target=watch)
    began = time.perf_counter()
    watcher.start()
    worst = 0.0
    try:
        server.client.request("GET", _ASKED, _JSON)
        while not (told := list(server.store.glob("search/[0-9]*/about.json"))):
            if time.perf_counter() - began > _LONGEST_BUILD:
                raise TimeoutError(f"no index after {_LONGEST_BUILD:.0f} s")
            # Others are answered meanwhile.
            worst = max(worst, server.client.request("GET", "/health", _JSON).total)
            time.sleep(_TICK)
    finally:
        done.set()
        watcher.join()
    took = time.perf_counter() - began
    answer = server.client.request("GET", _ASKED, _JSON, keep=True)
    assert not json.loads(answer.body)["provisional"], "the index is not the one that answers"
    about = json.loads(told[0].read_text())
    size = about["bytes"] / 1e6
    spent = about["processor"]
    setting.say(
        f"indexed in {took:.1f} s, {spent:.0f} s of processors, {size:.0f} MB on disk, "
        f"{peak:.0f} MB of memory"
    )
    held = proportional([server.web_process()]) - before
    setting.report.add(
        Finding(
            title, "index made, beside the server", f"{took:.1f} s", "", took, f"{took:.1f} s",
            "index",
            f"{spent:.0f} s of processors, {size:.0f} MB on disk, {peak:.0f} MB of memory at most; "
            f"the server took {held:.0f} MB more; and another request meanwhile "
            f"{milliseconds([worst])} ms at most",
        )
    )  # fmt: skip
    return {
        "seconds": took,
        "processor": spent,
        "disk MB": size,
        "peak MB": peak,
        "held MB": held,
        "other": worst,
    }


def _is_building(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("pen-names")
    except OSError:
        return False


def _ask(server: Server, texts: list[str]) -> list[float]:
    """Look for each text once; return the seconds."""
    return [
        server.client.request("GET", f"/search?q={quote(text)}&format=json", _JSON).total
        for text in texts
    ]


def _ask_peer(server: Server, texts: list[str]) -> list[float]:
    seconds = []
    for text in texts:
        tests = " && ".join(
            f"CONTAINS(LCASE(STR(?name)), {json.dumps(word.lower())})" for word in text.split()
        )
        query = (
            "SELECT ?thing ?name { ?thing <http://www.w3.org/2000/01/rdf-schema#label> ?name "
            f"FILTER({tests}) }} LIMIT 20"
        )
        answer = server.client.query(server.query_path, query, "application/sparql-results+json")
        seconds.append(answer.total)
    return seconds


def _texts(things: int) -> Iterator[str]:
    """Yield texts as people type them, made of the names that there are."""
    chance = random.Random(7)
    every = things // _TEXTS
    for number, thing in enumerate(names.Names().things(things)):
        if number % every:
            continue
        text, _ = chance.choice(thing.names)
        way = chance.randrange(7)
        words = text.split()
        if way == 0:  # a slip
            at = chance.randrange(len(text))
            text = text[:at] + text[at + 1 :]
        elif way == 1:  # as far as it is typed
            text = text[: max(3, len(text) * 2 // 3)]
        elif way == 2:  # one word of it
            text = chance.choice(words)
        elif way == 3:  # words in another order
            text = " ".join(reversed(words[-3:]))
        elif way == 4:
            text = _inflect(text, chance)
        elif way == 5:  # without spaces
            text = "".join(words[:3])
        yield text[:200]


def _inflect(text: str, chance: random.Random) -> str:
    last = text[-1]
    if "가" <= last <= "힣":
        return text + chance.choice(_PARTICLES)
    return text + chance.choice(_ENDINGS) if "а" <= last <= "я" else text
