"""Certificates made afresh for tests: an authority of one's own, and leaves of every quality."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Leaf:
    """A certificate with its key in one PEM file."""

    file: str
    der: bytes
    not_before: datetime
    not_after: datetime

    def server(self, *, client_ca: str | None = None) -> ssl.SSLContext:
        """Return a server's context that presents this certificate, and asks for one of `client_ca`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        if client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        return context


class Authority:
    """Signs leaves. `file` is its own certificate as PEM."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = (
            self._builder(self._name, self._key.public_key(), NOW - 30 * DAY, NOW + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = str(directory / f"{name}.pem")
        Path(self.file).write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def leaf(
        self,
        name: str,
        *alternative: str,
        not_before: datetime = NOW - 10 * DAY,
        not_after: datetime = NOW + 10 * DAY,
        purpose: x509.ObjectIdentifier | None = None,
    ) -> Leaf:
        """Return a leaf for the alternative names, host names or addresses; without any, for a common name only."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, key.public_key(), not_before, not_after)
        if alternative:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general_name(one) for one in alternative]), critical=False
            )
        if purpose is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
        certificate = builder.sign(self._key, hashes.SHA256())
        file = self._directory / f"{name}-{certificate.serial_number}.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return Leaf(str(file), certificate.public_bytes(serialization.Encoding.DER), not_before, not_after)

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, not_before: datetime, not_after: datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before)
            .not_valid_after(not_after)
        )


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class Pki:
    """The certificates most tests need, made once per test run."""

    def __init__(self, directory: Path) -> None:
        self.ours = Authority(directory, "ours")
        self.foreign = Authority(directory, "foreign")
        self.good = self.ours.leaf("good", "mail.test", "localhost", "127.0.0.1", "::1")
        self.expired = self.ours.leaf("expired", "mail.test", not_before=NOW - 9 * DAY, not_after=NOW - 2 * DAY)
        self.early = self.ours.leaf("early", "mail.test", not_before=NOW + 2 * DAY, not_after=NOW + 9 * DAY)
        self.other_name = self.ours.leaf("other", "other.test", "127.0.0.9")
        self.common_name_only = self.ours.leaf("mail.test")
        self.for_clients = self.ours.leaf("client", "mail.test", purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
        self.unknown = self.foreign.leaf("unknown", "mail.test")
