"""Values of any JSON type as text, for XML: what is no text is written as JSON, and so is a text that reads as JSON."""

import json

from api.cimi.model.attribute import Value


def to_text(value: Value) -> str:
    """The value as text, so that ``from_text`` gives it again."""
    if isinstance(value, str) and from_text(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def from_text(text: str) -> Value:
    """The value that a text means: JSON where it can be read as such, else the text itself."""
    try:
        value: Value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value
