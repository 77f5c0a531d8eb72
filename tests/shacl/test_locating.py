"""Where a statement stands in a text, found without a parser of its own."""

from __future__ import annotations

import time

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peninsula.knowledge import find_knowledge
from peninsula.shacl.locating import Text, locate, scan
from peninsula.shacl.report import ValidationReport, ValidationResult

TURTLE = """@prefix a: <http://x/> .
BASE <http://b/>
# a:s a:no "comment" .
a:s a:p \"\"\"first
 "second" line\"\"\" , 'q\\u00e9'@en-gb ;
  a:q 1.5e3 , -2 , true , ( 1 [ a:r
     "deep"^^a:dt ] ) ;
  a <rel> .
[] a:w a:é , a:last\\,x . a:t.u a:v a:w.
"""


def lines(text: str) -> dict[tuple[str, str, str], int]:
    return {(t.subject, t.predicate, t.object): t.line for t in scan(text)}


def test_every_triple_has_the_line_of_its_object() -> None:
    found = lines(TURTLE)
    s, x = "<http://x/s>", "http://www.w3.org/2001/XMLSchema#"
    assert found[s, "<http://x/p>", '"first\\n \\"second\\" line"'] == 4
    assert found[s, "<http://x/p>", '"qé"@en-gb'] == 5
    assert found[s, "<http://x/q>", f'"1.5e3"^^<{x}double>'] == 6
    assert found[s, "<http://x/q>", f'"true"^^<{x}boolean>'] == 6
    assert found[s, "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>", "<http://b/rel>"] == 8
    assert found["<http://x/t.u>", "<http://x/v>", "<http://x/w>"] == 9
    assert [line for (_, p, _), line in found.items() if p == "<http://x/r>"] == [7]
    assert [o for (_, p, o) in found if p == "<http://x/w>"] == [
        "<http://x/é>",
        "<http://x/last,x>",
    ]
    assert not any("comment" in o for _, _, o in found)


def test_the_scanner_reads_all_of_our_own_files_as_the_parser_does() -> None:
    knowledge = find_knowledge()
    seen = 0
    for _, path in knowledge.sourced_files:
        text = path.read_text(encoding="utf-8")
        found = lines(text)
        for quad in ox.parse(text.encode(), format=ox.RdfFormat.TURTLE):
            terms = (str(quad.subject), str(quad.predicate), str(quad.object))
            if not any(term.startswith("_:") for term in terms):
                assert terms in found, f"{path}: {terms}"
                seen += 1
    assert seen > 20_000


NAMES = st.sampled_from(["a:x", "a:y.z", "<http://x/q>", "a:_1-"])
LITERALS = st.sampled_from(
    ['"t"', "'#'@en", '"""l\n"\'."""', '"1"^^a:d', "12", "1.5", "-2e3", "true"]
)
OBJECTS = st.deferred(
    lambda: (
        NAMES
        | LITERALS
        | st.lists(NAMES | LITERALS, min_size=1, max_size=3).map(lambda o: f"( {' '.join(o)} )")
        | PROPERTIES.map(lambda p: f"[ {p} ]")
    )
)
PROPERTIES = st.lists(
    st.tuples(NAMES | st.just("a"), st.lists(NAMES | LITERALS, min_size=1, max_size=3)),
    min_size=1, max_size=3,
).map(lambda pairs: " ;\n ".join(f"{p} {' , '.join(o)}" for p, o in pairs))  # fmt: skip
STATEMENTS = st.lists(
    st.tuples(NAMES, NAMES, OBJECTS).map(lambda t: f"{t[0]} {t[1]} {t[2]} .")
    | st.tuples(NAMES, PROPERTIES).map(lambda t: f"{t[0]} {t[1]}.")
    | PROPERTIES.map(lambda p: f"[ {p} ] ."),
    max_size=6,
).map(lambda parts: "@prefix a: <http://a/> .\n" + "\n".join(parts))


@settings(max_examples=150, deadline=None)
@given(STATEMENTS)
def test_whatever_the_parser_reads_the_scanner_finds(text: str) -> None:
    found = lines(text)
    for quad in ox.parse(text.encode(), format=ox.RdfFormat.TURTLE):
        terms = (str(quad.subject), str(quad.predicate), str(quad.object))
        if not any(term.startswith("_:") for term in terms) and "#first" not in terms[1]:
            assert terms in found


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="<>\"'@^.;,[](){}#:a \n\\_?-1", max_size=60))
def test_no_text_makes_it_fail(text: str) -> None:
    assert all(t.line >= 1 for t in scan(text))


@pytest.mark.parametrize(
    "piece", ['"""', "'''", '"', "<", "[", "(", "{", "a:b", "\\", "#", ".", "^^", "@a", "1"]
)
def test_it_takes_linear_time(piece: str) -> None:
    began = time.perf_counter()
    for _ in scan(piece * 200_000):
        pass
    assert time.perf_counter() - began < 10


def result(focus: str, path: str = "", value: str = "", component: str = "X") -> ValidationResult:
    return ValidationResult(
        "Violation", focus, "", path, value, "", "", component,
        focus_term=focus, path_term=path, value_term=value,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (result("<a:s>", "<a:p>", '"2"'), 3),  # the value itself
        (result("<a:s>", "<a:p>"), 2),  # the first value of the path
        (result("<a:s>", "<a:p>", component="MaxCountConstraintComponent"), 3),  # one too many
        (result("<a:s>", "", "<a:o>"), 4),  # a value without a path
        (result("<a:s>", "<a:missing>"), 1),  # nothing is there: the subject
        (result("<a:o>", "^<a:q>", "<a:s>"), 4),  # walked backwards
        (result("<a:o>", "<a:missing>"), 4),  # only pointed to
        (result("<a:n>", "<a:i>", '"1"^^<http://www.w3.org/2001/XMLSchema#integer>'), 5),
        (result("<a:elsewhere>"), 0),
    ],
)
def test_the_line_that_fits_best_is_told(found: ValidationResult, line: int) -> None:
    text = '<a:s>\n <a:p> "1" ,\n  "2" ;\n <a:q> <a:o> .\n<a:n> <a:i> 01 .'
    report = locate(ValidationReport((found,), ""), [Text("x.ttl", text)])
    assert (report.results[0].line, report.results[0].file) == (line, "x.ttl" if line else "")


def test_of_several_texts_the_best_is_told() -> None:
    texts = [Text("one.ttl", "<a:x> <a:p> <a:s> ."), Text("two.ttl", "\n<a:s> <a:p> 1 .")]
    report = locate(ValidationReport((result("<a:s>", "<a:q>"),), ""), texts)
    assert (report.results[0].file, report.results[0].line) == ("two.ttl", 2)


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("jsonld", '{\n "@context": {},\n "@id": "http://x/s",\n "http://x/p": 1}'),
        ("rdfxml", '<rdf:RDF>\n\n<rdf:Description rdf:about="http://x/s">'),
    ],
)
def test_in_other_formats_a_name_is_looked_for(format: str, text: str) -> None:
    report = locate(ValidationReport((result("<http://x/s>"),), ""), [Text("f", text, format)])
    assert report.results[0].line == 3
