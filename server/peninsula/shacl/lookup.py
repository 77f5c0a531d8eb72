"""What does a change say, and which things are there that it may have meant?

Equal names, and IRIs with one slip in them, are found whatever the size of a class, by the engine's
index; for names that are similar otherwise it is searched through as far as ``_SEARCHED`` of its
things.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import pyoxigraph as ox

from peninsula.dataset.delta import Delta
from peninsula.namespaces import PREFIXES, expand
from peninsula.shacl.affected import reach
from peninsula.shacl.model import Path
from peninsula.shacl.naming import MOST, Named, local_name, rank, slips, spellings, to_key
from peninsula.shacl.screen import TYPE, Classes
from peninsula.shacl.view import GraphName, Statements, Term
from peninsula.shacl.wants import Wants

#: Properties that name a thing, the usual ones first.
NAMES: Final = tuple(
    ox.NamedNode(expand(name))
    for name in (
        "rdfs:label", "skos:prefLabel", "skos:altLabel", "dcterms:title", "foaf:name",
        "schema:name",
    )
)  # fmt: skip
LANGUAGES: Final = ("en", "ko", "ru")
#: Things of a class that are looked through for a similar name.
_SEARCHED: Final = 2000
#: Statements about one thing that are looked at.
_STATEMENTS: Final = 500
#: Slips are looked for in names up to so long.
_SLUG: Final = 80


class Lookup:
    """A change and the data around it; ``store`` holds both."""

    def __init__(
        self, store: ox.Store, delta: Delta, graphs: Collection[GraphName] | None = None
    ) -> None:
        self.statements = Statements(store, graphs)
        self.classes = Classes(self.statements)
        self._store = store
        self._added = delta.added
        self._payload = ox.Dataset(delta.added)
        self._things: dict[object, list[Named]] = {}
        self._named: dict[object, list[Term]] = {}

    # What is said.

    def said(self, subject: Any = None, predicate: Any = None, object: Any = None) -> list[ox.Quad]:
        """Return the statements of the change that fit; a subject or an object must be given."""
        if subject is not None and not isinstance(subject, ox.Literal):
            found = self._payload.quads_for_subject(subject)
        elif subject is None:
            found = self._payload.quads_for_object(object)
        else:
            return []
        fitting = (
            quad
            for quad in found
            if predicate in (None, quad.predicate) and object in (None, quad.object)
        )
        return sorted(itertools.islice(fitting, _STATEMENTS), key=str)

    def there(self, subject: Any, predicate: ox.NamedNode, object: Any) -> list[ox.Quad]:
        """Return the statements of the change and the data that fit, in any graph."""
        if isinstance(subject, ox.Literal):
            return []
        found = self._store.quads_for_pattern(subject, predicate, object, None)
        return sorted(itertools.islice(found, _STATEMENTS), key=str)

    def submitted(self, quads: Iterable[ox.Quad]) -> list[ox.Quad]:
        """Return those of ``quads`` that the change adds."""
        return [quad for quad in quads if quad in self._added]

    def exists(self, term: Any) -> bool:
        """Return whether anything is said about ``term``."""
        return any(True for _ in self.statements.match(term))

    def is_new(self, term: Any) -> bool:
        """Return whether all that is said about ``term`` is said by the change."""
        if not isinstance(term, ox.NamedNode):
            return False
        said = list(itertools.islice(self._store.quads_for_pattern(term, None, None), _STATEMENTS))
        return bool(said) and all(quad in self._added for quad in said)

    def kinds(self, term: Any) -> set[Term]:
        return set(self.statements.objects(term, TYPE))

    def is_a(self, term: Any, classes: Iterable[Term]) -> bool:
        """Return whether ``term`` is of one of ``classes``, or of one below them."""
        kinds = self.kinds(term)
        return any(kinds & self.classes.below(top) for top in classes)

    def reached(self, start: Term, path: Path) -> set[Term]:
        return reach(self.statements, path, {start})

    # What is there of that name.

    def named(self, text: str, wants: Wants) -> list[Term]:
        """Return things that fit and are called ``text``, then those called much like it."""
        key = (text, tuple(wants.classes), tuple(wants.marks), tuple(wants.values))
        if key not in self._named:
            found = (*self.of_same_name([text], wants), *self._of_like_iri(text, wants))
            self._named[key] = list(dict.fromkeys((*found, *rank(self.searched(wants), text))))
        return self._named[key]

    def of_same_name(self, names: Iterable[str], wants: Wants) -> Iterator[Term]:
        """Yield things that fit and have one of ``names``, so spelt or in a usual case."""
        wished = dict.fromkeys(itertools.chain(*map(spellings, names)))
        for name, property, language in itertools.product(wished, NAMES, ("", *LANGUAGES)):
            label = ox.Literal(name, language=language) if language else ox.Literal(name)
            found = self.statements.subjects(property, label)
            for thing in itertools.islice(found, 3 * MOST):
                if isinstance(thing, ox.NamedNode) and self._fits(thing, wants):
                    yield thing

    def _of_like_iri(self, text: str, wants: Wants) -> Iterator[Term]:
        """Yield things that fit and whose local name is made of ``text``, or with a slip is."""
        slug = "-".join(to_key(text).split())
        if not slug or len(slug) > _SLUG:
            return
        near = dict.fromkeys(
            named.thing.value.removesuffix(local_name(named.thing.value))
            for named in self.searched(wants)
            if isinstance(named.thing, ox.NamedNode)
        )
        spaces = list(itertools.islice(near, MOST))
        tried = itertools.chain(
            (space + slug for space in (*spaces, *PREFIXES.values())),
            (space + slip for space in spaces for slip in slips(slug)),
        )
        for iri in tried:
            try:
                thing = ox.NamedNode(iri)
            except ValueError:
                continue
            if self.exists(thing) and self._fits(thing, wants):
                yield thing

    def _fits(self, thing: Term, wants: Wants) -> bool:
        if wants.marks:
            match = self.statements.match
            return any(any(True for _ in match(thing, *mark)) for mark in wants.marks)
        return self.is_a(thing, wants.classes) if wants.classes else thing in wants.values

    def searched(self, wants: Wants) -> list[Named]:
        """Return things that fit, with their names: as many as are looked through."""
        key = (tuple(wants.classes), tuple(wants.marks), tuple(wants.values))
        if key not in self._things:
            things = itertools.islice(self._fitting(wants), _SEARCHED)
            self._things[key] = [
                Named(thing, (to_key(local_name(thing.value)), *map(to_key, self.names(thing))))
                for thing in dict.fromkeys(things)
                if isinstance(thing, ox.NamedNode)
            ]
        return self._things[key]

    def _fitting(self, wants: Wants) -> Iterator[Term]:
        for predicate, object in wants.marks:
            yield from self.statements.subjects(predicate, object)
        for top in wants.classes:
            for kind in self.classes.below(top):
                yield from self.statements.subjects(TYPE, kind)
        if not wants.marks and not wants.classes:
            yield from wants.values

    def names(self, term: Any) -> Iterator[str]:
        """Yield what ``term`` is called, in any language."""
        for property in NAMES:
            for name in self.statements.objects(term, property):
                if isinstance(name, ox.Literal):
                    yield name.value
