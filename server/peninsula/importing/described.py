"""Which column does a description make: its datatype, its templates, what its cells name?

The library ``csvw`` reads what the recommendation describes; what it would only warn of is wrong
here. How rows become statements follows “Generating RDF from Tabular Data on the Web” in its
minimal mode: a thing has a name, and a list no order.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import csvw

from peninsula.importing.mapping import COLUMN_VARIABLES, ROW_VARIABLES, Column, Resolve
from peninsula.importing.templates import (
    Template,
    TemplateError,
    read_text_template,
    read_uri_template,
    resolve,
)
from peninsula.importing.vocabulary import Spot, names_of, suggest
from peninsula.namespaces import CONCEPT_SCHEMES, PREFIXES, expand

#: Datatypes whose name in RDF is another than in CSVW.
_RENAMED: Final = {
    "any": "xsd:anyAtomicType", "binary": "xsd:base64Binary", "datetime": "xsd:dateTime",
    "number": "xsd:double", "html": "rdf:HTML", "xml": "rdf:XMLLiteral",
    "json": "http://www.w3.org/ns/csvw#JSON",
}  # fmt: skip
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class ColumnReader:
    """Reads the columns of one table."""

    def __init__(self, spot: Spot) -> None:
        self._spot = spot

    def read(self, descriptions: Sequence[Any], above: Mapping[str, Any]) -> list[Column]:
        """Return the columns that are described; ``above`` is what they take over."""
        where = list(self._spot.where)
        columns: list[Column] = []
        for number, description in enumerate(descriptions, start=1):
            self._spot.where = [*where, f"columns[{number}]"]
            if not isinstance(description, dict):
                raise self._spot.wrong("a column is an object")
            if isinstance(description.get("name"), str):
                self._spot.where[-1] = f"columns[{number}] ({description['name']})"
            self._spot.check_names(description, "column")
            column = self._read_column({**above, **description}, number)
            if column.is_virtual is False and columns and columns[-1].is_virtual:
                raise self._spot.wrong("virtual columns stand after the others")
            if any(column.name == other.name for other in columns):
                raise self._spot.wrong(f"there are two columns with the name “{column.name}”")
            columns.append(column)
        for number, column in enumerate(columns, start=1):
            self._spot.where = [*where, f"columns[{number}] ({column.name})"]
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
            raise self._spot.wrong(
                f"“{name}” is no name of a column",
                "A name begins with a letter, and has letters, digits and _; what the file calls "
                "the column stands in “titles”.",
            )
        if described.get("ordered"):
            raise self._spot.wrong(
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
            raise self._spot.wrong(
                "there is no “aboutUrl”, so that nobody knows of what the column speaks",
                "Give the table one, such as “vote:{resolution}-{state}”: every thing has a name.",
            )
        text = described.get("import:text")
        if text is not None and not isinstance(text, str):
            raise self._spot.wrong("import:text is a text")
        value = self._template(described, "valueUrl")
        if text is not None and (value or not is_virtual):
            raise self._spot.wrong("import:text stands on a virtual column without valueUrl")
        if is_virtual and not is_suppressed and not (text or value or described.get("default")):
            raise self._spot.wrong("a virtual column has a valueUrl, an import:text or a default")
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
            names_of(described.get("import:when", [])),
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
                raise self._spot.wrong(str(error) or type(error).__name__) from None
        for warning in told:
            if "Invalid column name" not in str(warning.message):
                raise self._spot.wrong(str(warning.message))
        return column

    def _check_datatype(self, described: dict[str, Any]) -> dict[str, Any]:
        datatype = described.get("datatype")
        if datatype is None:
            return described
        if isinstance(datatype, str):
            datatype = {"base": datatype}
        if not isinstance(datatype, dict):
            raise self._spot.wrong("a datatype is a name or an object")
        self._spot.check_names(datatype, "datatype")
        base = datatype.get("base", "string")
        if base not in csvw.datatypes.DATATYPES:
            raise self._spot.wrong(
                f"there is no datatype “{base}”", suggest(str(base), csvw.datatypes.DATATYPES)
            )
        return {**described, "datatype": dict(datatype)}

    def _datatype_of(self, described: Mapping[str, Any], column: csvw.Column) -> tuple[str, str]:
        """Return the datatype of its literals, or their language."""
        given = described.get("datatype") or {}
        base = column.datatype.base if column.datatype else "string"
        if "@id" in given:
            return resolve(str(given["@id"]), self._spot.base), ""
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
            template = read_uri_template(source, self._spot.base)
        except TemplateError as error:
            raise self._spot.wrong(f"{name}: {error}") from None
        if name == "propertyUrl" and not template.variables:
            iri = template.expand({}) or ""
            if not iri.startswith(("http://", "https://", "urn:")):
                prefix = str(source).partition(":")[0]
                raise self._spot.wrong(
                    f"propertyUrl: the prefix of “{source}” is not known",
                    f"{suggest(prefix, PREFIXES)} Or write the IRI in full.",
                )
        return template

    def _read_resolve(self, wanted: object) -> Resolve | None:
        if wanted is None:
            return None
        if isinstance(wanted, str):
            wanted = {"class": wanted}
        if not isinstance(wanted, dict):
            raise self._spot.wrong("import:resolve names a class or a scheme")
        self._spot.check_names(wanted, "resolve")
        if ("class" in wanted) == ("scheme" in wanted):
            raise self._spot.wrong(
                "import:resolve names a class or a scheme",
                'Such as {"class": "pen:State"} or {"scheme": "vocabulary:vote-choices"}.',
            )
        scheme = str(wanted.get("scheme", ""))
        if scheme in CONCEPT_SCHEMES:
            scheme = f"vocabulary:{scheme}"
        by = tuple(resolve(name, self._spot.base) for name in names_of(wanted.get("by", [])))
        class_iri = str(wanted.get("class", ""))
        return Resolve(
            resolve(class_iri, self._spot.base) if class_iri else "",
            resolve(scheme, self._spot.base) if scheme else "",
            by,
        )

    def _check_variables(self, column: Column, columns: Sequence[Column]) -> None:
        known = {
            variable
            for other in columns
            if not other.is_virtual
            for variable in (other.name, *(f"{other.name}.{part}" for part in other.parts))
        } | {*ROW_VARIABLES, *COLUMN_VARIABLES}
        templates = {
            "aboutUrl": column.about, "propertyUrl": column.predicate, "valueUrl": column.value,
            "import:text": column.text,
        }  # fmt: skip
        lists = {other.name for other in columns if other.separator}
        for name, template in templates.items():
            for variable in template.variables if template else ():
                if variable not in known:
                    raise self._spot.wrong(
                        f"{name}: there is no column for {{{variable}}}", suggest(variable, known)
                    )
                of = variable.partition(".")[0]
                is_own = of == column.name and name == "valueUrl"
                if of in lists and of != column.each and not is_own:
                    raise self._spot.wrong(
                        f"{name}: {{{variable}}} has several values in a row",
                        f"“import:each”: “{of}” on a virtual column makes statements for each.",
                    )
        names = [other.name for other in columns if not other.is_virtual]
        self._spot.check_references(column.when, names, "import:when")
        if column.each:
            self._spot.check_references((column.each,), sorted(lists), "import:each")
            if not column.is_virtual:
                raise self._spot.wrong("import:each stands on a virtual column")


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
