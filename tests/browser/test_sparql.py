"""A query is run, seen in views, cancelled and shared."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyoxigraph as ox
import pytest
from playwright.sync_api import Page, Route, expect

from tests.server.processes import Server, lay_store, serving

from .conftest import PATIENCE, PageMaker, await_quiet, find_violations
from .editing import (
    ENDLESS,
    MILLION,
    STATES,
    VOTES,
    ask,
    beginning,
    editor,
    put,
    rows,
    run,
    text_of,
)

# Running


def test_a_query_is_run_without_leaving_the_page(page: Page) -> None:
    page.goto("/sparql")
    page.evaluate("window.isSame = true")
    put(page, VOTES)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#answer .count").first).to_have_text("8 rows")
    expect(page.locator(".measured")).to_have_text(re.compile(r"\d+ ms · generation 1"))
    expect(page.locator("#told")).to_have_text(re.compile(r"8 rows, \d+ ms"))
    expect(page.locator("#answer-heading")).to_be_in_viewport()
    assert page.evaluate("window.isSame")
    assert parse_qs(urlsplit(page.url).query) == {"query": [VOTES]}
    expect(page).to_have_title("Who cast most votes? · Peninsula")
    expect(page.locator("#permalink")).to_contain_text("generation=1")


def test_another_view_is_one_click_away_and_back_is_back(page: Page) -> None:
    page.goto("/sparql")
    put(page, VOTES)
    run(page)
    tabs = page.locator("#answer .tabs")
    expect(tabs.locator("[aria-current]")).to_have_text("Bar chart")
    tabs.get_by_role("link", name="Table", exact=True).click()
    expect(page).to_have_url(re.compile("view=table"))
    expect(rows(page)).to_have_count(8)
    expect(tabs.locator("[aria-current]")).to_be_focused()
    put(page, STATES)
    run(page)
    expect(rows(page)).to_have_count(7)
    page.go_back()
    expect(rows(page)).to_have_count(8)
    expect(text_of(page)).to_have_value(VOTES)
    page.go_back()
    expect(tabs.locator("[aria-current]")).to_have_text("Bar chart")
    page.go_back()
    expect(page.locator("#answer .answer")).to_have_count(0)
    expect(text_of(page)).to_have_value(beginning("# Whose stances"))
    page.go_forward()
    expect(page.locator("#answer .answer")).to_have_count(1)
    expect(text_of(page)).to_have_value(VOTES)


def test_a_drawing_that_is_left_before_its_script_came_is_not_drawn_of_nothing(page: Page) -> None:
    page.goto("/sparql")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/piece-*.js", hold)
    put(page, STATES)
    with page.expect_request("**/piece-*.js"):
        run(page)
    frame = page.query_selector("#answer [data-network]")
    assert frame
    page.go_back()
    expect(page.locator("#answer .answer")).to_have_count(0)
    # What these pieces ask for in turn is not held: the later rule counts.
    page.route("**/piece-*.js", lambda route: route.continue_())
    for route in held:
        route.continue_()
    page.evaluate("async (all) => { for (const one of all) await import(one); }", _addresses(held))
    assert not frame.evaluate("frame => frame.isConnected || frame.innerHTML.includes('NaN')")


def _addresses(routes: list[Route]) -> list[str]:
    return [route.request.url for route in routes]


def test_a_long_query_is_cancelled_and_its_reader_is_free(page: Page, server: Server) -> None:
    page.goto("/sparql")
    put(page, ENDLESS)
    run(page)
    cancel = page.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()
    expect(page.locator(".ticking")).to_have_text(re.compile(r"[1-9]\.\d s"))
    _await_busy(server, 1)
    cancel.click()
    expect(page.locator("#answer")).to_contain_text("Cancelled.")
    expect(cancel).to_be_hidden()
    _await_busy(server, 0)
    # The query is kept, and another one runs.
    expect(text_of(page)).to_have_value(ENDLESS)
    put(page, VOTES)
    run(page)
    expect(page.locator("#answer .count").first).to_have_text("8 rows")


def _await_busy(server: Server, count: int) -> None:
    """Wait until so many readers are at work: that a query runs is said before one has begun it."""
    until = time.monotonic() + PATIENCE / 1000
    while True:
        told = server.get("metrics").decode()
        found = dict(re.findall(r'readers\{state="(\w+)"\} (\d+)', told))
        busy = int(found["active"]) + int(found["slow"])
        if busy == count:
            return
        assert time.monotonic() < until, f"{busy} readers are at work, not {count}"
        time.sleep(0.1)


def test_a_million_rows_leave_the_page_usable(page: Page) -> None:
    page.goto(ask(MILLION, view="table"))
    expect(page.locator("#answer .count").first).to_have_text(
        "the first 500 rows; a download has all"
    )
    expect(rows(page)).to_have_count(500)
    put(page, VOTES)
    run(page)
    expect(page.locator("#answer .count").first).to_have_text("8 rows")


def test_yes_and_no(page: Page) -> None:
    page.goto(ask("ASK { ?x a pen:Claim }"))
    expect(page.locator("#answer .one-value")).to_have_text("Yes")
    page.goto(ask("ASK { state:russia a pen:Claim }"))
    expect(page.locator("#answer .one-value")).to_have_text("No")


def test_a_graph_is_a_table_and_turtle_in_colours(page: Page) -> None:
    page.goto(ask("DESCRIBE state:russia", view="turtle"))
    code = page.locator("#answer pre.code")
    expect(code.locator(".code-keyword").first).to_have_text("@prefix")
    triples = list(ox.parse(code.inner_text(), format=ox.RdfFormat.TURTLE))
    page.get_by_role("link", name="Table", exact=True).click()
    expect(rows(page)).to_have_count(len(triples))


# Taking away


@pytest.mark.parametrize(
    ("query", "formats"),
    [
        (STATES, ("JSON", "XML", "CSV", "TSV")),
        ("ASK { ?x a pen:Claim }", ("JSON", "XML")),
        ("CONSTRUCT { ?s rdfs:label ?l } { ?s a pen:State ; rdfs:label ?l }",
         ("Turtle", "N-Triples", "JSON-LD", "RDF/XML", "TriG", "N-Quads")),
    ],
)  # fmt: skip
def test_every_download_can_be_read(page: Page, query: str, formats: tuple[str, ...]) -> None:
    page.goto(ask(query))
    counts = set()
    for name in formats:
        link = page.locator("#answer .downloads").get_by_role("link", name=name, exact=True)
        with page.expect_download() as waiting:
            link.click()
        data = Path(waiting.value.path()).read_bytes()
        counts.add(_count(name, data))
    assert len(counts) == 1
    assert counts.pop()


def _count(name: str, data: bytes) -> int:
    """Return how many solutions or triples there are in a file; 1 for a truth value that is true."""
    if name == "CSV":
        return len(list(csv.reader(io.StringIO(data.decode())))) - 1
    solutions = {
        "JSON": ox.QueryResultsFormat.JSON,
        "XML": ox.QueryResultsFormat.XML,
        "TSV": ox.QueryResultsFormat.TSV,
    }
    if name in solutions:
        result = ox.parse_query_results(data, format=solutions[name])
        return int(bool(result)) if isinstance(result, ox.QueryBoolean) else len(list(result))
    graphs = {
        "Turtle": ox.RdfFormat.TURTLE, "N-Triples": ox.RdfFormat.N_TRIPLES,
        "JSON-LD": ox.RdfFormat.JSON_LD, "RDF/XML": ox.RdfFormat.RDF_XML,
        "TriG": ox.RdfFormat.TRIG, "N-Quads": ox.RdfFormat.N_QUADS,
    }  # fmt: skip
    return len(list(ox.parse(data, format=graphs[name])))


def test_an_answer_is_shared_by_a_link_that_keeps_its_generation(
    page: Page, open_page: PageMaker
) -> None:
    page.goto(ask(VOTES, view="table"))
    page.get_by_text("Share and cite").click()
    link = page.locator("#answer-link").inner_text()
    assert parse_qs(urlsplit(link).query) == {
        "query": [VOTES], "view": ["table"], "generation": ["1"],
    }  # fmt: skip
    expect(page.locator("#answer-cite")).to_contain_text("“Who cast most votes?”, Peninsula, gen")
    colleague = open_page()
    colleague.goto(link)
    expect(rows(colleague)).to_have_count(8)
    expect(colleague.get_by_role("note").first).to_contain_text("generation 1")
    # Who runs it anew stays in that generation.
    run(colleague)
    expect(colleague).to_have_url(re.compile("generation=1"))


def test_a_question_of_the_library_has_a_short_link(page: Page) -> None:
    page.goto("/sparql?example=votes-by-state")
    run(page)
    page.get_by_text("Share and cite").click()
    short = page.locator("#short-link").inner_text()
    assert re.fullmatch(r"http://[^/]+/queries/votes-by-state\?generation=1", short)


# Without scripts


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_everything_but_the_editor_works_without_scripts(
    open_page: PageMaker, *, narrow: bool
) -> None:
    page = open_page(scripts=False, narrow=narrow, expected_errors=("400",))
    page.goto("/sparql")
    field = page.get_by_label("SPARQL query")
    field.fill(VOTES)
    run(page)
    expect(page.locator("#answer .tabs [aria-current]")).to_have_text("Bar chart")
    page.get_by_role("link", name="Table", exact=True).click()
    page.wait_for_url(re.compile("view=table"))
    expect(rows(page)).to_have_count(8)
    expect(page.get_by_label("SPARQL query")).to_have_value(VOTES)
    page.get_by_text("Share and cite").click()
    expect(page.locator("#answer-link")).to_contain_text("generation=1")
    page.get_by_text("Examples", exact=True).click()
    page.locator(".query-list a").first.click()
    # What was asked before began in the same way.
    page.wait_for_url(re.compile("example="))
    expect(page.get_by_label("SPARQL query")).to_have_value(re.compile("^# "))
    page.get_by_label("SPARQL query").fill("SELECT * {\n ?s foo:bar ?o }")
    run(page)
    expect(page.get_by_role("alert")).to_contain_text("Line 2, column 5")
    for name in ("Cancel", "Tidy", "Find an example"):
        expect(page.get_by_label(name).or_(page.get_by_role("button", name=name))).to_be_hidden()


# Limits


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a server that gives a query three seconds.

    The others have to be done by then, on a busy machine as well.
    """
    folder = tmp_path_factory.mktemp("hasty")
    command = [sys.executable, "-m", "peninsula", "serve", "--query-timeout", "3s"]
    with serving([*command, "--store", str(lay_store(folder / "store"))], folder) as server:
        yield server.address.rstrip("/")


