"""A reader finds a thing by its name: from any page, in any language, with and without scripts."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import PageMaker, assert_fits, await_layout, find_violations


def look_for_putin(page: Page) -> tuple[Locator, Locator]:
    """Type the beginning of a name into the box of a page; return the box, and what it offers."""
    page.goto("/history")
    box = page.get_by_role("combobox", name="Search")
    box.fill("vladim")
    option = page.get_by_role("option").filter(has_text="Vladimir Putin").first
    expect(option).to_be_visible()
    return box, option


def test_the_box_of_every_page_offers_names(page: Page) -> None:
    box, _ = look_for_putin(page)
    box.press("ArrowDown")
    box.press("Enter")
    expect(page).to_have_url(re.compile("/id/person/vladimir-putin"))
    page.go_back()
    expect(page).to_have_url(re.compile("/history$"))


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/about", ".bar input"),
        ("/", "#find"),
        ("/history", "#thing"),
        ("/history/diff", "#thing"),
        ("/queries/claims-about-entity", "#p-entity"),
    ],
)
def test_names_are_offered_below_the_field(
    open_page: PageMaker, path: str, field: str, narrow: bool
) -> None:
    page = open_page(narrow=narrow)
    page.goto(path)
    await_layout(page)
    asked = page.locator(field)
    asked.fill("vladim")
    listed = page.get_by_role("listbox").filter(visible=True)
    expect(listed.get_by_role("option").first).to_contain_text("Vladimir Putin")
    below, above = listed.bounding_box(), asked.bounding_box()
    assert below and above
    assert 0 <= below["y"] - (above["y"] + above["height"]) < 12
    assert below["x"] < above["x"] + above["width"] and above["x"] < below["x"] + below["width"]
    assert_fits(page)


def test_names_that_are_walked_are_not_replaced_by_later_ones(page: Page) -> None:
    box, option = look_for_putin(page)
    # What is typed next is answered late; whoever has begun to choose waits for it no more.
    page.route(re.compile("q=vladimir&"), lambda _: None)
    with page.expect_request(re.compile("q=vladimir&")):
        box.fill("vladimir")
    with page.expect_event("requestfailed"):
        box.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    box.press("Enter")
    expect(page).to_have_url(re.compile("/id/person/vladimir-putin"))


def test_a_reader_without_scripts_searches_narrows_and_turns_pages(open_page: PageMaker) -> None:
    page = open_page(scripts=False)
    page.goto("/")
    page.get_by_role("searchbox", name="Search").first.fill("russia")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=russia"))
    expect(page.locator(".hits a").first).to_have_text("Russia")
    page.get_by_role("link", name="Next →").click()
    expect(page.get_by_text(re.compile(r"Page 2 of \d+"))).to_be_visible()
    page.go_back()
    page.get_by_role("navigation", name="Narrow by class").get_by_role(
        "link", name=re.compile("^evaluation")
    ).click()
    page.wait_for_url(re.compile("class=pen%3AEvaluation"))
    abouts = page.locator(".hit-about").all_inner_texts()
    assert abouts
    assert all(text.startswith("evaluation") for text in abouts)


@pytest.mark.parametrize(
    ("text", "language", "label"),
    [("Сочи", "en", "Sochi"), ("소치", "ru", "Сочи"), ("SOCHI", "ko", "소치")],
)
def test_a_name_is_found_in_any_language(
    open_page: PageMaker, text: str, language: str, label: str
) -> None:
    page = open_page(language=language)
    page.goto(f"/search?q={text}")
    expect(page.locator(".hits h3").first).to_have_text(label)


def test_what_was_looked_for_is_marked_and_a_claim_is_found(page: Page) -> None:
    page.goto("/search?q=second-rank")
    expect(page.locator(".hits mark").first).to_have_text("second")
    page.locator(".hits a").first.click()
    expect(page).to_have_url(re.compile("/id/claim/c147"))


def test_the_data_of_a_search_can_be_had(page: Page) -> None:
    page.goto("/search?q=summit")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert "event:us-dprk-hanoi-2019" in {row["name"] for row in rows}
    told = json.loads(page.request.get("/search?q=summit&format=json").text())
    assert told["total"] >= len(told["results"]) > 0


def test_a_slip_leads_to_what_was_meant(open_page: PageMaker) -> None:
    page = open_page(scripts=False)
    page.goto("/search?q=Lavorv")
    expect(page.get_by_text("Nothing is called “Lavorv” just so")).to_be_visible()
    expect(page.locator(".hits a").first).to_have_text("Sergei Lavrov")
    page.get_by_role("link", name="Lavrov", exact=True).click()
    expect(page).to_have_url(re.compile("q=Lavrov"))
    expect(page.locator(".hits mark").first).to_have_text("Lavrov")
    expect(page.get_by_text("just so")).to_have_count(0)
    page.go_back()
    expect(page.get_by_text("just so")).to_be_visible()


@pytest.mark.parametrize(
    ("text", "first", "marked"),
    [
        ("Путиным", "Vladimir Putin", "Путин"),
        ("김정은이", "Kim Jong-un", "김정은"),
        ("Rossiya", "Russia", "Россия"),
        ("Vladivostock", "Vladivostok", "Vladivostok"),
    ],
)
def test_another_form_or_spelling_is_found_and_marked(
    page: Page, text: str, first: str, marked: str
) -> None:
    page.goto(f"/search?q={text}")
    expect(page.locator(".hits h3").first).to_have_text(first)
    expect(page.locator(".hits li").first.locator("mark").last).to_have_text(marked)


def test_the_query_behind_a_search_finds_the_same(page: Page) -> None:
    page.goto("/search?q=Lavrov")
    first = page.locator(".hits code").first.inner_text()
    page.get_by_role("link", name="The query in SPARQL").click()
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("cell", name="Sergei Lavrov").first).to_be_visible()
    assert first == "person:sergei-lavrov"


def test_nothing_found_is_said(page: Page) -> None:
    page.goto("/search?q=qqqqwwww")
    expect(page.get_by_text("No name and no claim has “qqqqwwww” in it.")).to_be_visible()
    page.goto("/search?q=%F0%9F%99%82")
    expect(page.get_by_text("There is no letter and no digit in “🙂” to look for.")).to_be_visible()


@pytest.mark.parametrize(
    "path", ["/search", "/search?q=moon", "/search?q=moom+jae-im", "/search?q=qqqqq"]
)
def test_the_page_is_accessible_and_fits(open_page: PageMaker, path: str) -> None:
    for narrow in (False, True):
        for dark in (False, True):
            page = open_page(narrow=narrow, dark=dark)
            page.goto(path)
            assert_fits(page)
            assert find_violations(page) == []
