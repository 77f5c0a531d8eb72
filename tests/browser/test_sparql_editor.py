"""A query is written with help from the graph, from what was asked before, and by the keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import PageMaker, assert_fits, await_layout, find_violations
from .editing import (
    STATES,
    VOTES,
    accept,
    ask,
    beginning,
    editor,
    offers,
    put,
    run,
    text_of,
    write,
)

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
