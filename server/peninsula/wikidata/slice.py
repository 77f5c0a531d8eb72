"""Which slice of Wikidata do we keep of an item, and by which queries is it fetched?

``data/links/slice.toml`` says it: languages, properties, qualifiers, wikis, and which classes a
thing of ours may be an instance of. A :class:`Part` is one query about a batch of items, with what
its answer may say: a service that says anything else is not believed.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from peninsula.errors import InvalidSetting, display_path
from peninsula.namespaces import expand
from peninsula.wikidata import terms as wikidata
from peninsula.wikidata.terms import (
    ABOUT,
    ALIAS,
    ARTICLE,
    ARTICLE_LANGUAGE,
    ARTICLE_NAME,
    CALENDAR,
    CLAIM,
    DESCRIPTION,
    DIRECT,
    ITEM,
    LABEL,
    MODIFIED,
    NO_VALUE,
    PART_OF,
    PRECISION,
    PROPERTY,
    SAME_AS,
    SITELINKS,
    STATEMENT,
    STATEMENTS,
    TIME,
    TYPE,
    VALUE,
    VERSION,
    ZONE,
)

#: Where the file stands in a folder of knowledge.
FILE: Final = Path("data", "links", "slice.toml")
#: The named graph of the snapshot.
SNAPSHOT: Final = expand("graph:wikidata")

_LISTS: Final = {"languages": "a list of language codes", "sites": "a list of addresses"}
_PROPERTIES: Final = ("properties", "statements", "referenced", "qualifiers")
_TABLES: Final = (*_PROPERTIES, "times", "classes")
_NUMBERS: Final = {"batch": (1, 500), "max-triples": (1, 100_000_000), "max-distance": (0, 20_000)}
_DAY: Final = 86_400


@dataclass(frozen=True)
class ClassFit:
    """Of which classes an item is that a thing of one of our classes may be."""

    any: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slice:
    """What is kept of an item; properties by their P, with what they are called in English."""

    languages: tuple[str, ...] = ("en", "ko", "ru", "mul")
    sites: tuple[str, ...] = ()
    batch: int = 40
    max_triples: int = 2_000_000
    max_age_days: float = 180
    max_distance: float = 15
    properties: Mapping[str, str] = field(default_factory=dict)
    statements: Mapping[str, str] = field(default_factory=dict)
    referenced: Mapping[str, str] = field(default_factory=dict)
    qualifiers: Mapping[str, str] = field(default_factory=dict)
    time_properties: tuple[str, ...] = ()
    time_qualifiers: tuple[str, ...] = ()
    #: Our class, as a prefixed name -> the classes of its items.
    classes: Mapping[str, ClassFit] = field(default_factory=dict)

    def digest(self) -> str:
        """Return what tells this slice from another, as far as a service is asked about it."""
        values = asdict(self)
        for name in ("max_age_days", "max_distance", "classes"):
            del values[name]
        text = json.dumps(values, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def read_slice(path: Path) -> Slice:
    """Return the slice that a file describes; raises InvalidSetting with what is wrong."""
    shown = display_path(path)
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise InvalidSetting(f"{shown}: it cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise InvalidSetting(f"{shown}: it is not UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidSetting(f"{shown}: it is not TOML: {error}.") from None
    try:
        return _read(content)
    except ValueError as error:
        raise InvalidSetting(f"{shown}: {error}.", "docs/links.md says what it takes.") from None


def _read(content: Mapping[str, Any]) -> Slice:
    known = {*_LISTS, *_TABLES, *_NUMBERS, "max-age"}
    if unknown := sorted(set(content) - known):
        raise ValueError(
            f"there is no setting “{unknown[0]}”; there are {', '.join(sorted(known))}"
        )
    default = Slice()
    values: dict[str, Any] = {}
    for name, what in _LISTS.items():
        values[name] = _texts(content.get(name, list(getattr(default, name))), name, what)
    for name, (least, most) in _NUMBERS.items():
        fallback = getattr(default, name.replace("-", "_"))
        number = content.get(name, fallback)
        if type(number) not in {int, float} or not least <= number <= most:
            raise ValueError(f"{name} must be a number from {least} to {most}")
        values[name.replace("-", "_")] = number
    values["batch"], values["max_triples"] = int(values["batch"]), int(values["max_triples"])
    values["max_age_days"] = _read_days(content.get("max-age", f"{default.max_age_days:g}d"))
    for name in _PROPERTIES:
        values[name] = _read_properties(content.get(name, {}), name)
    times = _table(content.get("times", {}), "times")
    if unknown := sorted(set(times) - {"properties", "qualifiers"}):
        raise ValueError(f"[times] has no “{unknown[0]}”")
    for name in ("properties", "qualifiers"):
        listed = _texts(times.get(name, []), f"times.{name}", "a list of properties")
        values[f"time_{name}"] = tuple(_property(text, f"times.{name}") for text in listed)
    classes = _table(content.get("classes", {}), "classes")
    values["classes"] = {name: _read_fit(name, entry) for name, entry in classes.items()}
    return Slice(**values)


def _table(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a table")  # noqa: TRY004, told like the others
    return value


def _texts(value: object, name: str, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise ValueError(f"{name} must be {what}")
    return tuple(value)


def _read_properties(value: object, name: str) -> dict[str, str]:
    table = _table(value, name)
    for key, label in table.items():
        _property(key, name)
        if not isinstance(label, str):
            raise ValueError(  # noqa: TRY004, told like the others
                f"{name}.{key} must say in words what the property is"
            )
    return {key: table[key] for key in sorted(table, key=lambda text: int(text[1:]))}


def _property(text: str, name: str) -> str:
    if not PROPERTY.fullmatch(text):
        raise ValueError(f"{name}: “{text}” is no property, such as P569")
    return text


def _read_fit(name: str, entry: object) -> ClassFit:
    try:
        expand(name)
    except KeyError:
        raise ValueError(f"classes: “{name}” is no prefixed name of ours") from None
    table = _table(entry, f"classes.{name}")
    if unknown := sorted(set(table) - {"any", "never"}):
        raise ValueError(f"classes.{name} has no “{unknown[0]}”, only any and never")
    found = {}
    for key in ("any", "never"):
        listed = _texts(table.get(key, []), f"classes.{name}.{key}", "a list of items")
        for text in listed:
            if not wikidata.is_item(f"{ITEM}{text}"):
                raise ValueError(f"classes.{name}.{key}: “{text}” is no item, such as Q5")
        found[key] = tuple(f"{ITEM}{text}" for text in listed)
    return ClassFit(found["any"], found["never"])


def _read_days(value: object) -> float:
    if isinstance(value, str) and value.endswith("d") and value[:-1].isdecimal():
        return float(value[:-1])
    raise ValueError("max-age must be a number of days, such as “180d”")


# What is asked.

Accepts = Callable[[ox.Triple, Collection[str]], bool]


@dataclass(frozen=True)
class Part:
    """One query about a batch of items, and what its answer may say."""

    name: str
    #: ``{things}`` stands for the items.
    query: str
    #: Whether a triple of the answer belongs to it, asked about these items.
    accepts: Accepts

    def ask(self, things: Sequence[str]) -> str:
        """Return the query about ``things``."""
        named = " ".join(_short(thing) for thing in things)
        return self.query.replace("{things}", named)


def _short(iri: str) -> str:
    return f"wd:{wikidata.qid_of(iri)}" if wikidata.is_item(iri) else str(ox.NamedNode(iri))


def _prologue(*prefixes: str) -> str:
    return "".join(f"PREFIX {name}: <{wikidata.PREFIXES[name]}>\n" for name in prefixes)


def revision_part() -> Part:
    """Return the query for the revision of each item, and for where it was redirected to."""
    properties = (VERSION, MODIFIED, SITELINKS, STATEMENTS, SAME_AS)
    query = f"""{_prologue("wd", "schema", "wikibase", "owl")}\
