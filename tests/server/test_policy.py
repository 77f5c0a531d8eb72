"""What a query may be and contain is decided before any parser sees it."""

from __future__ import annotations

from collections.abc import Callable

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.errors import PeninsulaError, ProtocolError, QueryForbidden, QueryTooComplex
from peninsula.policy import Policy, resolve_escapes, tokenize

POLICY = Policy()
CALL = "SERVICE <http://127.0.0.1:9/> { ?s ?p ?o }"
CALL_TIGHT = "SERVICE<http://127.0.0.1:9/>{?s ?p ?o}"


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT * {{ {CALL} }}",
        f"SELECT * {{ {CALL_TIGHT} }}",
        "select * { service silent <http://a/> {} }",
        "SELECT * { SeRvIcE ?where { } }",
        "PREFIX s: <http://127.0.0.1/> SELECT * { SERVICE s:x { } }",
        # Escapes: resolved before parsing by the letter of the specification.
        r"SELECT * { S\u0045RVICE <http://a/> {} }",
        r"SELECT * { \u0053\U00000045RVICE <http://a/> {} }",
        # A string that closes only once its escapes are resolved, or only before.
        rf"SELECT * {{ ?s ?p '\u0027 . {CALL} }} #'",
        f'SELECT * {{ ?s ?p "\\\\" . {CALL} }} #"',
        # After a comment, a string, an IRI and a name that look as if they hid it.
        f"SELECT * {{ # '\n {CALL} #'\n}}",
        f"SELECT * {{ ?s ?p 'it''s' . {CALL} }}",
        f"SELECT * {{ <http://a/#'> ?p ?o . {CALL} <http://a/#'> ?p ?o }}",
        f"SELECT * {{ ?s ex:it\\'s ?o . {CALL} ?s ex:it\\'s ?o }}",
        f"SELECT * {{ ?s ex:a\\# ?o . {CALL} }}",
        # “<” is less-than inside an expression, though it looks like the beginning of an IRI.
        f"SELECT * {{ BIND(1 AS ?a) FILTER(?a<?b&&?c='>'){CALL_TIGHT}FILTER('x'!='') }}",
        f"SELECT * {{ FILTER(?a<urn:x#>'''\n) {CALL}\n #'''\n}}",
        f"SELECT (?a<urn:x#>'''\n AS ?y) {{ {CALL} }} #'''",
        f"SELECT * {{ {{ SELECT ?x {{}} ORDER BY ex:f(?a<urn:x#>'''\n) }} {CALL} #'''\n}}",
        f"SELECT * {{ {{ SELECT ?x (?a<urn:x#>'''\n AS ?y) {{}} }} {CALL} #'''\n}}",
        f"SELECT * {{ FILTER ex:f(?a<urn:x#>'''\n) {CALL} #'''\n}}",
        f"SELECT * {{ FILTER(?a<<http://a/#'>) {CALL} <http://a/#'> ?p ?o }}",
        f"SELECT * {{ FILTER(true<urn:x#>'''\n) {CALL}\n #'''\n}}",
        f"SELECT * {{ ?s ?p ?o }} GROUP BY (?a<urn:x#>'''\n AS ?y) HAVING(EXISTS {{ {CALL} }}) #'''",
    ],
)
def test_service_is_refused_however_it_is_spelt(query: str) -> None:
    with pytest.raises(QueryForbidden, match="SERVICE") as caught:
        POLICY.check(query)
    assert caught.value.status == 403


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?SERVICE $service { ?SERVICE service:x <http://SERVICE/> . _:SERVICE ex:SERVICE 1 }",
        'SELECT * { ?s ?p "SERVICE <http://a/> {}" } # SERVICE',
        "SELECT * { ?s ?p '''it's \" a SERVICE\n''' , \"\"\"SERVICE\"\"\" }",
        "SELECT * { ?s ?p <http://a/SERVICE#SERVICE> ; ex:SERVICE.x 'a'@SERVICE }",
        "SELECT * { VALUES (?a ?b) { (1 <http://a/#it's>) (?x <http://a/#SERVICE'>) } }",
        "SELECT * { ?s ?p (?a <http://a/#it's> <http://b/#it's>) . ?s (<http://a/#'>|<http://b/#'>) 1 }",
        "SELECT * { FILTER(?a IN (<http://a/#'>, <http://b/#'>)) FILTER(?a < 3) }",
        "PREFIX service: <http://a/> BASE <http://b/#'> SELECT * FROM <http://a/#'> { ?s ?p '' }",
        "SELECT * { ?s ?p 1 FILTER(?a<?b) FILTER(?c>?d) }",
    ],
)
def test_a_word_that_only_looks_like_service_passes(query: str) -> None:
    POLICY.check(query)


@pytest.mark.parametrize(
    "word", ["INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "WITH"]
)
def test_an_update_is_told_by_its_tokens(word: str) -> None:
    for query in (word, f"PREFIX a: <http://SELECT/> # SELECT\n BASE <x:> {word.lower()} …"):
        with pytest.raises(ProtocolError, match="update"):
            POLICY.check(query)


def test_a_file_is_not_read() -> None:
    for query in ("SELECT * FROM <file:///etc/passwd> {}", "ASK FROM NAMED <FILE:x> {}"):
        with pytest.raises(QueryForbidden, match="files are not read"):
            POLICY.check(query)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM <http://a/> {}", True),
        ("SELECT * from named <http://a/> {}", True),
        ("SELECT ?from { ?from ?p 'FROM' } # FROM", False),
    ],
)
def test_a_dataset_clause_is_noticed(query: str, *, expected: bool) -> None:
    assert POLICY.check(query).names_dataset is expected


