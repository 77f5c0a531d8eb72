"""How does somebody write a query on the page for it, run it, and look at the answer?"""

from __future__ import annotations

import re
from urllib.parse import quote

from playwright.sync_api import Locator, Page

VOTES = """\
# Who cast most votes?
SELECT ?state (COUNT(*) AS ?votes) { ?vote pen:isCastBy ?state }
GROUP BY ?state ORDER BY DESC(?votes) ?state LIMIT 8"""
STATES = "SELECT ?state ?capital { ?state a pen:State ; pen:hasCapital ?capital } ORDER BY ?state LIMIT 7"
#: Takes hours: no pattern shares a variable with another.
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
#: A million rows, which come at once.
MILLION = (
    "SELECT * { ?a a pen:Claim . ?b a pen:Claim . ?c rdfs:label ?d . FILTER(LANG(?d) = 'en') }"
)


def ask(query: str, **parameters: str) -> str:
    more = "".join(f"&{name}={quote(value)}" for name, value in parameters.items())
    return f"/sparql?query={quote(query)}{more}"


def editor(page: Page) -> Locator:
    return page.get_by_role("textbox", name="SPARQL query")


def offers(page: Page) -> Locator:
    # A list that is being made anew for what was just typed still shows the offers of before.
    current = page.locator(".cm-tooltip-autocomplete:not(.cm-tooltip-autocomplete-disabled)")
    return current.get_by_role("listbox", name="Completions").get_by_role("option")


def write(page: Page, text: str) -> None:
    """Type a query in place of the one that is there; brackets close by themselves."""
    clear(page)
    page.keyboard.insert_text(text[:-1])
    page.keyboard.type(text[-1])


def accept(page: Page) -> None:
    """Take the first offer by the keyboard."""
    # In the first moment of a list, Enter is still for the line that somebody was writing.
    page.wait_for_timeout(150)
    page.keyboard.press("Enter")


def clear(page: Page) -> None:
    editor(page).focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")


def put(page: Page, query: str) -> None:
    clear(page)
    page.keyboard.insert_text(query)


def text_of(page: Page) -> Locator:
    """Return the field that holds what stands in the editor."""
    return page.locator("#query")


def beginning(text: str) -> re.Pattern[str]:
    return re.compile("^" + re.escape(text))


def run(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()


def rows(page: Page) -> Locator:
    return page.locator("#answer tbody tr")
