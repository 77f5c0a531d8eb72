"""What can be typed after ``peninsula``?

Every command parses its arguments, calls what does the work and prints. Exit codes: 0 all is
well, 1 the answer is no (violations, findings), 2 it could not be done.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
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

from peninsula import __version__
from peninsula.app import create_app
from peninsula.checking import POSITIONS, check
from peninsula.config import SETTINGS, Config, Setting, read_environment
from peninsula.console import Console
from peninsula.dataset.embedded import EmbeddedDataset
from peninsula.dataset.interface import Dataset, Result, Term, formats_for
from peninsula.errors import OperatorError, ParameterError, PeninsulaError, display_path
from peninsula.formats import GRAPH_FORMATS, SOLUTION_FORMATS, find
from peninsula.knowledge import Knowledge, find_knowledge
from peninsula.library import QueryTemplate, read_iri, read_library, read_question
from peninsula.loading import open_dataset
from peninsula.namespaces import expand
from peninsula.negotiation import choose
from peninsula.positions import derive_file
from peninsula.serialization import write_statements
from peninsula.serving import address_of, bind, serve
from peninsula.shacl.report import RENDERINGS
from peninsula.submission import validate_files
from peninsula.tables import Table, make_table
from peninsula.turtle import format_turtle

OK: Final = 0
NO: Final = 1
FAILED: Final = 2

_WIDE: Final = 100
_STORE_SETTINGS: Final = ("store", "knowledge", "default_graph")
_EXAMPLES: Final = """\
examples:
  peninsula serve                                     the server, at http://localhost:7878/
  peninsula query votes-by-state --param state=state:russia
  peninsula query question.rq --format csv > answer.csv
  peninsula query 'SELECT * WHERE { ?summit a pen:Summit }'
  peninsula validate new-claims.ttl                   would it conform, were it added?
  peninsula check                                     everything that lint and tests ask of the data

exit codes: 0 all is well · 1 violations or findings · 2 it could not be done
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        parser = _make_parser(read_environment())
    except ValueError as error:
        return _fail(str(error))
    options = parser.parse_args(arguments)
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


