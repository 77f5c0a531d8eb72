"""Columns hold what the solutions say: exactly, with types where there are any."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peninsula import columnar, serialization
from peninsula.errors import QueryOutOfMemory
from peninsula.formats import ARROW, ARROW_STREAM, COLUMNAR_FORMATS, PARQUET, Format
from peninsula.namespaces import expand

XSD: Final = expand("xsd:")


def write(query: str, format: Format = PARQUET, store: ox.Store | None = None) -> bytes:
    solutions = (store or ox.Store()).query(query)
    assert isinstance(solutions, ox.QuerySolutions)
    output = io.BytesIO()
    serialization.write_solutions(solutions, format, output)
    return output.getvalue()


def read(data: bytes, format: Format = PARQUET) -> Any:
    if format == PARQUET:
        return pq.read_table(io.BytesIO(data))
    if format == ARROW:
        return pa.ipc.open_file(io.BytesIO(data)).read_all()
    return pa.ipc.open_stream(io.BytesIO(data)).read_all()


def table_of(*terms: str, format: Format = PARQUET) -> Any:
    """Return the table of one variable with these values, as SPARQL writes them."""
    values = " ".join(terms)
    query = f"PREFIX xsd: <{XSD}> SELECT ?x WHERE {{ VALUES ?x {{ {values} }} }}"
    return read(write(query, format), format)


def told(table: Any, name: str = "x") -> dict[str, str]:
    metadata = table.schema.field(name).metadata or {}
    return {k.decode(): v.decode() for k, v in metadata.items() if not k.startswith(b"PARQUET")}


@pytest.mark.parametrize("format", COLUMNAR_FORMATS, ids=lambda f: f.name)
@pytest.mark.parametrize(
    ("terms", "type", "values"),
    [
        (("1", "UNDEF", "-9223372036854775808"), pa.int64(), [1, None, -(2**63)]),
        (("1.50", "10"), pa.decimal128(38, 1), [Decimal("1.5"), Decimal(10)]),
        (("1.5e0", "3"), pa.float64(), [1.5, 3.0]),
        (('"0.1"^^xsd:float',), pa.float32(), [pytest.approx(0.1)]),
        (("true", "false"), pa.bool_(), [True, False]),
        (('"2017-12-22"^^xsd:date',), pa.date32(), [dt.date(2017, 12, 22)]),
        (
            ('"2017-12-22T09:00:00.25+09:00"^^xsd:dateTime', '"2017-12-22T00:00:00Z"^^xsd:dateTime'),
            pa.timestamp("us", tz="UTC"),
            [
                dt.datetime(2017, 12, 22, 0, 0, 0, 250_000, tzinfo=dt.UTC),
                dt.datetime(2017, 12, 22, tzinfo=dt.UTC),
            ],
        ),
        (
            ('"2017-12-22T09:00:00"^^xsd:dateTime',),
            pa.timestamp("us"),
            [dt.datetime.fromisoformat("2017-12-22T09:00")],
        ),
        (("<http://example.org/a>",), pa.string(), ["http://example.org/a"]),
        (('"tab\\there\\n\\"quoted\\" \\\\ é 한"',), pa.string(), ['tab\there\n"quoted" \\ é 한']),
        (('""', "UNDEF"), pa.string(), ["", None]),
    ],
)  # fmt: skip
def test_what_fits_has_a_type(
    terms: tuple[str, ...], type: Any, values: list[Any], format: Format
) -> None:
    table = table_of(*terms, format=format)
    assert table.schema.names == ["x"]
    assert table.schema.field("x").type == type
    assert table["x"].to_pylist() == values


@pytest.mark.parametrize(
    "terms",
    [
        ('"2017-12-22Z"^^xsd:date', '"2017-12-22"^^xsd:date'),  # a day has no room for a zone
        ('"-0044-03-15"^^xsd:date',),
        ('"2017-12-22T00:00:00Z"^^xsd:dateTime', '"2017-12-22T00:00:00"^^xsd:dateTime'),
        ('"2017-12-22T00:00:00.1234567Z"^^xsd:dateTime',),  # finer than a microsecond
        (f'"{"9" * 60}"^^xsd:integer',),
        ('"many"^^xsd:integer',),
        ('"2017"^^xsd:gYear',),
        ('"POINT(1 2)"^^<http://www.opengis.net/ont/geosparql#wktLiteral>',),
    ],
)
def test_what_does_not_fit_stays_as_it_is_written(terms: tuple[str, ...]) -> None:
    table = table_of(*terms)
    assert table.schema.names == ["x"]
    assert table.schema.field("x").type == pa.string()
    assert [f'"{text}"' for text in table["x"].to_pylist()] == [t.split("^^")[0] for t in terms]
    assert told(table)["rdf:datatype"]


def test_a_whole_number_beyond_64_bits_is_a_decimal() -> None:
    table = table_of('"9223372036854775808"^^xsd:integer', "1")
    assert table.schema.field("x").type == pa.decimal128(38, 0)
    assert table["x"].to_pylist() == [Decimal(2**63), Decimal(1)]


def test_languages_stand_beside_the_texts_where_they_differ() -> None:
    one = table_of('"a"@en', '"b"@en')
    assert one.schema.names == ["x"]
    assert told(one)["rdf:language"] == "en"
    several = table_of('"a"@en', '"나"@ko', '"c"')
    assert several.to_pydict() == {"x": ["a", "나", "c"], "x_lang": ["en", "ko", None]}
    assert told(several, "x_lang") == {"rdf:of": "x", "rdf:tells": "rdf:language"}


def test_a_mixed_column_says_what_each_value_is() -> None:
    table = table_of("<http://example.org/a>", "1", '"one"@en', "UNDEF", '"2017"^^xsd:gYear')
    assert table.to_pydict() == {
        "x": ["http://example.org/a", "1", "one", None, "2017"],
        "x_datatype": [
            columnar.RESOURCE, f"{XSD}integer", expand("rdf:langString"), None, f"{XSD}gYear",
        ],
        "x_lang": [None, None, "en", None, None],
    }  # fmt: skip
    assert told(table)["rdf:kind"] == "mixed"


def test_a_companion_never_takes_the_name_of_a_variable() -> None:
    query = 'SELECT ?x ?x_lang WHERE { VALUES (?x ?x_lang) { ("a"@en 1) ("b"@ko 2) } }'
    table = read(write(query))
    assert table.schema.names == ["x", "x_lang_", "x_lang"]
    assert table["x_lang"].to_pylist() == [1, 2]


def test_blank_nodes_and_triples() -> None:
    store = ox.Store()
    store.add(ox.Quad(ox.BlankNode("b"), ox.NamedNode("x:p"), ox.Literal("v")))
    table = read(write("SELECT ?s (<<( <x:a> <x:b> <x:c> )>> AS ?t) { ?s ?p ?o }", store=store))
    assert told(table, "s") == {"rdf:kind": "blank"}
    assert table["s"][0].as_py().startswith("_:")
    assert table["t"].to_pylist() == ["<<( <x:a> <x:b> <x:c> )>>"]


@pytest.mark.parametrize("format", COLUMNAR_FORMATS, ids=lambda f: f.name)
def test_no_row_keeps_the_columns(format: Format) -> None:
    table = read(write("SELECT ?b ?a { ?a ?b ?c }", format), format)
    assert (table.schema.names, table.num_rows) == (["b", "a"], 0)
    assert told(table, "a") == {"rdf:kind": "unbound"}


def test_notes_become_metadata() -> None:
    for format in COLUMNAR_FORMATS:
        noted = format.noted({"dcterms:license": "https://example.org/l", "한": "글"})
        assert noted == format
        metadata = read(write("SELECT ?a { ?a ?b ?c }", noted), format).schema.metadata
        assert metadata[b"dcterms:license"] == b"https://example.org/l"
        assert metadata["한".encode()].decode() == "글"


def test_a_long_text_and_many_rows_come_through() -> None:
    # Longer than what is read at once.
    store = ox.Store()
    long = "가\t\n" * 2_000_000
    store.add(ox.Quad(ox.NamedNode("x:s"), ox.NamedNode("x:p"), ox.Literal(long)))
    assert read(write("SELECT ?o { ?s ?p ?o }", store=store))["o"].to_pylist() == [long]
    numbers = " ".join(map(str, range(600)))
    query = f"SELECT ?a ?b {{ VALUES ?a {{ {numbers} }} VALUES ?b {{ {numbers} }} }}"
    data = write(query)
    assert pq.ParquetFile(io.BytesIO(data)).num_row_groups > 1
    table = read(data)
    assert set(zip(table["a"].to_pylist(), table["b"].to_pylist(), strict=True)) == {
        (a, b) for a in range(600) for b in range(600)
    }


def test_an_answer_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serialization, "_MOST_SPOOLED", 1000)
    with pytest.raises(QueryOutOfMemory, match="too large for columns"):
        write(f'SELECT ("{"x" * 2000}" AS ?x) {{}}')


# Whatever the terms are, they come back.

TEXTS: Final = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12
)
IRIS: Final = st.from_regex(r"http://example\.org/[a-z0-9~-]{0,8}", fullmatch=True).map(
    ox.NamedNode
)


def typed(name: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[ox.Literal]:
    return values.map(lambda text: ox.Literal(text, datatype=ox.NamedNode(XSD + name)))


SORTS: Final = (
    TEXTS.map(ox.Literal),
    st.builds(lambda t, tag: ox.Literal(t, language=tag), TEXTS, st.sampled_from(["en", "ko", "ru-ru"])),
    typed("integer", st.integers(-(10**30), 10**30).map(str)),
    typed("integer", st.integers(-99, 99).map(str)),
    typed("decimal", st.decimals(-10**9, 10**9, places=4).map(str)),
    typed("double", st.floats().map(lambda v: repr(v).replace("inf", "INF").replace("nan", "NaN"))),
    typed("float", st.floats(width=32).map(lambda v: repr(v).replace("inf", "INF").replace("nan", "NaN"))),
    typed("boolean", st.sampled_from(["true", "false"])),
    typed("date", st.dates().map(str)),
    typed("dateTime", st.datetimes(timezones=st.just(dt.UTC)).map(lambda v: v.isoformat())),
    typed("dateTime", st.datetimes().map(lambda v: v.isoformat())),
    typed("gYear", st.integers(1000, 9999).map(str)),
)  # fmt: skip
LITERALS: Final = st.one_of(*SORTS)
COLUMNS: Final = st.one_of(
    *(st.lists(st.none() | s, max_size=6) for s in (IRIS, LITERALS, LITERALS | IRIS)),
    *(st.lists(st.none() | s, max_size=6) for s in SORTS),
)


def read_back(table: Any) -> list[object]:
    """Return the terms of the column x, or their values where the column has a type."""
    field, notes = table.schema.field("x"), told(table)
    rows = table.to_pylist()
    datatypes = table["x_datatype"].to_pylist() if "x_datatype" in table.schema.names else None
    found: list[object] = []
    for place, row in enumerate(rows):
        value = row["x"]
        if value is None or field.type != pa.string():
            found.append(value)
            continue
        kind = datatypes[place] if datatypes else notes.get("rdf:datatype", columnar.RESOURCE)
        language = row.get("x_lang") or notes.get("rdf:language")
        if kind == columnar.RESOURCE:
            found.append(ox.NamedNode(value))
        elif language:
            found.append(ox.Literal(value, language=language))
        elif datatypes or " " not in kind:
            found.append(ox.Literal(value, datatype=ox.NamedNode(kind)))
        else:
            found.append(ox.Literal(value))  # plain beside tagged ones
    return found


def value_of(term: ox.Literal) -> object:
    """Return what a literal means, as Python has it."""
    name, text = term.datatype.value.removeprefix(XSD), term.value
    if name in {"integer", "decimal"}:
        return Decimal(text)
    if name in {"double", "float"}:
        return float(text.replace("INF", "inf"))
    if name == "boolean":
        return text == "true"
    if name == "date":
        return dt.date.fromisoformat(text)
    return dt.datetime.fromisoformat(text)


@settings(deadline=None, max_examples=300)
@given(COLUMNS, st.sampled_from(COLUMNAR_FORMATS))
def test_terms_come_back(terms: list[ox.NamedNode | ox.Literal | None], format: Format) -> None:
    values = " ".join("UNDEF" if term is None else str(term) for term in terms)
    query = f"SELECT ?x WHERE {{ VALUES ?x {{ {values} }} }}"
    solutions = ox.Store().query(query)
    assert isinstance(solutions, ox.QuerySolutions)
    expected = [row["x"] for row in solutions]  # as the engine stores them
    table = read(write(query, format), format)
    found = read_back(table)
    assert len(found) == len(expected)
    is_typed = table.schema.field("x").type != pa.string()
    for value, term in zip(found, expected, strict=True):
        if term is None or not is_typed:
            assert value == term
            continue
        assert isinstance(term, ox.Literal)
        meant = value_of(term)
        if isinstance(meant, float):
            wanted = pytest.approx(meant, rel=1e-6, nan_ok=True)
            is_single = term.datatype.value == f"{XSD}float"
            assert value == (
                wanted if is_single else pytest.approx(meant, rel=0, abs=0, nan_ok=True)
            )
        else:
            assert value == meant


def test_a_stream_can_be_read_as_it_comes() -> None:
    data = write("SELECT ?x { VALUES ?x { 1 2 3 } }", ARROW_STREAM)
    with pa.ipc.open_stream(io.BytesIO(data)) as reader:
        assert sum(batch.num_rows for batch in reader) == 3
