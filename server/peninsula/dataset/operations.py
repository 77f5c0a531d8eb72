"""Which operations does a SPARQL Update request hold, and what do its names mean in each?

A request is read by the engine, on empty stores: whether it is in order, what prefixed names and
relative IRIs stand for. What is left is to find where each operation begins and ends. Unlike the
engine's own ``update``, a prologue may also stand after a “;”.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NoReturn

import pyoxigraph as ox

from peninsula.diagnosis import explain
from peninsula.policy import Token, tokenize

#: Begins IRIs that no request can know, so that none of its own is taken for one of ours.
SECRET: Final = f"urn:x-peninsula:{uuid.uuid4().hex}"
#: Fails once the whole text is parsed and before anything else is evaluated.
_STOP: Final = f"DROP GRAPH <{SECRET}> ;\n"
_LARGE: Final = 10_000
_PROLOGUE: Final = {"PREFIX": 3, "BASE": 2, "VERSION": 2}
#: Depth is the policy's business, which has seen the text before.
_ANY_DEPTH: Final = 1 << 30


@dataclass(frozen=True)
class Scope:
    """What prefixed names and relative IRIs mean in an operation."""

    base: str | None
    prefixes: Mapping[str, str]

    def run(self, text: str) -> ox.Store:
        """Return an empty store after the update ``text``."""
        store = ox.Store()
        store.update(text, base_iri=self.base, prefixes=dict(self.prefixes))
        return store

    def resolve(self, iri: str) -> ox.NamedNode:
        """Return the IRI that ``iri``, as it stands in the text, means."""
        return next(
            graph
            for graph in self.run(f"CREATE GRAPH {iri}").named_graphs()
            if isinstance(graph, ox.NamedNode)
        )

    def after(self, prologue: str, tokens: Sequence[Token]) -> Scope:
        """Return the scope after a ``prologue`` that the engine has found in order."""
        names = dict.fromkeys(
            name.text for word, name in pairwise(tokens) if word.upper == "PREFIX"
        )
        base, prefixes = self.base, dict(self.prefixes)
        has_base = any(token.upper == "BASE" for token in tokens)
        # The engine resolves: the object of each triple is what a name stands for.
        objects = [*names, *(["<>"] if has_base else [])]
        rows = " . ".join(f"<urn:x:{place}> <urn:x> {name}" for place, name in enumerate(objects))
        store = self.run(f"{prologue}\nINSERT DATA {{ {rows} }}")
        meant = {int(quad.subject.value[6:]): quad.object.value for quad in store}
        if has_base:
            base = meant.pop(len(names))
        prefixes.update((name[:-1], meant[place]) for place, name in enumerate(names))
        return Scope(base, prefixes)


@dataclass(frozen=True)
class Operation:
    """One operation of a request: its tokens, without prologue and “;”, never none."""

    text: str
    tokens: list[Token]
    scope: Scope

    def is_data(self, verb: str) -> bool:
        """Return whether this is INSERT DATA or DELETE DATA."""
        tokens = self.tokens
        return len(tokens) > 1 and tokens[0].upper == verb and tokens[1].upper == "DATA"

    def slice(self, begin: int, end: int) -> str:
        """Return the text from token ``begin`` to before token ``end``, comments included."""
        if begin >= end:
            return ""
        return self.text[self.tokens[begin].position : self.tokens[end - 1].end]

    def find(self, word: str, begin: int = 0) -> int | None:
        """Return the place of the first ``word`` outside of all brackets."""
        for place in range(begin, len(self.tokens)):
            token = self.tokens[place]
            if token.upper == word and token.frame.parent is None:
                return place
        return None

    def block(self, begin: int) -> tuple[int, int]:
        """Return the places of the brace at ``begin`` and behind the one that closes it."""
        for place in range(begin + 1, len(self.tokens)):
            if self.tokens[place].frame.parent is None and self.tokens[place].text == "}":
                return begin, place + 1
        return begin, len(self.tokens)


def read_operations(text: str, scope: Scope) -> list[Operation]:
    """Return the operations of ``text``; raises QuerySyntaxError where it is not in order."""
    operations: list[Operation] = []
    #: Where the operations begin that share a prologue, in ``text`` and in ``operations``.
    begin, first = 0, 0
    for tokens in _pieces(text):
        size = _prologue_size(tokens)
        if size:
            _check(text[begin : tokens[0].position], text, begin, operations[first:], scope)
            begin = tokens[size - 1].end
            prologue = text[tokens[0].position : begin]
            try:
                scope = scope.after(prologue, tokens[:size])
            except SyntaxError as error:
                complain(text, error, scope, tokens[0].position)
            first = len(operations)
        if len(tokens) > size and tokens[size].upper != ";":
            is_closed = tokens[-1].upper == ";" and tokens[-1].frame.parent is None
            operations.append(Operation(text, tokens[size : len(tokens) - is_closed], scope))
    _check(text[begin:], text, begin, operations[first:], scope)
    return operations


def _pieces(text: str) -> Iterator[list[Token]]:
    """Yield the tokens up to each “;” outside of all brackets, and what comes after the last."""
    tokens: list[Token] = []
    for token in tokenize(text, _ANY_DEPTH, skips_data=True):
        tokens.append(token)
        if token.text == ";" and token.kind == "sign" and token.frame.parent is None:
            yield tokens
            tokens = []
    if tokens:
        yield tokens


def _prologue_size(tokens: Sequence[Token]) -> int:
    place = 0
    while place < len(tokens) and tokens[place].upper in _PROLOGUE:
        place += _PROLOGUE[tokens[place].upper]
    return min(place, len(tokens))


def _check(part: str, text: str, begin: int, operations: Sequence[Operation], scope: Scope) -> None:
    """Raise QuerySyntaxError where ``part``, which begins at ``begin``, cannot be read."""
    if not part.strip():
        return
    # Megabytes of data are read once, when they are evaluated.
    if len(part) > _LARGE and len(operations) == 1 and _is_closed_data(operations[0]):
        return
    try:
        scope.run(_STOP + part)
    except SyntaxError as error:
        complain(text, error, scope, begin, lines_before=1)
    except RuntimeError as error:
        if SECRET not in str(error):
            raise


def _is_closed_data(operation: Operation) -> bool:
    return operation.is_data("INSERT") and operation.tokens[-1].text == "}"


def complain(
    text: str, error: SyntaxError, scope: Scope, start: int, lines_before: int = 0
) -> NoReturn:
    """Raise what the engine says of ``text``, of which it was given the part from ``start``."""
    raise explain(
        text, str(error), scope.prefixes, is_update=True, start=start, lines_before=lines_before
    ) from None


def skip_silent(tokens: Sequence[Token], place: int) -> Sequence[Token]:
    """Return the tokens from ``place`` on, or behind SILENT where that stands there."""
    return tokens[place + (tokens[place].upper == "SILENT") :]
