"""Positions are derived from claims as `peninsula.positions` documents, rule by rule."""

from __future__ import annotations

import pyoxigraph as ox
import pytest

from peninsula.namespaces import PREFIXES, expand
from peninsula.positions import derive

HEAD = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
LABELS = """
state:russia rdfs:label "Russia"@en , "러시아"@ko .
stance:supports skos:prefLabel "supports"@en , "지지"@ko . stance:opposes skos:prefLabel "opposes"@en .
measure:un-sanctions rdfs:label "UN sanctions"@en , "유엔 제재"@ko .
topic:un-sanctions skos:prefLabel "UN sanctions"@en .
"""


def claim(
    name: str,
    *,
    kind: str = "position",
    holder: str = "state:russia",
    stance: str = "supports",
    subject: str = "state:russia",
    target: str = "measure:un-sanctions",
    topics: str = "topic:un-sanctions",
    held: tuple[str | None, str | None] = ("2017-01-01", "2017-12-31"),
    content: tuple[str | None, str | None] = (None, None),
) -> str:
    """Return the Turtle of one claim; the first of ``topics`` is its primary topic."""
    dates = zip(("heldFrom", "heldUntil", "from", "until"), (*held, *content), strict=True)
    stated = "".join(f' ; pen:{name} "{day}"^^xsd:date' for name, day in dates if day)
    return (
        f"claim:{name} a pen:Claim ; pen:hasKind claim-kind:{kind} ; pen:hasHolder {holder} ; "
        f"pen:hasStance stance:{stance} ; pen:hasModality modality:asserted ; pen:hasSubject {subject} ; pen:hasObject {target} ; "
        f'pen:paraphrase "What {name} says."@en ; pen:hasTopic {topics} ; pen:hasPrimaryTopic {topics.split(",", maxsplit=1)[0]}{stated} .\n'
    )


def positions(*turtle: str) -> dict[str, dict[str, set[str]]]:
    """Derive from ``turtle``: {position slug: {local name of the property: values}}."""
    store = ox.Store()
    store.load((HEAD + LABELS + "".join(turtle)).encode(), format=ox.RdfFormat.TURTLE)
    found: dict[str, dict[str, set[str]]] = {}
    for triple in derive(store):
        assert isinstance(triple.subject, ox.NamedNode)
        assert isinstance(triple.object, ox.NamedNode | ox.Literal)
        slug = triple.subject.value.removeprefix(expand("position:"))
        name = triple.predicate.value.replace("#", "/").rsplit("/", 1)[-1]
        found.setdefault(slug, {}).setdefault(name, set()).add(
            triple.object.value.removeprefix(PREFIXES["claim"]).removeprefix(PREFIXES["position"])
        )
    return found


def test_claim_with_stance_gives_position_on_its_object() -> None:
    ((slug, position),) = positions(claim("c1")).items()
    assert slug == "russia-supports-un-sanctions"
    assert position["onObject"] == {expand("measure:un-sanctions")}
    assert position["evidencedBy"] == {"c1"}
    assert position["description"] == {"What c1 says."}
    assert position["hasModality"] == {expand("modality:asserted")}
    assert position["from"] == {"2017-01-01"}
    assert position["until"] == {"2017-12-31"}
    assert position["inferredEdtf"] == {"2017-01-01/2017-12-31"}
    assert position["label"] == {
        "Russia: supports – UN sanctions, 2017",
        "러시아: 지지 – 유엔 제재, 2017",
    }


def test_claim_without_expressed_stance_gives_none() -> None:
    assert positions(claim("c1", stance="not-expressed")) == {}


def test_evaluation_by_another_subject_is_about_the_state_of_affairs() -> None:
    found = positions(claim("c1", kind="evaluation", subject="state:china", stance="opposes"))
    ((slug, position),) = found.items()
    assert slug == "russia-opposes-in-un-sanctions"
    assert "onObject" not in position
    assert position["label"] == {
        "Russia: opposes – a state of affairs under the topic “UN sanctions”, 2017"
    }


def test_evaluation_by_the_holder_as_subject_is_towards_the_object() -> None:
    (position,) = positions(claim("c1", kind="evaluation")).values()
    assert position["onObject"] == {expand("measure:un-sanctions")}


