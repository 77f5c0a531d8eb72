"""A mapping says nothing that is passed over, and whatever comes, something is told."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peninsula.errors import InvalidMapping, PeninsulaError
from peninsula.importing.generation import Generator
from peninsula.importing.layout import write_turtle
from peninsula.importing.metadata import CONTEXT, read_mapping
from peninsula.importing.reading import open_table
from peninsula.importing.report import Problems
from peninsula.importing.resolving import Names
from peninsula.importing.samples import EXAMPLES, list_examples
from peninsula.importing.templates import read_uri_template
from peninsula.namespaces import BASE, expand
from peninsula.turtle import format_turtle

from .making import (
    PLAIN,
    column,
    mapping_of,
    read,
    turtle,
    virtual,
    write,
)

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
        ({"dialect": {"encoding": "utf-7"}}, "“utf-7” is no encoding"),
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
        ([column("id", propertyUrl="pem:id")], "the prefix of “pem:id” is not known. Did you mean “pen”"),
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
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(st.binary(max_size=400))
def test_whatever_bytes_come_they_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    mapping = read(tmp_path, mapping_of(*PLAIN))
    path = write(tmp_path / "table.csv", b"id,Name,day\n" + content)
    problems = Problems()
    try:
        file = open_table(path, mapping.tables[0].dialect)
        rows = list(Generator(mapping.tables[0], file, Names(lambda _: ())).generate(problems))
    except PeninsulaError:
        return
    assert rows or problems


texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufffe\uffff"),
    min_size=1, max_size=30,
).map(str.strip).filter(lambda t: t and not t.startswith("="))  # fmt: skip


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(st.lists(texts, min_size=1, max_size=5))
def test_texts_come_through_unaltered(tmp_path: Path, labels: list[str]) -> None:
    output = io.StringIO(newline="")
    csv.writer(output).writerows(
        [["id", "Name", "day"], *([f"r{i}", t, ""] for i, t in enumerate(labels))]
    )
    mapping = read(tmp_path, mapping_of(*PLAIN))
    file = open_table(write(tmp_path / "table.csv", output.getvalue()), mapping.tables[0].dialect)
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
