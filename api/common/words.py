"""What refusals say, in the reader's language; states, roles and attributes stay in the API's own words."""

import re
from collections.abc import Callable, Mapping
from functools import partial

from sirocco.contracts.errors import SiroccoError, explained, fill, recalled

_COUNTED = re.compile(r"(.+?)(: .+)? \((\d+)\)")


def in_words(details: Mapping[str, str], translate: Callable[[str], str]) -> dict[str, str]:
    """A refusal's details for its sentence: the kind of resource, its users and the reason are translated."""
    said = dict(details)
    if "kind" in said:
        said["kind"] = translate(said["kind"])
    if "users" in said:
        first, _, second = said["users"].partition(" ")
        said["users"] = f"{first} {translate(second)}" if first.isdigit() else f"{translate(first)} {second}"
    return explained(said, partial(_reason, translate))


def said(refusal: SiroccoError, translate: Callable[[str], str]) -> str:
    """A refusal's sentence."""
    return fill(translate(refusal.problem.message), in_words(refusal.details, translate))


TOLD = frozenset({"fault", "reason", "message"})


def of_record(row: object, column: str, translate: Callable[[str], str]) -> str:
    """A text of ``TOLD`` that a record carries; one whose cause is not known is shown as it was written."""
    text = str(getattr(row, column))
    refusal = recalled(getattr(row, "cause", {}), text)
    return said(refusal, translate) if refusal else text and translate(text)


def _reason(translate: Callable[[str], str], text: str) -> str:
    """A reason, or the list of them that placement gives: ``too few free cores (3); its provider lacks: x (1)``."""
    parts = [_COUNTED.fullmatch(part) for part in text.split("; ")]
    if not all(parts):
        return translate(text)
    return "; ".join(f"{translate(part[1])}{part[2] or ''} ({part[3]})" for part in parts if part)
