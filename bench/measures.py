"""What is measured, and how?

One function a measure. Servers are asked in turn, in another order each round, so that a slow
moment of the machine hits all alike; a first round that does not count warms up and checks that all
servers answer the same.
"""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench import workload
from bench.client import Answer, Refused, TooSlow
from bench.findings import (
    Finding,
    Report,
    geometric_mean,
    median,
    milliseconds,
    percentile,
)
from bench.servers import (
    Oxigraph,
    OxigraphMemory,
    Peninsula,
    RdflibEndpoint,
    Server,
    cpu_seconds,
    proportional,
    resident,
)
from bench.workload import Query

#: An answer larger than this keeps the client busy, which two clients on two cores must not be.
_SMALL_ANSWER = 65_536
_SAMPLE_SECONDS = 0.05
#: Rounds in which rdflib-endpoint takes part: it is slower by far more than medians can blur.
_SLOW_ROUNDS = 2
#: After so many queries that were too slow for it, it is asked tiny ones only.
_GIVE_UP = 3
_FACT = "http://bench.example/update/"


@dataclass(slots=True)
class Setting:
    """One data set with the servers that hold it."""

    data: str
    triples: int
    mix: list[Query]
    servers: list[Server]
    rounds: int
    report: Report
    say: Callable[[str], None]

    def of(self, kind: type[Server]) -> Server | None:
        """Return the server of a kind, if it takes part."""
        return next((s for s in self.servers if type(s) is kind), None)

    @property
    def ours(self) -> Server | None:
        return self.of(Peninsula)

    def peers(self, *kinds: type[Server]) -> Iterator[Server]:
        """Return the peers of these kinds that take part."""
        return (server for kind in kinds if (server := self.of(kind)) is not None)

    def rotated(self, number: int, servers: Sequence[Server] | None = None) -> list[Server]:
        """Return the servers in the order of round ``number``."""
        those = list(self.servers if servers is None else servers)
        at = number % len(those) if those else 0
        return those[at:] + those[:at]


# -- before serving ---------------------------------------------------------------------------


def load(setting: Setting, *, measured: bool) -> None:
    """Load the data with each server's own command, several times where that is measured."""
    seconds: dict[str, list[float]] = defaultdict(list)
    loading = [s for s in setting.servers if s.load_command() is not None]
    for number in range(setting.rounds if measured else 1):
        for server in setting.rotated(number, loading):
            _remove(server)
            took = server.load()
            seconds[server.name].append(took)
            rate = setting.triples / took
            setting.say(f"{server.name} loaded in {took:.1f} s ({rate:,.0f} triples/s)")
    setting.report.raw[f"{setting.data} load, s"] = seconds
    ours, theirs = setting.ours, setting.of(Oxigraph)
    if not measured or ours is None or theirs is None:
        return
    mine, other = median(seconds[ours.name]), median(seconds[theirs.name])
    setting.report.add(
        Finding(
            setting.data,
            "load of one file, speed",
            f"{mine:.1f} s",
            f"{other:.1f} s",
            other / mine,
            f"{other / mine:.2f} ×",
            "load",
        )
    )


def start(setting: Setting) -> None:
    """Start on an existing store: seconds from the command to the first answered query."""
    seconds: dict[str, list[float]] = defaultdict(list)
    those = list(setting.peers(Peninsula, Oxigraph))
    for number in range(3):
        for server in setting.rotated(number, those):
            seconds[server.name].append(server.start(filled=False))
            left = server.stop()
            if left:
                setting.report.warnings.append(f"{server.name} left {len(left)} processes behind")
    setting.report.raw[f"{setting.data} start, s"] = seconds
    ours, theirs = setting.ours, setting.of(Oxigraph)
    if ours is None:
        return
    worst = max(seconds[ours.name])
    setting.report.add(
        Finding(
            setting.data,
            "start with an existing store (slowest)",
            f"{worst:.2f} s",
            f"{max(seconds[theirs.name]):.2f} s" if theirs else "",
            worst,
            f"{worst:.2f} s",
            "start",
        )
    )


def _remove(server: Server) -> None:
    if server.store.exists():
        shutil.rmtree(server.store)


# -- queries ----------------------------------------------------------------------------------