def test_a_query_over_the_time_limit_says_what_to_do(open_page: PageMaker, hasty: str) -> None:
    page = open_page(base=hasty, expected_errors=("504",))
    page.goto("/sparql")
    put(
        page,
        "SELECT DISTINCT ?b ?e ?h { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER(?c = ?f && ?f = ?i) }",
    )
    run(page)
    problem = page.locator("#answer").get_by_role("alert")
    expect(problem).to_contain_text("Query over the time limit")
    expect(problem).to_contain_text("patterns that share none are multiplied")
    assert find_violations(page) == []
    put(page, ENDLESS)
    run(page)
    expect(problem).to_contain_text("Query over the time limit")
    # What counts everything is not helped by a limit.
    expect(problem.get_by_role("link")).to_have_count(0)
    put(page, VOTES)
    run(page)
    expect(page.locator("#answer .count").first).to_have_text("8 rows")


def test_the_first_rows_of_what_takes_too_long_are_one_click_away(
    open_page: PageMaker, hasty: str
) -> None:
    page = open_page(base=hasty, expected_errors=("504",))
    slow = "SELECT ?a ?d { ?a ?b ?c . ?d ?e ?f . FILTER(?a != ?d) { SELECT DISTINCT ?x { ?x ?y ?z . ?u ?v ?w . ?r ?s ?t } } }"
    page.goto(ask(slow))
    page.get_by_role("link", name="Run it for the first 100 rows")
    expect(page.get_by_role("alert")).to_contain_text("Query over the time limit")
    expect(page.get_by_role("link", name="Run it for the first 100 rows")).to_have_attribute(
        "href", re.compile("LIMIT\\+100")
    )


# What the page costs, and what it does not allow


def test_the_scripts_are_small(page: Page) -> None:
    sizes: dict[str, int] = {}
    page.on(
        "response",
        lambda r: (
            sizes.update({r.url: int(r.headers.get("content-length", 0))})
            if r.url.endswith(".js")
            else None
        ),
    )
    page.goto("/sparql")
    await_quiet(page)
    expect(editor(page)).to_be_visible()
    assert any("/sparql-" in url for url in sizes)
    assert 0 < sum(sizes.values()) < 300_000, json.dumps(sizes, indent=1)


def test_markup_in_a_query_is_text(page: Page) -> None:
    attack = '# <img src=x onerror=alert(1)>\'"</textarea><script>alert(2)</script>\nSELECT ("<b>x</b>" AS ?x) {}'
    page.goto(ask(attack))
    expect(text_of(page)).to_have_value(attack)
    expect(page.locator("#answer .one-value")).to_contain_text("<b>x</b>")
    expect(page.locator("#answer img, #answer script, main b b")).to_have_count(0)
    run(page)
    page.get_by_text("Your queries").click()
    expect(page.locator(".past-query").first).to_contain_text("<img src=x")
