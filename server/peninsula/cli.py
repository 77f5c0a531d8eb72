"""What can be typed after ``peninsula``?

Every command parses its arguments, calls what does the work and prints. Exit codes: 0 all is
well, 1 the answer is no (violations, findings), 2 it could not be done.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox
from rich.console import Console as Terminal
from rich.table import Table as TerminalTable
from rich.text import Text

from peninsula import __version__, operating
from peninsula.checking import POSITIONS, check
from peninsula.config import SETTINGS, Config, add_options, read_settings
from peninsula.console import Console
from peninsula.dataset.generations import format_instant
from peninsula.dataset.interface import Dataset, QueryOptions, Result, Term, formats_for
from peninsula.dataset.local import LocalDataset
from peninsula.errors import (
    InvalidSetting,
    OperatorError,
    ParameterError,
    PeninsulaError,
    ShapesViolated,
    display_path,
)
from peninsula.federation.dataset import FederatedDataset
from peninsula.federation.evaluation import Federation
from peninsula.federation.gateway import Gateway
from peninsula.federation.local_services import LocalServices
from peninsula.federation.services import Services
from peninsula.formats import CSV, GRAPH_FORMATS, TABLE_FORMATS, find
from peninsula.importing import samples
from peninsula.knowledge import Knowledge, find_knowledge
from peninsula.labels import LANGUAGES
from peninsula.library import QueryTemplate, read_library, read_question
from peninsula.link_commands import add_link_commands
from peninsula.loading import open_local
from peninsula.namespaces import expand
from peninsula.negotiation import choose
from peninsula.positions import derive_file
from peninsula.protocol import SERVICES
from peninsula.search import Indexes
from peninsula.search_service import SearchService
from peninsula.shacl.rendering import RENDERINGS
from peninsula.submission import validate_files
from peninsula.tables import Table, make_table
from peninsula.tabulation.csvw import describe_tables
from peninsula.tabulation.declarations import find_table, read_tables
from peninsula.tabulation.rows import read_rows
from peninsula.tabulation.writing import TABLE_FILES, write_table
from peninsula.terms import read_iri
from peninsula.tokens import ROLES
from peninsula.turtle import format_turtle

OK: Final = 0
NO: Final = 1
FAILED: Final = 2

_WIDE: Final = 100
_STORE_SETTINGS: Final = ("store", "knowledge", "default_graph", "config")
_SERVICE_SETTINGS: Final = ("services", "trusted_services", "contact")
_EXAMPLES: Final = """\
examples:
  peninsula serve                                     the server, at http://localhost:7878/
  peninsula query votes-by-state --param state=state:russia
  peninsula query question.rq --format csv > answer.csv
  peninsula query 'SELECT * WHERE { ?summit a pen:Summit }'
  peninsula validate new-claims.ttl                   would it conform, were it added?
  peninsula check                                     everything that lint and tests ask of the data
  peninsula token add me --role write                 prints a token for /update and /store
  peninsula load dump.nt --store big && peninsula serve --empty --store big

exit codes: 0 all is well · 1 violations or findings · 2 it could not be done
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _make_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except PeninsulaError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # Whoever read our output has seen enough, as “head” does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return 130


