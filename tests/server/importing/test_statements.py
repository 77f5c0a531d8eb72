"""Rows become statements as the recommendation says, and things are known by their names."""

from __future__ import annotations

from collections.abc import Iterable

import pyoxigraph as ox
import pytest

from peninsula.importing.mapping import Resolve
from peninsula.importing.metadata import CONTEXT
from peninsula.importing.resolving import Names, NameUnknown
from peninsula.importing.templates import make_slug
from peninsula.namespaces import BASE, expand

from .making import (
    STATE,
    Generate,
    column,
    fine,
    mapping_of,
    turtle,
    virtual,
)

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
