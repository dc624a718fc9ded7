"""Every setting: its meaning, its default, where its value came from.

A value comes from, in this order: the environment, a file of its name under ``/run/secrets``, ``sirocco.toml`` in
``SIROCCO_HOME``, the default. No process takes settings in any other way.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from sirocco.domain.sources import Trust
from sirocco.ops.errors import OperationError
from sirocco.ops.words import worded

PREFIX = "SIROCCO_"
SECRETS = Path("/run/secrets")
FILE = "sirocco.toml"
_CHECKOUT = Path(__file__).resolve().parents[2]

Port = Annotated[int, Field(ge=0, le=65535)]


class InvalidSettings(OperationError):  # noqa: N818 - named as its reader would say it
    """Settings that cannot be used; the message names each one, where it stands, and what is wrong with it."""


def default_home() -> Path:
    """``var`` of the checkout when run from one, else where Debian keeps a service's state."""
    return _CHECKOUT / "var" if (_CHECKOUT / "pyproject.toml").is_file() else Path("/var/lib/sirocco")


def _address(value: str) -> str:
    return str(ip_address(value))


def _trusted(value: str) -> str:
    Trust.of(value.split(","))
    return value


def _temporal(variable: str, description: str) -> Any:
    return Field("", validation_alias=variable, description=description)


