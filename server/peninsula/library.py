"""Which questions are ready to be asked, and how is one asked with its parameters?

A question is a file ``queries/<slug>.rq``: a header of comment lines ``#+ key: value`` (YAML
once ``#+`` is taken away) above plain SPARQL. Its parameters are variables of the query, and
are bound as RDF terms, never as text. So each must be projected by the SELECT, which is
checked when the file is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox
import yaml

from peninsula.dataset.interface import Dataset, QueryOptions, Result, Term
from peninsula.dataset.local import LocalDataset
from peninsula.errors import (
    InvalidQuestion,
    ParameterError,
    PeninsulaError,
    QuerySyntaxError,
    UnknownQuestion,
    place,
)
from peninsula.namespaces import BASE, PREFIXES, expand, shorten
from peninsula.policy import Policy, Token, tokenize
from peninsula.terms import read_iri

_KEYS: Final = ("summary", "description", "tags", "services", "parameters", "view")
_REQUIRED_KEYS: Final = ("summary", "description", "tags")
_PARAMETER_KEYS: Final = ("type", "description", "example", "required")
_DATATYPES: Final = {"string": "xsd:string", "date": "xsd:date", "integer": "xsd:integer"}
_TYPES: Final = ("iri", *_DATATYPES)
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
#: How a query names a service: by the name that it has in the settings.
_SERVICE: Final = re.compile(r"<peninsula:([a-z0-9]+(?:-[a-z0-9]+)*)>")


@dataclass(frozen=True)
class Parameter:
    """A variable of a question that whoever asks may set."""

    name: str
    type: str
    description: str
    example: str
    is_required: bool = False

    def bind(self, text: str) -> Term:
        """Return the term that ``text`` stands for; raises ParameterError where it is none."""
        try:
            if self.type == "iri":
                return read_iri(text)
            if self.type == "date":
                date.fromisoformat(text)
                if len(text) != len("2019-02-27"):
                    raise ValueError("not written as 2019-02-27")
            if self.type == "integer" and not re.fullmatch(r"[+-]?\d+", text):
                raise ValueError("not a whole number")
        except ValueError as error:
            raise ParameterError(
                f"“{text}” is no {self.type} for the parameter “{self.name}”: {error}.",
                f"Example: {self.example}" if self.example else "",
                parameter=self.name,
            ) from None
        return ox.Literal(text, datatype=ox.NamedNode(expand(_DATATYPES[self.type])))


@dataclass(frozen=True)
class QueryTemplate:
    """A question: what it asks, in words and in SPARQL, and what can be set."""

    slug: str
    summary: str
    description: str
    tags: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    view: str
    query: str
    path: Path
    #: The services of others that it asks, by their names in the settings.
    services: tuple[str, ...] = ()

    @property
    def iri(self) -> str:
        return f"{BASE}queries/{self.slug}"

    @property
    def examples(self) -> dict[str, str]:
        """Return the example values: with them, the question has its expected answer."""
        return {p.name: p.example for p in self.parameters if p.example}

    @property
    def needs_values(self) -> bool:
        return any(parameter.is_required for parameter in self.parameters)

    @property
    def own_part(self) -> str:
        """Return the query without what it asks of services: what is left needs no network."""
        return without_services(self.query) if self.services else self.query

    def from_snapshots(self) -> QueryTemplate:
        """Return the question as it is asked of the snapshots of its services."""
        query = self.query
        for name in self.services:
            query = query.replace(f"<peninsula:{name}>", f"<peninsula:{name}-snapshot>")
        return replace(self, query=query)

    def bind(self, values: Mapping[str, str]) -> dict[str, Term]:
        """Return the terms for ``values``; an empty value leaves its parameter unbound."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in values:
            if name not in known:
                names = ", ".join(known) or "none"
                raise ParameterError(
                    f"The question “{self.slug}” has no parameter “{name}”.",
                    f"Its parameters: {names}.",
                    parameter=name,
                )
        given = {name: value.strip() for name, value in values.items() if value.strip()}
        for parameter in self.parameters:
            if parameter.is_required and parameter.name not in given:
                raise ParameterError(
                    f"The question “{self.slug}” needs the parameter “{parameter.name}”: "
                    f"{parameter.description}.",
                    f"Example: {parameter.example}",
                    parameter=parameter.name,
                )
        return {name: known[name].bind(value) for name, value in given.items()}

    def write(self, bindings: Mapping[str, Term]) -> str:
        """Return the query with its parameters set, as text; see :func:`write_query`."""
        return write_query(self.query, bindings)

    def ask(self, dataset: Dataset, values: Mapping[str, str]) -> Result:
        """Return the answer for ``values``."""
        return dataset.evaluate(self.query, QueryOptions(substitutions=self.bind(values)))


