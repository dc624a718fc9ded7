"""Judges a package: what a careful deployer would refuse, and what he would only frown at.

Reading notes how things are written; judging says whether they fit together. Both report by the codes of
``ovf.rules``.
"""

from collections.abc import Iterator

from ovf.findings import Finding, Issue, place
from ovf.judge import hardware, products, references, services, structure, vmware
from ovf.judge.context import Context
from ovf.limits import DEFAULT, Limits
from ovf.model import Package
from ovf.reader import Reading

__all__ = ["findings", "judge"]


def judge(package: Package, limits: Limits = DEFAULT) -> Iterator[Issue]:
    """Every breach of a rule of DSP0243 2.1 (clauses 7 to 10) by the package as a whole."""
    context = Context(package, limits)
    yield from references.judge(context)
    yield from structure.judge(context)
    for content in package.walk():
        yield from hardware.judge(context, content)
        yield from products.judge(context, content)
    yield from services.judge(context)
    yield from vmware.judge(context)


def findings(reading: Reading, limits: Limits = DEFAULT, *, strict: bool = False, file: str = "") -> list[Finding]:
    """What reading and judging found, placed in the file."""
    issues = [*reading.issues, *judge(reading.package, limits)]
    return place(issues, reading.document.place, strict=strict, file=file)
