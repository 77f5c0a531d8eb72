"""The timeline in a browser: with and without scripts, wide and narrow, light and dark."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from .conftest import PageMaker, assert_fits, await_layout, find_violations


def test_a_reader_narrows_it_and_opens_a_mark(page: Page) -> None:
    page.goto("/timeline")
    tests = page.get_by_role("checkbox", name=re.compile("^Tests and launches"))
    expect(tests).to_be_checked()
    # Not uncheck(), which looks at the box once more while its page is being left.
    tests.click()
    # A choice is an answer only once the scripts of the page are there, of each page anew.
    page.wait_for_url(re.compile("kind=summit"))
    expect(tests).not_to_be_checked()
    page.get_by_label("Actor", exact=True).select_option(label="Kim Jong-un")
    page.wait_for_url(re.compile("actor=person%3Akim-jong-un"))
    drawing = page.get_by_role("region", name="Timeline")
    mark = drawing.get_by_role("link", name=re.compile("^US-DPRK Hanoi Summit"))
    mark.hover()
    expect(drawing.locator(".tip")).to_contain_text("2019-02-27 – 2019-02-28")
    mark.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hanoi")
    page.go_back()
    expect(page.get_by_label("Actor", exact=True)).to_have_value("person:kim-jong-un")
    expect(tests).not_to_be_checked()


def test_a_choice_before_the_scripts_came_is_an_answer(page: Page) -> None:
    held: list[Route] = []
    page.route("**/site-*.js", lambda route: held.append(route))  # noqa: PLW0108
    page.goto("/timeline", wait_until="commit")
    page.get_by_label("Actor", exact=True).select_option(label="Kim Jong-un")
    expect(page).to_have_url(re.compile("actor=person%3Akim-jong-un"))
    expect(page.get_by_label("Actor", exact=True)).to_have_value("person:kim-jong-un")
    assert held


def test_it_works_without_scripts(open_page: PageMaker) -> None:
    page = open_page(scripts=False)
    page.goto("/timeline")
    page.get_by_label("From", exact=True).fill("2016")
    page.get_by_label("Until", exact=True).fill("2019")
    page.get_by_label("Lanes", exact=True).select_option(label="by state")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("2016-01-01 to 2019-12-31")).to_be_visible()
    expect(page.locator(".lane-text", has_text="North Korea")).to_be_visible()
    page.get_by_role("link", name="Later").click()
    expect(page.get_by_text("2016-01-01 to 2019-12-31")).to_have_count(0)
    # What the drawing shows, the list has, too.
    names = page.locator("table tbody tr td:nth-child(2) a")
    expect(names.get_by_text("US-DPRK Hanoi Summit", exact=True)).to_be_visible()


def test_dragging_looks_closer(page: Page) -> None:
    page.goto("/timeline?from=2000&until=2019&kind=summit")
    await_layout(page)
    box = page.locator(".timeline-axis").first.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, y)
    page.mouse.move(box["x"] + box["width"] * 0.75, y)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=20(09|10)-.*until=201[45]-"))
    expect(page.get_by_label("From", exact=True)).to_have_value(re.compile("^20(09|10)"))


def test_keys_look_closer_and_wider(page: Page) -> None:
    page.goto("/timeline?from=2000&until=2019&kind=summit")
    page.get_by_role("region", name="Timeline").focus()
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile("from=200[45]&until=201[45]"))


def test_its_data_can_be_taken_away(page: Page, tmp_path: Path) -> None:
    page.goto("/timeline?kind=summit&from=2018&until=2018")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "it.csv")
    with (tmp_path / "it.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON", exact=True).click()
    download.value.save_as(tmp_path / "it.json")
    items = json.loads((tmp_path / "it.json").read_text(encoding="utf-8"))["items"]
    assert [row["iri"] for row in rows] == [item["iri"] for item in items]
    assert any(row["label"] == "US-DPRK Singapore Summit" for row in rows)
    listed = page.locator("table tbody tr").count()
    assert listed == len(rows)


def test_the_query_finds_what_the_page_shows(page: Page) -> None:
    page.goto("/timeline?kind=summit&from=2018&until=2018")
    count = page.locator("table tbody tr").count()
    address = page.get_by_role("link", name="The query in SPARQL").get_attribute("href")
    assert address
    answer = page.request.get(f"{address}&format=csv")
    rows = list(csv.DictReader(answer.text().splitlines()))
    assert len({row["item"] for row in rows}) == count > 3


def test_it_fits_and_is_accessible(open_page: PageMaker) -> None:
    for narrow in (False, True):
        for dark in (False, True):
            page = open_page(narrow=narrow, dark=dark)
            page.goto("/timeline?kind=position&kind=summit&kind=planned&kind=leader&from=2012")
            assert_fits(page)
            assert find_violations(page) == []


def test_it_speaks_the_language_of_the_reader(open_page: PageMaker) -> None:
    page = open_page(language="ko")
    page.goto("/timeline?kind=leader")
    expect(page.locator(".lane-text", has_text="러시아")).to_have_count(1)


def test_a_wrong_parameter_is_explained(open_page: PageMaker) -> None:
    page = open_page(expected_errors=("400", "404"))
    page.goto("/timeline?from=soon")
    expect(page.get_by_text("“soon” is no year or day")).to_be_visible()
    page.goto("/timeline?actor=person:vladimir-putn")
    expect(page.get_by_text("person:vladimir-putin")).to_be_visible()