#: What makes the engine crash or crawl, each a function of how much of it there is.
BOMBS: dict[str, Callable[[int], str]] = {
    "subselects": lambda n: "SELECT * " + "{ SELECT * " * n + "{}" + "}" * n,
    "groups": lambda n: "SELECT * " + "{" * n + "}" * n,
    "functions": lambda n: "SELECT * { BIND(" + "ABS(" * n + "1" + ")" * n + " AS ?x) }",
    "parentheses": lambda n: "SELECT * { BIND(" + "(" * n + "1" + ")" * n + " AS ?x) }",
    "exists": lambda n: "SELECT * { " + "FILTER EXISTS { " * n + "}" * n + " }",
    "nested optionals": lambda n: "SELECT * { " + "OPTIONAL { ?a ?b ?c " * n + "}" * n + " }",
    "nested lists": lambda n: "SELECT * { ?s ?p " + "(" * n + ")" * n + " }",
    "nested blanks": lambda n: "SELECT * { ?s ?p " + "[ ?p " * n + "1" + "]" * n + " }",
    "nots": lambda n: "SELECT * { FILTER(" + "!" * n + "?x) }",
    "patterns": lambda n: "SELECT * { " + "?a ?b ?c . " * n + "}",
    "objects": lambda n: "SELECT * { ?a ?b " + ",".join("1" * n) + " }",
    "a list": lambda n: "SELECT * { ?a ?b (" + " 1" * n + ") }",
    "joined groups": lambda n: "SELECT * { " + "{ ?a ?b ?c } " * n + "}",
    "joined values": lambda n: "SELECT * { " + "VALUES ?x { 1 } " * n + "}",
    "unions": lambda n: "SELECT * { {}" + " UNION {}" * n + " }",
    "optionals": lambda n: "SELECT * { " + "OPTIONAL { ?a ?b ?c } " * n + "}",
    "ors": lambda n: "SELECT * { FILTER(?a" + " || ?a" * n + ") }",
    "sums": lambda n: "SELECT * { FILTER(?a" + "+?a" * n + ") }",
    "a path": lambda n: "SELECT * { ?a <a:b>" + "/<a:b>" * n + " ?o }",
    "alternatives": lambda n: "SELECT * { ?a <a:b>" + "|<a:b>" * n + " ?o }",
    "filters": lambda n: "SELECT * { " + "FILTER(?a) " * n + "}",
    "binds": lambda n: "SELECT * { " + " ".join(f"BIND(1 AS ?x{i})" for i in range(n)) + " }",
    "projection": lambda n: "SELECT " + " ".join(f"(1 AS ?x{i})" for i in range(n)) + " {}",
    "triple terms": lambda n: (
        "SELECT * { BIND(" + "<<(" * n + "1" + " <a:b> 1)>>" * n + " AS ?x) }"
    ),
    # The same, behind a “<” that another reader might take for the beginning of an IRI.
    "hidden": lambda n: "SELECT * { FILTER(?a<" + "(" * n + "1" + ")" * n + "&&?c>1) }",
    "hidden sums": lambda n: "SELECT * { FILTER(?a<1" + " +1" * n + "&&?c>2) }",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_the_limit_is_named(name: str) -> None:
    with pytest.raises(QueryTooComplex) as caught:
        POLICY.check(BOMBS[name](5000))
    assert caught.value.status == 400
    limit = caught.value.limit
    assert str(getattr(POLICY, limit)) in caught.value.message


@pytest.mark.parametrize("name", BOMBS)
def test_what_passes_does_not_harm_the_engine(name: str) -> None:
    passing = [n for n in (1, 5, 20, 60, 120) if _passes(BOMBS[name](n))]
    assert passing
    ox.Store().query(BOMBS[name](passing[-1]))


def _passes(query: str) -> bool:
    try:
        POLICY.check(query)
    except QueryTooComplex:
        return False
    return True


def test_long_lists_of_values_pass() -> None:
    values = " ".join(f"<http://a/{i}>" for i in range(5000))
    POLICY.check(
        f"SELECT * {{ VALUES ?x {{ {values} }} FILTER(?x IN ({values.replace(' ', ',')})) }}"
    )


def test_a_query_is_limited_in_bytes() -> None:
    with pytest.raises(QueryTooComplex, match="262144 bytes"):
        POLICY.check("SELECT * { ?s ?p '" + "한" * 90_000 + "' }")


pieces = st.sampled_from(
    ["{", "}", "(", ")", "[", "]", "<", ">", "'", '"', "'''", '"""', "#", "\n", "\\", "\\u0027", " ",
     "?a", "<http://a/#b>", "a:b", "SELECT", "FILTER", "VALUES", "SERVICE", "1", ".", ",", "^^", "@en"]
)  # fmt: skip


@given(st.lists(pieces, max_size=60).map("".join))
def test_tokens_and_what_is_skipped_make_up_the_text(query: str) -> None:
    position = 0
    for token in tokenize(query):
        assert token.position >= position
        assert query[token.position : token.position + len(token.text)] == token.text
        position = token.position + len(token.text)


@given(st.lists(pieces, max_size=60).map("".join))
def test_what_the_engine_takes_for_a_call_is_refused(query: str) -> None:
    """No text that passes makes the engine evaluate SERVICE: it would fail with OSError."""
    try:
        POLICY.check(query)
    except PeninsulaError:
        return
    try:
        list(ox.Store().query(query))  # type: ignore[arg-type]
    except (SyntaxError, TypeError, ValueError, RuntimeError):
        pass


@given(st.text(alphabet="\\uU0041SERVICE ", max_size=30))
def test_resolving_escapes_never_fails(text: str) -> None:
    assert "\\u0045" not in resolve_escapes(text)
