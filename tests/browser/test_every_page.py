"""Every kind of page fits, is accessible, raises no error, and says what it is.

Each address is seen twice: by a phone in the dark without scripts, and by a wide, light screen with
them. What is tested is what holds for all pages; what a page is for has tests of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from .conftest import NARROW, PATIENCE, WIDE, assert_fits, find_violations

_COUNT: Final = quote("SELECT ?class (COUNT(*) AS ?n) { ?s a ?class } GROUP BY ?class LIMIT 9")
#: Addresses by what they show, and the status that is expected where it is no answer.
PAGES: Final = {
    "front": "/",
    "positions": "/positions",
    "positions, all topics": "/positions?open=all",
    "positions on a day": "/positions?on=2017-12-22",
    "positions of a cell": "/positions?actor=state:russia&topic=topic:sanctions",
    "positions on a topic": "/positions?topic=topic:sanctions",
    "positions of two": "/positions?actor=state:russia&actor=state:china",
    "timeline": "/timeline",
    "timeline by state": "/timeline?lanes=actor&kind=summit&kind=position",
    "map": "/map",
    "map of the world": "/map?view=world",
    "network of meetings": "/network",
    "network of votes": "/network?of=votes",
    "network of stances": "/network?of=stances",
    "questions": "/queries",
    "question, table": "/queries/who-was-absent?event=event:winter-olympics-sochi-2014",
    "question, bars": "/queries/actors-by-kind?view=bar",
    "question, timeline": "/queries/position-timeline",
    "question, map": "/queries/summits-and-places?view=map",
    "question, network": "/queries/holders-in-agreement?view=network",
    "question, matrix": "/queries/position-matrix?view=matrix",
    "SPARQL": "/sparql",
    "SPARQL, answer": f"/sparql?query={_COUNT}",
    "SPARQL, value": f"/sparql?query={quote('SELECT (COUNT(*) AS ?n) { ?s a pen:Claim }')}",
    "SPARQL, mistake": f"/sparql?query={quote('SELECT ?s { ?s ?p')}",
    "validation": "/validate",
    "history": "/history",
    "generation": "/history/1",
    "search": "/search?q=sanctions",
    "search, nothing": "/search?q=xyzzyx",
    "search, one class": "/search?q=summit&class=pen:Summit",
    "tables": "/tables",
    "table": "/tables/claims",
    "table of lists": "/tables/events?lang=ko",
    "unknown table": "/tables/nothing",
    "dumps": "/dumps",
    "unknown dump": "/dumps/nothing.nq",
    "question to a service": "/queries/ages-at-summits?services=snapshot",
    "question to a service, mistake": "/queries/ages-at-summits?services=nobody",
    "reconciliation": "/reconcile",
    "reconciliation of names": "/reconcile?names=Kim+Jong+Un%0AKim%0AXyzzy",
    "about": "/about",
    "programs": "/openapi",
    "state": "/id/state/south-korea",
    "person": "/id/person/moon-jae-in",
    "office": "/id/office/president-of-russia",
    "place": "/id/place/vladivostok",
    "event": "/id/event/winter-olympics-sochi-2014",
    "planned event": "/id/planned-event/us-policy-review",
    "initiative": "/id/initiative/eastern-economic-forum",
    "organization": "/id/organization/wpk",
    "document": "/id/document/sovremennaia-koreia",
    "topic": "/topic/sanctions",
    "graph": "/graph/record",
    "vote": "/id/vote/1695-argentina",
    "measure": "/id/measure/1540-committee",
    "link": "/id/link/state-vietnam",
    "claim": "/id/claim/c017",
    "passage": "/id/passage/c017",
    "resolution": "/id/resolution/2397",
    "draft": "/id/resolution/s-2024-255",
    "position": "/id/position/vladimir-putin-opposes-deficit-of-sovereignty",
    "tension": "/id/tension/china-and-sanctions",
    "section, paged": "/id/state/russia?section=claims-about",
    "unknown thing": "/id/state/rusia",
    "unknown address": "/nothing/here",
    "wrong parameter": "/positions?on=tomorrow",
    "unknown question": "/queries/nothing",
}
#: Of ten thousands of elements, it takes axe a minute.
LONGEST: Final = "/ns"


@pytest.fixture(scope="module")
def phone(browser: Browser, address: str) -> Iterator[Page]:
    """Return a narrow, dark page; its scripts are empty, as axe needs a browser that runs its own."""
    yield from _open(browser, address, NARROW, "dark", scripts=False)


@pytest.fixture(scope="module")
def screen(browser: Browser, address: str) -> Iterator[Page]:
    yield from _open(browser, address, WIDE, "light", scripts=True)


def _open(
    browser: Browser, address: str, size: dict[str, int], scheme: str, *, scripts: bool
) -> Iterator[Page]:
    settings: dict[str, Any] = {"viewport": size, "color_scheme": scheme}
    context = browser.new_context(base_url=address, reduced_motion="reduce", **settings)
    context.set_default_timeout(PATIENCE)
    if not scripts:
        context.route(
            "**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript")
        )
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES.keys())
def test_a_phone_without_scripts(phone: Page, path: str) -> None:
    # axe is a script: where there are none, it never comes to an end.
    _look(phone, path, axe=False)


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES.keys())
def test_a_wide_screen(screen: Page, path: str) -> None:
    _look(screen, path)


def test_the_ontology_fits(phone: Page, screen: Page) -> None:
    _look(phone, LONGEST, axe=False)
    _look(screen, LONGEST, axe=False)


def _look(page: Page, path: str, *, axe: bool = True) -> None:
    errors: list[str] = []
    listeners: dict[Any, Any] = {
        "pageerror": lambda error: errors.append(str(error)),
        "console": lambda message: errors.append(message.text) if message.type == "error" else None,
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    response = page.goto(path)
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    assert response is not None
    assert response.status < 500
    # An answer that is a problem stands in the console as a resource that failed to load.
    assert errors == [] or not response.ok
    assert_fits(page)
    assert page.locator("h1").count() == 1
    heading = page.locator("h1").inner_text().strip()
    assert heading
    assert len(page.title()) > len("Peninsula")
    if axe:
        assert find_violations(page) == []
