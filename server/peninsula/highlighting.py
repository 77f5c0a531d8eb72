"""Which part of a SPARQL or Turtle text is what, so that it can be coloured?

The pieces of a text, joined, are the text: nothing is added and nothing lost. The tokenizer is
the policy's; what it cannot split stays one plain piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from peninsula.errors import QueryTooComplex
from peninsula.policy import Token, tokenize

#: Longer texts are shown without colours.
_LONGEST: Final = 200_000


@dataclass(frozen=True)
class Piece:
    """A stretch of text of one kind; ``plain`` is white space and whatever has no kind."""

    #: plain, comment, keyword, variable, name, iri, string, number or sign
    kind: str
    text: str


def split(text: str) -> list[Piece]:
    """Return the pieces of ``text``, in order."""
    if len(text) > _LONGEST:
        return [Piece("plain", text)]
    pieces: list[Piece] = []
    end = 0
    try:
        for token in tokenize(text):
            _add_between(pieces, text[end : token.position])
            _add(pieces, _kind(token), token.text)
            end = token.end
    except QueryTooComplex:
        return [Piece("plain", text)]
    _add_between(pieces, text[end:])
    return pieces


def _kind(token: Token) -> str:
    if token.kind == "word":
        return "keyword"
    if token.kind == "name" and token.text.lower() in {"@prefix", "@base"}:
        return "keyword"
    return token.kind


def _add(pieces: list[Piece], kind: str, text: str) -> None:
    """Add a piece; what is of the kind of the piece before goes on with it."""
    if not text:
        return
    if pieces and pieces[-1].kind == kind and kind in {"plain", "sign"}:
        pieces[-1] = Piece(kind, pieces[-1].text + text)
    else:
        pieces.append(Piece(kind, text))


def _add_between(pieces: list[Piece], text: str) -> None:
    """Add what stands between two tokens: white space and comments."""
    for line in text.splitlines(keepends=True):
        space, mark, comment = line.partition("#")
        _add(pieces, "plain", space)
        if mark:
            body = comment.rstrip("\r\n")
            _add(pieces, "comment", mark + body)
            _add(pieces, "plain", comment[len(body) :])
