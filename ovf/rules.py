"""Every judgement the library can pass: stable code, severity, clause and remedy.

Codes never change their meaning. ``E`` refuses the package, ``W`` warns, ``S`` warns and refuses in strict
mode. Clauses are those of DSP0243 2.1 unless another document is named.
"""

from dataclasses import dataclass
from enum import Enum
from importlib.resources import files


class Severity(Enum):
    """What a finding means for the package."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Rule:
    """One line of the catalogue."""

    code: str
    kind: str
    clause: str
    meaning: str
    remedy: str

    def severity(self, *, strict: bool = False) -> Severity:
        """How much a breach weighs."""
        return Severity.ERROR if self.kind == "E" or (strict and self.kind == "S") else Severity.WARNING


def _table() -> dict[str, Rule]:
    lines = files("ovf").joinpath("rules.txt").read_text(encoding="utf-8").splitlines()
    rules = (Rule(*line.split(" | ")) for line in lines if line and not line.startswith("#"))
    return {rule.code: rule for rule in rules}


RULES = _table()