class Settings(BaseSettings):
    """What an installation may decide. Unknown keys are refused."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, validate_by_name=True
    )

    home: Annotated[Path, AfterValidator(Path.absolute)] = Field(
        default_factory=default_home, description="Folder of all state; environment only."
    )

    host: Annotated[str, AfterValidator(_address)] = Field(
        "127.0.0.1", description="Address that portal, API, event streams and consoles listen on."
    )
    port: Port = Field(8080, description="Port of the portal and the API. 0: any free one.")
    console_port: Port = Field(8081, description="Port of event streams and consoles. 0: any free one.")
    public_url: str = Field("", description="Address people reach the portal by, where it is not host and port.")
    console_url: str = Field("", description="Address browsers reach event streams and consoles by, likewise.")

    database_url: str = Field("", description="CMDB as SQLAlchemy's URL. Empty: SQLite in the home.")
    database_password: SecretStr = Field(
        SecretStr(""), description="Password put into the database URL; best given as a secret file."
    )
    keyring_file: Path | None = Field(None, description="Key ring that seals secrets. Empty: in the home.")
    admin_password: SecretStr = Field(
        SecretStr(""), description="Password of the user admin, set at first start. Empty: generated and shown once."
    )

    provider: Literal["auto", "libvirt", "fake"] = Field(
        "auto", description="First provider. auto: the local hypervisor, else libvirt's test driver, else fake."
    )
    first_machine: bool = Field(default=True, description="Deploy a first machine at first start.")

    image_sources: Annotated[str, AfterValidator(_trusted)] = Field(
        "",
        description="Hosts (name or name:port) and networks (CIDR), separated by commas, that images may be fetched "
        "from although they are not on the Internet.",
    )
    image_limit: Annotated[int, Field(ge=1, le=4096)] = Field(32, description="GiB of the largest image to fetch.")

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe message kept.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: for people on a terminal, JSON otherwise."
    )
    metrics_port: Port = Field(
        0, description="Port of a worker's Prometheus metrics, on host; a solver beside it takes the next one. 0: none."
    )

    temporal_address: str = _temporal("TEMPORAL_ADDRESS", "Engine, host:port. Empty: the embedded one.")
    temporal_namespace: str = Field(
        "default", validation_alias="TEMPORAL_NAMESPACE", description="Namespace in the engine."
    )
    temporal_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="TEMPORAL_API_KEY", description="API key for the engine; implies TLS."
    )
    temporal_tls: bool = Field(default=False, validation_alias="TEMPORAL_TLS", description="Speak TLS to the engine.")
    temporal_tls_ca: str = _temporal("TEMPORAL_TLS_SERVER_CA_CERT_PATH", "File of the authorities that sign it.")
    temporal_tls_name: str = _temporal("TEMPORAL_TLS_SERVER_NAME", "Name expected in its certificate.")
    temporal_tls_cert: str = _temporal("TEMPORAL_TLS_CLIENT_CERT_PATH", "File of our client certificate.")
    temporal_tls_key: str = _temporal("TEMPORAL_TLS_CLIENT_KEY_PATH", "File of our client key.")
    temporal_ui_url: str = _temporal("TEMPORAL_UI_URL", "Address of the engine's user interface, for links.")
    temporal_bin: str = _temporal("TEMPORAL_BIN", "Program of the embedded engine. Empty: the installed one.")
    temporal_port: Port = Field(7233, description="Port of the embedded engine. 0: any free one.")
    temporal_ui_port: Port = Field(8233, description="Port of the embedded engine's user interface. 0: any free one.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is the library's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order in which values are looked for."""
        home = Path(init_settings().get("home") or os.environ.get("SIROCCO_HOME") or default_home())
        secrets = [SecretsSettingsSource(settings_cls, SECRETS)] if SECRETS.is_dir() else []
        return init_settings, env_settings, *secrets, InitSettingsSource(settings_cls, _from_file(home / FILE))

    @property
    def secrets(self) -> Path:
        """Folder of key ring and first password, closed to others."""
        return self.home / "secrets"

    @property
    def run(self) -> Path:
        """Folder of locks, heartbeats and status of running processes."""
        return self.home / "run"

    @property
    def log(self) -> Path:
        """Folder of the processes' logs."""
        return self.home / "log"

    @property
    def temporal(self) -> Path:
        """Folder of the embedded engine's store, which may be deleted while nothing runs."""
        return self.home / "temporal"

    @property
    def images(self) -> Path:
        """Folder of machine images; readable by the hypervisor."""
        return self.home / "images"

    @property
    def libvirt(self) -> Path:
        """Folder of the private hypervisor daemon."""
        return self.home / "libvirt"

    @property
    def fake(self) -> Path:
        """Folder of the clouds that the fake provider plays."""
        return self.home / "fake"

    @property
    def keyring(self) -> Path:
        """File of the key ring."""
        return self.keyring_file or self.secrets / "keyring.json"

    @property
    def database(self) -> str:
        """SQLAlchemy's URL of the CMDB, password included: not for printing."""
        if not self.database_url:
            return f"sqlite:///{self.home / 'cmdb.sqlite'}"
        password = self.database_password.get_secret_value()
        return with_password(self.database_url, password) if password else self.database_url

    @property
    def portal(self) -> str:
        """Address of the portal and the API, for people and links."""
        return self.public_url.rstrip("/") or f"http://{reachable(self.host)}:{self.port}"

    @property
    def console(self) -> str:
        """Address of event streams and consoles, for browsers."""
        return self.console_url.rstrip("/") or f"http://{reachable(self.host)}:{self.console_port}"


def reachable(host: str) -> str:
    """The address by which this machine reaches what listens on ``host``, ready for a URL."""
    address = ip_address(host)
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return host if address.version == 4 else f"[{host}]"


def with_password(url: str, password: str) -> str:
    """A database URL with this password in it."""
    from sqlalchemy import make_url  # noqa: PLC0415 - a second of CPU that SQLite users never need here

    return make_url(url).set(password=password).render_as_string(hide_password=False)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidSettings("{what}: {cause}", what=path, cause=error) from error
    if "home" in values:
        raise InvalidSettings(
            "{path}: home: the file lies in the home; set SIROCCO_HOME in the environment instead", path=path
        )
    return values


def load(**given: Any) -> Settings:
    """The settings of this process; InvalidSettings with every fault at once."""
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = [
            worded("{what}: {cause}", what=_where(str(fault["loc"][0])), cause=_plain(fault))
            for fault in error.errors()
        ]
        raise InvalidSettings("\n".join(faults)) from None


