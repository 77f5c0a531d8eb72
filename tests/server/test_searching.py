"""How words and names are compared, and an index on disk: made beside the server, whole or not."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.generations import Generations
from peninsula.dataset.interface import select
from peninsula.dataset.local import LocalDataset
from peninsula.errors import NotIndexed, ParameterError, QueryError
from peninsula.federation.dataset import FederatedDataset
from peninsula.federation.evaluation import Federation
from peninsula.federation.gateway import Gateway
from peninsula.federation.local_services import LocalServices
from peninsula.federation.services import Services
from peninsula.namespaces import expand
from peninsula.policy import Policy
from peninsula.search import (
    CandidateIndex,
    EarlierIndex,
    Found,
    Indexes,
    NameIndex,
    Wish,
    read_names,
)
from peninsula.search_service import MOST_TEXTS, SearchService
from peninsula.searching import building
from peninsula.searching.comparison import fit
from peninsula.searching.entries import (
    MOST_TITLES,
    Entry,
    Title,
    gather,
    plan,
    read,
    read_entries,
)
from peninsula.searching.folders import ABOUT
from peninsula.searching.fulltext import FulltextIndex, build_in_memory
from peninsula.searching.phrases import read_name, read_phrase, split_compound
from peninsula.searching.ranking import Ranked, in_order, rank
from peninsula.searching.romanization import romanize, script_of, simplify, sound
from peninsula.searching.shelf import Shelf
from peninsula.searching.stemming import stems, without_particle
from peninsula.searching.touching import Bounds
from peninsula.searching.words import compare, make_word, tokenize
from peninsula.spelling import distance

from .conftest import fill, running, update, wait_until
from .test_search import dataset_of

# Letters.


@pytest.mark.parametrize(
    ("hangul", "latin"),
    # The examples of the rules for romanization, 국어의 로마자 표기법, among them.
    [
        ("백마", "baengma"), ("종로", "jongno"), ("왕십리", "wangsimni"), ("별내", "byeollae"),
        ("신라", "silla"), ("해돋이", "haedoji"), ("같이", "gachi"), ("좋고", "joko"),
        ("놓다", "nota"), ("압구정", "apgujeong"), ("낙동강", "nakdonggang"),
        ("독립문", "dongnimmun"), ("집현전", "jiphyeonjeon"), ("묵호", "mukho"),
        ("대관령", "daegwallyeong"), ("벚꽃", "beotkkot"), ("월곶", "wolgot"), ("칠곡", "chilgok"),
        ("옥천", "okcheon"), ("합덕", "hapdeok"), ("김정은", "gimjeongeun"), ("문재인", "munjaein"),
        ("평양", "pyeongyang"), ("많다", "manta"), ("읽어", "ilgeo"), ("값이", "gapsi"),
        ("설악", "seorak"), ("앉아", "anja"), ("강아지", "gangaji"), ("전략", "jeollyak"),
        ("협력", "hyeomnyeok"), ("국무", "gungmu"), ("입학", "iphak"), ("않는", "anneun"),
    ],
)  # fmt: skip
def test_hangul_is_written_as_it_sounds(hangul: str, latin: str) -> None:
    assert romanize(hangul) == latin


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rossiya", "россия"), ("khrushchev", "хрущев"), ("medwedew", "медведев"),
        ("sotchi", "сочи"), ("sanktsii", "санкции"), ("zhirinovsky", "жириновскии"),
        ("vladivostock", "владивосток"), ("pyongyang", "pyeongyang"), ("moon", "mun"),
    ],
)  # fmt: skip
def test_systems_of_romanization_come_to_the_same(one: str, other: str) -> None:
    assert simplify(one) == simplify(romanize(other))


def test_a_row_of_letters_is_no_double_letter() -> None:
    assert simplify("bill") == simplify("bil")
    assert len(simplify("q" * 8)) == 8


def test_korean_and_its_spellings_sound_alike() -> None:
    for spelt in ("kimjongun", "gimjeongeun", romanize("кимченын")):
        assert sound(spelt) == sound(romanize("김정은"))
    assert sound("parkgeunhye") != sound(romanize("박근혜"))
    # The surname as newspapers write it is known, too.
    assert fit_of("Park Geun-hye", "박근혜") > 0.6


def test_endings_and_particles_are_cut() -> None:
    assert len({next(iter(stems(w))) for w in ("путин", "путина", "путину", "путиным")}) == 1
    assert len({next(iter(stems(w))) for w in ("лавров", "лаврова", "лавровым")}) == 1
    assert without_particle("러시아에서") == "러시아"
    assert without_particle("소치의") == "소치"
    assert without_particle("합의") == "합의"
    assert "2397" in stems("2397호")


@given(st.text("abcd", max_size=6), st.text("abcd", max_size=6))
@settings(max_examples=300)
def test_a_distance_is_one(first: str, second: str) -> None:
    real = distance(first, second, 12)
    assert real == distance(second, first, 12)
    assert (real == 0) == (first == second)
    assert abs(len(first) - len(second)) <= real <= max(len(first), len(second))
    for most in (0, 1, 2):
        assert min(distance(first, second, most), most + 1) == min(real, most + 1)
    if len(first) > 1 and first[0] != first[1]:
        assert distance(first, first[1] + first[0] + first[2:], 2) == 1


def how(wished: str, word: str) -> str:
    [one], [other] = tokenize(wished), tokenize(word)
    likeness = compare(one.word, other.word, is_loose=True)
    return likeness.how if likeness else ""


@pytest.mark.parametrize(
    ("wished", "word", "expected"),
    [
        ("Putin", "PUTIN", "exact"), ("José", "jose", "exact"), ("Путина", "Путин", "form"),
        ("푸틴이", "푸틴", "form"), ("Putin", "Путин", "spelling"), ("Rusia", "Russia", "spelling"),
        ("vlad", "Vladimir", "beginning"), ("влад", "Vladimir", "beginning"),
        ("정상", "남북정상회담", "compound"), ("Lavorv", "Lavrov", "typo"), ("vostok", "Vladivostok", "part"),
        ("2397", "2398", ""), ("397", "2397", ""), ("cat", "dog", ""), ("un", "Jung", ""),
    ],
)  # fmt: skip
def test_words_are_alike_in_many_ways(wished: str, word: str, expected: str) -> None:
    assert how(wished, word) == expected


def fit_of(text: str, name: str) -> float:
    found = fit(read_phrase(text), read_name(name), is_loose=True)
    return found.score if found else 0.0


def test_the_more_of_a_name_is_said_the_better_it_fits() -> None:
    names = ("Putin", "Vladimir Putin", "The visit of Putin", "Somebody said that Putin would come")
    fits = [fit_of("Putin", name) for name in names]
    assert fits == sorted(fits, reverse=True)
    assert fits[0] == 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("문재인대통령", "문재인 대통령"), ("mun jae in", "문재인"), ("gimjeongeun", "김정은"),
        ("Jongun", "Kim Jong-un"), ("the summit in Hanoi", "Hanoi summit"), ("Putin's", "Putin"),
    ],
)  # fmt: skip
def test_spaces_hyphens_and_small_words_do_not_matter(text: str, name: str) -> None:
    assert fit_of(text, name) > 0.7


def test_a_compound_is_taken_apart() -> None:
    words = {make_word(t.word.text).text for w in ("푸틴", "대통령", "회담") for t in tokenize(w)}
    [token] = tokenize("푸틴대통령회담의")
    parts = split_compound(token.word, words.__contains__)
    assert parts is not None
    assert [part.text for part in parts] == [t.word.text for t in tokenize("푸틴 대통령 회담")]
    assert split_compound(token.word, lambda _: False) is None
    [token] = tokenize("Putinsummit")
    assert split_compound(token.word, lambda _: True) is None


# What the index finds is what a comparison of everything finds.

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


# On disk.

_SUMMITS = "".join(
    f"INSERT DATA {{ GRAPH <x:g> {{ <{expand(f'event:s{i}')}> a pen:Summit ; "
    f'rdfs:label "Summit {i} in Moscow"@en }} }} ;\n'
    for i in range(40)
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedDatabase]:
    """Return a database with names of forty summits in its second generation."""
    generations = fill(tmp_path_factory.mktemp("named"))
    with running(generations, is_union=True, keep=20) as database:
        update(
            database,
            _SUMMITS + f'INSERT DATA {{ <{expand("person:p")}> rdfs:label "Ivan Petrov" }}',
        )
        yield database


@pytest.fixture
def shelf(store: EmbeddedDatabase) -> Iterator[Shelf]:
    shutil.rmtree(store.generations.names(1).parent, ignore_errors=True)
    shelf = Shelf(store.generations, is_union=True)
    yield shelf
    shelf.close()


def make_index(
    generations: Generations, number: int, target: Path, base: Path | None = None
) -> dict[str, Any]:
    """Make an index as a server does, in a process of its own; return its account."""
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "peninsula.searching.building"]
    more = ["--base", str(base)] if base else []
    done = subprocess.run(
        [*command, str(generations.folder), str(number), str(target), *more],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if done.returncode == building.UNFIT:
        return {}
    assert not done.returncode, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def found_by(indexes: Indexes, store: EmbeddedDatabase, text: str) -> Found:
    return indexes.open(store.view(), store.current.number).find(Wish(text), limit=100)


def test_an_index_is_made_beside_and_answers_meanwhile(
    store: EmbeddedDatabase, shelf: Shelf
) -> None:
    indexes = Indexes(shelf, most_names=3)
    number = store.current.number
    found = found_by(indexes, store, "moscow summit")
    assert found.provisional == "unindexed"
    assert found.total == 40
    wait_until(lambda: shelf.account(number), 60)
    found = found_by(indexes, store, "moscow sumit")
    assert found.provisional == ""
    assert found.total == 40
    assert isinstance(indexes.open(store.view(), number), NameIndex)
    # Another server opens what is there.
    other = Shelf(store.generations, is_union=True)
    assert other.open(number) is not None
    assert not other.is_being_made(number)
    # Of another default graph it is not the index.
    assert Shelf(store.generations, is_union=False).open(number) is None


def tell(about: dict[str, Any] | None) -> tuple[int, int]:
    assert about is not None
    return about["from"], about["touched"]


@pytest.fixture
def nothing_is_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave every change to a process of its own."""
    monkeypatch.setattr("peninsula.searching.shelf.FEW", Bounds(0, 0))


