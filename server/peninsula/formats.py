"""Which formats are there, and what are they called?

Each table is in order of preference: the first fits where the client has no wish. A short
name serves ``?format=``, ``--format`` and the ending of an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import pyoxigraph as ox


@dataclass(frozen=True)
class Format:
    """A way to write an answer."""

    name: str
    media_type: str
    extension: str
    title: str
    #: Other media types that a client may mean this format by.
    also: tuple[str, ...] = ()
    #: Other short names.
    nicknames: tuple[str, ...] = ()
    engine: ox.QueryResultsFormat | ox.RdfFormat | None = None
    is_binary: bool = False
    #: What is written into a file about it, where the format has room for that.
    notes: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def noted(self, notes: Mapping[str, str]) -> Format:
        """Return this format, to be written with ``notes`` in it."""
        return replace(self, notes=tuple(notes.items()))

    @property
    def content_type(self) -> str:
        """Return the value of the Content-Type header."""
        is_text = self.media_type.startswith("text/")
        return f"{self.media_type}; charset=utf-8" if is_text else self.media_type

    @property
    def media_types(self) -> tuple[str, ...]:
        return (self.media_type, *self.also)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, self.extension, *self.nicknames)


_R, _F = ox.QueryResultsFormat, ox.RdfFormat

JSON: Final = Format(
    "json", "application/sparql-results+json", "srj", "JSON",
    ("application/json",), ("sparql-json",), _R.JSON,
)  # fmt: skip
XML: Final = Format(
    "xml", "application/sparql-results+xml", "srx", "XML",
    ("application/xml", "text/xml"), ("sparql-xml",), _R.XML,
)  # fmt: skip
CSV: Final = Format("csv", "text/csv", "csv", "CSV", engine=_R.CSV)
TSV: Final = Format("tsv", "text/tab-separated-values", "tsv", "TSV", engine=_R.TSV)
#: Columns with types. An ``.arrow`` is a file with random access (Feather), ``.arrows`` a stream.
PARQUET: Final = Format(
    "parquet", "application/vnd.apache.parquet", "parquet", "Parquet",
    ("application/x-parquet",), is_binary=True,
)  # fmt: skip
ARROW: Final = Format(
    "arrow", "application/vnd.apache.arrow.file", "arrow", "Arrow",
    nicknames=("feather", "ipc"), is_binary=True,
)  # fmt: skip
ARROW_STREAM: Final = Format(
    "arrows", "application/vnd.apache.arrow.stream", "arrows", "Arrow stream",
    nicknames=("arrow-stream",), is_binary=True,
)  # fmt: skip

TURTLE: Final = Format(
    "turtle", "text/turtle", "ttl", "Turtle", ("application/x-turtle",), ("n3",), _F.TURTLE
)
NTRIPLES: Final = Format(
    "ntriples", "application/n-triples", "nt", "N-Triples",
    ("text/plain",), ("n-triples",), _F.N_TRIPLES,
)  # fmt: skip
JSONLD: Final = Format(
    "jsonld", "application/ld+json", "jsonld", "JSON-LD",
    ("application/json",), ("json-ld", "json"), _F.JSON_LD,
)  # fmt: skip
RDFXML: Final = Format(
    "rdfxml", "application/rdf+xml", "rdf", "RDF/XML",
    ("application/xml", "text/xml"), ("rdf-xml", "rdf+xml", "xml"), _F.RDF_XML,
)  # fmt: skip
TRIG: Final = Format("trig", "application/trig", "trig", "TriG", engine=_F.TRIG)
NQUADS: Final = Format(
    "nquads", "application/n-quads", "nq", "N-Quads", ("text/x-nquads",), ("n-quads",), _F.N_QUADS
)

HTML: Final = Format("html", "text/html", "html", "HTML", ("application/xhtml+xml",))
#: Plain JSON: documents of the server's own, such as the list of questions.
PLAIN_JSON: Final = Format("json", "application/json", "json", "JSON")
#: One object a line.
NDJSON: Final = Format("ndjson", "application/x-ndjson", "ndjson", "NDJSON", nicknames=("jsonl",))

#: A change (https://afs.github.io/rdf-patch/).
RDF_PATCH: Final = Format(
    "patch", "application/rdf-patch", "rdfp", "RDF Patch", ("text/rdf-patch",)
)

#: For answers that are a network, or have places.
GRAPHML: Final = Format("graphml", "application/graphml+xml", "graphml", "GraphML")
GEOJSON: Final = Format("geojson", "application/geo+json", "geojson", "GeoJSON")
SHAPED_FORMATS: Final = (GRAPHML, GEOJSON)

#: For the solutions of SELECT and for the truth value of ASK.
SOLUTION_FORMATS: Final = (JSON, XML, CSV, TSV)
COLUMNAR_FORMATS: Final = (PARQUET, ARROW, ARROW_STREAM)
#: For the solutions of SELECT alone: a truth value has no columns.
TABLE_FORMATS: Final = (*SOLUTION_FORMATS, *COLUMNAR_FORMATS)
#: For the triples of CONSTRUCT and DESCRIBE.
GRAPH_FORMATS: Final = (TURTLE, NTRIPLES, JSONLD, RDFXML, TRIG, NQUADS)
#: For the quads of a whole dataset, named graphs included.
DATASET_FORMATS: Final = (TRIG, NQUADS, JSONLD)
#: For files to read, by ending.
RDF_EXTENSIONS: Final = {f".{f.extension}": f for f in GRAPH_FORMATS} | {".owl": RDFXML}


def find(name: str, offered: Iterable[Format]) -> Format | None:
    """Return the format on offer that goes by ``name``: a short name, ending or media type.

    Of several names with commas between, the first that is on offer counts.
    """
    known = tuple(offered)
    for wanted in (part.strip().lower() for part in name.split(",")):
        for format in known:
            if wanted in format.names or wanted in format.media_types:
                return format
    return None


def find_media_type(media_type: str, offered: Iterable[Format]) -> Format | None:
    """Return the format on offer that ``media_type`` means; short names do not count."""
    wanted = media_type.strip().lower()
    return next((f for f in offered if wanted in f.media_types), None)
