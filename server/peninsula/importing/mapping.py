"""What does a mapping say about a table: its columns, their values, and the statements they make?

A mapping is CSVW metadata (https://www.w3.org/TR/tabular-metadata/) in a JSON file. The library
``csvw`` reads it and knows the datatypes; how rows become statements follows the recommendation
“Generating RDF from Tabular Data on the Web” in its minimal mode. What CSVW has no word for is
annotated in our namespace, ``import:``, and listed in :data:`EXTENSIONS`. Nothing that a mapping
names is ever fetched or opened.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import csvw

from peninsula.errors import InvalidMapping, ParameterError, place
from peninsula.importing.reading import Dialect, check_encoding
from peninsula.importing.templates import (
    Template,
    TemplateError,
    read_text_template,
    read_uri_template,
    resolve,
)
from peninsula.namespaces import BASE, CONCEPT_SCHEMES, PREFIXES, expand

CONTEXT: Final = "http://www.w3.org/ns/csvw"
NAMESPACE: Final = f"{BASE}import#"
EDTF: Final = expand("edtf:EDTF")
_LARGEST: Final = 1 << 20

#: Annotations of ours, and what each may stand on.
EXTENSIONS: Final = {
    "import:graph": ("group", "table"),
    "import:existing": ("table",),
    "import:resolve": ("column",),
    "import:text": ("column",),
    "import:when": ("column",),
    "import:each": ("column",),
}
#: What is to be done with a thing that is there already.
EXISTING: Final = ("refuse", "add", "replace")

_INHERITED: Final = (
    "aboutUrl", "datatype", "default", "lang", "null", "ordered", "propertyUrl", "required",
    "separator", "textDirection", "valueUrl",
)  # fmt: skip
_KNOWN: Final = {
    "group": ("tables", "dialect", "notes", "tableDirection", "tableSchema", "transformations",
              *_INHERITED),
    "table": ("url", "dialect", "notes", "suppressOutput", "tableDirection", "tableSchema",
              "transformations", *_INHERITED),
    "schema": ("columns", "foreignKeys", "primaryKey", "rowTitles", *_INHERITED),
    "column": ("name", "suppressOutput", "titles", "virtual", *_INHERITED),
    "dialect": ("commentPrefix", "delimiter", "doubleQuote", "encoding", "header",
                "headerRowCount", "lineTerminators", "quoteChar", "skipBlankRows", "skipColumns",
                "skipInitialSpace", "skipRows", "trim"),
    "datatype": ("base", "format", "length", "minLength", "maxLength", "minimum", "maximum",
                 "minInclusive", "maxInclusive", "minExclusive", "maxExclusive"),
    "resolve": ("class", "scheme", "by"),
}  # fmt: skip
#: Datatypes whose name in RDF is another than in CSVW.
_RENAMED: Final = {
    "any": "xsd:anyAtomicType", "binary": "xsd:base64Binary", "datetime": "xsd:dateTime",
    "number": "xsd:double", "html": "rdf:HTML", "xml": "rdf:XMLLiteral",
    "json": "http://www.w3.org/ns/csvw#JSON",
}  # fmt: skip
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
#: Parts of a value that templates may ask for, by what the column holds.
_PARTS: Final = {
    "resolved": ("iri", "slug", "label", "label.en", "label.ko", "label.ru"),
    "dated": ("from", "until", "slug"),
    "plain": ("slug",),
}
_ROW_VARIABLES: Final = ("_row", "_sourceRow")
COLUMN_VARIABLES: Final = ("_name", "_column", "_sourceColumn")


@dataclass(frozen=True)
class Resolve:
    """Among which things a cell names one, and by which properties besides their names."""

    class_iri: str = ""
    scheme: str = ""
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column of the file, or a virtual one, and what statements it makes."""

    name: str
    titles: tuple[str, ...]
    number: int
    described: csvw.Column
    is_virtual: bool = False
    is_suppressed: bool = False
    is_required: bool = False
    #: Values of a cell are parted by it.
    separator: str | None = None
    datatype: str = ""
    language: str = ""
    predicate: Template | None = None
    about: Template | None = None
    value: Template | None = None
    text: Template | None = None
    wanted: Resolve | None = None
    #: Makes statements only where these columns have a value.
    when: tuple[str, ...] = ()
    #: Makes its statements once for each value of this column.
    each: str = ""

    @property
    def shown(self) -> str:
        """Return what the file calls it; of a virtual one without a name, its property."""
        if self.titles:
            return self.titles[0]
        if self.name.startswith("_") and self.predicate:
            return self.predicate.source
        return self.name

    @property
    def is_dated(self) -> bool:
        return self.datatype in {EDTF, expand("xsd:date")}

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the parts of its value that a template may ask for."""
        if self.wanted:
            return _PARTS["resolved"]
        return _PARTS["dated" if self.is_dated else "plain"]


@dataclass(frozen=True)
class ForeignKey:
    """Columns whose values must be those of columns of another table."""

    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table of the mapping."""

    url: str
    dialect: Dialect
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    existing: str = "refuse"
    is_suppressed: bool = False

    def find(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def real(self) -> list[Column]:
        return [column for column in self.columns if not column.is_virtual]


@dataclass(frozen=True)
class TableMapping:
    """A mapping that was read."""

    path: Path
    sha256: str
    tables: tuple[Table, ...]
    graph: str = ""
    base: str = BASE


def read_mapping(path: Path) -> TableMapping:
    """Return the mapping in a file; raises InvalidMapping with line and column, or the place."""
    content = _read_bytes(path)
    document = _parse(path, content)
    reader = _Reader(path)
    try:
        mapping = reader.read(document)
    except (TemplateError, ParameterError) as error:
        raise reader.wrong(str(error)) from None
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
    """Reads one mapping, and says where in it something is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._where: list[str] = []
        self._base = BASE

    def wrong(self, message: str, remedy: str = "") -> InvalidMapping:
        where = ".".join(self._where)
        spot = f"{place(self._path)}: {where}: " if where else f"{place(self._path)}: "
        return InvalidMapping(f"{spot}{message.rstrip('.')}.", remedy)

    def read(self, document: dict[str, Any]) -> TableMapping:
        language = self._read_context(document.pop("@context", None))
        if language:
            document.setdefault("lang", language)
        is_group = "tables" in document
        self._check_names(document, "group" if is_group else "table")
        tables = document.get("tables", [document])
        if not isinstance(tables, list) or not tables:
            raise self.wrong("“tables” is a list of one table or more")
        above = _inherited(document) if is_group else {}
        self._refuse_references(document)
        graph = self._read_graph(document)
        read = []
        for number, table in enumerate(tables, start=1):
            if is_group:
                self._where = [f"tables[{number}]"]
                if not isinstance(table, dict):
                    raise self.wrong("a table is an object")
                self._check_names(table, "table")
                self._refuse_references(table)
                graph = self._read_graph(table) or graph
                table.setdefault("dialect", document.get("dialect", {}))
                if "tableSchema" in document:
                    table.setdefault("tableSchema", document["tableSchema"])
            read.append(self._read_table(table, above))
        self._where = []
        urls = [table.url for table in read]
        for url in urls:
            if urls.count(url) > 1:
                raise self.wrong(f"two tables have the url “{url}”")
        self._check_foreign_keys(read)
        return TableMapping(self._path, "", tuple(read), graph, self._base)

    def _read_context(self, context: object) -> str:
        """Take the base of the context; return its language."""
        parts = context if isinstance(context, list) else [context]
        if parts[:1] != [CONTEXT]:
            raise self.wrong(
                f"@context must be “{CONTEXT}”",
                "It may be followed by an object with @base and @language; no other context is "
                "fetched.",
            )
        local = parts[1] if len(parts) == 2 else {}
        if len(parts) > 2 or not isinstance(local, dict) or set(local) - {"@base", "@language"}:
            raise self.wrong(
                "@context takes, besides its address, one object with @base and @language",
                "No other context is fetched: write prefixes of ours, or IRIs in full.",
            )
        if "@base" in local:
            base = resolve(str(local["@base"]), BASE)
            if not base.startswith(("http://", "https://")):
                raise self.wrong(f"@base: “{base}” is no http or https address")
            self._base = base
        return str(local.get("@language", ""))

    def _refuse_references(self, table: Mapping[str, Any]) -> None:
        for name in ("tableSchema", "dialect"):
            if not isinstance(table.get(name, {}), dict):
                raise self.wrong(
                    f"{name} is an object; a reference to another file is not followed",
                    "Write it out in the mapping.",
                )
        if table.get("transformations"):
            raise self.wrong("transformations are not run", "Leave them out.")

    def _read_graph(self, holder: Mapping[str, Any]) -> str:
        name = holder.get("import:graph")
        if name is None:
            return ""
        if not isinstance(name, str):
            raise self.wrong("import:graph is the name of a graph, such as graph:record")
        return resolve(name, BASE)

    def _check_names(self, holder: Mapping[str, Any], kind: str) -> None:
        """Raise where a property has no meaning there."""
        for name in holder:
            if name.startswith("@"):
                continue
            if name.startswith("import:"):
                if name not in EXTENSIONS:
                    raise self.wrong(f"there is no “{name}”", _suggest(name, EXTENSIONS))
                if kind not in EXTENSIONS[name]:
                    on = " or ".join(f"a {place}" for place in EXTENSIONS[name])
                    raise self.wrong(f"“{name}” stands on {on}, not on a {kind}")
            elif ":" not in name and name not in _KNOWN[kind]:
                others = (*_KNOWN[kind], *(n for n, on in EXTENSIONS.items() if kind in on))
                raise self.wrong(f"a {kind} has no “{name}”", _suggest(name, others))

    def _read_table(self, table: dict[str, Any], above: Mapping[str, Any]) -> Table:
        url = table.get("url")
        if not isinstance(url, str) or not url:
            raise self.wrong("a table has a “url”, the name of its file")
        above = {**above, **_inherited(table)}
        where = list(self._where)
        schema = table.get("tableSchema", {})
        self._where = [*where, "tableSchema"]
        self._check_names(schema, "schema")
        above = {**above, **_inherited(schema)}
        descriptions = schema.get("columns")
        if not isinstance(descriptions, list) or not descriptions:
            raise self.wrong("“columns” lists the columns of the table")
        columns = self._read_columns(descriptions, above)
        self._where = [*where, "tableSchema"]
        primary = _names(schema.get("primaryKey", []))
        names = [column.name for column in columns if not column.is_virtual]
        self._check_references(primary, names, "primaryKey")
        keys = tuple(self._read_foreign_key(key, names) for key in schema.get("foreignKeys", []))
        self._where = where
        existing = table.get("import:existing", "refuse")
        if existing not in EXISTING:
            raise self.wrong(f"import:existing is one of {', '.join(EXISTING)}")
        return Table(
            url,
            self._read_dialect(table.get("dialect", {})),
            tuple(columns),
            primary,
            keys,
            existing,
            table.get("suppressOutput") is True,
        )

    def _read_columns(self, descriptions: Sequence[Any], above: Mapping[str, Any]) -> list[Column]:
        where = list(self._where)
        columns: list[Column] = []
        for number, description in enumerate(descriptions, start=1):
            self._where = [*where, f"columns[{number}]"]
            if not isinstance(description, dict):
                raise self.wrong("a column is an object")
            if isinstance(description.get("name"), str):
                self._where[-1] = f"columns[{number}] ({description['name']})"
            self._check_names(description, "column")
            column = self._read_column({**above, **description}, number)
            if column.is_virtual is False and columns and columns[-1].is_virtual:
                raise self.wrong("virtual columns stand after the others")
            if any(column.name == other.name for other in columns):
                raise self.wrong(f"there are two columns with the name “{column.name}”")
            columns.append(column)
        for number, column in enumerate(columns, start=1):
            self._where = [*where, f"columns[{number}] ({column.name})"]
            self._check_variables(column, columns)
        return columns

    def _read_column(self, described: dict[str, Any], number: int) -> Column:
        titles = _titles(described.get("titles"))
        is_virtual = described.get("virtual") is True
        name = described.get("name")
        if name is None:
            name = (
                f"_col{number}"
                if is_virtual
                else re.sub(r"\W+", "_", titles[0] if titles else "").strip("_")
            )
        if not isinstance(name, str) or not (_NAME.fullmatch(name) or is_virtual):
            raise self.wrong(
                f"“{name}” is no name of a column",
                "A name begins with a letter, and has letters, digits and _; what the file calls "
                "the column stands in “titles”.",
            )
        if described.get("ordered"):
            raise self.wrong(
                "“ordered” makes lists, which have no names",
                "Leave it out: values of one property have no order here.",
            )
        described = self._check_datatype(described)
        column = self._describe(described, name)
        datatype, language = self._datatype_of(described, column)
        about = self._template(described, "aboutUrl")
        is_suppressed = described.get("suppressOutput") is True
        property = self._template(described, "propertyUrl")
        if property is None:
            is_suppressed = True
        if about is None and not is_suppressed:
            raise self.wrong(
                "there is no “aboutUrl”, so that nobody knows of what the column speaks",
                "Give the table one, such as “vote:{resolution}-{state}”: every thing has a name.",
            )
        text = described.get("import:text")
        if text is not None and not isinstance(text, str):
            raise self.wrong("import:text is a text")
        value = self._template(described, "valueUrl")
        if text is not None and (value or not is_virtual):
            raise self.wrong("import:text stands on a virtual column without valueUrl")
        if is_virtual and not is_suppressed and not (text or value or described.get("default")):
            raise self.wrong("a virtual column has a valueUrl, an import:text or a default")
        return Column(
            name,
            titles,
            number,
            column,
            is_virtual,
            is_suppressed,
            described.get("required") is True,
            described.get("separator"),
            datatype,
            language,
            property,
            about,
            value,
            read_text_template(text) if text is not None else None,
            self._read_resolve(described.get("import:resolve")),
            _names(described.get("import:when", [])),
            str(described.get("import:each", "")),
        )

    def _describe(self, described: dict[str, Any], name: str) -> csvw.Column:
        """Return the column as the library sees it; what it warns of is wrong."""
        plain = {key: value for key, value in described.items() if ":" not in key}
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                column = csvw.Column.fromvalue({**plain, "name": name})
            except (ValueError, TypeError, KeyError, AssertionError, AttributeError) as error:
                raise self.wrong(str(error) or type(error).__name__) from None
        for warning in told:
            if "Invalid column name" not in str(warning.message):
                raise self.wrong(str(warning.message))
        return column

    def _check_datatype(self, described: dict[str, Any]) -> dict[str, Any]:
        datatype = described.get("datatype")
        if datatype is None:
            return described
        if isinstance(datatype, str):
            datatype = {"base": datatype}
        if not isinstance(datatype, dict):
            raise self.wrong("a datatype is a name or an object")
        self._check_names(datatype, "datatype")
        base = datatype.get("base", "string")
        if base not in csvw.datatypes.DATATYPES:
            raise self.wrong(
                f"there is no datatype “{base}”", _suggest(str(base), csvw.datatypes.DATATYPES)
            )
        return {**described, "datatype": dict(datatype)}

    def _datatype_of(self, described: Mapping[str, Any], column: csvw.Column) -> tuple[str, str]:
        """Return the datatype of its literals, or their language."""
        given = described.get("datatype") or {}
        base = column.datatype.base if column.datatype else "string"
        if "@id" in given:
            return resolve(str(given["@id"]), self._base), ""
        language = str(described.get("lang", ""))
        if base == "string" and language not in {"", "und"}:
            return "", language
        name = _RENAMED.get(base, f"xsd:{base}")
        return name if name.startswith("http") else expand(name), ""

    def _template(self, described: Mapping[str, Any], name: str) -> Template | None:
        source = described.get(name)
        if source is None:
            return None
        try:
            template = read_uri_template(source, self._base)
        except TemplateError as error:
            raise self.wrong(f"{name}: {error}") from None
        if name == "propertyUrl" and not template.variables:
            iri = template.expand({}) or ""
            if not iri.startswith(("http://", "https://", "urn:")):
                prefix = str(source).partition(":")[0]
                raise self.wrong(
                    f"propertyUrl: the prefix of “{source}” is not known",
                    f"{_suggest(prefix, PREFIXES)} Or write the IRI in full.",
                )
        return template

    def _read_resolve(self, wanted: object) -> Resolve | None:
        if wanted is None:
            return None
        if isinstance(wanted, str):
            wanted = {"class": wanted}
        if not isinstance(wanted, dict):
            raise self.wrong("import:resolve names a class or a scheme")
        self._check_names(wanted, "resolve")
        if ("class" in wanted) == ("scheme" in wanted):
            raise self.wrong(
                "import:resolve names a class or a scheme",
                'Such as {"class": "pen:State"} or {"scheme": "vocabulary:vote-choices"}.',
            )
        scheme = str(wanted.get("scheme", ""))
        if scheme in CONCEPT_SCHEMES:
            scheme = f"vocabulary:{scheme}"
        by = tuple(resolve(name, self._base) for name in _names(wanted.get("by", [])))
        class_iri = str(wanted.get("class", ""))
        return Resolve(
            resolve(class_iri, self._base) if class_iri else "",
            resolve(scheme, self._base) if scheme else "",
            by,
        )

    def _check_variables(self, column: Column, columns: Sequence[Column]) -> None:
        known = {
            variable
            for other in columns
            if not other.is_virtual
            for variable in (other.name, *(f"{other.name}.{part}" for part in other.parts))
        } | {*_ROW_VARIABLES, *COLUMN_VARIABLES}
        templates = {
            "aboutUrl": column.about, "propertyUrl": column.predicate, "valueUrl": column.value,
            "import:text": column.text,
        }  # fmt: skip
        lists = {other.name for other in columns if other.separator}
        for name, template in templates.items():
            for variable in template.variables if template else ():
                if variable not in known:
                    raise self.wrong(
                        f"{name}: there is no column for {{{variable}}}", _suggest(variable, known)
                    )
                of = variable.partition(".")[0]
                is_own = of == column.name and name == "valueUrl"
                if of in lists and of != column.each and not is_own:
                    raise self.wrong(
                        f"{name}: {{{variable}}} has several values in a row",
                        f"“import:each”: “{of}” on a virtual column makes statements for each.",
                    )
        names = [other.name for other in columns if not other.is_virtual]
        self._check_references(column.when, names, "import:when")
        if column.each:
            self._check_references((column.each,), sorted(lists), "import:each")
            if not column.is_virtual:
                raise self.wrong("import:each stands on a virtual column")

    def _check_references(self, names: Sequence[str], known: Sequence[str], what: str) -> None:
        for name in names:
            if name not in known:
                raise self.wrong(f"{what}: there is no column “{name}”", _suggest(name, known))

    def _read_foreign_key(self, key: object, names: Sequence[str]) -> ForeignKey:
        reference = key.get("reference") if isinstance(key, dict) else None
        if (
            not isinstance(key, dict)
            or not isinstance(reference, dict)
            or "resource" not in reference
        ):
            raise self.wrong("a foreign key has a columnReference and a reference with a resource")
        columns = _names(key.get("columnReference", []))
        referenced = _names(reference.get("columnReference", []))
        self._check_references(columns, names, "foreignKeys")
        if not columns or len(columns) != len(referenced):
            raise self.wrong("foreignKeys: as many columns refer as are referred to")
        return ForeignKey(columns, str(reference["resource"]), referenced)

    def _check_foreign_keys(self, tables: Sequence[Table]) -> None:
        by_url = {table.url: table for table in tables}
        for table in tables:
            for key in table.foreign_keys:
                if key.table not in by_url:
                    raise self.wrong(
                        f"foreignKeys: there is no table “{key.table}”", _suggest(key.table, by_url)
                    )
                names = [column.name for column in by_url[key.table].real]
                self._check_references(key.referenced, names, f"foreignKeys to {key.table}")

    def _read_dialect(self, dialect: Mapping[str, Any]) -> Dialect:
        self._where.append("dialect")
        self._check_names(dialect, "dialect")

        def take(name: str, kind: type, default: Any) -> Any:
            value = dialect.get(name, default)
            if value is not None and (
                not isinstance(value, kind) or (kind is int and isinstance(value, bool))
            ):
                raise self.wrong(f"“{name}” is not of its kind")
            return value

        try:
            encoding = take("encoding", str, "utf-8")
            check_encoding(encoding)
        except ValueError as error:
            raise self.wrong(str(error)) from None
        delimiter, quote = take("delimiter", str, ","), take("quoteChar", str, '"')
        if len(delimiter) != 1 or delimiter in "\r\n" or delimiter == quote:
            raise self.wrong("“delimiter” is one character, and not the quote")
        if quote is not None and (len(quote) != 1 or quote in "\r\n"):
            raise self.wrong("“quoteChar” is one character, or null")
        rows = take("headerRowCount", int, 1)
        has_header = take("header", bool, True) if "headerRowCount" not in dialect else rows > 0
        if rows > 1:
            raise self.wrong("a head of several rows is not read", "Leave one, or use skipRows.")
        skipped = take("skipRows", int, 0), take("skipColumns", int, 0)
        if min(skipped) < 0:
            raise self.wrong("“skipRows” and “skipColumns” are not negative")
        trims = str(dialect.get("trim", "true")).lower()
        if trims not in {"true", "false", "start", "end"}:
            raise self.wrong("“trim” is one of true, false, start and end")
        self._where.pop()
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


def _inherited(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {name: holder[name] for name in _INHERITED if name in holder}


def _names(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _titles(value: object) -> tuple[str, ...]:
    """Return the titles in every language, in their order."""

    def each(item: object) -> Iterator[str]:
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            for part in item:
                yield from each(part)
        elif isinstance(item, dict):
            for part in item.values():
                yield from each(part)

    return tuple(each(value))


def _suggest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    if near:
        return f"Did you mean “{near[0]}”?"
    names = sorted(known)
    return f"There are: {', '.join(names[:20])}{' …' if len(names) > 20 else ''}."
