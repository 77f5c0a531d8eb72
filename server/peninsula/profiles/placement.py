"""Where in its document does a passage stand?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select
from peninsula.drawing.outline import Outline, Span, draw_outline
from peninsula.profiles.statements import Statements
from peninsula.tables import Cell

#: Sentences of a document that are drawn.
_MOST: Final = 3000
_OUTLINE: Final = """
SELECT ?paragraph ?sentence (MIN(?start) AS ?first) (MAX(?end) AS ?last) (COUNT(?other) AS ?count)
       (MIN(STR(?other)) AS ?sample) WHERE {{
  {passage} oa:hasSource ?document .
  ?other oa:hasSource ?document ; pen:paragraph ?paragraph ; pen:sentence ?sentence ;
         oa:hasSelector ?selector .
  ?selector oa:start ?start ; oa:end ?end
}}
GROUP BY ?paragraph ?sentence ORDER BY ?paragraph ?sentence LIMIT {limit}
"""


@dataclass(frozen=True)
class Placement:
    """Where a passage stands. The words themselves are not in the graph."""

    passage: Cell
    document: Cell
    section: str
    paragraph: int | None
    sentence: int | None
    start: int | None
    end: int | None
    #: Of the whole document, in characters.
    length: int | None
    outline: Outline | None


def read_placement(dataset: Dataset, said: Statements, passage: str, document: str) -> Placement:
    """Return where ``passage`` stands, of which the statements have been gathered."""
    start, end = offsets(said, passage)
    paragraph = said.number(passage, "pen:paragraph")
    sentence = said.number(passage, "pen:sentence")
    length = said.number(document, "pen:characterCount")
    outline = None
    if start is not None and end is not None and paragraph is not None and sentence is not None:
        here = Span(sentence, start, end)
        outline = _draw(dataset, passage, here, paragraph, sentence, length or 0)
    return Placement(
        passage=said.cell(passage),
        document=said.cell(document),
        section=said.string(passage, "pen:section"),
        paragraph=paragraph,
        sentence=sentence,
        start=start,
        end=end,
        length=length,
        outline=outline,
    )


def offsets(said: Statements, passage: str) -> tuple[int | None, int | None]:
    """Return the first character of a passage, and the one after its last."""
    selector = said.thing(passage, "oa:hasSelector")
    return said.number(selector, "oa:start"), said.number(selector, "oa:end")


def _draw(
    dataset: Dataset, passage: str, here: Span, paragraph: int, sentence: int, length: int
) -> Outline | None:
    query = _OUTLINE.format(passage=ox.NamedNode(passage), limit=_MOST)
    paragraphs: dict[int, Span] = {}
    sentences: list[Span] = []
    for row in select(dataset, query):
        numbers = [_number(term) for term in row[:5]]
        sample = row[5].value if isinstance(row[5], ox.Literal) else ""
        if None in numbers:
            continue
        block, within, first, last, count = (number or 0 for number in numbers)
        known = paragraphs.get(block)
        paragraphs[block] = Span(
            block,
            min(first, known.start) if known else first,
            max(last, known.end) if known else last,
            count + (known.count if known else 0),
            known.iri if known else sample,
        )
        if block == paragraph:
            sentences.append(Span(within, first, last, count, sample))
    return draw_outline(
        list(paragraphs.values()),
        sentences,
        here,
        paragraph=paragraph,
        sentence=sentence,
        length=length,
    )


def _number(term: Term | None) -> int | None:
    try:
        return int(term.value) if isinstance(term, ox.Literal) else None
    except ValueError:
        return None