def _fail(message: str) -> int:
    print(f"peninsula: {message}", file=sys.stderr)
    return FAILED


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="peninsula",
        description="A knowledge graph of Korean-Peninsula diplomacy, and a SPARQL server for it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"peninsula {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(
        name: str,
        run: Callable[[argparse.Namespace], int] | None,
        summary: str,
        settings: Sequence[str] | None,
        under: Any = commands,
    ) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = under.add_parser(name, help=summary, description=summary)
        if run:
            sub.set_defaults(run=run)
        add_options(sub, settings)
        return sub

    sub = command("serve", _serve, "Serve the graph; the first start builds the store.", None)
    sub.add_argument(
        "--allow-violations", action="store_true", help="Serve even where the data break a shape."
    )

    sub = command(
        "query", _query, "Ask a question and print the answer.",
        (*_STORE_SETTINGS, *_SERVICE_SETTINGS),
    )  # fmt: skip
    sub.add_argument("query", help="a file, the name of a question, SPARQL itself, or - for stdin")
    names = [format.name for format in (*TABLE_FORMATS, *GRAPH_FORMATS)]
    sub.add_argument(
        "--format",
        choices=["table", *names],
        metavar="FORMAT",
        help=f"table, {', '.join(names)}; default: table on a terminal, else csv or turtle",
    )
    sub.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE",
        help="a parameter of the question: a full IRI, state:russia, a text, a date …",
    )  # fmt: skip
    sub.add_argument(
        "--examples", action="store_true", help="give every parameter its example value"
    )
    sub.add_argument(
        "--ask", choices=SERVICES, default=SERVICES[0],
        help="who answers SERVICE: the service (live), what is kept of it (snapshot), "
        "or that where the service does not answer (fallback); default: live",
    )  # fmt: skip

    sub = command("validate", _validate, "Say what the shapes find wrong.", ("knowledge", "config"))
    sub.add_argument("files", nargs="+", type=Path, metavar="FILE", help="RDF in any format")
    sub.add_argument(
        "--format", choices=list(RENDERINGS), default="text", metavar="FORMAT",
        help=f"{', '.join(RENDERINGS)}; default: text, with file:line: before each result",
    )  # fmt: skip
    sub.add_argument(
        "--alone", action="store_true",
        help="judge the files by themselves, not as if added to the shipped graph",
    )  # fmt: skip
    sub.add_argument(
        "--shapes", type=Path, metavar="FILE", help="Turtle with shapes to judge by instead of ours"
    )
    sub.add_argument(
        "--graph", metavar="IRI", help="the named graph that the statements would go to"
    )

    sub = command(
        "check",
        _check,
        "Check ontology, data and questions; one line a finding.",
        ("knowledge", "config"),
    )
    sub.add_argument("--strict", action="store_true", help="let warnings fail, too")
    sub.add_argument(
        "--service", action="append", default=[], metavar="NAME=IRI",
        help="where a service for tests is, so that the questions that ask one are asked, too",
    )  # fmt: skip

    sub = command(
        "export", _export, "Write the graph, one named graph, or tidy tables.", _STORE_SETTINGS
    )
    what = sub.add_mutually_exclusive_group()
    what.add_argument("--graph", metavar="IRI", help="a named graph, e.g. graph:record")
    what.add_argument("--table", metavar="NAME", help=f"one of {', '.join(read_tables())}")
    what.add_argument(
        "--tables", type=Path, metavar="FOLDER",
        help="every table as a file, with csv-metadata.json (CSV on the Web) beside those of CSV",
    )  # fmt: skip
    graph_names = [format.name for format in GRAPH_FORMATS]
    table_names = [format.name for format in TABLE_FILES]
    sub.add_argument(
        "--format", choices=[*graph_names, *table_names], metavar="FORMAT",
        help=f"{', '.join(graph_names)}, default trig, or turtle with --graph; "
        f"of tables {', '.join(table_names)}, default csv",
    )  # fmt: skip
    sub.add_argument(
        "--lang", choices=LANGUAGES, default="en", help="language of the names in tables"
    )

    _add_import(command)
    add_link_commands(command)
    _add_store_commands(command)

    sub = command(
        "format", _format, "Lay out Turtle files in the one way.", ("knowledge", "config")
    )
    sub.add_argument("files", nargs="*", type=Path, metavar="FILE", help="default: all of ours")
    sub.add_argument("--check", action="store_true", help="change nothing; 1 if any would change")

    sub = command(
        "derive", _derive, "Derive the positions from the claims.", ("knowledge", "config")
    )
    sub.add_argument("--check", action="store_true", help="change nothing; 1 if it would change")
    return parser


def _add_import(command: Callable[..., argparse.ArgumentParser]) -> None:
    sub = command(
        "import",
        _import,
        "Make statements of tables (CSV) by a mapping (CSVW); all or nothing enters.",
        (*_STORE_SETTINGS, "history_graph", "keep", "keep_days"),
    )
    sub.add_argument("files", nargs="*", type=Path, metavar="FILE", help="CSV, one a table")
    sub.add_argument("--mapping", type=Path, metavar="FILE", help="CSVW metadata (JSON)")
    sub.add_argument(
        "--graph", metavar="IRI", help="the named graph; default: what the mapping says"
    )
    sub.add_argument(
        "--dry-run", action="store_true", help="only say what is wrong and what would change"
    )
    sub.add_argument(
        "--output", type=Path, metavar="FILE", help="write Turtle, and leave the store as it is"
    )
    sub.add_argument(
        "--server", metavar="URL", default="",
        help="import into a server that runs; the token is taken from PENINSULA_TOKEN",
    )  # fmt: skip
    sub.add_argument(
        "--token", default=os.environ.get("PENINSULA_TOKEN", ""), help=argparse.SUPPRESS
    )
    sub.add_argument(
        "--format", choices=("text", "json", "sarif"), default="text", metavar="FORMAT",
        help="of the report: text, json, sarif; default: text",
    )  # fmt: skip
    sub.add_argument(
        "--example", metavar="NAME", nargs="?", const="",
        help="show an example to begin with: votes, events, tenures; with FILE, copy it to that "
        "folder",
    )  # fmt: skip


