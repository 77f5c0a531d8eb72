"""The library of questions, a question in each of its views, and what can be taken away."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import Page, expect

from .conftest import PageMaker, assert_fits, find_violations

#: A question for each view, and what its drawing holds.
VIEWS = [
    ("table", "/queries/expectations-for-biden-administration", "table[data-sortable]"),
    ("timeline", "/queries/position-timeline", ".drawing.timeline a.mark"),
    ("map", "/queries/summits-and-places", ".drawing.map a.spot"),
    ("network", "/queries/meetings-by-pair", ".drawing.network a.node"),
    ("stances", "/queries/position-matrix", ".drawing.matrix td a"),
    ("matrix", "/queries/claims-by-kind-and-modality", ".drawing.pivot td a"),
    ("bar", "/queries/entities-mentioned-most?view=bar", "figure.chart a"),
]


def download(page: Page, name: str, path: Path) -> str:
    with page.expect_download() as started:
        page.locator(".downloads").get_by_text(name, exact=True).click()
    started.value.save_as(path)
    return path.read_text(encoding="utf-8")


# The library.


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_question_is_found_by_words_and_tags(open_page: PageMaker, *, scripts: bool) -> None:
    page = open_page(scripts=scripts)
    page.goto("/queries")
    before = page.locator(".questions > li").count()
    assert before > 100
    field = page.get_by_label("Words of the question")
    field.fill("biden")
    if not scripts:
        page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(".found-count")).to_contain_text("fit")
    page.wait_for_url(re.compile("q=biden"))
    assert 0 < page.locator(".questions > li").count() < 10
    page.locator(".question-tags").get_by_role("link", name="us-policy").first.click()
    expect(page).to_have_url(re.compile("tag=us-policy"))
    page.get_by_role("link", name=re.compile("What is forecast about the Biden")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Biden administration")
    page.go_back()
    expect(page).to_have_url(re.compile("q=biden.*tag=us-policy"))
    expect(page.locator(".tag.chosen")).to_contain_text("us-policy")


def test_what_is_typed_narrows_the_list_at_once(page: Page) -> None:
    page.goto("/queries")
    field = page.get_by_label("Words of the question")
    field.press_sequentially("vetoes")
    expect(page.locator(".found-count")).to_contain_text(re.compile(r"^[1-5] questions? fit"))
    expect(page.locator(".questions .summary", has_text="were vetoed")).to_be_visible()
    expect(field).to_be_focused()
    field.fill("zzzz")
    expect(page.locator("#found")).to_contain_text("No question fits")
    field.fill("")
    field.press("Enter")
    expect(page.locator(".questions > li")).not_to_have_count(0)
    expect(field).to_be_enabled()


# Views.


@pytest.mark.parametrize(("view", "path", "part"), VIEWS, ids=[view for view, *_ in VIEWS])
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_an_answer_is_drawn(
    open_page: PageMaker, view: str, path: str, part: str, *, scripts: bool
) -> None:
    page = open_page(scripts=scripts)
    page.goto(path)
    expect(page.locator(f".answer {part}").first).to_be_visible()
    assert page.locator(f".answer {part}").count() > (0 if view == "table" else 3)
    if view != "table":
        expect(page.locator(".views [aria-current]")).to_have_count(1)
        # The same rows are there as a table.
        page.locator(".answer-rows > summary").click()
        expect(page.locator(".answer-rows table")).to_be_visible()
        page.locator(".views").get_by_role("link", name="Table", exact=True).click()
        expect(page.locator(".answer > .scroll table")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "part"), [rest for _, *rest in VIEWS], ids=[view for view, *_ in VIEWS]
)
def test_a_view_is_accessible_and_fits(open_page: PageMaker, path: str, part: str) -> None:
    for narrow, dark in ((False, True), (True, False)):
        page = open_page(narrow=narrow, dark=dark)
        page.goto(path)
        expect(page.locator(f".answer {part}").first).to_be_visible()
        assert_fits(page)
        assert find_violations(page) == []


@pytest.mark.parametrize("path", ["/queries", "/openapi", "/queries/votes-by-state?state=Rusia"])
def test_pages_are_accessible_and_fit(open_page: PageMaker, path: str) -> None:
    for narrow, dark in ((False, True), (True, False)):
        page = open_page(narrow=narrow, dark=dark, expected_errors=("400",))
        page.goto(path)
        assert_fits(page)
        assert find_violations(page) == []


@pytest.mark.parametrize(
    ("query", "selector"),
    [
        (
            "#defaultView:LineChart\nSELECT ?year ?count { VALUES (?year ?count) { (2016 2) (2017 5) (2018 3) } }",
            "figure.chart svg circle >> nth=2",
        ),
        (
            "#defaultView:ScatterChart\nSELECT ?a ?b { VALUES (?a ?b) { (1 2) (2 5) (3 3) } }",
            "figure.chart svg circle >> nth=2",
        ),
        (
            (
                "#defaultView:BarChart\nSELECT ?s ?vote ?count { VALUES (?s ?vote ?count) {"
                ' ("A" "yes" 1) ("A" "no" 2) ("B" "yes" 3) } }'
            ),
            "figure.chart .legend",
        ),
    ],
    ids=["line", "points", "bars in series"],
)
def test_charts_are_drawn_by_the_comment(page: Page, query: str, selector: str) -> None:
    page.goto("/sparql")
    page.evaluate(
        "query => { location.href = `/sparql?query=${encodeURIComponent(query)}` }", query
    )
    expect(page.locator(selector).first).to_be_visible()
    # No style of the library's own comes with it.
    assert page.locator("main style").count() == 0


def test_a_table_is_sorted_by_its_headings(page: Page) -> None:
    page.goto("/queries/resolutions?view=table")
    heading = page.get_by_role("columnheader", name="adopted")
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    column = page.locator(".answer thead th").evaluate_all(
        "heads => heads.findIndex(head => head.textContent.trim() === 'adopted')"
    )
    days = [
        text.strip()
        for text in page.locator(f".answer tbody td:nth-child({column + 1})").all_inner_texts()
        if text.strip()
    ]
    assert len(days) > 20
    assert days == sorted(days, reverse=True)


def test_a_cell_of_a_matrix_leads_to_its_row(page: Page) -> None:
    page.goto("/queries/claims-by-kind-and-modality")
    cell = page.locator(".pivot td a").first
    number = cell.inner_text()
    cell.click()
    row = page.locator("tr:target")
    expect(row).to_be_visible()
    expect(row).to_contain_text(number)


# Parameters.


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_question_is_set_by_label(open_page: PageMaker, *, scripts: bool) -> None:
    page = open_page(scripts=scripts)
    page.goto("/queries/expectations-for-biden-administration")
    whole = page.locator(".answer tbody tr").count()
    page.get_by_label("Whose view is reported").select_option("Russia")
    if not scripts:
        page.get_by_role("button", name="Ask").click()
    page.wait_for_url(re.compile(r"\?holder=state%3Arussia$"))
    expect(page.locator(".answer tbody tr")).not_to_have_count(whole)
    holders = page.locator(".answer tbody td:nth-child(4)").all_inner_texts()
    assert set(holders) == {"Russia"}
    page.go_back()
    expect(page.locator(".answer tbody tr")).to_have_count(whole)


def test_a_thing_is_suggested_while_its_name_is_typed(page: Page) -> None:
    page.goto("/queries/claims-about-entity")
    field = page.get_by_role("combobox", name="A thing in the graph")
    field.fill("")
    field.press_sequentially("maximum pressure")
    option = page.get_by_role("option").first
    expect(option).to_contain_text(re.compile("maximum pressure", re.IGNORECASE))
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value(re.compile(r"^[\w-]+:[\w-]+$"))
    page.get_by_role("button", name="Ask").click()
    expect(page).to_have_url(re.compile(r"entity=[\w-]+(:|%3A)[\w-]+"))
    expect(field).to_have_value(re.compile("^maximum pressure", re.IGNORECASE))


def test_a_typed_name_is_taken_for_what_it_names(open_page: PageMaker) -> None:
    page = open_page(scripts=False, expected_errors=("400",))
    page.goto("/queries/meetings-of?person=Moon%20Jae-in")
    expect(page).to_have_url(re.compile("person=person%3Amoon-jae-in$"))
    page.goto("/queries/meetings-of?person=Moon")
    error = page.locator(".field-error")
    expect(error).to_contain_text("Nothing is called “Moon”")
    page.locator(".nearby a").first.click()
    expect(page.locator(".answer")).to_be_visible()


def test_the_query_opens_in_the_editor_with_its_parameters(page: Page) -> None:
    page.goto("/queries/votes-by-state?state=state:russia")
    rows = page.locator(".answer-rows tbody tr").count()
    page.get_by_text("SPARQL", exact=True).last.click()
    expect(page.locator("#sparql-text")).to_contain_text("VALUES ?state { state:russia }")
    page.get_by_role("button", name="Open in the editor").click()
    expect(page).to_have_url(re.compile("/sparql"))
    expect(page.locator("main")).to_contain_text("VALUES ?state { state:russia }")
    expect(page.locator(".answer .count").first).to_contain_text(str(rows))


# Exports.


def test_an_answer_is_taken_away_in_every_format(page: Page, tmp_path: Path) -> None:
    page.goto("/queries/meetings-by-pair")
    count = int(re.sub(r"\D", "", page.locator(".answer .count").inner_text()))
    rows = list(csv.DictReader(io.StringIO(download(page, "CSV", tmp_path / "a.csv"))))
    assert len(rows) == count
    assert rows[0]["personALabel"]
    tabbed = download(page, "TSV", tmp_path / "a.tsv").splitlines()
    assert len(tabbed) == count + 1
    told = json.loads(download(page, "JSON", tmp_path / "a.json"))
    assert len(told["results"]["bindings"]) == count
    tree = ET.fromstring(download(page, "XML", tmp_path / "a.xml"))
    assert len(list(tree.iter("{http://www.w3.org/2005/sparql-results#}result"))) == count
    graph = ET.fromstring(download(page, "GraphML", tmp_path / "a.graphml"))
    space = "{http://graphml.graphdrawing.org/xmlns}"
    assert len(graph.findall(f".//{space}edge")) == count
    names = {node.get("id") for node in graph.findall(f".//{space}node")}
    assert "person:kim-jong-un" in names


def test_places_are_taken_away_as_geojson(page: Page, tmp_path: Path) -> None:
    page.goto("/queries/summits-and-places")
    features = json.loads(download(page, "GeoJSON", tmp_path / "a.geojson"))["features"]
    hanoi = next(f for f in features if f["properties"].get("placeLabel") == "Hanoi")
    longitude, latitude = hanoi["geometry"]["coordinates"]
    assert 105 < longitude < 107
    assert 20 < latitude < 22


def test_a_chart_is_taken_away_as_a_picture(page: Page, tmp_path: Path) -> None:
    page.goto("/queries/entities-mentioned-most?view=bar")
    drawing = ET.fromstring(download(page, "SVG", tmp_path / "a.svg"))
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")}
    assert "116" in texts or any(text and text.isdigit() for text in texts)
    assert not list(drawing.iter("{http://www.w3.org/2000/svg}style"))


def test_what_russia_expects_of_biden_in_six_clicks(page: Page, tmp_path: Path) -> None:
    page.goto("/")
    page.locator("header").get_by_role("link", name="Questions").click()
    page.locator(".question-tags").get_by_role("link", name=re.compile("^expectations")).click()
    page.get_by_role("link", name=re.compile("Biden administration")).first.click()
    # A choice is an answer only once the scripts are there.
    page.wait_for_url(re.compile("/queries/expectations-for-biden-administration"))
    page.get_by_label("Whose view is reported").select_option("Russia")  # two clicks
    expect(page).to_have_url(re.compile("holder="))
    text = download(page, "CSV", tmp_path / "a.csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows
    assert {row["holderLabel"] for row in rows} == {"Russia"}
    assert any("engagement ahead of denuclearization" in row["paraphrase"] for row in rows)


def test_the_permalink_shows_the_same_answer(page: Page) -> None:
    page.goto("/queries/votes-by-state?state=state:russia&view=table")
    address = page.locator("#permalink").inner_text()
    assert "view=table" in address
    assert "generation=1" in address
    rows = page.locator(".answer tbody tr").count()
    page.goto(address)
    expect(page.locator(".answer tbody tr")).to_have_count(rows)
    # What is taken away from there is from there.
    href = page.locator(".downloads a").first.get_attribute("href") or ""
    assert "generation=1" in href


# For programs.


def test_the_interface_is_explained_and_tried(page: Page) -> None:
    page.goto("/openapi#votes-by-state")
    operation = page.locator("#votes-by-state")
    operation.locator("summary").click()
    expect(operation).to_contain_text("state:china")
    address = operation.locator("a.try").get_attribute("href")
    response = page.request.get(address or "")
    assert response.ok
    assert response.json()["results"]["bindings"]
