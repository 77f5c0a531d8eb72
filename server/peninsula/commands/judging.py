"""What do the shapes, and all checks, find wrong?"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from peninsula.checking import check
from peninsula.commands.basis import (
    KNOWLEDGE_SETTINGS,
    add_settings,
    read_config,
    read_graph,
)
from peninsula.commands.exits import NO, OK
from peninsula.commands.printing import plural
from peninsula.config import SETTINGS
from peninsula.console import Console
from peninsula.dataset.interface import Dataset
from peninsula.errors import InvalidSetting
from peninsula.federation.dataset import FederatedDataset
from peninsula.federation.evaluation import Federation
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Services
from peninsula.knowledge import find_knowledge
from peninsula.shacl.rendering import RENDERINGS
from peninsula.submission import validate_files


def add_validate(sub: argparse.ArgumentParser) -> None:
    """Add the arguments of “validate”."""
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
    add_settings(sub, KNOWLEDGE_SETTINGS)
    sub.set_defaults(run=_validate)


def add_check(sub: argparse.ArgumentParser) -> None:
    """Add the arguments of “check”."""
    sub.add_argument("--strict", action="store_true", help="let warnings fail, too")
    sub.add_argument(
        "--service", action="append", default=[], metavar="NAME=IRI",
        help="where a service for tests is, so that the questions that ask one are asked, too",
    )  # fmt: skip
    add_settings(sub, KNOWLEDGE_SETTINGS)
    sub.set_defaults(run=_check)


def _validate(options: argparse.Namespace) -> int:
    graph = read_graph(options.graph)
    with Console() as console:
        knowledge = find_knowledge(read_config(options).knowledge)
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
    config = read_config(options)
    with Console() as console, contextlib.closing(Gateway(contact=config.contact)) as gateway:
        federate = _federate(options.service, gateway) if options.service else None
        knowledge = find_knowledge(config.knowledge)
        for finding in check(knowledge, console, federate=federate):
            console.finish()
            print(finding, flush=True)
            severities[finding.severity] += 1
    print(", ".join(plural(n, what) for what, n in severities.items()))
    is_bad = severities["error"] or (options.strict and severities["warning"])
    return NO if is_bad else OK


def _federate(named: Sequence[str], gateway: Gateway) -> Callable[[Dataset], Dataset]:
    """Return what makes a dataset ask the services that are named as NAME=IRI."""
    [setting] = [setting for setting in SETTINGS if setting.name == "services"]
    try:
        given = setting.read(",".join(named))
    except ValueError as error:
        raise InvalidSetting(f"--service {error}.", "Write --service wikidata=IRI.") from None
    # Whoever names it here means it, wherever it is.
    services = Services(replace(service, is_trusted=True) for service in given)
    federation = Federation(services, gateway)
    return lambda dataset: FederatedDataset(dataset, federation)
