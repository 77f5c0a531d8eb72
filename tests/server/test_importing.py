"""Tables become exactly the statements that their mapping says, and mistakes are told in place."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peninsula.dataset.interface import select
from peninsula.dataset.local import LocalDataset
from peninsula.errors import InvalidMapping, InvalidTable, PeninsulaError
from peninsula.importing.generation import Generator, check_foreign_keys
from peninsula.importing.layout import write_turtle
from peninsula.importing.mapping import CONTEXT, Resolve, TableMapping, read_mapping
from peninsula.importing.reading import LONGEST_CELL, LONGEST_LINE, TableFile
from peninsula.importing.report import Problems
from peninsula.importing.resolving import Names, NameUnknown
from peninsula.importing.samples import EXAMPLES, list_examples
from peninsula.importing.templates import make_slug, read_uri_template
from peninsula.namespaces import BASE, PREFIXES, expand
from peninsula.turtle import format_turtle

Generate = Callable[..., tuple[set[str], list[str]]]
HEAD: Final = "".join(f"@prefix {prefix}: <{iri}> .\n" for prefix, iri in PREFIXES.items())
STATE: Final = {"class": "pen:State"}


def column(name: str, **more: Any) -> dict[str, Any]:
    """Return a column; ``_x`` stands for ``import:x``."""
    named = {f"import:{key[1:]}" if key.startswith("_") else key: v for key, v in more.items()}
    return {"name": name, "titles": name, **named}


def virtual(property: str, **more: Any) -> dict[str, Any]:
    described = {"virtual": True, "propertyUrl": property, **column("", **more)}
    del described["name"], described["titles"]
    return described


def mapping_of(
    *columns: dict[str, Any], about: str | None = "event:{id}", **more: Any
) -> dict[str, Any]:
    """Return a mapping of one table; ``schema`` and ``dialect`` add to it."""
    schema = {"columns": list(columns), **more.pop("schema", {})}
    if about:
        schema["aboutUrl"] = about
    named = {f"import:{key[1:]}" if key.startswith("_") else key: v for key, v in more.items()}
    return {"@context": CONTEXT, "url": "table.csv", "tableSchema": schema, **named}


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(tmp_path: Path, mapping: dict[str, Any] | str) -> TableMapping:
    text = mapping if isinstance(mapping, str) else json.dumps(mapping, ensure_ascii=False)
    return read_mapping(write(tmp_path / "mapping.json", text))


def turtle(text: str) -> set[str]:
    """Return the statements of Turtle with our prefixes."""
    return {str(q.triple) for q in ox.parse(HEAD + text, format=ox.RdfFormat.TURTLE)}


@pytest.fixture
def generate(tmp_path: Path, dataset: LocalDataset) -> Generate:
    """Return what makes statements of a table, and the problems as text."""

    def make(table: str | bytes, mapping: dict[str, Any]) -> tuple[set[str], list[str]]:
        found = read(tmp_path, mapping)
        names = Names(lambda query: select(dataset, query))
        problems = Problems()
        file = TableFile(write(tmp_path / "table.csv", table), found.tables[0].dialect)
        generator = Generator(found.tables[0], file, names)
        made = {str(t) for row in generator.generate(problems) for t, _ in row.statements}
        return made, [str(problem) for problem in problems.all]

    return make


def fine(result: tuple[set[str], list[str]]) -> set[str]:
    assert result[1] == []
    return result[0]


# The recommendation, in its minimal mode.


def test_each_cell_makes_a_statement_about_its_row(generate: Generate) -> None:
    made = generate(
        "id,name\nad,Andorra\naf,Afghanistan\n",
        mapping_of(
            column("id", propertyUrl="http://example.org/code"),
            column("name", propertyUrl="http://example.org/name", lang="en"),
            about="http://example.org/countries#{id}",
        ),
    )
    assert fine(made) == turtle("""
        <http://example.org/countries#ad> <http://example.org/code> "ad" ; <http://example.org/name> "Andorra"@en .
        <http://example.org/countries#af> <http://example.org/code> "af" ; <http://example.org/name> "Afghanistan"@en .
    """)


def test_a_row_may_speak_of_several_things_joined_by_virtual_columns(generate: Generate) -> None:
    made = generate(
        "name,start_date,location_name,location_address,ticket_url\n"
        'B. B. King,2014-04-12T19:30,"Lupo’s Heartbreak Hotel","79 Washington St., Providence, RI",https://tickets.example/1\n',
        {
            "@context": [CONTEXT, {"@language": "en", "@base": "http://example.org/"}],
            "url": "events.csv",
            "tableSchema": {
                "columns": [
                    {"name": "name", "aboutUrl": "#event-{_row}", "propertyUrl": "schema:name"},
                    {"name": "start_date", "aboutUrl": "#event-{_row}", "propertyUrl": "schema:startDate",
                     "datatype": {"base": "datetime", "format": "yyyy-MM-ddTHH:mm"}},
                    {"name": "location_name", "aboutUrl": "#place-{_row}", "propertyUrl": "schema:name"},
                    {"name": "location_address", "aboutUrl": "#place-{_row}", "propertyUrl": "schema:address"},
                    {"name": "ticket_url", "aboutUrl": "#offer-{_row}", "propertyUrl": "schema:url",
                     "datatype": "anyURI", "valueUrl": "{+ticket_url}"},
                    {"virtual": True, "aboutUrl": "#event-{_row}", "propertyUrl": "rdf:type", "valueUrl": "schema:MusicEvent"},
                    {"virtual": True, "aboutUrl": "#event-{_row}", "propertyUrl": "schema:location", "valueUrl": "#place-{_row}"},
                    {"virtual": True, "aboutUrl": "#event-{_row}", "propertyUrl": "schema:offers", "valueUrl": "#offer-{_row}"},
                ]
            },
        },
    )  # fmt: skip
    assert fine(made) == turtle("""
        <http://example.org/#event-1> a schema:MusicEvent ; schema:name "B. B. King"@en ;
            schema:startDate "2014-04-12T19:30:00"^^xsd:dateTime ;
            schema:location <http://example.org/#place-1> ; schema:offers <http://example.org/#offer-1> .
        <http://example.org/#place-1> schema:name "Lupo’s Heartbreak Hotel"@en ; schema:address "79 Washington St., Providence, RI"@en .
        <http://example.org/#offer-1> schema:url <https://tickets.example/1> .
    """)


def test_datatypes_formats_separators_and_nulls(generate: Generate) -> None:
    made = generate(
        "id;when;tall;people;is open;tags;gone\n"
        "x;10/18/2010;1.234,5;1,000;Y;a|b| |a;-\n"
        "y;2/3/2011;-7;12;N;;n/a\n",
        mapping_of(
            column("id", suppressOutput=True),
            column("when", propertyUrl="pen:day", datatype={"base": "date", "format": "M/d/yyyy"}),
            column("tall", propertyUrl="pen:tall", datatype={"base": "decimal", "format": {"decimalChar": ",", "groupChar": "."}}),
            column("people", propertyUrl="pen:people", datatype={"base": "integer", "format": {"groupChar": ","}}),
            column("is_open", titles="is open", propertyUrl="pen:open", datatype={"base": "boolean", "format": "Y|N"}),
            column("tags", propertyUrl="pen:tag", separator="|"),
            column("gone", propertyUrl="pen:gone", null=["-", "n/a"]),
            dialect={"delimiter": ";"},
        ),
    )  # fmt: skip
    assert fine(made) == turtle("""
        event:x pen:day "2010-10-18"^^xsd:date ; pen:tall "1234.5"^^xsd:decimal ; pen:people "1000"^^xsd:integer ;
            pen:open "true"^^xsd:boolean ; pen:tag "a", "b" .
        event:y pen:day "2011-02-03"^^xsd:date ; pen:tall "-7"^^xsd:decimal ; pen:people "12"^^xsd:integer ;
            pen:open "false"^^xsd:boolean .
    """)


def test_defaults_and_what_is_inherited(generate: Generate) -> None:
    made = generate(
        "id,note\na,\n",
        mapping_of(
            column("id", suppressOutput=True),
            column("note", propertyUrl="rdfs:comment", default="none"),
            virtual("pen:count", default="3", datatype="integer"),
            schema={"lang": "en"},
        ),
    )
    assert fine(made) == turtle('event:a rdfs:comment "none"@en ; pen:count 3 .')


@pytest.mark.parametrize(
    ("datatype", "text", "literal"),
    [
        ("integer", "+007", '"7"^^xsd:integer'),
        ("decimal", "1.50", '"1.50"^^xsd:decimal'),
        ("double", "1e3", '"1000.0"^^xsd:double'),
        ("number", "INF", '"INF"^^xsd:double'),
        ("date", "2019-02-27Z", '"2019-02-27Z"^^xsd:date'),
        ("dateTime", "2019-02-27T10:00:00+09:00", '"2019-02-27T10:00:00+09:00"^^xsd:dateTime'),
        ("gYear", "2019", '"2019"^^xsd:gYear'),
        ("anyURI", "https://example.org/a?b=c", '"https://example.org/a?b=c"^^xsd:anyURI'),
        ({"base": "string", "@id": "edtf:EDTF"}, "2018-04/..", '"2018-04/.."^^edtf:EDTF'),
        ("string", "plain", '"plain"'),
    ],
)  # fmt: skip
def test_a_literal_is_canonical(
    generate: Generate, datatype: object, text: str, literal: str
) -> None:
    columns = column("id", suppressOutput=True), column("v", propertyUrl="pen:v", datatype=datatype)
    made = generate(f"id,v\na,{text}\n", mapping_of(*columns))
    assert fine(made) == turtle(f"event:a pen:v {literal} .")


# What is ours.


@pytest.mark.parametrize(
    "name", ["Russia", "러시아", "  russia ", "state:russia", f"{BASE}id/state/russia", "RUSSIA"]
)
def test_a_cell_names_a_thing_in_any_way(generate: Generate, name: str) -> None:
    columns = (
        column("id", suppressOutput=True),
        column("who", propertyUrl="pen:participant", _resolve=STATE),
        virtual("rdfs:label", _text="{who.label} ({who.label.ko}), {who}", lang="en"),
    )
    made = generate(f"id,who\na,{name}\n", mapping_of(*columns, about="event:{id}-{who}"))
    assert fine(made) == turtle(
        'event:a-russia pen:participant state:russia ; rdfs:label "Russia (러시아), russia"@en .'
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Rusia", "“Rusia” names no state; near: Russia (state:russia)"),
        ("북조선", "“북조선” names no state"),
        ("place:hanoi", "“place:hanoi” names no state"),
        ("zzzzzz", "“zzzzzz” names no state"),
    ],
)
def test_a_name_that_fits_nothing_is_told_with_near_ones(
    generate: Generate, name: str, told: str
) -> None:
    columns = (
        column("id", suppressOutput=True),
        column("who", propertyUrl="pen:by", _resolve="pen:State"),
    )
    made, problems = generate(f"id,who\na,{name}\nb,Russia\n", mapping_of(*columns))
    assert len(problems) == 1
    assert problems[0].startswith(f"table.csv, row 2, column who: {told}")
    assert len(made) == 1


def test_a_name_that_fits_several_is_never_guessed() -> None:
    things = {"state:north-korea": ["Korea", "DPRK"], "state:south-korea": ["Korea", "ROK"]}

    def ask(query: str) -> Iterable[tuple[object, ...]]:
        if "?property" in query:
            label = ox.NamedNode(expand("rdfs:label"))
            for thing, names in things.items():
                for name in names:
                    yield ox.NamedNode(expand(thing)), label, ox.Literal(name, language="en")
        elif "DISTINCT ?thing" in query:
            yield from ((ox.NamedNode(expand(thing)),) for thing in things)

    names, wanted = Names(ask), Resolve(expand("pen:State"))
    assert names.find(wanted, "ROK") == expand("state:south-korea")
    with pytest.raises(NameUnknown, match="more than one") as raised:
        names.find(wanted, "korea")
    assert raised.value.near == ("Korea (state:north-korea)", "Korea (state:south-korea)")


def test_one_row_makes_a_thing_for_each_value_of_a_list(generate: Generate) -> None:
    part = "participation:{id}-{who}"
    made = generate(
        "id,who\ntalks,Russia; 북한\nnobody,\n",
        mapping_of(
            column("id", suppressOutput=True),
            column("who", separator=";", suppressOutput=True, _resolve=STATE),
            virtual("rdf:type", valueUrl="pen:Event"),
            virtual("rdf:type", valueUrl="pen:Participation", aboutUrl=part, _each="who"),
            virtual("pen:hasParticipant", valueUrl="{+who.iri}", aboutUrl=part, _each="who"),
            virtual("pen:inEvent", valueUrl="event:{id}", aboutUrl=part, _each="who"),
        ),
    )
    assert fine(made) == turtle("""
        event:talks a pen:Event . event:nobody a pen:Event .
        participation:talks-russia a pen:Participation ; pen:hasParticipant state:russia ; pen:inEvent event:talks .
        participation:talks-north-korea a pen:Participation ; pen:hasParticipant state:north-korea ; pen:inEvent event:talks .
    """)


def test_statements_only_where_a_column_has_a_value(generate: Generate) -> None:
    columns = (
        column("id", suppressOutput=True),
        column("host", suppressOutput=True, _resolve=STATE),
        virtual("rdf:type", valueUrl="pen:Participation", aboutUrl="participation:{id}-{host}"),
    )
    table = "id,host\na,Russia\nb,\n"
    _, problems = generate(table, mapping_of(*columns))
    (problem,) = problems
    assert problem.startswith(
        "table.csv, row 3, column host: a name of the thing is made of {host}, which is empty here"
    )
    assert problem.endswith("let the mapping say so with “import:when”")
    columns[2]["import:when"] = "host"
    assert fine(generate(table, mapping_of(*columns))) == turtle(
        "participation:a-russia a pen:Participation ."
    )


@pytest.mark.parametrize(
    ("when", "first", "last"),
    [
        ("2018", "2018-01-01", "2018-12-31"),
        ("2020-02", "2020-02-01", "2020-02-29"),
        ("2018-04-27/2018-04-28", "2018-04-27", "2018-04-28"),
        ("2021/..", "2021-01-01", None),
        ("2018-08-23/", "2018-08-23", None),
        ("../2019", None, "2019-12-31"),
    ],
)
def test_days_follow_from_a_date_of_edtf(
    generate: Generate, when: str, first: str | None, last: str | None
) -> None:
    made = generate(
        f"id,when\na,{when}\n",
        mapping_of(
            column("id", suppressOutput=True),
            column("when", propertyUrl="pen:edtf", datatype={"base": "string", "@id": "edtf:EDTF"}),
            virtual("pen:from", _text="{when.from}", datatype="date"),
            virtual("pen:until", _text="{when.until}", datatype="date"),
        ),
    )
    wanted = [f'pen:edtf "{when}"^^edtf:EDTF']
    wanted += [f'pen:from "{first}"^^xsd:date'] if first else []
    wanted += [f'pen:until "{last}"^^xsd:date'] if last else []
    assert fine(made) == turtle(f"event:a {' ; '.join(wanted)} .")


@pytest.mark.parametrize("when", ["2018-13", "2018-02-30", "spring 2018", "2019/2018", "..", "/"])
def test_what_is_no_date_of_edtf_is_told(generate: Generate, when: str) -> None:
    edtf = {"base": "string", "@id": "edtf:EDTF"}
    columns = (
        column("id", suppressOutput=True),
        column("when", propertyUrl="pen:edtf", datatype=edtf),
    )
    _, problems = generate(f"id,when\na,{when}\n", mapping_of(*columns))
    assert len(problems) == 1
    assert problems[0].startswith("table.csv, row 2, column when: “")


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Hanoi Summit, 2019", "hanoi-summit-2019"),
        ("H. R. McMaster", "h-r-mcmaster"),
        ("O’Brien & São Tomé", "obrien-sao-tome"),
        ("Straße", "strasse"),
        ("하노이", ""),
        ("Путин 2", ""),
        ("…", ""),
    ],
)
def test_slugs(text: str, slug: str) -> None:
    assert make_slug(text) == slug


def test_a_name_of_which_no_slug_can_be_made_is_told(generate: Generate) -> None:
    columns = (column("name", propertyUrl="rdfs:label"),)
    made, problems = generate(
        "name\nHanoi Summit\n하노이\n", mapping_of(*columns, about="event:{name.slug}")
    )
    assert made == turtle('event:hanoi-summit rdfs:label "Hanoi Summit" .')
    assert len(problems) == 1
    assert problems[0].startswith("table.csv, row 3, column name: no slug can be made of “하노이”")


# How a file is written.


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", None), ("utf-8-sig", None), ("utf-8-sig", "utf-8"), ("cp949", "cp949"),
        ("euc-kr", "EUC-KR"),
    ],
)  # fmt: skip
def test_korean_in_every_encoding(generate: Generate, encoding: str, said: str | None) -> None:
    columns = (
        column("id", suppressOutput=True),
        column("이름", titles="이름", propertyUrl="rdfs:label", lang="ko"),
    )
    columns[1]["name"] = "label"
    dialect = {"encoding": said} if said else {}
    table = "id,이름\r\na,하노이 회담\r\n".encode(encoding)
    assert fine(generate(table, mapping_of(*columns, dialect=dialect))) == turtle(
        'event:a rdfs:label "하노이 회담"@ko .'
    )


def test_russian_in_windows_1251_with_tabs(generate: Generate) -> None:
    columns = (column("id", suppressOutput=True), column("n", propertyUrl="rdfs:label", lang="ru"))
    table = "id\tn\na\tСаммит «Ханой»\n".encode("windows-1251")
    dialect = {"encoding": "windows-1251", "delimiter": "\t"}
    assert fine(generate(table, mapping_of(*columns, dialect=dialect))) == turtle(
        'event:a rdfs:label "Саммит «Ханой»"@ru .'
    )


def test_quoted_line_breaks_blank_rows_and_the_numbers_of_rows(generate: Generate) -> None:
    columns = (
        column("id", suppressOutput=True),
        column("v", propertyUrl="pen:v"),
        column("n", propertyUrl="pen:n", datatype="integer"),
    )
    table = 'id,v,n\na,"one\ntwo, ""three""",1\n\nb,x,y\nc,z,2\n'
    made, problems = generate(table, mapping_of(*columns))
    assert made == turtle(
        """event:a pen:v '''one\ntwo, "three"''' ; pen:n 1 . event:c pen:v "z" ; pen:n 2 ."""
    )
    assert problems == ["table.csv, row 4, column n: “y” is no whole number"]