def _make_parser(environment: dict[str, Any]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="peninsula",
        description="A knowledge graph of Korean-Peninsula diplomacy, and a SPARQL server for it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"peninsula {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], summary: str, settings: Sequence[str]
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(run=run, **environment)
        for setting in SETTINGS:
            if setting.name in settings:
                _add_setting(sub, setting, environment)
        return sub

    every = [setting.name for setting in SETTINGS]
    sub = command("serve", _serve, "Serve the graph; the first start builds the store.", every)
    sub.add_argument(
        "--allow-violations", action="store_true", help="Serve even where the data break a shape."
    )

    sub = command("query", _query, "Ask a question and print the answer.", _STORE_SETTINGS)
    sub.add_argument("query", help="a file, the name of a question, SPARQL itself, or - for stdin")
    names = [format.name for format in (*SOLUTION_FORMATS, *GRAPH_FORMATS)]
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

    sub = command("validate", _validate, "Say what the shapes find wrong.", ("knowledge",))
    sub.add_argument("files", nargs="+", type=Path, metavar="FILE", help="RDF in any format")
    sub.add_argument("--format", choices=list(RENDERINGS), default="text")
    sub.add_argument(
        "--alone", action="store_true",
        help="judge the files by themselves, not as if added to the shipped graph",
    )  # fmt: skip

    sub = command(
        "check", _check, "Check ontology, data and questions; one line a finding.", ("knowledge",)
    )
    sub.add_argument("--strict", action="store_true", help="let warnings fail, too")

    sub = command("export", _export, "Write the graph, or one named graph.", _STORE_SETTINGS)
    sub.add_argument("--graph", metavar="IRI", help="a named graph, e.g. graph:record")
    sub.add_argument(
        "--format", choices=[format.name for format in GRAPH_FORMATS], metavar="FORMAT",
        help=f"{', '.join(f.name for f in GRAPH_FORMATS)}; default: trig, or turtle with --graph",
    )  # fmt: skip

    sub = command("format", _format, "Lay out Turtle files in the one way.", ("knowledge",))
    sub.add_argument("files", nargs="*", type=Path, metavar="FILE", help="default: all of ours")
    sub.add_argument("--check", action="store_true", help="change nothing; 1 if any would change")

    sub = command("derive", _derive, "Derive the positions from the claims.", ("knowledge",))
    sub.add_argument("--check", action="store_true", help="change nothing; 1 if it would change")
    return parser


def _add_setting(
    parser: argparse.ArgumentParser, setting: Setting, environment: dict[str, Any]
) -> None:
    default = environment.get(setting.name, setting.default)
    shown = "" if default is None else f" (default: {default})"

    def read(text: str) -> Any:
        try:
            return setting.read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    parser.add_argument(
        setting.option,
        dest=setting.name,
        type=read,
        default=default,
        metavar=setting.name.upper().split("_")[-1],
        help=(setting.help.rstrip(".") + shown).replace("%", "%%"),
    )


def _read_config(options: argparse.Namespace) -> Config:
    given = {s.name: getattr(options, s.name) for s in SETTINGS if hasattr(options, s.name)}
    return Config(**given)


def _open(options: argparse.Namespace, *, may_violate: bool = True) -> EmbeddedDataset:
    with Console() as console:
        config = _read_config(options)
        if not hasattr(options, "memory"):  # a single answer comes sooner from the disk
            config = replace(config, memory="never")
        knowledge = find_knowledge(config.knowledge)
        return open_dataset(config, knowledge, console, may_violate=may_violate)


def _serve(options: argparse.Namespace) -> int:
    config = _read_config(options)
    knowledge = find_knowledge(config.knowledge)
    with bind(config) as listener:
        dataset = _open(options, may_violate=options.allow_violations)
        application = create_app(config, dataset, knowledge)
        address = address_of(listener)
        print(f"Peninsula is at {address} (SPARQL: {address}sparql). Stop it with Ctrl+C.")
        sys.stdout.flush()
        serve(application, listener, config)
    return OK


def _query(options: argparse.Namespace) -> int:
    knowledge = find_knowledge(options.knowledge)
    template = _find_query(options.query, knowledge)
    values = _read_values(options.param)
    dataset = _open(options)
    if isinstance(template, QueryTemplate):
        examples = template.examples if options.examples else {}
        result = template.ask(dataset, {**examples, **values})
    else:
        result = dataset.evaluate(template, substitutions=_guess_terms(values))
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
    with Console() as console:
        knowledge = find_knowledge(options.knowledge)
        report = validate_files(knowledge, options.files, console, alone=options.alone)
    sys.stdout.write(RENDERINGS[options.format](report))
    return OK if report.conforms else NO


def _check(options: argparse.Namespace) -> int:
    severities = Counter({"error": 0, "warning": 0, "note": 0})
    with Console() as console:
        knowledge = find_knowledge(options.knowledge)
        for finding in check(knowledge, console):
            console.finish()
            print(finding, flush=True)
            severities[finding.severity] += 1
    print(", ".join(f"{n} {what}{'' if n == 1 else 's'}" for what, n in severities.items()))
    is_bad = severities["error"] or (options.strict and severities["warning"])
    return NO if is_bad else OK


def _export(options: argparse.Namespace) -> int:
    try:
        graph = read_iri(options.graph).value if options.graph else None
    except ValueError as error:
        raise ParameterError(f"“{options.graph}” is no IRI: {error}.") from None
    dataset = _open(options)
    format = choose(None, GRAPH_FORMATS, name=options.format or ("turtle" if graph else "trig"))
    statements = dataset.statements(graph)
    assert isinstance(format.engine, ox.RdfFormat)
    if format.engine.supports_datasets:
        write_statements(statements, format, sys.stdout.buffer)
    else:
        triples = (ox.Triple(q.subject, q.predicate, q.object) for q in statements)
        write_statements(triples, format, sys.stdout.buffer)
    sys.stdout.flush()
    return OK


def _format(options: argparse.Namespace) -> int:
    root = find_knowledge(options.knowledge).root
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
    root = find_knowledge(options.knowledge).root
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
