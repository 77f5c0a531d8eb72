"""What is asked?

Two mixes. Over the generated data one adapted from BSBM's explore and business-intelligence use
cases: point lookups, star joins, OPTIONAL, negation, FILTER, paths, text search, aggregation, ORDER
BY, DESCRIBE, CONSTRUCT. Over the real graph some of its own questions.

Each query is marked *tiny* (answered by the engine within about a millisecond, so that HTTP is what
one measures) or *heavy*. Every solution sequence is determined by the data: a LIMIT stands only
under a total ORDER BY or where just the number of rows is compared.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.generator import COUNTRIES, THINGS, VOCABULARY, Shape

RESULTS = "application/sparql-results+json"
TRIPLES = "application/n-triples"
LINES = "text/tab-separated-values"

_PREFIXES = f"""PREFIX v: <{VOCABULARY}>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
"""


@dataclass(frozen=True, slots=True)
class Query:
    """A query with ``%name%`` where a parameter goes, drawn anew each time."""

    name: str
    tiny: bool
    text: str
    accept: str = RESULTS
    draw: Callable[[random.Random], Mapping[str, str]] | None = field(default=None, repr=False)

    def instance(self, chance: random.Random) -> str:
        """Return the query with parameters drawn, and a comment that makes its text unique.

        The comment is what keeps an answer from a cache: a cached one is measured apart.
        """
        return f"{self.fixed(chance)}\n# {chance.getrandbits(48):x}\n"

    def fixed(self, chance: random.Random) -> str:
        """Return the query with parameters drawn: the same for the same state of ``chance``."""
        text = self.text
        for name, value in (self.draw(chance) if self.draw else {}).items():
            text = text.replace(f"%{name}%", value)
        return text


def generated(shape: Shape) -> list[Query]:
    """Return the mix over the generated data."""

    def one(kind: str, number: int) -> Callable[[random.Random], Mapping[str, str]]:
        return lambda chance: {kind: f"<{THINGS}{kind}/{chance.randrange(number) + 1}>"}

    def entry(kind: str, per_product: int) -> Callable[[random.Random], Mapping[str, str]]:
        return lambda chance: {
            kind: f"<{THINGS}{kind}/{chance.randrange(shape.products) + 1}"
            f"-{chance.randrange(per_product)}>"
        }

    def country(chance: random.Random) -> Mapping[str, str]:
        return {"country": f"<{THINGS}country/{COUNTRIES[chance.randrange(4)]}>"}

    product = one("product", shape.products)
    tiny = [
        ("label of a product", "SELECT ?label { %product% rdfs:label ?label }", RESULTS, product),
        (
            "a product with OPTIONALs",
            """SELECT ?label ?comment ?maker ?feature ?text1 ?number5 ?text5 {
  %product% rdfs:label ?label ; rdfs:comment ?comment ; v:producer/rdfs:label ?maker ;
    v:feature/rdfs:label ?feature ; v:text1 ?text1 .
  OPTIONAL { %product% v:number5 ?number5 } OPTIONAL { %product% v:text5 ?text5 } }""",
            RESULTS,
            product,
        ),
        (
            "cheap offers of a product",
            """SELECT ?offer ?price { ?offer v:product %product% ; v:vendor ?vendor ;
    v:deliveryDays ?days ; v:price ?price ; v:validTo ?to .
  FILTER(?days <= 10 && ?to > "2009-01-01"^^xsd:date) }
ORDER BY xsd:double(STR(?price)) ?offer LIMIT 10""",
            RESULTS,
            product,
        ),
        (
            "reviews of a product",
            """SELECT ?title ?text ?date ?name ?rating1 ?rating2 {
  ?review v:reviewFor %product% ; v:title ?title ; v:text ?text ; v:reviewDate ?date ;
    v:reviewer/rdfs:label ?name .
  FILTER(LANGMATCHES(LANG(?text), "en"))
  OPTIONAL { ?review v:rating1 ?rating1 } OPTIONAL { ?review v:rating2 ?rating2 } }
ORDER BY DESC(?date) ?review LIMIT 20""",
            RESULTS,
            product,
        ),
        (
            "everything about an offer",
            "SELECT ?p ?o ?s { { %offer% ?p ?o } UNION { ?s ?p %offer% } }",
            RESULTS,
            entry("offer", 20),
        ),
        (
            "types of a product, up the tree",
            "SELECT ?type ?label { %product% a/rdfs:subClassOf* ?type . ?type rdfs:label ?label }",
            RESULTS,
            product,
        ),
        (
            "DESCRIBE the author of a review",
            "DESCRIBE ?author { %review% v:reviewer ?author }",
            TRIPLES,
            entry("review", 10),
        ),
        (
            "CONSTRUCT an offer",
            """CONSTRUCT { %offer% v:product ?product ; v:label ?label ; v:price ?price }
WHERE { %offer% v:product ?product ; v:price ?price . ?product rdfs:label ?label }""",
            TRIPLES,
            entry("offer", 20),
        ),
    ]
    heavy = [
        (
            "star join with cheapest offers",
            """SELECT ?product ?label (MIN(?price) AS ?cheapest) {
  ?product v:producer/v:country %country% ; rdfs:label ?label ; v:number1 ?n .
  ?offer v:product ?product ; v:price ?price ; v:deliveryDays ?days
  FILTER(?n > 1000 && ?days <= 3) }
