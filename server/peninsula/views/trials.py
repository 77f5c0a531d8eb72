"""How is the page of a trial put together: the text, what is wrong with it, and what mends it?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from peninsula.dataset.delta import read_patch
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.interface import select
from peninsula.errors import InvalidUpload, PeninsulaError
from peninsula.formats import GRAPH_FORMATS, HTML, find
from peninsula.labels import find_labels, name_of
from peninsula.namespaces import PREFIXES, expand, shorten
from peninsula.shacl.display import Group, Listing, group, list_lines
from peninsula.shacl.locating import Text
from peninsula.shacl.rendering import REPORT_FORMATS
from peninsula.shacl.report import Mend, ValidationReport
from peninsula.shacl.rewriting import Standing, Statement, declare
from peninsula.tables import Cell, make_cell
from peninsula.views.site import current_site, dataset, language, render

#: The graph that is proposed for what is submitted.
SUBMITTED: Final = "graph:submitted"
#: Things whose pages are looked for at once.
_LOOKED_FOR: Final = 500


@dataclass(frozen=True)
class Trial:
    """What was sent, as far as the form shows it again."""

    typed: str = ""
    name: str = ""
    format: str = ""
    mode: str = "graph"
    graph: str = SUBMITTED
    asks_questions: bool = False
    #: Whether the form holds all that was judged, so that it can be judged again and submitted.
    is_shown: bool = False
    is_update: bool = False
    #: The format that it was read as, and its media type.
    read_as: str = ""
    media_type: str = ""
    texts: tuple[Text, ...] = ()
    #: Whether the text is not the one that was sent: a mend was made in it.
    has_mended: bool = False

    @property
    def extension(self) -> str:
        """Return the ending of a file with it."""
        format = find(self.read_as, GRAPH_FORMATS)
        return format.extension if format else "ttl"


@dataclass(frozen=True)
class Offer:
    """A mend on the page: what its button sends, empty where the text cannot be altered so."""

    title: str
    value: str
    update: str


@dataclass(frozen=True)
class Rule:
    """A shape that was asked, and of how many focus nodes."""

    name: str
    #: The class that it is about, where that is known by its name.
    about: Cell | None
    count: int


def render_trial(
    trial: Trial,
    report: ValidationReport | None = None,
    told: Mapping[str, Any] | None = None,
    problem: PeninsulaError | None = None,
) -> str:
    """Return the page: the form, and what came out where something was judged."""
    site, told = current_site(), told or {}
    database = site.database
    limit = site.config.table_rows
    names = [text.name for text in trial.texts]
    groups: tuple[Group, ...] = ()
    if report:
        groups = group(report, names)
    line = int(getattr(problem, "line", 0) or 0)
    column = int(getattr(problem, "column", 0) or 0)
    shown = _first(groups, limit)
    questions = [
        (slug, site.library.templates[slug].summary)
        for slug in told.get("questions", ())
        if slug in site.library.templates
    ]
    return render(
        "validate.html",
        trial=trial,
        report=report,
        problem=problem,
        line=line,
        column=column,
        groups=shown,
        shown_results=sum(len(one.results) for one in shown),
        cells=_name_terms(shown),
        offers=_offer_mends(trial, shown),
        listings=_list(trial, groups, line, column) if report or problem else (),
        rules=_list_rules(report) if report else (),
        delta=told.get("delta"),
        questions=questions,
        questions_asked=told.get("questions_asked"),
        may_declare=_may_declare(trial, problem),
        formats=GRAPH_FORMATS,
        report_formats=[f for f in REPORT_FORMATS if f is not HTML],
        graphs=sorted(shorten(name) for name in database.current.graphs),
        submitted=SUBMITTED,
        target=_expand(trial.graph),
        is_read_only=isinstance(database, EmbeddedDatabase) and database.changes is None,
        has_shapes=site.knowledge is not None,
        current=database.current.number,
        max_bytes=site.config.max_update_bytes,
    )


def _first(groups: tuple[Group, ...], limit: int) -> tuple[Group, ...]:
    """Return the groups that hold the first ``limit`` results."""
    shown, count = [], 0
    for one in groups:
        if count >= limit:
            break
        shown.append(one)
        count += len(one.results)
    return tuple(shown)


def _list(trial: Trial, groups: Iterable[Group], line: int, column: int) -> tuple[Listing, ...]:
    listings = [
        list_lines(
            number, text.name, text.content, groups,
            line=line if len(trial.texts) == 1 else 0, column=column,
        )
        for number, text in enumerate(trial.texts, start=1)
    ]  # fmt: skip
    return tuple(one for one in listings if one.marked or (one.is_whole and len(listings) == 1))


def _name_terms(groups: Iterable[Group]) -> dict[str, Cell]:
    """Return how nodes, paths and values are shown, by the term; links where there is a page."""
    wanted: set[str] = set()
    for one in groups:
        wanted.add(one.term)
        for numbered in one.results:
            wanted.update((numbered.result.path_term, numbered.result.value_term))
    terms = {text: term for text in wanted if (term := _read(text)) is not None}
    labels = find_labels(dataset(), terms.values(), language())
    there = _find_described(terms.values())
    for one in groups:
        if one.iri and one.label and one.iri not in labels:
            labels[one.iri] = one.label
    cells = {}
    for text, term in terms.items():
        cell = make_cell(term, labels)
        # What is only in the text has no page yet.
        is_new = isinstance(term, ox.NamedNode) and term.value not in there
        cells[text] = Cell(cell.text, "", cell.language) if is_new else cell
    return cells


def _read(text: str) -> ox.NamedNode | ox.Literal | None:
    """Return a term of one piece; a path of several steps is none."""
    if not text or text[0] not in '<"':
        return None
    try:
        quads = list(ox.parse(f"<x:s> <x:p> {text} .", format=ox.RdfFormat.N_TRIPLES))
    except SyntaxError:
        return None
    found = quads[0].object if len(quads) == 1 else None
    return found if isinstance(found, ox.NamedNode | ox.Literal) else None


def _find_described(terms: Iterable[object]) -> set[str]:
    """Return those of ``terms`` of which the graph says something."""
    things = [str(term) for term in terms if isinstance(term, ox.NamedNode)][:_LOOKED_FOR]
    if not things:
        return set()
    query = f"SELECT ?s {{ VALUES ?s {{ {' '.join(things)} }} FILTER EXISTS {{ ?s ?p ?o }} }}"
    return {row[0].value for row in select(dataset(), query) if isinstance(row[0], ox.NamedNode)}


def _offer_mends(trial: Trial, groups: Iterable[Group]) -> dict[int, list[Offer]]:
    """Return the mends of each result, by its number."""
    standing = None
    if trial.is_shown and not trial.is_update:
        standing = Standing.of(trial.typed, trial.read_as)
    return {
        numbered.number: [_offer(trial, standing, mend) for mend in numbered.result.mends]
        for one in groups
        for numbered in one.results
    }


def _offer(trial: Trial, standing: Standing | None, mend: Mend) -> Offer:
    value = ""
    if trial.is_shown and trial.is_update:
        value = mend.update
    elif trial.is_shown and mend.patch and (standing is None or _stands(standing, mend.patch)):
        value = mend.patch
    return Offer(mend.title, value, mend.update or mend.patch)


def _stands(standing: Standing, patch: str) -> bool:
    """Return whether what a mend takes away stands in the text, and not in the graph."""
    try:
        removed = read_patch(patch.encode()).net().removed
    except InvalidUpload:
        return False
    return standing.holds(list(map(Statement.of, removed)))


def _list_rules(report: ValidationReport) -> tuple[Rule, ...]:
    """Return the shapes that were asked, the busiest first."""
    counts = {shorten(name.strip("<>")): count for name, count in report.targets.items() if count}
    classes = {
        name: expand(f"pen:{name.removeprefix('pensh:').removesuffix('Shape')}")
        for name in counts
        if name.startswith("pensh:") and name.endswith("Shape")
    }
    labels = find_labels(dataset(), map(ox.NamedNode, classes.values()), language())
    return tuple(
        Rule(
            name,
            Cell(name_of(classes[name], labels), classes[name])
            if classes.get(name) in labels
            else None,
            count,
        )
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _may_declare(trial: Trial, problem: PeninsulaError | None) -> bool:
    """Return whether declaring known prefixes would help."""
    return (
        isinstance(problem, InvalidUpload)
        and trial.is_shown
        and trial.read_as in {"turtle", "trig"}
        and declare(trial.typed) != trial.typed
    )


def _expand(name: str) -> str:
    return expand(name) if name.partition(":")[0] in PREFIXES else name
