"""Things that the tests of this room make."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from prober.settings.mistakes import Mistakes
from prober.settings.settings import Settings
from prober.settings.source import Location, Position

Loading = Callable[[str], Settings]
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
NOW = datetime.now(UTC)


class Somewhere:
    """Places for what stands in no file: everything in line 1 of `f`, next to `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def position(self, path: Location) -> Position:
        return Position("f", 1, 1)

    def folder(self, path: Location) -> Path:
        return self._folder


def lines(mistakes: Mistakes) -> list[str]:
    """Return the mistakes without their place."""
    return [str(one).removeprefix("f:1:1: ") for one in mistakes.found]


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def curve_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key, passphrase: bytes | None = None) -> bytes:
    lock = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


def certificate_pem(key: Key) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "prober")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - timedelta(1), NOW + timedelta(1))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
