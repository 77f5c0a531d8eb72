"""What does a client of the Reconciliation API ask?

JSON in, plain values out. What is wrong is said with its place: the query of the batch, the field.
https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/ (sections 4 and 7)
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from peninsula.errors import ParameterError, RequestTooLarge

#: Queries in a batch; the manifest says so.
BATCH_SIZE: Final = 100
#: Candidates that a query may ask for, and that it gets where it does not say.
MOST_CANDIDATES: Final = 50
CANDIDATES: Final = 5
#: Characters of a query, or of a value, that are compared.
LONGEST_TEXT: Final = 1000
MOST_TYPES: Final = 20
MOST_CONDITIONS: Final = 20
MOST_VALUES: Final = 50
#: Entities, and properties, of a data extension.
MOST_IDS: Final = 1000
MOST_PROPERTIES: Final = 50
#: Values of a property that are sent of one entity, whatever the setting says.
MOST_SENT: Final = 1000

#: A batch is four deep: batch, query, properties, condition, values, value.
_DEEPEST: Final = 12
_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_STRICTNESS: Final = ("any", "should", "all")
_FIELDS: Final = ("query", "type", "type_strict", "limit", "properties")
_CALLBACK: Final = re.compile(r"[A-Za-z_$][\w$.]*", re.ASCII)
_LONGEST_CALLBACK: Final = 200

Value = str | int | float | bool


@dataclass(frozen=True)
class Reference:
    """A value that is an entity: one that was reconciled before."""

    id: str
    name: str = ""


@dataclass(frozen=True)
class Condition:
    """What a property of the wanted entity should be; one of several values is enough."""

    property: str
    values: tuple[Value | Reference, ...]


@dataclass(frozen=True)
class Query:
    """One reconciliation query."""

    text: str = ""
    types: tuple[str, ...] = ()
    #: ``any``, ``should`` or ``all``.
    strictness: str = "any"
    limit: int = CANDIDATES
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """A property of a data extension, with its settings as they are sent."""

    property: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def number(self, name: str, default: int = 0) -> int:
        """Return a setting that is a whole number, or is one in words, as OpenRefine sends it."""
        value = self.settings.get(name, default)
        if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value.strip(), re.ASCII):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value in ("", None):
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._wrong(name, value, "a whole number, 0 or more")
        return value

    def flag(self, name: str) -> bool:
        """Return a setting that is true or false; OpenRefine sends “on” for a ticked box."""
        value = self.settings.get(name, False)
        if isinstance(value, str):
            known = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
            value = {**known, "": False}.get(value.strip().lower(), value)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise self._wrong(name, value, "true or false")
        return value

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """Return a setting that is one of ``choices``, the first where it is not given."""
        value = self.settings.get(name) or choices[0]
        if value not in choices:
            raise self._wrong(name, value, f"one of {', '.join(choices)}")
        return str(value)

    def _wrong(self, name: str, value: object, what: str) -> ParameterError:
        return ParameterError(
            f"extend: the setting “{name}” of {self.property} is {_show(value)}.",
            f"It must be {what}.",
            parameter="extend",
        )


@dataclass(frozen=True)
class Extension:
    """A data extension query: which properties of which entities."""

    ids: tuple[str, ...]
    properties: tuple[Wanted, ...]


def read_batch(text: str) -> dict[str, Query]:
    """Return the queries of a batch by their keys; raises ParameterError, RequestTooLarge."""
    batch = _parse(text, "queries")
    if not isinstance(batch, dict):
        raise ParameterError(
            f"queries: {_show(batch)} is no batch.",
            'Send an object of queries by their keys: {"q0": {"query": "Moon Jae-in"}}.',
            parameter="queries",
        )
    if len(batch) > BATCH_SIZE:
        raise RequestTooLarge(
            f"queries: a batch of {len(batch):,} queries is longer than {BATCH_SIZE}.",
            f"Send {BATCH_SIZE} at a time; the manifest says so in batchSize.",
        )
    return {key: _read_query(told, f"queries: {_show(key)}") for key, told in batch.items()}


def read_single(text: str) -> Query:
    """Return the query of the old mode, ``query=``: a text, or an object in JSON."""
    if text.lstrip().startswith("{"):
        return _read_query(_parse(text, "query"), "query")
    return _read_query({"query": text}, "query")


def read_extension(text: str) -> Extension:
    """Return what a data extension query asks for."""
    told = _parse(text, "extend")
    example = 'Send {"ids": ["person:moon-jae-in"], "properties": [{"id": "pen:birthDate"}]}.'
    if not isinstance(told, dict) or not {"ids", "properties"} <= told.keys():
        raise ParameterError(
            "extend: this is no object with “ids” and “properties”.", example, parameter="extend"
        )
    ids, properties = told["ids"], told["properties"]
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        raise ParameterError("extend: “ids” is no list of texts.", example, parameter="extend")
    if not isinstance(properties, list):
        raise ParameterError("extend: “properties” is no list.", example, parameter="extend")
    for name, found, most in (
        ("ids", ids, MOST_IDS),
        ("properties", properties, MOST_PROPERTIES),
    ):
        if len(found) > most:
            raise RequestTooLarge(
                f"extend: {len(found):,} {name} are more than {most:,}.", f"Send {most} at a time."
            )
    wanted = []
    for place, one in enumerate(properties):
        if not isinstance(one, dict) or not isinstance(one.get("id"), str) or not one["id"]:
            raise ParameterError(
                f"extend: property {place} has no “id”.", example, parameter="extend"
            )
        settings = one.get("settings") or {}
        if not isinstance(settings, dict):
            raise ParameterError(
                f"extend: the settings of {_show(one['id'])} are no object.",
                'Write them as {"limit": 1}.',
                parameter="extend",
            )
        wanted.append(Wanted(one["id"], settings))
    return Extension(tuple(dict.fromkeys(ids)), tuple(wanted))


def check_callback(name: str) -> str:
    """Return the name of a function of JSONP; raises ParameterError where it is none."""
    if len(name) > _LONGEST_CALLBACK or not _CALLBACK.fullmatch(name):
        raise ParameterError(
            f"callback: {_show(name)} is no name of a function.",
            "Use letters, digits, _, $ and dots, and begin with no digit.",
            parameter="callback",
        )
    return name


def _parse(text: str, name: str) -> Any:
    """Return what JSON says; too deep a nesting is refused before a parser sees it."""
    depth = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            if depth > _DEEPEST:
                raise ParameterError(
                    f"{name}: the JSON is nested deeper than {_DEEPEST}.",
                    "Nothing that is asked here is that deep.",
                    parameter=name,
                )
        elif character in "]}":
            depth -= 1

    def refuse(constant: str) -> Any:
        raise ParameterError(
            f"{name}: {constant} is no number in JSON.", "Leave it out.", parameter=name
        )

    try:
        told = json.loads(text, parse_constant=refuse)
        # An escape can be half of a character, which no answer can hold.
        json.dumps(told, ensure_ascii=False).encode()
        return told
    except UnicodeEncodeError:
        raise ParameterError(
            f"{name}: the JSON holds half of a character, as an escape from \\ud800 to \\udfff.",
            "Write both halves, or the character itself.",
            parameter=name,
        ) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ParameterError(
            f"{name}: this is no JSON ({error.msg}, {place}).",
            "Send JSON, percent-encoded as the value of the form’s field.",
            parameter=name,
        ) from None
    except ValueError as error:
        # Python reads no whole number of thousands of digits.
        raise ParameterError(
            f"{name}: a number in the JSON cannot be read: {error}.",
            "Send it as a text.",
            parameter=name,
        ) from None


def _read_query(told: Any, where: str) -> Query:
    name = where.partition(":")[0]

    def wrong(message: str, remedy: str) -> ParameterError:
        return ParameterError(f"{where}: {message}", remedy, parameter=name)

    if not isinstance(told, dict):
        raise wrong(f"{_show(told)} is no query.", 'Write it as {"query": "Moon Jae-in"}.')
    if unknown := [key for key in told if key not in _FIELDS]:
        raise wrong(
            f"there is no field {_show(unknown[0])} in a query.",
            f"There are: {', '.join(_FIELDS)}.",
        )
    text = told.get("query")
    if text is not None and not isinstance(text, str):
        raise wrong(f"“query” is {_show(text)}, and no text.", "Put it in quotation marks.")
    text = (text or "").strip()
    if len(text) > LONGEST_TEXT:
        raise wrong(
            f"“query” has {len(text):,} characters, more than {LONGEST_TEXT}.",
            "Send the name alone.",
        )
    conditions = _read_conditions(told.get("properties"), wrong)
    if not text and not conditions:
        # An empty cell asks for nothing, and finds nothing; a query of no field is a mistake.
        if "query" not in told:
            raise wrong("neither “query” nor “properties” is given.", "Give one of them.")
        return Query(limit=_read_limit(told.get("limit"), wrong))
    strictness = told.get("type_strict", "any")
    if strictness not in _STRICTNESS:
        raise wrong(
            f"“type_strict” is {_show(strictness)}.", f"It must be one of {', '.join(_STRICTNESS)}."
        )
    types = _read_types(told.get("type"), wrong)
    return Query(text, types, strictness, _read_limit(told.get("limit"), wrong), conditions)


def _read_limit(limit: Any, wrong: Any) -> int:
    if limit is None:
        return CANDIDATES
    if (
        isinstance(limit, bool)
        or not isinstance(limit, int | float)
        or not math.isfinite(limit)
        or limit != int(limit)
        or limit < 1
    ):
        raise wrong(f"“limit” is {_show(limit)}.", "It must be a whole number, 1 or more.")
    return min(int(limit), MOST_CANDIDATES)


def _read_types(told: Any, wrong: Any) -> tuple[str, ...]:
    if told is None or told == "":
        return ()
    found = told if isinstance(told, list) else [told]
    # Some clients send types as they got them, as objects.
    ids = [one.get("id") if isinstance(one, dict) else one for one in found]
    if not all(isinstance(one, str) for one in ids) or len(ids) > MOST_TYPES:
        raise wrong(
            f"“type” is {_show(told)}.",
            f"It must be the id of a type, or a list of {MOST_TYPES} at most: pen:Person.",
        )
    return tuple(dict.fromkeys(text for one in ids if (text := str(one).strip())))


def _read_conditions(told: Any, wrong: Any) -> tuple[Condition, ...]:
    if told is None:
        return ()
    remedy = 'Write it as [{"pid": "pen:isCitizenOf", "v": "South Korea"}].'
    if not isinstance(told, list) or len(told) > MOST_CONDITIONS:
        raise wrong(f"“properties” is no list of {MOST_CONDITIONS} at most.", remedy)
    conditions = []
    for place, one in enumerate(told):
        if not isinstance(one, dict) or not isinstance(one.get("pid"), str) or "v" not in one:
            raise wrong(f"property {place} has no “pid” or no “v”.", remedy)
        given = one["v"] if isinstance(one["v"], list) else [one["v"]]
        if len(given) > MOST_VALUES:
            raise wrong(f"property {place} has more than {MOST_VALUES} values.", "Send fewer.")
        values = tuple(_read_value(value, place, wrong) for value in given)
        # An empty cell says nothing about the property.
        kept = tuple(value for value in values if value != "" and value is not None)
        if kept:
            conditions.append(Condition(one["pid"].strip(), kept))
    return tuple(conditions)


def _read_value(value: Any, place: int, wrong: Any) -> Value | Reference | None:
    if isinstance(value, dict):
        if not isinstance(value.get("id"), str):
            raise wrong(f"a value of property {place} has no “id”.", "Write its id, or a text.")
        name = value.get("name")
        return Reference(value["id"], name if isinstance(name, str) else "")
    if isinstance(value, str):
        return value.strip()[:LONGEST_TEXT]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise wrong(
        f"a value of property {place} is {_show(value)}.",
        'It must be a text, a number, true, false, or {"id": …}.',
    )


def _show(value: object) -> str:
    """Return a value as a message quotes it, short."""
    if isinstance(value, str):
        text = value if len(value) <= 80 else f"{value[:79]}…"
        return f"“{text}”"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:79]}…"
