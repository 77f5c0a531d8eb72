"""What do all commands stand on: settings, and the graph that they open?"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Sequence
from typing import Any, Final

from peninsula.config import Config, add_options, read_settings
from peninsula.console import Console
from peninsula.dataset.local import LocalDataset
from peninsula.errors import ParameterError
from peninsula.knowledge import find_knowledge
from peninsula.loading import open_local
from peninsula.terms import read_iri

KNOWLEDGE_SETTINGS: Final = ("knowledge", "config")
STORE_SETTINGS: Final = ("store", "knowledge", "default_graph", "config")
SERVICE_SETTINGS: Final = ("services", "trusted_services", "contact")


def add_settings(sub: argparse.ArgumentParser, settings: Sequence[str] | None) -> None:
    """Add the options of settings, which stand below those of the command in its help."""
    group = sub.add_argument_group(
        "settings", "also as PENINSULA_… in the environment, and in peninsula.toml"
    )
    add_options(group, settings)


def add_step(
    steps: Any,
    name: str,
    run: Callable[[argparse.Namespace], int],
    summary: str,
    settings: Sequence[str],
) -> argparse.ArgumentParser:
    """Add a command below another, as in “history list”."""
    sub: argparse.ArgumentParser = steps.add_parser(name, help=summary, description=summary)
    sub.set_defaults(run=run)
    add_settings(sub, settings)
    return sub


def read_config(options: argparse.Namespace) -> Config:
    """Return the settings of a command line, a file and the environment."""
    return read_settings(vars(options))


def open_dataset(options: argparse.Namespace) -> LocalDataset:
    """Return the graph that the settings say."""
    with Console() as console:
        config = read_config(options)
        dataset = open_local(config, find_knowledge(config.knowledge), console, may_violate=True)
    # The engine does not look at Python's signals while it evaluates: let Ctrl+C end it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return dataset


def read_graph(text: str | None) -> str | None:
    """Return the IRI of a named graph; raises ParameterError."""
    try:
        return read_iri(text).value if text else None
    except ValueError as error:
        raise ParameterError(f"“{text}” is no IRI: {error}.") from None
