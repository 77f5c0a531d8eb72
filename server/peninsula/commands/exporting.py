"""How does the graph become files: whole, a named graph, tidy tables?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from peninsula.commands.basis import STORE_SETTINGS, add_settings, open_dataset, read_graph
from peninsula.commands.exits import OK
from peninsula.errors import display_path
from peninsula.files import write_whole
from peninsula.formats import CSV, GRAPH_FORMATS
from peninsula.labels import LANGUAGES
from peninsula.negotiation import choose
from peninsula.tabulation.csvw import describe_tables
from peninsula.tabulation.declarations import find_table, read_tables
from peninsula.tabulation.rows import read_rows
from peninsula.tabulation.writing import TABLE_FILES, write_table


def add(sub: argparse.ArgumentParser) -> None:
    """Add the arguments of “export”."""
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
    add_settings(sub, STORE_SETTINGS)
    sub.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> int:
    if options.table or options.tables:
        return _export_tables(options)
    graph = read_graph(options.graph)
    format = choose(None, GRAPH_FORMATS, name=options.format or ("turtle" if graph else "trig"))
    dataset = open_dataset(options)
    dataset.dump(graph, format, is_everything=graph is None).write(format, sys.stdout.buffer)
    sys.stdout.flush()
    return OK


def _export_tables(options: argparse.Namespace) -> int:
    format = choose(None, TABLE_FILES, name=options.format or "csv")
    wanted = [find_table(options.table)] if options.table else list(read_tables().values())
    folder: Path | None = options.tables
    dataset = open_dataset(options)
    if folder is None:
        for chunk in write_table(wanted[0], read_rows(dataset, wanted[0], options.lang), format):
            sys.stdout.buffer.write(chunk)
        sys.stdout.flush()
        return OK
    for table in wanted:
        rows = read_rows(dataset, table, options.lang)
        path = folder / f"{table.name}.{format.extension}"
        write_whole(path, write_table(table, rows, format))
    if format is CSV:
        metadata = describe_tables(lambda name: f"{name}.csv", {})
        text = json.dumps(metadata, ensure_ascii=False, indent=1)
        write_whole(folder / "csv-metadata.json", [f"{text}\n".encode()])
    print(f"{display_path(folder)}: {len(wanted)} tables as {format.title}.")
    return OK
