"""What an index of names finds is what a comparison of everything finds."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peninsula.dataset.local import LocalDataset
from peninsula.namespaces import expand
from peninsula.policy import Policy
from peninsula.search import (
    Found,
    Indexes,
    NameIndex,
    Wish,
    read_names,
)
from peninsula.searching.entries import (
    MOST_TITLES,
    Entry,
    Title,
    read_entries,
)
from peninsula.searching.fulltext import build_in_memory
from peninsula.searching.phrases import read_phrase
from peninsula.searching.ranking import Ranked, in_order, rank
from peninsula.searching.romanization import script_of
from tests.server.test_search import dataset_of

_WORDS = ["Putin", "Путин", "푸틴", "Moon", "문재인", "Мун", "Jae-in", "summit", "정상회담", "саммит",
          "Vladivostok", "Владивосток", "2018", "of", "Kim", "김정은", "Jong-un", "Russia", "России"]  # fmt: skip
_NAME = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=4).map(" ".join)
_KIND = st.sampled_from(["person", "event", "claim", "topic", "vote"])
_GRAPH = st.lists(
    st.tuples(_KIND, st.lists(_NAME, min_size=1, max_size=3)), min_size=1, max_size=12
)
_ASKED = st.one_of(
    _NAME,
    _NAME.map(lambda text: text[: max(2, len(text) - 2)]),
    _NAME.map(lambda text: text[:1] + text[2:3] + text[1:2] + text[3:]),
)


def entries_of(graph: list[tuple[str, list[str]]]) -> list[Entry]:
    return [
        Entry(expand(f"{kind}:t{i}"), tuple(Title(2, name, "en") for name in dict.fromkeys(names)))
        for i, (kind, names) in enumerate(graph)
    ]


def compare_all(entries: list[Entry], text: str) -> list[str]:
    """Return what fits, best first, by looking at every name there is."""
    phrase = read_phrase(text)
    strict = [r for e in entries if (r := rank(phrase, e, is_loose=False))]
    if len(strict) >= 10 or any(r.fit.score >= 0.93 for r in strict):
        return [r.entry.iri for r in sorted(strict)]
    index = build_in_memory(entries, {})
    split = index.split(phrase)
    ways = [phrase] if split is None else [phrase, split]
    for is_partial in (False, True):
        found: list[Ranked] = []
        for entry in entries:
            ranked = (rank(way, entry, is_loose=True, is_partial=is_partial) for way in ways)
            best = min(filter(None, ranked), default=None)
            if best is not None:
                found.append(best)
        if found:
            return [r.entry.iri for r in in_order(found)]
    return []


@given(_GRAPH, _ASKED)
@settings(max_examples=150, deadline=None)
def test_the_index_finds_what_a_comparison_of_everything_finds(
    graph: list[tuple[str, list[str]]], text: str
) -> None:
    entries = entries_of(graph)
    index = NameIndex(build_in_memory(entries, {}))
    found = index.find(Wish(text), limit=100)
    expected = compare_all(entries, text)
    assert [hit.iri for hit in found.hits] == expected
    assert found.total == len(expected)


@given(_GRAPH)
@settings(max_examples=60, deadline=None)
def test_every_name_finds_its_thing(graph: list[tuple[str, list[str]]]) -> None:
    entries = entries_of(graph)
    index = NameIndex(build_in_memory(entries, {}))
    for entry in entries:
        for title in entry.titles:
            hits = index.find(Wish(title.text), limit=100).hits
            [own] = [hit for hit in hits if hit.iri == entry.iri]
            # Nothing of its kind fits better than what is called just so.
            kind = entry.iri.rsplit("/", 1)[0]
            assert own.score == max(h.score for h in hits if h.iri.startswith(kind))


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_whatever_is_looked_for_is_plain_text(text: str) -> None:
    index = NameIndex(build_in_memory(entries_of([("person", ["Vladimir Putin"])]), {}))
    index.find(Wish(text))
    index.near(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "\x00", "\ud800", "🙂", "؟!…", '"', "NEAR(a b)", "a* OR b", "-a +b", "name:putin", "(((",
        "' OR 1=1 --", "iri:/.*/", "[a TO z]", "x" * 1_000_000, "а" * 200, "👨‍👩‍👧", "مرحبا", "é" * 100, "^a$",
        "putin\x00", "\\", "a\ud800b", " ".join("abcdefgh" for _ in range(25)), "김" * 200,
    ],
)  # fmt: skip
def test_signs_and_hostile_texts_find_nothing_they_should_not(text: str) -> None:
    index = NameIndex(build_in_memory(entries_of([("person", ["Vladimir Putin"])]), {}))
    found = index.find(Wish(text))
    assert found.total <= ("putin" in text)
    assert index.near(text) == [] or "putin" in text


def test_pages_of_many_follow_one_another() -> None:
    entries = [
        Entry(expand(f"event:e{i}"), (Title(2, f"Summit number {i} in Moscow", "en"),))
        for i in range(2300)
    ]
    index = NameIndex(build_in_memory(entries, {}))
    pages = [index.find(Wish("moscow summit"), offset=i, limit=100) for i in range(0, 2100, 100)]
    seen = [hit.iri for page in pages for hit in page.hits]
    assert len(seen) == len(set(seen)) == 2000
    assert {page.total for page in pages} == {2300}
    assert all(page.is_cut for page in pages)


_EXPLAINED = """
person:putin rdfs:label "Vladimir Putin"@en , "Владимир Путин"@ru ; skos:altLabel "푸틴"@ko .
person:kim rdfs:label "Kim Jong-un"@en , "Ким Чен Ын"@ru , "김정은"@ko .
person:yoon rdfs:label "Yoon Suk-yeol"@en , "Юн Сок Ёль"@ru , "윤석열"@ko .
person:xi rdfs:label "Xi Jinping"@en , "Си Цзиньпин"@ru , "시진핑"@ko .
person:park rdfs:label "Park Geun-hye"@en , "Пак Кын Хе"@ru , "박근혜"@ko .
organization:council rdfs:label "United Nations Security Council"@en , "Совет Безопасности ООН"@ru .
resolution:2397 rdfs:label "UN Security Council resolution 2397 (2017)"@en .
state:us rdfs:label "United States"@en , "미국"@ko .
group:allies rdfs:label "US allies"@en .
topic:sanctions rdfs:label "Sanctions of the UN"@en , "Санкции ООН"@ru .
topic:denuclearization rdfs:label "Denuclearization"@en .
"""


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        # As initials, in either script; what is short already, and numbers, stand whole.
        ("UNSC", "en", ("organization:council", "initials", "")),
        ("unsc", "en", ("organization:council", "initials", "")),
        ("СБ ООН", "ru", ("organization:council", "initials", "")),
        ("UNSCR 2397", "en", ("resolution:2397", "initials", "")),
        ("US", "en", ("state:us", "initials", "")),
        # V. is a beginning, and no preposition.
        ("V. Putin", "en", ("person:putin", "beginning", "")),
        ("В. Путину", "ru", ("person:putin", "beginning", "")),
        ("Mr. Putin", "en", ("person:putin", "exact", "")),
        # A name of two letters has endings.
        ("Ким Чен Ыну", "ru", ("person:kim", "form", "")),
        ("Ким Чен Ыном", "ru", ("person:kim", "form", "")),
        # A syllable is soon like another one.
        ("ООН", "ru", ("organization:council", "exact", "")),
        # What is told is what was typed.
        ("putin", "en", ("person:putin", "exact", "")),
        ("путин", "en", ("person:putin", "exact", "Владимир Путин")),
        ("denuclearisation", "en", ("topic:denuclearization", "form", "")),
    ],
)
def test_what_is_found_is_explained_in_the_script_of_the_question(
    text: str, language: str, expected: tuple[str, str, str]
) -> None:
    index = read_names(dataset_of(_EXPLAINED))
    hit = index.find(Wish(text, language=language)).hits[0]
    assert (hit.name, hit.match, "".join(p.text for p in hit.snippet)) == expected


@pytest.mark.parametrize(
    ("text", "language", "suggested"),
    [
        ("Ким Чеен Ына", "ru", "Ким Чен Ын"),
        ("Zi Jinping", "en", "Xi Jinping"),
        ("Vladimir Puttin", "ko", ""),
        ("Pak Kunhye", "ru", "Park Geun-hye"),
    ],
)
def test_what_may_have_been_meant_is_in_the_script_of_the_question(
    text: str, language: str, suggested: str
) -> None:
    found = read_names(dataset_of(_EXPLAINED)).find(Wish(text, language=language))
    assert found.suggestion == suggested
    hit = found.hits[0]
    assert not hit.snippet or script_of(hit.matched.text) == script_of(text)


def test_where_nothing_has_a_name_nothing_is_waited_for() -> None:
    index = Indexes().open(LocalDataset(ox.Store(), Policy()), 0)
    assert index.is_settled
    assert index.find(Wish("Putin")) == Found()


def test_very_many_names_of_one_thing_are_not_all_compared() -> None:
    labels = ((f"label {i}", "rdfs:label") for i in range(3))
    others = ((f"other {i}", "skos:altLabel") for i in range(MOST_TITLES + 50))
    thing = ox.NamedNode("x:many")
    store = ox.Store()
    store.extend(
        ox.Quad(thing, ox.NamedNode(expand(property)), ox.Literal(text), thing)
        for text, property in (*others, *labels)
    )
    (entry,) = read_entries(LocalDataset(store, Policy()))
    assert len(entry.titles) == MOST_TITLES
    assert {title.text for title in entry.titles} >= {"label 0", "label 1", "label 2"}
