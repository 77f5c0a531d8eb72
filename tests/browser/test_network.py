"""The network of meetings, votes and stances: seen, taken apart, taken away."""

from __future__ import annotations

import csv
import json
import re
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import PageMaker, assert_fits, await_layout, find_violations

PLACE = re.compile(r"translate\(([\d.-]+)[ ,]([\d.-]+)\)")
GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"


def places(page: Page) -> list[tuple[float, float]]:
    found = page.locator(".network .node").evaluate_all(
        "nodes => nodes.map(node => node.getAttribute('transform'))"
    )
    matches = [PLACE.fullmatch(text) for text in found]
    return [(float(m[1]), float(m[2])) for m in matches if m]


def node(page: Page, name: str) -> Locator:
    return page.locator(f'.network .node[data-id="{name}"]')


def test_from_a_tie_to_what_makes_it_and_back(page: Page) -> None:
    page.goto("/network")
    row = page.get_by_role("table").get_by_role("row").filter(has_text="Xi Jinping").first
    row.get_by_role("link", name=re.compile("What ties")).click()
    expect(page).to_have_url(re.compile(r"a=person.*b=person.*#evidence"))
    evidence = page.locator("#evidence")
    expect(evidence.get_by_role("heading")).to_contain_text("Xi Jinping")
    expect(evidence.get_by_role("row")).to_have_count(7)  # six meetings
    evidence.get_by_role("link", name=re.compile("2018|Kim")).first.click()
    expect(page).to_have_url(re.compile("/id/event/"))
    page.go_back()
    expect(page.locator("#evidence")).to_be_visible()
    page.get_by_role("link", name="Back to the whole network").click()
    page.wait_for_url(lambda url: "b=person" not in url)
    expect(page.get_by_role("region", name=re.compile("network"))).to_be_visible()
    expect(page.locator("#evidence")).to_have_count(0)


def test_stances_without_scripts(open_page: PageMaker) -> None:
    page = open_page(scripts=False)
    page.goto("/network")
    page.get_by_role("link", name="Agreement and conflict of stances").click()
    page.get_by_label("Within the topic").select_option("topic:sanctions")
    page.get_by_label("Tie", exact=True).select_option("conflict")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(re.compile("topic=topic%3Asanctions"))
    expect(page.get_by_label("Within the topic")).to_have_value("topic:sanctions")
    drawing = page.get_by_role("region", name=re.compile("network"))
    expect(drawing.locator(".edge.conflict")).not_to_have_count(0)
    expect(drawing.locator(".edge.congruence")).to_have_count(0)
    expect(drawing.get_by_role("link", name=re.compile("^Russia: "))).to_be_visible()
    # Every label stands inside the drawing, in a line of its own.
    await_layout(page)
    boxes = [box for text in drawing.locator("text").all() if (box := text.bounding_box())]
    frame = drawing.locator("svg").bounding_box()
    assert frame
    for box in boxes:
        assert frame["x"] <= box["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"]
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            assert (
                abs(one["y"] - other["y"]) > 12
                or one["x"] + one["width"] <= other["x"]
                or other["x"] + other["width"] <= one["x"]
            )


def test_with_scripts_a_choice_is_enough_and_the_network_settles(page: Page) -> None:
    page.goto("/network")
    expect(page.locator(".network.settled")).to_be_visible()
    page.get_by_label("Nodes", exact=True).select_option("states")
    expect(page).to_have_url(re.compile(r"actors=states"))
    assert "meetings=" not in page.url  # what was not chosen stays out of the address
    expect(page.locator(".network.settled")).to_be_visible()
    settled = places(page)
    box = page.locator(".network svg").bounding_box()
    assert box
    assert all(0 < x < box["width"] and 0 < y < box["height"] for x, y in settled)
    # Who wants less motion sees it at rest.
    assert places(page) == settled
    page.go_back()
    expect(page.get_by_label("Nodes", exact=True)).to_have_value("")


def test_a_network_that_is_not_shown_yet_settles_when_it_is(page: Page) -> None:
    # As soon as it is parsed, which is before any script of the page runs.
    page.add_init_script(
        """new MutationObserver((_, watch) => {
          const frame = document.querySelector(".network");
          if (!frame) return;
          frame.style.display = "none";
          watch.disconnect();
        }).observe(document, { childList: true, subtree: true })"""
    )
    page.goto("/network")
    page.evaluate("document.fonts.ready")
    expect(page.locator(".network")).not_to_have_class(re.compile("settled"))
    assert "NaN" not in page.locator(".network").inner_html()
    page.evaluate("document.querySelector('.network').style.display = ''")
    expect(page.locator(".network.settled")).to_be_visible()
    box = page.locator(".network svg").bounding_box()
    assert box
    assert all(0 < x < box["width"] and 0 < y < box["height"] for x, y in places(page))


def test_it_moves_only_for_those_who_like_motion(page: Page) -> None:
    page.emulate_media(reduced_motion="no-preference")
    page.goto("/network")
    expect(page.locator(".network.settled")).to_be_visible()
    expect(page.locator(".network.moving")).to_have_count(0)
    at_rest = places(page)
    page.emulate_media(reduced_motion="reduce")
    page.goto("/network")
    expect(page.locator(".network.settled")).to_be_visible()
    assert places(page) == at_rest


