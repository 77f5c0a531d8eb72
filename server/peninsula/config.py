"""Which settings are there, what is each for, and where does its value come from?

One table: the fields of :class:`Config`. The options of ``peninsula serve``, the environment
variables ``PENINSULA_<NAME>``, the keys of a TOML file and the table in the README are all made
from it. A value on the command line goes before the environment, that before the file, that
before the default.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import math
import os
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from peninsula.errors import InvalidSetting, display_path
from peninsula.federation.services import DEFAULTS, Service, Services, find_fault

#: The file that is read from the working folder where no other is named.
FILE: Final = "peninsula.toml"

_BYTES: Final = {
    "": 1, "b": 1,
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
    # As systemd, Java and container engines read them.
    "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40,
}  # fmt: skip
_SECONDS: Final = {
    "": 1.0,
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
_QUANTITY: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})
_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"
)
_ORIGIN: Final = re.compile(rf"https?://{_HOST.pattern}")
#: How whoever is asked can reach whoever asks: it stands between brackets in a header.
_CONTACT: Final = re.compile(
    r"(?:https?://|mailto:)[!-'*-~]{1,200}|[!-'*-?A-~]{1,64}@[!-'*-~]{1,190}"
)


def _setting(kind: str, default: Any, explanation: str, **more: Any) -> Any:
    return field(default=default, metadata={"kind": kind, "help": explanation, **more})


@dataclass(frozen=True)
class Config:
    """How this server runs: sizes in bytes, durations in seconds."""

    config: Path | None = _setting(
        "path", None, f"TOML file with settings; default: {FILE} in the working folder, if any."
    )
    host: str = _setting("text", "127.0.0.1", "Address to listen on; 0.0.0.0 for every interface.")
    port: int = _setting("count", 7878, "Port to listen on; 0 takes a free one.", most=65_535)
    store: Path = _setting(
        "path", Path(".peninsula"), "Folder of the store, made at the first start."
    )
    knowledge: Path | None = _setting(
        "path",
        None,
        "Folder with ontology/, data/ and queries/; default: the repository's, else the shipped.",
    )
    empty: bool = _setting("flag", False, "Serve a store without the shipped graph.")
    default_graph: str = _setting(
        "text",
        "union",
        "What a query sees that names no graph: the union of all named graphs, or its own.",
        choices=("union", "own"),
    )
    memory: str = _setting(
        "text",
        "auto",
        "Answer from memory, which is faster and takes 0.4 GB a million triples; auto: if it fits.",
        choices=("auto", "always", "never"),
    )
    memory_budget: int = _setting(
        "bytes", 0, "What answering from memory may take; 0: a part of what the machine has."
    )
    readers: int = _setting("count", 0, "Queries evaluated at the same time; 0: one a core.")
    reader_memory: int = _setting(
        "bytes", 0, "What one query may allocate; 0: a part of what the machine has."
    )
    queue: int = _setting("count", 64, "Most queries that wait for a reader; one more gets 503.")
    threads: int = _setting(
        "count",
        8,
        "Requests answered at the same time, besides those of readers and queue.",
        least=1,
    )
    query_timeout: float = _setting("duration", 30.0, "Longest time a query may take.")
    update_timeout: float = _setting("duration", 60.0, "Longest time an update may take.")
    upload_timeout: float = _setting(
        "duration", 120.0, "Longest time the body of a request may take to arrive."
    )
    table_rows: int = _setting(
        "count", 500, "Rows of an answer that a page shows; downloads have all.", least=1
    )
    max_query_bytes: int = _setting("bytes", 256 * 2**10, "Longest query.", least=1)
    max_update_bytes: int = _setting("bytes", 16 * 2**20, "Longest update.", least=1)
    max_upload_bytes: int = _setting(
        "bytes", 2**30, "Largest upload, as sent and when decompressed.", least=1
    )
    max_depth: int = _setting("count", 64, "Deepest nesting of brackets in a query.", least=1)
    max_joins: int = _setting(
        "count", 128, "Most patterns joined in one group of a query.", least=1
    )
    max_links: int = _setting(
        "count",
        1000,
        "Most operators, UNIONs, OPTIONALs, FILTERs and the like in a query.",
        least=1,
    )
    keep: int = _setting("count", 10, "Generations of the store that are kept.", least=1)
    keep_days: int = _setting(
        "count", 0, "Days for which a generation is kept beyond that, so that citations hold."
    )
    cache_bytes: int = _setting("bytes", 64 * 2**20, "Size of the cache of answers; 0: no cache.")
    dump_bytes: int = _setting(
        "bytes", 2 * 2**30, "Room for dumps that were made, so that they can be resumed; 0: none."
    )
    history_graph: str = _setting(
        "text",
        "auto",
        "Describe who changed what in graph/history; auto: only beside the shipped graph.",
        choices=("auto", "always", "never"),
    )
    read_token: bool = _setting("flag", False, "Reading needs a token, too.")
    allow_load: tuple[str, ...] = _setting(
        "list", (), "Hosts from which LOAD may fetch; none: no LOAD.", pattern=_HOST
    )
    services: tuple[Service, ...] = _setting(
        "services",
        DEFAULTS,
        "Services that SERVICE may ask, NAME=IRI,…; more about each in the file; none: no SERVICE.",
    )
    trusted_services: tuple[str, ...] = _setting(
        "list", (), "Hosts of services that may be inside of a network.", pattern=_HOST
    )
    contact: str = _setting(
        "text",
        "",
        "How those who run the services reach you, an address of mail or of the web.",
        pattern=_CONTACT,
        what="an address of mail or of the web, such as me@example.org",
    )
    cors: tuple[str, ...] = _setting(
        "list",
        ("*",),
        "Origins whose pages may read answers: https://example.org, or * for all.",
        pattern=re.compile(rf"\*|{_ORIGIN.pattern}"),
        what="an origin",
    )
    trusted_proxy: str = _setting(
        "text", "", "Address of the reverse proxy whose X-Forwarded headers are believed."
    )
    log_format: str = _setting(
        "text", "text", "Form of the log, one line an event on stderr.", choices=("text", "json")
    )

    def allowed_services(self) -> Services:
        """Return the services that may be asked, trusted ones marked; raises InvalidSetting."""
        trusted = {host.lower() for host in self.trusted_services}
        services = [
            dataclasses.replace(service, is_trusted=service.is_trusted or service.host in trusted)
            for service in self.services
        ]
        if idle := sorted(trusted - {service.host for service in services}):
            raise InvalidSetting(
                f"--trusted-services: no service is at {idle[0]}.",
                "Write the host as it stands in the service's address, with its port.",
            )
        if fault := find_fault(services):
            raise InvalidSetting(f"Services: {fault}.")
        return Services(services)


@dataclass(frozen=True)
class Setting:
    """One row of the table of settings.

    ``kind`` is one of text, path, flag, count (a whole number), bytes, duration (seconds), list
    and services; ``least`` and ``most`` bound numbers; ``pattern`` is what a text, or every entry
    of a list, matches, and ``what`` is what that is. A duration is more than nothing, unless
    ``may_be_nothing``.
    """

    name: str
    default: Any
    help: str
    kind: str = "text"
    choices: tuple[str, ...] = ()
    least: float = 0
    most: float = math.inf
    pattern: re.Pattern[str] | None = None
    what: str = "a host, such as example.org"
    may_be_nothing: bool = False

    @property
    def option(self) -> str:
        """Return the option of the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Return the environment variable."""
        return "PENINSULA_" + self.name.upper()

    @property
    def shown_default(self) -> str:
        """Return the default as somebody would type it; empty where there is none."""
        match self.kind:
            case _ if self.default is None:
                shown = ""
            case "flag":
                shown = "true" if self.default else "false"
            case "list":
                shown = ",".join(self.default)
            case "services":
                shown = ",".join(f"{service.name}={service.address}" for service in self.default)
            case "duration":
                shown = f"{self.default:g}s"
            case "bytes" if self.default:
                units = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))
                unit, size = next(((u, s) for u, s in units if self.default % s == 0), ("", 1))
                shown = f"{self.default // size}{unit}"
            case _:
                shown = str(self.default)
        return shown

    def read(self, text: str) -> Any:
        """Return the value that ``text`` stands for; raises ValueError where it is none."""
        text = text.strip()
        if self.choices and text not in self.choices:
            raise ValueError(f"must be one of {', '.join(self.choices)}")
        match self.kind:
            case "path":
                return _read_path(text)
            case "flag":
                return _read_flag(text)
            case "list":
                return self._check_entries(tuple(e.strip() for e in text.split(",") if e.strip()))
            case "count" | "bytes" | "duration":
                return self._check_number(_NUMBERS[self.kind](text))
            case "services":
                return _read_services(text)
        if self.pattern and text:
            self._check_entries((text,))
        return text

    def read_value(self, value: object) -> Any:
        """Return the setting that a value of a TOML file stands for; raises ValueError.

        Texts are read as on the command line; besides, numbers may stand as numbers (bytes,
        seconds), flags as true and false, and lists as arrays of texts.
        """
        if isinstance(value, str):
            return self.read(value)
        if self.kind == "flag" and isinstance(value, bool):
            return value
        if self.kind in {"count", "bytes"} and type(value) is int:
            return self._check_number(value)
        if self.kind == "duration" and type(value) in {int, float}:
            return self._check_number(float(value))  # type: ignore[arg-type]
        if (
            self.kind == "list"
            and isinstance(value, list)
            and all(isinstance(entry, str) for entry in value)
        ):
            return self._check_entries(tuple(entry.strip() for entry in value))
        if self.kind == "services" and (isinstance(value, dict) or value is False):
            return _read_service_tables(value or {})
        wanted = {
            "flag": "true or false",
            "count": "a whole number",
            "bytes": "a size, such as 67108864 or “64MiB”",
            "duration": "a duration, such as 30 or “30s”",
            "list": "a list of texts",
            "services": "tables, such as [services.wikidata], or false",
        }.get(self.kind, "a text")
        raise ValueError(f"must be {wanted}")

    def _check_number(self, number: float) -> float:
        # A time limit of nothing would refuse everything.
        if self.kind == "duration" and not (
            0 < number < math.inf or (number == 0 and self.may_be_nothing)
        ):
            raise ValueError("must be more than nothing, and finite")
        if number < 0:
            raise ValueError("must not be negative")
        if number < self.least:
            raise ValueError(f"must be at least {self.least:g}")
        if number > self.most:
            raise ValueError(f"must be at most {self.most:g}")
        return number

    def _check_entries(self, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            if self.pattern and not self.pattern.fullmatch(entry):
                raise ValueError(f"“{_show(entry)}” is not {self.what}")
        return entries


SETTINGS: Final = tuple(
    Setting(f.name, f.default, f.metadata["help"])
    if not f.metadata
    else Setting(f.name, f.default, **f.metadata)
    for f in dataclasses.fields(Config)
)
_BY_NAME: Final = {setting.name: setting for setting in SETTINGS}

#: What the file may say of a service.
SERVICE_SETTINGS: Final = (
    Setting("address", "", "Where it answers queries of the SPARQL protocol.", "text"),
    Setting(
        "trusted", False, "Whether it may be inside of a network: this machine, a private address.",
        "flag",
    ),
    Setting(
        "timeout", 60.0, "Longest time of a request, with waiting and trying again.", "duration"
    ),
    Setting(
        "max_bytes", 16 * 2**20, "Longest answer, as sent and when decompressed.", "bytes", least=1
    ),
    Setting("max_rows", 200_000, "Most rows, or triples, of an answer.", "count", least=1),
    Setting(
        "cache", 600.0, "For how long an answer is used again; 0: never.", "duration",
        may_be_nothing=True,
    ),
    Setting(
        "stale", 0.0, "For how much longer it is where the service does not answer; 0: never.",
        "duration", may_be_nothing=True,
    ),
    Setting("batch", 100, "Most bindings sent along with one request.", "count", least=1),
    Setting("max_requests", 4, "Most requests at the same time.", "count", least=1, most=100),
    Setting(
        "max_requests_per_query", 200, "Most requests that one query may cause.", "count", least=1
    ),
    Setting(
        "hosts", (), "Hosts to which it may redirect, besides its own.", "list", pattern=_HOST
    ),
)  # fmt: skip
_OF_SERVICE: Final = {setting.name: setting for setting in SERVICE_SETTINGS}
_FIELDS: Final = {"trusted": "is_trusted"}


def _show(text: str) -> str:
    """Return a text as it may stand in one line."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _read_path(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError("must be a path")
    return Path(text)


