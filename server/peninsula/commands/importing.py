"""How do tables become statements?"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from peninsula.commands.basis import STORE_SETTINGS, add_settings, read_config
from peninsula.commands.exits import NO, OK
from peninsula.console import Console
from peninsula.errors import OperatorError, display_path
from peninsula.importing import running, samples
from peninsula.importing.report import RENDERINGS as REPORTS


def add(sub: argparse.ArgumentParser) -> None:
    """Add the arguments of “import”."""
    sub.add_argument("files", nargs="*", type=Path, metavar="FILE", help="CSV or .xlsx")
    sub.add_argument("--mapping", type=Path, metavar="FILE", help="CSVW metadata (JSON)")
    sub.add_argument(
        "--sheet", metavar="NAME", default="",
        help="which sheet of a workbook; default: the only one, or what the mapping says",
    )  # fmt: skip
    sub.add_argument(
        "--encoding", metavar="NAME", default="",
        help="of a CSV, such as windows-1251 or cp949; default: what its first bytes or the "
        "mapping say, else UTF-8",
    )  # fmt: skip
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
    add_settings(sub, (*STORE_SETTINGS, "history_graph", "keep", "keep_days"))
    sub.set_defaults(run=_import)


def _import(options: argparse.Namespace) -> int:
    if options.example is not None:
        return _show_example(options.example, options.files)
    if not options.files or options.mapping is None:
        raise OperatorError(
            "import needs tables and a mapping.",
            "peninsula import votes.csv --mapping votes.json; --example votes shows both.",
        )
    order = running.Order(
        options.files,
        options.mapping,
        options.graph or "",
        options.output,
        options.dry_run,
        options.server,
        options.token,
        options.sheet,
        options.encoding,
    )
    with Console() as console:
        report = running.run(order, read_config(options), console)
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
