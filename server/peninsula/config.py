"""Which settings are there, and what is each for?

One table: the fields of :class:`Config`. The options of ``peninsula serve``, the environment
variables ``PENINSULA_<NAME>`` and the table in the README are all made from it.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final


def _setting(default: Any, explanation: str, **more: Any) -> Any:
    return field(default=default, metadata={"help": explanation, **more})


@dataclass(frozen=True)
class Config:
    """How this server runs."""

    host: str = _setting("127.0.0.1", "Address to listen on; 0.0.0.0 for every interface.")
    port: int = _setting(7878, "Port to listen on; 0 takes a free one.")
    store: Path = _setting(Path(".peninsula"), "Folder of the store, made at the first start.")
    knowledge: Path | None = _setting(
        None,
        "Folder with ontology/, data/ and queries/; default: the repository's, else the shipped.",
    )
    default_graph: str = _setting(
        "union",
        "What a query sees that names no graph: the union of all named graphs, or its own.",
        choices=("union", "own"),
    )
    memory: str = _setting(
        "auto",
        "Answer from memory, which is faster and takes 0.4 GB a million triples; auto: up to one.",
        choices=("auto", "always", "never"),
    )
    threads: int = _setting(8, "Requests answered at the same time.")
    table_rows: int = _setting(500, "Rows of an answer that a page shows; downloads have all.")
    max_query_bytes: int = _setting(262_144, "Longest query, in bytes.")
    max_depth: int = _setting(64, "Deepest nesting of brackets in a query.")
    max_joins: int = _setting(128, "Most patterns joined in one group of a query.")
    max_links: int = _setting(
        1000, "Most operators, UNIONs, OPTIONALs, FILTERs and the like in a query."
    )


@dataclass(frozen=True)
class Setting:
    """One row of the table of settings."""

    name: str
    default: Any
    help: str
    choices: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        """Return the option of the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Return the environment variable."""
        return "PENINSULA_" + self.name.upper()

    def read(self, text: str) -> Any:
        """Return the value that ``text`` stands for; raises ValueError where it is none."""
        if self.name in {"store", "knowledge"}:
            return Path(text)
        if isinstance(self.default, int):
            number = int(text)
            if number < 0:
                raise ValueError("must not be negative")
            return number
        if self.choices and text not in self.choices:
            raise ValueError(f"must be one of {', '.join(self.choices)}")
        return text


SETTINGS: Final = tuple(
    Setting(f.name, f.default, f.metadata["help"], f.metadata.get("choices", ()))
    for f in dataclasses.fields(Config)
)


def read_environment(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the settings that the environment gives; raises ValueError naming a wrong one."""
    values = {}
    for setting in SETTINGS:
        if text := environ.get(setting.variable):
            try:
                values[setting.name] = setting.read(text)
            except ValueError as error:
                raise ValueError(f"{setting.variable}={text}: {error}") from None
    return values
