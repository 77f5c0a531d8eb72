"""An import enters whole or not at all, says where what is wrong stands, and is told in the history."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import openpyxl
import pyoxigraph as ox
import pytest

from peninsula import cli
from peninsula.dataset.generations import Generations
from peninsula.importing.samples import list_examples
from peninsula.knowledge import find_knowledge
from peninsula.loading import prepare
from peninsula.namespaces import PREFIXES, expand
from peninsula.turtle import format_turtle
from tests.server.conftest import SCENE

from .making import column, mapping_of, virtual

Run = Callable[..., tuple[int, str, str]]
GRAPH: Final = "graph:notes"
DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
SUMMITS: Final = mapping_of(
    column("id", required=True, suppressOutput=True),
    column("name", titles="Name", propertyUrl="rdfs:label", lang="en", required=True),
    column("start", propertyUrl="pen:from", datatype="date"),
    column("end", propertyUrl="pen:until", datatype="date"),
    column("place", propertyUrl="pen:takesPlaceAt", _resolve="pen:Place"),
    column("who", separator=";", propertyUrl="pen:participant", _resolve="pen:State"),
    virtual("rdf:type", valueUrl="pen:Summit"),
    _graph=GRAPH,
)
HEAD: Final = "id,Name,start,end,place,who\n"
ROWS: Final = HEAD + (
    "singapore,Singapore summit,2018-06-12,2018-06-12,Hanoi,북한; state:united-states\n"
    "moscow,Moscow talks,2020-01-01,2020-01-02,Vladivostok,Russia\n"
)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a store of the scene and one of the shipped graph, to be copied."""
    found = {}
    for name, knowledge in (("scene", SCENE), ("shipped", None)):
        found[name] = tmp_path_factory.mktemp(name) / "store"
        generations = Generations(found[name])
        with generations.locked():
            prepare(generations, find_knowledge(knowledge))
    return found


