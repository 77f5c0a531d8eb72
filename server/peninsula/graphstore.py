"""Which graph does this HTTP request read or write, by the Graph Store HTTP Protocol?

Pure: method, address, parameters and content type in, a :class:`GraphStoreRequest` out; the
body stays where it is. https://www.w3.org/TR/sparql11-http-rdf-update/

A graph is named indirectly (``?graph=IRI``, ``?default``) or directly, by the address that is
asked. Where none is named, POST of triples makes a new graph; everything else means the whole
dataset, as TriG, N-Quads or JSON-LD (which counts as a format of datasets here).
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal
from urllib.parse import quote, urlsplit

from peninsula.errors import MethodNotAllowed, ProtocolError, UnsupportedMediaType
from peninsula.formats import (
    DATASET_FORMATS,
    GRAPH_FORMATS,
    RDF_EXTENSIONS,
    Format,
    find_media_type,
)
from peninsula.protocol import (
    UPDATE,
    Pairs,
    read_flag,
    read_generation,
    read_iri,
    read_media_type,
    read_timeout,
    refuse_repetition,
)

MULTIPART: Final = "multipart/form-data"
RDF_PATCH: Final = ("application/rdf-patch", "text/rdf-patch")
METHODS: Final = ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH")
#: The value of the header Accept-Patch.
ACCEPT_PATCH: Final = ", ".join((UPDATE, *RDF_PATCH))
#: The value of the header Accept-Post.
ACCEPT_POST: Final = ", ".join((*(f.media_type for f in GRAPH_FORMATS), MULTIPART))

_READS: Final = ("GET", "HEAD")
_ONCE: Final = ("graph", "default", "format", "timeout", "generation", "dry-run")
_BOUNDARY: Final = re.compile(
    r""";\s*boundary\s*=\s*(?:"([ !#-\[\]-~]{1,70})"|([!#-+\--:<-~]{1,70}))\s*(?:;|\Z)""",
    re.IGNORECASE,
)
_SAFE: Final = "/%:@!$&'()*+,;=-._~"
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")

Target = Literal["default", "named", "dataset", "new"]
Payload = Literal["none", "rdf", "multipart", "update", "patch"]


@dataclass(frozen=True)
class GraphStoreRequest:
    """What is to be done with which graph.

    ``graph`` is the IRI of a named target, else None; ``body_format`` that of an ``rdf`` payload,
    ``boundary`` that of a ``multipart`` one. ``format`` is the short name for the answer (of a
    GET, or of a dry run), ``timeout`` in seconds, ``generation`` the number of the one to read.
    """

    method: str
    target: Target
    graph: str | None = None
    payload: Payload = "none"
    body_format: Format | None = None
    boundary: str | None = None
    format: str | None = None
    is_dry_run: bool = False
    timeout: float | None = None
    generation: int | None = None

    @property
    def is_read(self) -> bool:
        return self.method in _READS

    @property
    def replaces(self) -> bool:
        """Return whether what the target held is to go."""
        return self.method in {"PUT", "DELETE"}

    @property
    def takes_named_graphs(self) -> bool:
        """Return whether the body may name graphs of its own."""
        return self.target == "dataset"

    @property
    def offered(self) -> tuple[Format, ...]:
        """Return the formats for the answer, in order of preference."""
        return DATASET_FORMATS if self.target == "dataset" else GRAPH_FORMATS


def read_graph_store(
    method: str,
    parameters: Pairs,
    content_type: str | None = None,
    *,
    direct: str | None = None,
) -> GraphStoreRequest:
    """Return what the request does.

    ``direct`` is the address that was asked, without its parameters and as it was sent, where
    it lies below the graph store's own and thus names a graph itself. Raises ProtocolError,
    UnsupportedMediaType, MethodNotAllowed.
    """
    if method not in METHODS:
        raise MethodNotAllowed(
            f"A graph store knows no {method}.", f"It takes {', '.join(METHODS)}.", allowed=METHODS
        )
    pairs = list(parameters)
    refuse_repetition(pairs, _ONCE)
    values = dict(pairs)
    graph = _read_graph(values, direct)
    payload, body_format = _read_payload(method, content_type)
    target: Target = "named" if graph else "default"
    if graph is None and "default" not in values:
        target = _read_open_target(method, payload, body_format)
    is_dry_run = read_flag(values, "dry-run")
    is_read = method in _READS
    if is_read and "dry-run" in values:
        raise ProtocolError(f"“dry-run” does not go with {method}.", "Leave it out.")
    if not is_read and "generation" in values:
        raise ProtocolError(
            "A generation of the past cannot be written to.", "Leave out “generation”."
        )
    if not is_read and values.get("format") and not is_dry_run:
        raise ProtocolError(
            "“format” is given, but a change has no answer to write.",
            "The format of the body stands in Content-Type; with dry-run=true, “format” is that "
            "of the change.",
        )
    return GraphStoreRequest(
        method,
        target,
        graph,
        payload,
        body_format,
        read_boundary(content_type) if payload == "multipart" else None,
        values.get("format") or None,
        is_dry_run,
        read_timeout(values),
        read_generation(values),
    )


def mint_graph(store_address: str) -> str:
    """Return the IRI of a new graph below the graph store's address, so that it names itself."""
    return f"{store_address.rstrip('/')}/{uuid.uuid4()}"


def join_address(scheme: str, host: str, raw_path: str) -> str:
    """Return the address that was asked, as an IRI, without its parameters.

    ``raw_path`` is as it was sent, or a whole address. What an IRI must not hold is escaped;
    escapes that are there stay as they are.
    """
    path = raw_path.partition("?")[0]
    if not path.startswith("/"):
        path = urlsplit(path).path
    return f"{scheme}://{host}{_STRAY_PERCENT.sub('%25', quote(path, safe=_SAFE))}"


def write_status(request: GraphStoreRequest, *, existed: bool) -> int:
    """Return the status of a change that was made: 201, 204, or 404 (section 5.3 to 5.6).

    ``existed`` tells whether the named graph was there before; the default graph always is.
    """
    if request.target == "new":
        return 201
    if request.target == "named" and not existed:
        return {"PUT": 201, "POST": 201, "PATCH": 201, "DELETE": 404}[request.method]
    return 204


def read_body_format(content_type: str | None, filename: str = "") -> Format:
    """Return the format that ``content_type`` tells; of a body, or of a part of one.

    A part without one is known by the ending of its file's name.
    """
    media_type = read_media_type(content_type)
    by_ending = RDF_EXTENSIONS.get(PurePosixPath(filename).suffix.lower())
    if by_ending and media_type in {"", "application/octet-stream"}:
        return by_ending
    if not media_type:
        raise ProtocolError("The body has no Content-Type.", f"Set it to one of {_list()}.")
    if found := find_media_type(media_type, GRAPH_FORMATS):
        return found
    raise UnsupportedMediaType(f"RDF cannot be sent as “{media_type}”.", f"Send it as {_list()}.")


def read_boundary(content_type: str | None) -> str:
    """Return the boundary of a multipart body."""
    match = _BOUNDARY.search(content_type or "")
    if not match:
        raise ProtocolError(
            f"Content-Type: {MULTIPART} has no boundary.",
            "Let the HTTP client set the header itself.",
        )
    return str(match[1] or match[2])


def _read_graph(values: dict[str, str], direct: str | None) -> str | None:
    named = [name for name in ("graph", "default") if name in values]
    if direct is not None:
        # Such an address would be the name of a graph, or not, by what else stands in it.
        unknown = [name for name in values if name in named or name not in _ONCE]
        if unknown:
            raise ProtocolError(
                f"The address names the graph itself; “{unknown[0]}” has no place there.",
                "Leave it out, or name the graph as ?graph=… below the graph store's own address.",
            )
        return read_iri("address", direct)
    if len(named) > 1:
        raise ProtocolError("Both “graph” and “default” are given.", "Give one of them.")
    if "graph" in values:
        return read_iri("graph", values["graph"])
    if values.get("default") not in {None, "", "true"}:
        raise ProtocolError(
            f"default: it takes no value such as “{values['default']}”.", "Write ?default."
        )
    return None


def _read_payload(method: str, content_type: str | None) -> tuple[Payload, Format | None]:
    if method in {"GET", "HEAD", "DELETE"}:
        return "none", None
    media_type = read_media_type(content_type)
    if method == "PATCH":
        if media_type == UPDATE:
            return "update", None
        if media_type in RDF_PATCH:
            return "patch", None
        raise UnsupportedMediaType(
            f"A graph cannot be patched with “{media_type or 'nothing'}”.",
            f"Set Content-Type to {ACCEPT_PATCH.replace(', ', ' or ')}.",
        )
    if media_type == MULTIPART:
        return "multipart", None
    return "rdf", read_body_format(content_type)


def _read_open_target(method: str, payload: Payload, body_format: Format | None) -> Target:
    """Return what is meant where neither the address nor a parameter names a graph."""
    if payload in {"none", "update", "patch"} or body_format in DATASET_FORMATS:
        return "dataset"
    if method == "POST":
        return "new"
    raise ProtocolError(
        "No graph is named, and the whole dataset cannot be replaced by triples.",
        "Name one (?graph=IRI or ?default), or send the dataset as "
        f"{' or '.join(f.media_type for f in DATASET_FORMATS)}.",
    )


def _list() -> str:
    return ", ".join(f.media_type for f in GRAPH_FORMATS)
