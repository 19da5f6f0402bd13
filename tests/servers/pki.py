"""A test authority and the certificates it signed: the right one, and each kind of wrong one.

Extensions are complete, so that the strict verification of newer Pythons accepts the right one.
"""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.servers.account import give

DAY = dt.timedelta(days=1)
LOCAL_NAMES = ("localhost", "127.0.0.1")
SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Files (PEM) of one certificate and its key; `combined_file` holds both."""

    certificate_file: Path
    key_file: Path
    combined_file: Path


class Authority:
    """One certification authority with an EC key. `ca_file` is what trusts it."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._self_signed()
        self.ca_file = directory / f"{_slug(name)}.pem"
        self.ca_file.write_bytes(certificate.public_bytes(Encoding.PEM))

    def issue(
        self,
        label: str,
        *,
        names: Sequence[str] = LOCAL_NAMES,
        starts: dt.timedelta = -DAY,
        ends: dt.timedelta = 7 * DAY,
        key: SigningKey | None = None,
    ) -> KeyPair:
        """Sign a certificate for `names` (DNS names or addresses), valid from now + `starts` to now + `ends`."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        builder = _builder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]), self._name, key, starts, ends
        )
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return _write(self._directory, label, certificate, key)

    def _self_signed(self) -> x509.Certificate:
        public = self._key.public_key()
        return (
            _builder(self._name, self._name, self._key, -30 * DAY, 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
            .sign(self._key, hashes.SHA256())
        )


class Pki:
    """Two authorities, the trusted and the foreign, and server certificates for `localhost` and 127.0.0.1."""

    def __init__(self, directory: Path) -> None:
        self._authority = Authority(directory, "Trusted Test CA")
        self._foreign = Authority(directory, "Foreign Test CA")
        self._directory = directory
        self.ca_file = self._authority.ca_file
        self.foreign_ca_file = self._foreign.ca_file

    @cached_property
    def right(self) -> KeyPair:
        """Nothing wrong with it."""
        return self._authority.issue("right")

    @cached_property
    def wrong_name(self) -> KeyPair:
        """For another host."""
        return self._authority.issue("wrong-name", names=("mail.elsewhere.test",))

    @cached_property
    def expired(self) -> KeyPair:
        """Ended two days ago."""
        return self._authority.issue("expired", starts=-9 * DAY, ends=-2 * DAY)

    @cached_property
    def not_yet_valid(self) -> KeyPair:
        """Begins in two days."""
        return self._authority.issue("not-yet-valid", starts=2 * DAY, ends=9 * DAY)

    @cached_property
    def unknown_ca(self) -> KeyPair:
        """Signed by the authority nobody trusts."""
        return self._foreign.issue("unknown-ca")

    @cached_property
    def client(self) -> KeyPair:
        """For a TLS client, by the trusted authority."""
        return self._authority.issue("client", names=("prober.test",))

    @cached_property
    def application(self) -> KeyPair:
        """An RSA certificate with which an application signs its assertions."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return self._authority.issue("application", names=("application.test",), key=key)

    def issue(self, label: str, *, names: Sequence[str] = LOCAL_NAMES, ends: dt.timedelta = 7 * DAY) -> KeyPair:
        """Sign another certificate by the trusted authority."""
        return self._authority.issue(label, names=names, ends=ends)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: SigningKey, starts: dt.timedelta, ends: dt.timedelta
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + starts)
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(directory: Path, label: str, certificate: x509.Certificate, key: SigningKey) -> KeyPair:
    public = certificate.public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pair = KeyPair(*(directory / f"{label}.{kind}" for kind in ("pem", "key", "both.pem")))
    for path, content in (
        (pair.certificate_file, public),
        (pair.key_file, private),
        (pair.combined_file, public + private),
    ):
        path.write_bytes(content)
        give(path)
    return pair


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")
