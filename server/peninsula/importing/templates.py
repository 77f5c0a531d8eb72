"""What does a template of the mapping make of a row?

Two sorts. A URI template (RFC 6570) makes an IRI, with what is not allowed in one escaped; a
prefix of ours at its beginning is written out, the rest is resolved against the base. A text
template puts values into a text as they are. In both, ``{state}`` is the value of a column and
``{state.label}`` a part of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urljoin

import uritemplate

from peninsula.namespaces import PREFIXES

#: The value of a variable; None where the cell is empty.
Values = Mapping[str, str | None]

_EXPRESSION: Final = re.compile(r"\{([^{}]*)\}")
#: A variable alone, or one whose reserved characters stay as they are.
_SIMPLE: Final = re.compile(r"\+?[A-Za-z_][\w.]*", re.ASCII)
_PREFIX: Final = re.compile(r"([A-Za-z][\w-]*):(?!//)", re.ASCII)
_UNRESERVED: Final = "-._~"
#: What is not escaped in either sort of a variable.
_PLAIN: Final = re.compile(r"[\w.~-]*", re.ASCII)
_RESERVED: Final = "-._~:/?#[]@!$&'()*+,;=%"
_NOT_IN_SLUG: Final = re.compile(r"[^a-z0-9]+")
#: Letters that Unicode does not take apart.
_LATIN: Final = str.maketrans(
    {"ß": "ss", "æ": "ae", "ø": "o", "đ": "d", "ł": "l", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"}
)


class TemplateError(ValueError):
    """A template cannot be read."""


@dataclass(frozen=True)
class Template:
    """A template, and the variables in it."""

    source: str
    variables: tuple[str, ...]
    _expand: Callable[[Values], str]

    def expand(self, values: Values) -> str | None:
        """Return what it makes of a row; None where a variable has no value."""
        for name in self.variables:
            if values.get(name) is None:
                return None
        return self._expand(values)

    def missing(self, values: Values) -> str:
        """Return the first variable that has no value."""
        return next((name for name in self.variables if values.get(name) is None), "")


def read_uri_template(source: str, base: str) -> Template:
    """Return the template of an IRI; raises TemplateError."""
    if not source:
        raise TemplateError("a template is a text")
    expressions = _EXPRESSION.findall(source)
    if _EXPRESSION.sub("", source).count("{") or _EXPRESSION.sub("", source).count("}"):
        raise TemplateError(f"“{source}” has a bracket too many or too few")
    if all(_SIMPLE.fullmatch(expression) for expression in expressions):
        variables = tuple(dict.fromkeys(e.removeprefix("+") for e in expressions))
        expand = _expand_simple(source, base)
    else:
        parsed = uritemplate.URITemplate(source)
        variables = tuple(parsed.variable_names)
        if not all(_SIMPLE.fullmatch(name) for name in variables):
            raise TemplateError(f"“{source}” is no URI template (RFC 6570)")

        def expand(values: Values) -> str:
            return resolve(parsed.expand(dict(values)), base)

    return Template(source, variables, expand)


def _expand_simple(source: str, base: str) -> Callable[[Values], str]:
    """Return a quick way for a template that is made of plain variables."""
    parts = _EXPRESSION.split(source)
    texts, names = parts[::2], parts[1::2]
    if not names:
        constant = resolve(source, base)
        return lambda _: constant
    # Where the beginning is fixed, so is what it is resolved to.
    first = texts[0]
    prefix = _PREFIX.match(first)
    is_settled = bool(prefix) or first.startswith(("http://", "https://"))
    texts[0] = resolve(first, base) if is_settled else first
    steps = [
        (name.removeprefix("+"), _RESERVED if name.startswith("+") else _UNRESERVED, text)
        for name, text in zip(names, texts[1:], strict=True)
    ]
    start = texts[0]

    def expand(values: Values) -> str:
        made = start + "".join(
            _escape(values[name] or "", safe) + text for name, safe, text in steps
        )
        return made if is_settled else resolve(made, base)

    return expand


def _escape(value: str, safe: str) -> str:
    return value if _PLAIN.fullmatch(value) else quote(value, safe=safe)


def resolve(text: str, base: str) -> str:
    """Return the IRI that a prefixed name, or a reference relative to ``base``, means."""
    match = _PREFIX.match(text)
    if match and match[1] in PREFIXES:
        return PREFIXES[match[1]] + text[match.end() :]
    if match or text.startswith(("http://", "https://")):
        return text
    return urljoin(base, text)


def read_text_template(source: str) -> Template:
    """Return the template of a text; raises TemplateError."""
    rest = _EXPRESSION.sub("", source)
    names = _EXPRESSION.findall(source)
    if "{" in rest or "}" in rest or not all(_SIMPLE.fullmatch(name) for name in names):
        raise TemplateError(f"“{source}” is no template: write {{column}} where a value stands")
    texts = _EXPRESSION.split(source)[::2]

    def expand(values: Values) -> str:
        filled = zip(names, texts[1:], strict=True)
        return texts[0] + "".join(f"{values[name]}{text}" for name, text in filled)

    return Template(source, tuple(dict.fromkeys(names)), expand)


def make_slug(text: str) -> str:
    """Return ``text`` as it stands in an address: small Latin letters, digits and hyphens.

    Empty where it is in another script: then no slug can be made of it.
    """
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LATIN))
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    if any(c.isalpha() and not c.isascii() for c in letters):
        return ""
    return _NOT_IN_SLUG.sub("-", letters.replace("'", "").replace("’", "")).strip("-")