def test_pointing_at_a_node_shows_its_neighbours(page: Page) -> None:
    page.goto("/network")
    expect(page.locator(".network.settled")).to_be_visible()
    node(page, "person:xi-jinping").hover()
    expect(page.locator(".network svg.narrowed")).to_be_visible()
    expect(node(page, "person:kim-jong-un")).to_have_class(re.compile("lit"))
    expect(node(page, "person:roh-moo-hyun")).not_to_have_class(re.compile("lit"))
    expect(page.locator(".network .tip")).to_contain_text("Xi Jinping: 1 neighbour")
    # The same by the keyboard, with the pointer away: the page may scroll under it.
    page.mouse.move(0, 0)
    expect(page.locator(".network svg.narrowed")).to_have_count(0)
    node(page, "person:roh-moo-hyun").focus()
    expect(node(page, "person:kim-jong-il")).to_have_class(re.compile("lit"))
    expect(node(page, "person:xi-jinping")).not_to_have_class(re.compile("lit"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/id/person/roh-moo-hyun"))


def test_a_node_is_dragged_and_the_drawing_zoomed(page: Page) -> None:
    page.goto("/network")
    expect(page.locator(".network.settled")).to_be_visible()
    dragged = node(page, "person:xi-jinping")
    await_layout(page)
    dragged.scroll_into_view_if_needed()
    circle = dragged.locator("circle.dot").bounding_box()
    assert circle
    x, y = circle["x"] + circle["width"] / 2, circle["y"] + circle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y - 50, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"/network\??$"))  # a drag is no click
    after = dragged.locator("circle.dot").bounding_box()
    assert after
    assert after["x"] == pytest.approx(circle["x"] - 60, abs=3)
    assert after["y"] == pytest.approx(circle["y"] - 50, abs=3)
    view = page.locator(".network-view")
    page.get_by_role("button", name="Zoom in").click()
    expect(view).to_have_attribute("transform", re.compile(r"scale\(1\.4"))
    page.get_by_role("button", name="Fit to the frame").click()
    expect(view).to_have_attribute("transform", re.compile(r"scale\(1\)"))
    # The wheel alone scrolls the page.
    page.mouse.move(x, y + 30)
    page.mouse.wheel(0, 200)
    page.wait_for_function("() => scrollY > 100")
    expect(view).to_have_attribute("transform", re.compile(r"scale\(1\)"))


def test_a_click_on_a_tie_shows_what_makes_it(page: Page) -> None:
    page.goto("/network?of=stances&topic=topic:sanctions&fold=yes")
    expect(page.locator(".network.settled")).to_be_visible()
    edge = page.locator(".network .edge.conflict").first
    edge.locator(".tie").dispatch_event("click")
    expect(page.locator("#evidence .stance").first).to_be_visible()
    expect(page.locator("#evidence")).to_contain_text("supports")
    expect(page.locator("#evidence")).to_contain_text("opposes")


@pytest.mark.parametrize(
    "where",
    [
        "/network?actors=states&meetings=events&isolates=yes",
        "/network?of=votes&rule=both&normalization=common",
        "/network?of=stances&a=state:russia&b=state:china",
        "/network?of=stances&mode=affiliation&topic=topic:security",
        "/network?of=stances&until=1950",
    ],
)
def test_it_is_accessible_and_fits(open_page: PageMaker, where: str) -> None:
    for narrow in (False, True):
        for dark in (False, True):
            page = open_page(narrow=narrow, dark=dark)
            page.goto(where)
            page.locator("details.rules summary").click()
            assert_fits(page)
            assert find_violations(page) == []


def test_files_hold_what_the_page_shows(page: Page) -> None:
    page.goto("/network?of=stances")
    shown = page.locator("section").filter(has=page.get_by_role("heading", name="Ties", exact=True))
    rows = shown.locator("tbody tr").count()
    files = {}
    for name in ("GraphML", "list of ties, CSV", "JSON", "matrix, CSV", "matrix, JSON"):
        with page.expect_download() as started:
            page.get_by_role("link", name=name, exact=True).click()
        assert started.value.suggested_filename.startswith("network-stances")
        files[name] = started.value.path().read_text(encoding="utf-8")
    edges = list(ET.fromstring(files["GraphML"]).iter(f"{GRAPHML}edge"))
    listed = list(csv.DictReader(files["list of ties, CSV"].splitlines()))
    found = json.loads(files["JSON"])
    assert len(edges) == len(listed) == len(found["ties"]) == rows
    matrices = json.loads(files["matrix, JSON"])
    place = {row["id"]: i for i, row in enumerate(matrices["rows"])}
    for tie in found["ties"]:
        matrix = matrices["matrices"][tie["rule"]]
        one, other = place[tie["source"]], place[tie["target"]]
        assert matrix[one][other] == matrix[other][one] == tie["weight"]
    table = list(csv.reader(files["matrix, CSV"].splitlines()))
    assert len(table) == 1 + 2 * len(place)
    assert all(len(row) == 2 + len(place) for row in table)


def test_the_query_is_one_click_away(page: Page) -> None:
    page.goto("/network?of=votes")
    page.get_by_role("link", name="The query for its statements").click()
    expect(page).to_have_url(re.compile("/sparql"))
    expect(page.get_by_role("main")).to_contain_text("isCastBy")


def test_the_permalink_shows_the_same_network(page: Page) -> None:
    page.goto("/network?of=stances&rule=subtract&normalization=average")
    weights = page.locator("td.number").all_inner_texts()
    page.goto(page.locator("#permalink").inner_text())
    expect(page.get_by_role("note")).to_contain_text("generation 1")
    assert page.locator("td.number").all_inner_texts() == weights
    # Ties and tabs stay in that generation.
    page.get_by_role("link", name="Meetings", exact=True).click()
    # The page before was of that generation, too.
    page.wait_for_url(lambda url: "of=stances" not in url)
    expect(page).to_have_url(re.compile("generation=1"))
    page.get_by_label("Nodes", exact=True).select_option("states")
    expect(page).to_have_url(re.compile("generation=1.*actors=states|actors=states.*generation=1"))
