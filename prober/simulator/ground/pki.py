"""A throw-away authority and the certificates of the tenant: the right one, and those that no client should take.

Rule of this file: private keys stay in the tenant's folder, for its owner alone, and die with it.
"""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = dt.timedelta(days=1)
CA_LIFE = 30 * DAY
NOW, PAST, FUTURE = (-DAY, CA_LIFE), (-3 * DAY, -DAY), (DAY, CA_LIFE)
"""Lives of certificates."""
ELSEWHERE = ("mail.fabrikam.example",)
"""The name in the certificate that is for another name."""

OnHello = Callable[[str], str]
"""Told the server name of a ClientHello, returns the kind of fault that strikes the handshake, empty for none."""


class Authority:
    """One certification authority. `ca_file` is what a client has to trust."""

    def __init__(self, folder: Path, name: str = "Simulated tenant CA") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._certificate = self._self_signed()
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def issue(self, label: str, names: Sequence[str], life: tuple[dt.timedelta, dt.timedelta] = NOW) -> Path:
        """Sign a certificate for `names` (DNS names or addresses); return a file that holds it and its key.

        `life`: from when until when it is valid, seen from now.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        # Real time and not the tenant's: a client's TLS library knows no other.
        now = dt.datetime.now(dt.UTC)
        starts, ends = (now + one for one in life)
        usage = x509.KeyUsage(True, *[False] * 8)  # noqa: FBT003 - the library's own signature: digital signature alone
        certificate = (
            _builder(_named(names[0]), self._name, key, starts, ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = self._folder / f"{label}.pem"
        file.touch(mode=0o600)
        file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        return file

    def stranger(self) -> "Authority":
        """Return another authority, in a folder beside this one's files, that nobody has been told to trust."""
        folder = self._folder / "stranger"
        folder.mkdir(mode=0o700, exist_ok=True)
        return Authority(folder, "Somebody else's CA")

    def _self_signed(self) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        signing = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        return (
            _builder(self._name, self._name, self._key, now - 4 * DAY, now + CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(signing, critical=True)
            .sign(self._key, hashes.SHA256())
        )


def server_context(authority: Authority, names: Sequence[str], on_hello: OnHello) -> ssl.SSLContext:
    """Return the context of the tenant's listeners; at each ClientHello `on_hello` decides what the client gets."""
    right = _context(authority.issue("server", names))
    instead = {
        "tls_wrong_name": _context(authority.issue("wrong-name", ELSEWHERE)),
        "tls_expired": _context(authority.issue("expired", names, PAST)),
        "tls_not_yet_valid": _context(authority.issue("not-yet-valid", names, FUTURE)),
        "tls_untrusted": _context(authority.stranger().issue("untrusted", names)),
    }

    def hello(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> int | None:
        struck = on_hello(name or "")
        if struck == "tls_alert":
            return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
        if struck in instead:
            connection.context = instead[struck]
        return None

    right.sni_callback = hello
    return right


def _context(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(file)
    return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, starts: dt.datetime, ends: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