def test_columns_are_found_by_their_titles_in_any_order(generate: Generate) -> None:
    columns = (
        column("id", titles=["ID", "번호"], suppressOutput=True),
        column("v", titles={"en": "value"}, propertyUrl="pen:v"),
    )
    assert fine(generate("value,번호\nx,a\n", mapping_of(*columns))) == turtle(
        'event:a pen:v "x" .'
    )


def test_a_file_without_a_head_and_with_rows_to_be_skipped(generate: Generate) -> None:
    columns = (column("id", suppressOutput=True), column("v", propertyUrl="pen:v"))
    dialect = {"header": False, "skipRows": 2, "commentPrefix": "#", "skipColumns": 1}
    table = "a report\nof 2020\n# remark\n-,a,x\n"
    assert fine(generate(table, mapping_of(*columns, dialect=dialect))) == turtle(
        'event:a pen:v "x" .'
    )


# What is wrong with a table.

PLAIN: Final = (
    column("id", required=True, suppressOutput=True),
    column("name", titles="Name", propertyUrl="rdfs:label"),
    column("day", propertyUrl="pen:day", datatype="date"),
)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("id,Nmae,day\na,b,2019-01-01\n", ["row 1, column Nmae: the mapping knows no such column", "near: Name"]),
        ("id,Name,Name,day\na,b,c,2019-01-01\n", ["row 1, column Name: the column Name is there twice"]),
        ("id,,day\na,b,2019-01-01\n", ["row 1, column 2: the column has no name in the head"]),
        ("Name,day\nb,2019-01-01\n", ["row 1: the column id is missing"]),
        ("id,Name,day\na,b\n", ["row 2: the row has 2 cells, and the head 3"]),
        ("id,Name,day\na,b,2019-01-01,x\n", ["row 2: the row has 4 cells, and the head 3"]),
        ("id,Name,day\n,b,2019-01-01\n", ["row 2, column id: a value is required, and the cell is empty"]),
        ("id,Name,day\na,b,2019-02-30\n", ["row 2, column day: “2019-02-30” is no day, written as yyyy-MM-dd"]),
        ("id,Name,day\na,b,2019-02-27T10:00\n", ["row 2, column day: “2019-02-27T10:00” is no day"]),
        ("id,Name,day\na,=cmd|'/c calc'!A0,2019-01-01\n", ["row 2, column Name: “=cmd|'/c calc'!A0” is a formula"]),
        ("id,Name,day\na,\x07,2019-01-01\n", ["row 2, column Name: it holds a character that no text has (U+0007)"]),
        ('id,Name,day\na,"b,2019-01-01\n', ['row 2: a quote (") is opened here and not closed']),
        ('id,Name,day\na,"b"c,2019-01-01\n', ["row 2: after a closing quote"]),
        ("id,Name,day\n", ["table.csv: the table has a head and no rows"]),
        (f"id,Name,day\na,{'x' * (LONGEST_CELL + 1)},2019-01-01\n", ["row 2: a cell is longer than 1 MiB"]),
        ("id,Name,day\na,한국,2019-01-01\n".encode("cp949"), ["row 2: byte 0xc7 at place 3", "cp949"]),
        ("id,Name,day\na," + "b" * 9000 + "\0,2019-01-01\n", ["row 2: it holds a zero byte"]),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_row_and_column(
    generate: Generate, table: str | bytes, told: list[str]
) -> None:
    made, problems = generate(table, mapping_of(*PLAIN))
    assert made == set()
    assert problems
    assert problems[0].startswith("table.csv")
    for part in told:
        assert part in problems[0]


