"""Where does the snapshot of Wikidata disagree with what we say of the things linked with it?

An error is a link that cannot stand as it is: its item was deleted, merged into another, or is
no thing of that class. A warning is a disagreement about a fact, a note what Wikidata has besides,
or cannot be compared. Neither side is taken to be right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pyoxigraph as ox

from peninsula.namespaces import shorten
from peninsula.spelling import fold
from peninsula.wikidata.fitting import (
    Answer,
    agrees,
    distance,
    fit_class,
    is_next_day,
    may_agree,
    points_of,
)
from peninsula.wikidata.slice import Slice
from peninsula.wikidata.snapshot import Snapshot, Statement
from peninsula.wikidata.terms import DAY, ITEM, qid_of
from peninsula.wikidata.things import Link, Tenure, Thing

ERROR, WARNING, NOTE = SEVERITIES = ("error", "warning", "note")
#: What a finding is about, in the order of the report.
KINDS: Final = (
    "age", "deleted", "redirected", "not-pulled", "twice", "class", "label", "birth", "death",
    "time", "tenure", "membership", "coordinates", "capital", "country", "citizenship",
    "identifier", "changed",
)  # fmt: skip
_UNITED_NATIONS: Final = f"{ITEM}Q1065"
#: Identifiers that both sides give: ours, theirs, what they are called.
_IDENTIFIERS: Final = (
    ("pen:geonamesId", "P1566", "GeoNames identifier"),
    ("pen:iso3166Alpha2", "P297", "ISO 3166-1 alpha-2 code"),
    ("pen:iso3166Alpha3", "P298", "ISO 3166-1 alpha-3 code"),
    ("pen:unM49", "P2082", "M49 code"),
)
#: Things that both sides point to: ours, theirs, the kind of finding, and what it is called.
_RELATIONS: Final = (
    ("pen:hasCapital", "P36", "capital", "capital"),
    ("pen:isLocatedIn", "P17", "country", "country"),
    ("pen:isCitizenOf", "P27", "citizenship", "country of citizenship"),
)
#: As near as two points of one place are, whatever else; farther by this factor, they are two.
_FAR: Final = 10


@dataclass(frozen=True)
class Finding:
    """One disagreement: about which thing and item, what each side says, and what to do."""

    severity: str
    kind: str
    thing: str
    item: str
    message: str
    ours: str = ""
    theirs: str = ""
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the finding as plain values, IRIs as prefixed names."""
        return {**asdict(self), "thing": shorten(self.thing), "item": shorten(self.item)}


