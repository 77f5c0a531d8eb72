"""How do candidates that somebody has accepted become links?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.config import Config
from peninsula.console import Console
from peninsula.dataset.local import LocalDataset
from peninsula.errors import InvalidSource, place
from peninsula.knowledge import find_knowledge, parse_turtle
from peninsula.loading import open_local
from peninsula.namespaces import THING_KINDS, expand, shorten
from peninsula.turtle import format_turtle
from peninsula.wikidata.terms import is_item, qid_of
from peninsula.wikidata.things import EXACT, RELATIONS, Link, read_links, read_things

_HEAD: Final = """\
# Links that {by} found to hold among the candidates of a program.
# Named graph: graph:links. Licence: CC BY 4.0.

"""
#: The last part of the address of a thing.
_SLUG: Final = re.compile(r"\w[\w-]*(?:\.[\w-]+)*")


def accept(config: Config, files: Sequence[Path], by: str) -> tuple[str, int, int]:
    """Return the links of reviewed candidates as Turtle, their number, and that of the others.

    Raises InvalidSource where a file holds something else, or a link that cannot be.
    """
    knowledge = find_knowledge(config.knowledge)
    with Console() as console:
        dataset = open_local(config, knowledge, console, may_violate=True)
        known = read_links(dataset)
    accepted, others = [], 0
    for path in files:
        for candidate in _read_review(path):
            if candidate.is_accepted:
                accepted.append((path, candidate))
            else:
                others += 1
    _refuse_twice(accepted, known)
    if not accepted:
        return "", 0, others
    now = datetime.now(UTC).replace(microsecond=0)
    text = _HEAD.format(by=" ".join(by.split())) + _write_links(
        [candidate for _, candidate in accepted], by, now, dataset
    )
    return format_turtle(text), len(accepted), others


@dataclass(frozen=True)
class _Reviewed:
    iri: str
    thing: str
    item: str
    relation: str
    is_accepted: bool
    reasons: tuple[str, ...]


def _read_review(path: Path) -> Iterator[_Reviewed]:
    store = ox.Store()
    store.extend(parse_turtle(path))
    kind = ox.NamedNode(expand("pen:LinkCandidate"))
    nodes = sorted(
        (q.subject for q in store.quads_for_pattern(None, ox.NamedNode(expand("rdf:type")), kind)),
        key=str,
    )
    for node in nodes:
        values = {
            name: sorted(
                getattr(q.object, "value", str(q.object))
                for q in store.quads_for_pattern(node, ox.NamedNode(expand(f"pen:{name}")), None)
            )
            for name in ("suggestsEntity", "suggestsItem", "linksBy", "isAccepted", "reason")
        }
        iri = getattr(node, "value", str(node))
        one = {name: found[0] if len(found) == 1 else "" for name, found in values.items()}
        wrong = [name for name in ("suggestsEntity", "suggestsItem", "linksBy") if not one[name]]
        if wrong:
            raise InvalidSource(
                f"{place(path)}: {shorten(iri)} needs exactly one pen:{wrong[0]}.", "Mend it there."
            )
        if not _is_named(one["suggestsEntity"]):
            raise InvalidSource(
                f"{place(path)}: {shorten(iri)} suggests <{one['suggestsEntity']}>, which is no "
                "thing of the graph.",
                "Write it as in its address: person:lee-do-hoon.",
            )
        if not is_item(one["suggestsItem"]) or one["linksBy"] not in RELATIONS:
            raise InvalidSource(
                f"{place(path)}: {shorten(iri)} links to no item of Wikidata, or by no relation "
                "that says sameness.",
                "Write wd:Q… and skos:exactMatch, skos:closeMatch or skos:broadMatch.",
            )
        yield _Reviewed(
            iri,
            one["suggestsEntity"],
            one["suggestsItem"],
            one["linksBy"],
            one["isAccepted"] in {"true", "1"},
            tuple(values["reason"]),
        )


def _is_named(iri: str) -> bool:
    """Return whether ``iri`` is that of a thing of ours, which a link can be named after."""
    kind, _, slug = shorten(iri).partition(":")
    return kind in THING_KINDS and _SLUG.fullmatch(slug) is not None


def _refuse_twice(accepted: Sequence[tuple[Path, _Reviewed]], known: Sequence[Link]) -> None:
    """Refuse a second exact link of a thing or an item; raises InvalidSource."""
    things: dict[str, str] = {}
    items: dict[str, str] = {}
    for link in known:
        if link.is_exact:
            told = f"{shorten(link.thing)} is {qid_of(link.item)} already"
            things[link.thing] = items[link.item] = told
    for path, candidate in accepted:
        if candidate.relation != EXACT:
            continue
        if clash := things.get(candidate.thing) or items.get(candidate.item):
            raise InvalidSource(
                f"{place(path)}: {shorten(candidate.iri)} cannot be a link: {clash}.",
                "Accept one of them only.",
            )
        told = f"{shorten(candidate.thing)} is accepted as {qid_of(candidate.item)}"
        things[candidate.thing] = items[candidate.item] = told


def _write_links(
    accepted: Sequence[_Reviewed], by: str, now: datetime, dataset: LocalDataset
) -> str:
    things = read_things(dataset, [candidate.thing for candidate in accepted])
    agent = "agent:" + (re.sub(r"[^a-z0-9]+", "-", by.lower()).strip("-") or "reviewer")
    occasion = f"confirmation:{now.strftime('%Y-%m-%dt%H%M%Sz')}"
    kinds = sorted({shorten(c.thing).partition(":")[0] for c in accepted})
    names = ("agent", "confirmation", "dcterms", "foaf", "link", "pen", "prov", "rdfs", "skos",
             "verification", "wd", "xsd", *kinds)  # fmt: skip
    lines = [f"PREFIX {name}: <{expand(f'{name}:')}>\n" for name in sorted(set(names))]
    who = ox.Literal(by, language="en")
    lines.append(f"\n{agent} a foaf:Agent ; rdfs:label {who} .\n")
    label = ox.Literal(f"Candidates reviewed by {by} on {now.date()}", language="en")
    lines.append(
        f"{occasion} a pen:Confirmation ; rdfs:label {label} ; prov:wasAssociatedWith {agent} .\n"
    )
    for candidate in sorted(accepted, key=lambda c: c.thing):
        thing, qid = shorten(candidate.thing), qid_of(candidate.item)
        slug = thing.replace(":", "-")
        relation = shorten(candidate.relation)
        name = slug if candidate.relation == EXACT else f"{slug}-{qid.lower()}"
        title = ox.Literal(f"{things[candidate.thing].label}, Wikidata item {qid}", language="en")
        page = f"<https://www.wikidata.org/wiki/{qid}>"
        how = ox.Literal(f"{by}: candidate of a program, reviewed")
        note = ox.Literal("; ".join(candidate.reasons), language="en")
        moment = now.isoformat().replace("+00:00", "Z")
        lines.append(f"""
link:{name} a pen:IdentityLink ; rdfs:label {title} ; dcterms:source {page} ;
  prov:hadPrimarySource {page} ; prov:wasAttributedTo {agent} ; prov:wasGeneratedBy {occasion} ;
  prov:generatedAtTime "{moment}"^^xsd:dateTime ; skos:editorialNote {note} ;
  pen:confirmedBy {how} ; pen:confirmedOn "{now.date()}"^^xsd:date ;
  pen:hasVerification verification:verified ; pen:linksBy {relation} ;
  pen:linksEntity {thing} ; pen:linksTo wd:{qid} .
{thing} {relation} wd:{qid} .
""")
    return "".join(lines)