GROUP BY ?product ?label ORDER BY ?cheapest ?product LIMIT 20""",
            country,
        ),
        (
            "negation by OPTIONAL",
            """SELECT (COUNT(?product) AS ?n) { ?product a v:Product ; v:number1 ?a ; v:number3 ?b .
  FILTER(?a > 500 && ?b < 1000) OPTIONAL { ?product v:number5 ?none } FILTER(!BOUND(?none)) }""",
            None,
        ),
        (
            "MINUS those rated well",
            """SELECT (COUNT(?product) AS ?n) { ?product a v:Product
  MINUS { ?review v:reviewFor ?product ; v:rating1 ?rating FILTER(?rating > 8) } }""",
            None,
        ),
        (
            "products like one",
            """SELECT ?other (COUNT(?feature) AS ?shared) {
  %product% v:feature ?feature . ?other v:feature ?feature FILTER(?other != %product%) }
GROUP BY ?other ORDER BY DESC(?shared) ?other LIMIT 10""",
            product,
        ),
        (
            "REGEX over labels",
            """SELECT ?product ?label { ?product a v:Product ; rdfs:label ?label
  FILTER REGEX(?label, "^b[aeiou]+.* [st]", "i") }""",
            None,
        ),
        (
            "CONTAINS over review texts",
            """SELECT (COUNT(?review) AS ?n) { ?review v:text ?text
  FILTER(CONTAINS(LCASE(?text), "hang") && LANG(?text) = "en") }""",
            None,
        ),
        (
            "average price by country",
            """SELECT ?country (COUNT(?offer) AS ?offers) (AVG(?price) AS ?average) {
  ?offer v:vendor ?vendor ; v:price ?price . ?vendor v:country ?country }
GROUP BY ?country ORDER BY ?country""",
            None,
        ),
        (
            "reviews between countries",
            """SELECT ?from ?to (COUNT(?review) AS ?n) {
  ?review v:reviewFor ?product ; v:reviewer ?by .
  ?by v:country ?from . ?product v:producer ?maker . ?maker v:country ?to }
GROUP BY ?from ?to ORDER BY DESC(?n) ?from ?to LIMIT 20""",
            None,
        ),
        (
            "best rated products",
            """SELECT ?product (AVG(?rating) AS ?mean) (COUNT(?rating) AS ?n) {
  ?review v:reviewFor ?product ; v:rating1 ?rating }
GROUP BY ?product HAVING (COUNT(?rating) > 4) ORDER BY DESC(?mean) DESC(?n) ?product LIMIT 10""",
            None,
        ),
        (
            "distinct reviewers by producer",
            """SELECT ?maker (COUNT(DISTINCT ?by) AS ?reviewers) {
  ?product v:producer ?maker . ?review v:reviewFor ?product ; v:reviewer ?by }
GROUP BY ?maker ORDER BY ?maker""",
            None,
        ),
        (
            "dearest offers",
            """SELECT ?offer ?price { ?offer a v:Offer ; v:price ?price }
ORDER BY DESC(?price) ?offer LIMIT 100""",
            None,
        ),
        (
            "products under each upper type",
            """SELECT ?top (COUNT(?product) AS ?n) {
  ?product a v:Product ; a/rdfs:subClassOf+ ?top }
GROUP BY ?top ORDER BY ?top""",
            None,
        ),
        (
            "years of reviews",
            """SELECT ?year (COUNT(*) AS ?n) { ?review a v:Review ; v:reviewDate ?date
  BIND(YEAR(?date) AS ?year) } GROUP BY ?year ORDER BY ?year""",
            None,
        ),
        (
            "all products, four columns",
            """SELECT ?product ?label ?maker ?n { ?product a v:Product ; rdfs:label ?label ;
  v:producer ?maker ; v:number1 ?n }""",
            None,
        ),
    ]
    mix = [
        Query(name, True, _PREFIXES + text, accept, draw) for name, text, accept, draw in tiny
    ] + [Query(name, False, _PREFIXES + text, RESULTS, draw) for name, text, draw in heavy]
    mix.append(
        Query(
            "CONSTRUCT all prices",
            False,
            _PREFIXES + "CONSTRUCT { ?product v:price ?price } "
            "WHERE { ?offer v:product ?product ; v:price ?price }",
            TRIPLES,
        )
    )
    return mix


#: Questions of the library that take no parameter, asked of every server as the same text.
QUESTIONS = (
    "voting-agreement",
    "meetings-by-pair",
    "topics-tree",
    "tests-and-responses",
    "position-matrix",
    "votes-by-verification",
    "non-unanimous-votes",
    "entities-mentioned-most",
)


def real(queries: Path) -> list[Query]:
    """Return the mix over the real graph, given the folder of the question library."""
    mix = [
        Query(
            "one code of a state",
            True,
            "SELECT ?o { <https://w3id.org/peninsula/id/state/russia>"
            " <https://w3id.org/peninsula/ns#iso3166Alpha3> ?o }",
        )
    ]
    mix += [
        Query(slug, False, (queries / f"{slug}.rq").read_text(encoding="utf-8"))
        for slug in QUESTIONS
    ]
    mix.append(Query("every triple", False, "SELECT ?s ?p ?o { ?s ?p ?o }"))
    return mix


def million(rows: int = 1_000_000) -> str:
    """Return a query for ``rows`` rows of three terms, where there are so many triples."""
    return f"SELECT ?s ?p ?o {{ ?s ?p ?o }} LIMIT {rows}"


def five_million(triples: int) -> str:
    """Return a query with five million rows, over as few as a million triples."""
    times = " ".join(str(i) for i in range(max(1, -(-5_000_000 // triples))))
    return f"SELECT ?s ?p ?o {{ VALUES ?n {{ {times} }} ?s ?p ?o }} LIMIT 5000000"
