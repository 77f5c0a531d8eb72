"""The page of a thing: every fact with its source, its tables, what points at it, its data."""

from __future__ import annotations

import csv
import io
import json
import re

import pyoxigraph as ox
import pytest
from playwright.sync_api import Page, expect

from .conftest import PageMaker, assert_fits, find_violations

PUTIN = "/id/person/vladimir-putin"


def test_a_fact_says_where_it_is_from_with_one_click(open_page: PageMaker) -> None:
    for scripts in (True, False):
        page = open_page(scripts=scripts)
        page.goto(PUTIN)
        birth = page.locator("#facts .facts > div").filter(has_text="date of birth")
        panel = birth.locator(".why-panel")
        expect(panel).to_be_hidden()
        birth.locator("summary").click()
        expect(panel).to_be_visible()
        expect(panel).to_contain_text("The record of events, votes and offices")
        assert panel.locator("a[rel=external]").count() >= 1
        expect(panel).to_contain_text("Verification: verified")


def test_values_lead_on(page: Page) -> None:
    page.goto(PUTIN)
    page.locator("#facts").get_by_role("link", name="Russia").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Russia")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Vladimir Putin")


def test_offices_stand_in_a_table_and_on_a_timeline(page: Page) -> None:
    page.goto(PUTIN)
    section = page.locator("#tenures")
    assert section.locator("tbody tr").count() == 8
    marks = section.locator(".timeline a.mark")
    assert marks.count() == 8
    marks.first.click()
    expect(page).to_have_url(re.compile("/id/tenure/"))


def test_meetings_say_who_attended_and_when(page: Page) -> None:
    page.goto(PUTIN)
    row = page.locator("#events tbody tr").filter(has_text="Sochi Winter Olympics")
    expect(row.locator(".attendance-attended")).to_have_text("attended")
    expect(row).to_contain_text("2014-02-07")


def test_claims_are_paged_and_narrowed(open_page: PageMaker) -> None:
    page = open_page(scripts=False)
    page.goto("/id/state/russia")
    count = int(page.locator("#claims-about h2 .tag").inner_text())
    page.locator("#claims-about").get_by_role("link", name=re.compile("page by page")).click()
    page.wait_for_url(re.compile("section=claims-about"))
    seen = page.locator("tbody td:first-child a").all_inner_texts()
    number = 1
    while page.get_by_role("link", name="Next →").count():
        page.get_by_role("link", name="Next →").click()
        number += 1
        page.wait_for_url(re.compile(rf"[?&]page={number}\b"))
        seen += page.locator("tbody td:first-child a").all_inner_texts()
    assert len(seen) == len(set(seen)) == count
    page.goto("/id/state/russia.html?section=claims-about")
    page.get_by_label("Stance").select_option("stance:opposes")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(re.compile("stance=stance(:|%3A)opposes"))
    stances = page.locator("tbody .stance").all_inner_texts()
    assert stances
    assert {text.strip() for text in stances} == {"opposes"}


def test_a_choice_narrows_at_once_where_scripts_run(page: Page) -> None:
    page.goto("/id/state/russia.html?section=claims-about")
    page.get_by_label("Stance").select_option("stance:supports")
    page.wait_for_url(re.compile("stance=stance%3Asupports"))
    page.go_back()
    expect(page.get_by_label("Stance")).to_have_value("")


def test_everything_that_points_here_can_be_reached(page: Page) -> None:
    page.goto("/verification/verified")
    page.locator("#pointing").get_by_role("link", name=re.compile("page by page")).first.click()
    expect(page.get_by_text(re.compile(r"Page 1 of \d\d"))).to_be_visible()
    page.get_by_role("link", name="Next →").click()
    expect(page.get_by_text(re.compile(r"Page 2 of \d\d"))).to_be_visible()
    expect(page.locator("main .list > li")).to_have_count(50)


def test_a_place_has_a_map_and_a_confirmed_link_to_wikidata(page: Page) -> None:
    page.goto("/id/place/sochi")
    expect(page.locator("#map .spot")).to_be_visible()
    identity = page.locator("#identity")
    expect(identity.get_by_role("link", name="wd:Q39420")).to_have_attribute(
        "href", "http://www.wikidata.org/entity/Q39420"
    )
    expect(identity).to_contain_text("Confirmed on")


