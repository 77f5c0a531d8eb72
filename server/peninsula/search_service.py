"""How does a SPARQL query find things by their names?

``SERVICE <peninsula:search> { ?thing search:text "Putin" ; search:score ?score }`` is answered by
the index that the page ``/search`` asks. The clause says of one thing what is looked for (text,
class, kind, language of the names, limit), and which variables take what is found (name, score,
match).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Term
from peninsula.errors import ClientGone, NotIndexed, ParameterError, QueryTimeout
from peninsula.federation.gateway import Table
from peninsula.federation.local_services import Block, Node, TriplePattern
from peninsula.labels import LANGUAGES
from peninsula.namespaces import PREFIXES, expand, shorten
from peninsula.protocol import read_number
from peninsula.search import LONGEST_TEXT, Hit, Index, Indexes, Wish

SEARCH: Final = PREFIXES["search"]
#: What may stand in a clause, and what for.
PROPERTIES: Final = {
    "text": "what is looked for: a text, or a variable that the rest of the query binds",
    "class": "the class of the things, subclasses included",
    "kind": "the kind of the things as it stands in their address, as “state”",
    "language": "the language of the names that are looked through, as “ru”",
    "limit": "how many things at most, for each text",
    "name": "a variable for the name that fits best",
    "score": "a variable for how well it fits, from 0 to 1",
    "match": "a variable for what is alike: exact, form, spelling, beginning …",
}
_ONCE: Final = frozenset({"text", "class", "language", "limit"})
_OUTPUTS: Final = ("name", "score", "match")
_LIMIT: Final = 20
MOST_THINGS: Final = 1000
#: Texts that the rest of a query may bind.
MOST_TEXTS: Final = 200
_DECIMAL: Final = ox.NamedNode(expand("xsd:decimal"))
_EXAMPLE: Final = 'Write ?thing search:text "Putin" ; search:name ?name ; search:score ?score .'


class SearchService:
    """Answers ``SERVICE <peninsula:search>``."""

    name = "search"

    def __init__(self, indexes: Indexes) -> None:
        self._indexes = indexes

    def answer(self, block: Block) -> Table:
        """Return what was found, a row a thing and text."""
        clause = Clause(block.patterns)
        variables = tuple(dict.fromkeys(clause.variables()))
        if not block.bindings.rows:
            return Table(variables, [])
        texts = clause.texts(block.bindings)
        index = self._indexes.open(block.dataset, block.dataset.generation)
        if not index.is_settled:
            raise NotIndexed(
                "The names of this state of the graph are being indexed.", "Ask again in a minute."
            )
        until = None if block.timeout is None else time.monotonic() + block.timeout
        rows: list[tuple[Term | None, ...]] = []
        for text in texts:
            if block.is_gone and block.is_gone():
                raise ClientGone
            if until is not None and time.monotonic() > until:
                raise QueryTimeout(
                    f"Looking for {len(texts)} texts took too long.", "Look for fewer of them."
                )
            for row in clause.find(index, text):
                rows.append(tuple(row[variable] for variable in variables))
                if len(rows) > block.limit:
                    return Table(variables, rows)
        return Table(variables, rows)


class Clause:
    """What a clause says; raises ParameterError where that makes no sense."""

    def __init__(self, patterns: Sequence[TriplePattern]) -> None:
        if not patterns:
            raise ParameterError("The clause says nothing to look for.", _EXAMPLE)
        subjects = list(dict.fromkeys(str(pattern.subject) for pattern in patterns))
        if len(subjects) > 1:
            raise ParameterError(
                f"The clause looks for several things: {', '.join(subjects[:4])}.",
                "Use one SERVICE clause for each.",
            )
        self.thing = patterns[0].subject
        if isinstance(self.thing, ox.Literal):
            raise ParameterError(f"{self.thing} is a text, and no thing.", _EXAMPLE)
        self._said: dict[str, list[Node]] = {}
        for pattern in patterns:
            self._said.setdefault(_read_property(pattern.predicate), []).append(pattern.object)
        for name, values in self._said.items():
            if name in _ONCE and len(values) > 1:
                raise ParameterError(
                    f"The clause has search:{name} {len(values)} times.",
                    "Say it once." if name != "text" else "Use one SERVICE clause for each text.",
                    parameter=name,
                )
        if "text" not in self._said:
            raise ParameterError("The clause has no search:text.", _EXAMPLE, parameter="text")
        self._check_outputs()
        self._text = self._said["text"][0]
        self._class = self._read_class()
        self._kinds = tuple(self._read_text("kind"))
        self._language = next(self._read_text("language"), "").lower()
        self._limit = self._read_limit()

    def _check_outputs(self) -> None:
        for name in _OUTPUTS:
            for value in self._said.get(name, ()):
                if not isinstance(value, ox.Variable):
                    raise ParameterError(
                        f"search:{name} takes a variable, not {value}.",
                        f"Write search:{name} ?{name}, and FILTER outside of the clause.",
                        parameter=name,
                    )

    def variables(self) -> Iterator[str]:
        """Yield the variables that a row binds."""
        for node in (self.thing, self._text, *(n for o in _OUTPUTS for n in self._said.get(o, ()))):
            if isinstance(node, ox.Variable):
                yield node.value

    def texts(self, bindings: Table) -> list[ox.Literal]:
        """Return the texts that are looked for."""
        if isinstance(self._text, ox.Literal):
            self._check_length(self._text)
            return [self._text]
        if not isinstance(self._text, ox.Variable):
            raise ParameterError(
                f"search:text takes a text, not {self._text}.", _EXAMPLE, parameter="text"
            )
        name = self._text.value
        if name not in bindings.variables:
            raise ParameterError(
                f"Nothing binds ?{name}, which search:text is to look for.",
                f'Bind it outside of the clause: VALUES ?{name} {{ "Putin" }}.',
                parameter="text",
            )
        column = bindings.variables.index(name)
        # What is no text has no name like it.
        found = (row[column] for row in bindings.rows)
        texts = list(dict.fromkeys(term for term in found if isinstance(term, ox.Literal)))
        if len(texts) > MOST_TEXTS:
            raise ParameterError(
                f"?{name} has {len(texts)} values; no more than {MOST_TEXTS} are looked for.",
                "Bind it to fewer, for instance by a subquery with LIMIT.",
                parameter="text",
            )
        for text in texts:
            self._check_length(text)
        return texts

    @staticmethod
    def _check_length(text: ox.Literal) -> None:
        if len(text.value) > LONGEST_TEXT:
            raise ParameterError(
                f"A text of {len(text.value)} characters is looked for, more than {LONGEST_TEXT}.",
                "Look for a few words of the name.",
                parameter="text",
            )
        if not text.value.strip():
            raise ParameterError(
                "The text that is looked for is empty.", _EXAMPLE, parameter="text"
            )

    def find(self, index: Index, text: ox.Literal) -> Iterator[dict[str, Term]]:
        """Yield what is found for one text."""
        wish = Wish(
            text.value, self._kinds, self._class, self._language or "en", names_in=self._language
        )
        for hit in index.find(wish, limit=self._limit).hits:
            row: dict[str, Term] = {}
            pairs: list[tuple[Node, Term]] = [
                (self.thing, ox.NamedNode(hit.iri)),
                (self._text, text),
            ]
            for name in _OUTPUTS:
                value = _tell(hit, name)
                pairs += [(node, value) for node in self._said.get(name, ())]
            # A variable that stands twice must be the same, and a thing that is given that thing.
            if all(_bind(row, node, value) for node, value in pairs):
                yield row

    def _read_class(self) -> str:
        for value in self._said.get("class", ()):
            if not isinstance(value, ox.NamedNode):
                raise ParameterError(
                    f"search:class takes the IRI of a class, not {value}.",
                    "Write search:class pen:Person.",
                    parameter="class",
                )
            return value.value
        return ""

    def _read_text(self, name: str) -> Iterator[str]:
        for value in self._said.get(name, ()):
            if not isinstance(value, ox.Literal):
                example = LANGUAGES[-1] if name == "language" else "state"
                raise ParameterError(
                    f"search:{name} takes a text, not {value}.",
                    f'Write search:{name} "{example}".',
                    parameter=name,
                )
            yield value.value

    def _read_limit(self) -> int:
        for value in self._said.get("limit", ()):
            text = value.value if isinstance(value, ox.Literal) else ""
            number = read_number(text, 1, MOST_THINGS)
            if number is None:
                raise ParameterError(
                    f"search:limit takes a number from 1 to {MOST_THINGS}, not {value}.",
                    f"Write search:limit {_LIMIT}.",
                    parameter="limit",
                )
            return number
        return _LIMIT


def _read_property(node: Node) -> str:
    iri = node.value if isinstance(node, ox.NamedNode) else ""
    name = iri.removeprefix(SEARCH)
    if name == iri or name not in PROPERTIES:
        shown = shorten(iri) if iri else str(node)
        raise ParameterError(
            f"{shown} cannot stand in a clause that searches.",
            f"There are: {', '.join(f'search:{known}' for known in PROPERTIES)}. "
            "Say what else is to hold outside of the clause.",
        )
    return name


def _tell(hit: Hit, name: str) -> Term:
    if name == "score":
        return ox.Literal(f"{hit.score:.4f}", datatype=_DECIMAL)
    if name == "match":
        return ox.Literal(hit.match)
    matched = hit.matched
    if matched.language:
        return ox.Literal(matched.text, language=matched.language)
    return ox.Literal(matched.text)


def _bind(row: dict[str, Term], node: Node, value: Term) -> bool:
    if isinstance(node, ox.Variable):
        return row.setdefault(node.value, value) == value
    return node == value
