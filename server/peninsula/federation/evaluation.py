"""How is a query answered that asks services, when readers that evaluate it cannot reach any?

By asking them first, here, through the gateway: each SERVICE clause is replaced by the solutions
that were fetched for it (:mod:`peninsula.federation.planning` says which are needed), and what is
left is a query as any other.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

from peninsula.dataset.interface import Dataset, QueryOptions, Result, Row, Solutions
from peninsula.errors import (
    ClientGone,
    PeninsulaError,
    QueryTimeout,
    QueryTooComplex,
    UpstreamFailed,
)
from peninsula.federation.bindings import align, choose, split
from peninsula.federation.callers import Caller
from peninsula.federation.calls import Call
from peninsula.federation.clauses import read_clauses
from peninsula.federation.gateway import Gateway, Table
from peninsula.federation.local_services import Block, LocalService, LocalServices
from peninsula.federation.names import Naming
from peninsula.federation.patterns import read_patterns
from peninsula.federation.planning import Context, Fetch, Freeze, Plan
from peninsula.federation.questions import Question, make_question
from peninsula.federation.room import Part, Room
from peninsula.federation.services import Service, Services
from peninsula.federation.structure import Place
from peninsula.federation.targets import Snapshot, Target, Targets
from peninsula.federation.writing import Parts, Unwritable, compose

#: Solutions that are sent along to what is in this server.
_MOST_LOCAL: Final = 20_000
_LOCAL_BATCH: Final = 1000


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


@dataclass(frozen=True)
class Patience:
    """For how long, and for whom, a query is answered."""

    #: Seconds; None: for ever.
    timeout: float | None = None
    is_gone: Callable[[], bool] | None = None
    #: Returns the dataset for a question that may take so many seconds.
    narrow: Callable[[float], Dataset] | None = None
    #: Whose query it is: clients share what there is.
    client: str = ""


class Evaluation:
    """One query that asks services."""

    def __init__(
        self,
        inner: Dataset,
        federation: Federation,
        query: str,
        options: QueryOptions,
        *,
        patience: Patience,
        mode: str,
    ) -> None:
        """Raise what is wrong with the query; nobody is asked before everything is judged."""
        self._federation = federation
        self._patience = patience
        self._inner = inner
        self._options = options
        timeout = patience.timeout
        self._until = None if timeout is None else time.monotonic() + timeout
        self._query, self.kind = read_clauses(
            query, lambda text: self._narrowed().parse_query(text, base=options.base)
        )
        self._naming = Naming(self._query, options.prefixes, options.base)
        self._targets = Targets(federation.services, federation.local, inner.graphs, mode)
        self._whom = {
            place: self._targets.find(self._query, self._naming, place)
            for place in self._query.services
        }
        self._plan = Plan(self._query, options.substitutions)
        self._calls: list[Call] = []
        self._caller = Caller(patience.client)
        self._part: Part
        #: Requests so far, by the name of the service.
        self._requests: dict[str, int] = {}

    def run(self, note: Callable[[list[Call]], None] | None = None) -> Result:
        """Ask the services, tell ``note`` of it, and ask for the answer."""
        with self._federation.room.part(self._patience.client) as self._part:
            skeleton, inlined = self._join()
            if note:
                note(self._calls)
            return self._ask(skeleton, replace(self._options, inlined=inlined))

    def _join(self) -> tuple[str, list[tuple[int, str]]]:
        """Return the query with what services said in it, as rows apart from its text."""
        for place, target in self._whom.items():
            if isinstance(target, Snapshot) and self._can_be_graph(place):
                self._read_as_graph(place, target)
        try:
            while (step := self._plan.next()) is not None:
                if isinstance(step, Freeze):
                    self._freeze(step)
                else:
                    self._fetch(step, self._whom[step.place])
            skeleton, inlined = compose(self._plan.write())
        except Unwritable as error:
            raise UpstreamFailed(f"An answer cannot be joined: {error}.") from None
        size = sum(len(rows) for _, rows in inlined)
        if size > self._federation.most_bytes:
            raise self._too_much(f"{size >> 20} MB", f"{self._federation.most_bytes >> 20} MB")
        return skeleton, inlined

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

    def _read_as_graph(self, place: Place, target: Snapshot) -> None:
        pattern = place.pattern
        text = self._query.text[pattern.start : pattern.end]
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
        return self._naming.read(place.element) or ""

    def _fetch(self, step: Fetch, target: Target) -> None:
        """Put the solutions of a clause in its place."""
        call = Call(self._name_of(step.place))
        self._calls.append(call)
        question = make_question(self._query, step.place, self._naming)
        variables = question.variables
        began = time.monotonic()
        try:
            rows = self._solve(step, target, question, call)
        except UpstreamFailed as error:
            self._left()
            fallback = self._targets.find_fallback(step.place, target)
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

    def _solve(self, step: Fetch, target: Target, question: Question, call: Call) -> list[Row]:
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
        if not isinstance(target, Service | Snapshot):
            return align(self._ask_here(step, target, known, variables, call), variables)
        is_too_much = known is not None and len(known.rows) > most
        batches: list[list[Any]] = []
        if known is not None and known.variables and not is_too_much:
            size = target.batch if isinstance(target, Service) else _LOCAL_BATCH
            batches = split(known.rows, size)
        names = known.variables if known and batches else ()
        queries = [question.write(cap + 1, names, batch) for batch in batches or [[]]]
        call.sent += sum(map(len, batches))
        rows: list[Row] = []
        for table in self._ask_all(target, queries, question, call):
            rows += align(table, variables)
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
        """Return what a clause is to be asked about; there may be one row more than ``most``."""
        if context is None:
            return None
        return choose(context, self._select(context.parts, most + 1), most, is_outside=is_outside)

    def _ask_all(
        self, target: Service | Snapshot, queries: list[str], question: Question, call: Call
    ) -> Iterator[Table]:
        """Yield the answers to ``queries``; as many are asked at once as the service allows."""
        call.requests += len(queries)
        if isinstance(target, Snapshot):
            call.remark = call.remark or "snapshot"
            for query in queries:
                options = QueryOptions(
                    default_graphs=[target.graph],
                    base=self._options.base,
                    prefixes=self._options.prefixes,
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
                caller=self._caller,
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
        patterns = read_patterns(self._query, step.place.pattern, self._naming)
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
