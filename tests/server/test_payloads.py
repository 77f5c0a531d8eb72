"""What makes a parser crash or crawl is refused before; what only looks like it is not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peninsula.errors import RefusedPayload
from peninsula.payloads import MAX_DEPTH, MAX_DEPTH_OTHERS, find_hostility, refuse_hostile

F = ox.RdfFormat
JSON_DEPTH, XML_DEPTH, DEPTH = MAX_DEPTH[F.JSON_LD], MAX_DEPTH[F.RDF_XML], MAX_DEPTH_OTHERS
RDF = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/">{}'
    '<rdf:Description rdf:about="http://e/s"><e:p>{}</e:p></rdf:Description></rdf:RDF>'
)
DTD = '<!DOCTYPE rdf:RDF [<!ENTITY a "ha"> <!ENTITY b "&a;&a;&a;">]>'


def reason(content: bytes | str, format: ox.RdfFormat) -> str:
    data = content.encode() if isinstance(content, str) else content
    found = find_hostility(data, format)
    if found:
        assert found.remedy
    return found.reason if found else ""


@pytest.mark.parametrize(
    "document",
    [
        DTD + RDF.format("", "&b;"),
        '<?xml version="1.0"?>\n<!-- x -->\n' + DTD + RDF.format("", "&b;"),
        "\ufeff" + DTD + RDF.format("", "&b;"),
        DTD.replace("DOCTYPE", "doctype") + RDF.format("", "&b;"),
        DTD.replace("DOCTYPE", "DocType") + RDF.format("", "&b;"),
        RDF.format(DTD, "&b;"),
        RDF.format("", DTD + "&b;"),
        RDF.format("", "x") + DTD,
        " " * 3_000_000 + DTD + RDF.format("", "&b;"),
    ],
    ids=["first", "after a comment", "after a BOM", "lower", "mixed", "inside", "deep inside", "after", "far"],
)  # fmt: skip
def test_a_doctype_is_refused_wherever_the_engine_would_take_it(document: str) -> None:
    assert "DOCTYPE" in reason(document, F.RDF_XML)
    # It is not refused for nothing: the engine reads each of them.
    assert len(list(ox.parse(document.encode(), format=F.RDF_XML))) == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0" encoding="UTF-16"?>'])
def test_xml_that_is_not_utf_8_is_refused(encoding: str, declaration: str) -> None:
    document = declaration + DTD + RDF.format("", "&b;")
    assert "not in UTF-8" in reason(document.encode(encoding), F.RDF_XML)


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-7", "windows-1252", "EBCDIC-CP-US"])
def test_a_declared_encoding_other_than_utf_8_is_refused(encoding: str) -> None:
    document = f"<?xml version='1.0' encoding='{encoding}' ?>" + RDF.format("", "x")
    assert f"“{encoding}”" in reason(document, F.RDF_XML)


@pytest.mark.parametrize(
    "document",
    [
        RDF.format("", "x"),
        '\ufeff<?xml version="1.0" encoding="utf-8"?>' + RDF.format("", "x"),
        RDF.format("<!-- <a> <a> -- -->", "<![CDATA[<a><a>]]>"),
        RDF.format("", "doctype, &lt;!DOCTYPE x&gt;"),
    ],
)
def test_ordinary_xml_passes(document: str) -> None:
    assert reason(document, F.RDF_XML) == ""
    assert len(list(ox.parse(document.encode(), format=F.RDF_XML))) == 1


def nest(start: str, middle: str, end: str, depth: int) -> str:
    return start * depth + middle + end * depth


HEAD = "<http://e/s> <http://e/p> "


@pytest.mark.parametrize(
    ("format", "limit", "make"),
    [
        (F.JSON_LD, JSON_DEPTH, lambda n: nest('{"http://e/p": ', "1", "}", n)),
        (F.JSON_LD, JSON_DEPTH, lambda n: nest('{"http://e/p": ["[", ', "1", "]}", n // 2) if n % 2 == 0 else nest('{"http://e/p":', "1", "}", n)),
        (F.JSON_LD, JSON_DEPTH, lambda n: '{"http://e/q": "}}]]", "http://e/p":' + nest("[", "1", "]", n - 1) + "}"),
        (F.RDF_XML, XML_DEPTH, lambda n: nest("<e:A><e:p>", "", "</e:p></e:A>", n // 2) if n % 2 == 0 else nest("<a>", "<b/>", "</a>", n)),
        (F.RDF_XML, XML_DEPTH, lambda n: nest("<a x='</a>' y=\"/>\"><!--</a>--><?x </a>?>", "", "</a>", n)),
        (F.TURTLE, DEPTH, lambda n: HEAD + nest("(", "1", ")", n) + " ."),
        (F.TURTLE, DEPTH, lambda n: HEAD + nest("[<http://e/p> ", "1", "]", n) + " ."),
        (F.TURTLE, DEPTH, lambda n: HEAD + nest('( "]" \'\'\')"\'\'\' # )\n', "1", ")", n) + " ."),
        (F.TURTLE, DEPTH, lambda n: HEAD + nest("<< <http://e/)s> <http://e/]p> ", "1", " >>", n) + " ."),
        (F.TURTLE, DEPTH, lambda n: HEAD + "1 " + nest("{| <http://e/p> 1 ", "", "|}", n) + " ."),
        (F.TRIG, DEPTH, lambda n: "<http://e/g> {" + HEAD + nest("(", "1", ")", n - 1) + " }"),
        (F.N3, DEPTH, lambda n: HEAD + nest("{", "", "}", n) + " ."),
        (F.N_TRIPLES, DEPTH, lambda n: HEAD + nest("<<( <http://e/s> <http://e/p> ", "1", " )>>", (n + 1) // 2) + " ."),
        (F.N_QUADS, DEPTH, lambda n: HEAD + nest("<< ( <http://e/s> <http://e/p> ", "1", " )>>", (n + 1) // 2) + " ."),
    ],
)  # fmt: skip
def test_nesting_is_counted_to_the_limit(
    format: ox.RdfFormat, limit: int, make: Callable[[int], str]
) -> None:
    assert reason(make(limit), format) == ""
    assert f"nested deeper than {limit} " in reason(make(limit + 1), format)
    assert f"nested deeper than {limit} " in reason(make(50 * limit), format)


@pytest.mark.parametrize(
    ("format", "document", "count"),
    [
        (F.JSON_LD, '{"http://e/p": "' + "[" * 4000 + '\\""}', 1),
        (F.JSON_LD, '{"http://e/p": ["' + '\\"{' * 4000 + '"]}', 1),
        (F.JSON_LD, "[" + ",".join(['{"@id":"http://e/s","http://e/p":[{"@value":1}]}'] * 4000) + "]", 4000),
        (F.TURTLE, HEAD + '"' + "(" * 4000 + '\\"" .', 1),
        (F.TURTLE, HEAD + "'" + "[" * 4000 + "' .", 1),
        (F.TURTLE, HEAD + '"""' + '[\n" "" \\"""(' * 4000 + '""" .', 1),
        (F.TURTLE, HEAD + "'''" + "[\n' '' (" * 4000 + "''' .", 1),
        (F.TURTLE, "# " + "(" * 4000 + "\n" + HEAD + "1 . #" + "[" * 4000, 1),
        (F.TURTLE, f"{HEAD}<http://e/{'(' * 4000}> .", 1),
        (F.TURTLE, "@prefix e: <http://e/> . e:a" + "\\(\\'" * 2000 + "\\# e:p 1 .", 1),
        (F.TURTLE, HEAD + "()," * 4000 + "() .", 4001),
        (F.TURTLE, f"{HEAD}{'[],' * 4000}( 1 2 ) .", 4005),
        (F.N_TRIPLES, HEAD + '"' + "<<(" * 4000 + '" .', 1),
        (F.RDF_XML, RDF.format("", "<![CDATA[" + "<a>" * 4000 + "]]>"), 1),
        (F.RDF_XML, RDF.format("<!--" + "<a>" * 4000 + "-->", "x"), 1),
        (F.RDF_XML, RDF.format("<?x " + "<a>" * 4000 + "?>", "x"), 1),
    ],
)  # fmt: skip
def test_brackets_that_do_not_nest_pass(format: ox.RdfFormat, document: str, count: int) -> None:
    assert reason(document, format) == ""
    assert len(list(ox.parse(document.encode(), format=format))) == count


@pytest.mark.parametrize(
    ("context", "is_remote"),
    [
        ('"http://schema.org/"', True),
        ('[ "http://schema.org/" ]', True),
        ('[{"a": "http://e/a", "b": {"@id": "http://e/b"}}, "http://schema.org/"]', True),
        ('{"@import": "http://e/c"}', True),
        ('{"p": {"@id": "http://e/p", "@context": "http://e/c"}}', True),
        ("null", False),
        ('{"p": "http://e/p"}', False),
        ('[{"p": "http://e/p"}, {"q": "http://e/q"}]', False),
    ],
)
def test_a_remote_context_is_told_with_its_line(context: str, is_remote: bool) -> None:
    document = (
        f'{{\n"@context" :\n{context},\n"@id":"http://e/s", "http://e/p": {{"@id": "http://e/o"}}}}'
    )
    found = reason(document, F.JSON_LD)
    assert ("not fetched" in found) == is_remote
    if is_remote:
        assert "(line " in found
        with pytest.raises(SyntaxError, match="LoadDocumentCallback"):
            list(ox.parse(document.encode(), format=F.JSON_LD))
    else:
        assert list(ox.parse(document.encode(), format=F.JSON_LD))


def test_a_context_in_a_string_is_no_context() -> None:
    assert reason('{"http://e/p": "{\\"@context\\": \\"http://e/\\"}"}', F.JSON_LD) == ""


def test_a_file_is_looked_at_as_bytes_are(tmp_path: Path) -> None:
    path = tmp_path / "deep.ttl"
    path.write_bytes(b"")
    assert find_hostility(path, F.TURTLE) is None
    path.write_text(HEAD + nest("(", "1", ")", 4000) + " .", encoding="utf-8")
    with pytest.raises(RefusedPayload, match=r"Turtle is refused: it is nested deeper") as caught:
        refuse_hostile(path, F.TURTLE)
    assert caught.value.status == 400
    path.write_text(HEAD + "1 .", encoding="utf-8")
    refuse_hostile(path, F.TURTLE)


OPENERS = {
    F.RDF_XML: ["<!--", "<?", "<![CDATA[", '<a "', "<a '", "<a>x</", "</", "<a ", "<a/", "<a><b/></a>", "<!d"],
    F.JSON_LD: ['"', '\\"', '{"a":[{}]}', '"@context":[', '"@context":[{},', "]"],
    F.TURTLE: ['"""', "'''", "\"'", "<a ", '"\\', '"\\"\n', "#", "()", "<<>>", "[]", "'''a\"\"\"b", "\\"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("format", "opener"),
    [(format, opener) for format, openers in OPENERS.items() for opener in openers],
)
def test_time_is_linear_whatever_is_unclosed(format: ox.RdfFormat, opener: str) -> None:
    content = (opener * (1_000_000 // len(opener))).encode()
    began = time.process_time()
    find_hostility(content, format)
    find_hostility(b'"' + content + b"\\", format)
    # Linear ones take a tenth of it on a slow machine; quadratic ones minutes.
    assert time.process_time() - began < 5


brackets = st.text("()[]{}<>\"'\\#\n/!?-ab: ", max_size=200)


@settings(deadline=None)
@given(brackets, st.sampled_from([F.TURTLE, F.JSON_LD, F.RDF_XML, F.N_TRIPLES, F.TRIG]))
def test_no_text_breaks_it(text: str, format: ox.RdfFormat) -> None:
    find_hostility(text.encode(), format)


json_values = st.recursive(
    st.one_of(st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=30,
)  # fmt: skip


def depth_of(value: object) -> int:
    members = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    )
    return 0 if members is None else 1 + max(map(depth_of, members), default=0)


@settings(deadline=None)
@given(json_values, st.integers(JSON_DEPTH - 12, JSON_DEPTH + 2))
def test_the_depth_of_json_is_that_of_its_values(value: object, around: int) -> None:
    text = "[" * around + json.dumps(value) + "]" * around
    assert bool(reason(text, F.JSON_LD)) == (around + depth_of(value) > JSON_DEPTH)
