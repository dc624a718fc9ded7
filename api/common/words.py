"""What refusals say, in the reader's language; states, roles and attributes stay in the API's own words."""

import re
from collections.abc import Callable, Mapping
from functools import partial

from sirocco.contracts.errors import explained

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


def _reason(translate: Callable[[str], str], text: str) -> str:
    """A reason, or the list of them that placement gives: ``too few free cores (3); its provider lacks: x (1)``."""
    parts = [_COUNTED.fullmatch(part) for part in text.split("; ")]
    if not all(parts):
        return translate(text)
    return "; ".join(f"{translate(part[1])}{part[2] or ''} ({part[3]})" for part in parts if part)
