"""What does an operator do with a store: serve it, load it, keep its history, let others in?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from rich.console import Console as Terminal
from rich.text import Text

from peninsula import operating
from peninsula.commands.basis import add_settings, add_step, read_config, read_graph
from peninsula.commands.exits import NO, OK
from peninsula.commands.printing import make_table
from peninsula.dataset.generations import format_instant
from peninsula.errors import ShapesViolated, display_path
from peninsula.tokens import ROLES

_STORE: Final = ("store", "config")


def add_serve(sub: argparse.ArgumentParser) -> None:
    """Add the arguments of “serve”."""
    add_settings(sub, None)
    sub.add_argument(
        "--allow-violations", action="store_true", help="Serve even where the data break a shape."
    )
    sub.set_defaults(run=_serve)


def add_load(sub: argparse.ArgumentParser) -> None:
    """Add the arguments of “load”."""
    add_settings(sub, (*_STORE, "keep", "knowledge"))
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
    sub.set_defaults(run=_load)


def add_history(sub: argparse.ArgumentParser) -> None:
    """Add the commands below “history”."""
    steps = sub.add_subparsers(title="what to do", required=True, metavar="WHAT")
    add_step(steps, "list", _history_list, "List the generations that are kept.", _STORE)
    sub = add_step(
        steps, "show", _history_show, "Show the change that made one, as RDF Patch.", _STORE
    )
    sub.add_argument("generation", type=int, metavar="N")
    sub = add_step(
        steps, "diff", _history_diff, "Show what leads from one to another, as RDF Patch.", _STORE
    )
    sub.add_argument("before", type=int, metavar="N")
    sub.add_argument("after", type=int, metavar="M")
    for name, summary in (("pin", "Keep one for good."), ("unpin", "Keep one no longer.")):
        sub = add_step(steps, name, _history_pin, summary, _STORE)
        sub.set_defaults(is_pinned=name == "pin")
        sub.add_argument("generation", type=int, metavar="N")
    sub = add_step(
        steps, "rebuild", _history_rebuild, "Bring back one that is kept no longer, pinned.", _STORE
    )
    sub.add_argument("generation", type=int, metavar="N")
    add_step(
        steps, "prune", _history_prune, "Remove all but the last ones, and those pinned.",
        (*_STORE, "keep", "keep_days"),
    )  # fmt: skip


def add_backup(sub: argparse.ArgumentParser) -> None:
    """Add the arguments of “backup”."""
    add_settings(sub, _STORE)
    sub.add_argument("target", type=Path, metavar="FOLDER", help="a folder that is not there yet")
    sub.add_argument("--generation", type=int, metavar="N", help="default: the published one")
    sub.set_defaults(run=_backup)


def add_restore(sub: argparse.ArgumentParser) -> None:
    """Add the arguments of “restore”."""
    add_settings(sub, _STORE)
    sub.add_argument("source", type=Path, metavar="FOLDER", help="what “backup” wrote")
    sub.set_defaults(run=_restore)


def add_token(sub: argparse.ArgumentParser) -> None:
    """Add the commands below “token”."""
    steps = sub.add_subparsers(title="what to do", required=True, metavar="WHAT")
    sub = add_step(steps, "add", _token_add, "Make a token and print it, this once.", _STORE)
    sub.add_argument("name", metavar="NAME", help="by which the history names who changed what")
    sub.add_argument(
        "--role", choices=ROLES, required=True, help="each may do what those before may"
    )
    add_step(steps, "list", _token_list, "List the tokens.", _STORE)
    sub = add_step(
        steps, "revoke", _token_revoke, "Let the bearer of a token in no longer.", _STORE
    )
    sub.add_argument("name", metavar="NAME")


def _serve(options: argparse.Namespace) -> int:
    operating.serve_store(read_config(options), may_violate=options.allow_violations)
    return OK


def _load(options: argparse.Namespace) -> int:
    graph = read_graph(options.graph)
    config = read_config(options)
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


def _history_list(options: argparse.Namespace) -> int:
    found = operating.list_generations(read_config(options))
    shown = make_table(
        "generation", "published", "by", "added", "removed", "triples", "what",
        numbers={"generation", "added", "removed", "triples"},
    )  # fmt: skip
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
    operating.show_patch(read_config(options), options.generation, sys.stdout.buffer)
    sys.stdout.flush()
    return OK


def _history_diff(options: argparse.Namespace) -> int:
    config = read_config(options)
    delta = operating.show_difference(config, options.before, options.after, sys.stdout.buffer)
    sys.stdout.flush()
    print(f"{len(delta.added):,} added, {len(delta.removed):,} removed", file=sys.stderr)
    return OK


def _history_pin(options: argparse.Namespace) -> int:
    operating.pin(read_config(options), options.generation, is_pinned=options.is_pinned)
    return OK


def _history_rebuild(options: argparse.Namespace) -> int:
    generation = operating.rebuild(read_config(options), options.generation)
    print(f"Generation {generation.number} is kept again, with {generation.triples:,} triples.")
    return OK


def _history_prune(options: argparse.Namespace) -> int:
    config = read_config(options)
    removed = operating.prune(config, config.keep)
    print(f"removed: {', '.join(map(str, removed)) or 'none'}")
    return OK


def _backup(options: argparse.Namespace) -> int:
    config = read_config(options)
    generation = operating.backup(config, options.target, options.generation)
    print(f"{display_path(options.target)}: generation {generation.number}, "
          f"{generation.triples:,} triples.")  # fmt: skip
    return OK


def _restore(options: argparse.Namespace) -> int:
    generation = operating.restore(read_config(options), options.source)
    print(f"Generation {generation.number}: {generation.triples:,} triples.")
    return OK


def _token_add(options: argparse.Namespace) -> int:
    print(operating.add_token(read_config(options), options.name, options.role))
    return OK


def _token_list(options: argparse.Namespace) -> int:
    shown = make_table("name", "role", "created")
    for entry in operating.list_tokens(read_config(options)):
        shown.add_row(Text(entry.name), entry.role, entry.created)
    Terminal().print(shown)
    return OK


def _token_revoke(options: argparse.Namespace) -> int:
    operating.revoke_token(read_config(options), options.name)
    return OK
