"""The map in a browser: with and without scripts, wide and narrow, light and dark."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from .conftest import PageMaker, assert_fits, find_violations


def test_a_place_leads_to_what_happened_there(page: Page) -> None:
    page.goto("/map")
    page.get_by_role("region", name="Map").get_by_role("link", name="Vladivostok").click()
    expect(page).to_have_url(re.compile("#place-vladivostok$"))
    section = page.locator("#place-vladivostok")
    expect(section).to_be_focused()
    section.get_by_role("link", name="DPRK-Russia Vladivostok Summit 2019").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Vladivostok")
    page.go_back()
    expect(page).to_have_url(re.compile("#place-vladivostok$"))


def test_the_outlines_are_drawn_and_our_own(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/map?view=peninsula")
    expect(page.locator(".map-land")).to_be_visible()
    box = page.locator(".map-land").bounding_box()
    assert box and box["width"] > 500 and box["height"] > 500
    assert any("outlines-peninsula" in url for url in asked)
    assert all(url.startswith(("data:", page.url.split("/map")[0])) for url in asked)


def test_it_works_without_scripts(open_page: PageMaker) -> None:
    page = open_page(scripts=False)
    page.goto("/map")
    page.get_by_label("Actor", exact=True).select_option(label="Kim Jong-un")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("actor=person%3Akim-jong-un"))
    page.get_by_role("link", name="World", exact=True).click()
    expect(page).to_have_url(re.compile("actor=.*view=world|view=world.*actor="))
    region = page.get_by_role("region", name="Map")
    expect(region.get_by_role("link", name=re.compile("Singapore"))).to_be_visible()
    # Panmunjom has no point in the graph, and is not dropped.
    expect(page.locator("#unplaced ~ .sites")).to_contain_text("Panmunjom")


def test_a_spot_of_several_places_leads_to_a_closer_view(page: Page) -> None:
    page.goto("/map")
    page.get_by_role("region", name="Map").get_by_role(
        "link", name=re.compile("Pyongyang, ")
    ).click()
    expect(page).to_have_url(re.compile("view=peninsula"))
    region = page.get_by_role("region", name="Map")
    expect(region.get_by_role("link", name="Pyongyang", exact=True)).to_be_visible()
    expect(region.get_by_role("link", name="Kaesong", exact=True)).to_be_visible()


def test_it_can_be_enlarged(page: Page) -> None:
    page.goto("/map?view=peninsula")
    spot = page.get_by_role("region", name="Map").get_by_role("link", name="Seoul")
    ground = page.locator(".map-ground")
    page.get_by_role("button", name="Larger").click()
    expect(ground).to_have_attribute("transform", re.compile("scale\\(1\\.[56]"))
    expect(spot).to_have_attribute("transform", re.compile("translate"))
    circle = spot.locator(".spot-circle").bounding_box()
    page.get_by_role("button", name="As at first").click()
    expect(ground).to_have_attribute("transform", "translate(0,0) scale(1)")
    after = spot.locator(".spot-circle").bounding_box()
    assert circle and after and abs(circle["width"] - after["width"]) < 1


def test_its_data_can_be_taken_away(page: Page, tmp_path: Path) -> None:
    page.goto("/map")
    with page.expect_download() as download:
        page.get_by_role("link", name="GeoJSON").click()
    download.value.save_as(tmp_path / "it.geojson")
    found = json.loads((tmp_path / "it.geojson").read_text(encoding="utf-8"))
    places = {f["properties"]["label"]: f for f in found["features"]}
    longitude, latitude = places["Vladivostok"]["geometry"]["coordinates"]
    assert 131 < longitude < 133 and 42 < latitude < 44
    assert places["Panmunjom"]["geometry"] is None
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "it.csv")
    with (tmp_path / "it.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    there = [row for row in rows if row["placeLabel"] == "Vladivostok"]
    assert len(there) == places["Vladivostok"]["properties"]["count"] > 5


def test_it_fits_and_is_accessible(open_page: PageMaker) -> None:
    for narrow in (False, True):
        for dark in (False, True):
            page = open_page(narrow=narrow, dark=dark)
            page.goto("/map?others=1&view=world" if narrow else "/map")
            assert_fits(page)
            assert find_violations(page) == []
