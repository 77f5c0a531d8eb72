"""What a query may be and contain is decided before any parser sees it."""

from __future__ import annotations

import time
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
        # “<<” is one token, and holds terms only, in an expression too.
        f"PREFIX : <a:> SELECT * {{ <<:s#'>'''\n :p :o >> :q :r . {CALL} #'''\n }}",
        f"PREFIX : <a:> SELECT * {{ BIND(<<(:s <a:#'''> 1)>> AS ?x) {CALL} #'''\n }}",
        # An IRI with an escape is one as well, whatever its other characters.
        rf"SELECT * {{ <a:\u0041#'''> ?p ?o . {CALL} #'''",
        f"SELECT * {{ ?s ex:a、 '' . {CALL} }}",
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
    "reified": lambda n: "SELECT * { " + "<<" * n + "<a:b> <a:b> 1" + " >> <a:b> 1 " * n + "}",
    "reified objects": lambda n: "SELECT * { ?a ?b " + "<< ?a ?b " * n + "1" + " >>" * n + "}",
    "reifiers": lambda n: "SELECT * { ?a ?b ?c " + "~ ?d " * n + "}",
    "annotations": lambda n: "SELECT * { ?a ?b ?c " + "{| ?a ?b |} " * n + "}",
    "nested annotations": lambda n: "SELECT * { ?a ?b ?c " + "{| ?a ?b " * n + "|}" * n + "}",
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


def _passes(text: str, *, is_update: bool = False) -> bool:
    try:
        if is_update:
            POLICY.check_update(text)
        else:
            POLICY.check(text)
    except QueryTooComplex:
        return False
    return True


#: The same for updates.
UPDATE_BOMBS: dict[str, Callable[[int], str]] = {
    "lists in data": lambda n: "INSERT DATA { <a:b> <a:b> " + "(" * n + ")" * n + "}",
    "blanks in data": lambda n: "INSERT DATA { <a:b> <a:b> " + "[<a:b> " * n + "1" + "]" * n + "}",
    "triple terms in data": lambda n: (
        "INSERT DATA { <a:b> <a:b> " + "<<(<a:b> <a:b> " * n + "1" + ")>>" * n + "}"
    ),
    "reified in data": lambda n: (
        "INSERT DATA { " + "<<" * n + "<a:b> <a:b> 1" + " >> <a:b> 1 " * n + "}"
    ),
    "annotations in data": lambda n: (
        "INSERT DATA { <a:b> <a:b> 1 " + "{| <a:b> 1 " * n + "|}" * n + "}"
    ),
    "lists in a template": lambda n: "INSERT { ?a ?b " + "(" * n + ")" * n + "} WHERE {}",
    "blanks in a template": lambda n: (
        "CLEAR ALL ; WITH <a:g> DELETE {} INSERT { ?a ?b "
        + "[?b " * n
        + "1"
        + "]" * n
        + "} WHERE {}"
    ),
    "patterns of DELETE WHERE": lambda n: "DELETE WHERE {" + "?a ?b ?c ." * n + "}",
    "graphs of DELETE WHERE": lambda n: "DELETE WHERE {" + "GRAPH ?g {?a ?b ?c}" * n + "}",
}


def _in_where(bomb: Callable[[int], str]) -> Callable[[int], str]:
    return lambda n: "CLEAR ALL ; INSERT { ?a ?b ?c } WHERE {" + bomb(n).removeprefix("SELECT * {")


UPDATE_BOMBS.update(
    {
        f"{name} in WHERE": _in_where(bomb)
        for name, bomb in BOMBS.items()
        if bomb(1).count("SELECT * {") == 1
    }
)


@pytest.mark.parametrize("name", UPDATE_BOMBS)
def test_a_bomb_of_an_update_is_refused_and_the_limit_is_named(name: str) -> None:
    with pytest.raises(QueryTooComplex) as caught:
        POLICY.check_update(UPDATE_BOMBS[name](5000))
    assert str(getattr(POLICY, caught.value.limit)) in caught.value.message


@pytest.mark.parametrize("name", UPDATE_BOMBS)
def test_what_passes_as_an_update_does_not_harm_the_engine(name: str) -> None:
    passing = [n for n in (1, 5, 20, 60, 120) if _passes(UPDATE_BOMBS[name](n), is_update=True)]
    assert passing
    ox.Store().update(UPDATE_BOMBS[name](passing[-1]))