CONSTRUCT {{ ?item ?property ?value }} WHERE {{
  VALUES ?item {{ {{things}} }}
  ?item ?property ?value
  FILTER(?property IN (
    schema:version, schema:dateModified, wikibase:sitelinks, wikibase:statements, owl:sameAs))
}}
"""
    return Part("revisions", query, _about_items(properties))


def item_parts(slice: Slice) -> list[Part]:
    """Return the queries for what is kept of a linked item, besides its revision."""
    wanted = sorted({*slice.properties, *slice.statements}, key=lambda text: int(text[1:]))
    parts = [
        name_part(slice, "names", (LABEL, ALIAS, DESCRIPTION)),
        claim_part("claims", wanted),
    ]
    if slice.statements:
        parts.append(_statement_part(slice))
        if slice.time_properties or slice.time_qualifiers:
            parts.append(_time_part(slice))
    if slice.sites:
        parts.append(_article_part(slice))
    return parts


def name_part(slice: Slice, name: str, properties: Sequence[str]) -> Part:
    """Return the query for names of items in the languages of the slice."""
    tags = ", ".join(str(ox.Literal(tag)) for tag in slice.languages)
    query = f"""{_prologue("wd")}\
CONSTRUCT {{ ?item ?property ?text }} WHERE {{
  VALUES ?item {{ {{things}} }}
  ?item ?property ?text
  FILTER(?property IN ({_listed(properties)}))
  FILTER(LANG(?text) IN ({tags}))
}}
"""
    return Part(name, query, _about_items(properties, languages=frozenset(slice.languages)))


def superclass_part() -> Part:
    """Return the query for the classes above classes, each step a triple."""
    query = f"""{_prologue("wd", "wdt")}\
