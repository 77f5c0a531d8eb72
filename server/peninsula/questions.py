"""Which question is looked for, and what is meant by a name in place of a parameter?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, select
from peninsula.errors import ParameterError, UnknownName
from peninsula.labels import find_labels, name_of
from peninsula.library import Library, Parameter, QueryTemplate
from peninsula.namespaces import CONCEPT_SCHEMES, THING_KINDS, shorten
from peninsula.suggestions import Choice
from peninsula.terms import read_iri

#: Groups of the library: a question stands in the first that has one of its tags.
GROUPS: Final[dict[str, frozenset[str]]] = {
    "positions": frozenset({"positions", "stances", "ideas", "evaluations", "topics", "alignment"}),
    "expectations": frozenset({"expectations", "proposals", "conditions", "counterfactuals"}),
    "disputes": frozenset({"tensions", "denials", "readings"}),
    "council": frozenset(
        {"resolutions", "votes", "measures", "sanctions", "exemptions", "vetoes", "tests"}
    ),
    "meetings": frozenset(
        {
            "meetings", "summits", "visits", "talks", "absences", "events", "agreements",
            "initiatives", "forums",
        }
    ),
    "leaders": frozenset({"leaders", "offices", "persons"}),
    "actors": frozenset(
        {
            "actors", "states", "groups", "organizations", "relations", "profile", "places",
            "economy", "projects",
        }
    ),
    "claims": frozenset({"claims", "causes"}),
    "sources": frozenset({"provenance", "quality", "verification", "wikidata", "links"}),
    "overview": frozenset({"overview", "ontology", "vocabularies", "labels", "languages"}),
}  # fmt: skip
_RELATED: Final = 6
_SAME_NAME: Final = 12
_LABELLED: Final = """
SELECT DISTINCT ?thing WHERE {{
  VALUES ?property {{ rdfs:label skos:prefLabel skos:altLabel pen:paraphrase dcterms:title }}
  ?thing ?property ?label .
  FILTER(isIRI(?thing) && LCASE(STR(?label)) = {wanted})
}} LIMIT 60
"""


@dataclass(frozen=True)
class Group:
    """Questions about the same."""

    key: str
    questions: tuple[QueryTemplate, ...]


@dataclass(frozen=True)
class Selection:
    """The questions that somebody looks for, in groups, and the tags that would narrow them."""

    groups: tuple[Group, ...]
    count: int
    #: Tag → how many of the questions found have it; most first.
    tags: dict[str, int]


# Which questions there are.


def find_questions(library: Library, text: str = "", tags: Iterable[str] = ()) -> Selection:
    """Return the questions that have all ``tags`` and every word of ``text``."""
    words = _words(text)
    wanted = set(tags)
    found = [
        template
        for template in library.templates.values()
        if wanted <= set(template.tags) and _has(template, words)
    ]
    members: dict[str, list[QueryTemplate]] = {key: [] for key in (*GROUPS, "other")}
    for template in found:
        members[group_of(template)].append(template)
    counts: dict[str, int] = {}
    for template in found:
        for tag in template.tags:
            counts[tag] = counts.get(tag, 0) + 1
    groups = tuple(
        Group(key, tuple(sorted(questions, key=lambda t: _order(t, words))))
        for key, questions in members.items()
        if questions
    )
    return Selection(
        groups, len(found), dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    )


def group_of(template: QueryTemplate) -> str:
    """Return the key of the group in which a question stands: its first tag says most."""
    for tags in ({template.tags[0]}, set(template.tags)):
        for key, own in GROUPS.items():
            if own & tags:
                return key
    return "other"


def _order(template: QueryTemplate, words: Sequence[str]) -> tuple[int, bool, str]:
    summary = template.summary.casefold()
    return (-sum(word in summary for word in words), template.needs_values, template.slug)


def _words(text: str) -> list[str]:
    return re.findall(r"[\w’'-]+", text.casefold())[:12]


def _has(template: QueryTemplate, words: Sequence[str]) -> bool:
    if not words:
        return True
    said = " ".join(
        (
            template.summary, template.description, template.slug, *template.tags,
            *(parameter.description for parameter in template.parameters),
        )
    ).casefold()  # fmt: skip
    # Whoever writes “visits” means “visit”, too.
    return all(word in said or (len(word) > 4 and word.rstrip("s") in said) for word in words)


def find_related(library: Library, template: QueryTemplate) -> list[QueryTemplate]:
    """Return questions that share tags with this one; rare tags say more than common ones."""
    counts = library.tags
    own = set(template.tags)

    def nearness(other: QueryTemplate) -> float:
        return sum(1 / counts[tag] for tag in own & set(other.tags))

    others = [other for other in library.templates.values() if other is not template]
    near = sorted(others, key=lambda other: (-nearness(other), other.slug))
    return [other for other in near if nearness(other) > 0][:_RELATED]


# What is meant by a parameter.


def resolve_values(
    template: QueryTemplate,
    values: Mapping[str, str],
    dataset: Dataset,
    choices: Mapping[str, Sequence[Choice]],
) -> dict[str, str]:
    """Return ``values`` with the names of things replaced by what they name.

    A value that is an IRI stays. A name that fits one of ``choices``, or else one thing of the
    dataset, is that one; raises UnknownName where it fits none or several.
    """
    types = {parameter.name: parameter for parameter in template.parameters}
    resolved = {}
    for name, text in values.items():
        parameter = types.get(name)
        if parameter and parameter.type == "iri" and text.strip() and not is_iri(text):
            resolved[name] = _find_by_name(parameter, text.strip(), dataset, choices.get(name, ()))
        else:
            resolved[name] = text
    return resolved


def is_iri(text: str) -> bool:
    """Whether ``text`` can be read as the name of a thing rather than as a label of one."""
    try:
        read_iri(text)
    except ValueError:
        return False
    return True


def _find_by_name(
    parameter: Parameter, text: str, dataset: Dataset, choices: Sequence[Choice]
) -> str:
    wanted = text.casefold()
    fitting = [choice for choice in choices if choice[1].casefold() == wanted]
    if not fitting:
        named = _find_labelled(dataset, wanted)
        offered = {value for value, _ in choices}
        # What has an answer is meant rather than what only has the name.
        fitting = [choice for choice in named if choice[0] in offered] or named
    if len(fitting) == 1:
        return fitting[0][0]
    if fitting:
        raise UnknownName(
            f"Several things are called “{text}”.",
            "Choose one of them.",
            parameter=parameter.name,
            choices=fitting[:_SAME_NAME],
        )
    alike = set(get_close_matches(wanted, [label.casefold() for _, label in choices], _SAME_NAME))
    near = [
        choice
        for choice in choices
        if wanted in choice[1].casefold() or choice[1].casefold() in alike
    ][:_SAME_NAME]
    example = f"Example: {parameter.example}" if parameter.example else ""
    raise UnknownName(
        f"Nothing is called “{text}”.",
        "Perhaps one of these is meant." if near else example or "Look for it by the search box.",
        parameter=parameter.name,
        choices=near,
    )


def _find_labelled(dataset: Dataset, wanted: str) -> list[Choice]:
    """Return the things that have this name, in any language."""
    rows = select(dataset, _LABELLED.format(wanted=ox.Literal(wanted.lower())))
    things = [thing for row in rows if isinstance(thing := row[0], ox.NamedNode)]
    labels = find_labels(dataset, things)
    found = {shorten(thing.value): name_of(thing.value, labels) for thing in things}
    return sorted(found.items(), key=lambda choice: (choice[1].casefold(), choice[0]))


# How a parameter is asked for.

#: With more choices, a field with suggestions is better than a list.
_MOST_OPTIONS: Final = 60
_MOST_KINDS: Final = 8
_KINDS: Final = frozenset((*THING_KINDS, *CONCEPT_SCHEMES.values(), "pen"))


@dataclass(frozen=True)
class Field:
    """A parameter in a form: what it is set to, how that is called, and what it can be set to."""

    parameter: Parameter
    value: str = ""
    label: str = ""
    #: What stands in the field: the label, where it means this value alone, else the value.
    text: str = ""
    #: All choices, where a list of them is short enough to be read.
    options: tuple[Choice, ...] = ()
    #: The kinds of things to be suggested, with commas between.
    kinds: str = ""
    error: str = ""
    #: What may have been meant instead.
    nearby: tuple[Choice, ...] = ()

    @property
    def name(self) -> str:
        return self.parameter.name


def make_fields(
    template: QueryTemplate,
    values: Mapping[str, str],
    choices: Mapping[str, Sequence[Choice]],
    labels: Mapping[str, str],
    error: ParameterError | None = None,
) -> list[Field]:
    """Return the form of a question; ``labels`` names the things in ``values``."""
    fields = []
    for parameter in template.parameters:
        name = parameter.name
        value = values.get(name, "")
        offered = tuple(choices.get(name, ()))
        is_short = 0 < len(offered) <= _MOST_OPTIONS
        is_wrong = error is not None and error.parameter == name
        fields.append(
            Field(
                parameter,
                value,
                labels.get(value, ""),
                _write_text(value, labels.get(value, ""), offered),
                offered if is_short and not is_wrong else (),
                _kinds_of(parameter, offered),
                str(error) if is_wrong else "",
                error.choices if is_wrong and isinstance(error, UnknownName) else (),
            )
        )
    return fields


def _write_text(value: str, label: str, choices: Sequence[Choice]) -> str:
    same = [choice for choice, other in choices if other.casefold() == label.casefold()]
    return label if label and same == [value] else value


def _kinds_of(parameter: Parameter, choices: Sequence[Choice]) -> str:
    """Return which kinds of things fit, by those that do and by the example."""
    if parameter.type != "iri":
        return ""
    names = [*(value for value, _ in choices), parameter.example]
    kinds = sorted({name.partition(":")[0] for name in names if ":" in name} & _KINDS)
    return ",".join(kinds) if len(kinds) <= _MOST_KINDS else ""
