"""A mend alters a text where it has to, and nowhere else."""

from __future__ import annotations

import re

import pyoxigraph as ox
import pytest

from peninsula.shacl.rewriting import Standing, Statement, append_step, declare, rewrite

HEAD = """# of ours
PREFIX ex: <http://example.org/>
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

"""
S = "<http://example.org/s>"


def said(predicate: str, value: str, subject: str = S, graph: str = "") -> Statement:
    return Statement(subject, f"<http://example.org/{predicate}>", value, graph)


def parse(text: str) -> set[str]:
    """Return the statements of a text as a store gives them back, all blank nodes alike."""
    store = ox.Store()
    store.extend(ox.parse(text, format=ox.RdfFormat.TRIG))
    return {re.sub(r"_:\w+", "_:", str(quad)) for quad in store}


def triples(statements: list[Statement]) -> set[str]:
    return parse("".join(f"{s.subject} {s.predicate} {s.object} .\n" for s in statements))


DAY = '"2019-06-04"^^<http://www.w3.org/2001/XMLSchema#date>'


@pytest.mark.parametrize(
    ("before", "removed", "added", "after"),
    [
        # A value in the place of another, with the prefixes of the text.
        ('ex:s ex:p "2019" ; # why\n  ex:q 1 .', [said("p", '"2019"')], [said("p", DAY)],
         'ex:s ex:p "2019-06-04"^^xsd:date ; # why\n  ex:q 1 .'),
        ("ex:s ex:p ex:a , ex:b .", [said("p", "<http://example.org/a>")],
         [said("p", "<http://example.org/c>")], "ex:s ex:p ex:c , ex:b ."),
        # A predicate in the place of another.
        ("ex:s ex:pp ex:a ; ex:q ex:a .", [said("pp", "<http://example.org/a>")],
         [said("p", "<http://example.org/a>")], "ex:s ex:p ex:a ; ex:q ex:a ."),
        # Out of a list of objects, of predicates, of statements.
        ("ex:s ex:p 1 , 2 , 3 .", [said("p", '"2"^^<http://www.w3.org/2001/XMLSchema#integer>')], [],
         "ex:s ex:p 1 , 3 ."),
        ("ex:s ex:p 1 , 3 .", [said("p", '"3"^^<http://www.w3.org/2001/XMLSchema#integer>')], [],
         "ex:s ex:p 1 ."),
        ('ex:s ex:p "a"@en ;\n  ex:q "b" ;\n.', [said("q", '"b"')], [], 'ex:s ex:p "a"@en ;\n.'),
        ('ex:s ex:p "a"@en ;\n  ex:q "b" ;\n.', [said("p", '"a"@en')], [], 'ex:s ex:q "b" ;\n.'),
        ("ex:o ex:p 1 .\nex:s ex:q true .\nex:t ex:p 2 .",
         [said("q", '"true"^^<http://www.w3.org/2001/XMLSchema#boolean>')], [],
         "ex:o ex:p 1 .\nex:t ex:p 2 ."),
        # New ones stand behind what is said of the same thing, or at the end.
        ("ex:s\n    ex:p 1 ;\n.\nex:o ex:p 2 .", [], [said("q", '"x"')],
         'ex:s\n    ex:p 1 ;\n    ex:q "x" ;\n.\nex:o ex:p 2 .'),
        ("ex:s ex:p ex:a .", [], [said("p", "<http://example.org/b>")],
         "ex:s ex:p ex:a , ex:b ."),
        ("ex:o ex:p 1 .", [], [Statement("<http://other/x>", "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>", "<http://example.org/C>")],
         "ex:o ex:p 1 .\n\n<http://other/x> a ex:C .\n"),
        # What stands in brackets is left alone.
        ('ex:s ex:p [ ex:q "b" ; ex:r ( 1 "b" ) ] , "b" .', [said("p", '"b"')], [],
         'ex:s ex:p [ ex:q "b" ; ex:r ( 1 "b" ) ] .'),
        # Turned round.
        ("ex:s ex:p ex:o .", [said("p", "<http://example.org/o>")],
         [said("p", S, "<http://example.org/o>")], "ex:o ex:p ex:s .\n"),
        # Numbers as a store gives them back, long strings, escapes.
        ("ex:s ex:p 007 .", [said("p", '"7"^^<http://www.w3.org/2001/XMLSchema#integer>')],
         [said("p", '"x"')], 'ex:s ex:p "x" .'),
        ('ex:s ex:p """a\n"b" . """ , "c" .', [said("p", '"a\\n\\"b\\" . "')], [],
         'ex:s ex:p "c" .'),
    ],
)  # fmt: skip
def test_turtle_is_altered_in_place(
    before: str, removed: list[Statement], added: list[Statement], after: str
) -> None:
    found = rewrite(HEAD + before, "turtle", removed, added)
    assert found is not None
    assert found.removeprefix(HEAD).strip() == after.strip()
    assert parse(found) == (parse(HEAD + before) - triples(removed)) | triples(added)


