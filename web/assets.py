"""What the build put into ``static``: names with the hash of their content, so that browsers keep them for ever."""

import json
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent / "static"


class AssetsNotBuiltError(Exception):
    """The front end was not built."""

    def __init__(self) -> None:
        super().__init__(
            f"{STATIC / 'manifest.json'} is missing: the portal's scripts and styles were not built. "
            "Run `make setup`, or `npm ci && npm run build` in web/."
        )


@dataclass(frozen=True, slots=True)
class Assets:
    """Built file names by the name templates use."""

    names: dict[str, str]

    @classmethod
    def built(cls) -> "Assets":
        """The assets as built last."""
        try:
            return cls(json.loads((STATIC / "manifest.json").read_text()))
        except FileNotFoundError:
            raise AssetsNotBuiltError from None
