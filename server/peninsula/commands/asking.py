"""How is a question asked, and its answer printed?"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyoxigraph as ox
from rich.console import Console as Terminal
from rich.table import Table as TerminalTable
from rich.text import Text

from peninsula.commands.basis import (
    SERVICE_SETTINGS,
    STORE_SETTINGS,
    add_settings,
    open_dataset,
    read_config,
)
from peninsula.commands.exits import OK
from peninsula.commands.printing import plural
from peninsula.dataset.interface import Dataset, QueryOptions, Result, Term, formats_for
from peninsula.errors import OperatorError, ParameterError, UpstreamFailed, display_path
from peninsula.federation.dataset import FederatedDataset
from peninsula.federation.evaluation import Federation
from peninsula.federation.gateway import Gateway
from peninsula.federation.local_services import LocalServices
from peninsula.formats import GRAPH_FORMATS, TABLE_FORMATS, find
from peninsula.knowledge import Knowledge, find_knowledge
from peninsula.library import QueryTemplate, read_library, read_question
from peninsula.namespaces import expand
from peninsula.negotiation import choose
from peninsula.protocol import SERVICES
from peninsula.search import Indexes
from peninsula.search_service import SearchService
from peninsula.tables import Table, make_table
from peninsula.terms import read_iri

_WIDE: Final = 100


def add(sub: argparse.ArgumentParser) -> None:
    """Add the arguments of “query”."""
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
    add_settings(sub, (*STORE_SETTINGS, *SERVICE_SETTINGS))
    sub.set_defaults(run=_query)


def _query(options: argparse.Namespace) -> int:
    config = read_config(options)
    template = _find_query(options.query, find_knowledge(config.knowledge))
    values = _read_values(options.param)
    with contextlib.closing(Gateway(contact=config.contact)) as gateway:
        # Of however many names: whoever searches here waits for their index.
        local = LocalServices([SearchService(Indexes(most_names=10**8))])
        federation = Federation(config.allowed_services(), gateway, local)
        dataset = FederatedDataset(open_dataset(options), federation, mode=options.ask)
        try:
            if isinstance(template, QueryTemplate):
                examples = template.examples if options.examples else {}
                result = template.ask(dataset, {**examples, **values})
            else:
                wish = QueryOptions(substitutions=_guess_terms(values))
                result = dataset.evaluate(template, wish)
        except UpstreamFailed as error:
            error.remedy = f"{error.remedy} --ask snapshot asks what was pulled of it.".strip()
            raise
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
    print(plural(len(table.rows), "row"))


def _print_blocks(table: Table) -> None:
    """Print one row below the other, for a table that the terminal has no room for."""
    room = max(len(heading) for heading in table.headings)
    for number, row in enumerate(table.rows, start=1):
        print(f"── {number} ──")
        for heading, cell in zip(table.headings, row, strict=True):
            if cell.text:
                print(f"{heading:>{room}}  {cell.text}")