@pytest.mark.parametrize(
    "text",
    [
        "INSERT DATA {" + "<a:b> <a:b> 1 ." * 50_000 + "}",
        "INSERT DATA { <a:b> <a:b> (" + "1 " * 50_000 + ")}",
        "INSERT DATA { <a:b> <a:b> 1 " + "{| <a:b> 1 |}" * 50_000 + "}",
        "INSERT DATA { <a:b> <a:b> 1 " + "~ <a:b> " * 50_000 + "}",
        "INSERT {" + "?a ?b ?c ." * 20_000 + "} WHERE {}",
        "DELETE {" + "GRAPH ?g {?a ?b ?c, 1}" * 10_000 + "} WHERE { ?a ?b ?c }",
        "INSERT DATA {<a:b> <a:b> 1};" * 20_000,
        "DELETE { ?a ?b 1 } INSERT { ?a ?b 2 } WHERE { ?a ?b 1 } ;" * 5_000,
        "INSERT DATA { <a:b> <a:b> '" + "} ; SELECT (((" * 50_000 + "' }",
    ],
    ids=lambda text: text[:40],
)
def test_an_update_may_be_long(text: str) -> None:
    POLICY.check_update(text)
    ox.Store().update(text)


@pytest.mark.parametrize(
    ("text", "operations", "loads"),
    [
        ("", (), ()),
        ("PREFIX a: <a:> INSERT DATA { a:b a:c 1 }", ("INSERT",), ()),
        ("insert data {} ; delete where {} ; clear all", ("INSERT", "DELETE", "CLEAR"), ()),
        ("WITH <a:g> DELETE {} INSERT {} WHERE {}; WITH <b:g> INSERT {} WHERE {}", ("DELETE", "INSERT"), ()),
        ("LOAD <http://a/>; LOAD SILENT a:x INTO GRAPH <a:g>", ("LOAD", "LOAD"), ("<http://a/>", "a:x")),
        ("BASE <x:> INSERT DATA { <a> <b> '''; LOAD <http://a/>''' } # ; LOAD <b:>", ("INSERT",), ()),
        ("INSERT DATA { <a:x> <a:y> '}' , \"}\\\"\" } ; LOAD <http://a/>", ("INSERT", "LOAD"), ("<http://a/>",)),
        ("INSERT DATA { <a:#')> <a:y> a:it\\'s\\( } ; LOAD <http://a/>", ("INSERT", "LOAD"), ("<http://a/>",)),
        ("INSERT DATA { <<:s#'}>\n:p :o>> :q 1 } ; LOAD <http://a/>", ("INSERT", "LOAD"), ("<http://a/>",)),
        (r"INSERT DATA { <a:b> <a:b> '\u0027} ; LOAD <http://a/> #' }", ("INSERT",), ("<http://a/>",)),
    ],
)  # fmt: skip
def test_what_an_update_does_is_told(
    text: str, operations: tuple[str, ...], loads: tuple[str, ...]
) -> None:
    facts = POLICY.check_update(text)
    assert facts.operations == operations
    assert facts.loads == loads


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("WITH <a:g> DELETE {} WHERE {}", True),
        ("DELETE {} USING <a:g> WHERE {}", True),
        ("DELETE { ?with ?using 'USING' } WHERE { ?with ?using ?o } # USING", False),
    ],
)
def test_a_dataset_of_an_update_is_noticed(text: str, *, expected: bool) -> None:
    assert POLICY.check_update(text).names_dataset is expected


@pytest.mark.parametrize(
    "text",
    [
        f"INSERT {{ ?s ?p ?o }} WHERE {{ {CALL} }}",
        f"INSERT DATA {{ <a:b> <a:b> '}}' }} ; DELETE {{}} WHERE {{ {CALL_TIGHT} }}",
        f"INSERT DATA {{ <a:b> <a:b> <a:')#> }} ; DELETE {{}} WHERE {{ {CALL} }}",
        f"INSERT DATA {{ <<:s#'>\n:p :o>> :q 1 }} ; DELETE {{}} WHERE {{ {CALL} }} #'",
        rf"INSERT DATA {{ <a:b> <a:b> '\u0027}} ; DELETE {{}} WHERE {{ {CALL} }} #'",
        r"DELETE {} WHERE { S\u0045RVICE <a:b> {} }",
    ],
)
def test_service_is_refused_in_an_update(text: str) -> None:
    with pytest.raises(QueryForbidden, match="SERVICE"):
        POLICY.check_update(text)


