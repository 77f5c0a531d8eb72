"""What does a curator do with links to Wikidata?"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console as Terminal
from rich.table import Table as TerminalTable
from rich.text import Text

from peninsula.commands.basis import SERVICE_SETTINGS, add_step, read_config
from peninsula.commands.exits import NO, OK
from peninsula.commands.printing import make_table, plural
from peninsula.errors import display_path
from peninsula.files import write_whole
from peninsula.linking.accepting import accept
from peninsula.linking.checking import check
from peninsula.linking.delivering import Destination
from peninsula.linking.pulling import pull
from peninsula.linking.suggesting import suggest
from peninsula.namespaces import shorten
from peninsula.turtle import format_turtle
from peninsula.wikidata.checking import ERROR, NOTE, SEVERITIES, WARNING, Finding, Report
from peninsula.wikidata.suggesting import CLASSES, Candidate, write_review
from peninsula.wikidata.terms import qid_of

_SETTINGS: Final = ("store", "knowledge", "config")
_ASKING: Final = (*_SETTINGS, *SERVICE_SETTINGS)
_STORING: Final = (*_ASKING, "keep", "keep_days", "default_graph", "history_graph")
_COLOURS: Final = {ERROR: "red", WARNING: "yellow", NOTE: "dim"}
#: Columns of what is copied to ask for it.
_NAMES: Final = ("thing", "item")
_COLUMNS: Final = ("severity", "kind", "thing", "item", "message", "ours", "theirs", "remedy")


def add(sub: argparse.ArgumentParser) -> None:
    """Add the commands below “link”."""
    steps = sub.add_subparsers(title="what to do", required=True, metavar="WHAT")
    _add_pull(steps)
    _add_check(steps)
    _add_suggest(steps)
    sub = add_step(
        steps,
        "accept",
        _accept,
        "Make links of the candidates that somebody has accepted.",
        _SETTINGS,
    )
    sub.add_argument("files", nargs="+", type=Path, metavar="FILE", help="as “suggest” wrote it")
    sub.add_argument("--by", required=True, metavar="NAME", help="who reviewed them")
    sub.add_argument("--output", type=Path, metavar="FILE", help="default: the standard output")


def _add_pull(steps: Any) -> None:
    sub = add_step(
        steps, "pull", _pull, "Pull a snapshot of what Wikidata says of linked things.", _STORING
    )
    sub.add_argument("--output", type=Path, metavar="FILE", help="RDF in the format of its ending")
    sub.add_argument(
        "--into-store", action="store_true",
        help="make it graph/wikidata of the store, which no server holds",
    )  # fmt: skip
    sub.add_argument(
        "--server", default="", metavar="URL",
        help="make it graph/wikidata of a running server; its token stands in PENINSULA_TOKEN",
    )  # fmt: skip
    _add_service(sub)
    sub.add_argument(
        "--journal", type=Path, metavar="DIR",
        help="where what is fetched is kept until all of it is; default: pull/ in the store",
    )  # fmt: skip
    sub.add_argument("--fresh", action="store_true", help="fetch again what is kept")
    sub.add_argument(
        "--patience", type=_read_patience, default=900.0, metavar="SECONDS",
        help="longest time to wait, all in all, for a service that is busy (default: 900)",
    )  # fmt: skip


def _add_check(steps: Any) -> None:
    sub = add_step(
        steps, "check", _check, "Say where Wikidata and we disagree about linked things.", _SETTINGS
    )
    _add_snapshot(sub)
    sub.add_argument(
        "--before", type=Path, metavar="FILE", help="an older snapshot: say what changed, too"
    )
    sub.add_argument(
        "--format", choices=("table", "json", "csv"), default="table", metavar="FORMAT",
        help="table, json or csv (default: table)",
    )  # fmt: skip
    sub.add_argument("--notes", action="store_true", help="show notes, too, in the table")
    sub.add_argument("--strict", action="store_true", help="let warnings fail, too")


def _add_suggest(steps: Any) -> None:
    sub = add_step(
        steps, "suggest", _suggest, "Look for items that things without a link could be.", _ASKING
    )
    sub.add_argument(
        "--class", dest="classes", action="append", default=[], metavar="NAME",
        help=f"such as pen:Person; default: {', '.join(CLASSES)}",
    )  # fmt: skip
    sub.add_argument(
        "--thing", dest="things", action="append", default=[], metavar="NAME",
        help="such as person:lee-do-hoon, linked or not",
    )  # fmt: skip
    _add_service(sub)
    sub.add_argument(
        "--offline", action="store_true", help="look in the snapshot of the store only"
    )
    _add_snapshot(sub)
    sub.add_argument(
        "--output", type=Path, metavar="FILE", help="Turtle with the candidates, to be reviewed"
    )
    sub.add_argument(
        "--format", choices=("table", "json"), default="table", metavar="FORMAT",
        help="table or json (default: table)",
    )  # fmt: skip


def _add_service(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--service", default="wikidata", metavar="NAME",
        help="one of the services of the settings (default: wikidata)",
    )  # fmt: skip
    _add_slice(sub)


def _add_snapshot(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--snapshot", type=Path, metavar="FILE", help="default: graph/wikidata of the store"
    )
    if not any(action.dest == "slice" for action in sub._actions):  # noqa: SLF001
        _add_slice(sub)


def _add_slice(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--slice", type=Path, metavar="FILE",
        help="which properties and languages; default: data/links/slice.toml of the knowledge",
    )  # fmt: skip


def _read_patience(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < 1e9:
        raise argparse.ArgumentTypeError("must be a number of seconds")
    return seconds


def _pull(options: argparse.Namespace) -> int:
    pulled = pull(
        read_config(options),
        Destination(options.output, options.into_store, options.server),
        service=options.service,
        slice_file=options.slice,
        journal=options.journal,
        is_fresh=options.fresh,
        patience=options.patience,
    )
    found = pulled.pull
    print(
        f"{len(found.items):,} items in {pulled.triples:,} triples, {found.requests:,} requests; "
        f"{_count(len(found.redirects), 'redirected')}, {_count(len(found.missing), 'not there')}."
    )
    for item, target in sorted(found.redirects.items()):
        print(f"  {qid_of(item)} was merged into {qid_of(target)}")
    for item in sorted(found.missing):
        print(f"  {qid_of(item)} is not there: deleted, or never made")
    for place in pulled.places:
        print(f"Written to {place}.")
    return OK


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number else f"none {what}"


def _check(options: argparse.Namespace) -> int:
    report = check(
        read_config(options),
        snapshot_file=options.snapshot,
        before_file=options.before,
        slice_file=options.slice,
    )
    if options.format == "json":
        print(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    elif options.format == "csv":
        _print_csv(report)
    else:
        _print_report(report, with_notes=options.notes)
    is_bad = report.count(ERROR) or (options.strict and report.count(WARNING))
    return NO if is_bad else OK


def _print_csv(report: Report) -> None:
    writer = csv.DictWriter(sys.stdout, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for finding in report.findings:
        writer.writerow(finding.to_json())


def _print_report(report: Report, *, with_notes: bool) -> None:
    shown = [f for f in report.findings if with_notes or f.severity != NOTE]
    if shown:
        Terminal().print(_table(shown))
    retrieved = report.retrieved.strftime("%Y-%m-%d") if report.retrieved else "an unknown day"
    print(
        f"{report.compared} of {report.links} links compared with the snapshot of {retrieved}: "
        + ", ".join(plural(report.count(s), s) for s in SEVERITIES)
        + ("" if with_notes or not report.count(NOTE) else " (--notes shows them)")
    )


def _table(findings: Sequence[Finding]) -> TerminalTable:
    table = make_table("", "thing", "item", "what", "ours", "theirs", names=_NAMES, has_lines=True)
    for finding in findings:
        what = f"{finding.message} {finding.remedy}".strip()
        table.add_row(
            Text(finding.severity, style=_COLOURS[finding.severity]),
            Text(shorten(finding.thing)),
            Text(qid_of(finding.item)),
            Text(what),
            Text(finding.ours),
            Text(finding.theirs),
        )
    return table


def _suggest(options: argparse.Namespace) -> int:
    found, looked_at, source = suggest(
        read_config(options),
        classes=options.classes,
        things=options.things,
        service=options.service,
        is_offline=options.offline,
        snapshot_file=options.snapshot,
        slice_file=options.slice,
    )
    if options.output:
        _write(options.output, format_turtle(write_review(found, source)))
    if options.format == "json":
        told = [candidate.to_json() for candidate in found]
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return OK
    if found:
        Terminal().print(_candidates(found))
    things = len({candidate.thing for candidate in found})
    print(f"{plural(len(found), 'candidate')} for {things} of {looked_at} things, {source}.")
    if options.output:
        print(f"{display_path(options.output)}: to be reviewed; none of them is a link yet.")
    return OK


def _candidates(found: Sequence[Candidate]) -> TerminalTable:
    table = make_table("thing", "item", "label", "score", "why", names=_NAMES, has_lines=True)
    for candidate in found:
        label = " – ".join(filter(None, (candidate.label, candidate.description)))
        table.add_row(
            Text(shorten(candidate.thing)),
            Text(qid_of(candidate.item)),
            Text(label),
            Text(f"{candidate.score} {candidate.grade}"),
            Text("\n".join(map(str, candidate.reasons))),
        )
    return table


def _accept(options: argparse.Namespace) -> int:
    text, accepted, others = accept(read_config(options), options.files, options.by)
    if accepted:
        _write(options.output, text)
    told = f"{plural(accepted, 'link')} made, {plural(others, 'candidate')} not accepted."
    print(told, file=sys.stderr)
    return OK if accepted else NO


def _write(path: Path | None, text: str) -> None:
    """Write a text to a file, whole or not at all, or to the standard output."""
    if path:
        write_whole(path, [text.encode()])
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
