"""The pages of tidy tables and dumps."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from .conftest import PageMaker, assert_fits, find_violations


@pytest.mark.parametrize("path", ["/tables", "/tables/claims", "/dumps"])
def test_the_page_is_accessible_and_fits(open_page: PageMaker, path: str) -> None:
    for narrow, dark, scripts in ((False, True, True), (True, False, True)):
        page = open_page(narrow=narrow, dark=dark, scripts=scripts)
        page.goto(path)
        assert_fits(page)
        assert find_violations(page) == []


@pytest.mark.parametrize("scripts", [True, False])
def test_from_about_to_a_table_and_its_files(
    open_page: PageMaker, tmp_path: Path, scripts: bool
) -> None:
    page = open_page(scripts=scripts)
    page.goto("/about")
    page.get_by_role("link", name="tables", exact=True).click()
    page.wait_for_url(re.compile("/tables$"))
    page.get_by_role("link", name="Votes", exact=True).click()
    expect(page.get_by_role("heading", name="Votes", level=1)).to_be_visible()
    expect(page.get_by_role("region", name="The first rows").locator("tbody tr")).to_have_count(20)
    preview = page.get_by_role("region", name="The first rows")
    expect(preview.get_by_role("columnheader", name="_iri")).to_have_count(0)
    expect(preview.get_by_role("link", name="state:argentina").first).to_have_attribute(
        "href", "/id/state/argentina"
    )
    counted = page.get_by_text("The first 20 of")
    dictionary = page.get_by_role("region", name="What each column holds")
    expect(dictionary.get_by_role("row", name="voted_on")).to_contain_text("the day of the vote")
    expect(dictionary.get_by_role("link", name="resolutions")).to_have_attribute(
        "href", "/tables/resolutions"
    )
    for name, format in (("CSV", "csv"), ("Parquet", "parquet")):
        with page.expect_download() as caught:
            page.get_by_role("link", name=name, exact=True).click()
        caught.value.save_as(tmp_path / f"votes.{format}")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "votes.csv").read_text("utf-8"))))
    table = pq.read_table(tmp_path / "votes.parquet")
    assert [row["vote"] for row in rows] == table["vote"].to_pylist()
    expect(counted).to_contain_text(f"of {len(rows)} rows")
    page.get_by_role("link", name="The query in SPARQL").click()
    expect(page).to_have_url(re.compile(r"/sparql\?query="))
    page.go_back()
    expect(page.get_by_role("heading", name="Votes", level=1)).to_be_visible()


def test_names_of_things_follow_the_reader(open_page: PageMaker) -> None:
    page = open_page(language="ko")
    page.goto("/tables/actors")
    expect(page.get_by_role("region").first).to_contain_text("국가군")
    href = page.get_by_role("link", name="CSV", exact=True).get_attribute("href")
    assert href == "/tables/actors.csv?lang=ko"


def test_a_claim_leads_to_its_nanopublication(page: Page) -> None:
    page.goto("/id/claim/c029.html")
    with page.expect_download() as caught:
        page.get_by_role("link", name="Nanopublication").click()
    assert "np:Nanopublication" in caught.value.path().read_text("utf-8")
