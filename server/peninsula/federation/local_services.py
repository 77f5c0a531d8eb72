"""What must a part of this server be able to do to answer a SERVICE clause of a query?

``SERVICE <peninsula:search> { ?thing search:text "김정은" ; search:score ?score }`` is no service
of others: it is answered here, by what is named “search” and is a :class:`LocalService`. It
is given the clause as triple patterns, and what the rest of the query says of its variables; it
returns solutions. They are joined with the rest of the query, so that it may return more than is
wanted, and never needs to filter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term
from peninsula.federation.gateway import Table

#: A blank node of a pattern is a variable without a name.
Node = Term | ox.Variable


@dataclass(frozen=True)
class TriplePattern:
    """A triple with variables in it."""

    subject: Node
    predicate: Node
    object: Node

    def __iter__(self) -> Iterator[Node]:
        return iter((self.subject, self.predicate, self.object))


@dataclass(frozen=True)
class Block:
    """What stands in the braces of a SERVICE clause, and what is known when it is asked."""

    #: In the order of the text.
    patterns: tuple[TriplePattern, ...]
    #: What the rest of the query binds its variables to: distinct rows, each of them whole. A
    #: variable that stands here need not be looked for elsewhere. One row without variables says
    #: that nothing is known, no row that whatever is returned will not be used.
    bindings: Table
    #: The variables that the query uses outside of the clause; the others may be left out.
    wanted: frozenset[str]
    #: The state that is asked.
    dataset: Dataset
    #: Most rows that may be returned; with more the query is refused.
    limit: int
    #: Seconds that are left.
    timeout: float | None = None
    #: Tells whether whoever asked has left.
    is_gone: Callable[[], bool] | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the variables in the order of the text."""
        nodes = (node for pattern in self.patterns for node in pattern)
        return tuple(dict.fromkeys(n.value for n in nodes if isinstance(n, ox.Variable)))


class LocalService(Protocol):
    """A part of this server that answers SERVICE clauses."""

    @property
    def name(self) -> str:
        """Return its name: it is asked as ``<peninsula:NAME>``."""
        ...

    def answer(self, block: Block) -> Table:
        """Return solutions of ``block``: variables of its own, in any order, and rows of terms.

        Duplicates count. Raises QueryError, or ParameterError, where the clause says what makes
        no sense, with what would make some.
        """
        ...


class LocalServices:
    """The parts of this server that answer SERVICE clauses, by name."""

    def __init__(self, services: Iterable[LocalService] = ()) -> None:
        self._by_name = {service.name: service for service in services}

    def __iter__(self) -> Iterator[LocalService]:
        return iter(self._by_name.values())

    def find(self, name: str) -> LocalService | None:
        """Return the one of that name."""
        return self._by_name.get(name)