def _read_flag(text: str) -> bool:
    lowered = text.lower()
    if lowered not in _TRUE | _FALSE:
        raise ValueError("must be true or false")
    return lowered in _TRUE


def _read_quantity(text: str, units: Mapping[str, float], what: str) -> float:
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2].lower() not in units:
        raise ValueError("must not be negative" if text.startswith("-") else f"must be {what}")
    return float(match[1]) * units[match[2].lower()]


def _read_count(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ValueError("must be a whole number")
    return int(text)


def _read_bytes(text: str) -> int:
    return int(_read_quantity(text, _BYTES, "a size in bytes, such as 64MiB or 2GB"))


def _read_duration(text: str) -> float:
    return _read_quantity(text, _SECONDS, "a duration, such as 30s or 2m")


def _read_services(text: str) -> tuple[Service, ...]:
    """Return the services that ``NAME=IRI,…`` names; “none” names none, and so does nothing."""
    services = []
    text = "" if text.lower() == "none" else text
    for entry in filter(None, (entry.strip() for entry in text.split(","))):
        name, equals, address = entry.partition("=")
        if not equals:
            raise ValueError(f"“{entry}” is not NAME=IRI")
        services.append(Service(name.strip(), address.strip()))
    return _check_services(services)


def _read_service_tables(tables: Mapping[str, object]) -> tuple[Service, ...]:
    """Return the services that the tables of a TOML file describe."""
    known = {service.name: service.address for service in DEFAULTS}
    services = []
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ValueError(f"{name} must be a table: [services.{name}]")  # noqa: TRY004
        values: dict[str, Any] = {"address": known.get(name, "")}
        for key, value in table.items():
            setting = _OF_SERVICE.get(key.replace("-", "_"))
            if setting is None:
                raise ValueError(f"{name}: there is no “{key}” ({_suggest_of_service(key)})")
            try:
                values[_FIELDS.get(setting.name, setting.name)] = setting.read_value(value)
            except ValueError as error:
                raise ValueError(f"{name}: {key}: {error}") from None
        services.append(Service(name, **values))
    return _check_services(services)


def _suggest_of_service(key: str) -> str:
    """Return which key may be meant, as the documentation writes it."""
    text = _suggest(key, [name.replace("_", "-") for name in _OF_SERVICE])
    return f"{text[0].lower()}{text[1:]}".rstrip(".")


def _check_services(services: list[Service]) -> tuple[Service, ...]:
    # Whether one is trusted may be said elsewhere.
    trusted = [dataclasses.replace(service, is_trusted=True) for service in services]
    if fault := find_fault(trusted):
        raise ValueError(fault)
    return tuple(services)


_NUMBERS: Final = {"count": _read_count, "bytes": _read_bytes, "duration": _read_duration}


def add_options(
    parser: argparse._ActionsContainer,
    names: Collection[str] | None = None,
) -> None:
    """Add the options of the named settings, or of all, to ``parser``.

    An option that is not given leaves no attribute behind, so that ``read_settings(vars(options))``
    can look for it elsewhere. A flag has a second option, ``--no-…``.
    """
    for setting in SETTINGS:
        if names is not None and setting.name not in names:
            continue
        shown = f" (default: {setting.shown_default})" if setting.shown_default else ""
        common: dict[str, Any] = {
            "dest": setting.name,
            "default": argparse.SUPPRESS,
            "help": (setting.help.rstrip(".") + shown).replace("%", "%%"),
        }
        if setting.kind == "services":
            parser.add_argument(
                f"--no-{setting.name}",
                action="store_const",
                const=(),
                dest=setting.name,
                default=argparse.SUPPRESS,
                help="Ask no services of others.",
            )
        if setting.kind == "flag":
            parser.add_argument(setting.option, action=argparse.BooleanOptionalAction, **common)
        else:
            metavar = "|".join(setting.choices) or setting.kind.upper()
            parser.add_argument(
                setting.option, type=_argument_reader(setting), metavar=metavar, **common
            )


def _argument_reader(setting: Setting) -> Any:
    def read(text: str) -> Any:
        try:
            return setting.read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def read_environment(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the settings that the environment gives; raises ValueError naming a wrong one."""
    values = {}
    for setting in SETTINGS:
        if text := environ.get(setting.variable):
            try:
                values[setting.name] = setting.read(text)
            except ValueError as error:
                raise ValueError(f"{setting.variable}={_show(text)}: {error}") from None
    return values


def read_file(path: Path) -> dict[str, Any]:
    """Return the settings that a TOML file gives; raises InvalidSetting.

    Keys are the settings' names, with ``-`` or ``_``. A relative path is relative to the file.
    """
    shown = display_path(path)
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise InvalidSetting(
            f"{shown}: it cannot be read ({error.strerror}).", "Mend --config or PENINSULA_CONFIG."
        ) from None
    except UnicodeDecodeError:
        raise InvalidSetting(f"{shown}: it is not UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidSetting(f"{shown}: it is not TOML: {error}.") from None
    values: dict[str, Any] = {}
    for key, value in content.items():
        setting = _BY_NAME.get(key.replace("-", "_"))
        if setting is None or setting.name == "config":
            raise InvalidSetting(f"{shown}: there is no setting “{key}”.", _suggest(key))
        if setting.name in values:
            raise InvalidSetting(f"{shown}: “{setting.name}” stands there twice.", "Keep one.")
        try:
            read = setting.read_value(value)
        except ValueError as error:
            raise InvalidSetting(f"{shown}: {key}: {error}.") from None
        values[setting.name] = path.parent / read if setting.kind == "path" else read
    return values


def _suggest(key: str, known: Collection[str] = tuple(_BY_NAME)) -> str:
    names = [name for name in known if name != "config"]
    joined = key.replace("-", "_").lower()
    near = difflib.get_close_matches(joined, names, n=1) or difflib.get_close_matches(
        joined.replace("_", "-"), names, n=1
    )
    return f"Did you mean “{near[0]}”?" if near else f"There are: {', '.join(names)}."


def read_settings(
    given: Mapping[str, Any], environ: Mapping[str, str] = os.environ, cwd: Path | None = None
) -> Config:
    """Return the configuration; raises InvalidSetting, in one readable line.

    ``given`` holds what the command line says, read already; other keys in it, and settings
    that are None, are passed over. ``cwd`` is the folder in which ``peninsula.toml`` is looked
    for; default: the working folder.
    """
    try:
        from_environment = read_environment(environ)
    except ValueError as error:
        raise InvalidSetting(f"{error}.") from None
    typed = {n: given[n] for n in _BY_NAME if given.get(n) is not None}
    path = typed.get("config") or from_environment.get("config")
    if path is None:
        path = (cwd or Path()) / FILE
        from_file = read_file(path) if path.is_file() else {}
    else:
        from_file = read_file(path)
    if from_file:
        from_file["config"] = path
    config = Config(**{**from_file, **from_environment, **typed})
    config.allowed_services()  # bad ones are to be known before anything is done
    return config


def service_settings_table() -> str:
    """Return the table of what the file may say of a service, in Markdown."""
    rows = ["| Key | Default | |", "| --- | --- | --- |"]
    for setting in SERVICE_SETTINGS:
        default = f"`{setting.shown_default}`" if setting.shown_default else ""
        rows.append(f"| `{setting.name.replace('_', '-')}` | {default} | {setting.help} |")
    return "\n".join(rows)


def settings_table() -> str:
    """Return the table of settings in Markdown, as it stands in the README."""
    rows = ["| Option | Default | |", "| --- | --- | --- |"]
    for setting in SETTINGS:
        default = f"`{setting.shown_default}`" if setting.shown_default else ""
        rows.append(f"| `{setting.option}` | {default} | {setting.help} |")
    return "\n".join(rows)
