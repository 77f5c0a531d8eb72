"""The Accept header decides; a name in the address decides before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.errors import NotAcceptable
from peninsula.formats import GRAPH_FORMATS, HTML, SOLUTION_FORMATS, Format
from peninsula.negotiation import choose, parse_accept

PAGES = (*SOLUTION_FORMATS, HTML)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "offered", "expected"),
    [
        (None, SOLUTION_FORMATS, "json"),
        ("", SOLUTION_FORMATS, "json"),
        ("*/*", SOLUTION_FORMATS, "json"),
        ("*/*", GRAPH_FORMATS, "turtle"),
        ("application/json", SOLUTION_FORMATS, "json"),
        ("application/json", GRAPH_FORMATS, "jsonld"),
        ("application/xml", SOLUTION_FORMATS, "xml"),
        ("text/csv", SOLUTION_FORMATS, "csv"),
        ("TEXT/CSV", SOLUTION_FORMATS, "csv"),
        ("text/*", SOLUTION_FORMATS, "csv"),
        ("text/csv;q=0.1, text/tab-separated-values;q=0.2", SOLUTION_FORMATS, "tsv"),
        ("text/csv, */*", SOLUTION_FORMATS, "csv"),
        ("text/csv;q=0, */*", SOLUTION_FORMATS, "json"),
        ("text/csv ; q=0.5 , application/sparql-results+xml;q=0.50", SOLUTION_FORMATS, "xml"),
        (BROWSER, PAGES, "html"),
        (BROWSER, SOLUTION_FORMATS, "xml"),
        ("text/html;q=0.2, text/csv;q=0.3", PAGES, "csv"),
        ("nonsense", SOLUTION_FORMATS, "json"),
        ("nonsense, text/csv", SOLUTION_FORMATS, "csv"),
        ('application/ld+json;profile="x"', GRAPH_FORMATS, "jsonld"),
    ],
)  # fmt: skip
def test_accept_chooses(accept: str | None, offered: tuple[Format, ...], expected: str) -> None:
    assert choose(accept, offered).name == expected


@pytest.mark.parametrize(
    "accept", ["image/png", "text/csv;q=0", "application/json;q=0, image/*", "*/*;q=0"]
)
def test_what_fits_nothing_is_refused_with_what_is_on_offer(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="application/sparql-results"):
        choose(accept, SOLUTION_FORMATS)


@pytest.mark.parametrize(
    ("name", "offered", "expected"),
    [
        ("csv", SOLUTION_FORMATS, "csv"),
        ("srj", SOLUTION_FORMATS, "json"),
        ("text/csv", SOLUTION_FORMATS, "csv"),
        ("ttl", GRAPH_FORMATS, "turtle"),
        ("JSON", GRAPH_FORMATS, "jsonld"),
        ("xml", GRAPH_FORMATS, "rdfxml"),
    ],
)
def test_a_name_decides_whatever_is_accepted(
    name: str, offered: tuple[Format, ...], expected: str
) -> None:
    assert choose("image/png", offered, name=name).name == expected


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(NotAcceptable, match="csv"):
        choose(None, SOLUTION_FORMATS, name="docx")


media_types = st.sampled_from(
    [m for f in PAGES for m in f.media_types] + ["text/*", "application/*", "*/*", "image/png"]
)
qualities = st.integers(0, 1000).map(lambda n: n / 1000)
headers = st.lists(st.tuples(media_types, qualities), min_size=1).map(
    lambda items: ", ".join(f"{m};q={q:.3f}" for m, q in items)
)


@given(headers)
def test_nothing_refused_is_chosen_and_nothing_better_is_passed_over(accept: str) -> None:
    ranges = parse_accept(accept)

    def quality(format: Format) -> float:
        best = 0.0
        for media_type in format.media_types:
            closest = max(r.specificity(media_type) for r in ranges)
            if closest == 3 or (closest and media_type == format.media_type):
                of_closest = [r.quality for r in ranges if r.specificity(media_type) == closest]
                best = max(best, *of_closest)
        return best

    qualities_on_offer = [quality(format) for format in PAGES]
    if max(qualities_on_offer) == 0:
        with pytest.raises(NotAcceptable):
            choose(accept, PAGES)
    else:
        assert quality(choose(accept, PAGES)) == max(qualities_on_offer)


@given(st.text(max_size=60))
def test_no_header_breaks_it(accept: str) -> None:
    try:
        assert choose(accept, PAGES) in PAGES
    except NotAcceptable:
        pass
