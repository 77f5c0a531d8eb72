"""What can be asked of a running Peninsula, or of another SPARQL endpoint?"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from peninsula.client.answers import Answer, Provenance, read_solutions
from peninsula.client.entities import (
    Entity,
    Hit,
    facts_query,
    label_queries,
    make_entity,
    pointing_query,
)
from peninsula.client.frames import choose_library
from peninsula.client.problems import NotFound, PeninsulaClientError, UnexpectedAnswer
from peninsula.client.reports import Change, Report, read_change, read_report
from peninsula.client.terms import IRI, Text, Value, iri, write_term
from peninsula.client.transport import MOST_BYTES, Response, Transport
from peninsula.namespaces import expand

_JSON: Final = "application/sparql-results+json"
_NTRIPLES: Final = "application/n-triples"
_QUESTION: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
#: Queries up to this length go into the address, so that caches on the way can help.
_LONGEST_GET: Final = 2000
#: What a variable may not be looked for in: IRIs, texts and comments.
_TOKEN: Final = re.compile(
    r"""<[^<>"{}|^`\\\s]*>|\"\"\"(?:[^"\\]|\\.|\"(?!\"\"))*\"\"\"|'''(?:[^'\\]|\\.|'(?!''))*'''"""
    r"""|"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*'|#[^\n\r]*|\$(?P<name>\w+)""",
    re.DOTALL,
)
_LICENCE: Final = (
    f"SELECT ?licence WHERE {{ <{expand('graph:catalog')}> "
    f"<{expand('dcterms:license')}> ?licence }}"
)