@pytest.mark.usefixtures("nothing_is_few")
def test_a_small_change_rewrites_what_it_touches(store: EmbeddedDatabase, shelf: Shelf) -> None:
    indexes = Indexes(shelf, most_names=3)
    before = store.current.number
    wait_until(
        lambda: not found_by(indexes, store, "moscow").provisional and shelf.account(before), 150
    )
    thing, gone, person = expand("event:new"), expand("event:s7"), expand("person:p")
    update(
        store, f'INSERT DATA {{ GRAPH <x:g> {{ <{thing}> rdfs:label "Саммит в Хельсинки"@ru }} }}'
    )
    update(store, f"DELETE WHERE {{ GRAPH <x:g> {{ <{gone}> ?p ?o }} }}")
    update(
        store, f'INSERT DATA {{ <{thing}> <x:with> <{person}> . <{person}> skos:altLabel "Vanya" }}'
    )
    after = store.current.number
    indexes.follow(after)
    found = found_by(indexes, store, "хельсинки")
    assert found.provisional == "earlier"
    assert isinstance(indexes.open(store.view(), after), EarlierIndex)
    wait_until(
        lambda: not found_by(indexes, store, "moscow").provisional and shelf.account(after), 150
    )
    assert tell(shelf.account(after)) == (before, 3)
    assert [hit.iri for hit in found_by(indexes, store, "хельсинки").hits] == [thing]
    assert [hit.iri for hit in found_by(indexes, store, "vanya").hits] == [person]
    assert found_by(indexes, store, "moscow").total == 39
    # It is the index that would have been made anew.
    fresh = read_names(store.view())
    index = indexes.open(store.view(), after)
    for text in ("moscow", "хельсинки", "summit 7", "Ivan", "sumit 12", "vany"):
        assert index.find(Wish(text), limit=100) == fresh.find(Wish(text), limit=100)
    # The one of the generation before is as it was.
    past = indexes.open(store.view(generation=store.find(before)), before)
    assert past.find(Wish("хельсинки")).total == 0
    assert past.find(Wish("moscow")).total == 40