@dataclass(frozen=True)
class Report:
    """What a check found."""

    findings: Sequence[Finding]
    links: int
    #: Links whose item is in the snapshot.
    compared: int
    service: str = ""
    retrieved: datetime | None = None

    def count(self, severity: str) -> int:
        return sum(finding.severity == severity for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {
            "service": self.service,
            "retrieved": self.retrieved.isoformat() if self.retrieved else None,
            "links": self.links,
            "compared": self.compared,
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass(frozen=True)
class _Case:
    """A link under examination: the item is where it leads in the end."""

    link: Link
    thing: Thing
    item: str
    snapshot: Snapshot
    slice: Slice
    #: Our things by item, by the exact links, merged items counted as what they were merged into.
    things: Mapping[str, str]
    #: The other way round.
    items: Mapping[str, str]

    def find(
        self, severity: str, kind: str, message: str, ours: str = "", theirs: str = "",
        remedy: str = "",
    ) -> Finding:  # fmt: skip
        """Return a finding of this link; what is not exact need not agree."""
        if severity == WARNING and not self.link.is_exact:
            severity = NOTE
        return Finding(
            severity, kind, self.link.thing, self.link.item, message, ours, theirs, remedy
        )


def check(
    links: Sequence[Link],
    things: Mapping[str, Thing],
    snapshot: Snapshot,
    slice: Slice,
    now: datetime,
    before: Snapshot | None = None,
) -> Report:
    """Return where ``snapshot`` disagrees with ``things``, and what changed since ``before``."""
    found: list[Finding] = list(_check_age(snapshot, slice, now))
    exact = [link for link in links if link.is_exact]
    items = {link.thing: snapshot.resolve(link.item) for link in exact}
    ours = {item: thing for thing, item in items.items()}
    found += _check_twice(exact, snapshot)
    compared = 0
    for link in links:
        found += (broken := list(_check_item(link, snapshot)))
        item = snapshot.resolve(link.item)
        if any(f.kind in {"deleted", "not-pulled"} for f in broken) or link.thing not in things:
            continue
        compared += 1
        case = _Case(link, things[link.thing], item, snapshot, slice, ours, items)
        for examine in _EXAMINATIONS:
            found += examine(case)
        if before is not None:
            found += _check_change(case, before)
    order = {kind: i for i, kind in enumerate(KINDS)}
    found.sort(key=lambda f: (SEVERITIES.index(f.severity), order[f.kind], f.thing, f.message))
    return Report(found, len(links), compared, snapshot.service, snapshot.retrieved)


# The snapshot, and the links as such.


def _check_age(snapshot: Snapshot, slice: Slice, now: datetime) -> Iterator[Finding]:
    if snapshot.retrieved is None:
        yield Finding(
            WARNING, "age", "", "", "The snapshot does not say when it was retrieved.",
            remedy="Pull it with “peninsula link pull”.",
        )  # fmt: skip
    elif now - snapshot.retrieved > timedelta(days=slice.max_age_days):
        days = (now - snapshot.retrieved).days
        yield Finding(
            WARNING, "age", "", "", f"The snapshot is {days} days old.",
            theirs=snapshot.retrieved.date().isoformat(), remedy="Pull it again.",
        )  # fmt: skip


def _check_twice(exact: Iterable[Link], snapshot: Snapshot) -> Iterator[Finding]:
    """Find items that two things of ours are, perhaps since two items were merged."""
    by_item: dict[str, list[Link]] = defaultdict(list)
    for link in exact:
        by_item[snapshot.resolve(link.item)].append(link)
    for item, links in by_item.items():
        for link in links[1:]:
            yield Finding(
                ERROR, "twice", link.thing, link.item,
                f"It is the same item as {shorten(links[0].thing)}: {qid_of(item)}.",
                remedy="Merge the two things, or mend one of the links.",
            )  # fmt: skip


def _check_item(link: Link, snapshot: Snapshot) -> Iterator[Finding]:
    target = snapshot.resolve(link.item)
    qid = qid_of(link.item)
    if snapshot.is_missing(target) or (target == link.item and snapshot.is_missing(link.item)):
        yield Finding(
            ERROR, "deleted", link.thing, link.item,
            f"{qid} is not there any more: it was deleted, or never was.",
            remedy="Look it up in the log of Wikidata, and mend or delete the link.",
        )  # fmt: skip
    elif target != link.item:
        yield Finding(
            ERROR, "redirected", link.thing, link.item,
            f"{qid} was merged into {qid_of(target)} ({snapshot.label(target)}).",
            ours=qid, theirs=qid_of(target),
            remedy=f"See whether it is still the same, and link to wd:{qid_of(target)}.",
        )  # fmt: skip
    elif not snapshot.revision(link.item) and not snapshot.labels(link.item):
        yield Finding(
            WARNING, "not-pulled", link.thing, link.item,
            f"{qid} is not in the snapshot.", remedy="Pull it again.",
        )  # fmt: skip


# What is said of one thing.


def _check_class(case: _Case) -> Iterator[Finding]:
    fit = fit_class(case.thing, case.item, case.snapshot, case.slice)
    told = ", ".join(case.snapshot.label(class_) for class_ in fit.classes)
    if fit.answer is Answer.NO:
        yield case.find(
            ERROR, "class",
            f"We say {shorten_class(fit.class_name)}, Wikidata says {told}.",
            fit.class_name, ", ".join(map(qid_of, fit.classes)),
            "Mend the link: that is another thing.",
        )  # fmt: skip
    elif fit.answer is Answer.UNKNOWN and not fit.classes:
        yield case.find(
            NOTE, "class", "Wikidata does not say what it is an instance of.", fit.class_name
        )


def shorten_class(name: str) -> str:
    """Return ``pen:Person`` as a word."""
    return name.partition(":")[2] or name


def _check_labels(case: _Case) -> Iterator[Finding]:
    labels, aliases = case.snapshot.labels(case.item), case.snapshot.aliases(case.item)
    everywhere = [text for tag, text in aliases if tag == "mul"]
    if "mul" in labels:
        everywhere.append(labels["mul"])
    for language in case.slice.languages:
        if language == "mul":
            continue
        ours = [text for tag, text in case.thing.names if tag == language]
        theirs = [labels[language]] if language in labels else []
        theirs += [text for tag, text in aliases if tag == language]
        theirs += everywhere
        if not theirs:
            continue
        if not ours:
            if language in labels:
                yield case.find(
                    NOTE, "label", f"We have no name in “{language}”.", theirs=labels[language],
                    remedy="Wikidata offers one; its licence is CC0.",
                )  # fmt: skip
        elif not {fold(text) for text in ours} & {fold(text) for text in theirs}:
            yield case.find(
                WARNING, "label", f"None of our names in “{language}” is one of Wikidata's.",
                " | ".join(ours), " | ".join(theirs),
            )  # fmt: skip


def _check_day(case: _Case, property: str, theirs: str, kind: str, what: str) -> Iterator[Finding]:
    ours = case.thing.first(property)
    best = case.snapshot.moments(case.item, theirs)
    if not best:
        return
    shown = " | ".join(moment.edtf for moment in best)
    if not ours:
        yield case.find(NOTE, kind, f"We have no {what}.", theirs=shown)
    elif not any(may_agree(ours, moment) for moment in best):
        others = [
            s.moment
            for s in case.snapshot.statements(case.item, theirs)
            if s.moment and not s.is_deprecated and agrees(ours, s.moment)
        ]
        if others:
            message = f"Wikidata prefers another {what}, and knows ours."
            yield case.find(NOTE, kind, message, ours, shown)
        else:
            yield case.find(WARNING, kind, f"The {what} differs.", ours, shown)


def _check_days(case: _Case) -> Iterator[Finding]:
    yield from _check_day(case, "pen:birthDate", "P569", "birth", "date of birth")
    yield from _check_day(case, "pen:deathDate", "P570", "death", "date of death")
    for theirs in ("P571", "P580", "P585"):
        if case.thing.first("pen:from") and case.snapshot.moments(case.item, theirs):
            yield from _check_day(case, "pen:from", theirs, "time", "beginning")
            break
    for theirs in ("P576", "P582"):
        if case.thing.first("pen:until") and case.snapshot.moments(case.item, theirs):
            yield from _check_day(case, "pen:until", theirs, "time", "end")
            break


def _check_tenures(case: _Case) -> Iterator[Finding]:
    held = [s for s in case.snapshot.statements(case.item, "P39") if not s.is_deprecated]
    offices = {thing: item for thing, item in case.items.items() if case.snapshot.is_known(item)}
    used: set[str] = set()
    for tenure in case.thing.tenures:
        office = offices.get(tenure.office)
        if office is None:
            continue
        there = [s for s in held if _item(s, case.snapshot) == office]
        if not there:
            yield case.find(
                NOTE, "tenure",
                f"Wikidata does not say that they were {shorten(tenure.office)}.",
                _span(tenure.start, tenure.end),
            )  # fmt: skip
            continue
        best = max(there, key=lambda s: _closeness(tenure, s))
        used |= {s.iri for s in there if _overlaps(tenure, s)} | {best.iri}
        yield from _compare_tenure(case, tenure, best)
    for statement in held:
        thing = case.things.get(_item(statement, case.snapshot), "")
        if statement.iri not in used and thing:
            yield case.find(
                NOTE, "tenure", f"Wikidata says that they were {shorten(thing)}, we do not.",
                theirs=_span(_edtf(statement, "P580"), _edtf(statement, "P582")),
            )  # fmt: skip


def _compare_tenure(case: _Case, tenure: Tenure, statement: Statement) -> Iterator[Finding]:
    office = shorten(tenure.office)
    ours = _span(tenure.start, tenure.end)
    theirs = _span(_edtf(statement, "P580"), _edtf(statement, "P582"))
    start, end = statement.moments.get("P580"), statement.moments.get("P582")
    if start and tenure.start and not may_agree(tenure.start, start):
        severity = NOTE if is_next_day(tenure.start, start) else WARNING
        yield case.find(severity, "tenure", f"The beginning as {office} differs.", ours, theirs)
    if end and tenure.end and not may_agree(tenure.end, end):
        severity = NOTE if is_next_day(tenure.end, end) else WARNING
        yield case.find(severity, "tenure", f"The end as {office} differs.", ours, theirs)
    elif end and not tenure.end:
        severity = WARNING if tenure.is_open else NOTE
        message = f"Wikidata knows an end as {office}, we do not."
        yield case.find(severity, "tenure", message, ours, theirs)
    elif tenure.end and not statement.qualifiers.get("P582"):
        yield case.find(
            NOTE, "tenure", f"We know an end as {office}, Wikidata does not.", ours, theirs
        )


def _item(statement: Statement, snapshot: Snapshot) -> str:
    value = statement.value
    return snapshot.resolve(value.value) if isinstance(value, ox.NamedNode) else ""


def _edtf(statement: Statement, property: str) -> str:
    moment = statement.moments.get(property)
    return moment.edtf if moment else ""


def _span(start: str, end: str) -> str:
    return f"{start or '?'}/{end or '?'}"


def _closeness(tenure: Tenure, statement: Statement) -> tuple[int, int, str]:
    """Return how well a statement fits a tenure, the best highest; its IRI, so that it is one."""
    agreeing = sum(
        bool(moment and ours and agrees(ours, moment))
        for ours, moment in (
            (tenure.start, statement.moments.get("P580")),
            (tenure.end, statement.moments.get("P582")),
        )
    )
    return (agreeing, int(_overlaps(tenure, statement)), statement.iri)


def _overlaps(tenure: Tenure, statement: Statement) -> bool:
    starts, ends = _edtf(statement, "P580"), _edtf(statement, "P582")
    return not (
        (ends and tenure.start and ends <= tenure.start)
        or (starts and tenure.end and starts >= tenure.end)
    )


def _check_membership(case: _Case) -> Iterator[Finding]:
    ours = case.thing.first("pen:unMemberSince")
    memberships = [
        s
        for s in case.snapshot.statements(case.item, "P463")
        if not s.is_deprecated and _item(s, case.snapshot) == _UNITED_NATIONS
    ]
    moments = [s.moments["P580"] for s in memberships if "P580" in s.moments]
    if ours and moments and not any(may_agree(ours, moment) for moment in moments):
        shown = " | ".join(moment.edtf for moment in moments)
        message = "The day of admission to the United Nations differs."
        yield case.find(WARNING, "membership", message, ours, shown)


def _check_point(case: _Case) -> Iterator[Finding]:
    theirs = points_of(case.item, case.snapshot)
    ours = case.thing.point
    if ours is None or not theirs:
        return
    away, near = min((distance(ours, point), point) for point in theirs)
    if away > case.slice.max_distance:
        yield case.find(
            ERROR if away > _FAR * case.slice.max_distance else WARNING,
            "coordinates",
            f"The two places are {away:,.0f} km apart.",
            _show_point(ours),
            _show_point(near),
        )


def _show_point(point: tuple[float, float]) -> str:
    return f"{point[0]:.4f}, {point[1]:.4f}"


def _check_relations(case: _Case) -> Iterator[Finding]:
    for ours, theirs, kind, what in _RELATIONS:
        wanted = {case.items[t] for t in case.thing.values.get(ours, ()) if t in case.items}
        found = {case.snapshot.resolve(item) for item in case.snapshot.things(case.item, theirs)}
        if wanted and found and not wanted & found:
            yield case.find(
                WARNING, kind, f"The {what} differs.",
                ", ".join(sorted(case.snapshot.label(item) for item in wanted)),
                ", ".join(sorted(case.snapshot.label(item) for item in found)),
            )  # fmt: skip


def _check_identifiers(case: _Case) -> Iterator[Finding]:
    for ours, theirs, what in _IDENTIFIERS:
        given = case.thing.first(ours)
        found = [case.snapshot.show(value) for value in case.snapshot.values(case.item, theirs)]
        if given and found and given.lstrip("0") not in {text.lstrip("0") for text in found}:
            yield case.find(WARNING, "identifier", f"The {what} differs.", given, " | ".join(found))


#: What is asked of each link, in this order.
_EXAMINATIONS: Final[tuple[Callable[[_Case], Iterator[Finding]], ...]] = (
    _check_class,
    _check_labels,
    _check_days,
    _check_tenures,
    _check_membership,
    _check_point,
    _check_relations,
    _check_identifiers,
)


# What changed since another snapshot.


def _check_change(case: _Case, before: Snapshot) -> Iterator[Finding]:
    old, new = before.revision(case.item), case.snapshot.revision(case.item)
    if not old or old == new:
        return
    changes = []
    for property, what in sorted({**case.slice.properties, **case.slice.statements}.items()):
        was, is_ = _told(before, case.item, property), _told(case.snapshot, case.item, property)
        if was != is_:
            changes.append((what, was, is_))
    for tag in case.slice.languages:
        was_named = before.labels(case.item).get(tag, "")
        is_named = case.snapshot.labels(case.item).get(tag, "")
        if was_named != is_named:
            changes.append((f"label in “{tag}”", [was_named], [is_named]))
    for what, was, is_ in changes:
        yield case.find(
            NOTE, "changed", f"Since revision {old}, Wikidata says another {what}.",
            theirs=f"{' | '.join(was) or '–'} → {' | '.join(is_) or '–'}",
        )  # fmt: skip


def _told(snapshot: Snapshot, item: str, property: str) -> list[str]:
    """Return what is said by a property, qualifiers and all, in words."""
    statements = snapshot.statements(item, property)
    if not statements:
        return sorted(snapshot.show(value) for value in snapshot.values(item, property))
    told = []
    for s in statements:
        qualified = [f"{name} {_edtf(s, name) or ''}".strip() for name in sorted(s.moments)]
        shown = s.moment.edtf if s.moment and s.moment.precision <= DAY else snapshot.show(s.value)
        mark = "" if not s.is_deprecated else "deprecated"
        told.append(" ".join(filter(None, (shown, *qualified, mark))))
    return sorted(told)
