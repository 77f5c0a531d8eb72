"""Which identifiers may a text be: an address of ours, an item of Wikidata, a code, a UN symbol?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, select
from peninsula.namespaces import BASE, PREFIXES, expand
from peninsula.terms import iri_of, read_iri

_QID: Final = re.compile(
    r"(?:(?:https?://)?(?:www\.|m\.)?wikidata\.org/(?:wiki|entity)/|wd:)?(Q[1-9]\d{0,11})\Z",
    re.IGNORECASE,
)
#: S/RES/2397 (2017), UNSCR 2397, resolution 2397/2017, резолюция 2397, 결의 2397호, 결의 제2397호
_RESOLUTION: Final = re.compile(
    r"(?:s\s*/\s*res\s*/\s*|unsc\s*r?(?:es)?\.?\s*|scr\s*|res(?:olutions?)?\.?\s*"
    r"(?:no\.?\s*|number\s*|#\s*|№\s*)?|резолюци\w*\s*(?:№\s*|сб\s+оон\s*№?\s*)?|결의(?:안)?\s*(?:제\s*)?)"
    r"(\d{1,4})(?:\s*호)?(?!\d|/(?!(?:19|20)\d\d(?!\d)))",
    re.IGNORECASE,
)
_DRAFT: Final = re.compile(r"S\s*/\s*((?:19|20)\d\d)\s*/\s*(\d{1,4})\Z", re.IGNORECASE)
_CODE: Final = re.compile(r"[\w.:/-]{2,60}", re.ASCII)
#: Properties whose value means one thing and no other.
IDENTIFYING: Final = tuple(
    expand(name)
    for name in (
        "pen:symbol", "pen:resolutionNumber", "pen:iso3166Alpha3", "pen:iso3166Alpha2",
        "pen:unM49", "pen:geonamesId", "pen:inventoryId",
    )
)  # fmt: skip
_NUMBER: Final = expand("pen:resolutionNumber")
_INTEGER: Final = ox.NamedNode(expand("xsd:integer"))
_WD: Final = PREFIXES["wd"]
_BATCH: Final = 300
_FIND: Final = """
SELECT DISTINCT ?thing ?property ?value WHERE {{
  VALUES ?value {{ {values} }} ?thing ?property ?value
  FILTER(isIRI(?thing) && ?property IN ({properties}))
}} LIMIT 20000
"""


@dataclass(frozen=True)
class Identifiers:
    """What a text may be the identifier of."""

    #: IRIs of ours, or of a graph of others.
    iris: tuple[str, ...] = ()
    #: Items of Wikidata.
    items: tuple[str, ...] = ()
    literals: tuple[ox.Literal, ...] = ()


def read_identifiers(text: str, *, is_typed: bool = False) -> Identifiers:
    """Return what ``text`` may be the identifier of; a bare number only where a type is known."""
    text = text.strip().removeprefix("<").removesuffix(">")
    if not text:
        return Identifiers()
    if match := _QID.match(text):
        return Identifiers(items=(f"{_WD}{match[1].upper()}",))
    iris = tuple(_read_names(text))
    literals: list[ox.Literal] = []
    if match := _DRAFT.match(text):
        literals.append(ox.Literal(f"S/{match[1]}/{int(match[2])}"))
    numbers = [*dict.fromkeys(_RESOLUTION.findall(text))]
    if len(numbers) == 1:
        literals.append(ox.Literal(numbers[0].lstrip("0") or "0", datatype=_INTEGER))
    if text.isascii() and text.isdigit():
        if is_typed and len(text) <= 9:
            literals.append(ox.Literal(text))
            literals.append(ox.Literal(text.lstrip("0") or "0", datatype=_INTEGER))
    elif _CODE.fullmatch(text) and (len(text) > 3 or text.isupper()):
        literals.append(ox.Literal(text))
    return Identifiers(iris, (), tuple(dict.fromkeys(literals)))


def find_identified(dataset: Dataset, literals: Iterable[ox.Literal]) -> dict[ox.Literal, set[str]]:
    """Return what each literal identifies."""
    wanted = sorted(set(literals), key=str)
    properties = ", ".join(str(ox.NamedNode(iri)) for iri in IDENTIFYING)
    found: dict[ox.Literal, set[str]] = {}
    for start in range(0, len(wanted), _BATCH):
        values = " ".join(map(str, wanted[start : start + _BATCH]))
        for thing, _, value in select(dataset, _FIND.format(values=values, properties=properties)):
            if isinstance(value, ox.Literal):
                found.setdefault(value, set()).add(iri_of(thing))
    return found


def _read_names(text: str) -> Iterator[str]:
    """Yield the IRIs that a text may be: person:moon-jae-in, id/person/moon-jae-in, an address."""
    if " " in text or len(text) > 500:
        return
    prefix, colon, local = text.partition(":")
    try:
        if colon and prefix in PREFIXES and local and not local.startswith("//"):
            yield ox.NamedNode(PREFIXES[prefix] + local).value
        elif text.startswith(("http://", "https://")):
            yield ox.NamedNode(text).value
            # An address of this server, or of another that shows the same graph.
            if match := re.match(r"https?://[^/]+/(id/[\w-]+/[^?#]+)", text):
                yield read_iri(match[1]).value
        elif text.lstrip("/").startswith("id/"):
            yield ox.NamedNode(BASE + text.lstrip("/")).value
    except ValueError:
        return
