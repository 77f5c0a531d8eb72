"""How is a table imported, from its files to what became of it?

Read, resolved and compared row by row; judged by the shapes as any change; then written, into a
store, to a server or as a file of Turtle. Where anything is wrong, nothing enters.
"""

from __future__ import annotations

import contextlib
import gc
import io
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import pyoxigraph as ox

from peninsula.client import Client, PeninsulaClientError
from peninsula.config import Config
from peninsula.dataset.writer import HISTORY
from peninsula.errors import (
    InvalidMapping,
    InvalidTable,
    OperatorError,
    ParameterError,
    display_path,
)
from peninsula.files import write_whole
from peninsula.importing.comparing import Comparison, write_patch
from peninsula.importing.generation import Generator
from peninsula.importing.keys import check_foreign_keys
from peninsula.importing.layout import write_turtle
from peninsula.importing.locating import locate
from peninsula.importing.mapping import Table, TableMapping
from peninsula.importing.metadata import read_mapping
from peninsula.importing.reading import open_table
from peninsula.importing.report import ImportReport, Place, Problem, Problems, Source
from peninsula.importing.resolving import Names
from peninsula.importing.rows import TableFile
from peninsula.importing.targets import Change, Outcome, ServerTarget, Target, open_store
from peninsula.importing.workbooks import is_workbook
from peninsula.knowledge import CATALOG, COMPUTED, ONTOLOGY
from peninsula.loading import Progress
from peninsula.namespaces import shorten
from peninsula.terms import read_iri

_WORKBOOKS: Final = {".xlsx", ".xlsm"}
#: Graphs that no table is imported into.
_CLOSED: Final = (*COMPUTED, ONTOLOGY, CATALOG, HISTORY)


@dataclass(frozen=True)
class Order:
    """What is to be imported, and where to.

    Without ``server``, it is the store of the settings; with ``output``, a file of Turtle, judged
    as if it were added there.
    """

    files: Sequence[Path]
    mapping: Path
    graph: str = ""
    output: Path | None = None
    is_dry_run: bool = False
    server: str = ""
    token: str = ""
    #: Which sheet of a workbook, and in which encoding a text is, against the mapping.
    sheet: str = ""
    encoding: str = ""

    @property
    def is_trial(self) -> bool:
        return self.is_dry_run or self.output is not None


def run(order: Order, config: Config, progress: Progress) -> ImportReport:
    """Import, and return what was found and done; raises InvalidMapping and its kind."""
    began = time.monotonic()
    mapping = read_mapping(order.mapping)
    graph = _choose_graph(order, mapping)
    pairs = _match_files(mapping, order)
    report = ImportReport(
        files=list(dict.fromkeys(Source(file.name, file.digest()) for _, file in pairs)),
        mapping=Source(order.mapping.name, mapping.sha256),
        graph=graph,
        is_dry_run=order.is_dry_run,
    )
    try:
        with _open(order, config, progress) as target:
            report.target = display_path(order.output) if order.output else target.name
            _Run(order, target, report, progress).run(pairs)
    except PeninsulaClientError as error:
        raise OperatorError(str(error)) from None
    report.seconds = round(time.monotonic() - began, 3)
    return report


def _choose_graph(order: Order, mapping: TableMapping) -> str:
    name = order.graph or mapping.graph
    if not name:
        raise InvalidMapping(
            f"{display_path(order.mapping)}: no graph is named that the statements go to.",
            "Give --graph graph:record, or write “import:graph” into the mapping.",
        )
    try:
        graph = read_iri(name).value
    except ValueError as error:
        raise ParameterError(f"“{name}” is no name of a graph: {error}.") from None
    if ":" not in graph:
        raise ParameterError(f"“{name}” is no name of a graph.", "Such as graph:record.")
    if graph in _CLOSED:
        raise ParameterError(
            f"{shorten(graph)} is not written by an import.",
            "It is the server’s own, or holds what everything is judged by.",
        )
    return graph


def _match_files(mapping: TableMapping, order: Order) -> list[tuple[Table, TableFile]]:
    """Return the tables of the mapping with their files; a single one needs no name."""
    tables, files = mapping.tables, order.files
    if len(files) == 1:
        if len(tables) == 1:
            sheet = order.sheet or unquote(urlsplit(tables[0].url).fragment)
            return [(tables[0], _open_table(order, tables[0], files[0], sheet))]
        with files[0].open("rb") if files[0].is_file() else io.BytesIO() as file:
            head = file.read(4)
        if is_workbook(files[0], head):
            return [(table, _open_table(order, table, files[0])) for table in tables]
    given = {path.name: path for path in files}
    names = {Path(urlsplit(table.url).path).name: table for table in tables}
    if len(given) < len(files):
        raise InvalidTable("Two files have the same name.", "Rename one, and its table’s url.")
    for name in given:
        if name not in names:
            raise InvalidTable(
                f"{name}: the mapping has no table of this name.", f"It has {', '.join(names)}."
            )
    if missing := [name for name in names if name not in given]:
        raise InvalidTable(
            f"The mapping is about {', '.join(names)}; {', '.join(missing)} is not given.",
            "Give all of its files.",
        )
    return [(table, _open_table(order, table, given[name])) for name, table in names.items()]


def _open_table(order: Order, table: Table, path: Path, sheet: str | None = None) -> TableFile:
    """Return the table of a file; on which sheet it is, the url of the table says by default."""
    if sheet is None:
        url = urlsplit(table.url)
        is_book = path.suffix.lower() in _WORKBOOKS
        sheet = unquote(url.fragment) or (Path(url.path).stem if is_book else "")
    return open_table(path, table.dialect, sheet=sheet, encoding=order.encoding)


