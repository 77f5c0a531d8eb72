"""A reader tries names against the graph, and takes the table along."""

from __future__ import annotations

import csv
import io
import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import NARROW, PageMaker, assert_fits, find_violations

NAMES = "Kim Jong Un\n문재인 대통령\nПутин, Владимир\nKim\nXyzzy Quux\n<b>bold</b>"


def fill(page: Page) -> None:
    page.goto("/reconcile")
    page.get_by_label("Names, one a line").fill(NAMES)
    page.get_by_label("Type").select_option(label="person")
    page.get_by_role("button", name="Find candidates").click()
    page.wait_for_url(re.compile(r"/reconcile\?names="))


@pytest.mark.parametrize("scripts", [True, False])
def test_names_are_set_beside_things(open_page: PageMaker, scripts: bool) -> None:
    page = open_page(scripts=scripts)
    fill(page)
    expect(page).to_have_url(re.compile(r"/reconcile\?names=.*&type=pen(:|%3A)Person"))
    table = page.locator("table.candidates")
    matched = table.locator("tr.is-match")
    expect(matched).to_have_count(3)
    expect(matched.nth(1)).to_contain_text("Moon Jae-in")
    expect(matched.nth(1)).to_contain_text("explained by what belongs to it")
    # A surname alone is left to the reader, and what nobody has is said.
    expect(table.get_by_text("to be chosen")).to_have_count(1)
    expect(table.get_by_text("nothing found")).to_have_count(2)
    expect(table.locator("th", has_text="<b>bold</b>")).to_be_visible()
    expect(page.get_by_text("6 names, 3 matched")).to_be_visible()
    # What was asked stays in the form, and the address has it all.
    expect(page.get_by_label("Names, one a line")).to_have_value(NAMES)
    matched.first.get_by_role("link", name="Kim Jong-un").click()
    expect(page).to_have_url(re.compile("/id/person/kim-jong-un"))
    page.go_back()
    expect(matched).to_have_count(3)


def test_the_table_can_be_had(page: Page) -> None:
    fill(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    matches = {row["asked"]: row["id"] for row in rows if row["match"] == "true"}
    assert matches == {
        "Kim Jong Un": "person:kim-jong-un",
        "문재인 대통령": "person:moon-jae-in",
        "Путин, Владимир": "person:vladimir-putin",
    }
    assert [row["id"] for row in rows if row["asked"] == "Xyzzy Quux"] == [""]
    address = page.get_by_role("link", name="As a program asks it").get_attribute("href")
    told = page.request.get(str(address)).json()
    assert told["q0"]["result"][0]["id"] == "person:kim-jong-un"


def test_an_example_is_one_click_away_and_the_address_can_be_copied(page: Page) -> None:
    page.goto("/reconcile")
    address = page.locator("#service").inner_text()
    assert address.endswith("/reconcile")
    assert "0.2" in page.request.get(address, headers={"Accept": "*/*"}).json()["versions"]
    page.get_by_role("link", name=re.compile("UNSCR 2397")).click()
    expect(page.locator("tr.is-match").first).to_contain_text("2397")


def test_a_card_fits_its_frame(page: Page, address: str) -> None:
    size = page.request.get(f"{address}/reconcile", headers={"Accept": "*/*"}).json()["preview"]
    for id in ("event:us-dprk-singapore-2018", "person:vladimir-putin", "resolution:2397"):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        page.goto(f"/reconcile/preview?id={id}")
        assert_fits(page)
        tall = page.evaluate("document.documentElement.scrollHeight")
        assert tall <= size["height"] * 1.35, f"{id} is {tall} pixels tall"
        assert find_violations(page) == []


@pytest.mark.parametrize("path", ["/reconcile", "/reconcile?names=Kim%20Jong%20Un%0AKim%0AXyzzy"])
def test_the_page_is_accessible_and_fits(open_page: PageMaker, path: str) -> None:
    for narrow in (False, True):
        for dark in (False, True):
            page = open_page(narrow=narrow, dark=dark)
            page.goto(path)
            assert_fits(page)
            assert find_violations(page) == []
    assert page.viewport_size == NARROW


def test_the_page_speaks_korean(open_page: PageMaker) -> None:
    page = open_page(language="ko")
    page.goto("/reconcile?names=Moon+Jae-in&type=pen:Person")
    expect(page.locator("tr.is-match a").first).to_have_text("문재인")