def test_few_names_are_indexed_at_once_and_kept(store: EmbeddedDatabase, shelf: Shelf) -> None:
    number = store.current.number
    assert found_by(Indexes(shelf), store, "moscow").provisional == ""
    # No other process had to be waited for, and a restart finds it.
    assert tell(shelf.account(number))[0] == 0
    assert Shelf(store.generations, is_union=True).open(number) is not None
    # A change is taken over at once, whoever asks first.
    update(store, f'INSERT DATA {{ <{expand("event:late")}> rdfs:label "Встреча в Осло"@ru }}')
    found = found_by(Indexes(shelf), store, "осло")
    assert (found.total, found.provisional) == (1, "")
    assert tell(shelf.account(store.current.number)) == (number, 1)
    assert not list(shelf.folder.glob(".building-*"))


def test_the_published_state_is_indexed_before_somebody_asks(store: EmbeddedDatabase) -> None:
    number = store.current.number
    shutil.rmtree(store.generations.names(1).parent, ignore_errors=True)
    with contextlib.closing(
        Shelf(
            store.generations,
            is_union=True,
            view=lambda number: store.view(generation=store.find(number)),
        )
    ) as shelf:
        shelf.follow(number)
        wait_until(lambda: shelf.account(number), 60)
    # Where there are many names, it waits until somebody does.
    shutil.rmtree(store.generations.names(1).parent, ignore_errors=True)
    with contextlib.closing(
        Shelf(store.generations, is_union=True, view=lambda _: store.view(), most_names=3)
    ) as shelf:
        shelf.follow(number)
        wait_until(lambda: shelf._followed is None, 60)
        assert not shelf.is_being_made(number)


