"""A query is written with help from the graph, run, seen in views, cancelled and shared."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pyoxigraph as ox
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.server.processes import Server, lay_store, serving

from .conftest import PATIENCE, PageMaker, assert_fits, await_layout, await_quiet, find_violations

VOTES = """\
# Who cast most votes?
SELECT ?state (COUNT(*) AS ?votes) { ?vote pen:isCastBy ?state }
GROUP BY ?state ORDER BY DESC(?votes) ?state LIMIT 8"""
STATES = "SELECT ?state ?capital { ?state a pen:State ; pen:hasCapital ?capital } ORDER BY ?state LIMIT 7"
#: Takes hours: no pattern shares a variable with another.
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
#: A million rows, which come at once.
MILLION = (
    "SELECT * { ?a a pen:Claim . ?b a pen:Claim . ?c rdfs:label ?d . FILTER(LANG(?d) = 'en') }"
)


def ask(query: str, **parameters: str) -> str:
    more = "".join(f"&{name}={quote(value)}" for name, value in parameters.items())
    return f"/sparql?query={quote(query)}{more}"


def editor(page: Page) -> Locator:
    return page.get_by_role("textbox", name="SPARQL query")


def offers(page: Page) -> Locator:
    # A list that is being made anew for what was just typed still shows the offers of before.
    current = page.locator(".cm-tooltip-autocomplete:not(.cm-tooltip-autocomplete-disabled)")
    return current.get_by_role("listbox", name="Completions").get_by_role("option")


def write(page: Page, text: str) -> None:
    """Type a query in place of the one that is there; brackets close by themselves."""
    clear(page)
    page.keyboard.insert_text(text[:-1])
    page.keyboard.type(text[-1])


def accept(page: Page) -> None:
    """Take the first offer by the keyboard."""
    # In the first moment of a list, Enter is still for the line that somebody was writing.
    page.wait_for_timeout(150)
    page.keyboard.press("Enter")


def clear(page: Page) -> None:
    editor(page).focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")


def put(page: Page, query: str) -> None:
    clear(page)
    page.keyboard.insert_text(query)


def text_of(page: Page) -> Locator:
    """Return the field that holds what stands in the editor."""
    return page.locator("#query")


def beginning(text: str) -> re.Pattern[str]:
    return re.compile("^" + re.escape(text))


def run(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()


def rows(page: Page) -> Locator:
    return page.locator("#answer tbody tr")


# Completion


def test_keywords_and_prefixes_are_completed(page: Page) -> None:
    page.goto("/sparql")
    write(page, "sel")
    expect(offers(page).first).to_contain_text("SELECT")
    accept(page)
    expect(text_of(page)).to_have_value("SELECT ")
    write(page, "SELECT * { ?x a pen:Claim ; pen:hasHolder stat")
    option = offers(page).filter(has_text="w3id.org/peninsula/id/state/")
    expect(option).to_contain_text("state:")
    option.click()
    # The prefix brings the things under it.
    expect(offers(page).filter(has_text="state:russia")).to_be_visible()


def test_classes_and_properties_are_completed_by_what_they_mean(page: Page) -> None:
    page.goto("/sparql")
    write(page, "SELECT * { ?x a Summ")
    expect(offers(page).first).to_contain_text("pen:Summit")
    accept(page)
    expect(text_of(page)).to_have_value("SELECT * { ?x a pen:Summit")
    page.keyboard.type(" ; tak")
    first = offers(page).first
    expect(first).to_contain_text("pen:takesPlaceAt")
    expect(first).to_contain_text("takes place at")
    # A definition stands beside the one that is chosen.
    expect(page.locator(".cm-completionInfo")).to_contain_text("takes place at")


def test_properties_are_those_of_the_subject(page: Page) -> None:
    page.goto("/sparql")
    write(page, "SELECT * { ?vote a pen:Vote ; pen:")
    expect(page.get_by_text("Fits here")).to_be_visible()
    names = offers(page).locator(".cm-completionLabel")
    fitting = page.locator(".cm-tooltip-autocomplete li").first
    expect(fitting).to_contain_text(re.compile("pen:(isCastBy|isVoteOn|hasChoice)"))
    # What claims have is known to the graph and stands below.
    expect(names.filter(has_text="pen:hasStance")).to_have_count(1)
    below = names.all_inner_texts()
    assert below.index("pen:isCastBy") < below.index("pen:hasStance")


def test_values_are_those_that_stand_there(page: Page) -> None:
    page.goto("/sparql")
    write(page, "SELECT * { ?claim pen:hasStance ")
    expect(offers(page).filter(has_text="stance:supports")).to_be_visible()
    # Enter with nothing typed is a new line: nobody asked for an offer.
    page.keyboard.press("Enter")
    expect(text_of(page)).to_have_value(re.compile(r"^SELECT \* \{ \?claim pen:hasStance ?\n\s*$"))


def test_things_are_completed_by_their_label(page: Page) -> None:
    page.goto("/sparql")
    write(page, "SELECT * { ?event pen:isAbout South Kor")
    option = offers(page).filter(has_text="state:south-korea").first
    expect(option).to_contain_text("South Korea")
    option.click()
    expect(text_of(page)).to_have_value("SELECT * { ?event pen:isAbout state:south-korea")


def test_a_name_under_the_pointer_is_explained(page: Page) -> None:
    page.goto(ask("SELECT * { ?claim pen:hasStance ?stance } LIMIT 1"))
    await_layout(page)
    page.locator(".cm-line").get_by_text("pen:hasStance", exact=True).hover()
    told = page.locator(".cm-tooltip-hover")
    expect(told).to_contain_text("has stance")
    expect(told).to_contain_text("the attitude of its holder")


# Errors


def test_an_error_is_marked_at_its_place_while_typing(page: Page) -> None:
    page.goto("/sparql")
    put(page, "SELECT * WHERE {\n  ?x a pen:Claim .\n  ?y foo:bar ?z\n}")
    marked = page.locator(".cm-lintRange-error")
    expect(marked).to_have_text("foo:bar")
    expect(page.locator(".cm-line", has=marked)).to_have_text("  ?y foo:bar ?z")
    told = page.locator("#readable")
    expect(told).to_contain_text("The prefix “foo:” is not declared.")
    told.get_by_role("button", name="Line 3, column 6").click()
    page.keyboard.type("x")
    expect(text_of(page)).to_have_value(re.compile(r"\?y xfoo:bar"))


def test_what_the_server_refuses_is_marked_too(page: Page) -> None:
    page.goto("/sparql")
    put(page, "SELECT * {\n  SERVICE <http://example.org/> { ?a ?b ?c }\n}")
    expect(page.locator(".cm-lintRange-error")).to_have_text("SERVICE")
    expect(page.locator("#readable")).to_contain_text("is not one that this server asks")


def test_a_name_that_the_graph_does_not_know_is_marked_with_a_near_one(page: Page) -> None:
    page.goto("/sparql")
    put(page, "SELECT * { ?x a pen:Clam ; pen:hasHolder state:rusia }")
    expect(page.locator(".cm-lintRange-warning")).to_have_text(["pen:Clam", "state:rusia"])
    page.locator(".cm-lintRange-warning").first.hover()
    page.get_by_role("button", name="Write pen:Claim").click()
    expect(text_of(page)).to_have_value(re.compile("a pen:Claim ;"))


def test_a_run_with_an_error_marks_its_line(open_page: PageMaker) -> None:
    page = open_page(expected_errors=("400",))
    page.goto("/sparql")
    put(page, "SELECT ?x WHERE {\n  ?x a pen:Claim ;\n     pen:hasStance\n}")
    run(page)
    problem = page.locator("#answer").get_by_role("alert")
    expect(problem).to_contain_text("Syntax error in the query")
    expect(problem).to_contain_text("Line 4, column 1")
    expect(page.locator(".cm-lintRange-error")).to_have_count(1)


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


# Examples and what was asked before


def test_an_example_is_found_and_loaded(page: Page) -> None:
    page.goto("/sparql")
    page.get_by_label("Find an example").fill("voted security council given")
    shown = page.locator(".query-list:not(.past) li:visible")
    expect(shown).to_have_count(1)
    page.get_by_label("Find an example").fill("zzz")
    expect(page.get_by_text("No example has these words.")).to_be_visible()
    page.get_by_label("Find an example").fill("")
    page.get_by_label("Tag").select_option("votes")
    assert 1 < shown.count() < 60
    shown.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("example="))
    # The address comes before the example; once that is there, the editor has the focus.
    expect(editor(page)).to_be_focused()
    expect(text_of(page)).to_have_value(beginning("# "))
    expect(text_of(page)).not_to_have_value(beginning("# Whose stances"))
    # What was there comes back by undoing.
    page.keyboard.press("Control+z")
    expect(text_of(page)).to_have_value(beginning("# Whose stances"))


def test_queries_are_kept_in_the_browser_and_forgotten(page: Page) -> None:
    page.goto("/sparql")
    for query in (VOTES, STATES):
        put(page, query)
        run(page)
        expect(page.locator("#told")).to_have_text(re.compile(r"rows, \d+ ms"))
    page.reload()
    page.get_by_text("Your queries").click()
    past = page.locator(".past-query")
    expect(past).to_have_count(2)
    expect(past.last).to_contain_text("Who cast most votes?")
    expect(past.last).to_contain_text("8 rows")
    past.last.click()
    expect(text_of(page)).to_have_value(VOTES)
    page.get_by_role("button", name="Forget: Who cast most votes?").click()
    expect(past).to_have_count(1)
    page.get_by_role("button", name="Forget all").click()
    expect(past).to_have_count(0)
    page.reload()
    expect(past).to_have_count(0)


def test_lines_are_indented_anew_and_nothing_else_changes(page: Page) -> None:
    page.goto("/sparql")
    untidy = 'SELECT * WHERE {\n?x a pen:Claim ;   \npen:hasHolder ?h .\n    FILTER(\nSTR(?h) != """a  \n b"""\n)\n}'
    put(page, untidy)
    page.get_by_role("button", name="Tidy").click()
    expect(text_of(page)).to_have_value(
        "SELECT * WHERE {\n  ?x a pen:Claim ;\n     pen:hasHolder ?h .\n  FILTER(\n"
        '    STR(?h) != """a  \n b"""\n  )\n}'
    )


# The keyboard, and who sees or hears the page in another way


def test_tab_indents_and_leaves_after_escape(page: Page) -> None:
    page.goto("/sparql")
    put(page, "ASK {}")
    page.keyboard.press("Tab")
    expect(text_of(page)).to_have_value("  ASK {}")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(editor(page)).to_be_focused()


def test_what_is_selected_is_typed_over(page: Page) -> None:
    """The browser would do it with style attributes, of which the console would complain."""
    page.goto("/sparql")
    editor(page).focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("a")
    expect(text_of(page)).to_have_value("a")
    page.keyboard.press("Control+z")
    expect(text_of(page)).to_have_value(beginning("# Whose stances"))
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("ASK {\n}")
    expect(text_of(page)).to_have_value("ASK {\n}")
    page.keyboard.press("Control+a")
    page.keyboard.type("{")
    expect(text_of(page)).to_have_value("{ASK {\n}}")


def test_search_and_line_numbers_are_there(page: Page) -> None:
    page.goto("/sparql")
    expect(page.locator(".cm-lineNumbers")).to_contain_text("1")
    editor(page).focus()
    page.keyboard.press("Control+f")
    expect(page.get_by_role("textbox", name="Find", exact=True)).to_be_focused()
    page.keyboard.type("hasStance")
    page.keyboard.press("Enter")
    expect(page.locator(".cm-searchMatch-selected")).to_have_text("hasStance")


def test_the_editor_follows_the_theme(page: Page) -> None:
    page.goto("/sparql")
    colour = "getComputedStyle(document.querySelector('.code-editor').shadowRoot.querySelector('.cm-editor')).backgroundColor"
    light = page.evaluate(colour)
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function(f"light => {colour} !== light", arg=light)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_the_page_is_accessible_and_fits(open_page: PageMaker, *, narrow: bool, dark: bool) -> None:
    page = open_page(narrow=narrow, dark=dark, expected_errors=("400",))
    page.goto("/sparql")
    expect(editor(page)).to_be_visible()
    assert_fits(page)
    assert find_violations(page) == []
    put(page, VOTES)
    run(page)
    expect(page.locator("#answer .count").first).to_have_text("8 rows")
    # The chart is drawn by a script that comes only now.
    expect(page.locator("#answer figure.chart svg.plot")).to_be_visible()
    page.get_by_text("Share and cite").click()
    page.get_by_text("Your queries").click()
    assert_fits(page)
    assert find_violations(page) == []
    write(page, "SELECT * { ?x a pen:Cl")
    expect(offers(page).first).to_be_visible()
    assert_fits(page)
    assert find_violations(page) == []
    page.keyboard.press("Escape")
    run(page)
    expect(page.locator("#answer").get_by_role("alert")).to_be_visible()
    assert_fits(page)
    assert find_violations(page) == []


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
