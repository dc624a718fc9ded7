"""Errors for whoever runs an installation: sentences with named places, worded where they are shown."""


class ToldError(Exception):
    """What, where, why and what to do. ``str`` is English, for logs; ``text`` and ``parts`` are for other languages."""

    def __init__(self, text: str, /, **parts: object) -> None:
        self.text, self.parts = text, parts
        super().__init__(text.format(**parts) if parts else text)