@contextlib.contextmanager
def _open(order: Order, config: Config, progress: Progress) -> Iterator[Target]:
    if order.server:
        try:
            # A change of many statements is judged for some time.
            yield ServerTarget(Client(order.server, token=order.token or None, timeout=300))
        except ValueError as error:
            raise ParameterError(f"--server: {error}.", "Such as http://localhost:7878.") from None
        return
    with open_store(config, progress, is_trial=order.is_trial) as target:
        yield target


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Look for no circles of objects: what a table makes are many, and none is in a circle."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _Run:
    """One import under way."""

    def __init__(
        self, order: Order, target: Target, report: ImportReport, progress: Progress
    ) -> None:
        self._order = order
        self._target = target
        self._report = report
        self._progress = progress
        self._problems = Problems()
        self._names = Names(target.ask)
        #: Of the tables that make statements.
        self._generators: list[Generator] = []

    def run(self, pairs: Sequence[tuple[Table, TableFile]]) -> None:
        """Do all of it."""
        report = self._report
        with tempfile.TemporaryDirectory(prefix="peninsula-import-") as name:
            folder = Path(name)
            with _without_collection():
                removals = self._read(pairs, folder)
            if not self._problems:
                outcome = self._judge(folder, removals)
                report.generation = outcome.generation
                if not outcome.is_refused and self._order.output and not self._order.is_dry_run:
                    self._write_turtle(folder)
        report.problems = self._problems.all
        report.problem_count = self._problems.count

    def _read(self, pairs: Sequence[tuple[Table, TableFile]], folder: Path) -> set[ox.Triple]:
        """Work out what the files say and change; return what is to be removed."""
        report, problems = self._report, self._problems
        self._progress("Reading names", 0, 0)
        self._names.open_all(c.wanted for t, _ in pairs for c in t.columns if c.wanted)
        with contextlib.ExitStack() as files:
            additions = files.enter_context((folder / "new.nq").open("wb"))
            statements = None
            if self._order.output:
                statements = files.enter_context((folder / "all.nt").open("wb"))
            comparison = Comparison(
                self._target.ask, report.graph, problems, additions=additions, statements=statements
            )
            for table, file in pairs:
                if not table.is_suppressed:
                    generator = Generator(table, file, self._names)
                    self._generators.append(generator)
                    self._read_table(generator, comparison, is_last=table is pairs[-1][0])
            comparison.flush()
            check_foreign_keys(pairs, problems)
            if comparison.removals:
                for generator in self._generators:
                    for made in generator.generate(Problems()):
                        comparison.spare(triple for triple, _ in made.statements)
        counts = comparison.counts
        report.rows = sum(generator.count for generator in self._generators)
        report.triples = counts.triples
        report.things = comparison.things
        report.new_things, report.changed_things = counts.new_things, counts.changed_things
        report.added, report.removed = counts.added, len(comparison.removals)
        return comparison.removals

    def _read_table(self, generator: Generator, comparison: Comparison, *, is_last: bool) -> None:
        size, stage = generator.file.size, f"Reading {generator.file.name}"
        self._progress(stage, 0, size)
        for made in generator.generate(
            self._problems, lambda done: self._progress(stage, done, size)
        ):
            comparison.take(generator, made)
            if not is_last:
                # A later table may name what this one makes.
                self._names.learn([triple for triple, _ in made.statements])

    def _judge(self, folder: Path, removals: set[ox.Triple]) -> Outcome:
        """Let the shapes judge the change; make it, where that is asked for and they allow it."""
        report = self._report
        if report.is_nothing_new:
            return Outcome()
        change = Change(
            report.graph,
            folder / "new.nq",
            report.added,
            frozenset(removals),
            partial(self._write_patch, folder, removals),
        )
        self._progress("Validating", 0, 0)
        outcome = self._target.change(change, is_trial=self._order.is_trial)
        if outcome.results:
            self._progress("Locating", 0, 0)
            self._tell(outcome)
        if outcome.is_refused and not self._problems:
            self._problems.add(Problem(Place(report.files[0].name), "the shapes refuse it"))
        return outcome

    def _write_patch(self, folder: Path, removals: set[ox.Triple]) -> Path:
        report = self._report
        files = ", ".join(source.name for source in report.files)
        patch = folder / "change.rdfp"
        write_patch(
            patch,
            folder / "new.nq",
            removals,
            report.graph,
            [*report.files, report.mapping],
            f"{files} by {report.mapping.name}",
        )
        return patch

    def _tell(self, outcome: Outcome) -> None:
        default = Place(self._report.files[0].name)
        for found in locate(outcome.results, self._generators, default):
            if found.severity == "error":
                self._problems.add(found)
            else:
                self._report.remarks.append(found)
        self._report.remarks.sort(key=lambda r: (r.severity != "warning", r.place.row, r.message))

    def _write_turtle(self, folder: Path) -> None:
        report = self._report
        assert self._order.output
        self._progress("Writing Turtle", 0, 0)
        sources = ", ".join(f"{s.name} (SHA-256 {s.sha256})" for s in report.files)
        comments = [
            f"Imported from {sources} by {report.mapping.name}.",
            f"Named graph: {shorten(report.graph)}.",
        ]
        made = folder / "all.ttl"
        write_turtle(folder / "all.nt", made, comments)
        with made.open("rb") as content:
            write_whole(self._order.output, content)