@pytest.fixture
def run(
    capfdbinary: pytest.CaptureFixture[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stores: dict[str, Path],
) -> Run:
    """Import in a folder with a store of the scene; return code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PENINSULA_TOKEN", raising=False)
    shutil.copytree(stores["scene"], "store")
    Path("summits.json").write_text(json.dumps(SUMMITS))
    Path("summits.csv").write_text(ROWS)

    def run_import(*arguments: str) -> tuple[int, str, str]:
        more = () if "--example" in arguments else ("--knowledge", str(SCENE), "--store", "store")
        given = arguments or ("summits.csv", "--mapping", "summits.json")
        if given[0].startswith("-") and "--example" not in given:
            given = ("summits.csv", "--mapping", "summits.json", *given)
        code = cli.main(["import", *given, *more])
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run_import


def current() -> int:
    found = Generations(Path("store")).current()
    assert found
    return found.number


def statements(graph: str = GRAPH) -> set[str]:
    generations = Generations(Path("store"))
    store = generations.open(current())
    quads = store.quads_for_pattern(None, None, None, ox.NamedNode(expand(graph)))
    return {str(quad.triple) for quad in quads}


def turtle(text: str) -> set[str]:
    head = "".join(f"@prefix {prefix}: <{iri}> .\n" for prefix, iri in PREFIXES.items())
    return {str(q.triple) for q in ox.parse(head + text, format=ox.RdfFormat.TURTLE)}


def edit(name: str, old: str, new: str) -> None:
    path = Path(name)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


WANTED: Final = turtle("""
    event:singapore a pen:Summit ; rdfs:label "Singapore summit"@en ; pen:from "2018-06-12"^^xsd:date ;
        pen:until "2018-06-12"^^xsd:date ; pen:takesPlaceAt place:hanoi ; pen:participant state:north-korea, state:united-states .
    event:moscow a pen:Summit ; rdfs:label "Moscow talks"@en ; pen:from "2020-01-01"^^xsd:date ;
        pen:until "2020-01-02"^^xsd:date ; pen:takesPlaceAt place:vladivostok ; pen:participant state:russia .
""")


def test_what_the_table_says_is_in_the_graph_afterwards(run: Run) -> None:
    code, out, _ = run()
    assert (code, out) == (
        0,
        "2 rows, 2 things, 13 triples (2 new, 0 changed): 13 added, 0 removed, generation 2 of store.\n",
    )
    assert statements() == WANTED


def test_the_same_file_again_is_nothing_new(run: Run) -> None:
    run()
    assert run()[:2] == (0, "2 rows, 2 things, 13 triples: nothing new.\n")
    assert current() == 2


def test_the_history_tells_who_imported_which_files(run: Run) -> None:
    run()
    history = statements("graph:history")
    for name in ("summits.csv", "summits.json"):
        digest = hashlib.sha256(Path(name).read_bytes()).hexdigest()
        file = f"<https://w3id.org/peninsula/history/file/{digest}>"
        activity = "<https://w3id.org/peninsula/history/2#change-1>"
        assert f"{activity} <{expand('prov:used')}> {file}" in history
        assert f'{file} <{expand("rdfs:label")}> "{name}"' in history
        assert f'{file} <{expand("pen:sha256")}> "{digest}"' in history
    label = "import: summits.csv by summits.json: 13 added, 0 removed"
    assert any(label in line for line in history)


def test_a_dry_run_says_the_same_and_changes_nothing(run: Run) -> None:
    code, out, _ = run("--dry-run")
    assert code == 0
    assert out.endswith("13 added, 0 removed, were it not a dry run.\n")
    assert current() == 1


def test_what_breaks_a_shape_is_told_at_its_cell_and_nothing_enters(run: Run) -> None:
    edit("summits.csv", "2020-01-02", "2019-12-31")
    edit("summits.csv", "2018-06-12,2018-06-12", ",")
    for option in ((), ("--dry-run",), ("--output", "out.ttl")):
        code, out, _ = run(*option)
        assert code == 1
        assert out.splitlines() == [
            "summits.csv, row 2: event:singapore: A summit has one first day. Give it one pen:from, an xsd:date.",
            "summits.csv, row 3, column end: event:moscow: A summit does not end before it begins. Mend pen:from or pen:until.",
            "2 rows, 2 things, 11 triples: 2 problems; nothing was imported.",
        ]
    assert current() == 1
    assert not Path("out.ttl").exists()


def test_warnings_are_told_and_do_not_keep_it_out(run: Run) -> None:
    edit("summits.csv", "Vladivostok", "")
    code, out, _ = run()
    assert code == 0
    assert out.splitlines()[0] == (
        "warning: summits.csv, row 3: event:moscow: A summit should have a place. Give it a pen:takesPlaceAt."
    )
    assert current() == 2


def test_one_wrong_row_keeps_all_out(run: Run) -> None:
    edit("summits.csv", "Vladivostok", "Vladivostock")
    code, out, _ = run()
    assert code == 1
    assert out.splitlines() == [
        "summits.csv, row 3, column place: “Vladivostock” names no place; near: Vladivostok (place:vladivostok)",
        "2 rows, 1 thing, 7 triples: 1 problem; nothing was imported.",
    ]
    assert current() == 1


def test_two_rows_do_not_make_one_thing(run: Run) -> None:
    edit("summits.csv", "moscow,", "singapore,")
    code, out, _ = run()
    assert code == 1
    assert out.splitlines()[0] == (
        "summits.csv, row 3: row 2 makes the same thing, event:singapore; a name belongs to one row"
    )


def test_a_thing_that_is_there_is_not_another_one(run: Run) -> None:
    edit("summits.csv", "moscow,", "vladivostok,")
    code, out, _ = run()
    assert code == 1
    first = out.splitlines()[0]
    assert first.startswith(
        "summits.csv, row 3, column Name: event:vladivostok is in the graph already, and rdfs:label "
        "is “Vladivostok summit”@en there, not “Moscow talks”@en; if another thing is meant"
    )


def test_replacing_takes_back_what_the_row_says_otherwise(run: Run) -> None:
    run()
    edit("summits.csv", "Moscow talks,2020-01-01", "Moscow summit,2019-12-31")
    assert run()[0] == 1
    edit("summits.json", '"url"', '"import:existing": "replace", "url"')
    code, out, _ = run()
    assert code == 0
    assert "(0 new, 1 changed): 2 added, 2 removed, generation 3" in out
    assert statements() == WANTED - turtle(
        'event:moscow rdfs:label "Moscow talks"@en ; pen:from "2020-01-01"^^xsd:date .'
    ) | turtle('event:moscow rdfs:label "Moscow summit"@en ; pen:from "2019-12-31"^^xsd:date .')


def test_adding_leaves_what_is_there(run: Run) -> None:
    run()
    edit("summits.csv", "Russia", "북한")
    edit("summits.json", '"url"', '"import:existing": "add", "url"')
    assert run()[0] == 0
    assert statements() == WANTED | turtle("event:moscow pen:participant state:north-korea .")


def test_a_later_table_names_what_an_earlier_one_makes(run: Run) -> None:
    places = mapping_of(
        column("name", propertyUrl="rdfs:label", lang="ko"),
        virtual("rdf:type", valueUrl="pen:Place"),
        about="place:{id}",
    )["tableSchema"]
    places["columns"].insert(0, column("id", suppressOutput=True))
    tables = [{"url": "places.csv", "tableSchema": places}, {"url": "summits.csv", "tableSchema": SUMMITS["tableSchema"]}]  # fmt: skip
    context = {"@context": SUMMITS["@context"], "import:graph": GRAPH, "tables": tables}
    Path("both.json").write_text(json.dumps(context))
    Path("places.csv").write_text("id,name\nsingapore,싱가포르\n")
    edit("summits.csv", "Hanoi", "싱가포르")
    code, out, _ = run("summits.csv", "places.csv", "--mapping", "both.json")
    assert code == 0, out
    assert turtle("event:singapore pen:takesPlaceAt place:singapore .") <= statements()
    code, _, err = run("summits.csv", "--mapping", "both.json")
    assert code == 2
    assert "places.csv is not given" in err


def test_a_table_that_makes_no_statements_is_what_others_refer_to(run: Run) -> None:
    codes = mapping_of(column("code", propertyUrl="rdfs:label"), about="event:{code}")
    schema = SUMMITS["tableSchema"] | {
        "foreignKeys": [
            {
                "columnReference": "id",
                "reference": {"resource": "codes.csv", "columnReference": "code"},
            }
        ]
    }
    tables = [
        {"url": "codes.csv", "tableSchema": codes["tableSchema"], "suppressOutput": True},
        {"url": "summits.csv", "tableSchema": schema},
    ]
    context = {"@context": SUMMITS["@context"], "import:graph": GRAPH, "tables": tables}
    Path("both.json").write_text(json.dumps(context))
    Path("codes.csv").write_text("code\nsingapore\nmoscwo\n")
    code, out, _ = run("codes.csv", "summits.csv", "--mapping", "both.json")
    assert code == 1
    assert out.splitlines()[0] == (
        "summits.csv, row 3, column id: “moscow” is not in codes.csv; near: moscwo"
    )
    edit("codes.csv", "moscwo", "moscow")
    code, out, _ = run("codes.csv", "summits.csv", "--mapping", "both.json")
    assert code == 0, out
    assert statements() == WANTED


def test_turtle_is_written_in_the_layout_of_the_house(run: Run) -> None:
    code, out, _ = run("--output", "new/out.ttl")
    assert code == 0
    assert out.endswith("13 triples (2 new, 0 changed), written to new/out.ttl.\n")
    text = Path("new/out.ttl").read_text()
    assert format_turtle(text) == text
    assert {str(q.triple) for q in ox.parse(text, format=ox.RdfFormat.TURTLE)} == WANTED
    digest = hashlib.sha256(Path("summits.csv").read_bytes()).hexdigest()
    assert text.startswith(f"# Imported from summits.csv (SHA-256 {digest}) by summits.json.\n# Named graph: graph:notes.\n")  # fmt: skip
    assert current() == 1


def test_a_program_reads_the_report(run: Run) -> None:
    edit("summits.csv", "Vladivostok", "Vladivostock")
    code, out, _ = run("--format", "json")
    report = json.loads(out)
    (problem,) = report["problems"]
    assert code == 1
    assert report["is_refused"] is True
    assert (
        report["files"][0]["sha256"] == hashlib.sha256(Path("summits.csv").read_bytes()).hexdigest()
    )
    told = {
        name: problem[name]
        for name in ("file", "row", "line", "column", "position", "value", "near")
    }
    assert told == {
        "file": "summits.csv", "row": 3, "line": 3, "column": "place", "position": 5,
        "value": "Vladivostock", "near": ["Vladivostok (place:vladivostok)"],
    }  # fmt: skip
    _, out, _ = run("--format", "sarif")
    (result,) = json.loads(out)["runs"][0]["results"]
    location = result["locations"][0]["physicalLocation"]
    assert location == {"artifactLocation": {"uri": "summits.csv"}, "region": {"startLine": 3}}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "import needs tables and a mapping"),
        (("summits.csv",), "import needs tables and a mapping"),
        (("nowhere.csv", "--mapping", "summits.json"), "nowhere.csv: it cannot be read"),
        (("summits.csv", "--mapping", "nowhere.json"), "nowhere.json: it cannot be read"),
        (("summits.csv", "--mapping", "summits.csv"), "summits.csv:1: column 1: this is no JSON"),
        (("summits.csv", "summits.json", "--mapping", "summits.json"), "the mapping has no table of this name"),
        (("--graph", "graph:ontology"), "graph:ontology is not written by an import"),
        (("--graph", "graph:history"), "graph:history is not written by an import"),
        (("--graph", "notes"), "“notes” is no name of a graph"),
        (("--server", "localhost"), "--server: “localhost” is no http or https address"),
        (("--server", "http://localhost:1"), "Nobody answers at http://localhost:1"),
        (("--example", "nothing"), "There are events, tenures, votes"),
        (("--output", "summits.csv/out.ttl"), "it cannot be written"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line(
    run: Run,
    capfdbinary: pytest.CaptureFixture[bytes],
    arguments: tuple[str, ...],
    told: str,
) -> None:
    if not arguments or arguments == ("summits.csv",):
        code = cli.main(["import", *arguments])
        err = capfdbinary.readouterr()[1].decode()
    else:
        code, _, err = run(*arguments)
    assert code == 2
    assert told in err
    assert err.splitlines()[-1].startswith("peninsula: ")
    assert current() == 1


def test_a_store_that_a_server_holds_is_not_written_to(run: Run) -> None:
    with Generations(Path("store")).locked():
        code, _, err = run()
        assert code == 2
        assert "--server" in err
        assert run("--dry-run")[0] == 0


def test_a_store_of_somebody_else_takes_a_table_without_shapes(run: Run) -> None:
    shutil.rmtree("store")
    generations = Generations(Path("store"))
    with generations.locked():
        prepare(generations, None)
    Path("plain.json").write_text(
        json.dumps(
            mapping_of(
                column("id", propertyUrl="pen:id"), virtual("rdf:type", valueUrl="pen:Summit")
            )
        )
    )
    Path("plain.csv").write_text("id\na\n")
    code, out, _ = run("plain.csv", "--mapping", "plain.json", "--graph", GRAPH)
    assert (code, out) == (0, "1 row, 1 thing, 2 triples (1 new, 0 changed): 2 added, 0 removed, generation 2 of store.\n")  # fmt: skip
    assert statements() == turtle('event:a a pen:Summit ; pen:id "a" .')


def test_examples_are_listed_shown_and_copied(run: Run) -> None:
    assert run("--example")[:2] == (0, "events\ntenures\nvotes\n")
    _, shown, _ = run("--example", "votes")
    assert shown.startswith("==> votes.json <==\n{")
    assert "\n==> votes.csv <==\nresolution,state,choice,source\n" in shown
    assert run("here", "--example", "events")[:2] == (
        0,
        "here/events.json\nhere/events.csv\nhere/participants.csv\n",
    )
    assert run("here", "--example", "events")[0] == 2


@pytest.mark.parametrize("name", list_examples())
def test_examples_enter_the_shipped_graph(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    stores: dict[str, Path],
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(stores["shipped"], "store")
    assert cli.main(["import", "--example", name, "x"]) == 0
    tables = sorted(map(str, Path("x").glob("*.csv")))
    before = len(statements("graph:record"))
    arguments = [
        "import",
        *tables,
        "--mapping",
        f"x/{name}.json",
        "--store",
        "store",
        "--format",
        "json",
    ]
    capfdbinary.readouterr()
    assert cli.main(arguments) == 0
    report: dict[str, Any] = json.loads(capfdbinary.readouterr()[0])
    assert report["problems"] == []
    assert [r for r in report["remarks"] if r["severity"] == "warning"] == []
    assert report["added"] == len(statements("graph:record")) - before > 0
    assert cli.main(arguments) == 0
    assert json.loads(capfdbinary.readouterr()[0])["added"] == 0


def test_a_large_change_is_judged_in_whole_and_told_in_place(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peninsula.importing.targets._LARGE", 10)
    monkeypatch.setattr("peninsula.gate._LARGE", 10)
    edit("summits.csv", "2020-01-02", "2019-12-31")
    for option in ((), ("--dry-run",)):
        code, out, _ = run(*option)
        assert code == 1
        assert out.splitlines() == [
            "summits.csv, row 3, column end: event:moscow: A summit does not end before it begins. Mend pen:from or pen:until.",
            "2 rows, 2 things, 13 triples: 1 problem; nothing was imported.",
        ]
    edit("summits.csv", "2019-12-31", "2020-01-03")
    assert run()[0] == 0
    assert current() == 2


def save_sheets(name: str, **sheets: str) -> None:
    """Save tables as the sheets of a workbook, with days as days."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, text in sheets.items():
        sheet = book.create_sheet(title)
        for row in csv.reader(text.splitlines()):
            sheet.append([dt.date.fromisoformat(v) if DAY.fullmatch(v) else v for v in row])
    book.save(name)


def test_a_sheet_of_a_workbook_says_the_same_as_a_file(run: Run) -> None:
    save_sheets("summits.xlsx", Summits=ROWS, Notes="remark\nto be done\n")
    files = ("summits.xlsx", "--mapping", "summits.json")
    code, _, err = run(*files)
    assert code == 2
    assert "2 sheets, and none is named" in err
    code, out, _ = run(*files, "--sheet", "Summits")
    assert code == 0, out
    assert statements() == WANTED
    assert run()[1].endswith("nothing new.\n")


def test_what_breaks_a_shape_is_told_at_the_cell_of_a_sheet(run: Run) -> None:
    save_sheets("summits.xlsx", Summits=ROWS.replace("2020-01-02", "2019-12-31"))
    code, out, _ = run("summits.xlsx", "--mapping", "summits.json")
    assert code == 1
    assert out.startswith("summits.xlsx, sheet Summits, cell D3 (end): event:moscow: A summit")
    code, out, _ = run("summits.xlsx", "--mapping", "summits.json", "--format", "json")
    place = json.loads(out)["problems"][0]
    assert (place["sheet"], place["letter"], place["row"]) == ("Summits", "D", 3)


def test_the_sheets_of_one_workbook_are_the_tables_of_a_mapping(run: Run) -> None:
    places = mapping_of(
        column("id", suppressOutput=True),
        column("name", propertyUrl="rdfs:label", lang="ko"),
        virtual("rdf:type", valueUrl="pen:Place"),
        about="place:{id}",
    )["tableSchema"]
    tables = [
        {"url": "both.xlsx#The%20places", "tableSchema": places},
        {"url": "summits.csv", "tableSchema": SUMMITS["tableSchema"]},
    ]
    context = {"@context": SUMMITS["@context"], "import:graph": GRAPH, "tables": tables}
    Path("both.json").write_text(json.dumps(context))
    sheets = {
        "The places": "id,name\nsingapore,싱가포르\n",
        "summits": ROWS.replace("Hanoi", "싱가포르"),
    }
    save_sheets("both.xlsx", **sheets)
    code, out, _ = run("both.xlsx", "--mapping", "both.json")
    assert code == 0, out
    assert turtle("event:singapore pen:takesPlaceAt place:singapore .") <= statements()


def test_the_curator_says_in_which_encoding_a_file_is(run: Run) -> None:
    table = ROWS.replace("북한", "state:north-korea").replace("Moscow talks", "Встреча")
    Path("summits.csv").write_bytes(table.encode("windows-1251"))
    code, out, _ = run()
    assert code == 1
    assert "this is probably windows-1251: say so by --encoding windows-1251" in out
    code, out, _ = run("--encoding", "windows-1251")
    assert code == 0, out
    assert turtle('event:moscow rdfs:label "Встреча"@en .') <= statements()
    assert run("--encoding", "klingon")[0] == 2
