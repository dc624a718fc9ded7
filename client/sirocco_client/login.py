"""Where the server is and who asks: options, environment, or what ``sirocco login`` kept."""

import json
import os
from pathlib import Path

from sirocco_client.errors import ClientError
from sirocco_client.wire import Api, Login
from sirocco_client.words import language


def path() -> Path:
    """The file of kept logins, readable by its owner only."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "sirocco" / "login.json"


def kept() -> Login | None:
    """The login that was kept, if any."""
    try:
        content = json.loads(path().read_text())
        return Login(content["url"], key=content["key"], tenant=content.get("tenant", ""))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClientError(
            "{path} cannot be read: {why}", "Delete it and run `sirocco login` again", path=path(), why=error
        ) from error


def keep(login: Login) -> None:
    """Keep a login for later commands."""
    scratch = path().with_suffix(".new")
    try:
        path().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch.touch(mode=0o600)
        scratch.write_text(json.dumps({"url": login.url, "key": login.key, "tenant": login.tenant}))
        scratch.replace(path())
    except OSError as error:
        remedy = "Let it be written, or name another folder by XDG_CONFIG_HOME"
        raise ClientError("{path} cannot be written: {why}", remedy, path=path(), why=error.strerror) from error


def forget() -> None:
    """Forget the kept login."""
    path().unlink(missing_ok=True)


def current(url: str, tenant: str) -> Login:
    """The login to use: SIROCCO_URL with SIROCCO_KEY, or SIROCCO_USER and SIROCCO_PASSWORD, else what was kept."""
    given = os.environ
    if key := given.get("SIROCCO_KEY"):
        return Login(_url(url), key=key, tenant=tenant)
    if user := given.get("SIROCCO_USER"):
        return Login(_url(url), user=user, password=given.get("SIROCCO_PASSWORD", ""), tenant=tenant)
    known = kept()
    if known is None:
        raise ClientError(
            "you are not signed in", "Run `sirocco login http://HOST:PORT`, or set SIROCCO_URL and SIROCCO_KEY"
        )
    return Login(url or known.url, key=known.key, tenant=tenant or known.tenant)


def _url(url: str) -> str:
    if not url:
        raise ClientError("the server's address is not known", "Give --url, or set SIROCCO_URL")
    return url


def sign_in(login: Login, name: str) -> Login:
    """Exchange a password for an API key, so that the password is kept nowhere."""
    answer = Api(login, language=language()).post("apiKeys", {"name": name})
    if "token" not in answer.body:
        raise ClientError("{url} gave no key", "Check that the address is that of a Sirocco server", url=login.url)
    return Login(login.url, key=str(answer.body["token"]), tenant=login.tenant)
