"""What does an operator do with a store: serve it, fill it, look back, copy it, let others in?"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import pyoxigraph as ox

from peninsula import tokens
from peninsula.app import body_limit, create_app
from peninsula.config import Config
from peninsula.console import Console
from peninsula.dataset import delta as deltas
from peninsula.dataset import rebuilding
from peninsula.dataset.bulk import load_files
from peninsula.dataset.delta import Delta
from peninsula.dataset.embedded import BYTES_A_TRIPLE, EmbeddedDatabase
from peninsula.dataset.generations import Generation, Generations
from peninsula.dataset.writer import write_patch_file
from peninsula.errors import (
    OperatorError,
    PeninsulaError,
    StoreUnavailable,
    display_path,
)
from peninsula.gate import ShapesGate
from peninsula.knowledge import Knowledge, find_knowledge
from peninsula.loading import open_database, prepare
from peninsula.logs import configure
from peninsula.serving import address_of, bind, serve

#: What to do where a server holds the store that files are to be loaded into.
_IN_USE: Final = (
    "Stop that server first, or send it the file: "
    "curl -T FILE -H 'Authorization: Bearer …' -H 'Content-Type: …' …/store?graph=IRI"
)


def serve_store(config: Config, *, may_violate: bool) -> None:
    """Serve until told to stop; raises OperatorError where that cannot be begun."""
    configure(config.log_format)
    knowledge = None if config.empty else find_knowledge(config.knowledge)
    generations = Generations(config.store)
    with bind(config) as listener, _held(config, knowledge, may_violate=may_violate):
        database = open_database(config, generations, knowledge)
        try:
            application = create_app(config, database, knowledge)
            print(_tell(database), file=sys.stderr, flush=True)
            # What lives now lives as long as the server: the collector need not look at it.
            gc.collect()
            gc.freeze()
            serve(
                application,
                listener,
                config,
                on_start=lambda: _greet(address_of(listener)),
                body_limit=body_limit(config),
            )
        finally:
            database.close()


def _greet(address: str) -> None:
    print(f"Peninsula is at {address} (SPARQL: {address}sparql). Stop it with Ctrl+C.")
    sys.stdout.flush()


@contextmanager
def _held(config: Config, knowledge: Knowledge | None, *, may_violate: bool) -> Iterator[None]:
    """Hold the store for this server, with what is to be in it; a read-only one as it is."""
    generations = Generations(config.store)
    if not generations.is_writable():
        if generations.current() is None:
            raise StoreUnavailable(
                f"The store {display_path(generations.folder)} is empty and cannot be written to.",
                "Give --store a folder that you may write to.",
            )
        yield
        return
    with generations.locked():
        with Console() as console:
            prepare(generations, knowledge, console, may_violate=may_violate)
        generations.prune(config.keep, days=config.keep_days)
        yield


def _tell(database: EmbeddedDatabase) -> str:
    """Return one line on how the store is served."""
    current = database.current
    database.view().evaluate("ASK {}").close()
    readers = database.readers
    confined = "cannot open sockets" if readers.is_confined else "are not confined by this system"
    if database.changes is None:
        how = "read-only, from disk"
    elif database.fits_memory:
        how = f"from disk, then from memory (about {current.triples * BYTES_A_TRIPLE / 1e6:.0f} MB)"
    else:
        how = "from disk"
    return (
        f"Generation {current.number}, {current.triples:,} triples, served {how}; "
        f"{readers.limits.places} readers, which {confined}, "
        f"{readers.limits.memory / 2**20:,.0f} MiB each."
    )


def load(
    config: Config, files: Sequence[Path], graph: str | None, *, validates: bool = True
) -> Generation:
    """Load big files into a store that no server holds.

    Where the store holds the shipped graph, they must keep its shapes; raises ShapesViolated.
    """
    generations = Generations(config.store)
    with generations.locked(_IN_USE), Console() as console:
        current = generations.current()
        has_shapes = bool(current and current.knowledge)
        generation = load_files(
            generations,
            files,
            console,
            graph=graph,
            remark="" if validates or not has_shapes else ", not validated",
            check=_check_load(config) if validates and has_shapes else None,
        )
        generations.prune(config.keep, days=config.keep_days)
        return generation


def _check_load(
    config: Config,
) -> Callable[[ox.Store | None, ox.Store], PeninsulaError | None]:
    gate = ShapesGate.of(find_knowledge(config.knowledge))
    return lambda before, after: gate.judge_whole(before, after).refusal


def list_generations(config: Config) -> list[tuple[Generation, bool]]:
    """Return the generations that are kept, with whether each is pinned."""
    generations = Generations(config.store)
    return [(g, generations.is_pinned(g.number)) for g in generations.all()]


def show_patch(config: Config, number: int, output: IO[bytes]) -> None:
    """Write the change that made a generation."""
    path = Generations(config.store).patch(number)
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                output.write(piece)
    except FileNotFoundError:
        raise OperatorError(
            f"There is no patch of generation {number} in {display_path(config.store)}.",
            "“peninsula history list” lists what there is.",
        ) from None


def show_difference(config: Config, before: int, after: int, output: IO[bytes]) -> Delta:
    """Write what leads from one generation to another, as RDF Patch."""
    generations = Generations(config.store)
    for number in (before, after):
        generations.find(number)
    delta = deltas.diff(generations.open(before), generations.open(after))
    deltas.write_patch(delta, output, {})
    return delta


def pin(config: Config, number: int, *, is_pinned: bool) -> None:
    """Keep a generation for good, or no longer."""
    Generations(config.store).pin(number, is_pinned=is_pinned)


def rebuild(config: Config, number: int) -> Generation:
    """Bring back a generation that is kept no longer, pinned; also while a server runs."""
    with Console() as console:
        console("Rebuilding", 0, 0)
        return rebuilding.rebuild(Generations(config.store), number)


def prune(config: Config, keep: int) -> list[int]:
    """Remove old generations of a store that no server holds; return their numbers."""
    generations = Generations(config.store)
    with generations.locked():
        return generations.prune(keep, days=config.keep_days)


def backup(config: Config, target: Path, number: int | None) -> Generation:
    """Copy a generation, also while a server runs."""
    with Console() as console:
        console("Copying", 0, 0)
        return Generations(config.store).backup(target, number)


def restore(config: Config, source: Path) -> Generation:
    """Publish what a backup holds as the next generation of a store that no server holds."""
    generations = Generations(config.store)
    with generations.locked(), Console() as console:
        console("Copying", 0, 0)
        return generations.restore(
            source,
            lambda generation, before: write_patch_file(generations, generation, Delta(), before),
        )


def add_token(config: Config, name: str, role: str) -> str:
    """Return the text of a new token."""
    return tokens.add(config.store, name, role)


def list_tokens(config: Config) -> Sequence[tokens.Entry]:
    """Return the tokens of the store."""
    return tokens.list_tokens(config.store)


def revoke_token(config: Config, name: str) -> None:
    """Let the bearer of a token in no longer."""
    tokens.revoke(config.store, name)
