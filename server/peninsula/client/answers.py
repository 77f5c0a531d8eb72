"""What does an answer hold, and how is it cited?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from peninsula.client.frames import choose_library, to_pandas, to_polars
from peninsula.client.problems import UnexpectedAnswer
from peninsula.client.terms import Value, read_term

#: The values of one solution.
Row = tuple[Value | None, ...]


@dataclass(frozen=True)
class Provenance:
    """Where an answer comes from."""

    endpoint: str
    query: str
    retrieved: datetime
    #: The name of a question of the library, and its parameters.
    question: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    #: The state of the graph that was asked; 0 where the server counts none.
    generation: int = 0
    licence: str = ""
    #: Where the same answer is found again.
    address: str = ""

    def cite(self) -> str:
        """Return one line for a note."""
        what = f"question “{self.question}”" if self.question else "SPARQL query"
        if self.parameters:
            given = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
            what += f" ({given})"
        state = f", generation {self.generation}" if self.generation else ""
        where = self.address or self.endpoint
        licence = f" Licence: {self.licence}." if self.licence else ""
        name = "Peninsula" if self.generation else "SPARQL endpoint"
        return f"{name}, {what}{state}, {where}, retrieved {self.retrieved:%Y-%m-%d}.{licence}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, as it stands in ``frame.attrs``."""
        plain = asdict(self)
        plain["retrieved"] = self.retrieved.isoformat()
        plain["citation"] = self.cite()
        return plain


@dataclass(frozen=True)
class Answer:
    """The solutions of a query: variables, rows of values, and where they come from."""

    variables: tuple[str, ...]
    rows: tuple[tuple[Value | None, ...], ...]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[Value | None, ...]]:
        return iter(self.rows)

    def column(self, name: str) -> list[Value | None]:
        """Return the values of a variable; raises KeyError where there is none of that name."""
        if name not in self.variables:
            raise KeyError(f"{name}; there are {', '.join(self.variables)}")
        place = self.variables.index(name)
        return [row[place] for row in self.rows]

    def frame(self, library: str | None = None) -> Any:
        """Return a DataFrame of ``pandas`` or ``polars``; default: the one that is installed.

        Of pandas, ``frame.attrs`` tells where it comes from.
        """
        if choose_library(library) == "polars":
            return to_polars(self.variables, self.rows)
        made = to_pandas(self.variables, self.rows)
        made.attrs.update(self.provenance.to_dict())
        return made

    def cite(self) -> str:
        """Return one line for a note."""
        return self.provenance.cite()


def read_solutions(
    document: Mapping[str, Any],
) -> tuple[tuple[str, ...], list[Row]]:
    """Return variables and rows of SPARQL JSON; raises UnexpectedAnswer."""
    try:
        variables: Sequence[str] = document["head"]["vars"]
        bindings: Sequence[Mapping[str, Any]] = document["results"]["bindings"]
    except (KeyError, TypeError):
        raise UnexpectedAnswer("The answer is no table of SPARQL JSON.") from None
    rows = [
        tuple(read_term(binding[name]) if name in binding else None for name in variables)
        for binding in bindings
    ]
    return tuple(variables), rows
