"""Signatures: bytes, dates, chain and revocation, each told apart."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from ovf.checking import check, signature_of
from ovf.errors import OvfError
from ovf.findings import acceptable
from ovf.opened import open_package
from ovf.packing import Piece, Signer, pack
from ovf.signature import Trust, TrustStore, sign, verify
from tests.unit.ovf.conftest import issue, pem

MANIFEST = b"SHA256(a.ovf)= " + b"0" * 64 + b"\n"


def signed(identity, *chain, algorithm="SHA256"):
    certificates = identity.pem + b"".join(one.pem for one in chain)
    return sign(MANIFEST, "a.mf", identity.key_pem, certificates, algorithm)


def judged(data, *anchors, manifest=MANIFEST, lists=(), at=None):
    return verify(manifest, data, TrustStore(tuple(one.certificate for one in anchors), tuple(lists), at))


def revoking(issuer, *revoked):
    now = datetime.now(UTC)
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(now).next_update(now + timedelta(days=1))
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number).revocation_date(now)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA256())


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512"])
@pytest.mark.parametrize(
    "make", [lambda: ec.generate_private_key(ec.SECP256R1()), lambda: rsa.generate_private_key(65537, 2048)]
)
def test_a_trusted_signature(make, algorithm):
    identity = issue("Packer", make())
    verdict = judged(signed(identity, algorithm=algorithm), identity)
    assert (verdict.trust, verdict.signer) == (Trust.TRUSTED, "CN=Packer")


def test_openssl_signs_the_same_way(tmp_path):
    identity = issue("Packer", rsa.generate_private_key(65537, 2048))
    line = signed(identity).partition(b"\n")[0]
    assert line.startswith(b"SHA256(a.mf)= ")
    assert len(line.partition(b"= ")[2]) == 512


def test_a_chain_over_an_intermediate():
    root = issue("Root", ca=True)
    middle = issue("Middle", issuer=root, ca=True, path_length=0)
    leaf = issue("Leaf", issuer=middle)
    assert judged(signed(leaf, middle), root).trust is Trust.TRUSTED
    assert judged(signed(leaf), root).trust is Trust.UNTRUSTED
    assert judged(signed(leaf, middle)).trust is Trust.UNTRUSTED


def test_chains_that_break_the_rules():
    root = issue("Root", ca=True, path_length=0)
    middle = issue("Middle", issuer=root, ca=True)
    leaf = issue("Leaf", issuer=middle)
    assert "may not issue" in judged(signed(leaf, middle), root).detail
    plain = issue("Plain", issuer=root)
    assert "may not issue" in judged(signed(issue("Leaf", issuer=plain), plain), root).detail
    unfit = issue("Unfit", ca=True, usage=False)
    assert "may not issue" in judged(signed(issue("Leaf", issuer=unfit)), unfit).detail
    old = issue("Old", ca=True, days=(-20, -10))
    assert "not valid at this time" in judged(signed(issue("Leaf", issuer=old)), old).detail


@pytest.mark.parametrize("days", [(-20, -10), (10, 20)])
def test_certificates_out_of_date(days):
    identity = issue("Packer", days=days)
    assert judged(signed(identity), identity).trust is Trust.EXPIRED


def test_the_time_to_judge_by_can_be_given():
    identity = issue("Packer", days=(-20, -10))
    then = datetime.now(UTC) - timedelta(days=15)
    assert judged(signed(identity), identity, at=then).trust is Trust.TRUSTED


def test_revoked_certificates():
    root = issue("Root", ca=True)
    leaf, other = issue("Leaf", issuer=root), issue("Other", issuer=root)
    assert judged(signed(leaf), root, lists=[revoking(root, leaf)]).trust is Trust.REVOKED
    assert judged(signed(leaf), root, lists=[revoking(root, other)]).trust is Trust.TRUSTED
    forged = issue("Root", ca=True)
    assert judged(signed(leaf), root, lists=[revoking(forged, leaf)]).trust is Trust.TRUSTED


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b"= ", b"= 00", 1),
        lambda data: data.replace(b"= ", b"= 0", 1),
        lambda data: data.partition(b"\n")[0],
        lambda data: data.partition(b"\n")[2],
        lambda data: data.replace(b"MII", b"MIJ", 1),
        lambda _: b"",
        lambda data: data + b" " * 300_000,
        lambda data: data + data.partition(b"\n")[2] * 9,
    ],
)
def test_corrupt_certificate_files(damage):
    identity = issue("Packer")
    assert judged(damage(signed(identity)), identity).trust is Trust.CORRUPT


def test_a_changed_manifest_is_noticed():
    identity = issue("Packer")
    assert judged(signed(identity), identity, manifest=MANIFEST + b" ").trust is Trust.CORRUPT


def test_keys_that_cannot_sign():
    identity, other = issue("Packer"), issue("Other")
    with pytest.raises(OvfError, match="does not belong"):
        sign(MANIFEST, "a.mf", other.key_pem, identity.pem)
    with pytest.raises(OvfError, match="cannot be read"):
        sign(MANIFEST, "a.mf", b"nonsense", identity.pem)
    odd = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Odd")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(odd.public_key())
    now = datetime.now(UTC)
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(odd, None).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(OvfError, match="only RSA"):
        sign(MANIFEST, "a.mf", pem(odd), certificate)
    assert judged(b"SHA256(a.mf)= 00\n" + certificate).trust is Trust.CORRUPT


def test_trust_stores_that_are_none():
    with pytest.raises(OvfError, match="trust store"):
        TrustStore.load([b"nonsense"])
    with pytest.raises(OvfError, match="trust store"):
        TrustStore.load([], [b"nonsense"])


def test_packages_tell_what_their_signature_is_worth(folder, tmp_path, signer):
    opened = open_package(folder)
    pieces = [Piece.of_path(name, folder / name) for name in ("disk1.vmdk", "icon.png")]
    store = TrustStore((signer.certificate,))

    def codes(path, **options):
        findings = check(open_package(path), **options)
        return {one.code for one in findings}, acceptable(findings)

    pack(opened.data, "a", pieces, tmp_path / "plain.ova")
    assert codes(tmp_path / "plain.ova") == (set(), True)
    assert codes(tmp_path / "plain.ova", store=store) == ({"package.unsigned"}, True)
    pack(opened.data, "a", pieces, tmp_path / "signed.ova", signer=Signer(signer.key_pem, signer.pem))
    assert codes(tmp_path / "signed.ova") == ({"package.untrusted"}, True)
    assert codes(tmp_path / "signed.ova", store=store) == (set(), True)
    broken = tmp_path / "broken.ova"
    broken.write_bytes((tmp_path / "signed.ova").read_bytes().replace(b"SHA256(a.mf)= 30", b"SHA256(a.mf)= 31"))
    assert codes(broken, store=store) == ({"package.signature"}, False)
    assert signature_of(open_package(folder), store).trust is Trust.UNSIGNED
    (folder / "a.cert").write_bytes(b"x")
    assert signature_of(open_package(folder), store).trust is Trust.CORRUPT
