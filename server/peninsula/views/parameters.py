"""What do the parameters of an address mean, and are they well written?

Each reader raises a ParameterError that says what is wrong, and how it is written right.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from flask import request

from peninsula.errors import ParameterError
from peninsula.protocol import read_number
from peninsula.terms import read_day, read_iri


def given(parameter: str) -> list[str]:
    """Return what is written for a parameter, as often as it is given."""
    return [text.strip() for text in request.args.getlist(parameter) if text.strip()]


def name_given(parameter: str, example: str = "state:russia") -> str:
    """Return the IRI that a parameter names, or nothing where it is not given."""
    text = request.args.get(parameter, "").strip()
    return read_name(parameter, text, example=example) if text else ""


def read_name(
    parameter: str, text: str, prefix: str = "", example: str = "state:russia or topic:sanctions"
) -> str:
    """Return the IRI that ``text`` means: an IRI, a prefixed name, or a name within ``prefix``."""
    try:
        if prefix and ":" not in text and "/" not in text:
            text = f"{prefix}:{text}"
        return read_iri(text).value
    except ValueError as error:
        raise ParameterError(
            f"“{text}” is no name for the parameter “{parameter}”: {error}.",
            f"Write it as {example}, or as a full IRI.",
            parameter=parameter,
        ) from None


def choices_given(parameter: str, choices: Collection[str]) -> list[str]:
    """Return which of ``choices`` are given."""
    found = given(parameter)
    for text in found:
        if text not in choices:
            raise ParameterError(
                f"“{text}” is nothing to choose for the parameter “{parameter}”.",
                f"There are: {', '.join(choices)}.",
                parameter=parameter,
            )
    return found


def choice_given(parameter: str, choices: Collection[str]) -> str:
    """Return the one of ``choices`` that is given, or the first."""
    return next(iter([*choices_given(parameter, choices), *choices]))


def number_given(parameter: str, default: int, most: int) -> int:
    """Return the number from 1 to ``most`` that is given, or ``default``."""
    text = request.args.get(parameter, "").strip()
    if not text:
        return default
    number = read_number(text, 1, most)
    if number is None:
        raise ParameterError(
            f"“{text[:40]}” is no number from 1 to {most} for the parameter “{parameter}”.",
            f"Try {default}.",
            parameter=parameter,
        )
    return number


def day_given(parameter: str, *, is_end: bool = False, is_whole: bool = False) -> date | None:
    """Return the day that is given; of a year or a month the first, or the last as an end.

    ``is_whole`` asks for a day alone.
    """
    text = request.args.get(parameter, "").strip()
    if not text:
        return None
    try:
        if is_whole and len(text) < len("2017-09-11"):
            raise ValueError
        return read_day(text, is_end=is_end)
    except ValueError:
        raise ParameterError(
            f"“{text}” is no {'' if is_whole else 'year or '}day for the parameter “{parameter}”.",
            f"Write it as {'' if is_whole else '2017 or '}2017-09-11.",
            parameter=parameter,
        ) from None


def check_period(first: date | None, last: date | None) -> None:
    """Raise ParameterError where a period ends before it begins."""
    if first and last and last < first:
        raise ParameterError(
            f"The period ends on {last}, before it begins on {first}.",
            "Exchange “from” and “until”.",
            parameter="until",
        )
