"""Formats are found by every name they go by, and the engine can write each of them."""

from __future__ import annotations

import pytest

from peninsula.formats import GRAPH_FORMATS, HTML, SOLUTION_FORMATS, Format, find


@pytest.mark.parametrize("offered", [SOLUTION_FORMATS, GRAPH_FORMATS])
def test_no_two_formats_share_a_name_or_media_type(offered: tuple[Format, ...]) -> None:
    for what in ("names", "media_types"):
        every = [value for format in offered for value in set(getattr(format, what))]
        assert len(every) == len(set(every))


@pytest.mark.parametrize("format", [*SOLUTION_FORMATS, *GRAPH_FORMATS], ids=lambda f: f.name)
def test_the_engine_agrees_on_the_media_type(format: Format) -> None:
    assert format.engine is not None
    assert format.engine.media_type.split(";")[0] == format.media_type
    offered = SOLUTION_FORMATS if format in SOLUTION_FORMATS else GRAPH_FORMATS
    for name in (*format.names, *format.media_types):
        assert find(name.upper(), offered) is format


def test_text_says_that_it_is_utf_8() -> None:
    assert HTML.content_type == "text/html; charset=utf-8"
    assert SOLUTION_FORMATS[0].content_type == "application/sparql-results+json"
