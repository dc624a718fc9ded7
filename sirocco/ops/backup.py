"""Backup and restore: one tar file with the CMDB as of one moment, the settings file, and the sealed key ring.

The engine's store is not in it: the CMDB rebuilds it. Nor are disks and images, which belong to the providers. The key
ring is sealed with a passphrase (scrypt, RFC 7914, then AES-256-GCM) or left out.
"""

import hashlib
import io
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from sqlalchemy import create_engine, inspect, make_url

from sirocco import __version__
from sirocco.ops.errors import OperationError
from sirocco.ops.settings import FILE, Settings, prepare_home
from sirocco.ops.words import worded

_FORMAT = 1
_MANIFEST = "manifest.json"
_SQLITE = "cmdb.sqlite"
_DUMP = "cmdb.dump"
_KEYS = "keyring.sealed"
_SHORTEST = 12


class BackupError(OperationError):
    """A backup cannot be made, read, or put back."""


def save(settings: Settings, archive: Path, passphrase: str | None) -> str:
    """Write a backup, readable by its owner only; without a passphrase the key ring is left out. What was done."""
    if archive.exists():
        raise BackupError("{path} exists already; a backup never overwrites another file", path=archive)
    if not archive.absolute().parent.is_dir():
        raise BackupError("there is no folder {path}", path=archive.absolute().parent)
    with tempfile.TemporaryDirectory(prefix="sirocco-backup-", dir=archive.absolute().parent) as scratch:
        parts = list(_parts(settings, Path(scratch), passphrase))
        manifest = {
            "format": _FORMAT,
            "sirocco": __version__,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "parts": {path.name: _digest(path) for path in parts},
        }
        whole = Path(scratch, "whole.tar")
        with tarfile.open(whole, "x") as tar:
            _add(tar, _MANIFEST, json.dumps(manifest, indent=1).encode())
            for path in parts:
                tar.add(path, path.name, recursive=False)
        whole.chmod(0o600)
        whole.rename(archive)
    saved = worded("Saved {parts} to {path}.", parts=", ".join(path.name for path in parts), path=archive)
    if passphrase:
        return saved
    return f"{saved} {worded('The key ring is not in it: without it no secret in this backup can be opened.')}"


def _parts(settings: Settings, scratch: Path, passphrase: str | None) -> Iterator[Path]:
    yield _dump(settings, scratch)
    if (settings.home / FILE).exists():
        copy = scratch / FILE
        copy.write_bytes((settings.home / FILE).read_bytes())
        yield copy
    if passphrase:
        sealed = scratch / _KEYS
        sealed.write_bytes(_seal(_ring(settings), passphrase))
        yield sealed


def _ring(settings: Settings) -> bytes:
    try:
        return settings.keyring.read_bytes()
    except OSError as error:
        raise BackupError(
            "cannot read the key ring {path}: {cause}", path=settings.keyring, cause=error.strerror
        ) from error


def load(settings: Settings, archive: Path, passphrase: str | None) -> str:
    """Put a backup into an empty home and an empty database; BackupError, with nothing changed, otherwise."""
    _refuse_full(settings)
    with tempfile.TemporaryDirectory(prefix="sirocco-restore-") as scratch, _readable(archive) as tar:
        manifest = _manifest(tar, archive)
        parts = {name: _unpack(tar, name, digest, Path(scratch)) for name, digest in manifest["parts"].items()}
        ring = _open(parts[_KEYS].read_bytes(), passphrase or "") if _KEYS in parts else None
        kept = parts.get(_DUMP if settings.database_url else _SQLITE)
        if kept is None:
            other = "SQLite" if settings.database_url else "PostgreSQL"
            raise BackupError(
                "{path} holds a CMDB of {kind}; set or unset SIROCCO_DATABASE_URL accordingly", path=archive, kind=other
            )
        prepare_home(settings)
        _put_back(settings, kept)
        if FILE in parts:
            (settings.home / FILE).write_bytes(parts[FILE].read_bytes())
        if ring:
            _write_closed(settings.keyring, ring)
    back = {"moment": manifest["made"], "version": manifest["sirocco"], "home": settings.home}
    said = [worded("Restored {moment} ({version}) to {home}.", **back)]
    if not ring:
        said.append(worded("Put the key ring back as {path} before you start.", path=settings.keyring))
    return " ".join([*said, worded("Start with `siroccod up`.")])


def holds_keys(archive: Path) -> bool:
    """Whether a backup holds a key ring, so that a passphrase is needed."""
    with _readable(archive) as tar:
        return _KEYS in _manifest(tar, archive)["parts"]


