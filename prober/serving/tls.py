"""TLS for the pages, from files that are renewed while we listen."""

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Self

ClientAuth = Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]
Version = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
VERSIONS: Mapping[str, ssl.TLSVersion] = MappingProxyType(
    {
        "TLS10": ssl.TLSVersion.TLSv1,
        "TLS11": ssl.TLSVersion.TLSv1_1,
        "TLS12": ssl.TLSVersion.TLSv1_2,
        "TLS13": ssl.TLSVersion.TLSv1_3,
    }
)
VERIFY: Mapping[str, ssl.VerifyMode] = MappingProxyType(
    {
        "NoClientCert": ssl.CERT_NONE,
        "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
        "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
    }
)
SUITES: Mapping[str, str] = MappingProxyType(
    {
        "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
        "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
        "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
        "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    }
)
"""Cipher suites of TLS 1.2 by the names of IANA, which exporters use, and those of OpenSSL."""
ALWAYS = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
"""Those of TLS 1.3, among which nobody chooses."""
CURVES: Mapping[str, str] = MappingProxyType(
    {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
)


class TlsFileError(Exception):
    """A file cannot be used. `key` is the key that names it, the text what is wrong, without what the file holds."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How the pages are served over TLS. Files are absolute; `suites` empty means OpenSSL's own choice."""

    cert_file: str
    key_file: str
    client_auth: ClientAuth = "NoClientCert"
    client_ca_file: str | None = None
    client_names: tuple[str, ...] = ()
    minimum: Version = "TLS12"
    maximum: Version = "TLS13"
    suites: tuple[str, ...] = ()
    curve: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The files it is made from."""
        return tuple(one for one in (self.cert_file, self.key_file, self.client_ca_file) if one is not None)


def context(settings: TlsSettings) -> ssl.SSLContext:
    """Return a context from the files as they are now. Raises `TlsFileError`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version, made.maximum_version = VERSIONS[settings.minimum], VERSIONS[settings.maximum]
    made.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    made.set_alpn_protocols(["http/1.1"])
    _choose(made, settings)
    try:
        made.load_cert_chain(settings.cert_file, settings.key_file, password=_no_password)
    except FileNotFoundError:
        missing = "cert_file" if not _readable(settings.cert_file) else "key_file"
        raise TlsFileError(missing, "names a file that does not exist") from None
    except PermissionError:
        unreadable = "cert_file" if not _readable(settings.cert_file) else "key_file"
        raise TlsFileError(unreadable, "names a file that cannot be read") from None
    except (ssl.SSLError, OSError, ValueError) as exc:
        why = exc.reason if isinstance(exc, ssl.SSLError) and exc.reason else type(exc).__name__
        raise TlsFileError("cert_file", f"is no certificate that goes with the key of key_file ({why})") from None
    if settings.client_ca_file is not None:
        try:
            made.load_verify_locations(settings.client_ca_file)
        except (ssl.SSLError, OSError, ValueError):
            raise TlsFileError("client_ca_file", "names a file without certificates that can be read") from None
    made.verify_mode = VERIFY[settings.client_auth]
    return made


def _choose(made: ssl.SSLContext, settings: TlsSettings) -> None:
    named = [SUITES[one] for one in settings.suites if one in SUITES]
    try:
        if named:
            made.set_ciphers(":".join(named))
        elif settings.suites:
            made.minimum_version = ssl.TLSVersion.TLSv1_3  # no suite of an older version is wanted
    except ssl.SSLError:
        raise TlsFileError("cipher_suites", "names no cipher suite that this machine's OpenSSL knows") from None
    try:
        if settings.curve is not None:
            made.set_ecdh_curve(CURVES[settings.curve])
    except (ValueError, ssl.SSLError):
        raise TlsFileError("curve_preferences", "names a curve that this machine's OpenSSL does not know") from None


def _no_password() -> str:
    """Give no password: without this OpenSSL would ask the terminal for that of an encrypted key."""
    return ""


def _readable(file: str) -> bool:
    try:
        with open(file, "rb"):  # noqa: PTH123 - it is a text from the settings, and only opened
            return True
    except OSError:
        return False


class Renewed(ssl.SSLContext):
    """A context that takes, for each connection, the one that `choose` returns then."""

    choose: Callable[[], ssl.SSLContext]

    @classmethod
    def by(cls, choose: Callable[[], ssl.SSLContext]) -> Self:
        """Return one for a listening server."""
        made = cls(ssl.PROTOCOL_TLS_SERVER)
        made.choose = choose
        return made

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - the signature of the class
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Begin one connection."""
        return self.choose().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


def names(certificate: Mapping[str, object] | None) -> Sequence[str]:
    """Return the alternative names (RFC 5280 section 4.2.1.6) of a peer's certificate as `ssl` gives it."""
    found = (certificate or {}).get("subjectAltName", ())
    return [str(value) for _, value in found] if isinstance(found, tuple) else []