CONSTRUCT {{ ?class wdt:P279 ?super }} WHERE {{
  VALUES ?start {{ {{things}} }}
  ?start wdt:P279* ?class .
  ?class wdt:P279 ?super
}}
"""

    def accepts(triple: ox.Triple, _: Collection[str]) -> bool:
        subject, predicate, value = triple
        return (
            predicate.value == f"{DIRECT}P279"
            and isinstance(subject, ox.NamedNode)
            and isinstance(value, ox.NamedNode)
            and wikidata.is_item(subject.value)
            and wikidata.is_item(value.value)
        )

    return Part("superclasses", query, accepts)


def claim_part(name: str, wanted: Sequence[str]) -> Part:
    """Return the query for the values of properties at their best rank."""
    properties = [f"{DIRECT}{name}" for name in wanted]
    missing = ", ".join(f"wdno:{name}" for name in wanted)
    query = f"""{_prologue("wd", "wdt", "wdno", "rdf")}\
CONSTRUCT {{ ?item ?property ?value }} WHERE {{
  VALUES ?item {{ {{things}} }}
  ?item ?property ?value
  FILTER(?property IN ({", ".join(f"wdt:{name}" for name in wanted)})
    || (?property = rdf:type && ?value IN ({missing})))
}}
"""
    believes = _about_items((*properties, TYPE))

    def accepts(triple: ox.Triple, things: Collection[str]) -> bool:
        if not believes(triple, things):
            return False
        value = triple.object
        return triple.predicate.value != TYPE or (
            isinstance(value, ox.NamedNode) and value.value.startswith(NO_VALUE)
        )

    return Part(name, query, accepts)


def _statement_part(slice: Slice) -> Part:
    inner = [
        *("rdf:type", "wikibase:rank"),
        *(f"ps:{name}" for name in slice.statements),
        *(f"psv:{name}" for name in slice.time_properties if name in slice.statements),
        *(f"pq:{name}" for name in slice.qualifiers),
        *(f"pqv:{name}" for name in slice.time_qualifiers if name in slice.qualifiers),
    ]
    query = f"""{_prologue("wd", "p", "ps", "psv", "pq", "pqv", "rdf", "wikibase")}\
