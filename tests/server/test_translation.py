"""The words of the pages: every one in every language, with the same places for values in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from peninsula.translation import FOLDER, NAMES, read_translation

from .conftest import ROOT

TEMPLATES = ROOT / "server" / "peninsula" / "templates"
FOREIGN = [language for language in NAMES if language != "en"]
_PLACE = re.compile(r"%\((\w+)\)[sd]")


def words() -> Iterator[tuple[str, ...]]:
    """Yield every text of the templates, one with a plural as a pair."""
    found = extract_from_dir(
        str(TEMPLATES), [("**.html", "jinja2")], {"**.html": {"trimmed": "true"}}
    )
    for _, _, message, _, _ in found:
        yield message if isinstance(message, tuple) else (message,)


@pytest.fixture(scope="module", params=FOREIGN)
def catalog(request: pytest.FixtureRequest) -> Catalog:
    path: Path = FOLDER / f"{request.param}.po"
    with path.open(encoding="utf-8") as file:
        return read_po(file, locale=request.param, abort_invalid=True)


def forms(value: object) -> tuple[str, ...]:
    """Return the text of a message, or its forms by number."""
    return tuple(map(str, value)) if isinstance(value, tuple | list) else (str(value or ""),)


def texts(message: Message) -> tuple[str, ...]:
    return forms(message.string)


def test_every_text_of_the_pages_is_translated(catalog: Catalog) -> None:
    found = {text[0] for text in words()}
    assert len(found) > 100
    missing = sorted(
        text
        for text in found
        if not (message := catalog.get(text)) or message.fuzzy or not all(texts(message))
    )
    assert not missing, f"{len(missing)} without a translation; make words, then: {missing[:10]}"


def test_no_translation_is_left_of_a_text_that_is_gone(catalog: Catalog) -> None:
    found = {text[0] for text in words()}
    left = [m.id for m in catalog if m.id and forms(m.id)[0] not in found]
    assert not left, "make words takes them out"


def test_a_translation_has_the_places_of_its_text(catalog: Catalog) -> None:
    for message in catalog:
        if not message.id:
            continue  # the header
        ids = forms(message.id)
        wanted = {place for text in ids for place in _PLACE.findall(text)}
        # "One thing" may say the number in a word.
        fewer = {place for place in wanted if not all(f"%({place})" in text for text in ids)}
        for text in texts(message):
            places = set(_PLACE.findall(text))
            assert places <= wanted, f"{text!r} has places that {ids[0]!r} has not"
            assert wanted - places <= fewer, f"{text!r} lacks places of {ids[0]!r}"
            # A lone percent sign would break the page that says it.
            assert "%" not in _PLACE.sub("", text).replace("%%", ""), text


def test_markup_is_kept(catalog: Catalog) -> None:
    tag = re.compile(r"</?[a-z]+")
    for message in catalog:
        if not message.id:
            continue  # the header
        ids = forms(message.id)
        for text in texts(message):
            assert sorted(tag.findall(text)) == sorted(tag.findall(ids[-1])), text


@pytest.mark.parametrize("language", FOREIGN)
def test_a_plural_has_the_form_of_its_number(language: str) -> None:
    translation = read_translation(language)
    found = {
        translation.ngettext("%(n)s thing", "%(n)s things", n) for n in (1, 2, 5, 11, 21, 22, 25)
    }
    assert len(found) == {"ko": 1, "ru": 3}[language]


def test_english_is_what_the_templates_say() -> None:
    assert read_translation("en").gettext("Timeline") == "Timeline"
