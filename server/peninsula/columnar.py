"""How do the solutions of a query become columns with types, as Arrow and Parquet have them?

A column has a type of its own where every term in it fits exactly: days, instants, whole
numbers, decimals, floating point, truth values. Where they do not, it holds the texts of the
terms, and a companion column beside it says what each one is. Nothing is rounded and nothing is
guessed; what the terms of a column are stands in the metadata of its field.

The rows come as the engine writes them (SPARQL 1.1 TSV), and are read twice: first to see what
is in each column, then to fill it, a few megabytes at a time.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import IO, Any, Final, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from peninsula.formats import ARROW, PARQUET, Format
from peninsula.namespaces import expand

# A reader has a limit on its address space, of which the other allocators reserve gigabytes.
pa.set_memory_pool(pa.system_memory_pool())

#: Bytes of rows that are looked at together, and what is written together.
_BLOCK: Final = 4 << 20
_ROWS: Final = 1 << 17
_BYTES: Final = 32 << 20

_XSD: Final = expand("xsd:")
_STRING: Final = f"{_XSD}string"
_LANG_STRING: Final = expand("rdf:langString")
_BOOLEAN: Final = f"{_XSD}boolean"
_DATE: Final = f"{_XSD}date"
_INSTANT: Final = f"{_XSD}dateTime"
_DECIMAL: Final = f"{_XSD}decimal"
_DOUBLE: Final = f"{_XSD}double"
_FLOAT: Final = f"{_XSD}float"
_INTEGERS: Final = frozenset(
    _XSD + name
    for name in (
        "integer", "long", "int", "short", "byte", "nonNegativeInteger", "nonPositiveInteger",
        "positiveInteger", "negativeInteger", "unsignedLong", "unsignedInt", "unsignedShort",
        "unsignedByte",
    )
)  # fmt: skip
#: What a companion column says of IRIs and blank nodes; a blank node begins with “_:”.
RESOURCE: Final = expand("rdfs:Resource")
#: What is not a literal, as :class:`Profile` counts it.
_IRI: Final = "iri"
_BLANK: Final = "blank"
_TRIPLE: Final = "triple"

_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_FRACTION: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_FLOATING: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?INF|NaN")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6})0*)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f"}

_LEAST_LONG, _MOST_LONG = -(2**63), 2**63 - 1
#: Digits of a decimal128, and up to where every whole number is a floating-point one.
_DIGITS: Final = 38
_EXACT: Final = 2**53


class Term(NamedTuple):
    """An RDF term: what it is (a datatype, where it is a literal), its text, its language."""

    sort: str
    text: str
    language: str = ""


def read_term(text: str) -> Term:  # noqa: PLR0911, one for each way to write a term
    """Return the term that stands in a cell of TSV."""
    first = text[0]
    if first == "<":
        return Term(_TRIPLE, text) if text.startswith("<<") else Term(_IRI, text[1:-1])
    if first == '"':
        # No quotation mark stands in a datatype or a language.
        end = text.rindex('"')
        value = text[1:end]
        if "\\" in value:
            value = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), value)
        rest = text[end + 1 :]
        if not rest:
            return Term(_STRING, value)
        if rest[0] == "@":
            return Term(_LANG_STRING, value, rest[1:])
        return Term(rest[3:-1], value)
    if first == "_":
        return Term(_BLANK, text)
    if text in {"true", "false"}:
        return Term(_BOOLEAN, text)
    if "e" in text or "E" in text:
        return Term(_DOUBLE, text)
    return Term(_DECIMAL if "." in text else f"{_XSD}integer", text)


# What a literal means. Each raises ValueError where a column of its type could not hold it.


def _read_whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    # Of a longer one no column but one of texts can hold anything.
    if len(text) > 2 * _DIGITS:
        raise ValueError(text)
    return int(text)


def _read_decimal(text: str) -> Decimal:
    if not _FRACTION.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def _read_double(text: str) -> float:
    if not _FLOATING.fullmatch(text):
        raise ValueError(text)
    return float(text.replace("INF", "inf"))


def _read_float(text: str) -> float:
    value = _read_double(text)
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        raise ValueError(text) from None


def _read_truth(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(text)
    return text == "true"


def _read_date(text: str) -> dt.date:
    if not _DAY.fullmatch(text):
        raise ValueError(text)  # perhaps it has a time zone, for which a day has no room
    return dt.date.fromisoformat(text)


def _read_instant(text: str) -> dt.datetime:
    match = _MOMENT.fullmatch(text)
    if not match:
        raise ValueError(text)
    moment, fraction, zone = match.groups()
    value = dt.datetime.fromisoformat(moment + (zone or "").replace("Z", "+00:00"))
    value += dt.timedelta(microseconds=int((fraction or "").ljust(6, "0")))
    if not zone:
        return value
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        raise ValueError(text) from None


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    **dict.fromkeys(_INTEGERS, _read_whole),
    _DECIMAL: _read_decimal,
    _DOUBLE: _read_double,
    _FLOAT: _read_float,
    _BOOLEAN: _read_truth,
    _DATE: _read_date,
    _INSTANT: _read_instant,
}


# What is in a column.


@dataclass
class Profile:
    """What the terms of a column are, as far as its type depends on it."""

    #: Datatypes of the literals; iri, blank or triple for what is none.
    sorts: set[str] = field(default_factory=set)
    languages: set[str] = field(default_factory=set)
    #: Whether some literal means nothing that a column of its type could hold.
    is_unfit: bool = False
    #: Bounds of the whole numbers.
    least: int = 0
    most: int = 0
    #: Digits of decimals before and behind the point.
    digits: int = 0
    scale: int = 0
    #: Whether instants have a time zone.
    zones: set[bool] = field(default_factory=set)

    def see(self, cells: Iterable[str]) -> None:
        """Take the terms in ``cells`` into account."""
        for cell in cells:
            self._see(read_term(cell))

    def _see(self, term: Term) -> None:
        sort = term.sort
        self.sorts.add(sort)
        if term.language:
            self.languages.add(term.language)
        read = _READERS.get(sort)
        if read is None:
            return
        try:
            value = read(term.text)
        except ValueError:
            self.is_unfit = True
            return
        if isinstance(value, dt.datetime):
            self.zones.add(value.tzinfo is not None)
        elif isinstance(value, Decimal):
            _, digits, exponent = value.as_tuple()
            scale = max(0, -int(exponent))
            self.scale = max(self.scale, scale)
            self.digits = max(self.digits, len(digits) + int(exponent))
        elif sort in _INTEGERS:
            self.least, self.most = min(self.least, value), max(self.most, value)

    @property
    def whole_digits(self) -> int:
        """Return how many digits the longest whole number has."""
        return len(str(max(self.most, -self.least)))


@dataclass(frozen=True)
class Column:
    """How the terms of one variable become a column, or two or three."""

    name: str
    type: Any
    #: What stands in the column for a term.
    read: Callable[[Term], object]
    metadata: dict[str, str]
    #: Names of the companion columns, where there are any.
    language: str = ""
    datatype: str = ""

    def fields(self) -> list[Any]:
        """Return the fields of the schema."""
        found = [pa.field(self.name, self.type, metadata=self.metadata)]
        for name, what in ((self.datatype, "rdf:datatype"), (self.language, "rdf:language")):
            if name:
                told = {"rdf:of": self.name, "rdf:tells": what}
                found.append(pa.field(name, pa.string(), metadata=told))
        return found

    def fill(self, cells: Any) -> list[Any]:
        """Return the arrays for an array of cells."""
        encoded = cells.dictionary_encode()
        terms = [read_term(cell) for cell in encoded.dictionary.to_pylist()]
        columns = [(self.type, self.read)]
        if self.datatype:
            columns.append((pa.string(), _tell_datatype))
        if self.language:
            columns.append((pa.string(), _tell_language))
        return [
            pa.array([read(term) for term in terms], type).take(encoded.indices)
            for type, read in columns
        ]


def _tell_datatype(term: Term) -> str:
    return RESOURCE if term.sort in {_IRI, _BLANK, _TRIPLE} else term.sort


def _tell_language(term: Term) -> str | None:
    return term.language or None


def _text(term: Term) -> str:
    return term.text


def _value(term: Term) -> object:
    return _READERS[term.sort](term.text)


def choose_columns(names: Sequence[str], profiles: Sequence[Profile]) -> list[Column]:
    """Return how each variable becomes columns; no two of them have the same name."""
    taken = set(names)

    def name_companion(name: str, what: str) -> str:
        candidate = f"{name}_{what}"
        while candidate in taken:
            candidate += "_"
        taken.add(candidate)
        return candidate

    return [
        _choose(name, profile, name_companion)
        for name, profile in zip(names, profiles, strict=True)
    ]


def _choose(name: str, profile: Profile, companion: Callable[[str, str], str]) -> Column:
    sorts = profile.sorts
    literals = sorts - {_IRI, _BLANK, _TRIPLE}
    told = {"rdf:datatype": " ".join(sorted(literals))} if literals else {}
    if not literals:
        kinds = {frozenset(): "unbound", frozenset({_IRI}): "iri", frozenset({_BLANK}): "blank"}
        return Column(
            name, pa.string(), _text, {"rdf:kind": kinds.get(frozenset(sorts), "resource")}
        )
    if literals == sorts and (found := _find_type(profile)):
        return Column(name, *found, {"rdf:kind": "literal", **told})
    is_text = sorts <= {_STRING, _LANG_STRING}
    is_alike = is_text or (len(sorts) == 1 and literals == sorts)
    column = Column(
        name,
        pa.string(),
        _text,
        {"rdf:kind": "literal" if is_alike else "mixed", **told},
        datatype="" if is_alike else companion(name, "datatype"),
    )
    if sorts == {_LANG_STRING} and len(profile.languages) == 1:
        tag = next(iter(profile.languages))
        return replace(column, metadata={**column.metadata, "rdf:language": tag})
    return replace(column, language=companion(name, "lang")) if profile.languages else column


def _find_type(profile: Profile) -> tuple[Any, Callable[[Term], object]] | None:
    """Return the type that holds every literal of a column exactly; None where there is none."""
    sorts = profile.sorts
    if profile.is_unfit:
        return None
    if sorts == {_BOOLEAN}:
        type = pa.bool_()
    elif sorts == {_DATE}:
        type = pa.date32()
    elif sorts == {_INSTANT} and len(profile.zones) == 1:
        type = pa.timestamp("us", tz="UTC" if True in profile.zones else None)
    else:
        return _find_number(profile)
    return type, _value


def _find_number(profile: Profile) -> tuple[Any, Callable[[Term], object]] | None:
    sorts = profile.sorts
    is_whole = sorts <= _INTEGERS
    if is_whole and profile.least >= _LEAST_LONG and profile.most <= _MOST_LONG:
        return pa.int64(), _value
    if sorts <= _INTEGERS | {_DECIMAL}:
        digits = max(profile.digits, profile.whole_digits if sorts & _INTEGERS else 0)
        if digits + profile.scale > _DIGITS:
            return None
        return pa.decimal128(_DIGITS, profile.scale), lambda term: Decimal(term.text)
    if sorts == {_FLOAT}:
        return pa.float32(), _value
    is_exact = -_EXACT <= profile.least <= profile.most <= _EXACT
    if sorts <= _INTEGERS | {_DOUBLE, _FLOAT} and is_exact:
        return pa.float64(), lambda term: float(_READERS[term.sort](term.text))
    return None


# Reading and writing.


class Output(Protocol):
    """Where bytes are written to."""

    def write(self, data: bytes, /) -> int: ...


def write_solutions(rows: IO[bytes], format: Format, output: Output) -> None:
    """Write the solutions in ``rows``, a file of TSV that can be read again, as columns.

    The notes of ``format`` become the metadata of the schema.
    """
    head = rows.readline().decode().rstrip("\n")
    names = [name.removeprefix("?") for name in head.split("\t")] if head else []
    start = rows.tell()
    profiles = [Profile() for _ in names]
    for block in _read_blocks(rows, names):
        for profile, cells in zip(profiles, block.columns, strict=True):
            profile.see(cells.drop_null().unique().to_pylist())
    columns = choose_columns(names, profiles)
    fields = [field for column in columns for field in column.fields()]
    schema = pa.schema(fields, metadata=dict(format.notes))
    rows.seek(start)

    def fill() -> Iterator[Any]:
        for block in _read_blocks(rows, names):
            arrays = [
                array
                for column, cells in zip(columns, block.columns, strict=True)
                for array in column.fill(cells)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    for piece in encode(fill(), schema, format):
        output.write(piece)


def _read_blocks(rows: IO[bytes], names: Sequence[str]) -> Iterator[Any]:
    """Yield the rows that follow, some megabytes at a time; each cell is the text of a term."""
    if not names:
        return
    reading = pa.csv.ParseOptions(
        delimiter="\t", quote_char=False, escape_char=False, ignore_empty_lines=False
    )
    converting = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    while block := rows.read(_BLOCK):
        if not block.endswith(b"\n"):
            block += rows.readline()
        # In one piece: the library would not read a row over the edge of two.
        how = pa.csv.ReadOptions(
            use_threads=False, column_names=list(names), block_size=len(block) + 1
        )
        table = pa.csv.read_csv(
            io.BytesIO(block), read_options=how, parse_options=reading, convert_options=converting
        )
        yield from table.to_batches()


class _Buffer(io.RawIOBase):
    """A file that gives out what was written; it knows its length, as Parquet's index needs."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any, /) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._position += len(piece)
        return len(piece)

    def take(self) -> bytes:
        """Return what has been written since."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def encode(batches: Iterable[Any], schema: Any, format: Format) -> Iterator[bytes]:
    """Yield record batches of ``schema`` in one of the columnar formats, as they come."""
    buffer = _Buffer()
    with pa.PythonFile(buffer, mode="w") as file:
        if format == PARQUET:
            with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                for table in _gather(batches, schema):
                    writer.write_table(table, row_group_size=_ROWS)
                    yield buffer.take()
        else:
            new = pa.ipc.new_file if format == ARROW else pa.ipc.new_stream
            with new(file, schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
                    yield buffer.take()
        # The end is written as the writer is closed.
        yield buffer.take()


def _gather(batches: Iterable[Any], schema: Any) -> Iterator[Any]:
    """Yield tables as large as a row group is to be."""
    waiting: list[Any] = []
    rows = size = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= _ROWS or size >= _BYTES:
            yield pa.Table.from_batches(waiting, schema)
            waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting, schema)