def test_several_objects_and_holders_give_a_position_each() -> None:
    found = positions(
        claim("c1", holder="state:russia, state:china", target="measure:a, measure:b")
    )
    assert sorted(found) == [
        "china-supports-a", "china-supports-b", "russia-supports-a", "russia-supports-b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("second", "count"),
    [
        (("2017-06-01", "2018-12-31"), 1),  # overlaps
        (("2018-01-01", "2018-12-31"), 1),  # adjoins: the next day
        (("2018-01-02", "2018-12-31"), 2),  # a day between
        ((None, "2018-12-31"), 1),  # begins at an unknown time before
        ((None, None), 2),  # undated evidence stays apart
    ],
)
def test_evidence_is_one_position_only_while_times_meet(
    second: tuple[str | None, str | None], count: int
) -> None:
    found = positions(claim("c1"), claim("c2", held=second, topics="topic:sanctions"))
    assert len(found) == count
    assert set.union(*(position["evidencedBy"] for position in found.values())) == {"c1", "c2"}
    if count == 1:
        (position,) = found.values()
        assert position["hasTopic"] == {expand("topic:un-sanctions"), expand("topic:sanctions")}
        assert position["until"] == {"2018-12-31"}


def test_unknown_start_stays_unknown() -> None:
    (position,) = positions(claim("c1"), claim("c2", held=(None, "2018-12-31"))).values()
    assert "from" not in position
    assert position["inferredEdtf"] == {"/2018-12-31"}


def test_open_end_stays_open_and_takes_in_what_follows() -> None:
    (position,) = positions(
        claim("c1", held=("2017-01-01", None)), claim("c2", held=("2021-01-01", "2021-12-31"))
    ).values()
    assert "until" not in position
    assert position["inferredEdtf"] == {"2017-01-01/.."}


def test_content_time_counts_where_the_view_is_undated() -> None:
    (position,) = positions(claim("c1", held=(None, None), content=("2016-01-01", None))).values()
    assert position["from"] == {"2016-01-01"}


def test_changed_stance_succeeds_the_latest_earlier_one() -> None:
    found = positions(
        claim("c1", held=("2012-01-01", "2012-12-31"), stance="opposes"),
        claim("c2"),
        claim("c3", held=("2021-01-01", None), stance="opposes"),
    )
    later = found["russia-opposes-un-sanctions-2021-01-01"]
    assert later["succeeds"] == {"russia-supports-un-sanctions"}
    assert found["russia-supports-un-sanctions"]["succeeds"] == {
        "russia-opposes-un-sanctions-2012-01-01"
    }


def test_stance_on_a_regime_succeeds_one_on_its_resolution() -> None:
    found = positions(
        "measure:m pen:isImposedBy resolution:2397 ; dcterms:isPartOf measure:un-sanctions .\n",
        claim("c1", target="resolution:2397"),
        claim("c2", held=("2021-01-01", None), stance="opposes"),
    )
    assert found["russia-opposes-un-sanctions"]["succeeds"] == {"russia-supports-2397"}


@pytest.mark.parametrize(
    "earlier",
    [
        pytest.param(claim("c1", held=("2017-01-01", None)), id="has not ended"),
        pytest.param(claim("c1", holder="state:china"), id="another holder"),
        pytest.param(claim("c1", stance="opposes"), id="same stance"),
        pytest.param(claim("c1", target="measure:b"), id="another object"),
        pytest.param(claim("c1", kind="causal", subject="state:china"), id="state of affairs"),
        pytest.param(claim("c1", held=(None, None)), id="undated"),
    ],
)
def test_no_succession_without_a_change_of_the_same_holder_on_the_same_issue(earlier: str) -> None:
    found = positions(earlier, claim("c2", held=("2021-01-01", None), stance="opposes"))
    assert not any("succeeds" in position for position in found.values())


def test_reading_gives_position_that_names_it() -> None:
    reading = (
        "reading:r1 a pen:Reading ; pen:readsClaim claim:c1 ; pen:hasHolder state:russia ; "
        "pen:hasStance stance:opposes ; pen:onObject notion:card ; pen:hasTopic topic:x ; "
        'pen:from "2014-01-01"^^xsd:date .\n'
    )
    found = positions(claim("c1", stance="not-expressed"), reading)
    (position,) = found.values()
    assert position["restsOnReading"] == {expand("reading:r1")}
    assert position["evidencedBy"] == {"c1"}


def test_two_positions_never_share_a_name() -> None:
    with pytest.raises(ValueError, match="share a name"):
        positions(claim("c1", target="measure:b"), claim("c2", target="notion:b"))
