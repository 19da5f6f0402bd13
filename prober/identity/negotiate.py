"""Negotiate and NTLM over HTTP (RFC 4559, MS-NTHT): legs on one connection, bound to its TLS channel (RFC 5929)."""

import base64
import binascii
import struct

import spnego
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from prober.exchange import Reply
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.secret import Secret

NEGOTIATION_FAILED = Kind("negotiation_failed", Reason.AUTH_REJECTED)
UNREADABLE = (struct.error, ValueError, IndexError, KeyError, TypeError)
"""What the library lets out when a challenge is not what it should be."""
WEAK = (hashes.MD5, hashes.SHA1)


def channel_binding(certificate: bytes) -> GssChannelBindings:
    """Return the `tls-server-end-point` binding of the server's certificate, DER (RFC 5929 section 4.1)."""
    found = x509.load_der_x509_certificate(certificate)
    algorithm = found.signature_hash_algorithm
    digest = hashes.Hash(hashes.SHA256() if algorithm is None or isinstance(algorithm, WEAK) else algorithm)
    digest.update(certificate)
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest.finalize())


class Negotiation:
    """The legs of one connection: `begin`, then `follow` for each 401 until it gives `None`."""

    def __init__(self, scheme: str, host: str) -> None:
        self._scheme = scheme
        self._host = host
        self._context: spnego.ContextProxy | None = None

    def begin(self, username: str, password: Secret, binding: bytes | None) -> str:
        """Return the first `Authorization` value."""
        self._context = spnego.client(
            username,
            password.reveal(),
            hostname=self._host,
            service="HTTP",
            protocol="ntlm" if self._scheme == "NTLM" else "negotiate",
            channel_bindings=channel_binding(binding) if binding else None,
        )
        return self._step(None)

    def follow(self, reply: Reply) -> str | None:
        """Return the next `Authorization` value, or `None` when the server's 401 is its last word."""
        token = self._challenge(reply)
        if self._context is None or not token:
            return None
        return self._step(token)

    def offered(self, reply: Reply) -> bool:
        """Whether the server offers this scheme at all."""
        return any(value.split(" ", 1)[0].lower() == self._scheme.lower() for value in _challenges(reply))

    def _step(self, token: bytes | None) -> str:
        if self._context is None:
            raise FaultError(NEGOTIATION_FAILED)
        try:
            following = self._context.step(token)
        except SpnegoError as exc:
            raise FaultError(NEGOTIATION_FAILED, {"exception": type(exc).__name__}) from None
        except UNREADABLE:
            raise FaultError(kinds.BAD_REPLY, {"element": "challenge", "scheme": self._scheme}) from None
        return f"{self._scheme} {base64.b64encode(following or b'').decode()}"

    def _challenge(self, reply: Reply) -> bytes | None:
        for value in _challenges(reply):
            scheme, _, parameter = value.partition(" ")
            if scheme.lower() == self._scheme.lower() and parameter:
                try:
                    return base64.b64decode(parameter.strip(), validate=True)
                except (binascii.Error, ValueError):
                    return None
        return None


def _challenges(reply: Reply) -> tuple[str, ...]:
    return tuple(part.strip() for value in reply.headers.all("www-authenticate") for part in value.split(","))
