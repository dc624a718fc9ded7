"""Brings the catalogues up to date with the sources: ``python -m web.extract``.

Texts come from templates, from Python, and from the catalogue of errors. English is its own translation; what is new in
French is left empty for a translator, and a test refuses an empty one.
"""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from sirocco.contracts.errors import catalogue
from web.language import FOLDER, LANGUAGES

_HERE = Path(__file__).parent
_METHODS = [("**.py", "python"), ("**/components/**.html", "jinja2"), ("**/templates/**.html", "jinja2")]
_KEYWORDS = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2)}
_OPTIONS = {pattern: {"trimmed": "true", "extensions": "jinja2.ext.i18n"} for pattern, _ in _METHODS[1:]}
_BORN = datetime(2026, 11, 21, tzinfo=UTC)


def template() -> Catalog:
    """Every text of the portal and of the errors."""
    texts = Catalog(project="Sirocco", creation_date=_BORN)
    found = extract_from_dir(_HERE, _METHODS, _OPTIONS, _KEYWORDS, directory_filter=_ours)
    for file, _line, message, comments, context in found:
        texts.add(message, None, [(file, 0)], auto_comments=comments, context=context)
    for problem in catalogue().values():
        for text in (problem.message, problem.remedy):
            texts.add(text, None, [("sirocco/contracts/errors.py", 0)])
    return texts


def _ours(folder: str) -> bool:
    return Path(folder).name not in {"node_modules", "static", "__pycache__"}


def known(language: str) -> Catalog:
    """A language's catalogue as it is kept."""
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Catalog:
    """A language's catalogue with what the sources say now; no text is guessed."""
    kept = known(language)
    kept.update(template(), no_fuzzy_matching=True, update_header_comment=False)
    kept.obsolete.clear()
    kept.revision_date = kept.creation_date = _BORN
    if language == "en":
        for message in kept:
            if message.id:
                message.string = message.id
    return kept


def written(texts: Catalog) -> bytes:
    """A catalogue as its file."""
    body = BytesIO()
    write_po(body, texts, width=100, sort_output=True, include_lineno=False)
    return body.getvalue()


if __name__ == "__main__":
    for language in LANGUAGES:
        (FOLDER / language / "LC_MESSAGES" / "messages.po").write_bytes(written(updated(language)))
