"""A certificate authority of the tests' own: for daemons and engines that listen with TLS."""

import ipaddress
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK = "127.0.0.1"


class Authority:
    """A certificate authority in a folder; each party's folder is laid out as libvirt's ``pkipath`` wants it."""

    def __init__(self, folder):
        self.folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        usage = x509.KeyUsage(*[place in {5, 6} for place in range(9)])  # may sign certificates and revocations
        ca = x509.BasicConstraints(ca=True, path_length=None)
        self._certificate = self._signed(self._name, self._key, (ca, usage))

    def _signed(self, name, key, extensions):
        start = datetime.now(UTC) - timedelta(hours=1)
        builder = x509.CertificateBuilder(self._name, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=1))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA256())

    def equip(self, party):
        """Key and certificate of a party on this machine, as client and as server."""
        folder, key = self.folder / party, ec.generate_private_key(ec.SECP256R1())
        folder.mkdir(parents=True)
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, party)])
        certificate = self._signed(name, key, (here, usage))
        pem = serialization.Encoding.PEM
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / "cacert.pem").write_bytes(self._certificate.public_bytes(pem))
        (folder / "clientcert.pem").write_bytes(certificate.public_bytes(pem))
        (folder / "clientkey.pem").write_bytes(secret)
        return folder