def queries(setting: Setting) -> None:
    """Ask the mix, never the same text twice; ratios of medians to each peer."""
    seconds: dict[str, dict[str, list[float]]] = {
        q.name: {s.name: [] for s in setting.servers} for q in setting.mix
    }
    answers: dict[str, tuple[bool, int, int]] = {}
    those = list(setting.peers(Peninsula, Oxigraph, OxigraphMemory))
    spent = {s.name: 0.0 for s in those}
    for number in range(setting.rounds + 1):
        if number == 1:
            spent = {s.name: cpu_seconds(s.processes()) for s in those}
        setting.say(f"queries, round {number} of {setting.rounds}")
        for query in setting.mix:
            chance = random.Random(f"{number} {query.name}")
            times = 5 if query.tiny and number else 1
            texts = [query.instance(chance) for _ in range(times)]
            for server in setting.rotated(number):
                if _takes_part(server, query, number, seconds):
                    for text in texts:
                        answer = _ask(setting, query, server, text, keep=number == 0)
                        if answer is None:
                            del seconds[query.name][server.name]
                            break
                        if number:
                            seconds[query.name][server.name].append(answer.total)
                        else:
                            _check(setting, query, server, answer, answers)
    setting.report.queries[setting.data] = seconds
    setting.report.answers[setting.data] = answers
    _judge_queries(setting, seconds)
    used = {s.name: cpu_seconds(s.processes()) - spent[s.name] for s in those}
    _judge_processors(setting, used)
    _memory(setting)


def _takes_part(
    server: Server, query: Query, number: int, seconds: dict[str, dict[str, list[float]]]
) -> bool:
    """Whether a server is still asked that query; drops a peer that is not worth the wait."""
    if server.name not in seconds[query.name]:  # it was too slow
        return False
    if not isinstance(server, RdflibEndpoint):
        return True
    missed = sum(server.name not in by_server for by_server in seconds.values())
    if missed >= _GIVE_UP and not query.tiny and not seconds[query.name][server.name]:
        del seconds[query.name][server.name]
        return False
    return number <= _SLOW_ROUNDS


def _ask(setting: Setting, query: Query, server: Server, text: str, *, keep: bool) -> Answer | None:
    """Return the answer; None, with a warning, where it does not come or is an error."""
    try:
        return server.client.query(server.query_path, text, query.accept, keep=keep)
    except (TooSlow, Refused) as problem:
        warning = f"{setting.data}: {query.name}: {server.name}: {problem}"
        setting.report.warnings.append(warning)
        if isinstance(problem, TooSlow):  # it may compute on for hours
            server.restart()
        return None


def _check(
    setting: Setting,
    query: Query,
    server: Server,
    answer: Answer,
    answers: dict[str, tuple[bool, int, int]],
) -> None:
    """See that a server's answer is as large as the others'; rdflib writes other JSON."""
    if query.accept == workload.RESULTS:
        rows = len(json.loads(answer.body)["results"]["bindings"])
    else:
        rows = len(set(answer.body.splitlines()) - {b""})
    if "DESCRIBE" in query.name and isinstance(server, RdflibEndpoint):
        return  # what describes a thing is left to each engine
    known = answers.setdefault(query.name, (query.tiny, rows, answer.size))
    # The names of blank nodes have no fixed length.
    exact = not isinstance(server, RdflibEndpoint) and b'"bnode"' not in answer.body
    if known[1] != rows or (exact and known[2] != answer.size):
        setting.report.warnings.append(
            f"{setting.data}: {query.name}: {server.name} answers {rows:,} rows in "
            f"{answer.size:,} bytes, another {known[1]:,} in {known[2]:,}"
        )