def test_all_mistakes_are_told_in_their_order(generate: Generate) -> None:
    table = "id,Name,day\na,x,bad\nb,=1,worse\nc\n,,\nd,ok,2019-01-01\n"
    made, problems = generate(table, mapping_of(*PLAIN))
    assert [p.split(":")[0] for p in problems] == [
        "table.csv, row 2, column day",
        "table.csv, row 3, column Name",
        "table.csv, row 3, column day",
        "table.csv, row 4",
    ]
    assert made == turtle('event:d rdfs:label "ok" ; pen:day "2019-01-01"^^xsd:date .')


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b" \n\n", "it is empty"),
        (b"PK\x03\x04" + bytes(100), "no CSV, but a spreadsheet"),
        (b"\x89PNG\r\n\x1a\n\0\0", "this is no text"),
        ("a,b\n".encode("utf-16"), "no CSV, but UTF-16"),
        (b"\x1f\x8b\x08", "no CSV, but compressed"),
    ],
)
def test_what_is_no_table_is_not_read(generate: Generate, content: bytes, told: str) -> None:
    with pytest.raises(InvalidTable, match=told):
        generate(content, mapping_of(*PLAIN))


def test_a_line_without_an_end_is_not_taken_in(generate: Generate) -> None:
    made, problems = generate(b"id,Name,day\n" + b"x" * (LONGEST_LINE + 10), mapping_of(*PLAIN))
    assert made == set()
    assert problems[0].startswith("table.csv, row 2: the line is longer than 4 MiB")


