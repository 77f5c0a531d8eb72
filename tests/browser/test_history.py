"""The past is listed, compared, asked as of then, and kept for whoever cites it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import PageMaker, Writable, assert_fits, find_violations


@pytest.fixture(scope="module")
def past(writable: Writable) -> tuple[Writable, int]:
    """Return a server that has lost a state, and the number of that state."""
    first = writable.update(
        'INSERT DATA { GRAPH graph:past { state:russia skos:note "first"@en . '
        'place:hanoi skos:note "of a place"@en } }'
    )
    for number in range(3):
        writable.update(
            f'INSERT DATA {{ GRAPH graph:past {{ place:hanoi skos:scopeNote "no. {number}"@en }} }}'
        )
    writable.update(
        'DELETE DATA { GRAPH graph:past { state:russia skos:note "first"@en } } ; '
        'INSERT DATA { GRAPH graph:past { state:russia skos:note "second"@en } }'
    )
    return writable, first


@pytest.fixture
def page(open_page: PageMaker, past: tuple[Writable, int]) -> Page:
    return open_page(base=past[0].address, expected_errors=("404",))


def test_changes_are_listed_and_shown_by_thing(page: Page, past: tuple[Writable, int]) -> None:
    newest = past[1] + 4
    page.goto("/")
    page.get_by_role("link", name="History").click()
    row = page.get_by_role("row").filter(has_text="published").last
    expect(row).to_contain_text("tester")
    row.get_by_role("link", name=str(newest), exact=True).click()
    change = page.locator(".change")
    expect(change).to_have_count(1)
    expect(change.get_by_role("heading")).to_contain_text("Russia")
    expect(change.locator("del")).to_contain_text("first")
    expect(change.locator("ins")).to_contain_text("second")
    expect(page.locator(".change-counts")).to_contain_text("1 statement added")
    page.get_by_role("link", name=f"← {newest - 1}").click()
    expect(page.locator("ins")).to_contain_text("no. 2")
    page.go_back()
    expect(page.locator("del")).to_contain_text("first")


def test_two_generations_are_compared(page: Page, past: tuple[Writable, int]) -> None:
    first = past[1]
    page.goto("/history")
    page.get_by_label("What changed from").fill(str(first))
    page.get_by_label("to", exact=True).fill(str(first + 4))
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        f"From generation {first} to {first + 4}"
    )
    expect(page.locator(".change")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="RDF Patch").click()
    rows = Path(download.value.path()).read_text().splitlines()
    assert [row[0] for row in rows if row[0] in "AD"].count("A") == 4
    told = json.loads(
        page.request.get(page.get_by_role("link", name="JSON").get_attribute("href") or "").text()
    )
    assert (told["added"], told["removed"]) == (4, 1)
    page.get_by_role("link", name="The other way round").click()
    expect(page.locator(".change-counts")).to_contain_text("4 statements removed")
    page.get_by_role("combobox", name="only what names").fill("state:russia")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".change")).to_have_count(1)
    expect(page.locator(".note")).to_contain_text("state:russia")


def test_a_thing_leads_to_the_changes_that_name_it(page: Page, past: tuple[Writable, int]) -> None:
    page.goto("/history")
    page.get_by_role("combobox", name="Changes that name a thing").fill("place:hanoi")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url(re.compile("thing=place(:|%3A)hanoi"))
    expect(page.get_by_role("heading", name="Generations that name place:hanoi")).to_be_visible()
    numbers = page.locator("tbody th a").all_inner_texts()
    assert [int(n) for n in numbers][:4] == [past[1] + n for n in (3, 2, 1, 0)]
    page.locator("tbody th a").first.click()
    expect(page.locator(".change")).to_have_count(1)


def test_one_goes_back_in_time(page: Page, past: tuple[Writable, int]) -> None:
    newest = past[1] + 4
    page.goto("/history")
    page.get_by_label("See the graph as of then").fill(str(newest - 1))
    page.get_by_label("on", exact=True).select_option("/queries")
    page.get_by_role("button", name="Go there").click()
    expect(page).to_have_url(re.compile(rf"/queries\?generation={newest - 1}$"))
    expect(page.locator(".as-of")).to_contain_text(f"generation {newest - 1}")
    page.goto(f"/id/state/russia?generation={newest - 1}")
    expect(page.locator("main")).to_contain_text("first")


def test_an_address_of_a_lost_state_says_what_changed(
    page: Page, past: tuple[Writable, int]
) -> None:
    first = past[1]
    page.goto(f"/id/state/russia?generation={first}")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        f"Generation {first} is kept no longer"
    )
    offer = page.get_by_role("listitem").filter(has_text=f"In generation {first + 2}")
    expect(offer).to_contain_text("none of them names this thing")
    now = page.get_by_role("listitem").filter(has_text="the next that is kept")
    now.get_by_role("link", name="See which").click()
    expect(page.locator(".change-counts")).to_contain_text("2 statements added")
    page.go_back()
    offer.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(rf"/id/state/russia.*generation={first + 2}"))
    expect(page.locator("main")).to_contain_text("first")


def test_a_state_is_kept_for_good_with_a_token(
    open_page: PageMaker, past: tuple[Writable, int]
) -> None:
    server, first = past
    page = open_page(base=server.address, expected_errors=("Failed to load resource",))
    page.goto(f"/history/{first + 3}#keeping")
    page.get_by_label("Token").fill("pen_wrong")
    page.get_by_role("button", name="Keep it for good").click()
    expect(page.get_by_role("status")).to_contain_text("It was refused")
    page.get_by_label("Token").fill(server.token)
    page.get_by_role("button", name="Keep it for good").click()
    expect(page.get_by_role("status")).to_have_text("It is kept for good.")
    page.goto("/history")
    expect(
        page.get_by_role("row").filter(
            has=page.get_by_role("link", name=str(first + 3), exact=True)
        )
    ).to_contain_text("kept for good")


def test_the_pages_are_useful_without_scripts_accessible_and_fit(
    open_page: PageMaker, past: tuple[Writable, int]
) -> None:
    server, first = past
    paths = (
        "/history", f"/history/{first + 4}", f"/history/diff?from={first}&to={first + 4}",
        f"/positions?generation={first}",
    )  # fmt: skip
    for dark in (False, True):
        for narrow in (False, True):
            page = open_page(
                dark=dark, narrow=narrow, base=server.address, expected_errors=("404",)
            )
            for path in paths:
                page.goto(path)
                assert_fits(page)
                assert find_violations(page) == [], path
    page = open_page(scripts=False, base=server.address)
    page.goto(f"/history/{first + 4}")
    expect(page.get_by_label("Token")).to_be_hidden()
    page.get_by_text("From a terminal").click()
    expect(page.locator("#pin-command")).to_contain_text(f"/history/{first + 4}/pin")