def _judge_queries(setting: Setting, seconds: dict[str, dict[str, list[float]]]) -> None:
    ours = setting.ours
    if ours is None:
        return
    add = setting.report.add

    def ratios(peer: Server, tiny: bool | None) -> dict[str, float]:
        return {
            q.name: median(seconds[q.name][ours.name]) / median(seconds[q.name][peer.name])
            for q in setting.mix
            if tiny in {None, q.tiny} and {ours.name, peer.name} <= seconds[q.name].keys()
        }

    def add_ratio(what: str, peer: Server, tiny: bool | None, target: str | None) -> None:
        found = ratios(peer, tiny)
        if not found:
            return
        mean, worst = geometric_mean(list(found.values())), max(found, key=found.__getitem__)
        note = f"worst: {worst}, {found[worst]:.2f} ×"
        figures = ("", peer.name, mean, f"{mean:.2f} ×")
        add(Finding(setting.data, what, *figures, target, note))

    for peer in setting.peers(Oxigraph, OxigraphMemory, RdflibEndpoint):
        disk, memory = isinstance(peer, Oxigraph), isinstance(peer, OxigraphMemory)
        add_ratio("all queries, geometric mean", peer, None, "all, to disk" if disk else None)
        add_ratio(
            "heavy queries, geometric mean", peer, False, "heavy, to memory" if memory else None
        )
    for peer in setting.peers(OxigraphMemory, Oxigraph):
        extra = {
            q.name: (median(seconds[q.name][ours.name]) - median(seconds[q.name][peer.name])) * 1000
            for q in setting.mix
            if q.tiny and {ours.name, peer.name} <= seconds[q.name].keys()
        }
        if extra:
            worst = max(extra, key=extra.__getitem__)
            target = "tiny, extra ms" if isinstance(peer, OxigraphMemory) else None
            add(
                Finding(
                    setting.data,
                    "tiny queries, extra time (largest)",
                    milliseconds(seconds[worst][ours.name]) + " ms",
                    f"{milliseconds(seconds[worst][peer.name])} ms {peer.name}",
                    extra[worst],
                    f"{extra[worst]:+.2f} ms",
                    target,
                    f"{worst}; median over tiny ones {median(list(extra.values())):+.2f} ms",
                )
            )


def _judge_processors(setting: Setting, used: dict[str, float]) -> None:
    """Report processor time over the whole mix: what other programs on the machine blur least."""
    setting.report.raw[f"{setting.data} processor time of the mix, s"] = used
    ours = setting.ours
    for peer in setting.peers(Oxigraph, OxigraphMemory):
        if ours is not None and used[peer.name]:
            mine, other = used[ours.name], used[peer.name]
            setting.report.add(
                Finding(
                    setting.data,
                    "processor time of the mix, all processes",
                    f"{mine:.2f} s",
                    f"{other:.2f} s {peer.name}",
                    mine / other,
                    f"{mine / other:.2f} ×",
                )
            )


def _memory(setting: Setting) -> None:
    """Report the memory of each server's processes when all was asked."""
    used = {server.name: proportional(server.processes()) for server in setting.servers}
    setting.report.raw[f"{setting.data} memory after the queries, MB"] = used
    shown = ", ".join(
        f"{name} {mb:,.0f}"
        for name, mb in used.items()
        if setting.ours is None or name != setting.ours.name
    )
    mine = f"{used[setting.ours.name]:,.0f} MB" if setting.ours else ""
    setting.report.add(Finding(setting.data, "memory of all processes after that", mine, shown))


def repeat(setting: Setting) -> None:
    """Ask the same text again and again: ours may answer from its cache, peers compute."""
    ours = setting.ours
    those = list(setting.peers(Peninsula, Oxigraph, OxigraphMemory))
    seconds: dict[str, dict[str, list[float]]] = {}
    for query in setting.mix:
        text = query.fixed(random.Random(query.name))
        asked = seconds.setdefault(query.name, {s.name: [] for s in those})
        for number in range(3 * setting.rounds if query.tiny else min(setting.rounds, 3) + 1):
            for server in setting.rotated(number, those):
                answer = server.client.query(server.query_path, text, query.accept)
                if number:
                    asked[server.name].append(answer.total)
    setting.report.raw[f"{setting.data} repeated, s"] = seconds
    for peer in setting.peers(Oxigraph, OxigraphMemory):
        if ours is None:
            return
        for tiny in (True, False):
            found = {
                q.name: median(seconds[q.name][ours.name]) / median(seconds[q.name][peer.name])
                for q in setting.mix
                if q.tiny is tiny
            }
            worst = max(found, key=found.__getitem__)
            slower = sum(ratio > 1 for ratio in found.values())
            setting.report.add(
                Finding(
                    setting.data,
                    f"repeated {'tiny' if tiny else 'heavy'} query (worst ratio)",
                    milliseconds(seconds[worst][ours.name]) + " ms",
                    f"{milliseconds(seconds[worst][peer.name])} ms {peer.name}",
                    found[worst],
                    f"{found[worst]:.2f} ×",
                    "repeat",
                    f"{worst}; slower in {slower} of {len(found)}, "
                    f"geometric mean {geometric_mean(list(found.values())):.3f} ×",
                )
            )