@pytest.mark.parametrize("times", [1, 3])
def test_what_fails_is_tried_again_and_told(
    store: EmbeddedDatabase,
    shelf: Shelf,
    times: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("peninsula.searching.shelf._AGAIN", (0.01, 0.01, 0.01))
    number = store.current.number
    run = shelf._run
    left = [(-signal.SIGKILL, "", ""), (1, "", "Traceback\nMemoryError: too much\n"), (0, "", "")]

    def fail(number: int, path: Path, base: int | None) -> tuple[int, str, str]:
        return left.pop(0) if len(left) > 3 - times else run(number, path, base)

    monkeypatch.setattr(shelf, "_run", fail)
    with caplog.at_level("WARNING", "peninsula.searching.shelf"):
        shelf.want(number)
        wait_until(lambda: shelf.account(number) or len(caplog.records) == 3, 60)
    assert "(attempt 1): its process was ended by SIGKILL" in caplog.text
    if times == 3:
        assert "exit code 1: Traceback | MemoryError: too much" in caplog.text
        # Nothing was left there to be put in place.
        assert "(attempt 3)" in caplog.text
    else:
        assert shelf.account(number)
    assert not list(shelf.folder.glob(".building-*"))


def test_what_nobody_foresaw_does_not_end_the_making(
    store: EmbeddedDatabase, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Any:
        raise KeyError("nobody thought of it")

    def ask_again() -> object:
        shelf.want(number)
        return shelf.account(number)

    monkeypatch.setattr("peninsula.searching.shelf._AGAIN", (0.01, 0.01, 0.01))
    shelf._view = fail
    number = store.current.number
    shelf.follow(number)
    wait_until(lambda: shelf._followed is None, 60)
    with monkeypatch.context() as patched:
        patched.setattr(shelf, "_make", fail)
        shelf.want(number)
        wait_until(lambda: shelf._failed.get(number, (0, 0))[0] == 3, 60)
    wait_until(ask_again, 60)


def test_a_process_that_ends_lets_go_of_those_it_started(
    store: EmbeddedDatabase, tmp_path: Path
) -> None:
    # They used to wait for one another: a few times in a hundred, where several began at once.
    command = [sys.executable, "-m", "peninsula.searching.building", str(store.generations.folder)]
    number = str(store.current.number)
    processes = [
        subprocess.Popen([*command, number, str(tmp_path / str(i))], stdout=subprocess.PIPE)
        for i in range(6)
    ]
    for process in processes:
        told, _ = process.communicate(timeout=120)
        assert json.loads(told)["things"]


def test_names_that_an_item_lends_are_touched_with_it(tmp_path: Path) -> None:
    person, item = expand("person:p"), expand("wd:Q7")
    with running(fill(tmp_path), is_union=True) as database:
        update(
            database, f'INSERT DATA {{ <{person}> rdfs:label "Ivan" ; skos:exactMatch <{item}> }}'
        )
        one = database.current.number
        update(
            database,
            f'INSERT DATA {{ GRAPH graph:wikidata {{ <{item}> skos:altLabel "Иоанн Грозный"@ru }} }}',
        )
        two = database.current.number
        generations = database.generations
        make_index(generations, one, tmp_path / "one")
        assert make_index(generations, two, tmp_path / "two", tmp_path / "one")["from"] == one
        shelf = Shelf(generations, is_union=True)
        shutil.copytree(tmp_path / "two", generations.names(two))
        index = shelf.open(two)
        assert index is not None
        [hit] = NameIndex(index).find(Wish("ioann groznyi")).hits
        assert (hit.iri, hit.matched.text) == (person, "Иоанн Грозный")
        # The item itself is no thing beside ours.
        assert index.find_entry(item) is None


def test_who_has_no_name_mentions_things_too(tmp_path: Path) -> None:
    person, other = expand("person:p"), expand("person:q")
    with running(fill(tmp_path), is_union=True) as database:
        update(database, f'INSERT DATA {{ <{person}> rdfs:label "Ivan" }}')
        one = database.current.number
        update(
            database,
            f"INSERT DATA {{ [] a <x:c> ; <x:p> <{person}> . <x:s> <x:of> <<( <{other}> <x:p> 1 )>> }}",
        )
        two = database.current.number
        make_index(database.generations, one, tmp_path / "one")
        about = make_index(database.generations, two, tmp_path / "two", tmp_path / "one")
        assert tell(about) == (one, 1)
        made = FulltextIndex.open(tmp_path / "two", {}).find_entry(person)
        assert made == next(iter(read_entries(database.view())))


def test_what_changes_too_much_is_made_anew(store: EmbeddedDatabase, tmp_path: Path) -> None:
    before = store.current.number
    make_index(store.generations, before, tmp_path / "one")
    update(store, "INSERT DATA { pen:Summit rdfs:subClassOf pen:Event }")
    after = store.current.number
    # Which class says most hangs on the hierarchy.
    assert make_index(store.generations, after, tmp_path / "two", tmp_path / "one") == {}
    # A shelf has it made anew then.
    shelf = Shelf(store.generations, is_union=True)
    shutil.copytree(tmp_path / "one", make_room(shelf.path(before)))
    shelf.want(after)
    wait_until(lambda: shelf.account(after), 60)
    assert tell(shelf.account(after))[0] == 0
    shelf.close()


def test_on_an_index_that_is_damaged_none_is_built(store: EmbeddedDatabase, shelf: Shelf) -> None:
    before = store.current.number
    make_index(store.generations, before, shelf.path(before))
    for path in shelf.path(before).glob("*.term"):
        path.write_bytes(path.read_bytes()[:10])
    update(store, f'INSERT DATA {{ <{expand("event:bergen")}> rdfs:label "Talks in Bergen" }}')
    after = store.current.number
    shelf.want(after)
    wait_until(lambda: shelf.account(after), 60)
    assert tell(shelf.account(after))[0] == 0


def make_room(folder: Path) -> Path:
    folder.parent.mkdir(exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return folder


@pytest.mark.parametrize("damage", ["killed", "half", "no account", "other state", "cut"])
def test_what_is_half_made_is_never_opened(
    store: EmbeddedDatabase, shelf: Shelf, damage: str
) -> None:
    number = store.current.number
    place = shelf.path(number)
    place.parent.mkdir(exist_ok=True)
    if damage == "killed":
        left = place.parent / f".building-{number}"
        command = [sys.executable, "-m", "peninsula.searching.building"]
        process = subprocess.Popen(
            [*command, str(store.generations.folder), str(number), str(left)]
        )
        wait_until(left.exists, 60)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    else:
        make_index(store.generations, number, place)
        about = place / ABOUT
        if damage == "half":
            place.rename(place.parent / f".building-{number}")
        elif damage == "no account":
            about.unlink()
        elif damage == "other state":
            told = json.loads(about.read_text())
            about.write_text(json.dumps({**told, "published": "2020-01-01T00:00:00.000Z"}))
        else:
            for path in place.glob("*.store"):
                path.write_bytes(path.read_bytes()[:10])
    again = Shelf(store.generations, is_union=True)
    assert again.open(number) is None
    assert not list(place.parent.glob(".building-*"))
    again.want(number)
    wait_until(lambda: again.account(number), 60)
    index = again.open(number)
    assert index is not None
    assert NameIndex(index).find(Wish("moscow")).total >= 39
    again.close()


def test_an_index_goes_with_its_generation(tmp_path: Path) -> None:
    generations = fill(tmp_path)
    with running(generations, is_union=True, keep=2) as database:
        update(database, _SUMMITS)
        number = database.current.number
        make_index(generations, number, generations.names(number))
        for i in range(3):
            update(database, f"INSERT DATA {{ <x:{i}> <x:p> <x:o> }}")
        wait_until(lambda: not generations.path(number).exists())
        wait_until(lambda: not generations.names(number).exists())


def test_much_is_brought_together_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    turtle = "".join(
        f'event:e{i} a pen:Summit ; rdfs:label "Summit {i}"@en ; skos:altLabel "Other {i}" .\n'
        for i in range(500)
    )
    dataset = dataset_of(turtle)
    whole = {entry.iri: entry for entry in read_entries(dataset)}
    monkeypatch.setattr("peninsula.searching.spreading._RUN", 64)
    assert {entry.iri: entry for entry in read_entries(dataset)} == whole
    assert len(whole) == 500
    # What a server reads by several processes, in parts, is the same.
    monkeypatch.setattr("peninsula.searching.entries._READ", 90)
    readings = list(plan(dataset))
    assert len(readings) > 12
    parts = [[record for reading in readings for record in read(dataset, reading)]]
    assert {entry.iri: entry for entry in gather(parts)} == whole


# In SPARQL.

_SCENE = """
person:putin a pen:Person ; rdfs:label "Vladimir Putin"@en , "Владимир Путин"@ru , "블라디미르 푸틴"@ko .
person:moon a pen:Person ; rdfs:label "Moon Jae-in"@en , "문재인"@ko .
event:visit a pen:Visit ; rdfs:label "Putin visits Seoul"@en ; pen:of person:putin .
pen:Visit rdfs:subClassOf pen:Event .
"""


@pytest.fixture(scope="module")
def searchable() -> FederatedDataset:
    services = Services(())
    local = LocalServices([SearchService(Indexes())])
    federation = Federation(services, Gateway(), local)
    return FederatedDataset(dataset_of(_SCENE), federation)


def rows(dataset: FederatedDataset, query: str) -> list[tuple[str, ...]]:
    solutions = select(dataset, query)
    return [tuple(term.value if term else "" for term in row) for row in solutions]  # type: ignore[union-attr]


def test_a_query_finds_things_by_name(searchable: FederatedDataset) -> None:
    query = """SELECT ?thing ?name ?match ?score { SERVICE <peninsula:search> {
      ?thing search:text "Путина" ; search:class pen:Person ; search:name ?name ; search:match ?match ;
             search:score ?score ; search:limit 5 } }"""
    [(thing, name, match, score)] = rows(searchable, query)
    assert (thing, name, match) == (expand("person:putin"), "Владимир Путин", "form")
    assert 0.5 < float(score) < 1


def test_what_is_found_is_joined(searchable: FederatedDataset) -> None:
    query = """SELECT ?event { SERVICE <peninsula:search> { ?who search:text "Putin" } ?event pen:of ?who }"""
    assert rows(searchable, query) == [(expand("event:visit"),)]
    query = """SELECT ?thing { SERVICE <peninsula:search> { ?thing search:text "Putin" ; search:kind "event" } }"""
    assert rows(searchable, query) == [(expand("event:visit"),)]
    query = """SELECT ?thing { SERVICE <peninsula:search> { ?thing search:text "putin" ; search:language "ru" } }"""
    assert rows(searchable, query) == [(expand("person:putin"),)]
    query = """ASK { SERVICE <peninsula:search> { person:moon search:text "Mun Jae-in" } }"""
    assert searchable.evaluate(query).value is True  # type: ignore[union-attr]


def test_texts_come_from_the_rest_of_the_query(searchable: FederatedDataset) -> None:
    query = """SELECT ?text ?who { VALUES ?text { "Pution" "문재인은" "nobody" <x:y> }
      SERVICE <peninsula:search> { ?who search:text ?text ; search:class pen:Person } } ORDER BY ?text"""
    assert rows(searchable, query) == [
        ("Pution", expand("person:putin")),
        ("문재인은", expand("person:moon")),
    ]


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        ('?t search:txt "a"', "search:txt cannot stand"),
        ("?t search:score ?s", "no search:text"),
        ('?t search:text "a" , "b"', "search:text 2 times"),
        ('?t search:text "a" . ?u search:text "b"', "several things"),
        ("?t search:text ?unbound", "Nothing binds ?unbound"),
        ("?t search:text <x:y>", "takes a text"),
        ('?t search:text ""', "is empty"),
        (f'?t search:text "{"a" * 201}"', "201 characters"),
        ('?t search:text "a" ; search:score 1', "takes a variable"),
        ('?t search:text "a" ; search:class "Person"', "takes the IRI"),
        ('?t search:text "a" ; search:limit 0', "a number from 1 to"),
        ('?t search:text "a" ; search:limit 99999', "a number from 1 to"),
        ('?t search:text "a" ; search:language <x:ru>', "takes a text"),
        ('?t search:text "a" ; rdfs:label ?l', "rdfs:label cannot stand"),
        ('?t ?p "a"', "?p cannot stand"),
    ],
)
def test_wrong_use_is_explained(searchable: FederatedDataset, clause: str, said: str) -> None:
    with pytest.raises((ParameterError, QueryError)) as caught:
        rows(searchable, f"SELECT * {{ SERVICE <peninsula:search> {{ {clause} }} }}")
    assert said in str(caught.value)
    assert caught.value.remedy


def test_texts_are_bounded(searchable: FederatedDataset) -> None:
    values = " ".join(f'"{i}x"' for i in range(MOST_TEXTS + 1))
    query = f"SELECT * {{ VALUES ?x {{ {values} }} SERVICE <peninsula:search> {{ ?t search:text ?x }} }}"
    with pytest.raises(ParameterError, match="no more than"):
        rows(searchable, query)


def test_wrong_use_is_no_silent_failure(searchable: FederatedDataset) -> None:
    with pytest.raises(ParameterError, match="Nothing binds"):
        rows(searchable, "SELECT * { SERVICE SILENT <peninsula:search> { ?t search:text ?u } }")


def test_a_query_does_not_ask_an_index_that_is_not_there(dataset: LocalDataset) -> None:
    local = LocalServices([SearchService(Indexes(most_names=1))])
    asked = FederatedDataset(dataset, Federation(Services(()), Gateway(), local))
    with pytest.raises(NotIndexed) as caught:
        rows(asked, 'SELECT * { SERVICE <peninsula:search> { ?t search:text "Hanoi" } }')
    assert caught.value.headers() == {"Retry-After": "10"}


def test_the_query_of_a_page_finds_what_the_page_shows(searchable: FederatedDataset) -> None:
    wish = Wish('Pu"tin\\', ("event", "person"), expand("pen:Person"))
    found = read_names(searchable).find(wish)
    assert [row[0] for row in rows(searchable, wish.sparql)] == [hit.iri for hit in found.hits]


def test_candidates_of_sparql_are_ranked_alike() -> None:
    dataset = dataset_of(_SCENE)
    index = CandidateIndex(dataset)
    found = index.find(Wish("putin"))
    assert [hit.name for hit in found.hits] == ["person:putin", "event:visit"]
    assert found.provisional == "unindexed"
    assert index.find(Wish("?!")).total == 0


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
