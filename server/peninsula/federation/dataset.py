"""How is a query answered that asks services, when readers that evaluate it cannot reach any?

By asking them first, here, through the gateway: each SERVICE clause is replaced by the solutions
that were fetched for it (:mod:`peninsula.federation.planning` says which are needed), and what is
left is a query as any other. A clause may name

- a service that the operator allows, by its address or as ``<peninsula:NAME>``;
- ``<peninsula:NAME-snapshot>``: what is kept of that service as a named graph;
- a part of this server (:mod:`peninsula.federation.local_services`).

Everything else is refused, also where the clause says SILENT: that a service may not be asked is
no failure of it, and whoever wrote the query is to know.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyoxigraph as ox

from peninsula.dataset.interface import (
    PLAIN,
    Dataset,
    Graph,
    QueryOptions,
    Result,
    Row,
    Solutions,
    Term,
)
from peninsula.errors import (
    ClientGone,
    NoSnapshot,
    PeninsulaError,
    QueryForbidden,
    QueryTimeout,
    QueryTooComplex,
    ServiceForbidden,
    UpstreamFailed,
)
from peninsula.federation.gateway import Gateway, Table
from peninsula.federation.local_services import Block, LocalService, LocalServices
from peninsula.federation.patterns import read_patterns
from peninsula.federation.planning import (
    Context,
    Fetch,
    Freeze,
    Parts,
    Plan,
    Question,
    Unwritable,
    compose,
    make_question,
    read_name,
)
from peninsula.federation.room import Part, Room
from peninsula.federation.services import SCHEME, Service, Services
from peninsula.federation.structure import Place, Query, Unreadable, find_nested, read_query
from peninsula.formats import Format
from peninsula.namespaces import BASE, PREFIXES
from peninsula.policy import resolve_escapes, tokenize

_SNAPSHOT: Final = "-snapshot"
#: What may stand as a service inside of a clause: functions of Wikidata's own, and no addresses.
_EXTENSIONS: Final = (
    "http://wikiba.se/ontology#",
    "http://www.bigdata.com/rdf#",
    "http://www.bigdata.com/rdf/gas#",
)
#: Solutions that are sent along to what is in this server.
_MOST_LOCAL: Final = 20_000
_LOCAL_BATCH: Final = 1000
#: Bytes of bindings that are sent with one request.
_REQUEST_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Federation:
    """Whom queries may ask, and how much of their answers they may take in."""

    services: Services
    gateway: Gateway
    local: LocalServices = field(default_factory=LocalServices)
    #: Most rows that come into a query for one clause, and bytes for all of them.
    most_rows: int = 100_000
    most_bytes: int = 32 * 2**20
    #: What the answers of services take of this process, for all queries together.
    room: Room = field(default_factory=Room)


@dataclass
class Call:
    """What asking for one clause came to."""

    #: As the query names it, in full.
    service: str
    requests: int = 0
    #: Bindings that were sent along.
    sent: int = 0
    #: Solutions that came back.
    rows: int = 0
    #: Bytes that came back, as sent.
    bytes: int = 0
    #: Requests whose answer was known.
    cached: int = 0
    seconds: float = 0.0
    #: What else is to be said: graph, snapshot, fallback, stale, silent and why.
    remark: str = ""

    def __str__(self) -> str:
        """Return it as it stands in the header Peninsula-Federation (RFC 9651)."""
        name = self.service.replace("\\", "").replace('"', "")
        name = "".join(char if " " <= char < "\x7f" else "?" for char in name)[:200]
        text = (
            f'"{name}";requests={self.requests};sent={self.sent};rows={self.rows}'
            f";bytes={self.bytes};cached={self.cached};ms={round(1000 * self.seconds)}"
        )
        return f'{text};remark="{self.remark}"' if self.remark else text


@dataclass(frozen=True)
class Patience:
    """For how long, and for whom, a query is answered."""

    #: Seconds; None: for ever.
    timeout: float | None = None
    is_gone: Callable[[], bool] | None = None
    #: Returns the dataset for a question that may take so many seconds.
    narrow: Callable[[float], Dataset] | None = None


@dataclass(frozen=True)
class _Snapshot:
    """What is kept of a service."""

    graph: str


_Target = Service | _Snapshot | LocalService


class FederatedDataset:
    """A dataset whose queries may ask services."""

    def __init__(
        self,
        inner: Dataset,
        federation: Federation,
        *,
        patience: Patience | None = None,
        mode: str = "live",
        note: Callable[[list[Call]], None] | None = None,
    ) -> None:
        """``mode`` is live, snapshot or fallback; ``note`` is told what clauses came to.

        That is who answers for a service: it, what is kept of it, or that where it does not
        answer. What clauses came to is told for each query, before its answer is there.
        """
        self._inner = inner
        self.federation = federation
        self.patience = patience or Patience()
        self.mode = mode
        self.note = note
        self.is_union = inner.is_union
        self.generation = inner.generation

    def evaluate(self, query: str, options: QueryOptions = PLAIN) -> Result:
        if options.inlined or not asks_service(query):
            return self._inner.evaluate(query, options)
        return _Evaluation(self, self._inner, query, options).run()

    def parse_query(self, query: str, *, base: str | None = None) -> str:
        if not asks_service(query):
            return self._inner.parse_query(query, base=base)
        return _Evaluation(self, self._inner, query, QueryOptions(base=base)).check()

    def graphs(self) -> Mapping[str, int]:
        return self._inner.graphs()

    def default_size(self) -> int:
        return self._inner.default_size()

    def statements(self, graph: str | None = None) -> Iterator[ox.Quad]:
        return self._inner.statements(graph)

    def dump(
        self,
        graph: str | None,
        format: Format,
        *,
        is_everything: bool = False,
        names_graph: bool = False,
    ) -> Graph:
        return self._inner.dump(graph, format, is_everything=is_everything, names_graph=names_graph)


def asks_service(query: str) -> bool:
    """Return whether a query has a SERVICE clause, in the reading that the engine has of it."""
    # Most queries have no such word, and should pay nothing for it.
    return "SERVICE" in query.upper() and _count_services(query) > 0


def _count_services(query: str) -> int:
    return sum(token.kind == "word" and token.upper == "SERVICE" for token in tokenize(query))


def write_as_graphs(query: str) -> str:
    """Return a query that asks graphs where this one asks services, as long and place by place.

    Both clauses are written alike, so that a parser finds the same faults at the same places.
    """
    parts = []
    at = 0
    is_named = True
    for token in tokenize(query):
        if token.kind == "word" and token.upper == "SERVICE":
            word = "GRAPH  "
        elif token.kind == "word" and token.upper == "SILENT" and not is_named:
            word = "      "
        else:
            is_named = True
            continue
        is_named = False
        parts += [query[at : token.position], word]
        at = token.end
    return "".join([*parts, query[at:]])


class _Evaluation:
    """One query that asks services."""

    def __init__(
        self, dataset: FederatedDataset, inner: Dataset, query: str, options: QueryOptions
    ) -> None:
        self._federation = dataset.federation
        self._patience = dataset.patience
        self._mode = dataset.mode
        self._note = dataset.note
        self._inner = inner
        self._text = query
        self._options = options
        self._base = options.base
        self._prefixes = PREFIXES if options.prefixes is None else options.prefixes
        timeout = dataset.patience.timeout
        self._until = None if timeout is None else time.monotonic() + timeout
        self._calls: list[Call] = []
        self._part: Part
        #: Requests so far, by the name of the service.
        self._requests: dict[str, int] = {}

    def check(self) -> str:
        """Return the kind of the answer; raises what is wrong with the query."""
        query, kind = self._read()
        self._query = query
        for place in query.services:
            self._find(place)
        return kind

    def run(self) -> Result:
        """Ask the services, and then for the answer."""
        with self._federation.room.part() as self._part:
            skeleton, inlined = self._join()
            if self._note:
                self._note(self._calls)
            return self._ask(skeleton, replace(self._options, inlined=inlined))

    def _join(self) -> tuple[str, list[tuple[int, str]]]:
        """Return the query with what services said in it, as rows apart from its text."""
        query, _ = self._read()
        self._query = query
        # Everything that is forbidden is found before anybody is asked.
        targets = {place: self._find(place) for place in query.services}
        self._plan = Plan(query, self._options.substitutions)
        for place, target in targets.items():
            if isinstance(target, _Snapshot) and self._can_be_graph(place):
                self._read_as_graph(place, target)
        try:
            while (step := self._plan.next()) is not None:
                if isinstance(step, Freeze):
                    self._freeze(step)
                else:
                    self._fetch(step, targets[step.place])
            skeleton, inlined = compose(self._plan.write())
        except Unwritable as error:
            raise UpstreamFailed(f"An answer cannot be joined: {error}.") from None
        size = sum(len(rows) for _, rows in inlined)
        if size > self._federation.most_bytes:
            raise self._too_much(f"{size >> 20} MB", f"{self._federation.most_bytes >> 20} MB")
        return skeleton, inlined

    # What is asked.

    def _read(self) -> tuple[Query, str]:
        """Return the query's parts and the kind of its answer.

        Raises QuerySyntaxError, QueryForbidden.
        """
        text = self._text
        resolved = resolve_escapes(text)
        if resolved != text and _count_services(resolved) != _count_services(text):
            raise QueryForbidden(
                "SERVICE is written with escapes, or hidden by them.", "Write it as it is."
            )
        kind = self._narrowed().parse_query(write_as_graphs(text), base=self._base)
        try:
            query = read_query(text)
            known = sum(1 + len(find_nested(place.pattern)) for place in query.services)
        except Unreadable as error:
            raise QueryForbidden(f"SERVICE is not understood here: {error}.") from None
        if known != _count_services(text):
            raise QueryForbidden(
                "SERVICE stands where it is not understood.", "Put it into a group of its own."
            )
        return query, kind

    def _find(self, place: Place) -> _Target:
        """Return who is to be asked for a clause; raises ServiceForbidden, NoSnapshot."""
        try:
            return self._find_target(place)
        except (QueryForbidden, NoSnapshot) as error:
            position = place.element.start
            line = self._text.count("\n", 0, position) + 1
            column = position - self._text.rfind("\n", 0, position)
            error.message = f"{error.message.rstrip('.')} (line {line}, column {column})."
            raise

    def _find_target(self, place: Place) -> _Target:
        if any(step.element and step.element.kind == "lateral" for step in place.way):
            raise QueryForbidden("SERVICE is not allowed inside of LATERAL.", "Join them.")
        iri = read_name(self._query, place.element, self._prefixes, self._base)
        if iri is None:
            raise ServiceForbidden(
                f"SERVICE {place.element.name.text if place.element.name else ''} is not allowed: "
                "which service is asked must stand in the query, not in data.",
                "Write its address, or <peninsula:NAME>.",
            )
        if iri.startswith(SCHEME):
            name = iri.removeprefix(SCHEME)
            if local := self._federation.local.find(name):
                return local
            if name.endswith(_SNAPSHOT):
                return self._find_snapshot(name.removesuffix(_SNAPSHOT), place)
        service = self._federation.services.find(iri)
        if self._mode == "snapshot":
            return self._find_snapshot(service.name, place)
        for nested in find_nested(place.pattern):
            self._check_nested(read_name(self._query, nested, self._prefixes, self._base))
        return service

    def _find_snapshot(self, name: str, place: Place) -> _Snapshot:
        graph = f"{BASE}graph/{name}"
        if graph not in self._inner.graphs():
            raise NoSnapshot(
                f"There is no snapshot of “{name[:100]}” here.",
                "“peninsula link pull” takes one of Wikidata.",
            )
        if nested := find_nested(place.pattern):
            text = nested[0].name.text if nested[0].name else ""
            raise ServiceForbidden(
                f"SERVICE {text} is not known to the snapshot of {name}.",
                "For labels, use rdfs:label and LANG.",
            )
        return _Snapshot(graph)

    def _check_nested(self, iri: str | None) -> None:
        """Raise ServiceForbidden for a SERVICE clause in another that is not for its service."""
        if iri is not None and iri.startswith(_EXTENSIONS):
            return
        try:
            if iri is None or iri.startswith(SCHEME):
                raise ServiceForbidden("")
            self._federation.services.find(iri)
        except ServiceForbidden:
            raise ServiceForbidden(
                f"SERVICE {f'<{iri[:200]}>' if iri else '?…'} is not allowed inside of another "
                "SERVICE clause.",
                "Put the two beside each other.",
            ) from None

    # Time.

    def _left(self) -> float | None:
        """Return the seconds that are left; raises QueryTimeout, ClientGone."""
        if self._patience.is_gone and self._patience.is_gone():
            raise ClientGone
        if self._until is None:
            return None
        left = self._until - time.monotonic()
        if left <= 0:
            raise QueryTimeout(
                f"It took longer than {self._patience.timeout:g} s, services included.",
                "Ask for less.",
            )
        return left

    def _narrowed(self) -> Dataset:
        left = self._left()
        if left is None or self._patience.narrow is None:
            return self._inner
        return self._patience.narrow(left)

    def _ask(self, query: str, options: QueryOptions) -> Result:
        return self._narrowed().evaluate(query, options)

    def _select(self, parts: Parts, limit: int) -> list[Row]:
        """Return the solutions of a part of the query, ``limit`` of them at most."""
        skeleton, inlined = compose([*parts, f"\nLIMIT {limit}"])
        options = replace(self._options, substitutions={}, formats={}, inlined=inlined)
        result = self._ask(skeleton, options)
        assert isinstance(result, Solutions)
        try:
            return list(result)
        finally:
            result.close()

    # What is kept here.

    def _can_be_graph(self, place: Place) -> bool:
        """Return whether GRAPH says the same as SERVICE to a snapshot.

        Not where the query names the graphs it sees, which are no concern of a service; and not
        where the clause asks for graphs of the service, of which it has none.
        """
        names_dataset = (
            self._query.dataset or self._options.default_graphs or self._options.named_graphs
        )
        span = place.pattern
        return not names_dataset and not any(
            token.kind == "word" and token.upper == "GRAPH"
            for token in self._query.tokens
            if span.start < token.position < span.end
        )

    def _read_as_graph(self, place: Place, target: _Snapshot) -> None:
        pattern = place.pattern
        text = self._text[pattern.start : pattern.end]
        self._plan.replace(
            place.element,
            [f"GRAPH <{target.graph}> {text}"],
            visible=pattern.visible(),
            certain=pattern.certain(),
        )
        self._calls.append(Call(self._name_of(place), remark="graph"))

    def _freeze(self, step: Freeze) -> None:
        """Ask for a part of the query that has another answer each time, once."""
        rows = self._select(step.parts, _MOST_LOCAL + 1)
        if len(rows) > _MOST_LOCAL:
            self._plan.leave_out(step.element)
            return
        rows = [row[: len(step.variables)] for row in rows]
        self._plan.replace_by_table(step.element, step.variables, rows)

    # Clauses.

    def _name_of(self, place: Place) -> str:
        return read_name(self._query, place.element, self._prefixes, self._base) or ""

    def _fetch(self, step: Fetch, target: _Target) -> None:
        """Put the solutions of a clause in its place."""
        call = Call(self._name_of(step.place))
        self._calls.append(call)
        question = make_question(self._query, step.place, self._prefixes, self._base)
        variables = question.variables
        began = time.monotonic()
        try:
            rows = self._solve(step, target, question, call)
        except UpstreamFailed as error:
            self._left()
            fallback = self._find_fallback(step.place, target)
            if fallback:
                call.remark = "snapshot"
                if self._can_be_graph(step.place):
                    self._calls.pop()
                    self._read_as_graph(step.place, fallback)
                    self._calls[-1] = Call(call.service, call.requests, remark="fallback")
                    return
                rows = self._solve(step, fallback, question, call)
            elif step.place.element.is_silent:
                call.remark = f"silent {type(error).slug()}"
                rows = [(None,) * len(variables)]
            else:
                raise
        finally:
            call.seconds = time.monotonic() - began
        call.rows = len(rows)
        self._plan.replace_by_table(step.place.element, variables, rows)

    def _find_fallback(self, place: Place, target: _Target) -> _Snapshot | None:
        if self._mode != "fallback" or not isinstance(target, Service):
            return None
        try:
            return self._find_snapshot(target.name, place)
        except (NoSnapshot, ServiceForbidden):
            return None

    def _solve(self, step: Fetch, target: _Target, question: Question, call: Call) -> list[Row]:
        """Return solutions of a clause: a term for each variable of ``question``."""
        variables = question.variables
        if isinstance(target, Service):
            left = target.max_requests_per_query - self._requests.get(target.name, 0)
            most, cap = target.batch * left, min(target.max_rows - 1, self._federation.most_rows)
        else:
            most, cap = _MOST_LOCAL, self._federation.most_rows
        known = self._bind(step.context, most, is_outside=isinstance(target, Service))
        if known is not None and not known.rows:
            return []
        if not isinstance(target, Service | _Snapshot):
            return _align(self._ask_here(step, target, known, variables, call), variables)
        is_too_much = known is not None and len(known.rows) > most
        batches: list[list[Any]] = []
        if known is not None and known.variables and not is_too_much:
            size = target.batch if isinstance(target, Service) else _LOCAL_BATCH
            batches = _split(known.rows, size)
        names = known.variables if known and batches else ()
        queries = [question.write(cap + 1, names, batch) for batch in batches or [[]]]
        call.sent += sum(map(len, batches))
        rows: list[Row] = []
        for table in self._ask_all(target, queries, question, call):
            rows += _align(table, variables)
            if len(rows) > cap:
                if is_too_much:
                    raise QueryTooComplex(
                        f"SERVICE <{call.service}> would have to be asked about more than {most} "
                        f"solutions of the rest of the query, and has more than {cap} itself.",
                        "Restrict the query, before the SERVICE clause or in it.",
                        limit="requests",
                    )
                raise self._too_much(f"more than {cap} rows", f"{cap}", call.service)
        return rows

    def _too_much(self, what: str, limit: str, service: str = "") -> QueryTooComplex:
        whom = f"SERVICE <{service}> has" if service else "The services have"
        return QueryTooComplex(
            f"{whom} {what} for this query, where {limit} are allowed.",
            "Restrict it: put into the clause what it is about, or join it with less.",
            limit="rows",
        )

    def _bind(self, context: Context | None, most: int, *, is_outside: bool) -> Table | None:
        """Return what a clause is to be asked about: distinct rows, each of them whole.

        None where nothing is known. There may be one row more than ``most``, and then not all.
        """
        if context is None:
            return None
        rows = self._select(context.parts, most + 1)
        columns = [
            i for i in range(len(context.variables)) if all(row[i] is not None for row in rows)
        ]
        if is_outside:
            # No service knows our blank nodes: what would have to be one, cannot be found there.
            sure = [i for i in columns if context.variables[i] not in context.unsure]
            is_cut = len(rows) > most
            if not is_cut:
                rows = [row for row in rows if not any(_is_blank(row[i]) for i in sure)]
        columns = [i for i in columns if not any(_is_blank(row[i]) for row in rows)]
        if not columns and rows:
            return None
        # In order, so that the same question has the same text, whose answer may be known.
        distinct = sorted({tuple(row[i] for i in columns) for row in rows}, key=_sort_key)
        return Table(tuple(context.variables[i] for i in columns), distinct)

    def _ask_all(
        self, target: Service | _Snapshot, queries: list[str], question: Question, call: Call
    ) -> Iterator[Table]:
        """Yield the answers to ``queries``; as many are asked at once as the service allows."""
        call.requests += len(queries)
        if isinstance(target, _Snapshot):
            call.remark = call.remark or "snapshot"
            for query in queries:
                options = QueryOptions(
                    default_graphs=[target.graph], base=self._base, prefixes=self._prefixes
                )
                result = self._ask(query, options)
                assert isinstance(result, Solutions)
                yield Table(question.variables or ("",), list(result))
            return
        self._requests[target.name] = self._requests.get(target.name, 0) + len(queries)
        is_over = threading.Event()
        is_gone = self._patience.is_gone

        def ask(query: str) -> Table:
            return self._federation.gateway.select(
                target,
                query,
                timeout=self._left(),
                is_gone=lambda: is_over.is_set() or bool(is_gone and is_gone()),
                part=self._part,
            )

        if len(queries) == 1:
            yield self._count(ask(queries[0]), call)
            return

        def attempt(query: str) -> Table | PeninsulaError | ClientGone:
            try:
                return ask(query)
            except (PeninsulaError, ClientGone) as error:
                # Without its frames, whose objects belong to this thread.
                return copy.copy(error)

        with ThreadPoolExecutor(min(target.max_requests, len(queries))) as pool:
            try:
                for answer in pool.map(attempt, queries):
                    if not isinstance(answer, Table):
                        raise answer
                    yield self._count(answer, call)
            finally:
                # One that failed, or had too much, needs no answer of the others.
                is_over.set()
                pool.shutdown(wait=False, cancel_futures=True)

    def _count(self, table: Table, call: Call) -> Table:
        call.bytes += table.received
        call.cached += not table.received
        if table.is_stale:
            call.remark = "stale"
        return table

    def _ask_here(
        self,
        step: Fetch,
        target: LocalService,
        known: Table | None,
        variables: tuple[str, ...],
        call: Call,
    ) -> Table:
        """Let a part of this server answer a clause."""
        patterns = read_patterns(self._query, step.place.pattern, self._prefixes, self._base)
        if known is not None and len(known.rows) > _MOST_LOCAL:
            known = None
        limit = self._federation.most_rows
        block = Block(
            patterns,
            known or Table((), [()]),
            frozenset(variables),
            self._narrowed(),
            limit,
            self._left(),
            self._patience.is_gone,
        )
        table = target.answer(block)
        call.requests += 1
        call.sent += len(known.rows) if known else 0
        if len(table.rows) > limit:
            raise self._too_much(f"more than {limit} rows", f"{limit}", call.service)
        return table


def _sort_key(row: Row) -> tuple[str, ...]:
    return tuple(map(str, row))


def _is_blank(term: Term | None) -> bool:
    if isinstance(term, ox.Triple):
        return any(map(_is_blank, (term.subject, term.object)))
    return isinstance(term, ox.BlankNode)


def _align(table: Table, variables: Sequence[str]) -> list[Row]:
    """Return the rows of a table in the order of ``variables``."""
    if table.variables == tuple(variables):
        return table.rows
    places = [table.variables.index(n) if n in table.variables else -1 for n in variables]
    return [tuple(row[i] if i >= 0 else None for i in places) for row in table.rows]


def _split(rows: Sequence[Row], size: int) -> list[list[Row]]:
    """Return rows in batches of ``size`` at most, and of not too many bytes."""
    batches: list[list[Row]] = []
    room = 0
    for row in rows:
        length = sum(len(str(term)) for term in row)
        if not batches or len(batches[-1]) >= size or length > room:
            batches.append([])
            room = _REQUEST_BYTES
        batches[-1].append(row)
        room -= length
    return batches