@pytest.mark.parametrize(
    ("title", "format"),
    [
        ("Turtle", ox.RdfFormat.TURTLE), ("N-Triples", ox.RdfFormat.N_TRIPLES),
        ("JSON-LD", ox.RdfFormat.JSON_LD), ("RDF/XML", ox.RdfFormat.RDF_XML),
    ],
)  # fmt: skip
def test_the_page_can_be_had_as_rdf(page: Page, title: str, format: ox.RdfFormat) -> None:
    page.goto(PUTIN)
    with page.expect_download() as download:
        page.locator(".take").get_by_role("link", name=title, exact=True).click()
    quads = list(ox.parse(download.value.path().read_bytes(), format=format))
    assert len(quads) > 10


def test_the_statements_of_a_page_can_be_had_as_csv(page: Page) -> None:
    page.goto(PUTIN)
    with page.expect_download() as download:
        page.locator(".take").get_by_role("link", name="CSV", exact=True).click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert {"Владимир Путин", "블라디미르 푸틴"} <= {row["value"] for row in rows}
    assert all(row["graph"] for row in rows)


def test_labels_follow_the_language(open_page: PageMaker) -> None:
    for language, name in (("ko", "블라디미르 푸틴"), ("ru", "Владимир Путин")):
        page = open_page(language=language)
        page.goto(PUTIN)
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        expect(page.locator(".names")).to_contain_text("Vladimir Putin")


@pytest.mark.parametrize(
    ("search", "event", "absent"),
    [
        ("Sochi", "Sochi Winter Olympics", ["Park Geun-hye"]),
        ("Victory Day", "70th anniversary Victory Day parade in Moscow", ["Kim Jong-un", "Park Geun-hye"]),
    ],
)  # fmt: skip
def test_who_stayed_away_is_found_by_clicking(
    page: Page, search: str, event: str, absent: list[str]
) -> None:
    """One search, one click on what was found; a third click shows the evidence."""
    page.goto("/")
    page.get_by_role("combobox", name="Search").first.fill(search)
    page.get_by_role("option").filter(has_text=event).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(event)
    page.wait_for_load_state()
    text = page.get_by_role("main").inner_text()
    away = text[text.index("absent ·") :]
    for name in absent:
        assert name in away, f"{name} was absent from {event}"


def test_an_unknown_thing_leads_to_what_was_meant(open_page: PageMaker) -> None:
    page = open_page(expected_errors=("404",))
    page.goto("/id/person/vladimir-puttin")
    expect(page.get_by_role("alert")).to_contain_text("says nothing about")
    page.get_by_role("link", name="Vladimir Putin").click()
    expect(page).to_have_url(re.compile("/id/person/vladimir-putin"))
    problem = json.loads(page.request.get("/id/person/vladimir-puttin").text())
    assert problem["suggestions"][0]["label"] == "Vladimir Putin"


@pytest.mark.parametrize(
    "path",
    [
        "/id/state/russia", PUTIN, "/id/place/sochi", "/id/office/president-of-russia",
        "/id/initiative/six-party-talks", "/topic/sanctions-on-russia", "/id/document/commentary",
        "/graph/record", "/id/tenure/vladimir-putin-president-of-russia-2012-05-07",
        "/id/state/russia.html?section=claims-about", "/id/state/russia.html?property=pen:isAbout",
    ],
)  # fmt: skip
def test_the_page_is_accessible_and_fits(open_page: PageMaker, path: str) -> None:
    for narrow, dark in ((False, False), (True, True)):
        page = open_page(narrow=narrow, dark=dark)
        page.goto(path)
        assert_fits(page)
        assert find_violations(page) == []


def test_an_open_source_panel_fits_and_is_accessible(open_page: PageMaker) -> None:
    page = open_page(narrow=True)
    page.goto(PUTIN)
    for mark in page.locator("#facts .why > summary").all():
        mark.click()
    page.locator("#tenures .why > summary").first.click()
    assert_fits(page)
    assert find_violations(page) == []


def test_the_page_of_an_error_is_accessible_and_fits(open_page: PageMaker) -> None:
    for narrow, dark in ((False, False), (True, True)):
        page = open_page(narrow=narrow, dark=dark, expected_errors=("404", "400"))
        for path in ("/id/state/rusia", "/nowhere", "/search?q=a&page=x"):
            page.goto(path)
            assert_fits(page)
            assert find_violations(page) == []
