"""Findings: what was noticed, where, why it matters and what to do."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ovf.parts import NOWHERE
from ovf.rules import RULES, Severity

_SAME_CODE = 50


@dataclass(frozen=True)
class Issue:
    """A breach of a rule at an element, before it is placed in the file: the rule's code and what was seen."""

    code: str
    at: int = NOWHERE
    detail: str = ""


@dataclass(frozen=True)
class Finding:
    """A breach of a rule, ready to be shown. Line and column count from 1; 0 means the file as a whole."""

    code: str
    severity: Severity
    line: int
    column: int
    message: str
    clause: str
    remedy: str
    file: str = ""

    def __str__(self) -> str:
        """One line: place, severity, code, message, clause, remedy."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.severity.value} {self.code}: {self.message} [{self.clause}] -> {self.remedy}"


def place(
    issues: Iterable[Issue], where: Callable[[int], tuple[int, int]], *, strict: bool = False, file: str = ""
) -> list[Finding]:
    """Findings in the order of the file; a rule that is broken everywhere is told a limited number of times."""
    told: Counter[str] = Counter()
    findings = []
    for issue in issues:
        told[issue.code] += 1
        if told[issue.code] <= _SAME_CODE:
            findings.append(_finding(issue, where, strict=strict, file=file))
    return sorted(findings, key=lambda finding: (finding.line, finding.column))


def _finding(issue: Issue, where: Callable[[int], tuple[int, int]], *, strict: bool, file: str) -> Finding:
    rule = RULES[issue.code]
    line, column = where(issue.at) if issue.at != NOWHERE else (0, 0)
    message = f"{rule.meaning}: {_one_line(issue.detail)}" if issue.detail else rule.meaning
    return Finding(rule.code, rule.severity(strict=strict), line, column, message, rule.clause, rule.remedy, file)


def _one_line(text: str) -> str:
    """The text in printable characters on one line of bounded length, safe for a terminal."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text[:300])
    return " ".join(clean.split())[:200]


def acceptable(findings: Iterable[Finding]) -> bool:
    """Whether nothing refuses the package."""
    return all(finding.severity is not Severity.ERROR for finding in findings)
