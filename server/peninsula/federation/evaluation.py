"""How is a query answered that asks services, when readers that evaluate it cannot reach any?

By asking them first, here, through the gateway: each SERVICE clause is replaced by the solutions
that were fetched for it (:mod:`peninsula.federation.planning` says which are needed), and what is
left is a query as any other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from peninsula.dataset.interface import Dataset, QueryOptions, Result, Row
from peninsula.errors import (
    QueryTooComplex,
    UpstreamFailed,
    UpstreamTimeout,
)
from peninsula.federation.asking import Asking, Patience
from peninsula.federation.bindings import align, choose, find_loose, split
from peninsula.federation.calls import Call
from peninsula.federation.clauses import read_clauses
from peninsula.federation.gateway import Gateway, Table
from peninsula.federation.local_services import Block, LocalService, LocalServices
from peninsula.federation.names import Naming
from peninsula.federation.patterns import read_patterns
from peninsula.federation.planning import Context, Fetch, Freeze, Plan
from peninsula.federation.questions import (
    Question,
    find_first_optional,
    make_question,
    write_trial,
)
from peninsula.federation.room import Room
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
        self._options = options
        self._mode = mode
        self._asking = Asking(inner, federation.gateway, patience)
        self._targets = Targets(federation.services, federation.local, inner.graphs, mode)
        self._read(query)
        self._calls: list[Call] = []
        #: Where clauses stand about which a service was asked something beforehand.
        self._tried: list[int] = []
        #: What joins the clause at hand, and is unbound in some solutions of the rest.
        self._loose: tuple[str, ...] = ()

    def _read(self, text: str) -> None:
        self._query, self.kind = read_clauses(
            text, lambda text: self._asking.narrowed().parse_query(text, base=self._options.base)
        )
        self._naming = Naming(self._query, self._options.prefixes, self._options.base)
        self._whom = {
            place: self._targets.find(self._query, self._naming, place)
            for place in self._query.services
        }
        self._plan = Plan(self._query, self._options.substitutions)

    def run(self, note: Callable[[list[Call]], None] | None = None) -> Result:
        """Ask the services, tell ``note`` of it, and ask for the answer."""
        with self._federation.room.part(self._asking.client) as self._asking.part:
            skeleton, inlined = self._join()
            if note:
                note(self._calls)
            return self._asking.evaluate(skeleton, replace(self._options, inlined=inlined))

    def _join(self) -> tuple[str, list[tuple[int, str]]]:
        """Return the query with what services said in it, as rows apart from its text."""
        self._settle_optionals()
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
        self._loose = ()
        size = sum(len(rows) for _, rows in inlined)
        if size > self._federation.most_bytes:
            raise self._too_much(f"{size >> 20} MB", f"{self._federation.most_bytes >> 20} MB")
        return skeleton, inlined

    def _settle_optionals(self) -> None:
        """Write ``{ P }`` for an OPTIONAL { P } that begins a clause, where P has a solution.

        They are the same then; and what is joined with P may be sent along, whereas all of an
        OPTIONAL would have to be asked for: one without a solution in it fits everything.
        """
        text = self._query.text
        for place, target in self._whom.items():
            optional = find_first_optional(place.pattern)
            if optional is None or not isinstance(target, Service) or self._mode != "live":
                continue
            query = write_trial(optional, self._naming, target.prefixes)
            self._tried.append(place.element.start)
            try:
                found = self._asking.ask_service(target, query).rows
            except UpstreamFailed:
                continue  # it is told when the clause is asked
            if found:
                word = slice(optional.start, optional.start + len("OPTIONAL"))
                text = f"{text[: word.start]}{' ' * len('OPTIONAL')}{text[word.stop :]}"
        if text != self._query.text:
            self._read(text)

    def _select(self, parts: Parts, limit: int) -> list[Row]:
        """Return the solutions of a part of the query, ``limit`` of them at most."""
        skeleton, inlined = compose([*parts, f"\nLIMIT {limit}"])
        options = replace(self._options, substitutions={}, formats={}, inlined=inlined)
        return self._asking.select(skeleton, options)

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
        text = self._naming.quote(pattern, target.prefixes)
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
        call.requests = self._tried.count(step.place.element.start)
        self._calls.append(call)
        prefixes = target.prefixes if isinstance(target, Service | Snapshot) else {}
        question = make_question(self._query, step.place, self._naming, prefixes)
        variables = question.variables
        began = time.monotonic()
        try:
            rows = self._solve(step, target, question, call)
        except UpstreamFailed as error:
            self._asking.left()
            if isinstance(error, UpstreamTimeout) and not call.sent:
                error.remedy = self._advise()
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
            left = self._asking.requests_left(target)
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
                        self._advise(),
                        limit="requests",
                    )
                raise self._too_much(f"more than {cap} rows", f"{cap}", call.service)
        return rows

    def _too_much(self, what: str, limit: str, service: str = "") -> QueryTooComplex:
        whom = f"SERVICE <{service}> has" if service else "The services have"
        return QueryTooComplex(
            f"{whom} {what} for this query, where {limit} are allowed.",
            self._advise(),
            limit="rows",
        )

    def _bind(self, context: Context | None, most: int, *, is_outside: bool) -> Table | None:
        """Return what a clause is to be asked about; there may be one row more than ``most``."""
        self._loose = ()
        if context is None:
            return None
        rows = self._select(context.parts, most + 1)
        self._loose = find_loose(context, rows)
        return choose(context, rows, most, is_outside=is_outside)

    def _advise(self) -> str:
        """Say how less would be asked for."""
        if not self._loose:
            return "Restrict it: put into the clause what it is about, or join it with less."
        names = " and ".join(f"?{name}" for name in self._loose[:3])
        verb = "is" if len(self._loose) == 1 else "are"
        return (
            f"{names} {verb} unbound in some solutions of the rest, and those fit everything: "
            "put the SERVICE clause into the OPTIONAL that binds it."
        )

    def _ask_all(
        self, target: Service | Snapshot, queries: list[str], question: Question, call: Call
    ) -> Iterator[Table]:
        """Yield the answers to ``queries``."""
        call.requests += len(queries)
        if isinstance(target, Service):
            yield from self._asking.ask_services(target, queries, call)
            return
        call.remark = call.remark or "snapshot"
        options = QueryOptions(
            default_graphs=[target.graph],
            base=self._options.base,
            prefixes=self._options.prefixes,
        )
        for query in queries:
            rows = self._asking.select(query, options)
            yield Table(question.variables or ("",), rows)

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
            self._asking.narrowed(),
            limit,
            self._asking.left(),
            self._asking.is_gone,
        )
        table = target.answer(block)
        call.requests += 1
        call.sent += len(known.rows) if known else 0
        if len(table.rows) > limit:
            raise self._too_much(f"more than {limit} rows", f"{limit}", call.service)
        return table
