"""A text is pasted or dropped, judged, mended by a click and submitted; then the history has it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

import pyoxigraph as ox
from playwright.sync_api import Locator, Page, expect

from peninsula.examples import EXAMPLES

from .conftest import NARROW, WIDE, PageMaker, Writable, assert_fits, find_violations

#: One slip, with one mend.
SLIP = EXAMPLES["right"].replace('pen:from "2019-06-04"^^xsd:date', 'pen:from "2019-06-04"')
LINE = SLIP[: SLIP.index('pen:from "2019')].count("\n") + 1
MEND = 'Write "2019-06-04"^^xsd:date instead of "2019-06-04".'
REFUSED = ("Failed to load resource",)
SECONDS = 60_000


def paste(page: Page, text: str) -> None:
    page.locator(".code-editor .cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def verdict(page: Page, text: str) -> None:
    expect(page.locator("[data-verdict]")).to_have_text(text, timeout=SECONDS)


def typed(page: Page) -> Locator:
    """Return the field that holds what stands in the editor."""
    return page.locator("#data")


def test_paste_report_mend_submit_history_diff(open_page: PageMaker, writable: Writable) -> None:
    page = open_page(base=writable.address, expected_errors=REFUSED)
    page.goto("/validate")
    paste(page, SLIP)
    page.get_by_role("button", name="Validate", exact=True).click()
    verdict(page, "It does not conform")
    assert page.url.endswith("/validate"), "the page stays where it is"
    expect(page.locator(".code-editor .cm-lint-marker-error")).to_have_count(1)
    expect(page.get_by_role("heading", name="Example summit in Hanoi")).to_be_visible()
    page.locator(".finding").first.get_by_role("link", name=f"line {LINE}").click()
    expect(page.locator(".code-editor .cm-content")).to_be_focused()

    page.locator("#outcome").get_by_role("button", name=MEND).first.click()
    verdict(page, "It conforms")
    expect(typed(page)).to_have_value(EXAMPLES["right"])
    expect(page.locator(".code-editor .cm-lint-marker-error")).to_have_count(0)

    # A token that is none is refused, and nothing is lost.
    page.get_by_label("Token").fill("pen_wrong")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.locator("[data-submit] [data-outcome]")).to_contain_text("It was refused")
    page.get_by_label("Token").fill(writable.token)
    page.get_by_role("button", name="Submit", exact=True).click()
    published = page.locator("[data-published]")
    expect(published).to_be_visible(timeout=SECONDS)
    number = int(published.locator("[data-number]").inner_text())
    assert number >= 2
    assert (
        page.evaluate("JSON.stringify(sessionStorage) + JSON.stringify(localStorage)").count("pen_")
        == 0
    )
    assert writable.token not in page.content()

    published.get_by_role("link", name=re.compile("generation")).click()
    expect(page).to_have_url(re.compile(f"/history/{number}$"))
    expect(page.locator(".change").first).to_contain_text("Example summit in Hanoi")
    expect(page.locator(".facts")).to_contain_text("tester")
    page.get_by_role("link", name="with the one before").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        f"From generation {number - 1} to {number}"
    )
    expect(page.locator("ins").filter(has_text="Example summit in Hanoi").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="RDF Patch").click()
    patch = Path(download.value.path()).read_bytes()
    assert patch.startswith(b"TX .\nA ")
    page.go_back()
    expect(page).to_have_url(re.compile(f"/history/{number}$"))


def test_what_is_refused_is_told_in_the_same_form(open_page: PageMaker, writable: Writable) -> None:
    page = open_page(base=writable.address, expected_errors=REFUSED)
    page.goto("/validate")
    text = SLIP.replace("example-summit", "other-summit")
    paste(page, text)
    page.keyboard.press("Control+Enter")
    verdict(page, "It does not conform")
    page.get_by_label("Token").fill(writable.token)
    page.get_by_label("remember it in this tab").check()
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.locator("#outcome > .problem").first).to_contain_text(
        "nothing was changed", timeout=SECONDS
    )
    verdict(page, "It does not conform")
    expect(page.get_by_label("Token")).to_have_value(writable.token)
    expect(page.locator(".finding").first).to_be_visible()
    page.get_by_label("remember it in this tab").uncheck()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_file_is_dropped_and_its_line_is_marked(page: Page) -> None:
    page.goto("/validate")
    dropped = page.evaluate_handle(
        """text => {
            const data = new DataTransfer();
            data.items.add(new File([text], "mine.ttl", { type: "" }));
            return data;
        }""",
        SLIP,
    )
    page.locator(".code-editor").dispatch_event("drop", {"dataTransfer": dropped})
    verdict(page, "It does not conform")
    expect(typed(page)).to_have_value(SLIP)
    expect(page.locator("[data-name]")).to_contain_text("mine.ttl")
    expect(page.locator(".code-editor .cm-lint-marker-error")).to_have_count(1)
    # The mark offers the mend, too.
    page.locator(".code-editor .cm-lint-marker-error").hover()
    expect(page.locator(".code-editor .cm-tooltip")).to_contain_text("The earliest day is one date")


def test_a_syntax_error_is_marked_and_prefixes_are_declared(open_page: PageMaker) -> None:
    page = open_page(expected_errors=REFUSED)
    page.goto("/validate")
    paste(page, "event:x a pen:Event .\n")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#outcome .problem")).to_contain_text("has not been declared")
    expect(page.locator(".code-editor .cm-lint-marker-error")).to_have_count(1)
    page.get_by_role("button", name="Declare the prefixes").click()
    expect(page.locator("[data-verdict]")).to_contain_text("conform", timeout=SECONDS)
    declared = "PREFIX event: <https://w3id.org/peninsula/id/event/>\n"
    expect(typed(page)).to_have_value(re.compile("^" + re.escape(declared)))
    # What was mended can be undone.
    page.locator(".code-editor .cm-content").click()
    page.keyboard.press("Control+z")
    expect(typed(page)).to_have_value("event:x a pen:Event .\n")


def test_the_whole_way_without_scripts(open_page: PageMaker) -> None:
    page = open_page(scripts=False)
    page.goto("/validate")
    page.get_by_role("link", name="typical slips").click()
    page.wait_for_url(re.compile(r"\?example=slips$"))
    page.locator("#data").fill(SLIP)
    page.get_by_role("button", name="Validate", exact=True).click()
    verdict(page, "It does not conform")
    marked = page.locator(".listing .marked-violation")
    expect(marked).to_have_count(1)
    expect(marked).to_have_attribute("value", str(LINE))
    page.locator(".finding").first.get_by_role("link", name=f"line {LINE}").click()
    expect(page).to_have_url(re.compile(rf"#line-1-{LINE}$"))
    marked.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(r"#result-\d+$"))
    expect(page.get_by_label("Token")).to_be_hidden()
    page.get_by_text("From a terminal, with the text in a file").click()
    expect(page.locator("#submit-command")).to_contain_text("Authorization: Bearer $TOKEN")
    page.locator("#outcome").get_by_role("button", name=MEND).first.click()
    verdict(page, "It conforms")
    expect(typed(page)).to_have_value(EXAMPLES["right"])


def test_the_report_is_taken_away(open_page: PageMaker) -> None:
    page = open_page()
    page.goto("/validate")
    paste(page, SLIP)
    page.get_by_role("button", name="Validate", exact=True).click()
    verdict(page, "It does not conform")
    taken = {}
    for name in ("Turtle", "JSON", "CSV", "SARIF", "Text"):
        with page.expect_download(timeout=SECONDS) as download:
            page.get_by_role("button", name=name, exact=True).click()
        taken[download.value.suggested_filename] = Path(download.value.path()).read_text()
    assert sorted(taken) == [
        "report.csv",
        "report.json",
        "report.sarif",
        "report.ttl",
        "report.txt",
    ]
    report = json.loads(taken["report.json"])
    assert report["violations"] >= 1
    assert json.loads(taken["report.sarif"])["version"] == "2.1.0"
    assert len(list(ox.parse(taken["report.ttl"], format=ox.RdfFormat.TURTLE))) > 20
    assert taken["report.csv"].startswith("severity,focus_node")
    assert f"line {LINE}: Violation" in taken["report.txt"]
    # The page stands as it was.
    verdict(page, "It does not conform")


def test_what_conforms_and_what_it_would_change(page: Page) -> None:
    page.goto("/validate?example=right")
    page.get_by_label("tell which questions").check()
    page.get_by_role("button", name="Validate", exact=True).click()
    verdict(page, "It conforms")
    expect(page.locator(".effect")).to_contain_text("26 statements")
    expect(page.locator(".effect")).to_contain_text("questions of the library")
    page.get_by_text("What was checked").click()
    page.locator(".rules-asked").get_by_role("link", name="summit", exact=True).click()
    expect(page).to_have_url(re.compile("/ns.html#Summit$|/ns#Summit$"))


def test_the_page_is_accessible_and_fits(open_page: PageMaker) -> None:
    page = open_page()
    page.goto("/validate?example=slips")
    page.get_by_role("button", name="Validate", exact=True).click()
    verdict(page, "It does not conform")
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert_fits(page)
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            assert find_violations(page) == []
    page = open_page(scripts=False, narrow=True)
    page.goto("/validate?example=slips")
    page.get_by_role("button", name="Validate", exact=True).click()
    verdict(page, "It does not conform")
    expect(page.locator(".listing")).to_be_visible()
    assert_fits(page)