def test_data_may_speak_of_service() -> None:
    POLICY.check_update("INSERT DATA { <a:SERVICE> <a:b> 'SERVICE <http://a/> {}' } # SERVICE")


@pytest.mark.parametrize("word", ["SELECT", "ask", "CONSTRUCT", "Describe"])
def test_a_query_is_no_update(word: str) -> None:
    with pytest.raises(ProtocolError, match=f"{word.upper()} is a query"):
        POLICY.check_update(f"PREFIX insert: <http://INSERT/> {word} * {{}}")


def test_an_update_is_limited_in_bytes() -> None:
    text = "INSERT DATA { <a:b> <a:b> '" + "한" * 90_000 + "' }"
    POLICY.check_update(text)
    with pytest.raises(QueryTooComplex, match="200000 bytes") as caught:
        Policy(max_update_bytes=200_000).check_update(text)
    assert caught.value.limit == "max_update_bytes"


@pytest.mark.parametrize(
    ("query", "form", "is_deterministic"),
    [
        ("PREFIX a: <b:> select * { ?now a:rand 'UUID()' , <a:NOW> } # NOW()", "SELECT", True),
        ("ASK { BIND(NOW() AS ?x) }", "ASK", False),
        ("CONSTRUCT { ?s ?p ?o } WHERE { FILTER(rand () > 0.5) }", "CONSTRUCT", False),
        ("DESCRIBE ?x { BIND(UuId() AS ?x) }", "DESCRIBE", False),
        ("SELECT (STRUUID() AS ?x) {}", "SELECT", False),
        ("SELECT (BNODE('a') AS ?x) {}", "SELECT", False),
        (r"SELECT (N\u004FW() AS ?x) {}", "SELECT", False),
        ("SELECT (YEAR('2020-01-01T00:00:00Z') AS ?now) {}", "SELECT", True),
        # Whose data that are, others say.
        ("SELECT * { SERVICE <x:y> { ?s ?p ?o } }", "SELECT", True),
    ],
)
def test_form_and_determinism_are_told(query: str, form: str, *, is_deterministic: bool) -> None:
    facts = POLICY.check(query, allows_service=True)
    assert (facts.form, facts.is_deterministic) == (form, is_deterministic)


def test_an_ordinary_query_is_checked_in_a_fraction_of_a_millisecond() -> None:
    pattern = "?claim a pen:Claim ; pen:from ?from . FILTER(?from < '2020'^^pen:date) OPTIONAL { ?a ?b ?c } "
    query = f"PREFIX pen: <https://w3id.org/peninsula/ns#> SELECT ?claim ?from WHERE {{ {pattern * 5} }}"
    spent = []
    for _ in range(20):
        begin = time.perf_counter()
        POLICY.check(query)
        spent.append(time.perf_counter() - begin)
    assert min(spent) < 0.001


def test_megabytes_of_data_are_checked_in_a_moment() -> None:
    rows = "<http://example.org/thing> <http://example.org/p> 'a {value}' , [ <a:b> (1 2) ] .\n"
    begin = time.perf_counter()
    POLICY.check_update("INSERT DATA {" + rows * 120_000 + "}")
    assert time.perf_counter() - begin < 3


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
     "?a", "<http://a/#b>", "a:b", "SELECT", "FILTER", "VALUES", "SERVICE", "1", "<<", ">>", ";", "LOAD <http://127.0.0.1:9/>", "INSERT", ".", ",", "^^", "@en"]
)  # fmt: skip


@given(st.lists(pieces, max_size=60).map("".join))
def test_checking_an_update_fails_in_our_own_ways_only(text: str) -> None:
    for update in (text, "INSERT DATA {" + text, "DELETE { ?s ?p ?o } WHERE {" + text):
        try:
            facts = POLICY.check_update(update)
        except (ProtocolError, QueryForbidden, QueryTooComplex):
            continue
        try:
            ox.Store().update(update)
        except (SyntaxError, RuntimeError):
            continue
        except OSError:
            assert facts.loads


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
