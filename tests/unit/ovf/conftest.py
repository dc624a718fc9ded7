"""Fixtures of the OVF tests: a key with its certificate, a package with a real disk."""

import shutil
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.unit.ovf.making import descriptor, image

NOW = datetime.now(UTC)


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def issue(name, key=None, issuer=None, *, ca=False, days=(-1, 30), path_length=None, usage=True):
    """A certificate and its key, self-signed unless an issuer is given."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
    )
    if ca:
        flags = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "encipher_only", "decipher_only", "crl_sign"), False,
        )  # fmt: skip
        builder = builder.add_extension(x509.KeyUsage(key_cert_sign=usage, **flags), critical=True)
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    data = certificate.public_bytes(serialization.Encoding.PEM)
    return SimpleNamespace(key=key, certificate=certificate, pem=data, key_pem=pem(key))


@pytest.fixture
def signer():
    return issue("Packer")


@pytest.fixture
def folder(tmp_path):
    """A package as a folder, with a disk that qemu-img made."""
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img (Debian: qemu-utils) makes the disk of this test")
    path = tmp_path / "package"
    path.mkdir()
    disk = image(path / "disk1.vmdk")
    (path / "icon.png").write_bytes(b"\x89PNG")
    (path / "a.ovf").write_bytes(descriptor(("65536", str(disk.stat().st_size))))
    return path
