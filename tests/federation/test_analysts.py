"""Are queries answered well that people write who know Wikidata and not this server?

Of a store in Wikidata's shape, behind a proxy that shows what it was asked; the answer is compared
with that of one dataset which holds everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox
import pytest

from peninsula.dataset.interface import Solutions
from peninsula.dataset.local import LocalDataset
from peninsula.errors import QueryTooComplex, ServiceForbidden, UpstreamFailed, UpstreamTimeout
from peninsula.federation.calls import Call
from peninsula.federation.dataset import FederatedDataset
from peninsula.federation.evaluation import Federation
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Service, Services
from peninsula.knowledge import find_knowledge
from peninsula.loading import load
from peninsula.policy import Policy
from tests.queries.conftest import OracleDataset
from tests.wikidata.servers import SERVICE_FILE, Nothing, Proxy, Status, serving

W: Final = "SERVICE <peninsula:wikidata>"
PEOPLE: Final = "?who a pen:Person ; skos:exactMatch ?item ."
STATES: Final = "?state a pen:State ; skos:exactMatch ?item ."
LABELS: Final = 'SERVICE wikibase:label { bd:serviceParam wikibase:language "[AUTO_LANGUAGE],en". }'

#: What is asked of a few items and brings a few rows, however it is written.
SMALL: Final = {
    "optional": f"{PEOPLE} {W} {{ ?item wdt:P569 ?birth . OPTIONAL {{ ?item wdt:P570 ?death }} }}",
    "clause first": f"{W} {{ ?item wdt:P569 ?birth }} {PEOPLE}",
    "nothing but optional": f"{PEOPLE} {W} {{ OPTIONAL {{ ?item wdt:P570 ?death }} "
    "OPTIONAL { ?item wdt:P569 ?birth } }",
    "optional around it": f"{PEOPLE} OPTIONAL {{ {W} {{ ?item wdt:P570 ?death }} }}",
    "optional with the match": "?who a pen:Person . OPTIONAL { ?who skos:exactMatch ?item . "
    f"{W} {{ ?item wdt:P569 ?birth }} }}",
    "labels by hand": f'{PEOPLE} {W} {{ ?item rdfs:label ?name FILTER(LANG(?name) = "ko") }}',
    "labels with a fallback": f"{PEOPLE} {W} {{ ?item wdt:P31 wd:Q5 . "
    'OPTIONAL { ?item rdfs:label ?ko FILTER(LANG(?ko) = "ko") } '
    'OPTIONAL { ?item rdfs:label ?en FILTER(LANG(?en) = "en") } BIND(COALESCE(?ko, ?en) AS ?n) }',
    "path": f"{STATES} {W} {{ ?item wdt:P31/wdt:P279* wd:Q3624078 }}",
    "path to a variable": f"{STATES} {W} {{ ?item wdt:P31/wdt:P279* ?class }}",
    "filter": f"{PEOPLE} {W} {{ ?item wdt:P569 ?birth FILTER(YEAR(?birth) > 1950) }}",
    "not exists": f"{PEOPLE} {W} {{ ?item wdt:P31 wd:Q5 "
    "FILTER NOT EXISTS { ?item wdt:P570 ?death } }",
    "minus": f"{PEOPLE} {W} {{ ?item wdt:P31 wd:Q5 MINUS {{ ?item wdt:P570 ?death }} }}",
    "statements": f"{PEOPLE} {W} {{ ?item p:P39 ?s . ?s ps:P39 ?office "
    "OPTIONAL { ?s pq:P580 ?start } OPTIONAL { ?s pq:P582 ?end } }",
    "ranks": f"{PEOPLE} {W} {{ ?item p:P39 [ ps:P39 ?o ; wikibase:rank wikibase:NormalRank ] }}",
    "union": f"{PEOPLE} {W} {{ {{ ?item wdt:P569 ?day }} UNION {{ ?item wdt:P570 ?day }} }}",
    "values": f"{PEOPLE} {W} {{ VALUES ?p {{ wdt:P569 wdt:P570 }} ?item ?p ?day }}",
    "bind first": f"{PEOPLE} {W} {{ BIND(wd:Q5 AS ?human) ?item wdt:P31 ?human }}",
    "count": f"{PEOPLE} {W} {{ SELECT ?item (COUNT(?o) AS ?n) "
    "{ ?item wdt:P39 ?o } GROUP BY ?item HAVING (COUNT(?o) > 1) }",
    "ordered": f"{PEOPLE} {W} {{ SELECT ?item ?day {{ ?item wdt:P569 ?day }} ORDER BY ?day }}",
    "articles": f"{PEOPLE} {W} {{ ?article schema:about ?item ; "
    "schema:isPartOf <https://en.wikipedia.org/> }",
    "two clauses": f"{PEOPLE} {W} {{ ?item wdt:P102 ?party }} "
    f'{W} {{ ?party rdfs:label ?name FILTER(LANG(?name) = "en") }}',
    "coordinates": f"{STATES} {W} {{ ?item wdt:P36 ?capital . ?capital wdt:P625 ?place }}",
}


class Setting:
    """Our graph, Wikidata, and what comes between."""

    def __init__(self, store: ox.Store, proxy: Proxy, gateway: Gateway) -> None:
        self.proxy = proxy
        self.oracle = OracleDataset(store)
        self.calls: list[Call] = []
        service = Service(
            "wikidata", proxy.address, is_trusted=True, timeout=2.0, cache=0.0, max_rows=2000
        )
        self.dataset = FederatedDataset(
            LocalDataset(store, Policy()),
            Federation(Services([service]), gateway),
            note=self.calls.extend,
        )

    def rows(self, query: str, dataset: Any = None) -> list[str]:
        solutions = (dataset or self.dataset).evaluate(query)
        assert isinstance(solutions, Solutions)
        names = sorted(solutions.variables)
        places = [solutions.variables.index(name) for name in names]
        return sorted(str([row[i] for i in places]) for row in solutions)


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    loaded = load(find_knowledge(Path(__file__).parents[2]))
    store = ox.Store()
    store.bulk_extend([*loaded.stated, *loaded.computed])
    gateway = Gateway(backoff=0.01)
    with serving(SERVICE_FILE) as service, Proxy(service.address) as proxy:
        yield Setting(store, proxy, gateway)
    gateway.close()


@pytest.fixture(autouse=True)
def _forget(setting: Setting) -> None:
    setting.proxy.clear()
    setting.calls.clear()


@pytest.mark.parametrize("name", SMALL)
def test_little_is_asked_and_little_comes(setting: Setting, name: str) -> None:
    query = f"SELECT * {{ {SMALL[name]} }}"
    rows = setting.rows(query)
    # Here, the prefix stands for another IRI.
    written = query.replace("schema:about", "<http://schema.org/about>")
    written = written.replace("schema:isPartOf", "<http://schema.org/isPartOf>")
    assert rows == setting.rows(written, setting.oracle)
    assert rows
    for call in setting.calls:
        assert 0 < call.sent <= 60 and call.rows <= 120, str(call)
        assert call.requests <= 1 + (name == "nothing but optional")
    assert "VALUES (?" in setting.proxy.queries[-1]


def test_the_label_service_is_passed_on_as_it_is_written(setting: Setting) -> None:
    """The store of the tests has none; what it is asked is what counts."""
    query = f"SELECT ?who ?item ?itemLabel ?partyLabel {{ {PEOPLE} {W} {{ ?item wdt:P102 ?party . {LABELS} }} }}"
    setting.proxy.always = Status(400)
    with pytest.raises(UpstreamFailed):
        setting.rows(query)
    (sent,) = setting.proxy.queries
    assert LABELS in sent
    assert "SELECT ?item ?itemLabel ?partyLabel WHERE {\nVALUES (?item) {" in sent
    for prefix in ("bd: <http://www.bigdata.com/rdf#>", "wikibase: <http://wikiba.se/ontology#>"):
        assert f"PREFIX {prefix}\n" in sent


def test_the_label_service_beside_a_clause_is_told_where_it_belongs(setting: Setting) -> None:
    with pytest.raises(ServiceForbidden) as caught:
        setting.rows(f"SELECT * {{ {PEOPLE} {W} {{ ?item wdt:P102 ?party }} {LABELS} }}")
    assert "SERVICE wikibase:label is a function of Wikidata's" in caught.value.message
    assert "into the braces" in caught.value.remedy
    assert not setting.proxy.seen


def test_what_asks_for_too_much_is_told_why(setting: Setting) -> None:
    # Whoever has no item fits every item there is.
    query = f"SELECT * {{ ?who a pen:Person OPTIONAL {{ ?who skos:exactMatch ?item }} {W} {{ ?item ?p ?o }} }}"
    with pytest.raises(QueryTooComplex, match="more than 1999 rows") as caught:
        setting.rows(query)
    assert caught.value.remedy.startswith("?item is unbound in some solutions of the rest")
    setting.proxy.always = Nothing()
    with pytest.raises(UpstreamTimeout) as late:
        setting.rows(query)
    assert late.value.remedy == caught.value.remedy


def test_a_limit_inside_of_a_clause_is_that_of_the_service(setting: Setting) -> None:
    query = f"SELECT * {{ {PEOPLE} {W} {{ SELECT ?item ?o {{ ?item wdt:P39 ?o }} LIMIT 5 }} }}"
    assert len(setting.rows(query)) <= 5
    assert "{ SELECT ?item ?o { ?item wdt:P39 ?o } LIMIT 5" in setting.proxy.queries[0]