def test_a_key_stands_in_one_row(generate: Generate) -> None:
    table = "id,Name,day\na,x,\nb,y,\na,z,\n"
    _, problems = generate(table, mapping_of(*PLAIN, schema={"primaryKey": ["id", "day"]}))
    assert problems == ["table.csv, row 4, column id: the key “a”, “” stands in row 2, too"]


def test_a_foreign_key_names_a_row_of_the_other_table(
    tmp_path: Path, dataset: LocalDataset
) -> None:
    schema = {
        "aboutUrl": "participation:{event}-{who}",
        "columns": [column("event", suppressOutput=True), column("who", propertyUrl="pen:by")],
        "foreignKeys": [
            {
                "columnReference": "event",
                "reference": {"resource": "a.csv", "columnReference": "id"},
            }
        ],
    }
    first = mapping_of(*PLAIN)
    mapping = read(
        tmp_path,
        {"@context": CONTEXT, "tables": [
            {"url": "a.csv", "tableSchema": first["tableSchema"]}, {"url": "b.csv", "tableSchema": schema},
        ]},
    )  # fmt: skip
    names = Names(lambda query: select(dataset, query))
    tables = {"a.csv": "id,Name,day\nhanoi,x,\n", "b.csv": "event,who\nhanoi,1\nhanio,2\n"}
    generators = {
        table.url: Generator(
            table, TableFile(write(tmp_path / table.url, tables[table.url]), table.dialect), names
        )
        for table in mapping.tables
    }
    for generator in generators.values():
        list(generator.generate(Problems()))
    problems = Problems()
    check_foreign_keys(generators, problems)
    assert [str(p) for p in problems.all] == [
        "b.csv, row 3, column event: “hanio” is not in a.csv; near: hanoi"
    ]


