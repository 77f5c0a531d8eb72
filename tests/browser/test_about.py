"""The pages about the data and about their words."""

from __future__ import annotations

import re

import pyoxigraph as ox
import pytest
from playwright.sync_api import Page, expect

from .conftest import PageMaker, assert_fits, find_violations


@pytest.mark.parametrize("path", ["/about", "/ns.html"])
def test_the_page_is_accessible_and_fits(open_page: PageMaker, path: str) -> None:
    for narrow, dark, scripts in ((False, True, True), (True, False, True)):
        page = open_page(narrow=narrow, dark=dark, scripts=scripts)
        page.goto(path)
        assert_fits(page)
        assert find_violations(page) == []


def test_a_term_leads_to_its_place_in_the_documentation(page: Page) -> None:
    page.goto("/ns#PolicyPosition")
    expect(page).to_have_url(re.compile(r"/ns\.html#PolicyPosition$"))
    term = page.locator("#PolicyPosition")
    expect(term).to_be_in_viewport()
    expect(term).to_contain_text("입장")
    term.get_by_role("link", name="has stance").click()
    expect(page.locator("#hasStance")).to_be_in_viewport()


def test_the_documentation_narrows_to_a_word(page: Page) -> None:
    page.goto("/ns.html")
    everything = page.locator(".term:visible").count()
    page.get_by_label("Narrow to").fill("стадия")
    expect(page.locator(".term:visible")).to_have_count(0)
    page.get_by_label("Narrow to").fill("summit")
    expect(page.locator("#Summit")).to_be_visible()
    assert 0 < page.locator(".term:visible").count() < everything


def test_the_documentation_is_whole_without_scripts(open_page: PageMaker) -> None:
    page = open_page(scripts=False)
    page.goto("/ns.html")
    expect(page.locator("#Summit")).to_be_visible()
    page.get_by_text("Tree of classes").click()
    page.locator(".tree").get_by_role("link", name="summit", exact=True).click()
    expect(page).to_have_url(re.compile("#Summit$"))


def test_the_sources_can_be_downloaded(page: Page) -> None:
    page.goto("/about")
    row = page.get_by_role("row").filter(has_text="Links to Wikidata")
    href = row.get_by_role("link", name="N-Triples").get_attribute("href")
    text = page.request.get(href or "").text()
    count = int(row.locator("td.number").inner_text().replace(",", ""))
    assert len(text.splitlines()) == count


def test_void_tells_what_the_things_of_a_class_have(page: Page) -> None:
    response = page.request.get("/.well-known/void", headers={"Accept": "application/n-triples"})
    store = ox.Store()
    store.load(response.text(), format=ox.RdfFormat.N_TRIPLES)
    query = """
    PREFIX void: <http://rdfs.org/ns/void#> PREFIX pen: <https://w3id.org/peninsula/ns#>
    SELECT ?property ?triples {
      [] void:classPartition [ void:class pen:Claim ; void:propertyPartition [
        void:property ?property ; void:triples ?triples ] ]
    }
    """
    solutions = store.query(query)
    assert isinstance(solutions, ox.QuerySolutions)
    found = {
        row["property"].value.rpartition("#")[2]: int(row["triples"].value) for row in solutions
    }
    assert found["hasStance"] == 209