CONSTRUCT {{ ?item ?claim ?statement . ?statement ?property ?value }} WHERE {{
  VALUES ?item {{ {{things}} }}
  ?item ?claim ?statement
  FILTER(?claim IN ({_claims(slice)}))
  ?statement ?property ?value
  FILTER(?property IN ({", ".join(inner)}))
}}
"""
    claims = frozenset(f"{CLAIM}{name}" for name in slice.statements)
    properties = frozenset(_expand(name) for name in inner)

    def accepts(triple: ox.Triple, things: Collection[str]) -> bool:
        subject, predicate, value = triple
        if not isinstance(subject, ox.NamedNode):
            return False
        if predicate.value in claims:
            return subject.value in things and _is_below(value, STATEMENT)
        return subject.value.startswith(STATEMENT) and predicate.value in properties

    return Part("statements", query, accepts)


def _time_part(slice: Slice) -> Part:
    inner = [
        *(f"psv:{name}" for name in slice.time_properties if name in slice.statements),
        *(f"pqv:{name}" for name in slice.time_qualifiers if name in slice.qualifiers),
    ]
    query = f"""{_prologue("wd", "p", "psv", "pqv", "wikibase")}\
CONSTRUCT {{ ?time ?property ?value }} WHERE {{
  VALUES ?item {{ {{things}} }}
  ?item ?claim ?statement
  FILTER(?claim IN ({_claims(slice)}))
  ?statement ?points ?time
  FILTER(?points IN ({", ".join(inner)}))
  ?time ?property ?value
  FILTER(?property IN (wikibase:timeValue, wikibase:timePrecision, wikibase:timeTimezone,
    wikibase:timeCalendarModel))
}}
"""
    properties = frozenset((TIME, PRECISION, ZONE, CALENDAR))

    def accepts(triple: ox.Triple, _: Collection[str]) -> bool:
        return _is_below(triple.subject, VALUE) and triple.predicate.value in properties

    return Part("times", query, accepts)


def _article_part(slice: Slice) -> Part:
    sites = ", ".join(str(ox.NamedNode(site)) for site in slice.sites)
    query = f"""{_prologue("wd", "schema", "rdf")}\
CONSTRUCT {{ ?article ?property ?value }} WHERE {{
  VALUES ?item {{ {{things}} }}
  ?article schema:about ?item ; schema:isPartOf ?site
  FILTER(?site IN ({sites}))
  ?article ?property ?value
  FILTER(?property IN (
    rdf:type, schema:about, schema:isPartOf, schema:name, schema:inLanguage))
}}
"""
    properties = frozenset((TYPE, ABOUT, PART_OF, ARTICLE_NAME, ARTICLE_LANGUAGE))

    def accepts(triple: ox.Triple, things: Collection[str]) -> bool:
        subject, predicate, value = triple
        if not any(_is_below(subject, site) for site in slice.sites):
            return False
        match predicate.value:
            case wikidata.ABOUT:
                return isinstance(value, ox.NamedNode) and value.value in things
            case wikidata.PART_OF:
                return isinstance(value, ox.NamedNode) and value.value in slice.sites
            case wikidata.TYPE:
                return bool(value == ox.NamedNode(ARTICLE))
        return predicate.value in properties

    return Part("articles", query, accepts)


def _claims(slice: Slice) -> str:
    return ", ".join(f"p:{name}" for name in slice.statements)


def _listed(iris: Sequence[str]) -> str:
    return ", ".join(str(ox.NamedNode(iri)) for iri in iris)


def _expand(name: str) -> str:
    prefix, _, local = name.partition(":")
    return wikidata.PREFIXES[prefix] + local


def _is_below(term: object, namespace: str) -> bool:
    return isinstance(term, ox.NamedNode) and term.value.startswith(namespace)


def _about_items(properties: Sequence[str], languages: frozenset[str] = frozenset()) -> Accepts:
    wanted = frozenset(properties)

    def accepts(triple: ox.Triple, things: Collection[str]) -> bool:
        subject, predicate, value = triple
        if not isinstance(subject, ox.NamedNode) or subject.value not in things:
            return False
        if predicate.value not in wanted:
            return False
        if not languages:
            return True
        tag = value.language if isinstance(value, ox.Literal) else None
        return tag is not None and tag in languages

    return accepts
