"""Where is the knowledge, and which file belongs to which named graph?

A knowledge folder holds ``ontology/``, ``data/`` and ``queries/``. ``data/manifest.ttl`` lists
the sources: every ``dcat:Dataset`` is a named graph, and its ``void:dataDump`` names the folder
of its files, as an IRI below ``https://w3id.org/peninsula/``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula import __version__
from peninsula.errors import InvalidSource, OperatorError, place
from peninsula.files import explain
from peninsula.namespaces import BASE, expand
from peninsula.payloads import find_hostility

CATALOG: Final = expand("graph:catalog")
ONTOLOGY: Final = expand("graph:ontology")
INFERRED: Final = expand("graph:inferred")
QUESTIONS: Final = expand("graph:questions")
#: Graphs that are computed when the knowledge is loaded.
COMPUTED: Final = (INFERRED, QUESTIONS)

_PACKAGE: Final = Path(__file__).parent
_FOLDERS: Final = ("ontology", "data", "queries")
#: What is computed at load depends on these modules as well as on the files.
_COMPUTING: Final = ("inference.py", "library.py", "loading.py", "namespaces.py")


@dataclass(frozen=True)
class Source:
    """One named graph of the knowledge: its name, its files and how to cite it."""

    graph: str
    title: str
    description: str
    licence: str
    issued: str
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Knowledge:
    """A folder with ontology, data and questions."""

    root: Path

    @property
    def manifest(self) -> Path:
        return self.root / "data" / "manifest.ttl"

    @property
    def queries(self) -> Path:
        return self.root / "queries"

    @property
    def hygiene(self) -> Path:
        return self.root / "ontology" / "hygiene"

    @property
    def expected(self) -> Path:
        """Return the folder of expected answers; it stands beside a repository's knowledge."""
        return self.root / "tests" / "queries" / "expected"

    @property
    def shapes(self) -> list[Path]:
        return sorted((self.root / "ontology" / "shapes").glob("*.ttl"))

    @cached_property
    def sources(self) -> list[Source]:
        """Return the sources that the manifest lists, the catalogue itself included."""
        store = ox.Store()
        store.extend(parse_turtle(self.manifest))
        datasets = [
            subject.value
            for kind in ("dcat:Dataset", "dcat:Catalog")
            for subject in _subjects(store, "rdf:type", expand(kind))
        ]
        if ONTOLOGY not in datasets or CATALOG not in datasets:
            raise InvalidSource(
                f"{place(self.manifest)}: graph:ontology or graph:catalog is missing.",
                "Describe both, as a dcat:Dataset and a dcat:Catalog.",
            )
        return [self._read_source(store, graph) for graph in sorted(datasets)]

    def _read_source(self, store: ox.Store, graph: str) -> Source:
        def text(name: str) -> str:
            values = [value.value for value in _objects(store, graph, name)]
            return values[0] if values else ""

        for name in ("dcterms:title", "dcterms:license", "dcterms:publisher", "dcterms:issued"):
            if not list(_objects(store, graph, name)):
                raise InvalidSource(f"{place(self.manifest)}: <{graph}> has no {name}.", "Add it.")
        files = [
            path
            for dump in _objects(store, graph, "void:dataDump")
            for path in self._read_folder(graph, dump.value)
        ]
        if graph == CATALOG:
            files.append(self.manifest)
        return Source(
            graph,
            text("dcterms:title"),
            text("dcterms:description"),
            text("dcterms:license"),
            text("dcterms:issued"),
            tuple(files),
        )

    def _read_folder(self, graph: str, dump: str) -> list[Path]:
        folder = self.root / dump.removeprefix(BASE)
        files = sorted(folder.glob("*.ttl")) if dump.startswith(BASE) else []
        if not files:
            raise InvalidSource(
                f"{place(self.manifest)}: <{graph}> names <{dump}>, where there is no *.ttl file.",
                f"Name a folder of {place(self.root)} by an IRI that begins with {BASE}.",
            )
        return files

    @property
    def sourced_files(self) -> list[tuple[str, Path]]:
        """Return every file that is loaded, with the name of its graph."""
        return [(source.graph, path) for source in self.sources for path in source.files]

    def fingerprint(self) -> str:
        """Return a digest of everything that a store built from this knowledge depends on."""
        digest = hashlib.sha256(f"peninsula {__version__} pyoxigraph {ox.__version__}".encode())
        for path in self._depends_on():
            content = path.read_bytes()
            digest.update(f"{path.name} {len(content)}\n".encode())
            digest.update(content)
        return digest.hexdigest()

    def _depends_on(self) -> Iterator[Path]:
        for folder in _FOLDERS:
            for pattern in ("*.ttl", "*.rq"):
                yield from sorted((self.root / folder).rglob(pattern))
        yield from (_PACKAGE / name for name in _COMPUTING)


def find_knowledge(folder: Path | None = None) -> Knowledge:
    """Return the knowledge in ``folder``, else the repository's, else the shipped one."""
    candidates = [folder] if folder else [_PACKAGE.parents[1], _PACKAGE / "knowledge"]
    for candidate in candidates:
        if (candidate / "data" / "manifest.ttl").is_file():
            return Knowledge(candidate.resolve())
    missing = f"{place(candidates[0])}/data/manifest.ttl"
    raise OperatorError(
        f"There is no knowledge here: {missing} is missing.",
        "Give --knowledge a folder with ontology/, data/ and queries/.",
    )


def parse_turtle(path: Path, graph: str | None = None) -> Iterator[ox.Quad]:
    """Yield the statements of a Turtle file, in ``graph``; a mistake is told with its line."""
    return parse_rdf(path, ox.RdfFormat.TURTLE, graph)


def parse_rdf(path: Path, format: ox.RdfFormat, graph: str | None = None) -> Iterator[ox.Quad]:
    """Yield the statements of a file, in ``graph`` where one is given."""
    name = ox.NamedNode(graph) if graph else ox.DefaultGraph()
    try:
        content = path.read_bytes()
        _refuse_hostile(content, format, path)
        for quad in ox.parse(content, format=format, rename_blank_nodes=True):
            yield ox.Quad(quad.subject, quad.predicate, quad.object, name)
    except SyntaxError as error:
        raise InvalidSource.unreadable(path, error, f"Mend the {format.name} there.") from None
    except (OSError, ValueError) as error:
        raise InvalidSource(f"{place(path)}: it cannot be read ({explain(error)}).") from None


def _refuse_hostile(content: bytes, format: ox.RdfFormat, path: Path) -> None:
    """Refuse what a parser would pay dearly for."""
    if found := find_hostility(content, format):
        raise InvalidSource(f"{place(path)}: {found.reason}.", found.remedy)


def _subjects(store: ox.Store, predicate: str, object_: str) -> Iterator[ox.NamedNode]:
    pattern = store.quads_for_pattern(
        None, ox.NamedNode(expand(predicate)), ox.NamedNode(object_), None
    )
    return (quad.subject for quad in pattern if isinstance(quad.subject, ox.NamedNode))


def _objects(
    store: ox.Store, subject: str, predicate: str
) -> Iterator[ox.NamedNode | ox.BlankNode | ox.Literal]:
    """Yield the objects; of texts in several languages the English one comes first."""
    pattern = store.quads_for_pattern(
        ox.NamedNode(subject), ox.NamedNode(expand(predicate)), None, None
    )
    objects = [quad.object for quad in pattern if not isinstance(quad.object, ox.Triple)]
    yield from sorted(objects, key=lambda o: (getattr(o, "language", None) != "en", o.value))