def clients(setting: Setting) -> None:
    """Throughput of two clients against that of one, on heavy queries with small answers."""
    those = list(setting.peers(Peninsula, Oxigraph, OxigraphMemory))
    heavy = [query for query in setting.mix if not query.tiny]
    sizes: dict[str, int] = {}
    for server in those:  # a pass to warm up
        for query in heavy:
            answer = server.client.query(
                server.query_path, query.instance(random.Random("warm")), query.accept
            )
            sizes[query.name] = answer.size
    mix = [query for query in heavy if sizes.get(query.name, 0) < _SMALL_ANSWER]
    scaling: dict[str, list[float]] = defaultdict(list)

    def one_pass(server: Server, seed: str, turn: int) -> None:
        client = server.new_client()
        order = mix[turn:] + mix[:turn]
        for query in order:
            client.query(server.query_path, query.instance(random.Random(seed)), query.accept)
        client.close()

    for number in range(max(2, min(setting.rounds, 4))):
        for server in setting.rotated(number, those):
            began = time.perf_counter()
            one_pass(server, f"one {number}", 0)
            one = time.perf_counter() - began
            with ThreadPoolExecutor(2) as pool:
                began = time.perf_counter()
                turns = [
                    pool.submit(one_pass, server, f"{i} {number}", i * len(mix) // 2)
                    for i in range(2)
                ]
                for turn in turns:
                    turn.result()
            two = time.perf_counter() - began
            scaling[server.name].append(2 * one / two)
            setting.say(f"{server.name}: one client {one:.2f} s, two {two:.2f} s")
    setting.report.raw[f"{setting.data} two clients, × one"] = scaling
    ours = setting.ours
    if ours is not None:
        figure = median(scaling.pop(ours.name))
        others = ", ".join(f"{name} {median(values):.2f} ×" for name, values in scaling.items())
        setting.report.add(
            Finding(
                setting.data,
                "two clients, throughput of one",
                f"{figure:.2f} ×",
                others,
                figure,
                f"{figure:.2f} ×",
                "clients",
            )
        )


# -- large answers ----------------------------------------------------------------------------


def first_byte(setting: Setting) -> None:
    """Seconds to the first byte, and to the last, of an answer of a million rows."""
    rows = min(1_000_000, setting.triples)
    those = list(setting.peers(Peninsula, Oxigraph, OxigraphMemory))
    first: dict[str, list[float]] = defaultdict(list)
    total: dict[str, list[float]] = defaultdict(list)
    for number in range(max(3, min(setting.rounds, 5))):
        for server in setting.rotated(number, those):
            text = f"{workload.million(rows)} # {number}"
            answer = server.client.query(server.query_path, text, workload.LINES)
            if answer.lines != rows + 1:
                setting.report.warnings.append(
                    f"{setting.data}: {server.name} sent {answer.lines - 1:,} of {rows:,} rows"
                )
            first[server.name].append(answer.first)
            total[server.name].append(answer.total)
    setting.report.raw[f"{setting.data} million rows, first byte, s"] = first
    setting.report.raw[f"{setting.data} million rows, s"] = total
    ours = setting.ours
    for peer in setting.peers(Oxigraph, OxigraphMemory):
        if ours is None:
            return
        mine, other = median(first[ours.name]), median(first[peer.name])
        extra = (mine - other) * 1000
        speed = median(total[ours.name]) / median(total[peer.name])
        setting.report.add(
            Finding(
                setting.data,
                "first byte of a million rows",
                f"{mine * 1000:.1f} ms",
                f"{other * 1000:.1f} ms {peer.name}",
                extra,
                f"{extra:+.1f} ms",
                "first byte",
                f"whole answer {median(total[ours.name]):.2f} s, {speed:.2f} × theirs",
            )
        )


def stream_memory(setting: Setting) -> None:
    """Memory of the web process while five million rows stream through it, and of all processes."""
    ours = setting.ours
    if ours is None:
        return
    figures = {}
    for server in setting.peers(Peninsula, Oxigraph):
        web = server.web_process()
        warm = f"{workload.million(min(100_000, setting.triples))} # warm"
        server.client.query(server.query_path, warm, workload.LINES)
        before = resident(web)
        samples, family, done = [before], [], threading.Event()

        def watch(server: Server = server, web: int = web) -> None:
            turn = 0
            while not done.wait(_SAMPLE_SECONDS):  # noqa: B023
                samples.append(resident(web))  # noqa: B023
                if turn % 40 == 0:
                    family.append(proportional(server.processes()))  # noqa: B023
                turn += 1

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            answer = server.client.query(
                server.query_path, workload.five_million(setting.triples), workload.LINES
            )
        finally:
            done.set()
            watcher.join()
        if answer.lines != 5_000_001:
            setting.report.warnings.append(
                f"{setting.data}: {server.name} sent {answer.lines - 1:,} of 5,000,000 rows"
            )
        change = max(abs(sample - before) for sample in samples)
        figures[server.name] = (change, before, max(family, default=0.0), answer)
        setting.say(
            f"{server.name}: 5 million rows, {answer.size / 1e6:,.0f} MB in {answer.total:.1f} s"
        )
    change, before, family_peak, answer = figures[ours.name]
    peer = setting.of(Oxigraph)
    setting.report.raw[f"{setting.data} five million rows"] = {
        name: {"change MB": c, "before MB": b, "all MB": f, "seconds": a.total, "bytes": a.size}
        for name, (c, b, f, a) in figures.items()
    }
    theirs = figures.get(peer.name) if peer else None
    setting.report.add(
        Finding(
            setting.data,
            "web process while 5 million rows stream",
            f"{before:.0f} MB {change:+.1f}",
            f"{theirs[1]:.0f} MB {theirs[0]:+.1f}" if theirs else "",
            change,
            f"{change:.1f} MB",
            "stream memory",
            f"all processes {family_peak:,.0f} MB; {answer.size / 1e6 / answer.total:,.0f} MB/s"
            + (f", theirs {theirs[3].size / 1e6 / theirs[3].total:,.0f} MB/s" if theirs else ""),
        )
    )


# -- updates ----------------------------------------------------------------------------------


def update(setting: Setting) -> None:
    """Seconds until a small update is acknowledged, and whether a query at once sees it."""
    those = list(setting.peers(Peninsula, Oxigraph))
    for server in those:
        if isinstance(server, Peninsula):
            server.authorize()
    seconds: dict[str, list[float]] = defaultdict(list)
    after: dict[str, list[float]] = defaultdict(list)
    stale: dict[str, int] = defaultdict(int)
    number = 10 * setting.rounds
    for turn in range(-4, number):  # the first ones warm up
        for server in setting.rotated(turn, those):
            took, then, seen = _change(server, turn)
            stale[server.name] += not seen
            if turn >= 0:
                seconds[server.name].append(took)
                after[server.name].append(then)
    setting.report.raw[f"{setting.data} update, s"] = seconds
    setting.report.raw[f"{setting.data} query after an update, s"] = after
    for name, times in stale.items():
        if times:
            setting.report.warnings.append(
                f"{setting.data}: {name}: {times} of {number + 4} acknowledged updates "
                "were not seen by the next query"
            )
    ours, peer = setting.ours, setting.of(Oxigraph)
    if ours is None:
        return
    late = percentile(seconds[ours.name], 0.95) * 1000
    shown = {
        name: f"{median(took) * 1000:.1f} ms, p95 {percentile(took, 0.95) * 1000:.1f}"
        for name, took in seconds.items()
    }
    setting.report.add(
        Finding(
            setting.data,
            "small update acknowledged (p95)",
            shown[ours.name],
            shown[peer.name] if peer else "",
            late,
            f"{late:.1f} ms",
            "update",
            f"a query right after it {milliseconds(after[ours.name])} ms"
            + (f", theirs {milliseconds(after[peer.name])} ms" if peer else ""),
        )
    )


def _change(server: Server, turn: int) -> tuple[float, float, bool]:
    """Insert or replace a value; return seconds, those of a query after it, whether it saw it."""
    subject, predicate = f"<{_FACT}{turn // 2}>", f"<{_FACT}value>"
    if turn % 2:
        took = server.update(
            f"DELETE {{ {subject} {predicate} ?old }} INSERT {{ {subject} {predicate} {turn} }} "
            f"WHERE {{ {subject} {predicate} ?old }}"
        )
    else:
        took = server.update(f"INSERT DATA {{ {subject} {predicate} {turn} }}")
    answer = server.client.query(
        server.query_path,
        f"SELECT ?v {{ {subject} {predicate} ?v }} # {turn}",
        workload.RESULTS,
        keep=True,
    )
    values = [row["v"]["value"] for row in json.loads(answer.body)["results"]["bindings"]]
    return took, answer.total, values == [str(turn)]