@dataclass(frozen=True)
class Library:
    """Every question, by slug."""

    templates: Mapping[str, QueryTemplate]

    def find(self, slug: str) -> QueryTemplate:
        if slug in self.templates:
            return self.templates[slug]
        near = self.near(slug)
        hint = f"Perhaps: {', '.join(near)}." if near else "GET /queries lists all of them."
        raise UnknownQuestion(f"There is no question “{slug}”.", hint)

    def near(self, slug: str) -> list[str]:
        """Return the names of questions that resemble ``slug``, the nearest first."""
        words = set(slug.lower().split("-"))
        shared = {name: len(words & set(name.split("-"))) for name in self.templates}
        alike = get_close_matches(slug.lower(), self.templates, 5, 0.6)
        near = sorted((name for name in shared if shared[name]), key=lambda name: -shared[name])
        return list(dict.fromkeys([*alike, *near]))[:5]

    @property
    def tags(self) -> dict[str, int]:
        """Return every tag with the number of its questions, most used first."""
        tags = [tag for template in self.templates.values() for tag in template.tags]
        return dict(sorted(((t, tags.count(t)) for t in set(tags)), key=lambda i: (-i[1], i[0])))


def read_library(folder: Path) -> Library:
    """Return the questions in ``folder``; raises InvalidQuestion at the first broken one."""
    questions = [read_question(path) for path in question_files(folder)]
    return Library({question.slug: question for question in questions})


def question_files(folder: Path) -> list[Path]:
    """Return the files of the questions in ``folder``, by slug."""
    return sorted(folder.glob("*.rq"), key=lambda path: path.stem)


