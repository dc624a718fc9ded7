"""What ``siroccod`` says, in the reader's language: from the same catalogues as the portal and the refusals."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sirocco.contracts.errors import SiroccoError, explained, fill
from sirocco.contracts.told import ToldError

_CATALOGUES = Path(__file__).resolve().parents[2] / "web" / "translations"


def language() -> str:
    """The reader's language by POSIX's rules, two letters."""
    chosen = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    short = chosen[:2].lower()
    return short if short.isalpha() and chosen[2:3] in {"", "_", ".", "@"} else "en"


@cache
def _known(language: str) -> Mapping[str, str]:
    """The words of a language by the English ones; none for one that has no catalogue."""
    path = _CATALOGUES / language / "LC_MESSAGES" / "messages.po"
    if language == "en" or not path.is_file():
        return {}
    from babel.messages.pofile import read_po  # noqa: PLC0415 - who reads English need not wait for it

    with path.open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale=language) if isinstance(one.id, str)}


def worded(text: str, /, **parts: object) -> str:
    """A sentence in the reader's language with its places filled; one that nobody translated stays as it is."""
    told = _known(language()).get(text, text) if text else text
    if not parts:
        return told
    return told.format(**{name: said(part) if isinstance(part, Exception) else part for name, part in parts.items()})


def said(error: Exception) -> str:
    """What an error says, in the reader's language as far as its words are ours."""
    match error:
        case ToldError():
            return worded(error.text, **error.parts)
        case SiroccoError():
            return fill(worded(error.problem.message), explained(error.details, worded))
    return str(error)
