"""Questions that ask a service of others: how a reader sees that, and what is left when it fails."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.server.processes import lay_store
from tests.server.processes import serving as serving_ours
from tests.wikidata.servers import SERVICE_FILE, Proxy, Status, serving

from .conftest import PageMaker, assert_fits, find_violations
from .editing import accept, offers, run, text_of, write

AGES = "/queries/ages-at-summits?meeting=event%3Aus-dprk-hanoi-2019"


@pytest.fixture(scope="module")
def wikidata(browser: Browser) -> Iterator[Proxy]:  # noqa: ARG001, without one nothing is started
    with serving(SERVICE_FILE) as service, Proxy(service.address) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def site(wikidata: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a server that takes the proxy for Wikidata."""
    folder = tmp_path_factory.mktemp("site")
    settings = f"""
        store = "store"
        [services.wikidata]
        address = "{wikidata.address}"
        trusted = true
        cache = 0
    """
    (folder / "peninsula.toml").write_text(settings, encoding="utf-8")
    lay_store(folder / "store")
    with serving_ours([sys.executable, "-m", "peninsula", "serve"], folder) as server:
        yield server.address.rstrip("/")


@pytest.fixture(autouse=True)
def _nothing_wrong(wikidata: Proxy) -> None:
    wikidata.clear()


def cells(page: Page, column: str) -> list[str]:
    """Return a column of the table of the answer."""
    table = page.locator("table[data-sortable]").first
    heads = [text.strip() for text in table.locator("thead th").all_inner_texts()]
    number = next(i for i, text in enumerate(heads) if text.startswith(column)) + 1
    return table.locator(f"tbody tr > :nth-child({number})").all_inner_texts()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_reader_sees_ages_and_who_said_so(open_page: PageMaker, site: str, scripts: bool) -> None:
    page = open_page(base=site, scripts=scripts)
    page.goto("/queries?tag=wikidata")
    expect(page.get_by_text("asks Wikidata", exact=True)).to_have_count(10)
    page.get_by_role("link", name="How old was each leader at each summit or visit?").click()
    # A choice is an answer only once the scripts are there.
    page.wait_for_url(re.compile("/queries/ages-at-summits"))
    page.get_by_label("One summit or visit").select_option(label="US-DPRK Hanoi Summit")
    if not scripts:
        page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url(re.compile("meeting=event%3Aus-dprk-hanoi-2019"))
    expect(page.locator("table[data-sortable] tbody tr")).to_have_count(2)
    assert cells(page, "age") == ["72", "35"]
    expect(page.get_by_text("This question asks Wikidata, a service of others.")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Wikidata: 1 request, [\d,]+ ms"))).to_be_visible()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    "path", [AGES, "/queries/capitals-of-voters", "/queries/offices-in-wikidata"]
)
def test_its_page_is_accessible_and_fits(
    open_page: PageMaker, site: str, path: str, dark: bool
) -> None:
    page = open_page(base=site, narrow=True, dark=dark)
    page.goto(path)
    assert_fits(page)
    assert find_violations(page) == []


def test_a_map_names_the_capitals_and_says_how_they_voted(open_page: PageMaker, site: str) -> None:
    page = open_page(base=site)
    page.goto("/queries/capitals-of-voters?resolution=resolution%3As-2024-255")
    tips = page.locator(".drawing.map [data-tip]").evaluate_all(
        "all => all.map(a => a.dataset.tip)"
    )
    assert "Moscow: Russia; against" in tips
    assert "Beijing: China; abstention" in tips


def test_a_service_that_fails_leaves_the_choice_and_asks_again(
    open_page: PageMaker, site: str, wikidata: Proxy
) -> None:
    page = open_page(base=site, expected_errors=("Failed to load resource",))
    wikidata.always = Status(400)
    page.goto(AGES)
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("wikidata")
    chosen = page.get_by_label("One summit or visit").locator("option:checked")
    expect(chosen).to_have_text("US-DPRK Hanoi Summit")
    assert find_violations(page) == []
    wikidata.clear()
    problem.get_by_role("link", name="Ask again").click()
    expect(page.locator("table[data-sortable] tbody tr")).to_have_count(2)


def test_the_editor_knows_the_services(open_page: PageMaker, site: str) -> None:
    page = open_page(base=site)
    page.goto("/sparql")
    write(page, "SELECT ?born { person:vladimir-putin skos:exactMatch ?item . SERVICE <wiki")
    expect(offers(page).first).to_contain_text("<peninsula:wikidata>")
    accept(page)
    page.keyboard.insert_text("{ ?item wdt:P569 ?born } }")
    written = "SERVICE <peninsula:wikidata> { ?item wdt:P569 ?born } }"
    expect(text_of(page)).to_have_value(re.compile(re.escape(written) + "$"))
    run(page)
    expect(page.locator("#answer")).to_contain_text("1952-10-07")
    expect(page.get_by_text("1 service was asked")).to_be_visible()


def test_who_is_asked_is_a_part_of_the_address_and_of_the_next_run(
    open_page: PageMaker, site: str, wikidata: Proxy
) -> None:
    page = open_page(base=site, expected_errors=("Failed to load resource",))
    query = "SELECT ?born { SERVICE <peninsula:wikidata> { wd:Q7747 wdt:P569 ?born } }"
    page.goto(f"/sparql?query={quote(query)}&services=fallback")
    expect(page.locator("#answer")).to_contain_text("1952-10-07")
    kept = page.locator("#sparql > input[name=services]")
    expect(kept).to_have_value("fallback")
    page.locator("#answer").get_by_role("link", name="Ask the services themselves").click()
    page.wait_for_url(lambda url: "services=" not in url)
    expect(kept).to_have_count(0)
    expect(page.get_by_text("Where a service does not answer")).to_have_count(0)
    wikidata.always = Status(400)
    run(page)
    again = page.get_by_role("alert").get_by_role("link", name="Ask again")
    expect(again).to_be_visible()
    wikidata.clear()
    again.click()
    expect(page.locator("#answer")).to_contain_text("1952-10-07")
    assert "services=" not in page.url
