"""Which mapping is in a file?

A mapping is CSVW metadata (https://www.w3.org/TR/tabular-metadata/) in JSON: a table or a group of
them. Nothing that it names is ever fetched or opened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from peninsula.errors import InvalidMapping, ParameterError, place
from peninsula.importing.described import ColumnReader
from peninsula.importing.dialects import Dialect, check_encoding
from peninsula.importing.mapping import ForeignKey, Table, TableMapping
from peninsula.importing.templates import TemplateError, resolve
from peninsula.importing.vocabulary import Spot, inherited, names_of, suggest
from peninsula.namespaces import BASE

CONTEXT: Final = "http://www.w3.org/ns/csvw"
#: What is to be done with a thing that is there already.
EXISTING: Final = ("refuse", "add", "replace")

_LARGEST: Final = 1 << 20


def read_mapping(path: Path) -> TableMapping:
    """Return the mapping in a file; raises InvalidMapping with line and column, or the place."""
    content = _read_bytes(path)
    document = _parse(path, content)
    spot = Spot(path, BASE)
    try:
        mapping = _Reader(spot).read(document)
    except (TemplateError, ParameterError) as error:
        raise spot.wrong(str(error)) from None
    return replace(mapping, sha256=hashlib.sha256(content).hexdigest())


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise InvalidMapping(
            f"{place(path)}: it cannot be read ({error.strerror}).",
            "Mend the path, or begin with one of “peninsula import --example votes”.",
        ) from None
    if len(content) > _LARGEST:
        raise InvalidMapping(f"{place(path)}: a mapping is no longer than {_LARGEST >> 20} MiB.")
    return content


def _parse(path: Path, content: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                raise InvalidMapping(f"{place(path)}: “{name}” stands twice in one object.")
        return dict(pairs)

    try:
        document = json.loads(content.decode("utf-8-sig"), object_pairs_hook=unique)
    except UnicodeDecodeError as error:
        raise InvalidMapping(f"{place(path)}: it is not UTF-8 (byte {error.start + 1}).") from None
    except json.JSONDecodeError as error:
        raise InvalidMapping(
            f"{place(path, error.lineno)}: column {error.colno}: this is no JSON: {error.msg}.",
            "A mapping is CSVW metadata; “peninsula import --example votes” shows one.",
        ) from None
    except RecursionError:
        raise InvalidMapping(f"{place(path)}: it is nested too deep.") from None
    if not isinstance(document, dict):
        raise InvalidMapping(
            f"{place(path)}: a mapping is a JSON object.",
            "“peninsula import --example votes” shows one.",
        )
    return document


class _Reader:
    """Reads one mapping."""

    def __init__(self, spot: Spot) -> None:
        self._spot = spot

    def read(self, document: dict[str, Any]) -> TableMapping:
        language = self._read_context(document.pop("@context", None))
        if language:
            document.setdefault("lang", language)
        is_group = "tables" in document
        self._spot.check_names(document, "group" if is_group else "table")
        tables = document.get("tables", [document])
        if not isinstance(tables, list) or not tables:
            raise self._spot.wrong("“tables” is a list of one table or more")
        above = inherited(document) if is_group else {}
        self._refuse_references(document)
        graph = self._read_graph(document)
        read = []
        for number, table in enumerate(tables, start=1):
            if is_group:
                self._spot.where = [f"tables[{number}]"]
                if not isinstance(table, dict):
                    raise self._spot.wrong("a table is an object")
                self._spot.check_names(table, "table")
                self._refuse_references(table)
                graph = self._read_graph(table) or graph
                table.setdefault("dialect", document.get("dialect", {}))
                if "tableSchema" in document:
                    table.setdefault("tableSchema", document["tableSchema"])
            read.append(self._read_table(table, above))
        self._spot.where = []
        urls = [table.url for table in read]
        for url in urls:
            if urls.count(url) > 1:
                raise self._spot.wrong(f"two tables have the url “{url}”")
        self._check_foreign_keys(read)
        return TableMapping(self._spot.path, "", tuple(read), graph, self._spot.base)

    def _read_context(self, context: object) -> str:
        """Take the base of the context; return its language."""
        parts = context if isinstance(context, list) else [context]
        if parts[:1] != [CONTEXT]:
            raise self._spot.wrong(
                f"@context must be “{CONTEXT}”",
                "It may be followed by an object with @base and @language; no other context is "
                "fetched.",
            )
        local = parts[1] if len(parts) == 2 else {}
        if len(parts) > 2 or not isinstance(local, dict) or set(local) - {"@base", "@language"}:
            raise self._spot.wrong(
                "@context takes, besides its address, one object with @base and @language",
                "No other context is fetched: write prefixes of ours, or IRIs in full.",
            )
        if "@base" in local:
            base = resolve(str(local["@base"]), BASE)
            if not base.startswith(("http://", "https://")):
                raise self._spot.wrong(f"@base: “{base}” is no http or https address")
            self._spot.base = base
        return str(local.get("@language", ""))

    def _refuse_references(self, table: Mapping[str, Any]) -> None:
        for name in ("tableSchema", "dialect"):
            if not isinstance(table.get(name, {}), dict):
                raise self._spot.wrong(
                    f"{name} is an object; a reference to another file is not followed",
                    "Write it out in the mapping.",
                )
        if table.get("transformations"):
            raise self._spot.wrong("transformations are not run", "Leave them out.")

    def _read_graph(self, holder: Mapping[str, Any]) -> str:
        name = holder.get("import:graph")
        if name is None:
            return ""
        if not isinstance(name, str):
            raise self._spot.wrong("import:graph is the name of a graph, such as graph:record")
        return resolve(name, BASE)

    def _read_table(self, table: dict[str, Any], above: Mapping[str, Any]) -> Table:
        url = table.get("url")
        if not isinstance(url, str) or not url:
            raise self._spot.wrong("a table has a “url”, the name of its file")
        above = {**above, **inherited(table)}
        where = list(self._spot.where)
        schema = table.get("tableSchema", {})
        self._spot.where = [*where, "tableSchema"]
        self._spot.check_names(schema, "schema")
        above = {**above, **inherited(schema)}
        descriptions = schema.get("columns")
        if not isinstance(descriptions, list) or not descriptions:
            raise self._spot.wrong("“columns” lists the columns of the table")
        columns = ColumnReader(self._spot).read(descriptions, above)
        self._spot.where = [*where, "tableSchema"]
        primary = names_of(schema.get("primaryKey", []))
        names = [column.name for column in columns if not column.is_virtual]
        self._spot.check_references(primary, names, "primaryKey")
        keys = tuple(self._read_foreign_key(key, names) for key in schema.get("foreignKeys", []))
        self._spot.where = where
        existing = table.get("import:existing", "refuse")
        if existing not in EXISTING:
            raise self._spot.wrong(f"import:existing is one of {', '.join(EXISTING)}")
        return Table(
            url,
            self._read_dialect(table.get("dialect", {})),
            tuple(columns),
            primary,
            keys,
            existing,
            table.get("suppressOutput") is True,
        )

    def _read_foreign_key(self, key: object, names: Sequence[str]) -> ForeignKey:
        reference = key.get("reference") if isinstance(key, dict) else None
        if (
            not isinstance(key, dict)
            or not isinstance(reference, dict)
            or "resource" not in reference
        ):
            raise self._spot.wrong(
                "a foreign key has a columnReference and a reference with a resource"
            )
        columns = names_of(key.get("columnReference", []))
        referenced = names_of(reference.get("columnReference", []))
        self._spot.check_references(columns, names, "foreignKeys")
        if not columns or len(columns) != len(referenced):
            raise self._spot.wrong("foreignKeys: as many columns refer as are referred to")
        return ForeignKey(columns, str(reference["resource"]), referenced)

    def _check_foreign_keys(self, tables: Sequence[Table]) -> None:
        by_url = {table.url: table for table in tables}
        for table in tables:
            for key in table.foreign_keys:
                if key.table not in by_url:
                    raise self._spot.wrong(
                        f"foreignKeys: there is no table “{key.table}”", suggest(key.table, by_url)
                    )
                names = [column.name for column in by_url[key.table].real]
                self._spot.check_references(key.referenced, names, f"foreignKeys to {key.table}")

    def _read_dialect(self, dialect: Mapping[str, Any]) -> Dialect:
        self._spot.where.append("dialect")
        self._spot.check_names(dialect, "dialect")

        def take(name: str, kind: type, default: Any) -> Any:
            value = dialect.get(name, default)
            if value is not None and (
                not isinstance(value, kind) or (kind is int and isinstance(value, bool))
            ):
                raise self._spot.wrong(f"“{name}” is not of its kind")
            return value

        try:
            encoding = take("encoding", str, "utf-8")
            check_encoding(encoding)
        except ValueError as error:
            raise self._spot.wrong(str(error)) from None
        delimiter, quote = take("delimiter", str, ","), take("quoteChar", str, '"')
        if len(delimiter) != 1 or delimiter in "\r\n" or delimiter == quote:
            raise self._spot.wrong("“delimiter” is one character, and not the quote")
        if quote is not None and (len(quote) != 1 or quote in "\r\n"):
            raise self._spot.wrong("“quoteChar” is one character, or null")
        rows = take("headerRowCount", int, 1)
        has_header = take("header", bool, True) if "headerRowCount" not in dialect else rows > 0
        if rows > 1:
            raise self._spot.wrong(
                "a head of several rows is not read", "Leave one, or use skipRows."
            )
        skipped = take("skipRows", int, 0), take("skipColumns", int, 0)
        if min(skipped) < 0:
            raise self._spot.wrong("“skipRows” and “skipColumns” are not negative")
        trims = str(dialect.get("trim", "true")).lower()
        if trims not in {"true", "false", "start", "end"}:
            raise self._spot.wrong("“trim” is one of true, false, start and end")
        self._spot.where.pop()
        return Dialect(
            encoding,
            delimiter,
            quote,
            take("doubleQuote", bool, True),
            has_header,
            *skipped,
            take("commentPrefix", str, None),
            take("skipBlankRows", bool, True),
            take("skipInitialSpace", bool, False),
            trims,
        )
