"""A table is read as it is written, or what is wrong is told at its row and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from peninsula.errors import InvalidTable
from peninsula.importing.delimited import LONGEST_LINE
from peninsula.importing.keys import check_foreign_keys
from peninsula.importing.metadata import CONTEXT
from peninsula.importing.reading import open_table
from peninsula.importing.report import Problems
from peninsula.importing.rows import LONGEST_CELL
from peninsula.namespaces import expand

from .making import (
    PLAIN,
    Generate,
    column,
    fine,
    mapping_of,
    read,
    turtle,
    write,
)

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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_what_excel_calls_unicode_text(generate: Generate, encoding: str) -> None:
    columns = (column("id", suppressOutput=True), column("n", propertyUrl="rdfs:label", lang="ko"))
    table = 'id\tn\r\na\t"하노이\n회담"\r\nb\t평양'.encode(encoding)
    dialect = {"delimiter": "\t", "encoding": encoding}
    if encoding in {"utf-16", "utf-32"}:
        # Its first bytes say so, whatever the mapping says.
        dialect["encoding"] = "cp949"
    assert fine(generate(table, mapping_of(*columns, dialect=dialect))) == turtle(
        'event:a rdfs:label "하노이\\n회담"@ko . event:b rdfs:label "평양"@ko .'
    )


@pytest.mark.parametrize(
    ("text", "encoding", "guess"),
    [
        ("한국과 러시아", "cp949", "cp949"), ("Россия и Корея", "windows-1251", "windows-1251"),
        ("Société à Genève", "windows-1252", "windows-1252"), ("Россия", "koi8-r", ""),
    ],
)  # fmt: skip
def test_a_wrong_encoding_is_told_with_the_one_to_try(
    generate: Generate, text: str, encoding: str, guess: str
) -> None:
    made, problems = generate(f"id,Name,day\na,{text},\n".encode(encoding), mapping_of(*PLAIN))
    assert made == set()
    told = (
        f"this is probably {guess}: say so by --encoding {guess}" if guess else "save it as UTF-8"
    )
    assert told in problems[0]
    assert problems[0].startswith("table.csv, row 2: byte ")


def test_a_text_that_is_cut_in_a_character_is_told(generate: Generate) -> None:
    _, problems = generate("id,Name,day\na,b,\n".encode("utf-16") + b"\n", mapping_of(*PLAIN))
    assert "from here on the file is not utf-16" in problems[0]


def test_a_delimiter_that_the_mapping_does_not_tell_is_seen(generate: Generate) -> None:
    _, problems = generate("id;Name;day\na;b;2019-01-01\n", mapping_of(*PLAIN))
    assert any("the cells seem to be parted by ;" in problem for problem in problems)


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
        (b"PK\x03\x04" + bytes(100), "the workbook is damaged"),
        (b"\x89PNG\r\n\x1a\n\0\0", "this is no text"),
        ("a,b\n".encode("utf-16-le"), "no utf-8, but probably utf-16-le"),
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


def test_a_foreign_key_names_a_row_of_the_other_table(tmp_path: Path) -> None:
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
    tables = {"a.csv": "id,Name,day\nhanoi,x,\n", "b.csv": "event,who\nhanoi,1\nhanio,2\n"}
    pairs = [
        (table, open_table(write(tmp_path / table.url, tables[table.url]), table.dialect))
        for table in mapping.tables
    ]
    problems = Problems()
    check_foreign_keys(pairs, problems)
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