class Client:
    """Asks one server.

    ``address`` is that of a Peninsula (``http://localhost:7878``). ``endpoint`` is that of a SPARQL
    endpoint of whatever maker, which answers ``query``, ``ask``, ``construct`` and ``entity``.
    ``token`` is needed to change something, and to read
    where the server says so. ``generation`` asks a past state of the graph, in every call.
    ``frame`` is the library of tables, ``pandas`` or ``polars``; default: the one installed.
    Times are in seconds; a server that has no room is asked again, ``retries`` times.
    """

    def __init__(
        self,
        address: str = "http://localhost:7878",
        *,
        endpoint: str | None = None,
        token: str | None = None,
        generation: int | None = None,
        frame: str | None = None,
        timeout: float = 60.0,
        retries: int = 3,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        if frame is not None:
            choose_library(frame)
        self.address = _check_address(address).rstrip("/") + "/"
        self.endpoint = _check_address(endpoint) if endpoint else f"{self.address}sparql"
        if endpoint:
            self.address = urllib.parse.urljoin(self.endpoint, ".")
        self.generation = generation
        self.frame = frame
        self._transport = Transport(self.address, token, timeout, retries, most_bytes)
        self._licence: str | None = None

    def __repr__(self) -> str:
        state = f", generation={self.generation}" if self.generation else ""
        return f"Client({self.address!r}{state})"

    def query(self, query: str, *, frame: str | None = None, **parameters: Any) -> Any:
        """Return the answer to a SELECT query, or to a question of the library, as a DataFrame.

        ``query`` is SPARQL, or the name of a question such as ``votes-by-state``. Parameters of
        a question are texts, days or IRIs (``state="state:russia"``); in SPARQL they take the
        place of ``$name``, and are IRIs where they are given by :func:`peninsula.client.iri`.

        One row a solution, one column a variable. See :mod:`peninsula.client.frames` for the
        types; ``frame.attrs`` of pandas says where it comes from, and how to cite it.
        """
        # Whether it can be shown is known before the server is troubled.
        library = choose_library(frame or self.frame)
        return self.select(query, **parameters).frame(library)

    def select(self, query: str, **parameters: Any) -> Answer:
        """Return the same as rows of Python values."""
        if _QUESTION.fullmatch(query.strip()):
            return self._ask_question(query.strip(), parameters)
        text = self._fill(query, parameters)
        response = self._ask(text, _JSON)
        variables, rows = read_solutions(_read_json(response, "results"))
        return Answer(variables, tuple(rows), self._provenance(response, text))

    def ask(self, query: str, **parameters: Any) -> bool:
        """Return the answer to an ASK query."""
        document = _read_json(self._ask(self._fill(query, parameters), _JSON), "boolean")
        return document["boolean"] is True

    def construct(self, query: str, *, graph: str = "pyoxigraph", **parameters: Any) -> Any:
        """Return the triples of a CONSTRUCT or DESCRIBE query.

        As a list of ``pyoxigraph.Triple``, or with ``graph="rdflib"`` as an ``rdflib.Graph``.
        """
        if graph not in {"pyoxigraph", "rdflib"}:
            raise ValueError(f"graph is one of pyoxigraph and rdflib, not {graph!r}")
        response = self._ask(self._fill(query, parameters), _NTRIPLES)
        if _NTRIPLES not in response.content_type and "text/plain" not in response.content_type:
            raise UnexpectedAnswer(
                f"The answer is no graph but {response.content_type or 'nothing'}; is it a "
                "CONSTRUCT query?"
            )
        if graph == "rdflib":
            import rdflib  # noqa: PLC0415

            return rdflib.Graph().parse(data=response.body, format="nt")
        import pyoxigraph as ox  # noqa: PLC0415

        quads = ox.parse(response.body, format=ox.RdfFormat.N_TRIPLES)
        return [ox.Triple(quad.subject, quad.predicate, quad.object) for quad in quads]

    def entity(self, name: str) -> Entity:
        """Return what is known of a thing, given by its IRI or as ``person:vladimir-putin``.

        Raises NotFound where nothing is said of it.
        """
        thing = iri(name)
        response = self._ask(facts_query(thing), _JSON)
        _, rows = read_solutions(_read_json(response, "results"))
        if not rows:
            near = self._near(name)
            more = f" Near: {', '.join(near)}." if near else ""
            raise NotFound(f"Nothing is known of {thing.short}.{more}", 404, {})
        _, pointing = read_solutions(_read_json(self._ask(pointing_query(thing), _JSON), "results"))
        things = {term for row in (*rows, *pointing) for term in row if isinstance(term, IRI)}
        return make_entity(thing, rows, pointing, self._labels(things), response.generation)

    def search(self, text: str, *, kind: str = "", limit: int = 20) -> list[Hit]:
        """Return things with a name like ``text``, best first; ``kind`` such as ``state``."""
        parameters = {"q": text, "format": "json", "limit": str(limit)}
        if kind:
            parameters["kind"] = kind
        response = self._get("search", parameters)
        return [
            Hit(IRI(hit["iri"]), hit["label"], hit.get("class") or "", hit.get("name") or "")
            for hit in _read_json(response, "results")["results"]
        ]

    def questions(self) -> dict[str, str]:
        """Return the questions of the library: what each asks, by name."""
        listed = _read_json(self._get("queries", {"format": "json"}), "")
        if not isinstance(listed, list):
            raise UnexpectedAnswer("The answer is no list of questions.")
        return {str(question["slug"]): str(question["summary"]) for question in listed}

    def validate(self, data: str | bytes, *, graph: str = "", alone: bool = False) -> Report:
        """Return what the shapes find wrong with Turtle, were it added; nothing is stored.

        ``graph`` is the named graph that it would go to; ``alone`` judges it by itself.
        """
        body = data.encode() if isinstance(data, str) else data
        parameters = {"format": "json"}
        if graph:
            parameters["graph"] = iri(graph)
        if alone:
            parameters["mode"] = "alone"
        response = self._transport.send(
            "POST", "validate", parameters=parameters, body=body,
            headers={"Content-Type": "text/turtle", "Accept": "application/json"},
        )  # fmt: skip
        return read_report(_read_json(response, "conforms"))

    def update(self, update: str, *, dry_run: bool = False, **parameters: Any) -> Change:
        """Make a SPARQL update, or with ``dry_run`` only say what it would change.

        Raises Refused, with the report, where it would break a shape.
        """
        sent = {"format": "json", "dry-run": "true"} if dry_run else {}
        response = self._transport.send(
            "POST", "update", parameters=sent, body=self._fill(update, parameters).encode(),
            headers={"Content-Type": "application/sparql-update", "Accept": "application/json"},
        )  # fmt: skip
        return read_change(_read_json(response, "added"))

    def patch(self, graph: str, patch: bytes, *, dry_run: bool = False) -> Change:
        """Change a named graph by an RDF Patch, or with ``dry_run`` only say what it would do.

        Of a dry run, ``source["validation"]`` is the report.
        """
        parameters = {"graph": iri(graph)} | (
            {"format": "json", "dry-run": "true"} if dry_run else {}
        )
        response = self._transport.send(
            "PATCH", "store", parameters=parameters, body=patch,
            headers={"Content-Type": "application/rdf-patch", "Accept": "application/json"},
        )  # fmt: skip
        if not response.body:
            return Change(response.generation, 0, 0)
        return read_change(_read_json(response, "added"))

    # How it is done.

    def _ask_question(self, name: str, parameters: Mapping[str, Any]) -> Answer:
        given = {key: _as_text(value) for key, value in parameters.items() if value is not None}
        response = self._get(f"queries/{name}.json", given)
        variables, rows = read_solutions(_read_json(response, "results"))
        made = self._provenance(response, "", f"queries/{name}", given)
        query = self._get(f"queries/{name}.rq", {}).body.decode("utf-8", "replace")
        told = {**vars(made), "query": query, "question": name, "parameters": given}
        return Answer(variables, tuple(rows), Provenance(**told))

    def _get(self, path: str, parameters: Mapping[str, str]) -> Response:
        return self._transport.send(
            "GET", path, parameters={**parameters, **self._state()},
            headers={"Accept": "application/json, application/sparql-results+json, */*;q=0.1"},
        )  # fmt: skip

    def _state(self) -> dict[str, str]:
        return {"generation": str(self.generation)} if self.generation else {}

    def _ask(self, query: str, accept: str) -> Response:
        headers = {"Accept": accept}
        if len(query) <= _LONGEST_GET:
            return self._transport.send(
                "GET", self.endpoint, parameters={"query": query, **self._state()}, headers=headers
            )
        return self._transport.send(
            "POST", self.endpoint, parameters=self._state(), body=query.encode(),
            headers={**headers, "Content-Type": "application/sparql-query"},
        )  # fmt: skip

    def _fill(self, query: str, parameters: Mapping[str, Any]) -> str:
        """Return the query with values in the place of ``$name``."""
        used = set()

        def put(match: re.Match[str]) -> str:
            name = match["name"]
            if name is None or name not in parameters:
                return match[0]
            used.add(name)
            return write_term(parameters[name])

        filled = _TOKEN.sub(put, query)
        if unused := sorted(set(parameters) - used):
            raise ValueError(f"the query has no ${unused[0]}, which is given")
        return filled

    def _provenance(
        self,
        response: Response,
        query: str,
        path: str = "sparql",
        parameters: Mapping[str, str] | None = None,
    ) -> Provenance:
        generation = response.generation
        asked = dict(parameters or {"query": query})
        if generation:
            asked["generation"] = str(generation)
        address = f"{self.address}{path}?{urllib.parse.urlencode(asked)}"
        return Provenance(
            self.endpoint,
            query,
            datetime.now(UTC),
            generation=generation,
            licence=self._find_licence() if generation else "",
            address=address if generation and len(address) < _LONGEST_GET else "",
        )

    def _find_licence(self) -> str:
        """Return the licence that the graph's catalogue names, if it does."""
        if self._licence is None:
            self._licence = ""
            try:
                _, rows = read_solutions(_read_json(self._ask(_LICENCE, _JSON), "results"))
            except PeninsulaClientError:
                # An answer is no worse for it.
                rows = []
            if rows:
                self._licence = str(rows[0][0])
        return self._licence

    def _labels(self, things: set[IRI]) -> dict[str, str]:
        found: dict[str, tuple[bool, str]] = {}
        for thing, label in self._rows(label_queries(things)):
            offer = (not (isinstance(label, Text) and label.language == "en"), str(label))
            found[str(thing)] = min(found.get(str(thing), offer), offer)
        return {name: label for name, (_, label) in found.items()}

    def _rows(self, queries: Iterator[str]) -> Iterator[tuple[Value | None, ...]]:
        for query in queries:
            _, rows = read_solutions(_read_json(self._ask(query, _JSON), "results"))
            yield from rows

    def _near(self, name: str) -> list[str]:
        try:
            kind = name.partition(":")[0] if "//" not in name else ""
            hits = self.search(re.split(r"[:/#]", name)[-1], kind=kind, limit=3)
        except PeninsulaClientError:
            # Another endpoint knows no search.
            return []
        return [hit.name for hit in hits]


def _check_address(address: str) -> str:
    """Return an address without what follows its path; raises ValueError where it is none."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"“{address}” is no http or https address")
    if parts.username or parts.password:
        raise ValueError("write no password into the address; give a token")
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def _read_json(response: Response, needs: str) -> Any:
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        kind = response.content_type or "of no type"
        raise UnexpectedAnswer(f"The answer is no JSON ({kind}).") from None
    if needs and (not isinstance(document, dict) or needs not in document):
        if isinstance(document, dict) and "boolean" in document:
            raise UnexpectedAnswer("The answer is yes or no: use ask().")
        raise UnexpectedAnswer(f"The answer holds no “{needs}”: is it a query of another kind?")
    return document


def _as_text(value: Any) -> str:
    """Return the value of a question's parameter as it stands in an address."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
