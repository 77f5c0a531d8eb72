"""How does a big file get into the store?

Natively, without an exact delta of its own: into a copy of the published generation, which
becomes the next one when everything is in it, or is thrown away. Only an operator does this, on
a store that no server holds.
"""

from __future__ import annotations

import gc
import gzip
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

import pyoxigraph as ox

from peninsula.dataset.delta import Delta
from peninsula.dataset.generations import Generation, Generations, sync_database, using
from peninsula.dataset.writer import write_patch_file
from peninsula.errors import InvalidSource, PeninsulaError, place
from peninsula.files import explain
from peninsula.formats import RDF_EXTENSIONS, Format

#: Told what is being done, how far it is, and how far it has to go (0: not known).
Progress = Callable[[str, int, int], None]

_COUNTS: Final = "SELECT ?g (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g"
_TICK: Final = 0.2


def load_files(
    generations: Generations,
    files: Sequence[Path],
    progress: Progress,
    *,
    graph: str | None = None,
    remark: str = "",
    check: Callable[[ox.Store | None, ox.Store], PeninsulaError | None] | None = None,
) -> Generation:
    """Add the statements of ``files`` and publish; everything becomes one generation, or nothing.

    Triples go into the named graph ``graph``, or into the default graph. ``check`` is given the
    store as it was and as it would be, and returns why the load is refused, which is raised;
    ``remark`` goes into the summary. Only under the lock. Raises InvalidSource with file and line,
    StoreUnavailable.
    """
    known = [(path, *_format(path)) for path in files]
    generations.recover()
    before = generations.current()
    building = generations.building()
    generations.checkout(building, before.number if before else None)
    refusal = None
    try:
        with using(generations.folder):
            store = ox.Store(str(building))
            for path, format, is_packed in known:
                _load(store, path, format, graph, progress, is_packed=is_packed)
            if check:
                progress("Validating", 0, 0)
                refusal = check(generations.open(before.number) if before else None, store)
            progress("Counting", 0, 0)
            counts = _count(store, before, graph, [format for _, format, _ in known])
            store.flush()
            del store
            # rdflib's graphs hold themselves, and with them the database and its lock.
            gc.collect()
            if refusal:
                raise refusal
            sync_database(building)
    except BaseException:
        generations.discard_unpublished()
        raise
    names = ", ".join(path.name for path in files)
    graphs, default = counts
    generation = Generation(
        number=generations.next_number(),
        published=generations.next_instant(),
        graphs=graphs,
        default=default,
        summary=f"load of {names}"[:900] + remark,
        agents=("operator",),
        added=default + sum(graphs.values()) - (before.triples if before else 0),
        knowledge=before.knowledge if before else "",
        is_bulk=True,
    )
    progress("Publishing", 0, 0)
    with using(generations.folder):
        nothing = Delta(added=set(), removed=set(), created=set(), dropped=set())
        write_patch_file(generations, generation, nothing, before.number if before else 0)
    generations.publish(building, generation)
    return generation


def _format(path: Path) -> tuple[Format, bool]:
    if not path.is_file():
        raise InvalidSource(f"{place(path)}: there is no such file.", "Mend the path.")
    is_packed = path.suffix.lower() == ".gz"
    suffix = (path.with_suffix("") if is_packed else path).suffix.lower()
    format = RDF_EXTENSIONS.get(suffix)
    if format is None:
        raise InvalidSource(
            f"{place(path)}: “{suffix}” is the ending of no RDF format.",
            f"Known are {', '.join(RDF_EXTENSIONS)}, each also with .gz.",
        )
    return format, is_packed


def _load(
    store: ox.Store,
    path: Path,
    format: Format,
    graph: str | None,
    progress: Progress,
    *,
    is_packed: bool,
) -> None:
    assert isinstance(format.engine, ox.RdfFormat)
    # A format with graphs of its own keeps them.
    target = ox.NamedNode(graph) if graph and not format.engine.supports_datasets else None
    base = path.resolve().as_uri()
    try:
        if is_packed:
            with gzip.open(path) as file, _watching(file.fileno(), path, progress):
                store.bulk_load(
                    cast(IO[bytes], file), format.engine, base_iri=base, to_graph=target
                )
        else:
            with _watching(None, path, progress):
                store.bulk_load(
                    path=str(path), format=format.engine, base_iri=base, to_graph=target
                )
    except SyntaxError as error:
        raise InvalidSource.unreadable(
            path, error, f"Mend the {format.title} there; nothing was loaded."
        ) from None
    except (ValueError, EOFError, gzip.BadGzipFile) as error:
        raise InvalidSource(f"{place(path)}: it cannot be read ({explain(error)}).") from None


@contextmanager
def _watching(descriptor: int | None, path: Path, progress: Progress) -> Iterator[None]:
    """Tell how far the file is read: the system knows, whoever reads it."""
    size = path.stat().st_size
    stage = f"Loading {path.name}"
    progress(stage, 0, size)
    is_over = threading.Event()

    def watch() -> None:
        found, reached = descriptor, 0
        while not is_over.wait(_TICK):
            found = found if found is not None else _find_descriptor(path)
            if found is not None:
                # Once the file is read, its descriptor is gone, or that of another file.
                reached = max(reached, min(_position(found), size))
                progress(stage, reached, size)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
    progress(stage, size, size)


def _find_descriptor(path: Path) -> int | None:
    try:
        wanted = path.stat()
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208, names are numbers
            try:
                found = os.fstat(int(name))
            except OSError:
                continue
            if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                return int(name)
    except OSError:
        pass
    return None


def _position(descriptor: int) -> int:
    try:
        text = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii")
        return int(text.split("pos:", 1)[1].split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _count(
    store: ox.Store, before: Generation | None, graph: str | None, formats: Sequence[Format]
) -> tuple[dict[str, int], int]:
    """Return how many triples each named graph and the default graph hold."""
    has_graphs = any(
        isinstance(f.engine, ox.RdfFormat) and f.engine.supports_datasets for f in formats
    )
    graphs = dict(before.graphs) if before else {}
    default = before.default if before else 0
    if has_graphs:
        graphs = {_name(name): 0 for name in store.named_graphs()}
        for row in cast(ox.QuerySolutions, store.query(_COUNTS)):
            graphs[_name(row["g"])] = int(row["n"].value)
        default = len(store) - sum(graphs.values())
    else:
        new = len(store) - default - sum(graphs.values())
        if graph:
            graphs[graph] = graphs.get(graph, 0) + new
        else:
            default += new
    return dict(sorted(graphs.items())), default


def _name(term: ox.NamedNode | ox.BlankNode) -> str:
    return f"_:{term.value}" if isinstance(term, ox.BlankNode) else term.value
