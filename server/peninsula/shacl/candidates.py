"""What may the author of a change have meant, where a shape finds fault with it?

From a validation result come small edits of the change, the likeliest first: another spelling of
a value, another thing of the same name, a property with a letter mended, a statement turned
round. Nothing here says that an edit helps; ``mends`` tries it. Edits rest on what the change and
the data say: what could only be made up is not offered.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import pyoxigraph as ox
from rdflib.term import Node

from peninsula.dataset.delta import Delta
from peninsula.namespaces import PREFIXES, expand, shorten
from peninsula.shacl import edits, literals, model
from peninsula.shacl.edits import Edit, show
from peninsula.shacl.lookup import LANGUAGES, NAMES, Lookup
from peninsula.shacl.model import Alternative, Inverse, Path, Predicate, Repeat, Shape, Shapes
from peninsula.shacl.naming import Named, is_like, local_name, name_in, rank, to_key
from peninsula.shacl.screen import TYPE
from peninsula.shacl.view import GraphName, Term
from peninsula.shacl.wants import Wants, read_wants, terms_of

#: A time as an expression, and as its first and its last day.
_TIMES: Final = (
    (("pen:edtf", "pen:inferredEdtf"), "pen:from", "pen:until"),
    (("pen:heldEdtf",), "pen:heldFrom", "pen:heldUntil"),
)
_DATE: Final = ox.NamedNode(literals.XSD + "date")
_ANY_URI: Final = ox.NamedNode(literals.XSD + "anyURI")
_INVERSE: Final = ox.NamedNode(expand("owl:inverseOf"))
_OTHER_NAME: Final = ox.NamedNode(expand("skos:altLabel"))
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
#: Values of one property that are weighed against each other, and pairs of dates.
_WEIGHED: Final = 4
_PAIRS: Final = 6
#: A change that removes more is not put back piece by piece.
_REMOVED: Final = 500


@dataclass(frozen=True)
class Result:
    """A validation result: what is wrong, and by which rule."""

    focus: Term
    path: Path | None
    value: Term | None
    #: Local name of the constraint component, such as ``ClassConstraintComponent``.
    component: str
    shape: Node
    constraint: Node | None = None
    severity: str = "Violation"
    #: The blank node that stands for the result in its report.
    node: str = field(default="", compare=False)


class Candidates:
    """Edits of the change ``delta``, which ``store`` holds.

    The store must be as it was whenever the next edit is asked for.
    """

    def __init__(
        self,
        store: ox.Store,
        shapes: Shapes,
        delta: Delta,
        graphs: Collection[GraphName] | None = None,
    ) -> None:
        self._shapes = shapes
        self._removed = delta.removed
        self._data = Lookup(store, delta, graphs)
        self._wants: dict[Node, Wants] = {}

    def of(self, result: Result) -> Iterator[Edit]:
        """Yield edits that may cure ``result``, the likeliest first, some more than once."""
        name = result.component.removesuffix("ConstraintComponent")
        for make in self._MAKERS.get(name, (Candidates._values,)):
            yield from make(self, result)
        yield from self._duplicates(result)
        yield from self._restored(result)

    def _want(self, result: Result) -> Wants:
        if result.shape not in self._wants:
            shape = self._shapes.by_node.get(result.shape)
            self._wants[result.shape] = read_wants(self._shapes, shape) if shape else Wants()
        return self._wants[result.shape]

    def _offending(self, result: Result) -> list[ox.Quad]:
        """Return the statements of the change that give the focus node the value."""
        if result.value is None:
            return []
        found: list[ox.Quad] = []
        for step in _ends(result.path):
            if isinstance(step, Predicate):
                found += self._data.said(None, ox.NamedNode(step.iri), result.value)
            else:
                found += self._data.said(result.value, ox.NamedNode(step.step.iri))
        own = [quad for quad in found if result.focus in (quad.subject, quad.object)]
        return own or found

    def _parameter(self, result: Result, *names: str) -> list[ox.NamedNode]:
        """Return the IRIs that the shape gives for these parameters."""
        shape = self._shapes.by_node.get(result.shape)
        nodes = itertools.chain(*(shape.parameters.get(name, ()) for name in names if shape))
        return [term for term in terms_of(nodes) if isinstance(term, ox.NamedNode)]

    # A value that does not fit.

    def _values(self, result: Result) -> Iterator[Edit]:
        """Put another value in its place."""
        if quads := self._offending(result):
            yield from self._better(quads, result.value, self._want(result))

    def _better(self, quads: list[ox.Quad], value: Any, wants: Wants) -> Iterator[Edit]:
        if isinstance(value, ox.Literal):
            found = self._things(value, wants) if wants.is_thing else self._literals(value, wants)
        elif isinstance(value, ox.NamedNode):
            found = self._iris(value, wants)
        else:
            return
        for better in found:
            if better != value:
                yield edits.with_value(quads, value, better)

    def _literals(self, value: ox.Literal, wants: Wants) -> Iterator[Term]:
        for datatype in wants.datatypes:
            if datatype != literals.LANG_STRING:
                yield from literals.respell(value, datatype)
        if wants.languages or literals.LANG_STRING in wants.datatypes:
            yield from literals.in_language(value, wants.languages or LANGUAGES)
        named = (Named(term, (to_key(name_in(term)),)) for term in wants.values)
        yield from rank(named, value.value)
        for text in literals.accepted_writings(value.value, wants.patterns):
            if value.language:
                yield ox.Literal(text, language=value.language)
            else:
                yield ox.Literal(text, datatype=value.datatype)

    def _things(self, value: ox.Literal, wants: Wants) -> Iterator[Term]:
        """Yield what a text names, or is the address of."""
        text = value.value.strip().strip("<>")
        prefix, _, local = text.partition(":")
        for iri in (PREFIXES.get(prefix, "") + local, text):
            if _ADDRESS.match(iri) and (thing := _to_iri(iri)):
                yield thing
        yield from self._data.named(text, wants)

    def _iris(self, value: ox.NamedNode, wants: Wants) -> Iterator[Term]:
        if _ANY_URI.value in wants.datatypes:
            yield ox.Literal(value.value, datatype=_ANY_URI)
        for text in literals.accepted_writings(value.value, wants.patterns):
            if iri := _to_iri(text):
                yield iri
        if wants.is_thing:
            yield from self._data.of_same_name(self._data.names(value), wants)
            yield from self._data.named(local_name(value.value), wants)

    def _kinds_of_value(self, result: Result) -> Iterator[Edit]:
        """Say what kind of thing a value is that the change describes."""
        value, classes = result.value, self._want(result).classes
        if not isinstance(value, ox.NamedNode) or not classes:
            return
        said = self._data.said(value)
        for quad in said:
            if quad.predicate == TYPE and isinstance(quad.object, ox.NamedNode):
                for kind in self._kinds_like(quad.object, classes):
                    yield edits.with_value([quad], quad.object, kind)
        if said and not self._data.kinds(value):
            for kind in classes:
                yield edits.add(ox.Quad(value, TYPE, kind, said[0].graph_name))

    def _kinds_like(self, kind: ox.NamedNode, tops: Iterable[Term]) -> list[Term]:
        if self._data.exists(kind):
            return []
        below = dict.fromkeys(itertools.chain(*(self._data.classes.below(top) for top in tops)))
        named = (Named(term, (to_key(name_in(term)),)) for term in below)
        return rank(named, local_name(kind.value))

    def _turned(self, result: Result) -> Iterator[Edit]:
        """Turn a statement round whose subject is what its object should be."""
        classes = self._want(result).classes
        for quad in self._offending(result):
            if isinstance(quad.object, ox.NamedNode) and self._data.is_a(quad.subject, classes):
                yield edits.turn(quad)

    def _kinds_of_focus(self, result: Result) -> Iterator[Edit]:
        """Leave out one of several kinds, which may exclude each other."""
        if len(self._data.kinds(result.focus)) > 1:
            for quad in self._data.said(result.focus, TYPE):
                yield edits.drop([quad])

    def _duplicates(self, result: Result) -> Iterator[Edit]:
        """Take what is there already instead of a new thing of the same name and kind."""
        for new in dict.fromkeys((result.focus, result.value)):
            if not self._data.is_new(new):
                continue
            types = (quad.object for quad in self._data.said(new, TYPE))
            wants = Wants(classes={k: None for k in types if isinstance(k, ox.NamedNode)})
            names = list(self._data.names(new))
            if not wants.classes or not names:
                continue
            keys = set(map(to_key, names))
            alike = (n.thing for n in self._data.searched(wants) if keys & set(n.keys[1:]))
            same = dict.fromkeys((*self._data.of_same_name(names, wants), *alike))
            yield from itertools.chain(*(self._merged(new, old) for old in same))

    def _merged(self, new: Any, old: Any) -> Iterator[Edit]:
        if not isinstance(old, ox.NamedNode) or old == new or self._data.is_new(old):
            return
        about, pointing = self._data.said(new), self._data.said(None, None, new)
        title = f"Take {show(old)}, which is there already, instead of {show(new)}"
        both = frozenset({*about, *pointing})
        moved = frozenset(edits.replace(quad, new, old) for quad in pointing)
        yield Edit(f"{title}.", both, moved)
        moved |= {edits.replace(quad, new, old) for quad in about}
        yield Edit(f"{title}, and keep what is said of it.", both, moved)

    # A value that is not there.

    def _missing(self, result: Result) -> Iterator[Edit]:
        """Find it where it is stated in another way than is asked for."""
        wants = self._want(result)
        for step in _ends(result.path):
            if isinstance(step, Inverse):
                pointing = self._data.said(None, None, result.focus)
                yield from self._misspelt(step.step.iri, pointing)
                continue
            predicate = ox.NamedNode(step.iri)
            yield from self._misspelt(step.iri, self._data.said(result.focus))
            yield from self._turned_to(result.focus, predicate)
            if predicate in NAMES:
                for name in NAMES:
                    for quad in self._data.said(result.focus, name) if name != predicate else ():
                        yield edits.with_predicate([quad], predicate)
            for quad in self._data.said(result.focus, predicate):
                yield from self._better([quad], quad.object, wants)

    def _misspelt(self, wanted: str, quads: Iterable[ox.Quad]) -> Iterator[Edit]:
        by_predicate: dict[ox.NamedNode, list[ox.Quad]] = {}
        for quad in quads:
            by_predicate.setdefault(quad.predicate, []).append(quad)
        for predicate, same in by_predicate.items():
            is_known = predicate.value in self._predicates and self._data.exists(predicate)
            alike = is_like(local_name(predicate.value), local_name(wanted))
            if predicate.value != wanted and not is_known and alike:
                yield edits.with_predicate(same, ox.NamedNode(wanted))

    @cached_property
    def _predicates(self) -> frozenset[str]:
        """The predicates that shapes ask for."""
        steps = itertools.chain(*(_ends(shape.path) for shape in self._shapes))
        return frozenset(step.iri for step in steps if isinstance(step, Predicate))

    def _turned_to(self, focus: Any, predicate: ox.NamedNode) -> Iterator[Edit]:
        """Find what is stated with the focus node as object."""
        if isinstance(focus, ox.Literal):
            return
        for quad in self._data.said(None, predicate, focus):
            yield edits.turn(quad)
        statements = self._data.statements
        inverses = {*statements.objects(predicate, _INVERSE),
                    *statements.subjects(_INVERSE, predicate)}  # fmt: skip
        for inverse in inverses:
            for quad in self._data.said(None, inverse, focus):
                yield edits.add(ox.Quad(focus, predicate, quad.subject, quad.graph_name))

    def _required(self, result: Result) -> Iterator[Edit]:
        """Give the one value that the shape asks for by name."""
        focus: Any = result.focus
        about = self._data.said(focus)
        if not isinstance(result.path, Predicate) or not about:
            return
        predicate = ox.NamedNode(result.path.iri)
        shape = self._shapes.by_node.get(result.shape)
        for value in terms_of(shape.parameters.get("hasValue", ())) if shape else ():
            for quad in self._data.said(focus, predicate):
                yield edits.with_value([quad], quad.object, value)
            yield edits.add(ox.Quad(focus, predicate, value, about[0].graph_name))

    def _restored(self, result: Result) -> Iterator[Edit]:
        """Keep what the change removes."""
        if len(self._removed) > _REMOVED:
            return
        ends = {result.focus, result.value}
        steps = {s.iri if isinstance(s, Predicate) else s.step.iri
                 for s in (*_ends(result.path), *_ends(_back(result.path)))}  # fmt: skip
        lost = [q for q in self._removed if q.subject in ends or q.object in ends]
        near = [q for q in lost if q.predicate.value in steps or q.predicate == TYPE]
        for quads in (*([quad] for quad in near), near, lost):
            if quads:
                yield edits.keep(quads)

    # Too many values.

    def _superfluous(self, result: Result) -> Iterator[Edit]:
        """Keep one of them."""
        by_value: dict[Any, list[ox.Quad]] = {}
        for quad, value in self._given(result):
            by_value.setdefault(value, []).append(quad)
        if len(by_value) < 2:
            for quad in self._data.submitted(itertools.chain(*by_value.values())):
                yield edits.drop([quad])
        elif len(by_value) <= _WEIGHED:
            yield from self._copies(by_value)
            yield from self._choices(by_value)
        if isinstance(result.path, model.Sequence):
            # What should be one thing's alone is two things', which may be one.
            found = self._data.reached(result.focus, result.path)
            both = dict.fromkeys((result.focus, *sorted(found, key=str)[:_WEIGHED]))
            for new, old in itertools.permutations(both, 2):
                if self._data.is_new(new):
                    yield from self._merged(new, old)

    def _given(self, result: Result) -> Iterator[tuple[ox.Quad, Any]]:
        """Yield the statements by which the focus node has its values, where they are near it."""
        for step in _ends(_back(result.path)):
            # The way back: its ends are the steps at the focus node.
            if isinstance(step, Inverse):
                for quad in self._data.there(result.focus, ox.NamedNode(step.step.iri), None):
                    yield quad, quad.object
            elif not isinstance(result.focus, ox.Literal):
                for quad in self._data.there(None, ox.NamedNode(step.iri), result.focus):
                    yield quad, quad.subject

    def _copies(self, by_value: Mapping[Any, list[ox.Quad]]) -> Iterator[Edit]:
        """Leave out what differs from another value in case, spaces and the like alone."""
        keys = {value: to_key(name_in(value)) for value in by_value}
        for value, quads in by_value.items():
            is_copy = any(keys[o] == keys[value] and o != value for o in by_value)
            if is_copy and self._data.submitted(quads) == quads:
                yield edits.drop(quads)

    def _choices(self, by_value: Mapping[Any, list[ox.Quad]]) -> Iterator[Edit]:
        old = {v for v, quads in by_value.items() if self._data.submitted(quads) != quads}
        for kept in sorted(by_value, key=lambda value: (value not in old, str(value))):
            others = [value for value in by_value if value != kept]
            kind = "" if not old else "earlier " if kept in old else "new "
            yield Edit(
                f"Keep the {kind}value {show(kept)}, not {' or '.join(map(show, others))}.",
                frozenset(quad for value in others for quad in by_value[value]),
            )

    def _languages(self, result: Result) -> Iterator[Edit]:
        """Mend a language tag, or keep one of the values in a language."""
        by_language: dict[str, dict[Any, list[ox.Quad]]] = {}
        for quad, value in self._given(result):
            if isinstance(value, ox.Literal) and value.language:
                by_language.setdefault(value.language, {}).setdefault(value, []).append(quad)
        tags = self._want(result).languages or LANGUAGES
        for language, by_value in by_language.items():
            if not 1 < len(by_value) <= _WEIGHED:
                continue
            for value, quads in by_value.items():
                if not literals.is_in_script_of(value.value, language):
                    others = [tag for tag in tags if tag != language]
                    for better in literals.in_language(value, others):
                        yield edits.with_value(quads, value, better)
            yield from self._copies(by_value)
            yield from self._other_names(by_value)
            yield from self._choices(by_value)

    def _other_names(self, by_value: Mapping[Any, list[ox.Quad]]) -> Iterator[Edit]:
        for quads in by_value.values():
            if self._data.submitted(quads) == quads and quads[0].predicate in NAMES[:2]:
                yield edits.with_predicate(quads, _OTHER_NAME)

    # Values that do not go together.

    def _closed(self, result: Result) -> Iterator[Edit]:
        """Mend a property that a closed shape does not know, or leave the statement out."""
        quads = self._offending(result)
        if not quads:
            return
        parts = self._parameter_shapes(result, "property")
        known = [part.path.iri for part in parts if isinstance(part.path, Predicate)]
        named = (Named(ox.NamedNode(iri), (to_key(local_name(iri)),)) for iri in known)
        for near in rank(named, local_name(quads[0].predicate.value)):
            if isinstance(near, ox.NamedNode):
                yield edits.with_predicate(quads, near)
        yield edits.drop(quads)

    def _parameter_shapes(self, result: Result, name: str) -> Iterator[Shape]:
        shape = self._shapes.by_node.get(result.shape)
        for node in shape.parameters.get(name, ()) if shape else ():
            if node in self._shapes.by_node:
                yield self._shapes[node]

    def _ordered(self, result: Result) -> Iterator[Edit]:
        """Swap two values that are in the wrong order."""
        if isinstance(result.path, Predicate):
            for other in self._parameter(result, "lessThan", "lessThanOrEquals"):
                yield from self._swapped(result.focus, ox.NamedNode(result.path.iri), other)

    def _swapped(self, focus: Any, *predicates: ox.NamedNode) -> Iterator[Edit]:
        ends = [self._data.said(focus, predicate) for predicate in predicates]
        if any(len(quads) != 1 for quads in ends):
            return
        (a,), (b,) = ends
        title = f"Swap the values of {show(a.predicate)} and {show(b.predicate)}."
        swapped = {edits.replace(a, a.object, b.object), edits.replace(b, b.object, a.object)}
        yield Edit(title, frozenset({a, b}), frozenset(swapped))

    def _queried(self, result: Result) -> Iterator[Edit]:
        """Try what goes wrong with dates, which rules in SPARQL are often about."""
        yield from self._times(result.focus)
        dated = [q for q in self._data.said(result.focus) if _is_time(q.object)]
        for a, b in itertools.islice(itertools.combinations(dated, 2), _PAIRS):
            yield from self._swapped(result.focus, a.predicate, b.predicate)
        yield from self._values(result)

    def _times(self, focus: Any) -> Iterator[Edit]:
        """Let an expression of a time and its first and last day say the same."""
        for names, *ends in _TIMES:
            for name in names:
                for quad in self._data.said(focus, ox.NamedNode(expand(name))):
                    yield from self._days(quad, [ox.NamedNode(expand(end)) for end in ends])

    def _days(self, quad: ox.Quad, ends: Sequence[ox.NamedNode]) -> Iterator[Edit]:
        expression = quad.object
        if not isinstance(expression, ox.Literal):
            return
        given = [self._data.said(quad.subject, end) for end in ends]
        days = [_texts(quads) for quads in given]
        if bounds := literals.edtf_bounds(expression.value):
            wanted = frozenset(
                ox.Quad(quad.subject, end, ox.Literal(day, datatype=_DATE), quad.graph_name)
                for end, day in zip(ends, bounds, strict=True)
                if day
            )
            names = " and ".join(shorten(end.value) for end in ends)
            title = f"Set {names} to the days that “{expression.value}” means."
            yield Edit(title, frozenset(itertools.chain(*given)) - wanted, wanted)
        if any(days) and all(len(found) <= 1 for found in days):
            first, last = (next(iter(found), "..") for found in days)
            if ".." in (first, last) or first <= last:
                text = first if first == last else f"{first}/{last}"
                better = ox.Literal(text, datatype=expression.datatype)
                yield edits.with_value([quad], expression, better)

    def _equal(self, result: Result) -> Iterator[Edit]:
        """Let two ways to say something say the same."""
        focus: Any = result.focus
        for other in self._parameter(result, "equals"):
            theirs = self._data.said(focus, other)
            if any(quad.object == result.value for quad in theirs):
                yield from self._at_the_end(result)
            elif theirs:
                for quad in theirs:
                    yield edits.with_value([quad], quad.object, result.value)
            else:
                for quad in self._offending(result)[:1]:
                    yield edits.add(ox.Quad(focus, other, quad.object, quad.graph_name))

    def _at_the_end(self, result: Result) -> Iterator[Edit]:
        """State the value at the end of the path, where that leads to one thing."""
        value: Any = result.value
        if result.path is None:
            return
        steps = result.path.steps if isinstance(result.path, model.Sequence) else (result.path,)
        last, about = steps[-1], self._data.said(result.focus)
        way = model.then(*steps[:-1])
        starts: set[Any] = self._data.reached(result.focus, way)
        if not isinstance(last, Predicate) or len(starts) != 1 or not about:
            return
        start, predicate = starts.pop(), ox.NamedNode(last.iri)
        for quad in self._data.said(start, predicate):
            yield edits.with_value([quad], quad.object, value)
        if not isinstance(start, ox.Literal):
            yield edits.add(ox.Quad(start, predicate, value, about[0].graph_name))

    def _disjoint(self, result: Result) -> Iterator[Edit]:
        """Say it in one of two ways that exclude each other."""
        for quad in self._offending(result):
            yield edits.drop([quad])
        for other in self._parameter(result, "disjoint"):
            for quad in self._data.said(result.focus, other, result.value):
                yield edits.drop([quad])

    #: Constraint component -> who knows what may have been meant, in order.
    _MAKERS: Final[Mapping[str, tuple[Any, ...]]] = {
        "Class": (_kinds_of_value, _values, _turned),
        "Node": (_kinds_of_value, _values, _turned),
        "Or": (_kinds_of_value, _values, _turned),
        "Xone": (_values, _kinds_of_focus),
        "Not": (_kinds_of_focus, _values),
        "MinCount": (_missing,),
        "QualifiedMinCount": (_missing,),
        "HasValue": (_missing, _required),
        "MaxCount": (_superfluous,),
        "QualifiedMaxCount": (_superfluous,),
        "UniqueLang": (_languages,),
        "Closed": (_closed,),
        "LessThan": (_ordered, _values),
        "LessThanOrEquals": (_ordered, _values),
        "Equals": (_equal,),
        "Disjoint": (_disjoint,),
        "SPARQL": (_queried,),
    }


def _texts(quads: Iterable[ox.Quad]) -> set[str]:
    return {quad.object.value for quad in quads if isinstance(quad.object, ox.Literal)}


def _is_time(term: object) -> bool:
    return isinstance(term, ox.Literal) and term.datatype.value in literals.TIMES


def _to_iri(text: str) -> ox.NamedNode | None:
    try:
        return ox.NamedNode(text)
    except ValueError:
        return None


def _back(path: Path | None) -> Path | None:
    return model.back(path) if path else None


def _ends(path: Path | None) -> Iterator[Predicate | Inverse]:
    """Yield the steps by which a path can end."""
    match path:
        case Predicate() | Inverse():
            yield path
        case model.Sequence(steps) if steps:
            yield from _ends(steps[-1])
        case Alternative(branches):
            yield from itertools.chain(*map(_ends, branches))
        case Repeat(inner, _, _):
            yield from _ends(inner)
