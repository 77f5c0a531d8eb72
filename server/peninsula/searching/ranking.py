"""In which order does what was found stand, and what is told of it?

A thing is as good as the name of it that fits best. What it is called in the script of whoever asks
explains that best, where it fits nearly as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from peninsula.labels import LANGUAGES, rank_tag
from peninsula.searching.comparison import (
    Fit,
    Span,
    correct,
    find_spans,
    fit,
    fit_spread,
)
from peninsula.searching.entries import BORROWED, Entry, Title
from peninsula.searching.kinds import slug_of, standing
from peninsula.searching.phrases import Phrase, read_name
from peninsula.searching.romanization import script_of
from peninsula.searching.wishes import Hit, Name
from peninsula.searching.words import HOWS
from peninsula.spelling import Piece, mark_spans

_SNIPPET: Final = 180
#: Names that are compared for one question, one after another.
MOST_COMPARED: Final = 20_000
#: What a name counts for that is not the main one: the name of an item of Wikidata, another one,
#: and the one in the address.
_BORROWED_NAME: Final = 0.95
_OTHER_NAME: Final = 0.97
_ADDRESS: Final = 0.8
#: What it counts for that much is said of a thing.
_RENOWN: Final = 0.05
#: How well, beside the best, a name must fit to be shown for its script or its language.
_NEARLY_AS_WELL: Final = 0.8
#: What is loosely alike counts for beside what is strictly alike.
_LOOSELY: Final = 0.8
#: How well a name must fit to be meant as a whole.
_MEANT: Final = 0.6


class Ranked(NamedTuple):
    """A thing that fits, with what tells how well."""

    order: tuple[float, int, str]
    entry: Entry
    fit: Fit
    #: The name that fits best; None where it is in the address, or in several names.
    title: Title | None


class _Fitting(NamedTuple):
    """A name that fits."""

    score: float
    #: Whether it is in the script of the question.
    is_akin: bool
    #: The shorter the better.
    length: int
    fit: Fit
    title: Title | None

    def may_stand_for(self, best: _Fitting) -> bool:
        """Return whether it may be shown in the place of the best.

        A short name in another script may fit best as a whole: 푸틴 is Путин.
        """
        if self.fit.is_strict != best.fit.is_strict:
            return False
        is_nearly = self.score >= best.score * _NEARLY_AS_WELL
        return is_nearly or HOWS.index(self.fit.how) < HOWS.index(best.fit.how)


def rank(
    phrase: Phrase,
    entry: Entry,
    *,
    is_loose: bool,
    is_partial: bool = False,
    names_in: str = "",
    language: str = "en",
) -> Ranked | None:
    """Return how well the names of a thing fit what is looked for; None where they do not."""
    script = script_of(phrase.phrase)
    titles = [t for t in entry.titles if not names_in or t.tag == names_in]
    fitting: list[_Fitting] = []
    for title in titles:
        found = fit(phrase, read_name(title.text), is_loose=is_loose, is_partial=is_partial)
        if found is not None:
            is_akin = script_of(title.text) == script
            score = found.score * _worth(title)
            fitting.append(_Fitting(score, is_akin, -len(title.text), found, title))
    best = max(fitting, default=None, key=lambda one: one[:3])
    if not names_in and (best is None or best.score < _ADDRESS):
        best = _fit_address(phrase, entry, best, is_loose=is_loose, is_partial=is_partial)
    if best is None:
        return None
    score = round(best.score * standing(entry.iri) + _RENOWN * entry.renown, 6)
    shown = best
    if best.title is not None:
        shown = max(
            (one for one in fitting if one.may_stand_for(best)),
            key=lambda one: (
                one.is_akin, bool(one.title and one.title.tag == language), *one[:3]
            ),
        )  # fmt: skip
    told = best.fit._replace(how=shown.fit.how)
    return Ranked((-score, -best.length, entry.iri), entry, told, shown.title)


def rank_exact(entry: Entry) -> Ranked:
    """Return a thing that was named by its IRI: nothing fits better."""
    return Ranked((-2.0, 0, entry.iri), entry, Fit(1.0, "iri", is_strict=True), None)


def _worth(title: Title) -> float:
    if title.rank >= BORROWED:
        return _BORROWED_NAME
    return _OTHER_NAME if title.rank in {4, 5} else 1.0


def _fit_address(
    phrase: Phrase, entry: Entry, best: _Fitting | None, *, is_loose: bool, is_partial: bool
) -> _Fitting | None:
    """Return what fits better than ``best``: what is in the address, else all names together."""
    name = read_name(slug_of(entry.iri))
    is_akin = phrase.phrase.isascii()
    found = fit(phrase, name, is_loose=is_loose, is_partial=is_partial) if name.tokens else None
    if found is not None and (best is None or found.score * _ADDRESS > best.score):
        best = _Fitting(found.score * _ADDRESS, is_akin, -len(name.phrase), found, None)
    if best is None and not is_partial:
        names = [read_name(title.text) for title in entry.titles]
        spread = fit_spread(phrase, [*names, name], is_loose=is_loose)
        if spread is not None:
            best = _Fitting(spread.score, is_akin, 0, spread, None)
    return best


def in_order(found: Iterable[Ranked]) -> list[Ranked]:
    """Return what was found, best first; what is strictly alike before what is loosely so."""
    ranked = list(found)
    if any(one.fit.is_strict for one in ranked):
        ranked = [one if one.fit.is_strict else _lowered(one) for one in ranked]
    return sorted(ranked)


def _lowered(one: Ranked) -> Ranked:
    score, length, iri = one.order
    return one._replace(order=(round(score * _LOOSELY, 6), length, iri))


def suggest(phrase: Phrase, ranked: list[Ranked]) -> str:
    """Return what may have been meant, as it is written in the script of the question."""
    best = ranked[0]
    if best.title is None:
        return ""
    script = script_of(phrase.phrase)
    if script_of(best.title.text) == script:
        return correct(phrase, read_name(best.title.text), best.title.text)
    akin = [title.text for title in sorted(best.entry.titles) if script_of(title.text) == script]
    return akin[0] if akin and best.fit.score >= _MEANT else ""


def affordable(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the first of ``entries``, until their names are as many as can be compared."""
    names = 0
    for entry in entries:
        yield entry
        names += len(entry.titles)
        if names > MOST_COMPARED:
            return