def read_question(path: Path) -> QueryTemplate:
    """Return the question in the file at ``path``; raises InvalidQuestion."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidQuestion(f"{place(path)}: it is not UTF-8.", "Save it as UTF-8.") from None
    header = _Header(path, text)
    template = QueryTemplate(
        slug=path.stem,
        summary=header.read_text("summary"),
        description=header.read_text("description"),
        tags=header.read_tags(),
        parameters=header.read_parameters(),
        view=header.read_text("view", "table"),
        query=text,
        path=path,
        services=header.read_services(),
    )
    if not _SLUG.fullmatch(path.stem):
        header.complain(
            "", f"“{path.stem}” is no slug", "Name it with small letters, digits and hyphens."
        )
    if not template.summary.endswith("?"):
        header.complain("summary", "it is not a question", "End it with a question mark.")
    _check_query(template, header)
    return template


class _Header:
    """The lines ``#+ key: value`` above a question."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.lines = [
            (number, line[2:].removeprefix(" "))
            for number, line in enumerate(text.splitlines(), start=1)
            if line.startswith("#+")
        ]
        if not self.lines:
            self.complain("", "there is no header", "Begin it with “#+ summary: …?”.")
        self.values = self._parse()
        for key in _REQUIRED_KEYS:
            if not self.values.get(key):
                self.complain("", f"the header has no {key}", f"Add a line “#+ {key}: …”.")
        for key in self.values:
            if key not in _KEYS:
                self.complain(key, f"unknown key “{key}”", f"Known are {', '.join(_KEYS)}.")

    def _parse(self) -> dict[str, Any]:
        try:
            values = yaml.safe_load("\n".join(line for _, line in self.lines))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            index = min(mark.line, len(self.lines) - 1) if mark else 0
            raise InvalidQuestion(
                f"{place(self.path, self.lines[index][0])}: {error.problem}.",
                "Write “#+ key: value”; put a value with a colon into quotes.",
            ) from None
        if not isinstance(values, dict):
            self.complain("", "the header is no list of keys", "Write “#+ key: value”.")
        return {str(key): value for key, value in values.items()}

    def complain(self, word: str, problem: str, remedy: str) -> None:
        """Raise InvalidQuestion at the line of ``word``."""
        line = next((n for n, text in self.lines if word and text.strip().startswith(word)), 1)
        raise InvalidQuestion(f"{place(self.path, line)}: {problem}.", remedy)

    def read_text(self, key: str, default: str = "") -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str):
            self.complain(key, f"{key} is no text", "Put it into quotes.")
        return " ".join(str(value).split())

    def read_tags(self) -> tuple[str, ...]:
        return self._read_words("tags", "[votes, states]")

    def read_services(self) -> tuple[str, ...]:
        return self._read_words("services", "[wikidata]")

    def _read_words(self, key: str, example: str) -> tuple[str, ...]:
        words = self.values.get(key) or []
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            self.complain(key, f"{key} is no list of words", f"Write “#+ {key}: {example}”.")
        return tuple(words)

    def read_parameters(self) -> tuple[Parameter, ...]:
        parameters = self.values.get("parameters") or {}
        if not isinstance(parameters, dict):
            self.complain("parameters", "parameters is no mapping", "Write “name: {type: iri}”.")
        return tuple(self._read_parameter(str(name), given) for name, given in parameters.items())

    def _read_parameter(self, name: str, given: Any) -> Parameter:
        if not isinstance(given, dict):
            self.complain(name, f"parameter “{name}” is no mapping", "Give it a type at least.")
        for key in given:
            if key not in _PARAMETER_KEYS:
                known = ", ".join(_PARAMETER_KEYS)
                self.complain(name, f"parameter “{name}” has a key “{key}”", f"Known: {known}.")
        is_required = given.get("required", False) is True
        # A parameter that may stay open need have no example: the expected answer leaves it open.
        for key in ("type", "description", *(["example"] if is_required else [])):
            if given.get(key) in (None, ""):
                self.complain(name, f"parameter “{name}” has no {key}", f"Add “{key}: …”.")
        if given["type"] not in _TYPES:
            known = ", ".join(_TYPES)
            self.complain(
                name, f"parameter “{name}” has the type “{given['type']}”", f"Known: {known}."
            )
        parameter = Parameter(
            name,
            given["type"],
            str(given["description"]).rstrip("."),
            str(given.get("example", "")),
            is_required,
        )
        try:
            if parameter.example:
                parameter.bind(parameter.example)
        except ParameterError as error:
            self.complain(name, error.message.rstrip("."), "Mend the example.")
        return parameter


def _check_query(template: QueryTemplate, header: _Header) -> None:
    """Ask the question of an empty store: syntax and projection show without any data."""
    _check_services(template, header)
    nothing = ox.Literal("")
    every = {parameter.name: nothing for parameter in template.parameters}
    query = _services_as_graphs(template.query)
    try:
        LocalDataset(ox.Store(), Policy()).evaluate(query, QueryOptions(substitutions=every))
    except QuerySyntaxError as error:
        message = re.sub(r"\ALine \d+, ", "", error.message).rstrip(".")
        raise InvalidQuestion(f"{place(template.path, error.line)}: {message}.") from None
    except ParameterError as error:
        header.complain(
            error.parameter,
            f"the query does not select the parameter ?{error.parameter}",
            "Name it in the SELECT.",
        )
    except PeninsulaError as error:
        raise InvalidQuestion(f"{place(template.path)}: {error.message}", error.remedy) from None


def _check_services(template: QueryTemplate, header: _Header) -> None:
    """Complain where the header does not say which services the query asks."""
    asked = []
    for call in _find_services(template.query):
        match = _SERVICE.fullmatch(call.name.text)
        if match is None:
            line = template.query.count("\n", 0, call.name.position) + 1
            raise InvalidQuestion(
                f"{place(template.path, line)}: it asks a service by “{call.name.text}”.",
                "Name it as in the settings: SERVICE <peninsula:wikidata>.",
            )
        asked.append(match[1])
    if set(asked) != set(template.services) or len(template.services) != len(set(asked)):
        names = ", ".join(dict.fromkeys(asked))
        remedy = f"Write “#+ services: [{names}]”." if names else "Take the line away."
        header.complain("services", "the services are not those that the query asks", remedy)


