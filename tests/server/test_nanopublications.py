"""A nanopublication says who claims what, by which passage, and never that it is so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pyoxigraph as ox
import pytest

from peninsula.dataset.local import LocalDataset
from peninsula.formats import JSONLD, NQUADS, TRIG
from peninsula.knowledge import INFERRED
from peninsula.namespaces import PREFIXES, expand
from peninsula.nanopublications import (
    Publication,
    list_things,
    name_nanopublication,
    read_nanopublications,
    read_publisher,
    serialize,
)
from peninsula.policy import Policy

NP: Final = "http://www.nanopub.org/nschema#"
CC_BY: Final = "https://creativecommons.org/licenses/by/4.0/"
HEAD: Final = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
SCENE: Final = (
    HEAD
    + f"""
GRAPH graph:commentary {{
  claim:c1 a pen:Claim, pen:Evaluation ; pen:paraphrase "Seoul trusts Moscow."@en ;
    pen:hasSubject state:south-korea ; pen:hasObject state:russia ; pen:hasModality modality:denied ;
    pen:hasAttribution attribution:c1-1, attribution:c1-2 ; pen:hasPassage passage:c1 ;
    pen:isStatedIn document:text ; rdfs:seeAlso [] .
  attribution:c1-1 a pen:Attribution ; pen:level 1 ; pen:isAttributedTo document:text .
  attribution:c1-2 a pen:Attribution ; pen:level 2 ; pen:isAttributedTo state:south-korea ;
    pen:isReportedWithin attribution:c1-1 ; pen:citesPart document:chapter .
  passage:c1 a pen:Passage ; pen:paragraph 3 ; oa:hasSelector selector:c1 .
  selector:c1 oa:start 10 ; oa:end 20 .
  claim:bare a pen:Claim ; pen:paraphrase "It has no source."@en .
  <http://example.org/claim> a pen:Claim ; pen:paraphrase "It is not ours."@en .
  claim:none pen:paraphrase "It is no claim."@en .
}}
GRAPH graph:positions {{
  position:p1 a pen:PolicyPosition ; pen:hasHolder state:russia ; pen:hasStance stance:opposes ;
    pen:evidencedBy claim:c1 ; pen:restsOnReading reading:r1 .
}}
GRAPH graph:catalog {{ graph:catalog dcterms:publisher [ foaf:name "The editors" ] }}
GRAPH <{INFERRED}> {{ claim:c1 a prov:Entity . position:p1 prov:wasDerivedFrom claim:c1 . }}
"""
)
#: It is built for some versions of Python only.
nanopub_sign: Any = pytest.importorskip("nanopub_sign")
PUBLICATION: Final = Publication(
    7, datetime(2026, 11, 28, 18, 26, 5, tzinfo=UTC), CC_BY, "The editors"
)


@pytest.fixture(scope="module")
def scene() -> LocalDataset:
    store = ox.Store()
    store.bulk_load(SCENE.encode(), format=ox.RdfFormat.TRIG)
    return LocalDataset(store, Policy())


def read(dataset: LocalDataset, name: str, publication: Publication = PUBLICATION) -> list[ox.Quad]:
    [(_, quads)] = read_nanopublications(dataset, [expand(name)], publication)
    return quads


def graph_of(quads: list[ox.Quad], part: str) -> set[tuple[str, str, str]]:
    """Return what one of the four graphs says, with names as short as they are written here."""
    name = quads[0].graph_name.value.partition("#")[0]  # type: ignore[union-attr]

    def short(term: object) -> str:
        text = str(getattr(term, "value", term)).replace(name, "this")
        spaces = sorted({**PREFIXES, "np": NP}.items(), key=lambda pair: -len(pair[1]))
        for prefix, iri in spaces:
            if text.startswith(iri):
                return f"{prefix}:{text[len(iri) :]}"
        return text

    return {
        (short(q.subject), short(q.predicate), short(q.object))
        for q in quads
        if q.graph_name.value == f"{name}#{part}"  # type: ignore[union-attr]
    }


def test_there_are_four_graphs_apart(scene: LocalDataset) -> None:
    for name in ("claim:c1", "position:p1", "claim:bare"):
        quads = read(scene, name)
        graphs = [quad.graph_name for quad in quads]
        assert len(set(graphs)) == 4
        assert not any(isinstance(t, ox.BlankNode) for q in quads for t in (q.subject, q.object))
        assert graph_of(quads, "Head") == {
            ("this", "rdf:type", "np:Nanopublication"),
            ("this", "np:hasAssertion", "this#assertion"),
            ("this", "np:hasProvenance", "this#provenance"),
            ("this", "np:hasPublicationInfo", "this#pubinfo"),
        }
        for part in ("assertion", "provenance", "pubinfo"):
            assert graph_of(quads, part)


def test_the_assertion_is_about_the_claim_and_never_its_content(scene: LocalDataset) -> None:
    assertion = graph_of(read(scene, "claim:c1"), "assertion")
    assert {s for s, _, _ in assertion} == {"claim:c1", "attribution:c1-1", "attribution:c1-2"}
    assert ("claim:c1", "pen:hasModality", "modality:denied") in assertion
    assert ("attribution:c1-2", "pen:isAttributedTo", "state:south-korea") in assertion
    assert not any(o == "prov:Entity" for _, _, o in assertion)  # inferred


def test_the_provenance_leads_to_passage_and_speakers(scene: LocalDataset) -> None:
    provenance = graph_of(read(scene, "claim:c1"), "provenance")
    about = {(p, o) for s, p, o in provenance if s == "this#assertion"}
    assert about >= {
        ("prov:wasDerivedFrom", "passage:c1"),
        ("prov:wasDerivedFrom", "document:text"),
        ("prov:wasAttributedTo", "document:text"),
        ("prov:wasAttributedTo", "state:south-korea"),
        ("prov:qualifiedAttribution", "attribution:c1-2"),
    }
    assert ("attribution:c1-2", "pen:isReportedWithin", "attribution:c1-1") in provenance
    assert ("selector:c1", "oa:start", "10") in provenance


def test_a_position_rests_on_claims_and_is_its_publishers_work(scene: LocalDataset) -> None:
    quads = read(scene, "position:p1")
    provenance = graph_of(quads, "provenance")
    assert ("this#assertion", "prov:wasDerivedFrom", "claim:c1") in provenance
    assert ("this#assertion", "prov:wasDerivedFrom", "reading:r1") in provenance
    assert ("this#assertion", "prov:wasAttributedTo", "this#contributors") in provenance
    assert ("position:p1", "pen:hasStance", "stance:opposes") in graph_of(quads, "assertion")


def test_the_publication_info_says_who_when_and_by_which_licence(scene: LocalDataset) -> None:
    assert read_publisher(scene) == "The editors"
    info = graph_of(read(scene, "claim:c1"), "pubinfo")
    assert ("this", "dcterms:created", "2026-11-28T18:26:05Z") in info
    assert ("this", "dcterms:license", CC_BY) in info
    assert ("this", "dcterms:creator", "this#contributors") in info
    assert ("this#contributors", "foaf:name", "The editors") in info
    nobody = Publication(1, datetime(2026, 11, 28, tzinfo=UTC), "", "")
    unknown = graph_of(read(scene, "claim:c1", nobody), "pubinfo")
    assert {p for _, p, _ in unknown} & {"dcterms:license", "dcterms:creator"} == set()


def test_a_name_is_of_one_thing_in_one_state(scene: LocalDataset) -> None:
    iri = expand("claim:c1")
    assert name_nanopublication(iri, 7) == "https://w3id.org/peninsula/nanopub/7/claim/c1"
    assert serialize(read(scene, "claim:c1"), NQUADS) == serialize(read(scene, "claim:c1"), NQUADS)


def test_what_is_no_claim_has_none(scene: LocalDataset) -> None:
    assert [*list_things(scene)] == [
        expand(name) for name in ("claim:bare", "claim:c1", "position:p1")
    ]
    wanted = [expand("claim:none"), expand("claim:absent"), expand("state:russia")]
    assert list(read_nanopublications(scene, wanted, PUBLICATION)) == []


@pytest.mark.parametrize("format", [TRIG, NQUADS, JSONLD], ids=lambda f: f.name)
def test_every_format_says_the_same(scene: LocalDataset, format: object) -> None:
    quads = read(scene, "claim:c1")
    data = serialize(quads, format, name_nanopublication(expand("claim:c1"), 7))  # type: ignore[arg-type]
    assert set(ox.parse(data, format=format.engine)) == set(quads)  # type: ignore[attr-defined]


# By the tools of others.


@pytest.mark.parametrize("name", ["claim:c1", "claim:bare", "position:p1"])
def test_the_nanopub_toolkit_finds_it_valid(scene: LocalDataset, name: str) -> None:
    text = serialize(read(scene, name), TRIG).decode()
    nanopub_sign.Nanopub(text).check()


def test_the_toolkit_would_have_found_a_slip(scene: LocalDataset) -> None:
    quads = read(scene, "claim:c1")
    without = [q for q in quads if "#provenance" not in str(q.graph_name)]
    with pytest.raises(Exception, match="provenance"):
        nanopub_sign.Nanopub(serialize(without, TRIG).decode()).check()


def test_whoever_publishes_it_can_sign_it_with_a_trusty_uri(scene: LocalDataset) -> None:
    text = serialize(read(scene, "claim:c1"), TRIG).decode()
    key = nanopub_sign.KeyPair()
    profile = nanopub_sign.NpProfile(key.private, "https://orcid.org/0000-0000-0000-0000", "T", "")
    signed = nanopub_sign.Nanopub(text).sign(profile)
    signed.check()
    assert "nanopub/7/claim/c1.RA" in signed.rdf()
