"""Whatever somebody with a token writes, it is text on every page: nothing of it runs.

A server of its own holds labels, comments, literals of every kind, IRIs of dangerous schemes and
names of graphs that would do something if a page forgot to escape them. Every page is opened, with
scripts; a dialog, an error in the console (a breach of the Content-Security-Policy is one), or an
element that came out of a text fails the test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import PageMaker, Writable, assert_fits, await_quiet, serving_writable

SCRIPT = "<script>window.pwned=1</script>"
IMAGE = '"><img src=x onerror="window.pwned=2">'
DRAWING = "'/><svg onload='window.pwned=3'><animate onbegin='window.pwned=3'/></svg>"
ENDS = "</title></textarea></script></style>-->]]><iframe srcdoc='<script>parent.pwned=4</script>'>"
TEMPLATE = "{{ 7 * 191 }}{% raw %}${window.pwned=5}"
TURNED = "\u202e\u2066 evil \u0000".replace("\u0000", "") + SCRIPT
LONG = "W" * 3000
GRAPH = "javascript:window.pwned=6"
QUOTED_GRAPH = "http://example.org/g'onmouseover='window.pwned=7'&lt;script&gt;"
THING = "https://w3id.org/peninsula/id/event/hostile"
#: Ends with something that a page would resolve against itself, or take for a script.
LINKS = (
    "javascript:window.pwned=8",
    "JaVaScRiPt:window.pwned=8",
    "data:text/html,%3Cscript%3Eparent.pwned=9%3C/script%3E",
    "vbscript:pwned",
    "https://w3id.org/peninsula//example.org/evil",
    "https://w3id.org/peninsula/id/event/hostile'onmouseover='window.pwned=10'",
)


def literal(text: str, tag: str = "") -> str:
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    )
    return f'"{escaped}"{tag}'


def statements() -> list[str]:
    """Return what is written: each kind of literal, each place of an IRI."""
    rdf = "^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#{}>"
    kinds = [
        literal(SCRIPT),
        literal(IMAGE, "@en"),
        literal(DRAWING, "@ru"),
        literal(ENDS, "@ko"),
        literal(TEMPLATE, rdf.format("HTML")),
        literal(f"<p xmlns='http://www.w3.org/1999/xhtml'>{SCRIPT}</p>", rdf.format("XMLLiteral")),
        literal(f'{{"a": "{SCRIPT}"}}', rdf.format("JSON")),
        literal(IMAGE, "^^<javascript:window.pwned=11>"),
        literal(TURNED),
        literal(LONG),
    ]
    said = [f"<{THING}> skos:note {value} ." for value in kinds]
    said += [f"<{THING}> rdfs:comment {value} ." for value in kinds[:4]]
    said += [f"<{THING}> rdfs:seeAlso <{link}> ." for link in LINKS]
    said += [f"<{link}> skos:note {kinds[0]} ; rdfs:seeAlso <{THING}> ." for link in LINKS]
    said += [f"<{THING}> <{LINKS[0]}> {kinds[1]} ."]
    return said


def relabel(thing: str, property: str, words: dict[str, str]) -> str:
    """Return an update that gives a thing of the graph other labels."""
    new = " , ".join(literal(text, f"@{tag}") for tag, text in words.items())
    return (
        f"DELETE {{ GRAPH ?g {{ {thing} {property} ?old }} }} "
        f"INSERT {{ GRAPH ?g {{ {thing} {property} {new} }} }} "
        f"WHERE {{ GRAPH ?g {{ {thing} {property} ?old }} }}"
    )


@pytest.fixture(scope="module")
def hostile(
    browser: Browser,  # noqa: ARG001, without one nothing is served
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Writable]:
    with serving_writable(tmp_path_factory.mktemp("hostile")) as server:
        said = "\n".join(statements())
        for graph in ("https://w3id.org/peninsula/graph/submitted", GRAPH, QUOTED_GRAPH):
            server.update(f"INSERT DATA {{ GRAPH <{graph}> {{ {said} }} }}")
        # What stands on every page: a state, a topic, an event, a person, a claim.
        for thing in ("state:russia", "event:us-dprk-hanoi-2019", "person:vladimir-putin"):
            words = {"en": f"{IMAGE}{SCRIPT}", "ko": DRAWING, "ru": ENDS}
            server.update(relabel(thing, "rdfs:label", words))
        server.update(
            relabel(
                "topic:sanctions",
                "skos:prefLabel",
                {"en": SCRIPT + IMAGE, "ko": DRAWING, "ru": ENDS},
            )
        )
        server.update(relabel("claim:c029", "pen:paraphrase", {"en": SCRIPT + ENDS + IMAGE}))
        # The summary of a generation holds the name of the graph that was written to.
        server.send(
            f"/store?graph={quote(QUOTED_GRAPH)}", f"<{THING}> a <{LINKS[0]}> .", "text/turtle"
        )
        yield server


PATHS = (
    "/",
    "/id/event/hostile",
    "/id/state/russia",
    "/id/person/vladimir-putin",
    "/id/event/us-dprk-hanoi-2019",
    "/id/claim/c029",
    "/search?q=script",
    "/search?q=" + quote(IMAGE),
    "/positions",
    "/positions?actor=state:russia",
    "/timeline",
    "/map",
    "/network",
    "/history",
    "/history?thing=" + quote(THING),
    "/history/2",
    "/history/diff?from=1&to=8",
    "/history?thing=" + quote(SCRIPT),
    "/queries",
    "/queries/positions-by-state?state=state:russia",
    "/queries/positions-by-state?state=" + quote(IMAGE),
    "/about",
    "/ns.html",
    "/sparql?query=" + quote("SELECT * { ?s ?p ?o . ?s skos:note ?note } LIMIT 200"),
    "/sparql?query=" + quote(f"SELECT * {{ GRAPH ?g {{ <{THING}> ?p ?o }} }}"),
    "/sparql?query=" + quote(f"CONSTRUCT WHERE {{ <{THING}> ?p ?o }}"),
    "/sparql?query=" + quote(f"{SCRIPT}{ENDS}"),
    "/sparql?query=" + quote(f'SELECT ("{SCRIPT}" AS ?label) (rdf:HTML AS ?x) {{}} # {IMAGE}'),
    "/validate?example=" + quote(IMAGE),
    "/openapi",
    "/id/state/" + quote(IMAGE),
    "/nowhere" + quote(IMAGE),
)
#: What no page of ours holds, and what an escape that was forgotten would bring in.
FOREIGN = """() => [...document.querySelectorAll(
  "script:not([src]), iframe, object, embed, [srcdoc], [onerror], [onload], [onmouseover], "
  + "[onbegin], [onclick], animate, img[src='x'], base, meta[http-equiv], style:not([nonce])"
)].concat([...document.querySelectorAll("a")].filter((a) => {
  const to = a.href?.baseVal ?? a.getAttribute("href") ?? "";
  return /^\\s*(javascript|data|vbscript):/i.test(to) || /^\\/\\//.test(to);
})).map((element) => element.outerHTML.slice(0, 200))"""


@pytest.fixture
def page(open_page: PageMaker, hostile: Writable) -> Page:
    # A page may say that there is no such thing; a script that is refused is told otherwise.
    return open_page(base=hostile.address, expected_errors=("Failed to load resource",))


def assert_harmless(page: Page, dialogs: list[str]) -> None:
    await_quiet(page)
    assert page.evaluate("window.pwned ?? null") is None, page.url
    assert page.evaluate(FOREIGN) == [], page.url
    assert dialogs == [], page.url
    assert page.title() != "", page.url
    assert "1337" not in page.locator("main").inner_text(), "no template is evaluated"


@pytest.mark.parametrize("path", PATHS)
def test_nothing_runs(page: Page, path: str) -> None:
    dialogs: list[str] = []

    def note(dialog: object) -> None:
        dialogs.append(str(dialog))

    page.on("dialog", note)
    page.goto(path)
    assert_harmless(page, dialogs)
    # Those that only a hand over them, or the keyboard, would set off.
    for _ in range(12):
        page.keyboard.press("Tab")
    for shape in page.locator("main svg a, main td, main h1").all()[:6]:
        shape.hover(force=True)
    assert_harmless(page, dialogs)


@pytest.mark.parametrize("language", ["ko", "ru"])
def test_nothing_runs_in_another_language(
    open_page: PageMaker, hostile: Writable, language: str
) -> None:
    page = open_page(base=hostile.address, language=language)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    for path in (
        "/id/state/russia",
        "/positions",
        "/timeline",
        "/network",
        "/history/diff?from=1&to=8",
    ):
        page.goto(path)
        assert_harmless(page, dialogs)


def test_the_text_is_there_as_text(page: Page) -> None:
    page.goto("/id/event/hostile")
    main = page.locator("main")
    for text in (SCRIPT, IMAGE, TEMPLATE, LINKS[0]):
        expect(main).to_contain_text(text)
    page.goto("/id/state/russia")
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x")
    for path in ("/positions", "/id/claim/c029", "/network", "/timeline"):
        page.goto(path)
        assert "window.pwned=1" in page.content(), f"{path} shows what was written"
    page.goto("/history/diff?from=1&to=8")
    expect(page.locator("ins").filter(has_text="window.pwned=1").first).to_be_visible()
    page.goto("/history")
    expect(page.locator("tbody")).to_contain_text("onmouseover='window.pwned=7'")


def test_suggestions_are_text(page: Page) -> None:
    page.goto("/")
    box = page.get_by_role("combobox", name="Search")
    box.press_sequentially("script", delay=20)
    offered = page.get_by_role("option").filter(has_text="<script>")
    expect(offered.first).to_be_visible()
    assert_harmless(page, [])
    offered.first.click()
    page.wait_for_url(re.compile("/(id|topic)/"))
    assert_harmless(page, [])


def test_a_report_about_it_is_text(page: Page) -> None:
    page.goto("/validate")
    text = (
        "PREFIX pen: <https://w3id.org/peninsula/ns#>\n"
        "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>\n"
        f"<{LINKS[0]}> a pen:Summit ; rdfs:label {literal(SCRIPT + IMAGE, '@en')} ;\n"
        f"  pen:from {literal(ENDS + SCRIPT)} ; pen:takesPlaceAt <{LINKS[2]}> .\n"
        f"<{LINKS[5]}> a pen:Summit ; pen:until {literal(DRAWING)} .\n"
    )
    page.locator(".code-editor .cm-content").click()
    page.keyboard.insert_text(text)
    page.get_by_label("Named graph").fill(GRAPH)
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-verdict]")).to_have_text("It does not conform", timeout=60_000)
    expect(page.locator(".node").first).to_contain_text("<script>")
    assert_harmless(page, [])
    page.locator(".code-editor .cm-lint-marker-error").first.hover()
    expect(page.locator(".code-editor .cm-tooltip")).to_be_visible()
    assert_harmless(page, [])
    # A file's name is part of the page as well.
    dropped = page.evaluate_handle(
        """([text, name]) => {
            const data = new DataTransfer();
            data.items.add(new File([text], name));
            return data;
        }""",
        ["<x:a> <x:b> .", f"{IMAGE}.ttl"],
    )
    page.locator(".code-editor").dispatch_event("drop", {"dataTransfer": dropped})
    expect(page.locator("#outcome .problem")).to_be_visible(timeout=60_000)
    expect(page.locator("[data-name]")).to_contain_text("<img src=x")
    assert_harmless(page, [])


def test_long_and_turned_labels_keep_the_page_in_shape(
    open_page: PageMaker, hostile: Writable
) -> None:
    page = open_page(base=hostile.address, narrow=True)
    for path in ("/id/event/hostile", "/history/2", "/history", "/search?q=script"):
        page.goto(path)
        assert_fits(page)


def test_what_is_sent_says_what_it_is(hostile: Writable, page: Page) -> None:
    for path in (
        "/history/2.rdfp",
        "/history/diff.rdfp?from=1&to=8",
        f"/store?graph={quote(GRAPH)}",
    ):
        response = page.request.get(f"{hostile.address}{path}")
        assert response.ok
        assert "html" not in response.headers["content-type"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "script-src 'self'" in response.headers["content-security-policy"]
        assert "unsafe" not in response.headers["content-security-policy"]