@dataclass(frozen=True)
class _ServiceCall:
    """Where a query asks a service: the word SERVICE, the service, and the end of its pattern."""

    start: int
    name: Token
    end: int


def _find_services(query: str) -> list[_ServiceCall]:
    """Return the outermost SERVICE patterns of a query, in their order."""
    calls: list[_ServiceCall] = []
    tokens = iter(tokenize(query))
    for token in tokens:
        if token.upper != "SERVICE" or token.kind != "word":
            continue
        name = next((t for t in tokens if t.upper != "SILENT"), token)
        depth, end = 0, name.end
        for inner in tokens:
            depth += {"{": 1, "}": -1}.get(inner.text, 0) if inner.kind == "sign" else 0
            end = inner.end
            if not depth:
                break
        calls.append(_ServiceCall(token.position, name, end))
    return calls


def without_services(query: str) -> str:
    """Return a query without its SERVICE patterns; what they would bind stays unbound."""
    for call in reversed(_find_services(query)):
        query = query[: call.start] + query[call.end :]
    return query


def _services_as_graphs(query: str) -> str:
    """Return a query that asks graphs where this one asks services, and as long, place by place.

    A SERVICE pattern is written as a GRAPH pattern is; so a parser finds the same faults in it,
    and nothing is sent anywhere.
    """
    for call in _find_services(query):
        head = "GRAPH".ljust(call.name.position - call.start)
        query = query[: call.start] + head + query[call.name.position :]
    return query


def write_query(query: str, bindings: Mapping[str, Term]) -> str:
    """Return the SPARQL of a question with its parameters set, without its header.

    A line ``VALUES ?parameter { … }`` stands first in the pattern, where an editor can change it.
    """
    lines = [line for line in query.splitlines() if not line.startswith("#+")]
    query = "\n".join(lines).strip() + "\n"
    if not bindings:
        return query
    place = _find_pattern(query)
    values = "".join(f"\n  VALUES ?{name} {{ {_write_term(t)} }}" for name, t in bindings.items())
    return _declare(f"{query[:place]}{values}{query[place:]}", bindings.values())


def _find_pattern(query: str) -> int:
    """Return where the pattern of the outermost SELECT begins, behind its brace."""
    braces = [token for token in tokenize(query) if token.text in {"{", "}"}]
    depth = 0
    for token in braces:
        # Braces of an expression in the SELECT clause close again before the pattern.
        before = query[: token.position].rstrip()
        if token.text == "{" and not depth and not before.upper().endswith("EXISTS"):
            return token.end
        depth += 1 if token.text == "{" else -1
    return len(query)


def _write_term(term: Term) -> str:
    if isinstance(term, ox.NamedNode):
        name = shorten(term.value)
        prefix, colon, local = name.partition(":")
        is_plain = colon and re.fullmatch(r"[A-Za-z0-9_](?:[\w-]*[A-Za-z0-9_])?", local, re.ASCII)
        return f"{prefix}:{local}" if is_plain and name != term.value else str(term)
    return str(term)


def _declare(query: str, terms: Iterable[Term]) -> str:
    """Return ``query`` with the prefixes declared that ``terms`` need and it has not."""
    needed = {
        prefix
        for term in terms
        for prefix in (_write_term(term).partition(":")[0],)
        if isinstance(term, ox.NamedNode) and prefix in PREFIXES
    }
    declared = {m.casefold() for m in re.findall(r"(?im)^\s*PREFIX\s+([\w-]*):", query)}
    head = "".join(
        f"PREFIX {prefix}: <{PREFIXES[prefix]}>\n"
        for prefix in sorted(needed)
        if prefix.casefold() not in declared
    )
    return head + query


#: The node that declares the prefixes of all questions.
PREFIXES_NODE: Final = f"{BASE}queries#prefixes"


