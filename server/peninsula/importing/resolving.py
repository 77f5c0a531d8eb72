"""Which of our things does a cell name?

By its IRI or prefixed name, by a label in any language, by another name or code, by its slug. Of
several things with the same name none is taken: the curator must say which.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import pyoxigraph as ox

from peninsula.importing.mapping import Resolve
from peninsula.namespaces import expand, shorten
from peninsula.spelling import fold, grams_of
from peninsula.terms import read_iri, slug_of

#: Answers a SELECT query of ours with rows of terms.
Ask = Callable[[str], Iterable[tuple[object, ...]]]

_LABELS: Final = tuple(expand(n) for n in ("rdfs:label", "skos:prefLabel", "dcterms:title"))
_OTHERS: Final = tuple(
    expand(n)
    for n in (
        "skos:altLabel", "foaf:name", "skos:notation", "pen:officialName", "pen:iso3166Alpha2",
        "pen:iso3166Alpha3", "pen:symbol",
    )
)  # fmt: skip
_TYPE: Final = expand("rdf:type")
_IN_SCHEME: Final = expand("skos:inScheme")
#: Different texts for which near names are looked for: each costs a look at all names.
_MOST_LOOKS: Final = 300
#: Names that are compared letter by letter.
_COMPARED: Final = 400
_SHOWN: Final = 3


class NameUnknown(Exception):
    """A text names none of the things, or several."""

    def __init__(self, message: str, near: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.near = near


@dataclass
class _Things:
    """Names of the things that one column may name."""

    #: What one of them is called, or all of a vocabulary.
    called: str
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    #: A label as it is written -> things; then everything else, folded.
    exact: dict[str, set[str]] = field(default_factory=dict)
    folded: dict[str, set[str]] = field(default_factory=dict)
    #: Of the folded ones, those that are labels.
    by_label: dict[str, set[str]] = field(default_factory=dict)

    def add(self, iri: str, property: str, text: str, language: str) -> None:
        if property in _LABELS:
            self.labels.setdefault(iri, {}).setdefault(language, text)
            self.exact.setdefault(text, set()).add(iri)
            self.by_label.setdefault(fold(text), set()).add(iri)
        self.folded.setdefault(fold(text), set()).add(iri)

    def know(self, iri: str) -> None:
        """Take a thing in by its slug."""
        if iri not in self.labels:
            self.labels[iri] = {}
        self.folded.setdefault(fold(slug_of(iri)), set()).add(iri)


class Names:
    """The names of things in a dataset, and of those that an import makes."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._things: dict[Resolve, _Things] = {}
        self._supers: dict[str, frozenset[str]] = {}
        self._looks = 0

    def find(self, wanted: Resolve, text: str) -> str:
        """Return the IRI of the thing that ``text`` names; raises NameUnknown."""
        things = self._open(wanted)
        found = self._by_iri(things, text)
        for names, key in (
            (things.exact, text), (things.by_label, fold(text)), (things.folded, fold(text)),
        ):  # fmt: skip
            if not found:
                found = names.get(key, set())
        if len(found) == 1:
            return next(iter(found))
        if found:
            some = tuple(self._show(things, iri, text) for iri in sorted(found)[:_SHOWN])
            raise NameUnknown(f"names more than one {things.called}; write which", some)
        nothing = (
            f"is none of the {things.called}" if wanted.scheme else f"names no {things.called}"
        )
        raise NameUnknown(nothing, self._near(things, text))

    def label(self, wanted: Resolve, iri: str, language: str = "") -> str | None:
        """Return what a thing is called; without a language, in English or any other."""
        labels = self._open(wanted).labels.get(iri, {})
        if language:
            return labels.get(language)
        return (
            labels.get("en") or labels.get("") or next(iter(labels.values()), None) or slug_of(iri)
        )

    def learn(self, statements: Iterable[ox.Triple]) -> None:
        """Take in what an import makes, so that a later table of it can name it."""
        for subject, predicate, value in statements:
            if not isinstance(subject, ox.NamedNode):
                continue
            if predicate.value in {_TYPE, _IN_SCHEME} and isinstance(value, ox.NamedNode):
                for wanted, things in self._things.items():
                    if value.value == wanted.scheme or self._is_a(value.value, wanted.class_iri):
                        things.know(subject.value)
        for subject, predicate, value in statements:
            if isinstance(subject, ox.NamedNode) and isinstance(value, ox.Literal):
                for wanted, things in self._things.items():
                    if subject.value in things.labels and predicate.value in (
                        *_LABELS, *_OTHERS, *wanted.by,
                    ):  # fmt: skip
                        things.add(
                            subject.value, predicate.value, value.value, value.language or ""
                        )

    def open_all(self, wishes: Iterable[Resolve]) -> None:
        """Read the names that will be asked for."""
        for wanted in wishes:
            self._open(wanted)

    def _by_iri(self, things: _Things, text: str) -> set[str]:
        if ":" not in text or " " in text.strip():
            return set()
        try:
            iri = read_iri(text).value
        except ValueError:
            return set()
        return {iri} & things.labels.keys()

    def _open(self, wanted: Resolve) -> _Things:
        if wanted not in self._things:
            self._things[wanted] = self._read(wanted)
        return self._things[wanted]

    def _read(self, wanted: Resolve) -> _Things:
        things = _Things(self._call(wanted))
        if wanted.scheme:
            pattern = f"?thing <{_IN_SCHEME}> {ox.NamedNode(wanted.scheme)} ."
        else:
            pattern = f"?thing a/<{expand('rdfs:subClassOf')}>* {ox.NamedNode(wanted.class_iri)} ."
        for (thing,) in self._ask(f"SELECT DISTINCT ?thing WHERE {{ {pattern} }}"):
            if isinstance(thing, ox.NamedNode):
                things.know(thing.value)
        each = " UNION ".join(
            f"{{ ?thing <{iri}> ?name BIND(<{iri}> AS ?property) }}"
            for iri in dict.fromkeys((*_LABELS, *_OTHERS, *wanted.by))
        )
        query = f"SELECT DISTINCT ?thing ?property ?name WHERE {{ {pattern} {each} }}"
        for thing, property, name in self._ask(query):
            if (
                isinstance(thing, ox.NamedNode)
                and isinstance(property, ox.NamedNode)
                and isinstance(name, ox.Literal)
            ):
                things.add(thing.value, property.value, name.value, name.language or "")
        return things

    def _call(self, wanted: Resolve) -> str:
        """Return what the things are called together."""
        iri = wanted.scheme or wanted.class_iri
        label = f"SELECT ?name WHERE {{ {ox.NamedNode(iri)} <{_LABELS[0]}> ?name }}"
        for (name,) in self._ask(label):
            if isinstance(name, ox.Literal) and name.language == "en":
                return name.value
        return shorten(iri)

    def _is_a(self, class_iri: str, wanted: str) -> bool:
        if not wanted or class_iri == wanted:
            return bool(wanted)
        if wanted not in self._supers:
            query = (
                f"SELECT DISTINCT ?class WHERE {{ ?class <{expand('rdfs:subClassOf')}>+ "
                f"{ox.NamedNode(wanted)} }}"
            )
            rows = self._ask(query)
            self._supers[wanted] = frozenset(
                row[0].value for row in rows if isinstance(row[0], ox.NamedNode)
            )
        return class_iri in self._supers[wanted]

    def _near(self, things: _Things, text: str) -> tuple[str, ...]:
        self._looks += 1
        if self._looks > _MOST_LOOKS:
            return ()
        wished = fold(text[:200])
        found = difflib.get_close_matches(
            wished, list(_alike(wished, things.folded)), n=_SHOWN, cutoff=0.6
        )
        shown = (
            self._show(things, iri, name) for name in found for iri in sorted(things.folded[name])
        )
        return tuple(dict.fromkeys(shown))[:_SHOWN]

    def _show(self, things: _Things, iri: str, text: str) -> str:
        """Return a thing by the label that is meant, and its name."""
        labels = things.labels.get(iri, {})
        wished = fold(text)
        fitting = next((name for name in labels.values() if fold(name) == wished), None)
        label = fitting or labels.get("en") or next(iter(labels.values()), "")
        return f"{label} ({shorten(iri)})" if label else shorten(iri)


def _alike(wished: str, names: Iterable[str]) -> Iterator[str]:
    """Yield the names that share most with what is wished, few enough to be compared in full."""
    grams = grams_of(wished)
    length = len(wished)
    ranked = sorted(
        (-sum(gram in name for gram in grams), abs(len(name) - length), name) for name in names
    )
    return (name for *_, name in ranked[:_COMPARED])
