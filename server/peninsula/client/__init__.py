"""Ask a running Peninsula, or another SPARQL endpoint, from Python.

    from peninsula.client import Client

    client = Client("http://localhost:7878")
    frame = client.query("votes-by-state", state="state:russia")

Nothing but the standard library is imported until a table or a graph is made.
"""

from peninsula.client.answers import Answer, Provenance
from peninsula.client.entities import Entity, Fact, Hit
from peninsula.client.problems import (
    NotAllowed,
    NotFound,
    PeninsulaClientError,
    QueryProblem,
    Refused,
    ServerBusy,
    ServerProblem,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
)
from peninsula.client.reports import Change, Report, Result
from peninsula.client.session import Client
from peninsula.client.terms import IRI, BlankNode, Literal, Text, iri

__all__ = [
    "IRI",
    "Answer",
    "BlankNode",
    "Change",
    "Client",
    "Entity",
    "Fact",
    "Hit",
    "Literal",
    "NotAllowed",
    "NotFound",
    "PeninsulaClientError",
    "Provenance",
    "QueryProblem",
    "Refused",
    "Report",
    "Result",
    "ServerBusy",
    "ServerProblem",
    "Text",
    "TimedOut",
    "UnexpectedAnswer",
    "Unreachable",
    "iri",
]
