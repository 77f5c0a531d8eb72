"""How do the words of the pages read in the reader's language?

The English words stand in the templates and are the keys of the catalogues in ``translations/``,
gettext's PO files. Where a catalogue has nothing, the English stays. Labels of things are no
matter of this module: they come from the dataset (:mod:`peninsula.labels`).
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER: Final = Path(__file__).parent / "translations"
#: The languages of the pages, each by its own name.
NAMES: Final[Mapping[str, str]] = {"en": "English", "ko": "한국어", "ru": "Русский"}


@cache
def read_translation(language: str) -> gettext.NullTranslations:
    """Return the words of the pages in a language of :data:`NAMES`."""
    path = FOLDER / f"{language}.po"
    if not path.is_file():
        return gettext.NullTranslations()
    with path.open(encoding="utf-8") as file:
        catalog = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
