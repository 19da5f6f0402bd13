"""TLS between memory buffers: trust is decided once at load, bytes go in and out, no socket is known here.

Every refusal becomes a kind by OpenSSL's numeric verify code or symbolic reason, never by its prose, and the peer's
certificate is read also when it was not acceptable.
"""

import hashlib
import ssl
import warnings
from enum import Enum
from typing import NamedTuple

from cryptography import x509

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError, Kind
from prober.model import Certificate
from prober.net.route import TlsPolicy

RECORD = 16_384  # RFC 8446 section 5.1: no record holds more
VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
CERTIFICATE = {  # X509_V_ERR_… of OpenSSL's x509_vfy.h
    2: kinds.TLS_UNTRUSTED,  # UNABLE_TO_GET_ISSUER_CERT
    9: kinds.TLS_NOT_YET_VALID,  # CERT_NOT_YET_VALID
    10: kinds.TLS_EXPIRED,  # CERT_HAS_EXPIRED
    18: kinds.TLS_UNTRUSTED,  # DEPTH_ZERO_SELF_SIGNED_CERT
    19: kinds.TLS_UNTRUSTED,  # SELF_SIGNED_CERT_IN_CHAIN
    20: kinds.TLS_UNTRUSTED,  # UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    21: kinds.TLS_UNTRUSTED,  # UNABLE_TO_VERIFY_LEAF_SIGNATURE
    27: kinds.TLS_UNTRUSTED,  # CERT_UNTRUSTED
    62: kinds.TLS_WRONG_NAME,  # HOSTNAME_MISMATCH
    64: kinds.TLS_WRONG_NAME,  # IP_ADDRESS_MISMATCH
}
REASON = {  # SSL_R_… of OpenSSL's sslerr.h
    "TLSV1_ALERT_PROTOCOL_VERSION": kinds.TLS_NO_COMMON_VERSION,
    "UNSUPPORTED_PROTOCOL": kinds.TLS_NO_COMMON_VERSION,
    "UNSUPPORTED_SSL_VERSION": kinds.TLS_NO_COMMON_VERSION,
    "WRONG_SSL_VERSION": kinds.TLS_NO_COMMON_VERSION,
    "HTTP_REQUEST": kinds.TLS_NOT_TLS,
    "HTTPS_PROXY_REQUEST": kinds.TLS_NOT_TLS,
    "PACKET_LENGTH_TOO_LONG": kinds.TLS_NOT_TLS,
    "UNKNOWN_PROTOCOL": kinds.TLS_NOT_TLS,
    "WRONG_VERSION_NUMBER": kinds.TLS_NOT_TLS,
}
ALERTS = ("SSLV3_ALERT_", "TLSV1_", "TLSV13_")  # SSL_R_… above 1000: an alert that the peer sent


class Application(Enum):
    """What will be spoken above TLS: only HTTPS offers ALPN (RFC 7301), since mail servers know no name for IMAP."""

    HTTPS = "https"
    IMAP = "imap"


class TlsSetupError(Exception):
    """A trust, certificate or key file cannot be used. The text is one sentence that names it."""


def make_context(policy: TlsPolicy, application: Application) -> ssl.SSLContext:
    """Return the context for `policy`: reads files and costs up to 20 ms, so made at load. Raises `TlsSetupError`.

    Names are compared with the certificate's alternative names only (RFC 9525 section 6.3). Sessions are not resumed,
    because a resumed handshake would skip the certificate. A bare FIN is not taken for the end of a TLS stream.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False
    context.options |= ssl.OP_NO_TICKET
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    _set_minimum(context, policy)
    _trust(context, policy)
    _identify(context, policy)
    if application is Application.HTTPS:
        context.set_alpn_protocols(["http/1.1"])
    return context


def _set_minimum(context: ssl.SSLContext, policy: TlsPolicy) -> None:
    old = policy.minimum_version in ("1.0", "1.1")
    if old:
        context.set_ciphers("DEFAULT@SECLEVEL=0")  # OpenSSL 3 offers TLS below 1.2 at no higher level
    with warnings.catch_warnings():
        if old:  # Python calls these versions deprecated; who configured one knows
            warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = VERSIONS[policy.minimum_version]


def _trust(context: ssl.SSLContext, policy: TlsPolicy) -> None:
    if policy.ca_file is None:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(cafile=policy.ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise TlsSetupError(f"cannot use {policy.ca_file} as authorities ({_why(exc)})") from None


def _identify(context: ssl.SSLContext, policy: TlsPolicy) -> None:
    if policy.certificate_file is None:
        return
    try:
        context.load_cert_chain(policy.certificate_file, policy.key_file, password=_no_password)
    except (OSError, ssl.SSLError) as exc:
        files = " and ".join(name for name in (policy.certificate_file, policy.key_file) if name)
        raise TlsSetupError(f"cannot use {files} as client certificate ({_why(exc)})") from None


def _no_password() -> str:
    """Answer OpenSSL's question with nothing: it would otherwise ask on the terminal."""
    return ""


