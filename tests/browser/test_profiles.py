"""The pages of claims, passages, tensions, positions, resolutions and events."""

from __future__ import annotations

import csv
import io
import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import PageMaker, assert_fits, await_layout, find_violations

PAGES = (
    "/id/claim/c147",
    "/id/claim/c185",
    "/id/passage/c147",
    "/id/tension/russian-influence",
    "/id/position/russia-supports-2397",
    "/id/resolution/2397",
    "/id/resolution/s-2022-431",
    "/id/event/victory-day-moscow-2015",
    "/id/planned-event/kim-russia-visit",
)


def search(page: Page, words: str) -> None:
    page.goto("/")
    page.get_by_role("searchbox", name="Search").fill(words)
    page.get_by_role("searchbox", name="Search").press("Enter")
    page.wait_for_url(re.compile(r"/search\?q="))


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_who_led_the_voters_of_2397_and_what_exemptions_it_left(open_page: PageMaker) -> None:
    page = open_page(scripts=False)
    search(page, "resolution 2397")
    page.locator("main").get_by_role(
        "link", name="UN Security Council resolution 2397 (2017)", exact=True
    ).first.click()
    roll = page.get_by_role("region", name="Votes of the members and their leaders")
    russia = roll.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Russia"))
    expect(russia).to_contain_text("in favour")
    expect(russia).to_contain_text("Vladimir Putin")
    expect(russia.get_by_role("link", name="President of Russia")).to_have_attribute(
        "href", re.compile("^/id/tenure/vladimir-putin-president-of-russia")
    )
    members = roll.get_by_role("row").filter(has=page.get_by_role("link", name="in favour"))
    expect(members).to_have_count(15)
    expect(roll.get_by_role("row").filter(has_text="North Korea")).to_contain_text("Kim Jong-un")
    page.get_by_role("link", name="3 exemptions").click()
    exemption = page.get_by_role("article").filter(has_text="Rajin coal transit")
    expect(exemption.get_by_role("link", name="Russia", exact=True)).to_be_visible()
    exemption.locator("summary").click()
    expect(exemption.get_by_role("link", name=re.compile("tass.com"))).to_be_visible()


def test_the_tables_of_a_resolution_can_be_taken_along(page: Page) -> None:
    page.goto("/id/resolution/2397")
    links = page.get_by_role("link", name="CSV", exact=True)
    addresses = [str(link.get_attribute("href")) for link in links.all()]
    votes = next(a for a in addresses if "/queries/resolution-votes.csv" in a)
    rows = read_csv(page.request.get(votes).text())
    assert len(rows) == 15
    assert {row["choiceLabel"] for row in rows} == {"in favour"}
    for address in addresses:
        assert page.request.get(address).ok, address


def test_a_veto_is_marked_in_the_roll_call(page: Page) -> None:
    page.goto("/id/resolution/s-2022-431")
    expect(page.locator(".result")).to_contain_text("Not adopted: vetoed by China, Russia")
    vetoes = page.get_by_role("row").filter(has=page.get_by_text("veto", exact=True))
    expect(vetoes).to_have_count(2)
    page.locator("a[rel=prev]").click()
    page.wait_for_url(re.compile("/id/resolution/2627"))
    page.go_back()
    expect(page).to_have_url(re.compile("s-2022-431"))


def test_claims_in_tension_about_russian_influence(open_page: PageMaker) -> None:
    page = open_page(scripts=False)
    search(page, "Russian influence")
    page.locator("main").get_by_role(
        "link", name="Three descriptions of Russian influence"
    ).first.click()
    expect(page.get_by_role("heading", level=3)).to_have_text(
        ["Side 1: 5 claims", "Side 2: 3 claims", "Side 3: 4 claims"]
    )
    page.get_by_role("link", name=re.compile("second-rank, regional state")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("second-rank")
    expect(page.get_by_text("7 claims in tension with it")).to_be_visible()
    facing = page.locator(".facing").first
    this, other = facing.locator(".this-side"), facing.locator(".other-side")
    await_layout(page)
    left, right = this.bounding_box(), other.bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] <= right["x"]
    assert abs(left["y"] - right["y"]) < 5
    other.get_by_role("link", name=re.compile("^Seoul places more confidence in Moscow")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Seoul places more confidence")


def test_the_chain_of_reporting_links_every_box(page: Page) -> None:
    page.goto("/id/claim/c147")
    boxes = page.locator(".chain .box")
    expect(boxes).to_have_count(3)
    expect(boxes.nth(0)).to_contain_text("A Russian Perspective on the Tensions")
    expect(boxes.nth(1)).to_contain_text("pp. 376–413")
    expect(page.locator(".chain .basis")).to_have_text(["rests on a note", "explicit attribution"])
    for box in boxes.all():
        assert str(box.get_by_role("link").first.get_attribute("href")).startswith("/id/")
    tables = page.request.get(
        str(page.get_by_role("link", name="tensions as CSV").get_attribute("href"))
    )
    assert {row["claim"].rpartition("/")[2] for row in read_csv(tables.text())} == {"c147"}


def test_a_reader_walks_through_the_text(page: Page) -> None:
    page.goto("/id/claim/c147")
    page.locator("a[rel=next]").click()
    expect(page).to_have_url(re.compile("/id/claim/c148"))
    page.get_by_role("link", name="paragraph 9, sentence 4").click()
    expect(page).to_have_url(re.compile("/id/passage/c148"))
    here = page.locator(".outline a[aria-current=true]")
    expect(here).to_have_count(2)
    page.get_by_role("link", name=re.compile("^Paragraph 3,")).click()
    expect(page).to_have_url(re.compile("/id/passage/c0"))
    expect(page.get_by_role("heading", name="Claims that rest on it")).to_be_visible()


def test_who_was_absent_stands_apart_from_who_came(page: Page) -> None:
    page.goto("/id/event/victory-day-moscow-2015")
    absent = page.locator("tbody.attendance-absent")
    expect(absent.get_by_role("rowheader")).to_contain_text(
        ["absent", "Kim Jong-un", "Park Geun-hye"]
    )
    absent.get_by_role("link", name="claim c136").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Park also stayed away")


def test_a_position_shows_what_came_before_and_after(page: Page) -> None:
    page.goto("/id/position/russia-supports-2397")
    expect(page.locator(".chain.succession > li")).to_have_count(2)
    page.locator(".chain.succession").get_by_role("link", name=re.compile("UN sanctions")).click()
    expect(page).to_have_url(re.compile("/id/position/russia-opposes-un-sanctions"))


def test_links_stay_in_the_generation_that_is_looked_at(page: Page) -> None:
    page.goto("/id/claim/c147.html?generation=1")
    hrefs = page.locator("main a[href^='/']").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    assert hrefs
    # What changed is told of all generations alike.
    lost = [h for h in hrefs if "generation=1" not in h and not h.startswith("/history?")]
    assert lost == []


@pytest.mark.parametrize("path", PAGES)
def test_a_profile_is_accessible_and_fits(open_page: PageMaker, path: str) -> None:
    for other in (False, True):
        page = open_page(narrow=other, dark=other)
        page.goto(path)
        for details in page.locator("details.known").all()[:4]:
            details.locator("summary").first.click()
        assert_fits(page)
        assert find_violations(page) == []
