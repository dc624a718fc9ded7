"""English and French: which one a reader gets, and where the words come from."""

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale, gettext

from web.security import preference

LANGUAGES = {"en": "English", "fr": "Français"}
FOLDER = Path(__file__).parent / "translations"


@cache
def catalogue(language: str) -> Translations:
    """The words of a language, read as translators keep them: no compiled copy can be out of date."""
    compiled = BytesIO()
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)


class _Catalogues(Domain):  # type: ignore[misc]  # flask-babel carries no types
    def get_translations(self) -> Translations:
        """The words of the reader's language."""
        return catalogue(str(get_locale() or "en"))


def chosen() -> str:
    """The reader's language: as chosen, as kept with the user, or as the browser prefers."""
    if not has_request_context():
        return "en"
    default = request.accept_languages.best_match(LANGUAGES, "en")
    kept = getattr(g, "language", "")
    if kept in LANGUAGES:
        return str(kept)
    return preference("language", tuple(LANGUAGES), default)


def set_up(app: Flask) -> None:
    """Give ``app`` its languages; the catalogues are read now, so that no request waits for it."""
    babel = Babel(app, locale_selector=chosen)
    babel.domain_instance = _Catalogues()
    for language in LANGUAGES:
        catalogue(language)


def say(text: object) -> str:
    """A text of the catalogues that is not known when this is written: a state, a kind, an error's sentence."""
    return str(gettext(str(text))) if str(text) else ""
