"""Which files with the graph are to be had, and what are they called?

``peninsula.nq.gz`` is everything with its named graphs, ``record.ttl`` one source; a name is a
dump, the ending of a format, and that of a compression. In a format that has room for it, a
source keeps the name of its graph, so that what is loaded elsewhere is cited as here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.compression import ENCODINGS, Encoding
from peninsula.dataset.interface import Dataset
from peninsula.errors import UnknownDump
from peninsula.formats import GRAPH_FORMATS, NQUADS, TRIG, TURTLE, Format
from peninsula.namespaces import expand

#: Of everything, and of every claim and position as a nanopublication.
WHOLE: Final = "peninsula"
NANOPUBLICATIONS: Final = "nanopublications"
_OWN: Final = expand("graph:")
#: Endings of compressed files: how, and of which media type they are.
COMPRESSIONS: Final[dict[str, tuple[Encoding, str]]] = {
    ending: (encoding, media_type)
    for ending, encoding, media_type in (
        ("gz", "gzip", "application/gzip"),
        ("zst", "zstd", "application/zstd"),
    )
    if encoding in ENCODINGS
}
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class Dump:
    """A part of the graph that is to be had as files."""

    name: str
    #: The named graph; nothing for what is no single one.
    graph: str
    #: How many triples it holds; None where nobody has counted them.
    triples: int | None
    #: The formats, the best first.
    formats: tuple[Format, ...]


@dataclass(frozen=True)
class DumpFile:
    """One file of a dump."""

    dump: Dump
    format: Format
    #: The ending of its compression; nothing where it is none.
    compression: str = ""

    @property
    def name(self) -> str:
        ending = f".{self.compression}" if self.compression else ""
        return f"{self.dump.name}.{self.format.extension}{ending}"

    @property
    def media_type(self) -> str:
        """Return the media type of what is sent."""
        if self.compression:
            return COMPRESSIONS[self.compression][1]
        return self.format.media_type

    @property
    def content_type(self) -> str:
        return self.media_type if self.compression else self.format.content_type


def list_dumps(dataset: Dataset) -> list[Dump]:
    """Return what is to be had of ``dataset``: everything, the sources, nanopublications."""
    graphs = dataset.graphs()
    whole = Dump(
        WHOLE,
        "",
        sum(graphs.values()) + dataset.default_size(),
        (NQUADS, TRIG, *(f for f in GRAPH_FORMATS if f not in {NQUADS, TRIG})),
    )
    sources = [
        Dump(name, graph, size, (TURTLE, NQUADS, TRIG, *_others()))
        for graph, size in graphs.items()
        if (name := _name(graph))
    ]
    return [whole, *sources, Dump(NANOPUBLICATIONS, "", None, (TRIG, NQUADS))]


def _others() -> Iterator[Format]:
    return (f for f in GRAPH_FORMATS if f not in {TURTLE, NQUADS, TRIG})


def _name(graph: str) -> str:
    """Return by what name a graph is to be had; nothing for one that is not named by us."""
    name = graph.removeprefix(_OWN)
    is_ours = name != graph and _NAME.fullmatch(name) is not None
    return name if is_ours and name not in {WHOLE, NANOPUBLICATIONS} else ""


def list_files(dump: Dump) -> Iterator[DumpFile]:
    """Yield every file of ``dump``."""
    for format in dump.formats:
        for compression in ("", *COMPRESSIONS):
            yield DumpFile(dump, format, compression)


def find_file(text: str, dumps: Iterable[Dump]) -> DumpFile:
    """Return the file called ``text``; raises UnknownDump, with what is near."""
    known = {file.name: file for dump in dumps for file in list_files(dump)}
    if text in known:
        return known[text]
    near = difflib.get_close_matches(text, known, n=3, cutoff=0.6)
    names = sorted({file.dump.name for file in known.values()})
    raise UnknownDump(
        f"There is no dump “{text}”.",
        f"Perhaps: {', '.join(near)}." if near else f"There are {', '.join(names)}, as .nq, .ttl …",
    )


#: Quads that a vocabulary of datasets announces for each dump: the formats that others load.
ANNOUNCED: Final = (NQUADS, TRIG, TURTLE)
_MEDIA_TYPES: Final = "https://www.iana.org/assignments/media-types/"


def announce(dumps: Iterable[Dump], whole: str, site: str, licence: str) -> Iterator[ox.Triple]:
    """Yield what VoID and DCAT say of the dumps of the server at ``site``.

    ``whole`` names the dataset of which everything, and the nanopublications, are dumps.
    """
    for dump in dumps:
        for file in list_files(dump):
            if file.format in ANNOUNCED and file.compression in {"", "gz"}:
                yield from _announce(file, dump.graph or whole, f"{site}dumps/{file.name}", licence)


def _announce(file: DumpFile, about: str, address: str, licence: str) -> Iterator[ox.Triple]:
    dataset, distribution = ox.NamedNode(about), ox.NamedNode(f"{address}#distribution")

    def say(property: str, value: ox.NamedNode | ox.Literal) -> ox.Triple:
        return ox.Triple(distribution, ox.NamedNode(expand(property)), value)

    if file.dump.name != NANOPUBLICATIONS:
        yield ox.Triple(dataset, ox.NamedNode(expand("void:dataDump")), ox.NamedNode(address))
    yield ox.Triple(dataset, ox.NamedNode(expand("dcat:distribution")), distribution)
    yield say("rdf:type", ox.NamedNode(expand("dcat:Distribution")))
    yield say("dcterms:title", ox.Literal(file.name))
    yield say("dcat:downloadURL", ox.NamedNode(address))
    yield say("dcat:mediaType", ox.NamedNode(_MEDIA_TYPES + file.format.media_type))
    if file.compression:
        yield say("dcat:compressFormat", ox.NamedNode(_MEDIA_TYPES + file.media_type))
    if licence:
        yield say("dcterms:license", ox.NamedNode(licence))
