"""Write, or with ``--check`` compare, the page of what each provider was shown to do in the last runs of the suite.

An endpoint that has not run here keeps its column: not every machine has a hypervisor.
"""

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

from tests.connector.conformance.evidence import CAPABILITIES, CONTRACT, RESULTS, weakest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "conformance.md"
NAMES = (*CONTRACT, *CAPABILITIES)
NOT_OFFERED, NOT_SHOWN, FAILED = "not offered", "not shown", "**failed**"
HEAD = """# What each provider has been shown to do

The conformance suite (`tests/connector/conformance/`) runs against every provider that is at hand; `python -m
tools.conformance` writes this page from its last runs, and `--check` tells whether the page still agrees with them.

- **proven**: shown on the real thing.
- **injected only**: shown on a stand-in, or with a failure made on purpose.
- **fake only**: shown on a provider that only plays a cloud.
- **not offered**: the provider does not state it, and Sirocco does not offer it there.
- **not shown**: this run had no way to show it.

"""

Columns = dict[str, dict[str, str]]


def _verdict(verdicts: set[str]) -> str:
    if "failed" in verdicts:
        return FAILED
    shown = verdicts - {NOT_OFFERED}
    if shown:
        return weakest(*shown)
    return NOT_OFFERED if verdicts else NOT_SHOWN


def measured(folder: Path) -> Columns:
    """What the last runs have shown, by endpoint and capability; the weakest evidence of several tests counts."""
    columns: Columns = {}
    for endpoint in sorted(path for path in folder.glob("*") if path.is_dir()):
        verdicts: dict[str, set[str]] = defaultdict(set)
        for file in endpoint.glob("*.json"):
            result = json.loads(file.read_text())
            for name in result["names"]:
                verdicts[name].add(result["verdict"])
        columns[endpoint.name] = {name: _verdict(verdicts[name]) for name in NAMES}
    return columns


def parse(page: str) -> Columns:
    """The columns of a page."""
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"]
    if not rows:
        return {}
    return {name: {row[0]: row[number] for row in rows[2:]} for number, name in enumerate(rows[0]) if number}


def render(columns: Columns) -> str:
    """The page of these columns."""
    endpoints = sorted(columns)
    lines = [f"| capability | {' | '.join(endpoints)} |", "|---" * (len(endpoints) + 1) + "|"]
    for name in NAMES:
        cells = " | ".join(columns[endpoint].get(name, NOT_SHOWN) for endpoint in endpoints)
        lines.append(f"| `{name}` | {cells} |")
    return HEAD + "\n".join(lines) + "\n"


def main() -> int:
    """Write or compare the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the page is out of date")
    check = parser.parse_args().check
    found = measured(RESULTS)
    if not found:
        print("conformance: no results here; run pytest tests/connector first", file=sys.stderr)
        return 1
    present = PAGE.read_text() if PAGE.exists() else ""
    wanted = render(parse(present) | found)
    if check and present != wanted:
        print(f"{PAGE.name} is out of date: run python -m tools.conformance", file=sys.stderr)
        return 1
    if not check:
        PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
