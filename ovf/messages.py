"""Texts in the reader's language (DSP0243 2.1, clause 10)."""

from collections.abc import Iterable

from ovf.model import Package, Strings
from ovf.parts import Text


class Messages:
    """Chooses texts: exact language, then its primary language, then the envelope's, then the inline text."""

    def __init__(self, package: Package, language: str = "", bundles: Iterable[Strings] = ()) -> None:
        wanted = [language.lower(), language.lower().partition("-")[0], (package.language or "en-US").lower()]
        everything = [*package.strings, *bundles]
        self._tables: list[dict[str, str]] = []
        for name in dict.fromkeys(filter(None, wanted)):
            exact = [one for one in everything if one.language.lower() == name]
            related = [one for one in everything if one.language.lower().partition("-")[0] == name]
            self._tables += [{message.msgid: message.value for message in one.messages} for one in exact or related]

    def say(self, text: Text | None) -> str:
        """The text to show; the inline text where no bundle has the key."""
        if text is None:
            return ""
        if text.msgid:
            for table in self._tables:
                if text.msgid in table:
                    return table[text.msgid]
        return text.value
