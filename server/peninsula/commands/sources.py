"""How are the files of the graph laid out, and what is derived from them?"""

from __future__ import annotations

import argparse
from pathlib import Path

from peninsula.checking import POSITIONS
from peninsula.commands.basis import KNOWLEDGE_SETTINGS, add_settings, read_config
from peninsula.commands.exits import NO, OK
from peninsula.errors import OperatorError, display_path
from peninsula.files import explain, write_whole
from peninsula.knowledge import find_knowledge
from peninsula.positions import derive_file
from peninsula.turtle import format_turtle


def add_format(sub: argparse.ArgumentParser) -> None:
    """Add the arguments of “format”."""
    sub.add_argument("files", nargs="*", type=Path, metavar="FILE", help="default: all of ours")
    sub.add_argument("--check", action="store_true", help="change nothing; 1 if any would change")
    add_settings(sub, KNOWLEDGE_SETTINGS)
    sub.set_defaults(run=_format)


def add_derive(sub: argparse.ArgumentParser) -> None:
    """Add the arguments of “derive”."""
    sub.add_argument("--check", action="store_true", help="change nothing; 1 if it would change")
    add_settings(sub, KNOWLEDGE_SETTINGS)
    sub.set_defaults(run=_derive)


def _format(options: argparse.Namespace) -> int:
    root = find_knowledge(read_config(options).knowledge).root
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
            raise OperatorError(
                f"{display_path(path)}: it cannot be read ({explain(error)})."
            ) from None
        if formatted != text:
            changed += 1
            state = "would be laid out anew" if options.check else "laid out anew"
            print(f"{display_path(path)}: {state}")
            if not options.check:
                write_whole(path, [formatted.encode()])
    return NO if changed and options.check else OK


def _derive(options: argparse.Namespace) -> int:
    root = find_knowledge(read_config(options).knowledge).root
    path = root / POSITIONS
    try:
        derived = derive_file(root)
    except SyntaxError as error:
        raise OperatorError(str(error)) from None
    is_changed = not path.exists() or path.read_text(encoding="utf-8") != derived
    if is_changed and not options.check:
        write_whole(path, [derived.encode()])
    if is_changed:
        state = (
            "is not what the claims give; run “peninsula derive”" if options.check else "written"
        )
        print(f"{display_path(path)}: {state}")
    return NO if is_changed and options.check else OK
