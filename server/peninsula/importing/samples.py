"""With which mapping and table does a curator begin?"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from peninsula.errors import OperatorError, display_path

EXAMPLES: Final = Path(__file__).parent / "examples"


def list_examples() -> list[str]:
    """Return the names of the mappings that are shipped."""
    return sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())


def copy_example(name: str, folder: Path) -> list[Path]:
    """Copy an example's mapping and tables into a folder; raises OperatorError where it is none."""
    made = []
    for source in _example(name):
        target = folder / source.name
        if target.exists():
            raise OperatorError(
                f"{display_path(target)} is there already.", "Name another folder, or remove it."
            )
        made.append((source, target))
    for source, target in made:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    return [target for _, target in made]


def show_example(name: str) -> str:
    """Return an example's files, each below its name."""
    parts = [f"==> {path.name} <==\n{path.read_text(encoding='utf-8')}" for path in _example(name)]
    return "\n".join(parts)


def _example(name: str) -> list[Path]:
    if name not in list_examples():
        raise OperatorError(
            f"There is no example “{name}”.", f"There are {', '.join(list_examples())}."
        )
    return sorted((EXAMPLES / name).iterdir(), key=lambda path: (path.suffix != ".json", path.name))
