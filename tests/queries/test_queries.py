"""Does every question give its expected answer, and do the questions use the whole ontology?"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.checking import answer_as_csv, compare_tables
from peninsula.dataset.local import LocalDataset
from peninsula.errors import InvalidQuestion
from peninsula.formats import CSV
from peninsula.library import Library, QueryTemplate, read_question
from peninsula.loading import Loaded
from peninsula.namespaces import BASE, PREFIXES, expand, shorten
from peninsula.policy import Policy
from tests.queries.conftest import OracleDataset

ROOT = Path(__file__).parents[2]
EXPECTED = Path(__file__).parent / "expected"
UNUSED = Path(__file__).parent / "unused-terms.csv"
QUESTIONS = sorted((ROOT / "queries").glob("*.rq"))
SLUGS = [path.stem for path in QUESTIONS]

#: ``pen:hasHolder``; not the namespace alone, and nothing inside a name or an IRI.
_NAME = re.compile(r"(?<![\w:?$-])([a-z][\w-]*):([A-Za-z0-9][\w-]*)")
VIEWS = ("table", "timeline", "matrix", "network", "map")
_TERM_KINDS = ("owl:Class", "owl:ObjectProperty", "owl:DatatypeProperty")


def code(text: str) -> str:
    """Return a query without its comments, strings, full IRIs and prologue."""
    lines = [line for line in text.splitlines() if not line.startswith(("#", "PREFIX"))]
    text = re.sub(r"\"(?:[^\"\\\n]|\\.)*\"", '""', "\n".join(lines))
    text = re.sub(r"<[a-z]+:[^<>\s]*>", "<>", text)
    return re.sub(r"(?m)(?:^|\s)#.*$", "", text)


def names(text: str) -> set[str]:
    """Return the prefixed names in a query."""
    return {f"{prefix}:{local}" for prefix, local in _NAME.findall(code(text))}


def without_subselects(text: str) -> str:
    """Return a query without what its sub-SELECTs contain."""
    while match := re.search(r"\{\s*SELECT\b", text):
        depth, end = 0, match.start()
        for end in range(match.start(), len(text)):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            if depth == 0:
                break
        text = text[: match.start()] + text[end + 1 :]
    return text


def ask(question: QueryTemplate, dataset: LocalDataset, values: dict[str, str]) -> list[list[str]]:
    """Return the rows of an answer, the names of the columns first."""
    output = io.BytesIO()
    question.ask(dataset, values).write(CSV, output)
    return list(csv.reader(io.StringIO(output.getvalue().decode(), newline="")))


@cache
def readable_questions() -> list[QueryTemplate]:
    """Return the questions with a valid header; the others fail a test of their own."""
    questions = []
    for path in QUESTIONS:
        with contextlib.suppress(InvalidQuestion):
            questions.append(read_question(path))
    return questions


def parameters(kind: str = "", *, optional_only: bool = False) -> list[tuple[str, str]]:
    """Return the parameters of all questions that have an example, as (slug, name)."""
    return [
        (question.slug, parameter.name)
        for question in readable_questions()
        for parameter in question.parameters
        if parameter.example
        and kind in ("", parameter.type)
        and not (optional_only and parameter.is_required)
    ]


# The library as a whole


def test_library_has_at_least_seventy_questions() -> None:
    assert len(QUESTIONS) >= 70, f"{len(QUESTIONS)} questions in {ROOT / 'queries'}"


def test_every_question_has_an_expected_answer_and_vice_versa() -> None:
    expected = {path.stem for path in EXPECTED.glob("*.csv")}
    assert expected, f"no expected answers in {EXPECTED}"
    assert sorted(set(SLUGS) - expected) == [], "questions without an expected answer"
    assert sorted(expected - set(SLUGS)) == [], "expected answers without a question"


def test_summaries_are_unlike(library: Library) -> None:
    counts = Counter(question.summary for question in library.templates.values())
    assert [summary for summary, count in counts.items() if count > 1] == []


# One question at a time


@pytest.mark.parametrize("slug", SLUGS)
def test_header_is_valid_and_says_what_a_row_is(slug: str) -> None:
    question = read_question(ROOT / "queries" / f"{slug}.rq")  # also: parameters are selected
    assert "row" in question.description, f"{slug}: the description does not say what a row is"
    assert question.view in VIEWS, f"{slug}: no such view: {question.view}"
    assert len(question.tags) == len(set(question.tags)) > 0


@pytest.mark.parametrize("slug", SLUGS)
def test_question_gives_its_expected_answer(
    slug: str, library: Library, dataset: LocalDataset
) -> None:
    expected = (EXPECTED / f"{slug}.csv").read_text(encoding="utf-8")
    differences = compare_tables(expected, answer_as_csv(library.find(slug), dataset))
    assert not differences, "\n".join([f"{slug}:", *differences])
    assert len(expected.splitlines()) > 1, f"{slug}: the expected answer is empty"


@pytest.mark.parametrize("slug", SLUGS)
def test_rows_are_unlike_and_in_the_same_order_for_any_order_of_loading(
    slug: str, library: Library, dataset: LocalDataset, reversed_dataset: LocalDataset
) -> None:
    question = library.find(slug)
    rows = ask(question, dataset, question.examples)
    twice = [row for row, count in Counter(map(tuple, rows)).items() if count > 1]
    assert not twice, f"{slug}: rows that stand twice, e.g. {twice[0]}"
    for first, second in zip(rows, ask(question, reversed_dataset, question.examples), strict=True):
        assert first == second, f"{slug}: ORDER BY does not decide between these rows"


@pytest.fixture(scope="session")
def reversed_dataset(loaded: Loaded) -> LocalDataset:
    store = ox.Store()
    for quad in reversed([*loaded.stated, *loaded.computed]):
        store.add(quad)
    return OracleDataset(store)


@pytest.mark.parametrize("slug", SLUGS)
def test_things_and_concepts_named_in_a_query_exist(slug: str, dataset: LocalDataset) -> None:
    """A misspelt ``topic:un-sanction`` would give an answer that looks right and is empty."""
    text = (ROOT / "queries" / f"{slug}.rq").read_text(encoding="utf-8")
    for name in sorted(names(text)):
        iri = expand(name)
        if not iri.startswith(BASE) or name.startswith("graph:"):
            continue
        known = dataset.evaluate(f"ASK {{ {{ <{iri}> ?p ?o }} UNION {{ ?s <{iri}> ?o }} }}")
        assert getattr(known, "value", False), f"{slug}: nothing in the graph is called {name}"


@pytest.mark.parametrize("slug", SLUGS)
def test_only_used_prefixes_are_declared_and_as_everywhere(slug: str) -> None:
    text = (ROOT / "queries" / f"{slug}.rq").read_text(encoding="utf-8")
    declared = dict(re.findall(r"(?m)^PREFIX ([\w-]+): <([^>]+)>$", text))
    used = {name.partition(":")[0] for name in names(text)}
    used |= set(re.findall(r"STR\(([\w-]+):\)", code(text)))
    assert set(declared) == used
    assert all(PREFIXES.get(prefix) == iri for prefix, iri in declared.items())


# Parameters


@pytest.mark.parametrize(("slug", "name"), parameters())
def test_parameter_stands_outside_subselects_and_in_every_row(
    slug: str, name: str, library: Library, dataset: LocalDataset
) -> None:
    question = library.find(slug)
    body = code(question.query).partition("WHERE")[2]
    assert re.search(rf"\?{name}\b", without_subselects(body)), (
        f"{slug}: ?{name} occurs only inside a sub-SELECT, where it is not bound"
    )
    columns, *rows = ask(question, dataset, question.examples)
    values = {row[columns.index(name)] for row in rows}
    [parameter] = (p for p in question.parameters if p.name == name)
    term = parameter.bind(parameter.example)
    assert isinstance(term, (ox.NamedNode, ox.Literal))
    assert values == {term.value}, f"{slug}: the column ?{name} shows another value than was set"


@pytest.mark.parametrize(("slug", "name"), parameters("iri"))
def test_iri_that_nothing_has_gives_an_empty_answer(
    slug: str, name: str, library: Library, dataset: LocalDataset
) -> None:
    """A parameter that occurs only in an OPTIONAL or an unbound FILTER restricts nothing."""
    question = library.find(slug)
    values = question.examples | {name: f"{BASE}id/notion/said-by-nobody"}
    assert ask(question, dataset, values)[1:] == [], f"{slug}: ?{name} does not restrict the rows"


@pytest.mark.parametrize(("slug", "name"), parameters(optional_only=True))
def test_optional_parameter_left_out_answers_for_all_values(
    slug: str, name: str, library: Library, dataset: LocalDataset
) -> None:
    question = library.find(slug)
    values = {key: value for key, value in question.examples.items() if key != name}

    def rows(values: dict[str, str]) -> Counter[tuple[str, ...]]:
        columns, *rows = ask(question, dataset, values)
        own = columns.index(name)  # blank where the parameter is left out and only compared
        return Counter((*row[:own], *row[own + 1 :]) for row in rows)

    some, every = rows(question.examples), rows(values)
    assert not some - every, f"{slug}: without ?{name} these rows are missing: {some - every}"


# Coverage


def ontology_terms() -> set[str]:
    store = ox.Store()
    for path in sorted((ROOT / "ontology").glob("*.ttl")):
        store.load(path=str(path), format=ox.RdfFormat.TURTLE)
    kinds = " ".join(f"<{expand(kind)}>" for kind in _TERM_KINDS)
    found = store.query(f"SELECT DISTINCT ?term {{ VALUES ?kind {{ {kinds} }} ?term a ?kind }}")
    assert isinstance(found, ox.QuerySolutions)
    shortened = {shorten(solution["term"].value) for solution in found}
    return {name for name in shortened if name.startswith("pen:")}


def used_terms() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in QUESTIONS]
    return {name for text in texts for name in names(text) if name.startswith("pen:")}


def test_every_term_of_the_ontology_is_used_or_excused() -> None:
    terms, used = ontology_terms(), used_terms()
    assert len(terms) > 150, "the ontology is missing"
    with UNUSED.open(encoding="utf-8", newline="") as file:
        excused = {row["term"]: row["reason"] for row in csv.DictReader(file)}
    assert sorted(terms - used - set(excused)) == [], f"used by no question; see {UNUSED.name}"
    assert sorted(set(excused) & used) == [], "excused, although a question uses it"
    assert sorted(set(excused) - terms) == [], "excused, but no term of the ontology"
    assert [term for term, reason in excused.items() if len(reason) < 20] == [], "no reason given"


def test_no_question_uses_a_term_that_the_ontology_lacks() -> None:
    assert sorted(used_terms() - ontology_terms()) == []


# The checks themselves can fail


@pytest.fixture(scope="session")
def answer(library: Library, dataset: LocalDataset) -> str:
    return answer_as_csv(library.find("vetoes"), dataset)


def test_comparison_of_an_answer_with_itself_finds_nothing(answer: str) -> None:
    assert compare_tables(answer, answer) == []
    head, *rows = answer.splitlines()
    assert compare_tables("\n".join([head, *reversed(rows)]), answer) == [], "order must not matter"


def test_comparison_tells_a_missing_row(answer: str) -> None:
    [message] = compare_tables(answer, "\n".join(answer.splitlines()[:-1]))
    assert message.startswith("1 row is missing")


def test_comparison_tells_a_row_too_many(answer: str) -> None:
    [message] = compare_tables("\n".join(answer.splitlines()[:-1]), answer)
    assert message.startswith("1 row is not expected")


def test_comparison_tells_a_row_that_stands_twice(answer: str) -> None:
    [message] = compare_tables(answer, answer + answer.splitlines()[-1])
    assert message.startswith("1 row is not expected")


def test_comparison_tells_a_wrong_value_in_both_directions(answer: str) -> None:
    missing, surplus = compare_tables(answer, answer.replace(",13,1,1,", ",13,0,2,"))
    assert missing.startswith("1 row is missing")
    assert surplus.startswith("1 row is not expected")


def test_comparison_tells_other_columns(answer: str) -> None:
    [message] = compare_tables(answer, answer.replace("votesFor", "inFavour", 1))
    assert message.startswith("the columns are")


def test_a_vote_taken_away_changes_three_answers(loaded: Loaded, library: Library) -> None:
    slugs = ("resolution-votes", "non-unanimous-votes", "voting-agreement", "six-party-rounds")
    vote = ox.NamedNode(expand("vote:s-2024-255-russia"))
    quads = [quad for quad in [*loaded.stated, *loaded.computed] if quad.subject != vote]
    store = ox.Store()
    store.bulk_extend(quads)
    poorer = LocalDataset(store, Policy())
    changed = [
        slug
        for slug in slugs
        if compare_tables(
            (EXPECTED / f"{slug}.csv").read_text(encoding="utf-8"),
            answer_as_csv(library.find(slug), poorer),
        )
    ]
    assert changed == list(slugs[:3])


def test_parameter_inside_a_subselect_only_is_noticed() -> None:
    query = "SELECT ?x ?n WHERE { ?x a ?c . { SELECT (COUNT(?y) AS ?n) WHERE { ?y ?p ?state } } }"
    assert "?state" not in without_subselects(query)
    assert "?c" in without_subselects(query)


def test_names_in_comments_and_strings_do_not_count() -> None:
    text = '# pen:Claim\nSELECT ?x { ?x a pen:Vote } # pen:State\n#+ "pen:Event"'
    assert names(text) == {"pen:Vote"}
    assert names('SELECT ("pen:Claim" AS ?x) { ?x ?y <http://e/pen:State> }') == set()
