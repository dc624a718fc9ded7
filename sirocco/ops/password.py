"""The administrator's generated password on its way to the person who starts Sirocco, past every log."""

from typing import Final

from sirocco.ops.settings import Settings

ADMIN: Final = "admin"
FIRST_PASSWORD: Final = "first-password"  # noqa: S105 - a file's name
PASSWORD_HERE: Final = "{first-password}"  # noqa: S105 - stands for it until it is shown


def first_password(settings: Settings) -> str:
    """The generated password, empty where one was given or the file was deleted."""
    try:
        return (settings.secrets / FIRST_PASSWORD).read_text()
    except OSError:
        return ""


def shown(settings: Settings, text: str) -> str:
    """Words with the password put in; only for what goes to a person, never for a log."""
    return text.replace(PASSWORD_HERE, first_password(settings)) if PASSWORD_HERE in text else text
