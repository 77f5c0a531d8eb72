"""A sheet of a workbook is read as its values, and what is wrong is told at its cell."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from peninsula.dataset.interface import select
from peninsula.dataset.local import LocalDataset
from peninsula.errors import InvalidTable
from peninsula.importing import workbooks
from peninsula.importing.generation import Generator
from peninsula.importing.reading import open_table
from peninsula.importing.report import Problems
from peninsula.importing.resolving import Names

from .making import PLAIN, column, mapping_of, read, turtle

Answer = tuple[set[str], list[str]]
MANY: Final = (
    column("id", suppressOutput=True, required=True),
    column("day", propertyUrl="pen:day", datatype={"base": "date", "format": "dd.MM.yyyy"}),
    column("at", propertyUrl="pen:at", datatype="datetime"),
    column("when", propertyUrl="pen:edtf", datatype={"base": "string", "@id": "edtf:EDTF"}),
    column("count", propertyUrl="pen:n", datatype="integer"),
    column(
        "share",
        propertyUrl="pen:share",
        datatype={"base": "decimal", "format": {"decimalChar": ","}},
    ),
    column("open", propertyUrl="pen:open", datatype={"base": "boolean", "format": "Y|N"}),
    column("text", propertyUrl="pen:text"),
    column("state", propertyUrl="pen:state", _resolve="pen:State"),
)


@pytest.fixture
def import_sheet(tmp_path: Path, dataset: LocalDataset) -> Callable[..., Answer]:
    """Return what makes statements of a workbook, and the problems as text."""

    def make(path: Path, mapping: dict[str, Any], sheet: str = "") -> Answer:
        table = read(tmp_path, mapping).tables[0]
        problems = Problems()
        file = open_table(path, table.dialect, sheet=sheet)
        generator = Generator(table, file, Names(lambda query: select(dataset, query)))
        made = {str(t) for row in generator.generate(problems) for t, _ in row.statements}
        return made, [str(problem) for problem in problems.all]

    return make


def save(path: Path, *rows: list[object], title: str = "Votes") -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def patch(path: Path, sheet: str, **parts: str) -> Path:
    """Put the rows of a sheet, or other parts of a workbook, in its place."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    if sheet:
        contents["xl/worksheets/sheet1.xml"] = (
            '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            f"<sheetData>{sheet}</sheetData></worksheet>"
        ).encode()
    contents |= {name: text.encode() for name, text in parts.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("is_mac", [False, True])
def test_values_are_what_the_columns_are_about(
    import_sheet: Callable[..., Answer], tmp_path: Path, is_mac: bool
) -> None:
    book = openpyxl.Workbook()
    if is_mac:
        book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    assert sheet
    sheet.append([c["name"] for c in MANY])
    day, moment = dt.date(2018, 6, 12), dt.datetime.fromisoformat("2018-06-12T09:04:30")
    sheet.append(["a", day, moment, day, 12, 0.1 + 0.2, True, 2397, "러시아"])
    sheet.append(["b", "12.06.2018", None, 2018, 3.0, 5, False, "x y", "state:russia"])
    book.save(tmp_path / "many.xlsx")
    made, problems = import_sheet(tmp_path / "many.xlsx", mapping_of(*MANY))
    assert problems == []
    assert made == turtle("""
        event:a pen:day "2018-06-12"^^xsd:date ; pen:at "2018-06-12T09:04:30"^^xsd:dateTime ;
            pen:edtf "2018-06-12"^^edtf:EDTF ; pen:n 12 ; pen:share 0.3 ; pen:open true ;
            pen:text "2397" ; pen:state state:russia .
        event:b pen:day "2018-06-12"^^xsd:date ; pen:edtf "2018"^^edtf:EDTF ; pen:n 3 ;
            pen:share "5"^^xsd:decimal ; pen:open false ; pen:text "x y" ; pen:state state:russia .
    """)


def test_what_is_wrong_is_told_at_its_cell(
    import_sheet: Callable[..., Answer], tmp_path: Path
) -> None:
    path = save(
        tmp_path / "votes.xlsx",
        ["id", "Name", "day"],
        ["a", "#N/A", dt.date(2018, 1, 1)],
        [],
        ["b", "x", "next week"],
        ["c", "=1+1", None],
        ["d", "x", dt.time(9, 30)],
        [None, "x", None],
        ["e", "x", None, "stray"],
    )
    made, problems = import_sheet(path, mapping_of(*PLAIN))
    assert made == set()
    assert [problem.removeprefix("votes.xlsx, sheet Votes, ") for problem in problems] == [
        "cell B2 (Name): the spreadsheet has an error here (#N/A)",
        "cell C4 (day): “next week” is no day, written as yyyy-MM-dd",
        "cell B5 (Name): the formula was saved without its value; open the workbook in Excel or LibreOffice, and save it again",
        "cell C6 (day): “09:30:00” is no day, written as yyyy-MM-dd",
        "cell A7 (id): a value is required, and the cell is empty",
        "row 8: the row has 4 cells, and the head 3; is a “,” in a value not in quotes?",
    ]


def test_a_formula_is_what_it_was_when_it_was_saved(
    import_sheet: Callable[..., Answer], tmp_path: Path
) -> None:
    path = save(tmp_path / "votes.xlsx", ["id", "Name", "day"])
    head = "".join(
        f'<c r="{cell}" t="inlineStr"><is><t>{text}</t></is></c>'
        for cell, text in (("A1", "id"), ("B1", "Name"), ("C1", "day"))
    )
    patch(
        path,
        f'<row r="1">{head}</row><row r="2"><c r="A2" t="str"><f>LOWER("A")</f><v>a</v></c>'
        '<c r="B2"><f>1+1</f><v>2</v></c></row>',
    )
    made, problems = import_sheet(path, mapping_of(*PLAIN))
    assert problems == []
    assert made == turtle('event:a rdfs:label "2" .')


def test_a_sheet_is_named_where_there_are_several(
    import_sheet: Callable[..., Answer], tmp_path: Path
) -> None:
    path = save(tmp_path / "votes.xlsx", ["id", "Name", "day"], ["a", "x", None])
    book = openpyxl.load_workbook(path)
    book.create_sheet("2018년").append(["id", "Name", "day"])
    book["2018년"].append(["b", "y", None])
    book.create_sheet("lists").sheet_state = "hidden"
    book.save(path)
    with pytest.raises(InvalidTable, match=r"2 sheets, and none is named.*“Votes”, “2018년”"):
        import_sheet(path, mapping_of(*PLAIN))
    with pytest.raises(InvalidTable, match="no sheet “Votse”"):
        import_sheet(path, mapping_of(*PLAIN), "Votse")
    made, problems = import_sheet(path, mapping_of(*PLAIN), "2018년")
    assert (made, problems) == (turtle('event:b rdfs:label "y" .'), [])


# What was made to do harm.


def test_a_million_empty_rows_are_passed_over(
    import_sheet: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "votes.xlsx", ["id", "Name", "day"])
    cell = '<c r="{}" t="inlineStr"><is><t>{}</t></is></c>'
    head = "".join(
        cell.format(f"{c}1", t) for c, t in zip("ABC", ("id", "Name", "day"), strict=True)
    )
    last = cell.format("A1048576", "a") + cell.format("XFD1048576", "far")
    sheet = f'<row r="1">{head}</row><row r="1048576">{last}</row>'
    patch(path, sheet)
    made, problems = import_sheet(path, mapping_of(*PLAIN))
    assert made == set()
    assert problems == [
        "votes.xlsx, sheet Votes, row 1048576: cell XFD1048576 is far away: no more than 1,000 columns are read"
    ]
    monkeypatch.setattr(workbooks, "MOST_ROWS", 1000)
    patch(path, f'<row r="1">{head}</row><row r="99999999999">{last}</row>')
    made, problems = import_sheet(path, mapping_of(*PLAIN))
    assert problems == ["votes.xlsx, sheet Votes, row 1001: no more than 1,000 rows are read"]


ENTITIES: Final = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM '
    '"file:///etc/passwd">]>'
)
SHEET: Final = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    '<row r="1"><c r="A1" t="inlineStr"><is><t>&b;&c;</t></is></c></row></sheetData></worksheet>'
)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"xl/worksheets/sheet1.xml": ENTITIES + SHEET}, "entities"),
        ({"xl/workbook.xml": ENTITIES + "<x>&b;</x>"}, "entities"),
        ({"xl/workbook.xml": "<x"}, "cannot be read"),
        ({"xl/styles.xml": "x" * (17 << 20)}, "xl/styles.xml unpacks to 17 MiB, and 16 MiB are read"),
        ({"xl/worksheets/sheet1.xml": SHEET.replace("&b;&c;", "id")[:-30]}, "cannot be read"),
        ({"xl/worksheets/sheet1.xml": SHEET.replace("&b;&c;", "<t><t>").replace("A1", "@")}, "cannot be read"),
    ],
)  # fmt: skip
def test_a_workbook_that_does_harm_is_told(
    import_sheet: Callable[..., Answer], tmp_path: Path, parts: dict[str, str], told: str
) -> None:
    path = patch(save(tmp_path / "votes.xlsx", ["id"]), "", **parts)
    made: set[str] = set()
    try:
        made, problems = import_sheet(path, mapping_of(*PLAIN))
    except InvalidTable as error:
        problems = [str(error)]
    assert made == set()
    assert told in problems[0]


def test_a_part_that_is_larger_than_it_says_is_not_unpacked(
    import_sheet: Callable[..., Answer], tmp_path: Path
) -> None:
    path = patch(save(tmp_path / "votes.xlsx", ["id"]), "", **{"xl/styles.xml": "x" * (20 << 20)})
    content = path.read_bytes()
    size = (20 << 20).to_bytes(4, "little")
    assert content.count(size) == 2
    path.write_bytes(content.replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(InvalidTable, match="cannot be read"):
        import_sheet(path, mapping_of(*PLAIN))


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}, "OpenDocument"),
        ({"xl/workbook.bin": ""}, "binary workbook"),
        ({"readme.txt": ""}, "an archive, and no workbook"),
    ],
)
def test_other_archives_are_told(tmp_path: Path, parts: dict[str, str], told: str) -> None:
    path = tmp_path / "table.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    with pytest.raises(InvalidTable, match=told):
        open_table(path, read(tmp_path, mapping_of(*PLAIN)).tables[0].dialect)
    path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(1000))
    with pytest.raises(InvalidTable, match=r"old spreadsheet .* password"):
        open_table(path, read(tmp_path, mapping_of(*PLAIN)).tables[0].dialect)
