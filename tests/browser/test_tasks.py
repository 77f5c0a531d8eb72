"""What an analyst comes for, done by clicking alone, each in at most six clicks from the front page.

A click is the only thing that leads on: nothing is typed into the address bar. What is looked for
was read off the data beforehand (queries/, tests/queries/expected), not off these pages.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import PageMaker

MOST_CLICKS = 6


class Analyst:
    """Somebody with a mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        page.goto("/")

    def click(self, target: Locator) -> None:
        self.clicks += 1
        assert self.clicks <= MOST_CLICKS, "too many clicks"
        target.click()

    def follow(self, name: str, *, within: str = "main") -> None:
        """Click the first link of that name."""
        self.click(self.page.locator(within).get_by_role("link", name=name).first)


@pytest.fixture(params=["with scripts", "without scripts"])
def analyst(request: pytest.FixtureRequest, open_page: PageMaker) -> Analyst:
    return Analyst(open_page(scripts=request.param == "with scripts"))


def test_how_russia_stood_on_sanctions_before_and_after_2017(analyst: Analyst) -> None:
    analyst.follow("Positions", within="header")
    # The cell where the row of Russia meets the column of sanctions.
    cell = analyst.page.get_by_role("link", name="Russia, Sanctions").first
    analyst.click(cell)
    page = analyst.page
    expect(page.get_by_role("heading", level=1)).to_contain_text("Russia")
    main = page.locator("main")
    expect(main).to_contain_text("2017")
    expect(main).to_contain_text("supports")
    expect(main).to_contain_text("opposes")
    expect(main).to_contain_text("resolution 2397")
    # The claims that speak for it, and one of them on its own page.
    page.wait_for_load_state()
    assert {"c052", "c056"} & {
        (href or "").rpartition("/")[2].partition("?")[0]
        for href in main.locator("a[href*='/id/claim/']").evaluate_all(
            "links => links.map(a => a.getAttribute('href'))"
        )
    }
    analyst.click(main.locator("a[href*='/id/claim/']:visible").first)
    expect(page.locator("main")).to_contain_text("On whose word")


def test_who_was_absent_from_sochi_2014(analyst: Analyst) -> None:
    analyst.follow("Who stayed away from Sochi in 2014")
    page = analyst.page
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sochi")
    absent = page.locator("main tbody.attendance-absent")
    expect(absent).to_contain_text("Park Geun-hye")


def test_who_was_absent_from_the_anniversary_of_2015(analyst: Analyst) -> None:
    analyst.follow("Who stayed away from Moscow’s anniversary in 2015")
    absent = analyst.page.locator("main tbody.attendance-absent")
    expect(absent).to_contain_text("Park Geun-hye")
    expect(absent).to_contain_text("Kim Jong-un")


def test_who_led_the_voters_of_2397_and_what_it_left_allowed(analyst: Analyst) -> None:
    analyst.follow("Resolution 2397: votes, leaders, exemptions")
    page = analyst.page
    for state, leader in (
        ("China", "Xi Jinping"),
        ("Russia", "Vladimir Putin"),
        ("United States", "Donald Trump"),
        ("Japan", "Shinzo Abe"),
    ):
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=state, exact=True))
        expect(row.filter(has_text=leader).first).to_be_visible()
    main = page.locator("main")
    expect(main).to_contain_text("Exemption")
    expect(main).to_contain_text("Rajin")


def test_claims_in_tension_about_russian_influence(analyst: Analyst) -> None:
    analyst.follow("Claims in tension")
    page = analyst.page
    analyst.follow("Three descriptions of Russian influence")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Russian influence")
    page.wait_for_load_state()
    claims = page.locator("main a[href*='/id/claim/']").evaluate_all(
        "links => [...new Set(links.map(a => a.getAttribute('href').split('?')[0]))].length"
    )
    assert claims >= 3


def test_what_russia_expects_of_biden_as_csv(analyst: Analyst, tmp_path: Path) -> None:
    analyst.follow("What is expected of the Biden administration")
    page = analyst.page
    with page.expect_download() as started:
        analyst.follow("CSV")
    path = tmp_path / "answer.csv"
    started.value.save_as(path)
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    expected = Path(__file__).parents[1] / "queries" / "expected"
    text = (expected / "expectations-for-biden-administration.csv").read_text(encoding="utf-8")
    whole = list(csv.DictReader(io.StringIO(text)))
    assert rows == whole
    assert any("russia" in value.lower() for row in rows for value in row.values())
