"""Signed manifests: X.509 signatures, chains, revocation (DSP0243 2.1, clause 5.1).

A certificate file holds the signature of the manifest, ``SHA256(name.mf)= hex``, and the signer's certificate in
PEM, further certificates of its chain after it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from ovf.errors import OvfError, RefusedError
from ovf.manifest import parse_line

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA1": hashes.SHA1(),  # noqa: S303 -- old packages are signed with it; nothing new is
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_LONGEST_CHAIN = 8
_MOST_BYTES = 256 * 1024


class Trust(Enum):
    """What a signature is worth."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    EXPIRED = "expired"
    REVOKED = "revoked"
    CORRUPT = "corrupt"
    UNSIGNED = "unsigned"


@dataclass(frozen=True)
class Verdict:
    """A signature's worth, who signed (RFC 4514 name), and why it was judged so."""

    trust: Trust
    signer: str = ""
    detail: str = ""


@dataclass(frozen=True)
class TrustStore:
    """Certificates an operator trusts and revocation lists, with the time to judge by (now, unless given)."""

    anchors: tuple[x509.Certificate, ...] = ()
    revocations: tuple[x509.CertificateRevocationList, ...] = ()
    at: datetime | None = None

    @classmethod
    def load(cls, certificates: Iterable[bytes], revocations: Iterable[bytes] = ()) -> "TrustStore":
        """A store from PEM files.

        Raises:
            OvfError: a file holds no certificate or revocation list.
        """
        try:
            anchors = [one for data in certificates for one in x509.load_pem_x509_certificates(data)]
            lists = [x509.load_pem_x509_crl(data) for data in revocations]
        except ValueError as error:
            raise OvfError(f"the trust store cannot be read: {error}", remedy="use PEM files") from None
        return cls(tuple(anchors), tuple(lists))


def verify(manifest: bytes, certificate_file: bytes, store: TrustStore) -> Verdict:
    """Judge the signature of a manifest: its bytes first, then dates, chain and revocation."""
    try:
        algorithm, signature, chain = _parse(certificate_file)
        _check_bytes(chain[0], signature, manifest, _HASHES[algorithm])
    except (RefusedError, ValueError, InvalidSignature) as error:
        return Verdict(Trust.CORRUPT, detail=str(error) or "the signature does not match the manifest")
    signer = chain[0].subject.rfc4514_string()
    now = store.at or datetime.now(UTC)
    if not chain[0].not_valid_before_utc <= now <= chain[0].not_valid_after_utc:
        until = f"{chain[0].not_valid_before_utc:%Y-%m-%d} to {chain[0].not_valid_after_utc:%Y-%m-%d}"
        return Verdict(Trust.EXPIRED, signer, f"valid from {until}")
    path, detail = _path(chain, store, now)
    if any(_is_revoked(one, issuer, store) for one, issuer in zip(path, [*path[1:], path[-1]], strict=True)):
        return Verdict(Trust.REVOKED, signer, "a certificate of the chain is revoked")
    return Verdict(Trust.UNTRUSTED if detail else Trust.TRUSTED, signer, detail)


def sign(
    manifest: bytes, manifest_name: str, key_pem: bytes, certificates_pem: bytes, algorithm: str = "SHA256"
) -> bytes:
    """The certificate file for a manifest.

    Raises:
        OvfError: the key cannot be used or does not belong to the certificate.
    """
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
        chain = x509.load_pem_x509_certificates(certificates_pem)
    except (ValueError, TypeError) as error:
        raise OvfError(f"key or certificate cannot be read: {error}", remedy="use PEM without a password") from None
    if _public(key) != _public(chain[0]):
        raise OvfError("the key does not belong to the certificate", remedy="give the signer's certificate first")
    signature = _signed(key, manifest, _HASHES[algorithm])
    line = f"{algorithm}({manifest_name})= {signature.hex()}\n".encode()
    return line + b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)


def _public(holder: PrivateKeyTypes | x509.Certificate) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return holder.public_key().public_bytes(serialization.Encoding.DER, form)


def _signed(key: PrivateKeyTypes, data: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), algorithm)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(algorithm))
    raise OvfError("only RSA and elliptic-curve keys sign packages")


def _parse(data: bytes) -> tuple[str, bytes, list[x509.Certificate]]:
    """Algorithm, signature and chain of a certificate file."""
    if len(data) > _MOST_BYTES:
        raise RefusedError("the certificate file is too large")
    lines = data.partition(b"-----BEGIN")[0].decode("ascii", "replace").splitlines()
    entry = next((entry for line in lines if (entry := parse_line(line))), None)
    blocks = _PEM.findall(data)
    if entry is None or not blocks or len(blocks) > _LONGEST_CHAIN or len(entry.digest) % 2:
        raise RefusedError("the certificate file holds no signature or no certificate")
    return entry.algorithm, bytes.fromhex(entry.digest), [x509.load_pem_x509_certificate(one) for one in blocks]


def _check_bytes(certificate: x509.Certificate, signature: bytes, data: bytes, algorithm: hashes.HashAlgorithm) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, padding.PKCS1v15(), algorithm)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, data, ec.ECDSA(algorithm))
    else:
        raise RefusedError("the signer's kind of key is not taken")


def _path(chain: list[x509.Certificate], store: TrustStore, now: datetime) -> tuple[list[x509.Certificate], str]:
    """The certificates from the signer to an anchor, and why there is no such path (empty if there is one)."""
    path = [chain[0]]
    while path[-1] not in store.anchors:
        issuer = next((one for one in (*store.anchors, *chain[1:]) if _issued(path[-1], one)), None)
        if issuer is None or issuer in path or len(path) >= _LONGEST_CHAIN:
            return path, f"no trusted issuer for {path[-1].subject.rfc4514_string()}"
        if not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
            return path, f"{issuer.subject.rfc4514_string()} is not valid at this time"
        if not _may_issue(issuer, len(path) - 1):
            return path, f"{issuer.subject.rfc4514_string()} may not issue certificates"
        path.append(issuer)
    return path, ""


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _may_issue(certificate: x509.Certificate, below: int) -> bool:
    """Basic constraints and key usage of an issuer with this many intermediate certificates below it (RFC 5280)."""
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    try:
        signs = certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        signs = True
    return basic.ca and signs and (basic.path_length is None or basic.path_length >= below)


def _is_revoked(certificate: x509.Certificate, issuer: x509.Certificate, store: TrustStore) -> bool:
    for one in store.revocations:
        if one.issuer != certificate.issuer or not one.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
            continue
        if one.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            return True
    return False