def describe(
    library: Library, endpoint: str = f"{BASE}sparql", addresses: Mapping[str, str] | None = None
) -> Iterator[ox.Triple]:
    """Yield the library as RDF, in the terms of SHACL: one executable SELECT a question.

    The form is that of SIB's collection (https://github.com/sib-swiss/sparql-examples), by which
    editors find examples: the summary as rdfs:comment, the ``endpoint`` as schema:target, the
    prefixes declared at one node. A query runs as it stands: what it needs is set to its example.
    Services are named by their ``addresses`` where those are given, as others know them.
    """
    rdf_type = ox.NamedNode(expand("rdf:type"))

    def triple(subject: ox.NamedNode, predicate: str, object_: Term) -> ox.Triple:
        return ox.Triple(subject, ox.NamedNode(expand(predicate)), object_)

    prefixes = ox.NamedNode(PREFIXES_NODE)
    for template in library.templates.values():
        question = ox.NamedNode(template.iri)
        for name in ("sh:SPARQLExecutable", "sh:SPARQLSelectExecutable"):
            yield ox.Triple(question, rdf_type, ox.NamedNode(expand(name)))
        for name in ("rdfs:label", "rdfs:comment"):
            yield triple(question, name, ox.Literal(template.summary, language="en"))
        yield triple(
            question, "dcterms:description", ox.Literal(template.description, language="en")
        )
        yield triple(question, "dcterms:identifier", ox.Literal(template.slug))
        for tag in template.tags:
            yield triple(question, "schema:keywords", ox.Literal(tag, language="en"))
        yield triple(question, "sh:prefixes", prefixes)
        needed = {p.name: p.example for p in template.parameters if p.is_required}
        query = template.write(template.bind(needed))
        for name in template.services:
            iri = f"peninsula:{name}"
            address = (addresses or {}).get(name, iri)
            query = query.replace(f"SERVICE <{iri}>", f"SERVICE <{address}>")
            yield triple(question, "spex:federatesWith", ox.NamedNode(address))
        yield triple(question, "sh:select", ox.Literal(query))
        yield triple(question, "schema:target", ox.NamedNode(endpoint))
        yield triple(question, "schema:isBasedOn", ox.NamedNode(f"{template.iri}.rq"))
        for parameter in template.parameters:
            yield from _describe_parameter(question, parameter, triple)
    yield from _declare_prefixes(prefixes, triple)


_Triple = Callable[[ox.NamedNode, str, Term], ox.Triple]


def _describe_parameter(
    question: ox.NamedNode, parameter: Parameter, triple: _Triple
) -> Iterator[ox.Triple]:
    node = ox.NamedNode(f"{question.value}#{parameter.name}")
    yield triple(question, "sh:parameter", node)
    yield triple(node, "rdf:type", ox.NamedNode(expand("sh:Parameter")))
    # The local name of a parameter's path is the name of its variable (SHACL, 6.2.1).
    yield triple(node, "sh:path", ox.NamedNode(f"{BASE}queries/parameter#{parameter.name}"))
    text = parameter.description
    if parameter.type == "iri":
        yield triple(node, "sh:nodeKind", ox.NamedNode(expand("sh:IRI")))
        if parameter.example:
            yield triple(node, "skos:example", parameter.bind(parameter.example))
    else:
        text += f", for example {parameter.example}" if parameter.example else ""
        datatype = ox.NamedNode(expand(_DATATYPES[parameter.type]))
        yield triple(node, "sh:datatype", datatype)
    yield triple(node, "sh:description", ox.Literal(text, language="en"))
    optional = "false" if parameter.is_required else "true"
    boolean = ox.NamedNode(expand("xsd:boolean"))
    yield triple(node, "sh:optional", ox.Literal(optional, datatype=boolean))


def _declare_prefixes(node: ox.NamedNode, triple: _Triple) -> Iterator[ox.Triple]:
    """Yield the declarations by which editors know the prefixes (SHACL, 5.2.1)."""
    any_uri = ox.NamedNode(expand("xsd:anyURI"))
    for prefix, namespace in PREFIXES.items():
        declaration = ox.NamedNode(f"{BASE}queries#prefix-{prefix}")
        yield triple(node, "sh:declare", declaration)
        yield triple(declaration, "sh:prefix", ox.Literal(prefix))
        yield triple(declaration, "sh:namespace", ox.Literal(namespace, datatype=any_uri))