@pytest.mark.parametrize("about", ["pen:{id}", "{+id}", "pensh:{id}"])
def test_the_ontology_is_not_imported_into(generate: Generate, about: str) -> None:
    name = expand("pen:Summit") if about == "{+id}" else "Summit"
    _, problems = generate(f"id,Name,day\n{name},x,\n", mapping_of(*PLAIN, about=about))
    assert len(problems) == 1
    assert "belongs to the ontology" in problems[0]


def test_what_makes_no_iri_is_told(generate: Generate) -> None:
    for name in ("http://[", "//["):
        _, problems = generate(f"id,Name,day\n{name},x,\n", mapping_of(*PLAIN, about="{+id}"))
        assert len(problems) == 1, name
        assert problems[0].startswith("table.csv, row 2")
        assert "is no IRI" in problems[0]


# What is wrong with a mapping.


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{\n  "url": "x.csv",\n  oops\n}', r"mapping.json:3: column 3: this is no JSON"),
        ('{"url": "a", "url": "b"}', "“url” stands twice"),
        ("[]", "a mapping is a JSON object"),
        ("[" * 100_000, "nested too deep|no JSON"),
        ("\ufeff{}", "@context must be"),
    ],
)
def test_a_mapping_that_is_no_json_is_told_with_its_place(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(InvalidMapping, match=told):
        read(tmp_path, text)


BASIC: Final = mapping_of(column("id", propertyUrl="pen:id"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"@context": "http://evil.example/context"}, "@context must be"),
        ({"@context": [CONTEXT, "http://evil.example/context"]}, "No other context is fetched"),
        ({"@context": [CONTEXT, {"@vocab": "x"}]}, "one object with @base and @language"),
        ({"@context": [CONTEXT, {"@base": "file:///etc/"}]}, "no http or https address"),
        ({"tableSchema": "http://evil.example/schema.json"}, "a reference to another file is not followed"),
        ({"tableSchema": "../../etc/passwd"}, "a reference to another file is not followed"),
        ({"dialect": "http://evil.example/dialect.json"}, "a reference to another file is not followed"),
        ({"dialect": {"encoding": "rot13"}}, "“rot13” is no encoding"),
        ({"dialect": {"encoding": "utf-16"}}, "save the file as UTF-8"),
        ({"dialect": {"delimiter": "::"}}, "“delimiter” is one character"),
        ({"dialect": {"delimeter": ";"}}, "a dialect has no “delimeter”. Did you mean “delimiter”"),
        ({"dialect": {"headerRowCount": 2}}, "a head of several rows"),
        ({"import:existing": "overwrite"}, "one of refuse, add, replace"),
        ({"import:exsting": "add"}, "Did you mean “import:existing”"),
        ({"transformations": [{"url": "x"}]}, "transformations are not run"),
        ({"tabels": []}, "a table has no “tabels”"),
        ({"url": None}, "a table has a “url”"),
    ],
)  # fmt: skip
def test_nothing_of_a_mapping_is_passed_over_or_fetched(
    tmp_path: Path, change: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was fetched")

    monkeypatch.setattr("urllib.request.OpenerDirector.open", refuse)
    with pytest.raises(InvalidMapping) as raised:
        read(tmp_path, {**BASIC, **change})
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ([column("a b")], "“a b” is no name of a column"),
        ([column("id"), column("id")], "two columns with the name “id”"),
        ([column("id", propertyURL="pen:id")], "Did you mean “propertyUrl”"),
        ([column("id", propertyUrl="pne:id")], "the prefix of “pne:id” is not known. Did you mean “pen”"),
        ([column("id", datatype="intger")], "there is no datatype “intger”. Did you mean “integer”"),
        ([column("id", datatype={"base": "date", "fromat": "yyyy"})], "a datatype has no “fromat”"),
        ([column("id", datatype={"base": "string", "format": "("})], "Invalid regex"),
        ([column("id", propertyUrl="pen:id", ordered=True)], "“ordered” makes lists"),
        ([column("id", lang="x!")], "Invalid language tag"),
        ([column("id", propertyUrl="pen:id", aboutUrl="event:{idd}")], "no column for {idd}. Did you mean “id”"),
        ([column("id", propertyUrl="pen:id", aboutUrl="event:{id")], "a bracket too many or too few"),
        ([column("id", propertyUrl="pen:id", _resolve={"class": "pen:State", "scheme": "topics"})], "a class or a scheme"),
        ([column("id", propertyUrl="pen:id", _when="x")], "import:when: there is no column “x”"),
        ([column("id", propertyUrl="pen:id", _graph="graph:x")], "stands on a group or a table, not on a column"),
        ([virtual("pen:x", valueUrl="pen:y"), column("id")], "virtual columns stand after the others"),
        ([column("id"), virtual("pen:x")], "a virtual column has a valueUrl, an import:text or a default"),
        ([column("id", separator=";"), virtual("pen:x", valueUrl="state:{id}")], "{id} has several values in a row"),
        ([column("id"), virtual("pen:x", valueUrl="state:{id}", _each="id")], "import:each: there is no column “id”"),
        ([], "“columns” lists the columns"),
    ],
)  # fmt: skip
def test_columns_of_a_mapping(tmp_path: Path, columns: list[dict[str, Any]], told: str) -> None:
    about = None if any("aboutUrl" in c for c in columns) else "event:x"
    with pytest.raises(InvalidMapping) as raised:
        read(tmp_path, mapping_of(*columns, about=about))
    assert told in str(raised.value)