_FAULTS = {
    "extra_forbidden": "there is no such setting; docs/reference/settings.md lists them",
    "int_parsing": "a whole number is needed",
    "int_type": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "greater_than_equal": "{ge} is the least",
    "less_than_equal": "{le} is the most",
    "literal_error": "it must be one of {expected}",
    "bool_parsing": "it must be true or false",
    "bool_type": "it must be true or false",
    "string_type": "a text is needed",
    "path_type": "a path is needed",
}


def _plain(fault: ErrorDetails) -> str:
    known = _FAULTS.get(fault["type"])
    told = {name: str(value).replace(" or ", ", ") for name, value in fault.get("ctx", {}).items()}
    return worded(known, **told) if known else fault["msg"]


def prepare_home(settings: Settings) -> None:
    """Create the folders of the home; what holds secrets or other people's data is closed to other users."""
    settings.home.mkdir(parents=True, exist_ok=True)
    for folder in (settings.secrets, settings.run, settings.log, settings.temporal, settings.fake):
        folder.mkdir(mode=0o700, exist_ok=True)
    for folder in (settings.images, settings.libvirt):
        folder.mkdir(mode=0o755, exist_ok=True)
    if not settings.database_url:
        (settings.home / "cmdb.sqlite").touch(mode=0o600)


def variable(name: str, field: FieldInfo) -> str:
    """The environment variable of a setting."""
    return field.validation_alias if isinstance(field.validation_alias, str) else PREFIX + name.upper()


@dataclass(frozen=True, slots=True)
class Known:
    """A setting as it stands: secrets are masked in ``value``; ``origin`` names variable, file or default."""

    name: str
    variable: str
    value: str
    origin: str
    description: str


def known(settings: Settings) -> tuple[Known, ...]:
    """Every setting with its value and origin."""
    return tuple(
        Known(name, variable(name, field), _printed(settings, name), _origin(name, field, settings), _text(field))
        for name, field in Settings.model_fields.items()
    )


def _text(field: FieldInfo) -> str:
    return field.description or ""


def _printed(settings: Settings, name: str) -> str:
    """The value for people; a password inside a URL is masked like any other."""
    value = getattr(settings, name)
    return "" if value is None else re.sub(r"(://[^:/@]*:)[^@]*@", r"\1**********@", str(value))


def _origin(name: str, field: FieldInfo, settings: Settings) -> str:
    if name not in settings.model_fields_set:
        return "default"
    return _found(name, variable(name, field), _from_file(settings.home / FILE), settings.home / FILE)


def _found(name: str, env: str, file_values: Mapping[str, Any], file: Path) -> str:
    if env in os.environ or env.lower() in os.environ:
        return worded("environment variable {name}", name=env)
    if (SECRETS / env.lower()).is_file():
        return worded("secret file {path}", path=SECRETS / env.lower())
    if name in file_values or env in file_values:
        return worded("file {path}", path=file)
    return worded("given by the program")


def _where(key: str) -> str:
    """A faulty key as its author wrote it: the variable, the secret file, or the key of the settings file."""
    for name, field in Settings.model_fields.items():
        env = variable(name, field)
        if key in {name, env, env.lower()}:
            home = Path(os.environ.get("SIROCCO_HOME") or default_home())
            return f"{name} ({_found(name, env, _from_file(home / FILE), home / FILE)})"
    file = Path(os.environ.get("SIROCCO_HOME") or default_home()) / FILE
    return f"{key} ({worded('file {path}', path=file)})"


def strangers() -> tuple[str, ...]:
    """Variables that look like ours and mean nothing: spelling mistakes, most likely."""
    names = {variable(name, field) for name, field in Settings.model_fields.items()} | _CLIENT
    return tuple(sorted(name for name in os.environ if name.startswith(PREFIX) and name not in names))


_CLIENT = {"SIROCCO_URL", "SIROCCO_USER", "SIROCCO_PASSWORD", "SIROCCO_API_KEY", "SIROCCO_TENANT", "SIROCCO_LISTEN_FD"}