def test_graphs_are_told_apart_in_trig_and_nquads() -> None:
    text = f'{HEAD}ex:s ex:p "a" .\nGRAPH ex:g {{ ex:s ex:p "a" ; ex:q 1 . }}\nex:h {{ ex:s ex:p "a" }}'
    graph = "<http://example.org/g>"
    found = rewrite(text, "trig", [said("p", '"a"', graph=graph)], [said("p", '"b"', graph=graph)])
    assert found == text.replace('{ ex:s ex:p "a" ;', '{ ex:s ex:p "b" ;')
    new = rewrite(text, "trig", [], [said("p", '"c"', graph="<http://example.org/new>")])
    assert new
    assert new.endswith('ex:new {\n    ex:s ex:p "c" .\n}\n')
    last = rewrite(text, "trig", [said("p", '"a"', graph="<http://example.org/h>")], [])
    assert last
    assert parse(last) == {t for t in parse(text) if "/h>" not in t}
    line = f'{S} <http://example.org/p> "a" '
    quads = f"{line}.\n{line}{graph} .\n"
    assert rewrite(quads, "nquads", [said("p", '"a"', graph=graph)], []) == f"{line}.\n"
    added = rewrite(f"{line}.", "nquads", [], [said("q", '"b"', graph=graph)])
    assert added == f'{line}.\n{S} <http://example.org/q> "b" {graph} .\n'


@pytest.mark.parametrize(
    ("text", "format"),
    [
        (f'{HEAD}ex:s ex:p "b" .', "turtle"),
        (f'{HEAD}ex:s ex:p "a"', "turtle"),
        ('other:s ex:p "a" .', "turtle"),
        (f'{HEAD}<< ex:s ex:p "a" >> ex:q 1 .', "turtle"),
        ('{"@id": "http://example.org/s"}', "jsonld"),
        (f'{HEAD}[ ex:p "a" ] .', "turtle"),
        (f'{HEAD}ex:s ex:p ( "a" ) .', "turtle"),
        ("", "turtle"),
        ("PREFIX", "turtle"),
        ("ex:s [", "turtle"),
    ],
)
def test_what_does_not_stand_there_cannot_be_taken_out(text: str, format: str) -> None:
    assert rewrite(text, format, [said("p", '"a"')], []) is None
    standing = Standing.of(text, format)
    assert standing is None or not standing.holds([said("p", '"a"')])


def test_what_stands_there_can_be_taken_out() -> None:
    def stands(text: str, format: str, statement: Statement) -> bool:
        standing = Standing.of(text, format)
        return standing is not None and standing.holds([statement])

    # A text without graphs goes into whichever is named beside it.
    assert stands(f'{HEAD}ex:s ex:p "a" .', "turtle", said("p", '"a"', graph="<x:g>"))
    assert stands(f'{HEAD}ex:s ex:p "a" .', "trig", said("p", '"a"', graph="<x:g>"))
    assert not stands(f'{HEAD}ex:g {{ ex:s ex:p "a" }}', "trig", said("p", '"a"', graph="<x:g>"))
    assert stands("PREFIX ex: <http://example.org/> ex:s ex:p 'a' .", "turtle", said("p", '"a"'))


def test_known_prefixes_are_declared_where_they_lack() -> None:
    text = 'PREFIX pen: <https://w3id.org/peninsula/ns#>\nevent:a pen:from "pen:x xsd:y" ; mine:p _:b .'
    assert declare(text) == f"PREFIX event: <https://w3id.org/peninsula/id/event/>\n{text}"
    assert declare("<x:a> <x:b> 1 .") == "<x:a> <x:b> 1 ."


def test_a_step_is_appended_to_an_update() -> None:
    step = "DELETE DATA { <x:a> <x:b> 1 }\n"
    assert append_step("INSERT DATA { <x:a> <x:b> 1 }", step).count(";\n") == 1
    assert append_step("CLEAR ALL ;\n", step) == f"CLEAR ALL ;\n{step}"
    assert append_step("CLEAR ALL # everything", step) == f"CLEAR ALL # everything\n;\n{step}"
