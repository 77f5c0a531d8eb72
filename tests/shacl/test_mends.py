"""Every mend is made as its author would make it, and has to keep its promise.

Over the shipped knowledge: ``faults`` are payloads with one mistake a kind, each with the mend that a
reader would expect. Whatever else is found is held to the same: executed, it removes its result,
brings no violation, and does exactly what its delta says.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox
import pytest

from peninsula.dataset.delta import Delta, apply, read_patch
from peninsula.dataset.updates import apply_update
from peninsula.errors import InvalidShapes
from peninsula.knowledge import find_knowledge
from peninsula.loading import load
from peninsula.namespaces import PREFIXES, expand
from peninsula.shacl import mends
from peninsula.shacl.affected import affected
from peninsula.shacl.candidates import Result
from peninsula.shacl.mends import Mend, find_mends, read_results
from peninsula.shacl.model import Shapes, read_model
from peninsula.shacl.screen import TYPE
from peninsula.shacl.shapes import read_shapes
from peninsula.shacl.validation import to_graph, validate_store
from peninsula.shacl.view import Statements

PROLOGUE: Final = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
CHECKED: Final = 'pen:hasVerification verification:verified ; pen:citation "a paper"'
TENURE: Final = (
    f'tenure:new a pen:Tenure ; rdfs:label "New"@en ; {CHECKED} ; '
    "pen:isTenureOf person:kim-jong-un ; pen:isTenureIn office:president-of-the-united-states ; "
    'pen:from "1800-02-27"^^xsd:date ; pen:until "1800-02-28"^^xsd:date ; '
    'pen:edtf "1800-02-27/1800-02-28"^^edtf:EDTF .'
)
PERSON: Final = f'person:new a pen:Person ; rdfs:label "New Person"@en ; {CHECKED} '


@dataclass
class Graph:
    """The shipped knowledge in a store, and its shapes."""

    store: ox.Store
    shapes: Shapes

    def change(self, text: str) -> Delta:
        return apply_update(self.store, text, base=None, prefixes=PREFIXES)

    def insert(self, body: str) -> Delta:
        return self.change(f"INSERT DATA {{ GRAPH graph:record {{ {body} }} }}")

    def violations(self, delta: Delta) -> set[Result]:
        """Return the violations that a change, already made, may have to do with."""
        pairs = affected(self.shapes, delta, self.store).targets(
            self.shapes, Statements(self.store)
        )
        report = validate_store(self.store, self.shapes, focus=pairs).report
        found = read_results(report, self.shapes)
        return {result for result in found if result.severity == "Violation"}


@pytest.fixture(scope="module")
def shipped() -> Graph:
    knowledge = find_knowledge()
    loaded = load(knowledge)
    store = ox.Store()
    store.bulk_extend([*loaded.stated, *loaded.computed])
    return Graph(store, read_model(read_shapes(knowledge.shapes, loaded.ontology)))


@pytest.fixture(scope="module")
def pristine(shipped: Graph) -> tuple[set[ox.Quad], set[object]]:
    """Return what the shipped graph holds before anything is done to it."""
    return set(shipped.store), set(shipped.store.named_graphs())


@pytest.fixture
def graph(shipped: Graph, pristine: tuple[set[ox.Quad], set[object]]) -> Iterator[Graph]:
    """Return the shipped graph; whatever a test adds and removes is undone."""
    yield shipped
    quads, names = pristine
    now = set(shipped.store)
    for quad in now - quads:
        shipped.store.remove(quad)
    shipped.store.extend(quads - now)
    for name in set(shipped.store.named_graphs()) - names:
        shipped.store.remove_graph(name)


def check(graph: Graph, delta: Delta, before: set[Result], cured: set[Result], mend: Mend) -> None:
    """Make a mend as its author would, and see what it does."""
    done = graph.change(mend.update)
    try:
        assert done == mend.delta
        after = graph.violations(delta.then(done))
    finally:
        apply(graph.store, done.inverse())
    assert not after & cured
    # Those that the whole change could alter: none is new.
    assert not after - before
    assert read_patch(mend.patch.encode()).delta(graph.store) == mend.delta


def titles(graph: Graph, delta: Delta) -> set[str]:
    """Return the titles of all mends, each of them checked, the store found unchanged."""
    results = graph.violations(delta)
    assert results, "the payload breaks no shape"
    quads, names = set(graph.store), set(graph.store.named_graphs())
    found = find_mends(graph.store, graph.shapes, delta, results, limit_seconds=20)
    assert (set(graph.store), set(graph.store.named_graphs())) == (quads, names)
    assert set(found) <= results
    assert all(1 <= len(several) <= 3 for several in found.values())
    cured: dict[str, tuple[Mend, set[Result]]] = {}
    for result, several in found.items():
        for mend in several:
            cured.setdefault(mend.update, (mend, set()))[1].add(result)
    for mend, its in cured.values():
        check(graph, delta, results, its, mend)
    return {mend.title for mend, _ in cured.values()}


#: What is wrong -> the payload, and the mend that must be among those found.
FAULTS: Final = {
    "a date the German way": (
        TENURE.replace('"1800-02-27"^^xsd:date', '"27.02.1800"'),
        'Write "1800-02-27"^^xsd:date instead of "27.02.1800".',
    ),
    "a date with a digit left out": (
        TENURE.replace('; pen:until "1800-02-28"^^xsd:date', "")
        .replace('"1800-02-27"^^xsd:date', '"1800-2-27"^^xsd:date')
        .replace("1800-02-27/1800-02-28", "1800-02-27/.."),
        'Write "1800-02-27"^^xsd:date instead of "1800-2-27"^^xsd:date.',
    ),
    "a truth value in capitals": (
        (f'office:new a pen:Office ; rdfs:label "New"@en ; {CHECKED} ; '
        'pen:isOfficeOf state:france ; pen:isSingleHolder "TRUE" .'),
        'Write "true"^^xsd:boolean instead of "TRUE".',
    ),
    "an IRI with a letter too many": (
        TENURE.replace("person:kim-jong-un", "person:kim-jong-unn"),
        "Write person:kim-jong-un instead of person:kim-jong-unn.",
    ),
    "a name in Korean for a thing": (
        TENURE.replace("person:kim-jong-un", '"김정은"'),
        'Write person:kim-jong-un instead of "김정은".',
    ),
    "a name in another case for a thing": (
        TENURE.replace("person:kim-jong-un", '"kim jong-un"@en'),
        'Write person:kim-jong-un instead of "kim jong-un"@en.',
    ),
    "a prefixed name in quotes": (
        TENURE.replace("person:kim-jong-un", '"person:kim-jong-un"'),
        'Write person:kim-jong-un instead of "person:kim-jong-un".',
    ),
    "a thing of another kind with the same name": (
        TENURE.replace("person:kim-jong-un", "state:kim-jong-un"),
        "Write person:kim-jong-un instead of state:kim-jong-un.",
    ),
    "a thing described but of no kind": (
        TENURE.replace("person:kim-jong-un", "person:new")
        + PERSON.replace("a pen:Person ; ", "")
        + ".",
        "Add “person:new a pen:Person”.",
    ),
    "a kind with two letters swapped": (
        TENURE.replace("person:kim-jong-un", "person:new")
        + PERSON.replace("pen:Person", "pen:Preson")
        + ".",
        "Write pen:Person instead of pen:Preson.",
    ),
    "a concept with a letter left out": (
        TENURE.replace("verification:verified", "verification:verifed"),
        "Write verification:verified instead of verification:verifed.",
    ),
    "the label of a concept": (
        TENURE.replace("verification:verified", '"verified"'),
        'Write verification:verified instead of "verified".',
    ),
    "a property with two letters swapped": (
        TENURE.replace("pen:isTenureOf", "pen:isTenuerOf"),
        "Write pen:isTenureOf instead of pen:isTenuerOf for person:kim-jong-un.",
    ),
    "subject and object swapped": (
        TENURE.replace("pen:isTenureOf person:kim-jong-un ;", "")
        + " person:kim-jong-un pen:isTenureOf tenure:new .",
        "Turn the statement round: “tenure:new pen:isTenureOf person:kim-jong-un”.",
    ),
    "a value where there is one": (
        'person:anatoly-torkunov pen:birthDate "1950-08-27"^^xsd:date .',
        'Keep the earlier value "1950-08-26"^^xsd:date, not "1950-08-27"^^xsd:date.',
    ),
    "a value that replaces one": (
        'person:anatoly-torkunov pen:birthDate "1950-08-27"^^xsd:date .',
        'Keep the new value "1950-08-27"^^xsd:date, not "1950-08-26"^^xsd:date.',
    ),
    "a new thing with the name of one that is there": (
        ('person:putin a pen:Person ; rdfs:label "Владимир Путин"@ru . '
        f'participation:new a pen:Participation ; rdfs:label "New"@en ; {CHECKED} ; '
        "pen:hasParticipant person:putin ; pen:inEvent event:us-dprk-hanoi-2019 ; "
        "pen:hasRole participation-role:participant ; pen:hasAttendance attendance:attended ."),
        "Take person:vladimir-putin, which is there already, instead of person:putin.",
    ),
    "a new state with the code of one that is there": (
        f'state:new a pen:State ; rdfs:label "New"@en ; pen:iso3166Alpha3 "PRK" ; {CHECKED} .',
        "Take state:north-korea, which is there already, instead of state:new.",
    ),
    "dates in the wrong order": (
        TENURE.replace('pen:from "1800-02-27"', 'pen:from "1800-02-28"').replace(
            'pen:until "1800-02-28"', 'pen:until "1800-02-27"'
        ),
        "Swap the values of pen:from and pen:until.",
    ),
    "dates that an expression contradicts": (
        TENURE.replace("1800-02-27/1800-02-28", "1800-02-27/1800-03-28"),
        ('Write "1800-02-27/1800-02-28"^^edtf:EDTF instead of '
        '"1800-02-27/1800-03-28"^^edtf:EDTF.'),
    ),
    "spaces in an expression": (
        TENURE.replace("1800-02-27/1800-02-28", "1800-02-27 / 1800-02-28"),
        ('Write "1800-02-27/1800-02-28"^^edtf:EDTF instead of '
        '"1800-02-27 / 1800-02-28"^^edtf:EDTF.'),
    ),
    "a code in small letters with a space": (
        f'state:new a pen:State ; rdfs:label "New"@en ; pen:iso3166Alpha3 "nld " ; {CHECKED} .',
        'Write "NLD" instead of "nld ".',
    ),
    "a label without its language": (
        PERSON.replace("@en", "") + ".",
        'Write "New Person"@en instead of "New Person".',
    ),
    "a Korean label that claims to be English": (
        PERSON.replace('"New Person"@en', '"New Person"@en , "새 사람"@en') + ".",
        'Write "새 사람"@ko instead of "새 사람"@en.',
    ),
    "two labels in a language": (
        PERSON.replace('"New Person"@en', '"New Person"@en , "Newer Person"@en') + ".",
        'Write skos:altLabel instead of rdfs:label for "Newer Person"@en.',
    ),
    "two kinds that exclude each other": (
        f'event:new a pen:Event , pen:PlannedEvent ; rdfs:label "New"@en ; {CHECKED} .',
        "Leave out “event:new a pen:PlannedEvent”.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_gets_the_mend_a_reader_expects(graph: Graph, fault: str) -> None:
    body, expected = FAULTS[fault]
    assert expected in titles(graph, graph.insert(body))


def test_a_page_of_wikidata_becomes_its_item(graph: Graph) -> None:
    delta = graph.insert(
        f'person:new skos:exactMatch wd:Q1 . {PERSON} . link:new a pen:IdentityLink ; '
        f'rdfs:label "New"@en ; {CHECKED} ; pen:linksEntity person:new ; '
        'pen:confirmedBy "me" ; pen:confirmedOn "2026-11-23"^^xsd:date ; '
        "pen:linksBy skos:exactMatch ; prov:wasAttributedTo agent:editors ; "
        "pen:linksTo <https://www.wikidata.org/wiki/Q1> ."
    )  # fmt: skip
    assert "Write wd:Q1 instead of <https://www.wikidata.org/wiki/Q1>." in titles(graph, delta)


def test_a_removal_that_breaks_a_shape_can_be_kept_back(graph: Graph) -> None:
    delta = graph.change(
        "DELETE DATA { GRAPH graph:record { vote:1695-china pen:isCastBy state:china } }"
    )
    assert "Keep “vote:1695-china pen:isCastBy state:china”." in titles(graph, delta)


def test_what_only_could_be_made_up_gets_no_mend(graph: Graph) -> None:
    delta = graph.insert(f'vote:new a pen:Vote ; rdfs:label "New"@en ; {CHECKED} .')
    assert titles(graph, delta) == set()


def test_resolutions_with_other_numbers_are_not_alike(graph: Graph) -> None:
    delta = graph.insert(
        f'vote:new a pen:Vote ; rdfs:label "New"@en ; {CHECKED} ; pen:isCastBy state:france ; '
        "pen:hasChoice vote-choice:for ; pen:isVoteOn resolution:2398 ."
    )
    assert not any("resolution:2397" in title for title in titles(graph, delta))


def test_an_edit_of_a_blank_node_is_left_out(graph: Graph) -> None:
    delta = graph.insert(TENURE.replace("tenure:new", "_:new").replace("-un", "-unn"))
    assert titles(graph, delta) == set()


def test_faults_together_get_a_mend_each(graph: Graph) -> None:
    delta = graph.insert(
        TENURE.replace("-un ", "-unn ").replace("verification:verified", '"verified"')
    )
    assert titles(graph, delta) >= {
        "Write person:kim-jong-un instead of person:kim-jong-unn.",
        'Write verification:verified instead of "verified".',
    }


def test_no_time_gives_no_mends(graph: Graph) -> None:
    delta = graph.insert(TENURE.replace("-un ", "-unn "))
    results = graph.violations(delta)
    assert find_mends(graph.store, graph.shapes, delta, results, limit_seconds=0) == {}


@pytest.mark.parametrize("error", [InvalidShapes("It cannot be judged."), KeyboardInterrupt()])
def test_an_error_while_judging_leaves_the_store_as_it_was(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    delta = graph.insert(TENURE.replace("-un ", "-unn "))
    results = graph.violations(delta)
    before = set(graph.store)
    seen: list[bool] = []

    def break_off(store: ox.Store, *_: object, **__: object) -> None:
        seen.append(set(store) != before)
        raise error

    monkeypatch.setattr(mends, "validate_store", break_off)
    if isinstance(error, InvalidShapes):
        assert find_mends(graph.store, graph.shapes, delta, results) == {}
    else:
        with pytest.raises(KeyboardInterrupt):
            find_mends(graph.store, graph.shapes, delta, results)
    assert seen[0], "the edit was made"
    assert set(graph.store) == before


@pytest.mark.parametrize("seed", range(8))
def test_mends_of_random_faults_keep_their_promise(graph: Graph, seed: int) -> None:
    chance = random.Random(seed)
    body = TENURE
    for spoil in chance.sample(SPOILS, 2):
        body = spoil(body, chance)
    titles(graph, graph.insert(body))


def _spoil_date(text: str, chance: random.Random) -> str:
    old = chance.choice(['"1800-02-27"^^xsd:date', '"1800-02-28"^^xsd:date'])
    return text.replace(old, chance.choice(['"27.2.1800"', '"1800/2/28"', '"Feb 1, 1800"', '"?"']))


def _spoil_name(text: str, chance: random.Random) -> str:
    name = chance.choice(["kim-jong-un", "verified", "isTenureOf", "isTenureIn", "from"])
    at = chance.randrange(1, len(name) - 1)
    return text.replace(name, name[:at] + chance.choice(["", "x", name[at] * 2]) + name[at + 1 :])


def _spoil_value(text: str, chance: random.Random) -> str:
    old = chance.choice(["person:kim-jong-un", "verification:verified"])
    return text.replace(old, chance.choice(['"Kim Jong-un"', '"verified"', "state:russia"]))


def _repeat(text: str, chance: random.Random) -> str:
    more = [
        "pen:isTenureOf person:xi-jinping",
        'rdfs:label "Newer"@en',
        'pen:edtf "1800"^^edtf:EDTF',
    ]
    return f"{text} tenure:new {chance.choice(more)} ."


SPOILS: Final[list[Callable[[str, random.Random], str]]] = [
    _spoil_date, _spoil_name, _spoil_value, _repeat,
]  # fmt: skip


#: Shapes that the shipped ones are not like: what is wrong -> shape, data before, payload, mend.
OTHER_SHAPES: Final = {
    "a closed shape": (
        (
            "sh:closed true ; sh:ignoredProperties (rdf:type) ; "
            "sh:property [ sh:path x:colour ] , [ sh:path x:size ]"
        ),
        "",
        'x:a a x:Thing ; x:color "red" .',
        'Write <http://x/colour> instead of <http://x/color> for "red".',
    ),
    "a list of values": (
        'sh:property [ sh:path x:colour ; sh:in ("red" "green") ]',
        "",
        'x:a a x:Thing ; x:colour " Red" .',
        'Write "red" instead of " Red".',
    ),
    "a list of things": (
        "sh:property [ sh:path x:colour ; sh:in (x:red x:green) ]",
        'x:red rdfs:label "rouge" .',
        'x:a a x:Thing ; x:colour "rouge" .',
        'Write <http://x/red> instead of "rouge".',
    ),
    "a value that must be": (
        "sh:property [ sh:path x:colour ; sh:hasValue x:red ]",
        "",
        "x:a a x:Thing .",
        "Add “<http://x/a> <http://x/colour> <http://x/red>”.",
    ),
    "an inverse property": (
        "sh:property [ sh:path x:partOf ; sh:minCount 1 ]",
        "x:partOf owl:inverseOf x:hasPart .",
        "x:a a x:Thing . x:b x:hasPart x:a .",
        "Add “<http://x/a> <http://x/partOf> <http://x/b>”.",
    ),
    "values that must agree": (
        "sh:property [ sh:path x:colour ; sh:equals x:color ]",
        "",
        'x:a a x:Thing ; x:colour "red" ; x:color "green" .',
        'Write "red" instead of "green".',
    ),
    "values that must differ": (
        "sh:property [ sh:path x:colour ; sh:disjoint x:color ]",
        "",
        'x:a a x:Thing ; x:colour "red" ; x:color "red" .',
        'Leave out “<http://x/a> <http://x/color> "red"”.',
    ),
    "a number with separators": (
        "sh:property [ sh:path x:size ; sh:datatype xsd:integer ]",
        "",
        'x:a a x:Thing ; x:size "1,234" .',
        'Write "1234"^^xsd:integer instead of "1,234".',
    ),
    "an address as text": (
        "sh:property [ sh:path x:page ; sh:nodeKind sh:IRI ]",
        "",
        'x:a a x:Thing ; x:page "https://example.org/" .',
        'Write <https://example.org/> instead of "https://example.org/".',
    ),
    "one too many the other way": (
        "sh:property [ sh:path [ sh:inversePath x:hasPart ] ; sh:maxCount 1 ]",
        "x:b x:hasPart x:a .",
        "x:a a x:Thing . x:c x:hasPart x:a .",
        "Keep the earlier value <http://x/b>, not <http://x/c>.",
    ),
}


@pytest.mark.parametrize("kind", OTHER_SHAPES)
def test_other_shapes_get_their_mends(kind: str) -> None:
    shape, before, body, expected = OTHER_SHAPES[kind]
    prologue = f"{PROLOGUE}PREFIX x: <http://x/>\n"
    text = f"{prologue} x:Shape a sh:NodeShape ; sh:targetClass x:Thing ; {shape} ."
    store = ox.Store()
    store.update(f"{prologue} INSERT DATA {{ {before} }}")
    parsed = ox.parse(text.encode(), format=ox.RdfFormat.TURTLE)
    graph = Graph(store, read_model(to_graph(parsed)))
    delta = graph.change(f"{prologue} INSERT DATA {{ {body} }}")
    assert expected in titles(graph, delta)


def test_a_slip_is_mended_in_a_class_too_large_to_be_looked_through(graph: Graph) -> None:
    kind, space = ox.NamedNode(expand("pen:Person")), PREFIXES["person"]
    graph.store.bulk_extend(
        ox.Quad(ox.NamedNode(f"{space}someone-{number}"), TYPE, kind) for number in range(3000)
    )
    delta = graph.insert(TENURE.replace("-un ", "-unn "))
    assert "Write person:kim-jong-un instead of person:kim-jong-unn." in titles(graph, delta)


def test_graphs_that_are_not_validated_are_not_looked_at() -> None:
    store = ox.Store()
    shape = (
        f"{PROLOGUE} <x:S> sh:targetClass <x:T> ; sh:property [ sh:path <x:p> ; sh:minCount 1 ] ."
    )
    shapes = read_model(to_graph(ox.parse(shape.encode(), format=ox.RdfFormat.TURTLE)))
    named = [ox.NamedNode("x:g")]
    text = "INSERT DATA { GRAPH <x:g> { <x:a> a <x:T> } GRAPH <x:h> { <x:b> <x:p> <x:a> } }"
    delta = apply_update(store, text, base=None, prefixes=PREFIXES)
    pairs = affected(shapes, delta, store, graphs=named).pairs
    report = validate_store(store, shapes, graphs=named, focus=pairs).report
    (result,) = read_results(report, shapes)
    # To turn it round cures nothing where it stands in a graph that does not count.
    assert find_mends(store, shapes, delta, [result], graphs=named) == {}
