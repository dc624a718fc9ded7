"""The generated parts of the reference: the table of refusals, and the OpenAPI document."""

import json
import sys
from pathlib import Path

from api.openapi import document
from api.routes import routes
from sirocco.contracts.errors import catalogue

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
MARK = "<!-- refusals: made from the catalogue by `python -m api.reference` -->\n"


def refusals() -> str:
    """The catalogue as a table, by HTTP status and number."""
    lines = ["| status | returnCode | code | message | remedy |", "|---|---|---|---|---|"]
    for problem in sorted(catalogue().values(), key=lambda one: (one.status, one.number)):
        texts = (problem.message.replace("|", "\\|"), problem.remedy.replace("|", "\\|"))
        lines.append(f"| {problem.status} | {problem.number} | `{problem.code}` | {texts[0]} | {texts[1]} |")
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """What the generated files should hold."""
    guide = FOLDER / "api.md"
    written = guide.read_text(encoding="utf-8").partition(MARK)[0]
    return {guide: f"{written}{MARK}\n{refusals()}", FOLDER / "openapi.json": indented(document(routes()))}


def indented(text: str) -> str:
    """JSON with one member a line, for reading and comparing."""
    return json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the files."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