# --- the database -------------------------------------------------------------------------------------------------


def _dump(settings: Settings, scratch: Path) -> Path:
    """The CMDB as of one moment, while others go on writing."""
    if settings.database_url:
        target = scratch / _DUMP
        _postgresql(settings, "pg_dump", "--format=custom", "--no-owner", "--file", str(target))
        return target
    target, source = scratch / _SQLITE, settings.home / "cmdb.sqlite"
    if not source.exists():
        raise BackupError("{home} holds no CMDB; is SIROCCO_HOME right?", home=settings.home)
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        if new.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise BackupError("the CMDB {path} is damaged; restore an earlier backup", path=source)
    return target


def _put_back(settings: Settings, kept: Path) -> None:
    if settings.database_url:
        _postgresql(settings, "pg_restore", "--exit-on-error", "--no-owner", "--single-transaction", str(kept))
    else:
        (settings.home / "cmdb.sqlite").write_bytes(kept.read_bytes())


def _postgresql(settings: Settings, program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on the CMDB; the password goes through the environment, never the command line."""
    url = make_url(settings.database)
    plain = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    try:
        done = subprocess.run(
            [program, "--dbname", plain, *arguments], check=False, capture_output=True, text=True, env=environment
        )
    except FileNotFoundError:
        raise BackupError("{program} is not installed (Debian package postgresql-client)", program=program) from None
    if done.returncode:
        raise BackupError("{command} failed: {cause}", command=program, cause=done.stderr.strip()[:500])


def _refuse_full(settings: Settings) -> None:
    found = [path for path in (settings.home / "cmdb.sqlite", settings.home / FILE, settings.keyring) if _filled(path)]
    if found:
        raise BackupError("{path} exists: a restore needs an empty SIROCCO_HOME", path=found[0])
    if settings.database_url:
        engine = create_engine(settings.database)
        try:
            if inspect(engine).get_table_names():
                raise BackupError("the database holds tables: a restore needs an empty one")
        finally:
            engine.dispose()


def _filled(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


# --- the archive --------------------------------------------------------------------------------------------------


@contextmanager
def _readable(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        tar = tarfile.open(archive)  # noqa: SIM115 - closed below; errors of the reader are not errors of opening
    except tarfile.TarError as error:
        raise BackupError("{path} is not a backup: it is no tar archive", path=archive) from error
    except OSError as error:
        raise BackupError("{path} cannot be read: {cause}", path=archive, cause=error.strerror) from error
    with tar:
        yield tar


def _manifest(tar: tarfile.TarFile, archive: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(_member(tar, _MANIFEST).read(1 << 20))
        usable = manifest["format"] == _FORMAT and set(manifest["parts"]) <= {_SQLITE, _DUMP, _KEYS, FILE}
    except (ValueError, KeyError, TypeError, tarfile.TarError) as error:
        raise BackupError("{path} is not a backup of Sirocco", path=archive) from error
    if not usable:
        raise BackupError("{path} was made by a release that this one does not understand", path=archive)
    return dict(manifest)


def _member(tar: tarfile.TarFile, name: str) -> Any:
    member = tar.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member


def _unpack(tar: tarfile.TarFile, name: str, digest: str, scratch: Path) -> Path:
    """A part as a file; only names that the manifest may hold come here, so no path leads out of the folder."""
    target = scratch / name
    try:
        with target.open("xb") as file:
            shutil.copyfileobj(_member(tar, name), file)
    except (KeyError, tarfile.TarError):
        raise BackupError("the backup lacks {name}", name=name) from None
    if _digest(target) != digest:
        raise BackupError("{name} in the backup is damaged", name=name)
    return target


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    tar.addfile(entry, io.BytesIO(content))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_closed(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)


# --- the sealed key ring ------------------------------------------------------------------------------------------


def _seal(ring: bytes, passphrase: str) -> bytes:
    if len(passphrase) < _SHORTEST:
        raise BackupError(
            "the passphrase is too short: it guards every secret, so it needs {least} characters", least=_SHORTEST
        )
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    return salt + nonce + AESGCM(_stretch(passphrase, salt)).encrypt(nonce, ring, _KEYS.encode())


def _open(sealed: bytes, passphrase: str) -> bytes:
    try:
        return AESGCM(_stretch(passphrase, sealed[:16])).decrypt(sealed[16:28], sealed[28:], _KEYS.encode())
    except (InvalidTag, ValueError):
        raise BackupError("the passphrase does not open the key ring of this backup") from None


def _stretch(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())
