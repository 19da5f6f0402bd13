"""The signed assertion of an application that proves itself by certificate (RFC 7523 section 2.2)."""

import base64
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.secret import Secret

LIFE = 480
BACKDATED = 30


class Certificate:
    """Certificate and private key of one PEM file, read anew when the file changes."""

    def __init__(self, file: str) -> None:
        self._file = Path(file)
        self._read_at: tuple[int, int] | None = None
        self.thumbprint = ""
        self._key: RSAPrivateKey | None = None

    def assertion(self, client_id: str, audience: str, wall: Callable[[], float] = time.time) -> Secret:
        """Return a JWT signed PS256, good for eight minutes. Raises `FaultError` (`secret_unreadable`)."""
        key = self._fresh()
        now = int(wall())
        claims = {
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": str(uuid.uuid4()),
            "nbf": now - BACKDATED,
            "iat": now,
            "exp": now + LIFE,
        }
        return Secret(jwt.encode(claims, key, algorithm="PS256", headers={"x5t#S256": self.thumbprint}))

    def _fresh(self) -> RSAPrivateKey:
        try:
            status = self._file.stat()
            if self._key is None or self._read_at != (status.st_mtime_ns, status.st_ino):
                self._read(self._file.read_bytes())
                self._read_at = (status.st_mtime_ns, status.st_ino)
        except (OSError, ValueError, TypeError) as exc:
            evidence = {"where": "certificate_file", "exception": type(exc).__name__}
            raise FaultError(kinds.SECRET_UNREADABLE, evidence) from None
        if self._key is None:
            raise FaultError(kinds.SECRET_UNREADABLE, {"where": "certificate_file", "wanted": "an RSA key"})
        return self._key

    def _read(self, pem: bytes) -> None:
        key = load_pem_private_key(pem, password=None)
        self._key = key if isinstance(key, RSAPrivateKey) else None
        digest = x509.load_pem_x509_certificate(pem).fingerprint(SHA256())
        self.thumbprint = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
