"""What can go wrong, said so that a person can act on it."""


class OvfError(Exception):
    """A package cannot be used: what, where, why and what to do.

    Args:
        what: one sentence without the trailing period.
        where: file, member or element the sentence is about.
        remedy: what the reader of the message can do.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{place}{self.what}{remedy}"


class UnreadableError(OvfError):
    """The input is no OVF package at all, or reading it on would be dangerous."""


class RefusedError(OvfError):
    """The input can be read, but a rule that a deployment relies on is broken."""