def test_every_thing_has_a_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidMapping, match="there is no “aboutUrl”"):
        read(tmp_path, mapping_of(column("id", propertyUrl="pen:id"), about=None))


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("event:{id}", f"{BASE}id/event/a%20%2F%C3%A9"),
        ("id/event/{id}", f"{BASE}id/event/a%20%2F%C3%A9"),
        ("http://example.org/{+id}", "http://example.org/a%20/%C3%A9"),
        ("#{id}", f"{BASE}#a%20%2F%C3%A9"),
        ("http://example.org/{?id}", "http://example.org/?id=a%20%2F%C3%A9"),
        ("state:russia", expand("state:russia")),
    ],
)
def test_uri_templates(template: str, made: str) -> None:
    assert read_uri_template(template, BASE).expand({"id": "a /é"}) == made


# In general.


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.binary(max_size=400))
def test_whatever_bytes_come_they_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    mapping = read(tmp_path, mapping_of(*PLAIN))
    path = write(tmp_path / "table.csv", b"id,Name,day\n" + content)
    problems = Problems()
    try:
        file = TableFile(path, mapping.tables[0].dialect)
        rows = list(Generator(mapping.tables[0], file, Names(lambda _: ())).generate(problems))
    except PeninsulaError:
        return
    assert rows or problems


texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufffe\uffff"),
    min_size=1, max_size=30,
).map(str.strip).filter(lambda t: t and not t.startswith("="))  # fmt: skip


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(texts, min_size=1, max_size=5))
def test_texts_come_through_unaltered(tmp_path: Path, labels: list[str]) -> None:
    output = io.StringIO(newline="")
    csv.writer(output).writerows(
        [["id", "Name", "day"], *([f"r{i}", t, ""] for i, t in enumerate(labels))]
    )
    mapping = read(tmp_path, mapping_of(*PLAIN))
    file = TableFile(write(tmp_path / "table.csv", output.getvalue()), mapping.tables[0].dialect)
    problems = Problems()
    rows = list(Generator(mapping.tables[0], file, Names(lambda _: ())).generate(problems))
    assert problems.all == []
    assert [row.statements[0][0].object for row in rows] == [ox.Literal(t) for t in labels]


def test_a_large_file_is_laid_out_as_a_small_one(tmp_path: Path) -> None:
    lines = [
        f"<{BASE}id/{kind}/{n}> <{expand(p)}> {value} .\n"
        for kind in ("event", "person", "state")
        for n in range(20)
        for p, value in (("rdf:type", f"<{expand('pen:Event')}>"), ("rdfs:label", f'"{n}"@en'),
                         ("pen:about", f"<{BASE}id/event/{(n * 7) % 23}>"), ("pen:about", f"<{BASE}id/{kind}/{n // 3}>"))
    ]  # fmt: skip
    source = write(tmp_path / "all.nt", "".join(lines))
    write_turtle(source, tmp_path / "all.ttl", ["A remark."], together=7)
    text = (tmp_path / "all.ttl").read_text()
    assert text.startswith("# A remark.\n\nPREFIX ")
    assert format_turtle(text) == text
    assert turtle(text) == {line[:-3] for line in lines}


@pytest.mark.parametrize("name", list_examples())
def test_examples_are_mappings(name: str) -> None:
    found = read_mapping(EXAMPLES / name / f"{name}.json")
    assert {table.url for table in found.tables} == {
        p.name for p in (EXAMPLES / name).glob("*.csv")
    }
    assert found.graph == expand("graph:record")
