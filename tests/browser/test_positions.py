"""Positions: the matrix, its slider and folds, a cell with its evidence, and what can be taken away."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import PageMaker, assert_fits, await_layout, find_violations

CELL = "/positions?actor=state:russia&topic=topic:sanctions"
PAGES = [
    "/positions",
    "/positions?on=2017-12-22&open=topic:sanctions&rows=state",
    CELL,
    "/positions?actor=state:north-korea",
    "/positions?topic=topic:sanctions",
    "/positions?actor=state:russia&actor=state:china&open=topic:sanctions",
    "/positions?actor=state:japan&topic=topic:sanctions",
]


def cell(page: Page, name: str) -> Locator:
    """Return the cell of the matrix whose accessible name begins with ``name``."""
    return page.locator(".matrix td a").and_(page.get_by_role("link", name=re.compile(f"^{name}")))


def move_slider(page: Page, month: int) -> None:
    """Drag the slider to a month counted from its first, as a hand does."""
    page.locator("#slider").evaluate(
        "(field, month) => { field.value = month;"
        " field.dispatchEvent(new Event('input', {bubbles: true}));"
        " field.dispatchEvent(new Event('change', {bubbles: true})); }",
        month,
    )


@pytest.mark.parametrize("scripts", [True, False])
def test_russias_stance_on_sanctions_before_and_after_2017(
    open_page: PageMaker, scripts: bool
) -> None:
    page = open_page(scripts=scripts)
    page.goto("/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Positions").click()
    cell(page, "Russia, Sanctions: 3 supports, 1 ambivalent, 2 opposes, contested").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Russia on Sanctions")
    changes = page.locator(".shifts > li")
    expect(changes).to_have_count(3)
    expect(changes.first).to_contain_text(
        re.compile(r"before.*supports.*2017.*after.*opposes.*2021", re.DOTALL | re.IGNORECASE)
    )
    evidence = page.locator(".held-position", has_text="UN Security Council resolution 2397").first
    expect(evidence).to_contain_text("Russia gave its backing to UN Resolution 2397.")
    expect(evidence).to_contain_text("as reported by")
    expect(evidence).to_contain_text(re.compile(r"paragraph \d+, sentence \d+"))
    # Which kind of sanctions each is about, and when there is no evidence.
    expect(page.locator(".held-position .tag.within")).to_contain_text(["UN sanctions"])
    expect(page.locator(".no-evidence")).to_contain_text(["No evidence until 2016-12-31"])
    evidence.get_by_role("link", name="claim c052").click()
    expect(page).to_have_url(re.compile("/id/claim/c052"))


def test_the_slider_moves_the_matrix_and_back_goes_back(page: Page) -> None:
    page.goto("/positions")
    expect(cell(page, "Russia, Sanctions: 3 supports")).to_be_visible()
    first = page.locator("#slider").get_attribute("data-first")
    assert first
    year, month = map(int, first.split("-"))
    june = (2017 - year) * 12 + 6 - month
    move_slider(page, june)
    expect(page).to_have_url(re.compile(r"on=2017-06-01"))
    expect(page.get_by_role("status")).to_contain_text("on 2017-06-01")
    sanctions = cell(page, "Russia, Sanctions: 3 supports, 1 ambivalent, contested")
    expect(sanctions).to_be_visible()
    expect(sanctions).to_have_attribute("aria-label", re.compile("2 at other times"))
    expect(page.get_by_label("On a day")).to_have_value("2017-06-01")
    expect(page.locator("#permalink")).to_contain_text("on=2017-06-01")
    expect(page.get_by_role("link", name="CSV")).to_have_attribute(
        "href", re.compile("on=2017-06-01")
    )
    move_slider(page, june - 36)
    expect(page.get_by_role("status")).to_contain_text("on 2014-06-01")
    expect(cell(page, "Russia, Sanctions: no evidence; 6 at other times")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("status")).to_contain_text("on 2017-06-01")
    expect(page.locator("#slider")).to_have_value(str(june))
    page.go_back()
    expect(page).to_have_url(re.compile("/positions$"))
    expect(cell(page, "Russia, Sanctions: 3 supports, 1 ambivalent, 2 opposes")).to_be_visible()


def test_the_address_of_a_day_shows_that_day(open_page: PageMaker) -> None:
    first, other = open_page(), open_page(scripts=False)
    first.goto("/positions")
    move_slider(first, 120)
    expect(first.get_by_role("status")).to_contain_text("on 20")
    names = first.locator(".matrix td a").evaluate_all(
        "all => all.map(a => a.getAttribute('aria-label'))"
    )
    other.goto(first.url)
    assert names == other.locator(".matrix td a").evaluate_all(
        "all => all.map(a => a.getAttribute('aria-label'))"
    )


def test_without_scripts_days_are_walked_by_links_and_a_field(open_page: PageMaker) -> None:
    page = open_page(scripts=False)
    page.goto("/positions")
    expect(page.locator("#slider")).to_be_hidden()
    page.get_by_label("On a day").fill("2017-12-22")
    page.locator("#when form").first.get_by_role("button", name="Show").click()
    expect(page.get_by_role("status")).to_contain_text("on 2017-12-22")
    page.get_by_role("link", name=re.compile("The change after")).click()
    expect(page).to_have_url(re.compile("on=2018-01-01"))
    page.get_by_role("link", name=re.compile("^2017: ")).click()
    expect(page.get_by_role("status")).to_contain_text("from 2017-01-01 until 2017-12-31")
    page.get_by_role("link", name="all times").click()
    expect(page).to_have_url(re.compile("/positions$"))


def test_a_topic_unfolds_and_folds_and_the_focus_stays(page: Page) -> None:
    page.goto("/positions")
    fold = page.get_by_role("link", name="Topics within Sanctions")
    expect(fold).to_have_attribute("aria-expanded", "false")
    fold.focus()
    page.keyboard.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "true")
    expect(fold).to_be_focused()
    expect(page.get_by_role("columnheader", name="Sanctions on Russia")).to_be_visible()
    expect(cell(page, "United States, Sanctions on Russia: 1 supports")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["open"] == ["topic:sanctions"]
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Sanctions on Russia")).to_have_count(0)
    page.go_back()
    expect(page.get_by_role("columnheader", name="Sanctions on Russia")).to_be_visible()


def test_cells_are_walked_with_the_arrow_keys(page: Page) -> None:
    page.goto("/positions")
    cell(page, "Russia, Bilateral relations").focus()
    page.keyboard.press("ArrowDown")
    expect(cell(page, "South Korea, Bilateral relations")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(cell(page, "South Korea, Diplomacy")).to_be_focused()
    page.keyboard.press("ArrowRight")  # over a gap
    expect(cell(page, "South Korea, International standing")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(
        re.compile("actor=state%3Asouth-korea&topic=topic%3Ainternational-standing")
    )


def test_the_first_row_and_column_stay_in_sight(open_page: PageMaker) -> None:
    page = open_page(narrow=True)
    page.goto("/positions?open=all")
    await_layout(page)
    matrix = page.locator(".matrix")
    matrix.evaluate("box => box.scrollTo(700, 300)")
    row = page.locator(".matrix tbody th[scope=row]", has_text="China")
    box, frame = row.bounding_box(), matrix.bounding_box()
    assert box and frame and abs(box["x"] - frame["x"]) < 3
    head = page.locator(".matrix thead th").first.bounding_box()
    assert head and abs(head["y"] - frame["y"]) < 3
    assert_fits(page)


def test_a_gap_looks_like_no_stance(page: Page) -> None:
    page.goto("/positions")
    gap = page.locator(".matrix td.is-gap").first
    assert "gradient" in gap.evaluate("cell => getComputedStyle(cell).backgroundImage")
    expect(gap).to_have_text("no evidence")
    assert gap.locator("svg").count() == 0
    expect(page.locator(".matrix-legend")).to_contain_text("This is not neutrality.")


def test_filters_narrow_the_matrix(page: Page) -> None:
    page.goto("/positions")
    page.get_by_label("Stance", exact=True).select_option("opposes")
    # A choice is an answer only once the scripts of the page are there, of each page anew.
    page.wait_for_url(re.compile("stance=stance%3Aopposes"))
    expect(cell(page, "Russia, Sanctions: 2 opposes")).to_be_visible()
    persons = page.get_by_label("Persons", exact=True)
    # Not check(), which looks at the box once more while its page is being left.
    expect(persons).not_to_be_checked()
    persons.click()
    page.wait_for_url(re.compile("kind=person"))
    expect(persons).to_be_checked()
    expect(page.locator(".matrix tbody th[scope=row]")).to_contain_text(
        ["Vladimir Putin", "Park Geun-hye"]
    )
    page.get_by_label("Actor", exact=True).select_option("Russia")
    expect(page.get_by_role("heading", level=1)).to_have_text("Positions of Russia")


def test_chosen_actors_stand_side_by_side(page: Page) -> None:
    page.goto("/positions")
    page.get_by_label("Choose Russia to compare").check()
    page.get_by_label("Choose China to compare").check()
    page.get_by_role("button", name="Compare the chosen actors").click()
    page.wait_for_url(re.compile("/positions/compare|actor=.*actor="))
    expect(page.get_by_role("heading", level=1)).to_have_text("Russia and China")
    row = page.get_by_role("row", name=re.compile("^Sanctions"))
    expect(row).to_contain_text("partly the same")
    expect(row).to_contain_text("on Maximum pressure")
    expect(page.get_by_role("row", name=re.compile("^Security"))).to_contain_text(
        "only one has evidence"
    )
    page.get_by_label("Add an actor").select_option("South Korea")
    expect(page.get_by_role("heading", level=1)).to_have_text("Russia, China and South Korea")


def test_a_mark_on_the_timeline_leads_to_its_position(page: Page) -> None:
    page.goto(CELL)
    page.locator(".timeline a.mark .mark-hit").first.click()
    expect(page).to_have_url(re.compile("#position-russia-"))
    expect(page.locator(".held-position:target")).to_have_count(1)


def take(page: Page, name: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("link", name=name, exact=True).click()
    return Path(download.value.path()).read_text(encoding="utf-8")


def test_what_is_taken_away_is_what_is_shown(page: Page) -> None:
    page.goto("/positions?on=2017-12-22")
    rows = list(csv.DictReader(io.StringIO(take(page, "CSV"))))
    russia = {
        r["stanceLabel"]: int(r["positions"])
        for r in rows
        if r["actorLabel"] == "Russia" and r["topicLabel"] == "Sanctions"
    }
    assert russia == {"supports": 3, "ambivalent": 1}
    assert {
        row["contested"]
        for row in rows
        if row["actorLabel"] == "Russia" and row["topicLabel"] == "Sanctions"
    } == {"true"}
    assert len(json.loads(take(page, "JSON"))["rows"]) == len(rows)
    graph = ET.fromstring(take(page, "GraphML"))
    space = "{http://graphml.graphdrawing.org/xmlns}"
    assert len(list(graph.iter(f"{space}edge"))) == len(rows)


@pytest.mark.parametrize("path", ["/positions?open=all", CELL, "/positions?topic=topic:sanctions"])
def test_the_query_of_a_page_gives_its_rows(page: Page, path: str) -> None:
    page.goto(path)
    sent = list(csv.DictReader(io.StringIO(take(page, "CSV"))))
    query = page.get_by_role("link", name="The query in SPARQL").get_attribute("href")
    response = page.request.get(f"{query}&format=csv")
    found = list(csv.DictReader(io.StringIO(response.text())))
    same = [n for n in found[0] if n in sent[0] and not n.endswith("Label")]
    assert len(same) >= 5

    def values(row: dict[str, str]) -> list[list[str]]:
        # Several names in one field come in any order.
        return [sorted(row[name].split()) for name in same]

    assert sorted(map(values, sent)) == sorted(map(values, found))


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_are_accessible_and_fit(open_page: PageMaker, path: str) -> None:
    for narrow, dark in ((False, True), (True, False)):
        page = open_page(narrow=narrow, dark=dark)
        page.goto(path)
        assert_fits(page)
        assert find_violations(page) == []


def test_the_pages_are_whole_on_a_narrow_screen_without_scripts(open_page: PageMaker) -> None:
    page = open_page(narrow=True, scripts=False)
    for address in PAGES:
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("#shown")).to_be_visible()


@pytest.mark.parametrize("language", ["ko", "ru"])
def test_the_labels_are_in_the_readers_language(open_page: PageMaker, language: str) -> None:
    page = open_page(language=language)
    page.goto(CELL)
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        {"ko": "러시아", "ru": "Россия"}[language]
    )