def _why(exc: OSError) -> str:
    if isinstance(exc, ssl.SSLError):
        return (exc.reason or "not in PEM form").replace("_", " ").lower()
    return (exc.strerror or type(exc).__name__).lower()


def tls_fault(exc: ssl.SSLError) -> FaultError:
    """Return the fault that OpenSSL's error means, with its numeric verify code or symbolic reason as evidence."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        kind = CERTIFICATE.get(exc.verify_code, kinds.TLS_BAD_CERTIFICATE)
        return FaultError(kind, {"verify_code": str(exc.verify_code)})
    reason = exc.reason or "UNKNOWN"
    return FaultError(_by_reason(reason), {"tls_reason": reason.lower()})


def _by_reason(reason: str) -> Kind:
    if reason in REASON:
        return REASON[reason]
    return kinds.TLS_ALERT if reason.startswith(ALERTS) else kinds.TLS_FAILED


class Opened(NamedTuple):
    """What came out of received records: plaintext, then perhaps the peer's goodbye (`close_notify`) or a fault."""

    data: bytes = b""
    finished: bool = False
    fault: FaultError | None = None


class TlsSession:
    """The client's end of one TLS connection. Feed it records, ask it for records, and move them yourself."""

    __slots__ = ("_incoming", "_outgoing", "_ssl", "verified")

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        told = server_name.encode() if server_name.isascii() else server_name  # bytes are not looked at for letters
        self._ssl = context.wrap_bio(self._incoming, self._outgoing, server_hostname=told)
        self.verified = False

    def feed(self, records: bytes) -> None:
        """Take in bytes that came from the peer."""
        self._incoming.write(records)

    @property
    def holding(self) -> bool:
        """Whether bytes have been taken in that nobody has decrypted."""
        return self._incoming.pending > 0 or self._ssl.pending() > 0

    @property
    def speaking(self) -> bool:
        """Whether bytes belong on the wire."""
        return self._outgoing.pending > 0

    def outgoing(self) -> bytes:
        """Return the bytes that now belong on the wire (an alert too, after a fault)."""
        return self._outgoing.read()

    def handshake(self) -> bool:
        """Go on with the handshake; return whether it is done. Raises `FaultError`."""
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as exc:
            raise tls_fault(exc) from None
        self.verified = True
        return True

    def encrypt(self, data: bytes) -> bytes:
        """Return the records that carry `data`. Raises `FaultError`."""
        try:
            self._ssl.write(data)
        except ssl.SSLError as exc:
            raise tls_fault(exc) from None
        return self._outgoing.read()

    def decrypt(self) -> Opened:
        """Return what the records fed so far give. What came before a fault is not lost to it."""
        incoming, pieces, finished = self._incoming, list[bytes](), False
        try:
            while not finished and (incoming.pending or self._ssl.pending()):
                piece = self._ssl.read(RECORD)
                pieces.append(piece)
                finished = not piece
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as exc:
            return Opened(b"".join(pieces), fault=tls_fault(exc))
        return Opened(b"".join(pieces), finished)

    def farewell(self) -> bytes:
        """Return our `close_notify` (RFC 8446 section 6.1), or nothing where it cannot be said any more."""
        try:
            self._ssl.unwrap()
        except (ssl.SSLError, ValueError):  # the peer's own has not come, or the handshake never ended: both are fine
            return self._outgoing.read() if self.verified else b""
        return self._outgoing.read()

    @property
    def version(self) -> str:
        """Protocol version agreed upon, such as `TLSv1.3`."""
        return self._ssl.version() or ""

    @property
    def cipher(self) -> str:
        """Name of the cipher suite agreed upon."""
        chosen = self._ssl.cipher()
        return chosen[0] if chosen else ""

    def peer_certificate(self) -> bytes | None:
        """Return the peer's own certificate (DER), also after it was refused; `None` when none came."""
        return _leaf(self._ssl)


def _leaf(connection: ssl.SSLObject) -> bytes | None:
    """Read the first certificate of the peer's chain.

    The public call refuses until the handshake is done; the one for refused chains is public from Python 3.13 on.
    """
    try:
        return connection.getpeercert(binary_form=True)
    except ValueError:
        pass
    if hasattr(connection, "get_unverified_chain"):
        chain = connection.get_unverified_chain()
        return bytes(chain[0]) if chain else None
    private = getattr(connection, "_sslobj")  # noqa: B009 - not declared, and the only way on Python 3.11 and 3.12
    chain = private.get_unverified_chain()
    return ssl.PEM_cert_to_DER_cert(chain[0].public_bytes()) if chain else None


def read_certificate(der: bytes, *, verified: bool) -> Certificate | None:
    """Return validity and fingerprint of a certificate (RFC 5280 section 4.1); `None` when it is not one."""
    try:
        read = x509.load_der_x509_certificate(der)
        not_before, not_after = read.not_valid_before_utc.timestamp(), read.not_valid_after_utc.timestamp()
    except ValueError:
        return None
    return Certificate(not_before, not_after, hashlib.sha256(der).hexdigest(), verified)