def make_hit(ranked: Ranked, phrase: Phrase, language: str, class_: str, class_label: str) -> Hit:
    """Return what is told of a thing that was found."""
    entry, title, how = ranked.entry, ranked.title, ranked.fit.how
    label = label_of(entry, language)
    others = [
        Name(other.text, other.tag)
        for other in sorted(entry.titles, key=lambda t: (rank_tag(t.tag), t))
        if other.text != label.text
    ]
    snippet: tuple[Piece, ...] = ()
    of = ""
    spans: list[Span] = []
    if how != "iri":
        spans = find_spans(phrase, read_name(label.text), label.text)
        script = script_of(phrase.phrase)
        if title and spans and script_of(label.text) == script != script_of(title.text):
            # It fits best as it sounds; but what was typed is seen in the label.
            title = None
        if title is not None and title.text != label.text:
            marked = find_spans(phrase, read_name(title.text), title.text)
            snippet, of = mark_spans(title.text, marked, most=_SNIPPET), title.tag
    matched = Name(title.text, title.tag) if title else label
    return Hit(
        entry.iri,
        mark_spans(label.text, spans),
        class_,
        class_label,
        tuple(dict.fromkeys(others)),
        snippet,
        of,
        min(1.0, round(-ranked.order[0], 4)),
        how,
        matched,
    )


def label_of(entry: Entry, language: str) -> Name:
    """Return what a thing is called for a reader of ``language``."""
    order = (language, "en", *LANGUAGES)
    best = min(
        entry.titles,
        key=lambda t: (
            t.rank >= BORROWED,
            order.index(t.tag) if t.tag in order else len(order),
            t.rank,
            t.text,
        ),
    )
    return Name(best.text, best.tag)


def put_first(exact: Ranked | None, ranked: list[Ranked]) -> list[Ranked]:
    """Return ``ranked`` after what was named by its IRI."""
    if exact is None:
        return ranked
    return [exact, *(found for found in ranked if found.entry.iri != exact.entry.iri)]
