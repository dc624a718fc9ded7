"""Which test proves which capability, and what a run has shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sirocco.contracts import capabilities

RESULTS = Path(__file__).resolve().parents[3] / "build" / "conformance"
CONTRACT = ("core", "core.idempotency", "core.concurrency", "core.faults", "core.lost-reply", "core.strangers")
CAPABILITIES = tuple(sorted(v for k, v in vars(capabilities).items() if k.isupper() and isinstance(v, str)))
INJECTED = "injected only"
STRENGTH = ("fake only", INJECTED, "proven")

Test = TypeVar("Test", bound=Callable[..., None])


def proves(*names: str, evidence: str | None = None) -> Callable[[Test], Test]:
    """Mark a test as the proof of these capabilities; ``evidence`` where it shows less than its endpoint could."""
    unknown = set(names) - {*CONTRACT, *CAPABILITIES}
    assert not unknown, unknown

    def mark(test: Test) -> Test:
        test.proves = names  # type: ignore[attr-defined]
        test.evidence = evidence  # type: ignore[attr-defined]
        return test

    return mark


def weakest(*words: str) -> str:
    """Of several evidence words the one that claims least."""
    return min(words, key=STRENGTH.index)


def write(endpoint: str, test: str, names: tuple[str, ...], verdict: str) -> None:
    """Keep what one test has shown: an evidence word, ``not offered`` or ``failed``."""
    folder = RESULTS / endpoint
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{test.replace('/', '_')}.json"
    target.write_text(json.dumps({"names": names, "verdict": verdict}))
