"""Which command is typed after ``peninsula``, and how does it end?

Every command parses its arguments, calls what does the work and prints. Exit codes: 0 all is
well, 1 the answer is no (violations, findings), 2 it could not be done. Only the module of the
command that is typed is loaded: nobody waits for the others.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

from peninsula import __version__
from peninsula.commands.exits import FAILED, INTERRUPTED, OK
from peninsula.errors import PeninsulaError

#: The commands, what each does, and who adds its arguments.
_COMMANDS: Final = (
    ("serve", "Serve the graph; the first start builds the store.", "stores.add_serve"),
    ("query", "Ask a question and print the answer.", "asking.add"),
    ("validate", "Say what the shapes find wrong.", "judging.add_validate"),
    ("check", "Check ontology, data and questions; one line a finding.", "judging.add_check"),
    ("export", "Write the graph, one named graph, or tidy tables.", "exporting.add"),
    (
        "import",
        "Make statements of tables (CSV, Excel) by a mapping (CSVW); all or nothing enters.",
        "importing.add",
    ),
    ("link", "Pull what Wikidata says of linked things, check and suggest links.", "linking.add"),
    ("load", "Load big files into a store that no server holds.", "stores.add_load"),
    ("history", "List, show, compare, keep and remove generations.", "stores.add_history"),
    ("backup", "Copy a generation, also while a server runs.", "stores.add_backup"),
    ("restore", "Publish what a backup holds as the next generation.", "stores.add_restore"),
    ("token", "Let others write, or read, and see who may.", "stores.add_token"),
    ("format", "Lay out Turtle files in the one way.", "sources.add_format"),
    ("derive", "Derive the positions from the claims.", "sources.add_derive"),
)
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
    typed = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = _make_parser(next(iter(typed), "")).parse_args(typed)
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except PeninsulaError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # Whoever read our output has seen enough, as “head” does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED


def _fail(message: str) -> int:
    print(f"peninsula: {message}", file=sys.stderr)
    return FAILED


def _make_parser(typed: str) -> argparse.ArgumentParser:
    """Return what parses the command that is typed, and knows the names of the others."""
    parser = argparse.ArgumentParser(
        prog="peninsula",
        description="A knowledge graph of Korean-Peninsula diplomacy, and a SPARQL server for it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"peninsula {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, summary, place in _COMMANDS:
        sub = commands.add_parser(name, help=summary, description=summary)
        if name == typed:
            module, _, add = place.partition(".")
            getattr(importlib.import_module(f"peninsula.commands.{module}"), add)(sub)
    return parser
