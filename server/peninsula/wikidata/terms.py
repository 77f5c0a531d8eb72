"""How does Wikidata name what it speaks of, in RDF?

https://www.mediawiki.org/wiki/Wikibase/Indexing/RDF_Dump_Format, with the differences of the
query service. Its ``schema:`` is the one of ``http://``, not the one of ours.
"""

from __future__ import annotations

import re
from typing import Final

from peninsula.namespaces import expand

_PROP: Final = "http://www.wikidata.org/prop/"
ITEM: Final = "http://www.wikidata.org/entity/"
STATEMENT: Final = f"{ITEM}statement/"
VALUE: Final = "http://www.wikidata.org/value/"
#: Names of values that are there and not known.
UNKNOWN: Final = "http://www.wikidata.org/.well-known/genid/"
SCHEMA: Final = "http://schema.org/"
WIKIBASE: Final = "http://wikiba.se/ontology#"

DIRECT: Final = f"{_PROP}direct/"
CLAIM: Final = _PROP
MAIN: Final = f"{_PROP}statement/"
MAIN_VALUE: Final = f"{_PROP}statement/value/"
QUALIFIER: Final = f"{_PROP}qualifier/"
QUALIFIER_VALUE: Final = f"{_PROP}qualifier/value/"
NO_VALUE: Final = f"{_PROP}novalue/"

#: The prefixes of every query to the service.
PREFIXES: Final = {
    "wd": ITEM,
    "wdt": DIRECT,
    "p": CLAIM,
    "ps": MAIN,
    "psv": MAIN_VALUE,
    "pq": QUALIFIER,
    "pqv": QUALIFIER_VALUE,
    "wdno": NO_VALUE,
    "schema": SCHEMA,
    "wikibase": WIKIBASE,
    "rdf": expand("rdf:"),
    "rdfs": expand("rdfs:"),
    "skos": expand("skos:"),
    "owl": expand("owl:"),
}

LABEL: Final = expand("rdfs:label")
ALIAS: Final = expand("skos:altLabel")
TYPE: Final = expand("rdf:type")
SAME_AS: Final = expand("owl:sameAs")
DESCRIPTION: Final = f"{SCHEMA}description"
VERSION: Final = f"{SCHEMA}version"
MODIFIED: Final = f"{SCHEMA}dateModified"
ABOUT: Final = f"{SCHEMA}about"
PART_OF: Final = f"{SCHEMA}isPartOf"
ARTICLE_NAME: Final = f"{SCHEMA}name"
ARTICLE_LANGUAGE: Final = f"{SCHEMA}inLanguage"
ARTICLE: Final = f"{SCHEMA}Article"
RANK: Final = f"{WIKIBASE}rank"
BEST: Final = f"{WIKIBASE}BestRank"
DEPRECATED: Final = f"{WIKIBASE}DeprecatedRank"
TIME: Final = f"{WIKIBASE}timeValue"
PRECISION: Final = f"{WIKIBASE}timePrecision"
ZONE: Final = f"{WIKIBASE}timeTimezone"
CALENDAR: Final = f"{WIKIBASE}timeCalendarModel"
SITELINKS: Final = f"{WIKIBASE}sitelinks"
STATEMENTS: Final = f"{WIKIBASE}statements"

#: The precision (``wikibase:timePrecision``) of a day, a month, a year.
DAY: Final = 11
MONTH: Final = 10
YEAR: Final = 9

_QID: Final = re.compile(r"Q[1-9][0-9]{0,14}")
PROPERTY: Final = re.compile(r"P[1-9][0-9]{0,8}")


def is_item(iri: str) -> bool:
    """Return whether ``iri`` names an item."""
    return iri.startswith(ITEM) and bool(_QID.fullmatch(iri[len(ITEM) :]))


def qid_of(iri: str) -> str:
    """Return the number of an item with its Q, such as ``Q159``."""
    return iri.removeprefix(ITEM)


def order_of(iri: str) -> tuple[int, str]:
    """Return by what items are sorted: their number."""
    number = qid_of(iri)[1:]
    return (int(number) if number.isdecimal() else 0, iri)
