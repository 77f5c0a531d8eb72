"""Which statements does a row make, and from which of its cells does each come?

The minimal mode of “Generating RDF from Tabular Data on the Web”
(https://www.w3.org/TR/csv2rdf/): a statement for each value of each cell, about the thing that the
column is about; virtual columns add what no cell says. Generating twice gives the same, so that
the cell behind a statement is found by generating again, and nothing need be kept for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import pyoxigraph as ox

from peninsula.importing.cells import CellError, CellReader, Value, show_cell
from peninsula.importing.head import Head, read_head
from peninsula.importing.keys import Keys
from peninsula.importing.mapping import COLUMN_VARIABLES, Column, Table
from peninsula.importing.report import Place, Problem, Problems, show_value
from peninsula.importing.resolving import Names
from peninsula.importing.rows import Cell, SourceRow, TableFile, Tick
from peninsula.importing.templates import Template
from peninsula.namespaces import PREFIXES, expand

#: What begins so is declared in the ontology, or is one of its shapes.
_PROTECTED: Final = (PREFIXES["pen"], PREFIXES["pensh"])
_STRING: Final = expand("xsd:string")


@dataclass(slots=True)
class RowStatements:
    """What a row says; beside each statement the position of its column in the file, or 0."""

    number: int
    line: int
    #: The thing that the row is about first of all.
    subject: str
    statements: list[tuple[ox.Triple, int]] = field(default_factory=list)


@dataclass(frozen=True)
class _Plan:
    """How a column is worked out."""

    column: Column
    datatype: ox.NamedNode | None
    #: The position in the file of the column from which its statements come.
    position: int
    #: Its property and its value, where they are the same in every row.
    property: ox.NamedNode | None
    value: ox.NamedNode | None
    #: Whether what it makes depends on which column it is.
    is_placed: bool


@dataclass(slots=True)
class _Scope:
    """A row under way, or one value of a list in it: what templates are filled with."""

    row: SourceRow
    cells: Mapping[str, tuple[Value, ...]]
    values: dict[str, str | None]
    problems: Problems
    #: Of what columns speak here, by the source of their templates.
    abouts: dict[str, ox.NamedNode] = field(default_factory=dict)


class Generator:
    """Makes the statements of one file."""

    def __init__(self, table: Table, file: TableFile, names: Names) -> None:
        self.table = table
        self.file = file
        self._readers = {c.name: CellReader(c, names) for c in table.columns}
        self._head = Head()
        self._plans: list[_Plan] = []
        self._nodes: dict[str, ox.NamedNode] = {}
        #: Rows that were read so far, the wrong ones among them.
        self.count = 0

    def generate(self, problems: Problems, tick: Tick = lambda _: None) -> Iterator[RowStatements]:
        """Yield what each row says; what is wrong is told, and such a row says nothing."""
        rows = self.file.rows(problems, tick)
        head = read_head(self.table, self.file, rows, problems)
        if head is None:
            return
        self._arrange(head)
        keys = Keys(self.table.primary_key)
        self.count = 0
        for row in rows:
            self.count += 1
            made = self._generate_row(row, keys, problems)
            if made is not None:
                yield made
        if not self.count and not problems:
            problems.add(Problem(self.file.place(), "the table has a head and no rows"))

    # Columns.

    def _arrange(self, head: Head) -> None:
        self._head = head
        self._plans = [
            self._plan(column)
            for column in self.table.columns
            if not column.is_suppressed and (column.is_virtual or column.name in head.positions)
        ]
        self._variables = _used_variables(self.table)

    def _plan(self, column: Column) -> _Plan:
        templates = [t for t in (column.about, column.predicate, column.value, column.text) if t]
        return _Plan(
            column,
            _datatype_of(column),
            self._position_of(column),
            self._constant(column.predicate),
            self._constant(column.value),
            any(name in COLUMN_VARIABLES for t in templates for name in t.variables),
        )

    def _constant(self, template: Template | None) -> ox.NamedNode | None:
        """Return the one node that a template makes; None where rows differ, or it makes none."""
        if template is None or template.variables:
            return None
        try:
            return self._node(template.expand({}) or "")
        except ValueError:
            return None

    def _position_of(self, column: Column) -> int:
        """Return where in the file the values of a column come from, 0 where from nowhere."""
        if not column.is_virtual:
            return self._head.positions[column.name]
        sources = [t for t in (column.value, column.text) if t]
        for template in sources:
            for variable in template.variables:
                if position := self._head.positions.get(variable.partition(".")[0]):
                    return position
        return self._head.positions.get(column.each, 0)

    # A row.

    def _generate_row(self, row: SourceRow, keys: Keys, problems: Problems) -> RowStatements | None:
        before = problems.count
        if len(row.cells) != len(self._head.columns):
            problems.add(self._problem(row, 0, self._explain_width(len(row.cells))))
            return None
        cells: dict[str, tuple[Value, ...]] = {}
        trimmed = map(self._trim, row.cells)
        for position, (column, text) in enumerate(zip(self._head.columns, trimmed, strict=True), 1):
            try:
                cells[column.name] = self._readers[column.name].read(text)
            except CellError as error:
                shown = show_cell(text)
                problems.add(self._problem(row, position, str(error), error.near, shown))
        if problems.count > before:
            return None
        if fault := keys.find_fault(row, cells):
            position = self._head.positions.get(self.table.primary_key[0], 0)
            problems.add(self._problem(row, position, fault))
        values = self._variables_of(row, cells, problems)
        made = RowStatements(row.number, row.line, "")
        if problems.count == before:
            self._state(_Scope(row, cells, values, problems), made)
        return made if problems.count == before else None

    def _trim(self, text: Cell) -> Cell:
        if not isinstance(text, str):
            return text
        match self.table.dialect.trims:
            case "true":
                return text.strip()
            case "start":
                return text.lstrip()
            case "end":
                return text.rstrip()
        return text

    def _explain_width(self, count: int) -> str:
        wanted = len(self._head.columns)
        cells = "1 cell" if count == 1 else f"{count} cells"
        hint = (
            f"is a {show_value(self.table.dialect.delimiter)} in a value not in quotes?"
            if count > wanted
            else "are some missing at its end, or is the delimiter another?"
        )
        return f"the row has {cells}, and the head {wanted}; {hint}"

    def _variables_of(
        self, row: SourceRow, cells: Mapping[str, tuple[Value, ...]], problems: Problems
    ) -> dict[str, str | None]:
        """Return the values for the templates; those of lists are put in one by one, later."""
        values: dict[str, str | None] = {
            "_row": str(row.number - self._first),
            "_sourceRow": str(row.number),
        }
        for variable, name, part in self._variables:
            found = cells.get(name, ())
            if not found:
                values[variable] = None
            elif not self.table.find(name).separator:
                values[variable] = self._part(row, name, part, found[0], problems)
        return values

    @property
    def _first(self) -> int:
        return self.table.dialect.skipped_rows + self.table.dialect.has_header

    def _part(
        self, row: SourceRow, name: str, part: str, value: Value, problems: Problems
    ) -> str | None:
        if not part:
            return value.text
        try:
            return self._readers[name].part(value, part)
        except CellError as error:
            problems.add(self._problem(row, self._head.positions[name], str(error), (), value.text))
            return None

    def _state(self, scope: _Scope, made: RowStatements) -> None:
        seen: set[ox.Triple] = set()
        cells = scope.cells
        for plan in self._plans:
            column = plan.column
            if column.when and any(not cells.get(name) for name in column.when):
                continue
            if column.each:
                for value in cells.get(column.each, ()):
                    each = dict(scope.values)
                    for variable, name, part in self._variables:
                        if name == column.each:
                            each[variable] = self._part(
                                scope.row, name, part, value, scope.problems
                            )
                    one = _Scope(scope.row, cells, each, scope.problems)
                    self._state_column(one, plan, made, seen)
            else:
                self._state_column(scope, plan, made, seen)

    def _state_column(
        self, scope: _Scope, plan: _Plan, made: RowStatements, seen: set[ox.Triple]
    ) -> None:
        column = plan.column
        if plan.is_placed:
            values = scope.values | {
                "_name": column.name,
                "_column": str(column.number),
                "_sourceColumn": str(plan.position),
            }
            scope = _Scope(scope.row, scope.cells, values, scope.problems)
        objects = list(self._objects(scope, plan))
        if not objects:
            return
        about = self._about(scope, plan)
        property = plan.property
        if property is None:
            assert column.predicate
            property = self._expand(scope, plan, column.predicate, scope.values, "a property")
        if about is None or property is None:
            return
        if not made.subject:
            made.subject = about.value
        for value in objects:
            triple = ox.Triple(about, property, value)
            if triple not in seen:
                seen.add(triple)
                made.statements.append((triple, plan.position))

    def _about(self, scope: _Scope, plan: _Plan) -> ox.NamedNode | None:
        """Return the thing of which a column speaks; it must not belong to the ontology."""
        template = plan.column.about
        assert template
        known = scope.abouts.get(template.source)
        if known is not None:
            return known
        about = self._expand(scope, plan, template, scope.values, "a name of the thing")
        if about is None:
            return None
        if about.value.startswith(_PROTECTED):
            message = f"{about} belongs to the ontology, which is not imported into"
            scope.problems.add(self._problem(scope.row, plan.position, message))
            return None
        scope.abouts[template.source] = about
        return about

    def _objects(self, scope: _Scope, plan: _Plan) -> Iterator[ox.NamedNode | ox.Literal]:
        """Yield the values that a column gives in this row."""
        column = plan.column
        if column.is_virtual:
            if plan.value is not None:
                yield plan.value
            elif column.value:
                yield from self._value_of(scope, plan, column.value, scope.values)
            else:
                text = column.text.expand(scope.values) if column.text else column.described.default
                if text:
                    yield self._literal(scope, plan, text)
            return
        for value in scope.cells.get(column.name, ()):
            if plan.value is not None:
                yield plan.value
            elif column.value:
                own = scope.values
                if column.separator:
                    own = own | {
                        variable: self._part(scope.row, name, part, value, scope.problems)
                        for variable, name, part in self._variables
                        if name == column.name
                    }
                yield from self._value_of(scope, plan, column.value, own)
            elif value.iri:
                yield self._node(value.iri)
            else:
                yield self._literal(scope, plan, value.text, is_read=True)

    def _value_of(
        self, scope: _Scope, plan: _Plan, template: Template, values: dict[str, str | None]
    ) -> Iterator[ox.NamedNode]:
        if not template.missing(values):
            node = self._expand(scope, plan, template, values, "a value")
            if node is not None:
                yield node

    def _literal(
        self, scope: _Scope, plan: _Plan, text: str, *, is_read: bool = False
    ) -> ox.Literal:
        if not is_read and plan.column.described.datatype:
            try:
                text = self._readers[plan.column.name].read(text)[0].text
            except CellError as error:
                message = f"{plan.column.shown}: {error}"
                scope.problems.add(self._problem(scope.row, plan.position, message))
        if plan.column.language:
            return ox.Literal(text, language=plan.column.language)
        return ox.Literal(text, datatype=plan.datatype) if plan.datatype else ox.Literal(text)

    def _expand(
        self,
        scope: _Scope,
        plan: _Plan,
        template: Template,
        values: Mapping[str, str | None],
        what: str,
    ) -> ox.NamedNode | None:
        try:
            iri = template.expand(values)
        except ValueError as error:
            iri = f"{error}"
        if iri is None:
            missing = template.missing(values)
            position = self._head.positions.get(missing.partition(".")[0], plan.position)
            message = (
                f"{what} is made of {{{missing}}}, which is empty here ({template.source}); where "
                "it may be empty, let the mapping say so with “import:when”"
            )
            scope.problems.add(self._problem(scope.row, position, message))
            return None
        try:
            return self._node(iri)
        except ValueError as error:
            message = f"{show_value(iri)} is no IRI ({template.source}): {error}"
            scope.problems.add(self._problem(scope.row, plan.position, message))
            return None

    def _node(self, iri: str) -> ox.NamedNode:
        node = self._nodes.get(iri)
        if node is None:
            if ":" not in iri:
                raise ValueError("it has no scheme")
            node = ox.NamedNode(iri)
            if len(self._nodes) < 10_000:
                self._nodes[iri] = node
        return node

    def _problem(
        self,
        row: SourceRow,
        position: int,
        message: str,
        near: tuple[str, ...] = (),
        value: str = "",
    ) -> Problem:
        place = self.file.place(row.number, self._head.title(position), row.line, position)
        return Problem(place, message, value=value[:1000], near=near)

    def place(self, made: RowStatements, position: int) -> Place:
        """Return where a statement comes from."""
        return self.file.place(made.number, self._head.title(position), made.line, position)


def _datatype_of(column: Column) -> ox.NamedNode | None:
    if not column.datatype or column.datatype == _STRING:
        return None
    return ox.NamedNode(column.datatype)


def _used_variables(table: Table) -> list[tuple[str, str, str]]:
    """Return the variables that templates use, with the column and the part that each means."""
    names = {column.name for column in table.real}
    used = dict.fromkeys(
        variable
        for column in table.columns
        for template in (column.about, column.predicate, column.value, column.text)
        if template
        for variable in template.variables
    )
    found = []
    for variable in used:
        name, _, part = variable.partition(".")
        if name in names:
            found.append((variable, name, part))
    return found
