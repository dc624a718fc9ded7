"""What the command line says by itself, in the reader's language; what the server says comes in it already."""

import os
from collections.abc import Mapping
from functools import cache


def language() -> str:
    """The reader's language by POSIX's rules, two letters."""
    chosen = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    short = chosen[:2].lower()
    return short if short.isalpha() and chosen[2:3] in {"", "_", ".", "@"} else "en"


@cache
def known(language: str) -> Mapping[str, str]:
    """The words of a language by the English ones; none for a language that is not ours."""
    if language != "fr":
        return {}
    from sirocco_client import french, french_help  # noqa: PLC0415 - who reads English need not wait for it

    return {**french.SENTENCES, **french.OF_CLICK, **french_help.HELP}


def say(text: str, /, **parts: object) -> str:
    """A sentence in the reader's language with its places filled; one that is not ours stays as it is."""
    told = known(language()).get(text, text)
    return told.format(**parts) if parts else told
