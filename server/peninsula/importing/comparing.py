"""What would the statements of a table change in the graph?

Things are looked up in batches. A thing that two rows make is a collision, and so is one that the
graph has already and knows otherwise; what may be done with it the mapping says. What the graph
has in any of its named graphs is not said again, so that importing a file twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import pyoxigraph as ox

from peninsula.dataset.delta import as_stored
from peninsula.importing.generation import Generator, RowStatements
from peninsula.importing.report import Problem, Problems, Source, show_value
from peninsula.importing.resolving import Ask
from peninsula.namespaces import BASE, expand, shorten

#: Things that are looked up at once.
_BATCH: Final = 250
_UNSEEN: Final = frozenset({expand("graph:inferred"), expand("graph:history")})
_LOOK: Final = """
SELECT ?s ?p ?o ?g WHERE {{ VALUES ?s {{ {things} }} GRAPH ?g {{ ?s ?p ?o }} }}
"""


@dataclass
class Counts:
    """How much a table says, and how much of it is new."""

    triples: int = 0
    added: int = 0
    removed: int = 0
    new_things: int = 0
    changed_things: int = 0


@dataclass
class _Known:
    """What the graph has of a thing: values by property, and those in the graph imported to."""

    values: dict[str, set[object]] = field(default_factory=dict)
    here: set[tuple[str, object]] = field(default_factory=set)


class Comparison:
    """Takes statements row by row, and writes what is new to a patch."""

    def __init__(
        self,
        ask: Ask,
        graph: str,
        problems: Problems,
        *,
        additions: IO[bytes],
        statements: IO[bytes] | None = None,
    ) -> None:
        """``additions`` gets the new statements as N-Quads, ``statements`` all as N-Triples."""
        self.counts = Counts()
        self._ask = ask
        self._graph = ox.NamedNode(graph)
        self._problems = problems
        self._statements = statements
        self._additions = additions
        self._waiting: list[tuple[Generator, RowStatements]] = []
        self._subjects: set[str] = set()
        #: Thing -> where the row stands that makes it.
        self._made: dict[str, tuple[str, int]] = {}
        self._new: set[str] = set()
        self._changed: set[str] = set()
        #: Statements about things of which several rows may speak.
        self._shared: set[ox.Triple] = set()
        self.removals: set[ox.Triple] = set()

    @property
    def things(self) -> int:
        return len(self._subjects)

    def take(self, generator: Generator, made: RowStatements) -> None:
        """Take what a row says."""
        self._waiting.append((generator, made))
        if len(self._waiting) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Work out what has come together."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        subjects = {
            triple.subject.value
            for _, made in waiting
            for triple, _ in made.statements
            if isinstance(triple.subject, ox.NamedNode)
        }
        known = self._look_up(subjects)
        quads = as_stored(
            ox.Quad(triple.subject, triple.predicate, triple.object, self._graph)
            for _, made in waiting
            for triple, _ in made.statements
        )
        additions: list[ox.Quad] = []
        start = 0
        for generator, made in waiting:
            end = start + len(made.statements)
            additions += self._compare(generator, made, quads[start:end], known)
            start = end
        self._subjects |= subjects
        self.counts.new_things, self.counts.changed_things = len(self._new), len(self._changed)
        if additions:
            self.counts.added += len(additions)
            self._additions.write(ox.serialize(additions, format=ox.RdfFormat.N_QUADS) or b"")

    def _look_up(self, subjects: Iterable[str]) -> dict[str, _Known]:
        known: dict[str, _Known] = {}
        ordered = sorted(subjects)
        for start in range(0, len(ordered), _BATCH):
            things = " ".join(str(ox.NamedNode(iri)) for iri in ordered[start : start + _BATCH])
            for s, p, o, g in self._ask(_LOOK.format(things=things)):
                if not (
                    isinstance(s, ox.NamedNode)
                    and isinstance(p, ox.NamedNode)
                    and isinstance(g, ox.NamedNode)
                    and g.value not in _UNSEEN
                ):
                    continue
                of = known.setdefault(s.value, _Known())
                of.values.setdefault(p.value, set()).add(o)
                if g == self._graph:
                    of.here.add((p.value, o))
        return known

    def _compare(
        self,
        generator: Generator,
        made: RowStatements,
        quads: Sequence[ox.Quad],
        known: dict[str, _Known],
    ) -> list[ox.Quad]:
        """Return those of the statements of a row that are new; ``quads`` are they as stored."""
        self._check_collision(generator, made)
        existing = generator.table.existing
        said: list[ox.Quad] = []
        added: list[ox.Quad] = []
        is_refused = False
        for quad, (_, position) in zip(quads, made.statements, strict=True):
            assert isinstance(quad.subject, ox.NamedNode)
            subject = quad.subject.value
            if subject != made.subject:
                # Of other things several rows may say the same.
                triple = quad.triple
                if triple in self._shared:
                    continue
                self._shared.add(triple)
            said.append(quad)
            of = known.get(subject)
            if of is None:
                self._new.add(subject)
                added.append(quad)
            elif quad.object not in of.values.get(quad.predicate.value, ()):
                if existing == "refuse" and subject == made.subject and not is_refused:
                    is_refused = True
                    self._refuse(generator, made, quad, position, of)
                self._changed.add(subject)
                added.append(quad)
        self.counts.triples += len(said)
        if self._statements:
            triples = (quad.triple for quad in said)
            self._statements.write(ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b"")
        if existing == "replace":
            self._replace(said, known)
        return added

    def _check_collision(self, generator: Generator, made: RowStatements) -> None:
        here = (generator.file.name, made.number)
        first = self._made.setdefault(made.subject, here)
        if first != here and first[0] == here[0]:
            message = (
                f"row {first[1]} makes the same thing, {shorten(made.subject)}; a name belongs to "
                "one row"
            )
            self._problems.add(Problem(generator.place(made, 0), message))

    def _refuse(
        self,
        generator: Generator,
        made: RowStatements,
        quad: ox.Quad,
        position: int,
        of: _Known,
    ) -> None:
        property = shorten(quad.predicate.value)
        there = sorted(map(_show, of.values.get(quad.predicate.value, ())))
        told = f"is {' and '.join(there[:3])} there" if there else "is not told there"
        message = (
            f"{shorten(made.subject)} is in the graph already, and {property} {told}, not "
            f"{_show(quad.object)}; if another thing is meant, give it another name, and if this "
            "one, let the mapping say “import:existing”: “add” or “replace”"
        )
        self._problems.add(Problem(generator.place(made, position), message))

    def _replace(self, said: Iterable[ox.Quad], known: dict[str, _Known]) -> None:
        """Note what the row says otherwise of a thing than the graph imported to."""
        stated: dict[tuple[str, str], set[object]] = {}
        for quad in said:
            assert isinstance(quad.subject, ox.NamedNode)
            key = (quad.subject.value, quad.predicate.value)
            stated.setdefault(key, set()).add(quad.object)
        for (subject, property), values in stated.items():
            for known_property, value in known.get(subject, _Known()).here:
                if known_property == property and value not in values:
                    self.removals.add(
                        ox.Triple(ox.NamedNode(subject), ox.NamedNode(property), value)  # type: ignore[arg-type]
                    )
                    self._changed.add(subject)

    def spare(self, statements: Iterable[ox.Triple]) -> None:
        """Do not remove what another row states."""
        self.removals.difference_update(statements)


def write_patch(
    path: Path,
    additions: Path,
    removals: Iterable[ox.Triple],
    graph: str,
    sources: Iterable[Source],
    summary: str,
) -> None:
    """Write the change as an RDF Patch, whose headers say from which files it comes."""
    with path.open("wb") as patch, additions.open("rb") as added:
        patch.write(f"H summary {ox.Literal(summary)} .\n".encode())
        for source in sources:
            text = ox.Literal(f"{source.sha256} {source.name}")
            patch.write(f"H used {text} .\n".encode())
        patch.write(b"TX .\n")
        name = ox.NamedNode(graph)
        removed = [ox.Quad(t.subject, t.predicate, t.object, name) for t in removals]
        for line in (ox.serialize(removed, format=ox.RdfFormat.N_QUADS) or b"").splitlines():
            patch.write(b"D " + line + b"\n")
        for line in added:
            patch.write(b"A " + line)
        patch.write(b"TC .\n")


def _show(term: object) -> str:
    if isinstance(term, ox.NamedNode):
        name = shorten(term.value)
        return name if len(name) < 80 else f"<{term.value.removeprefix(BASE)}>"
    if isinstance(term, ox.Literal):
        return show_value(term.value) + (f"@{term.language}" if term.language else "")
    return str(term)