def _add_store_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add what an operator does with a store."""
    store = ("store", "config")
    sub = command(
        "load",
        _load,
        "Load big files into a store that no server holds.",
        (*store, "keep", "knowledge"),
    )
    sub.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="RDF in any format, also with .gz"
    )
    sub.add_argument(
        "--graph", metavar="IRI", help="named graph for triples; default: the default graph"
    )

    sub.add_argument(
        "--no-validate",
        dest="validates",
        action="store_false",
        help="do not ask whether the shipped graph's shapes still hold; the history says so",
    )

    sub = command("history", None, "List, show, compare, keep and remove generations.", ())
    steps = sub.add_subparsers(title="what to do", required=True, metavar="WHAT")
    command("list", _history_list, "List the generations that are kept.", store, steps)
    sub = command(
        "show", _history_show, "Show the change that made one, as RDF Patch.", store, steps
    )
    sub.add_argument("generation", type=int, metavar="N")
    sub = command(
        "diff", _history_diff, "Show what leads from one to another, as RDF Patch.", store, steps
    )
    sub.add_argument("before", type=int, metavar="N")
    sub.add_argument("after", type=int, metavar="M")
    for name, summary in (("pin", "Keep one for good."), ("unpin", "Keep one no longer.")):
        sub = command(name, _history_pin, summary, store, steps)
        sub.set_defaults(is_pinned=name == "pin")
        sub.add_argument("generation", type=int, metavar="N")
    sub = command(
        "rebuild", _history_rebuild, "Bring back one that is kept no longer, pinned.", store, steps
    )
    sub.add_argument("generation", type=int, metavar="N")
    command(
        "prune", _history_prune, "Remove all but the last ones, and those pinned.",
        (*store, "keep", "keep_days"), steps,
    )  # fmt: skip

    sub = command("backup", _backup, "Copy a generation, also while a server runs.", store)
    sub.add_argument("target", type=Path, metavar="FOLDER", help="a folder that is not there yet")
    sub.add_argument("--generation", type=int, metavar="N", help="default: the published one")
    sub = command("restore", _restore, "Publish what a backup holds as the next generation.", store)
    sub.add_argument("source", type=Path, metavar="FOLDER", help="what “backup” wrote")

    sub = command("token", None, "Let others write, or read, and see who may.", ())
    steps = sub.add_subparsers(title="what to do", required=True, metavar="WHAT")
    sub = command("add", _token_add, "Make a token and print it, this once.", store, steps)
    sub.add_argument("name", metavar="NAME", help="by which the history names who changed what")
    sub.add_argument(
        "--role", choices=ROLES, required=True, help="each may do what those before may"
    )
    command("list", _token_list, "List the tokens.", store, steps)
    sub = command("revoke", _token_revoke, "Let the bearer of a token in no longer.", store, steps)
    sub.add_argument("name", metavar="NAME")


def _read_config(options: argparse.Namespace) -> Config:
    return read_settings(vars(options))


def _open(options: argparse.Namespace) -> LocalDataset:
    with Console() as console:
        config = _read_config(options)
        dataset = open_local(config, find_knowledge(config.knowledge), console, may_violate=True)
    # The engine does not look at Python's signals while it evaluates: let Ctrl+C end it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return dataset


def _serve(options: argparse.Namespace) -> int:
    operating.serve_store(_read_config(options), may_violate=options.allow_violations)
    return OK


def _load(options: argparse.Namespace) -> int:
    graph = _read_graph(options.graph)
    config = _read_config(options)
    try:
        generation = operating.load(config, options.files, graph, validates=options.validates)
    except ShapesViolated as error:
        print(f"peninsula: nothing was loaded: {error.message}", file=sys.stderr)
        for result in error.report["results"]:
            print(f"{result['severity']}: {result['focus_node']}: {result['message']}")
        return NO
    more = "1 triple" if generation.added == 1 else f"{generation.added:,} triples"
    print(f"Generation {generation.number}: {more} more, {generation.triples:,} in all.")
    return OK


def _import(options: argparse.Namespace) -> int:
    if options.example is not None:
        return _show_example(options.example, options.files)
    if not options.files or options.mapping is None:
        raise OperatorError(
            "import needs tables and a mapping.",
            "peninsula import votes.csv --mapping votes.json; --example votes shows both.",
        )
    # What reads tables takes a moment to load, and nothing else needs it.
    from peninsula.importing import running  # noqa: PLC0415
    from peninsula.importing.report import RENDERINGS as REPORTS  # noqa: PLC0415

    order = running.Order(
        options.files,
        options.mapping,
        options.graph or "",
        options.output,
        options.dry_run,
        options.server,
        options.token,
    )
    with Console() as console:
        report = running.run(order, _read_config(options), console)
    sys.stdout.write(REPORTS[options.format](report))
    return NO if report.is_refused else OK


def _show_example(name: str, folders: Sequence[Path]) -> int:
    if not name:
        print("\n".join(samples.list_examples()))
    elif folders:
        for path in samples.copy_example(name, folders[0]):
            print(display_path(path))
    else:
        print(samples.show_example(name), end="")
    return OK


def _history_list(options: argparse.Namespace) -> int:
    found = operating.list_generations(_read_config(options))
    shown = TerminalTable(header_style="bold")
    for heading in ("generation", "published", "by", "added", "removed", "triples", "what"):
        is_number = heading in {"generation", "added", "removed", "triples"}
        shown.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for generation, is_pinned in found:
        shown.add_row(
            f"{generation.number}{' (pinned)' if is_pinned else ''}",
            format_instant(generation.published),
            Text(", ".join(generation.agents)),
            f"{generation.added:,}",
            f"{generation.removed:,}",
            f"{generation.triples:,}",
            Text(generation.summary),
        )
    Terminal().print(shown)
    return OK


def _history_show(options: argparse.Namespace) -> int:
    operating.show_patch(_read_config(options), options.generation, sys.stdout.buffer)
    sys.stdout.flush()
    return OK


def _history_diff(options: argparse.Namespace) -> int:
    config = _read_config(options)
    delta = operating.show_difference(config, options.before, options.after, sys.stdout.buffer)
    sys.stdout.flush()
    print(f"{len(delta.added):,} added, {len(delta.removed):,} removed", file=sys.stderr)
    return OK


def _history_pin(options: argparse.Namespace) -> int:
    operating.pin(_read_config(options), options.generation, is_pinned=options.is_pinned)
    return OK


def _history_rebuild(options: argparse.Namespace) -> int:
    generation = operating.rebuild(_read_config(options), options.generation)
    print(f"Generation {generation.number} is kept again, with {generation.triples:,} triples.")
    return OK


def _history_prune(options: argparse.Namespace) -> int:
    config = _read_config(options)
    removed = operating.prune(config, config.keep)
    print(f"removed: {', '.join(map(str, removed)) or 'none'}")
    return OK


def _backup(options: argparse.Namespace) -> int:
    config = _read_config(options)
    generation = operating.backup(config, options.target, options.generation)
    print(f"{display_path(options.target)}: generation {generation.number}, "
          f"{generation.triples:,} triples.")  # fmt: skip
    return OK


def _restore(options: argparse.Namespace) -> int:
    generation = operating.restore(_read_config(options), options.source)
    print(f"Generation {generation.number}: {generation.triples:,} triples.")
    return OK


def _token_add(options: argparse.Namespace) -> int:
    print(operating.add_token(_read_config(options), options.name, options.role))
    return OK


def _token_list(options: argparse.Namespace) -> int:
    shown = TerminalTable(header_style="bold")
    for heading in ("name", "role", "created"):
        shown.add_column(heading)
    for entry in operating.list_tokens(_read_config(options)):
        shown.add_row(Text(entry.name), entry.role, entry.created)
    Terminal().print(shown)
    return OK


def _token_revoke(options: argparse.Namespace) -> int:
    operating.revoke_token(_read_config(options), options.name)
    return OK


def _read_graph(text: str | None) -> str | None:
    try:
        return read_iri(text).value if text else None
    except ValueError as error:
        raise ParameterError(f"“{text}” is no IRI: {error}.") from None


def _query(options: argparse.Namespace) -> int:
    knowledge = find_knowledge(_read_config(options).knowledge)
    template = _find_query(options.query, knowledge)
    values = _read_values(options.param)
    config = _read_config(options)
    with contextlib.closing(Gateway(contact=config.contact)) as gateway:
        # Of however many names: whoever searches here waits for their index.
        local = LocalServices([SearchService(Indexes(most_names=10**8))])
        federation = Federation(config.allowed_services(), gateway, local)
        dataset = FederatedDataset(_open(options), federation, mode=options.ask)
        if isinstance(template, QueryTemplate):
            examples = template.examples if options.examples else {}
            result = template.ask(dataset, {**examples, **values})
        else:
            result = dataset.evaluate(template, QueryOptions(substitutions=_guess_terms(values)))
    wanted = options.format or ("table" if sys.stdout.isatty() else None)
    if wanted == "table":
        _print_table(result, dataset)
        return OK
    offered = formats_for(result)
    default = find("csv", offered) or offered[0]
    format = choose(None, offered, name=wanted) if wanted else default
    result.write(format, sys.stdout.buffer)
    sys.stdout.flush()
    return OK


def _find_query(text: str, knowledge: Knowledge) -> QueryTemplate | str:
    """Return the question or the SPARQL text that the command line names."""
    if text == "-":
        return sys.stdin.read()
    if len(text.split()) > 1:
        return text
    path = Path(text)
    if path.is_file():
        content = path.read_text(encoding="utf-8")
        return read_question(path) if content.startswith("#+") else content
    if path.suffix or len(path.parts) > 1:
        raise OperatorError(f"{display_path(path)}: there is no such file.", "Mend the path.")
    return read_library(knowledge.queries).find(text)


def _read_values(pairs: Sequence[str]) -> dict[str, str]:
    values = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ParameterError(f"“{pair}” is no parameter.", "Write --param name=value.")
        values[name.lstrip("?$")] = value
    return values


def _guess_terms(values: dict[str, str]) -> dict[str, Term]:
    """Return terms for the variables of a query that says nothing about their types."""
    return {name: _guess_term(value) for name, value in values.items()}


def _guess_term(value: str) -> Term:
    for pattern, datatype in ((r"[+-]?\d+", "xsd:integer"), (r"\d{4}-\d\d-\d\d", "xsd:date")):
        if re.fullmatch(pattern, value):
            return ox.Literal(value, datatype=ox.NamedNode(expand(datatype)))
    if re.match(r"<?[A-Za-z][\w+.-]*:\S+\Z", value):
        try:
            return read_iri(value)
        except ValueError:
            pass
    return ox.Literal(value)


def _print_table(result: Result, dataset: Dataset) -> None:
    table = make_table(result, dataset)
    width = shutil.get_terminal_size().columns
    if table.least_width > width:
        _print_blocks(table)
    else:
        shown = TerminalTable(show_lines=width < _WIDE, header_style="bold")
        for heading in table.headings:
            shown.add_column(Text(heading), overflow="fold")
        for row in table.rows:
            shown.add_row(*(Text(cell.text) for cell in row))
        Terminal().print(shown)
    count = len(table.rows)
    print(f"{count} row{'' if count == 1 else 's'}")


def _print_blocks(table: Table) -> None:
    """Print one row below the other, for a table that the terminal has no room for."""
    room = max(len(heading) for heading in table.headings)
    for number, row in enumerate(table.rows, start=1):
        print(f"── {number} ──")
        for heading, cell in zip(table.headings, row, strict=True):
            if cell.text:
                print(f"{heading:>{room}}  {cell.text}")


def _validate(options: argparse.Namespace) -> int:
    graph = _read_graph(options.graph)
    with Console() as console:
        knowledge = find_knowledge(_read_config(options).knowledge)
        report = validate_files(
            knowledge,
            options.files,
            console,
            alone=options.alone,
            shapes=options.shapes,
            graph=graph,
        )
    sys.stdout.write(RENDERINGS[options.format](report))
    return OK if report.conforms else NO


def _check(options: argparse.Namespace) -> int:
    severities = Counter({"error": 0, "warning": 0, "note": 0})
    config = _read_config(options)
    federate = _federate(options.service, config) if options.service else None
    with Console() as console:
        knowledge = find_knowledge(config.knowledge)
        for finding in check(knowledge, console, federate=federate):
            console.finish()
            print(finding, flush=True)
            severities[finding.severity] += 1
    print(", ".join(f"{n} {what}{'' if n == 1 else 's'}" for what, n in severities.items()))
    is_bad = severities["error"] or (options.strict and severities["warning"])
    return NO if is_bad else OK


def _federate(named: Sequence[str], config: Config) -> Callable[[Dataset], Dataset]:
    """Return what makes a dataset ask the services that are named as NAME=IRI."""
    [setting] = [setting for setting in SETTINGS if setting.name == "services"]
    try:
        given = setting.read(",".join(named))
    except ValueError as error:
        raise InvalidSetting(f"--service {error}.", "Write --service wikidata=IRI.") from None
    # Whoever names it here means it, wherever it is.
    services = Services(replace(service, is_trusted=True) for service in given)
    federation = Federation(services, Gateway(contact=config.contact))
    return lambda dataset: FederatedDataset(dataset, federation)


def _export(options: argparse.Namespace) -> int:
    if options.table or options.tables:
        return _export_tables(options)
    graph = _read_graph(options.graph)
    format = choose(None, GRAPH_FORMATS, name=options.format or ("turtle" if graph else "trig"))
    dataset = _open(options)
    dataset.dump(graph, format, is_everything=graph is None).write(format, sys.stdout.buffer)
    sys.stdout.flush()
    return OK


def _export_tables(options: argparse.Namespace) -> int:
    format = choose(None, TABLE_FILES, name=options.format or "csv")
    wanted = [find_table(options.table)] if options.table else list(read_tables().values())
    folder: Path | None = options.tables
    dataset = _open(options)
    if folder is None:
        for chunk in write_table(wanted[0], read_rows(dataset, wanted[0], options.lang), format):
            sys.stdout.buffer.write(chunk)
        sys.stdout.flush()
        return OK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for table in wanted:
            with (folder / f"{table.name}.{format.extension}").open("wb") as file:
                for chunk in write_table(table, read_rows(dataset, table, options.lang), format):
                    file.write(chunk)
        if format is CSV:
            metadata = describe_tables(lambda name: f"{name}.csv", {})
            text = json.dumps(metadata, ensure_ascii=False, indent=1)
            (folder / "csv-metadata.json").write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise OperatorError(
            f"{display_path(folder)}: it cannot be written ({error.strerror}).", "Mend --tables."
        ) from None
    print(f"{display_path(folder)}: {len(wanted)} tables as {format.title}.")
    return OK


def _format(options: argparse.Namespace) -> int:
    root = find_knowledge(_read_config(options).knowledge).root
    folders = (root / name for name in ("ontology", "data"))
    files = options.files or sorted(path for f in folders for path in f.rglob("*.ttl"))
    changed = 0
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
            formatted = format_turtle(text)
        except SyntaxError as error:
            reason = str(error.msg).split(": ", 1)[-1]
            raise OperatorError(f"{display_path(path)}:{error.lineno}: {reason}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise OperatorError(f"{display_path(path)}: it cannot be read ({error}).") from None
        if formatted != text:
            changed += 1
            state = "would be laid out anew" if options.check else "laid out anew"
            print(f"{display_path(path)}: {state}")
            if not options.check:
                path.write_text(formatted, encoding="utf-8")
    return NO if changed and options.check else OK


def _derive(options: argparse.Namespace) -> int:
    root = find_knowledge(_read_config(options).knowledge).root
    path = root / POSITIONS
    try:
        derived = derive_file(root)
    except SyntaxError as error:
        raise OperatorError(str(error)) from None
    is_changed = not path.exists() or path.read_text(encoding="utf-8") != derived
    if is_changed and not options.check:
        path.write_text(derived, encoding="utf-8")
    if is_changed:
        state = (
            "is not what the claims give; run “peninsula derive”" if options.check else "written"
        )
        print(f"{display_path(path)}: {state}")
    return NO if is_changed and options.check else OK
