"""Write docs/reference/settings.md from the settings themselves: ``python tools/settings_page.py``."""

from pathlib import Path

from pydantic_core import PydanticUndefined

from sirocco.ops.settings import Settings, variable

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "settings.md"
_HEAD = """# Settings

Every process takes its settings from, in this order:

1. environment variables,
2. files under `/run/secrets` named like the variable in small letters (`sirocco_database_password`),
3. `sirocco.toml` in the home, with the keys of the first column,
4. the defaults below.

An unknown key or an impossible value is refused with its place; `siroccod doctor` shows every value with its origin and
names variables that look like ours and mean nothing. This page is made by `python tools/settings_page.py`.

| key | variable | default | meaning |
|---|---|---|---|
"""


def page() -> str:
    """The page as it should be."""
    return _HEAD + "".join(
        f"| `{name}` | `{variable(name, field)}` | {_default(name, field.default)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )


def _default(name: str, value: object) -> str:
    if name == "home":
        return "`var` of the checkout, else `/var/lib/sirocco`"
    if value in ("", None, PydanticUndefined) or not str(value).strip("*"):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(page())
