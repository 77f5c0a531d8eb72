"""What stands around every page: language, theme, menu, search box, citation."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .conftest import PageMaker, assert_fits, find_violations


def test_a_reader_chooses_a_language_and_keeps_it(page: Page) -> None:
    page.goto("/queries")
    page.get_by_role("link", name="Русский").click()
    expect(page).to_have_url(re.compile("/queries$"))
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.goto("/id/state/south-korea")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Корея")


def test_a_reader_chooses_a_theme_and_keeps_it(page: Page) -> None:
    page.goto("/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("body")).not_to_have_css("background-color", light)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.goto("/queries")
    expect(page.locator("body")).to_have_css("background-color", dark)


def test_the_menu_opens_on_a_narrow_screen_without_scripts(open_page: PageMaker) -> None:
    page = open_page(narrow=True, scripts=False)
    page.goto("/")
    expect(page.get_by_role("link", name="Questions", exact=True)).to_be_hidden()
    page.get_by_text("Menu").click()
    page.get_by_role("link", name="Questions", exact=True).click()
    expect(page).to_have_url(re.compile("/queries$"))


def test_the_frame_is_accessible_and_fits(open_page: PageMaker) -> None:
    for narrow in (False, True):
        for dark in (False, True):
            page = open_page(narrow=narrow, dark=dark)
            page.goto("/")
            assert_fits(page)
            assert find_violations(page) == []


def test_what_is_wrong_anywhere_on_a_page_is_found(page: Page) -> None:
    """Not all that is drawn alike is judged by its contrast; what is drawn otherwise is."""
    page.goto("/ns.html")
    page.locator(".term p").last.evaluate("e => { e.style.color = '#888'; }")
    page.locator(".term h4").last.evaluate("e => { e.parentElement.style.background = '#777'; }")
    page.locator(".term a").last.evaluate("e => { e.textContent = ''; }")
    found = find_violations(page)
    assert {text.partition(":")[0] for text in found} == {"color-contrast", "link-name"}, found
    assert page.locator("[data-contrast]").count() == 0


def test_the_citation_leads_to_the_page_as_it_is_now(page: Page) -> None:
    page.goto("/queries/votes-by-state?state=state:russia")
    permalink = page.locator("#permalink").inner_text()
    assert permalink.endswith("generation=1")
    page.goto(permalink)
    expect(page.get_by_role("note")).to_contain_text("generation 1")
    # Links within the page stay in that generation.
    page.get_by_role("link", name="Questions", exact=True).first.click()
    expect(page).to_have_url(re.compile("generation=1"))


def test_a_generation_that_never_was_leads_to_the_page_as_it_is_now(open_page: PageMaker) -> None:
    page = open_page(scripts=False, expected_errors=("404",))
    page.goto("/positions?topic=topic:sanctions&generation=999999")
    expect(page.get_by_role("heading", level=1)).to_have_text("Unknown generation")
    page.get_by_role("link", name="See it as it is now").click()
    expect(page).to_have_url(re.compile(r"/positions\?topic=topic%3Asanctions$"))
