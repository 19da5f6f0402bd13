"""The file of `--web.config.file`, in the format of Prometheus' exporter-toolkit: TLS, header fields and users.

Rule of this file: what stands in it appears in no message, since a password may stand where its hash should.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from prober.serving.tls import ALWAYS, CURVES, SUITES, VERSIONS, ClientAuth, TlsFileError, TlsSettings, Version, context
from prober.serving.users import HASH, Users
from prober.settings.document import Section, Text
from prober.settings.mistakes import Mistakes, problem
from prober.settings.settings import ConfigurationError
from prober.settings.shape import validated
from prober.settings.source import Location, Position, Source, SourceError, read

HEADERS = (
    "Content-Security-Policy",
    "Permissions-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
)
"""The header fields that the format knows."""
MOST_USERS = 1000
UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert")


class TlsSection(Section):
    """TLS of the pages."""

    cert_file: Text | None = None
    """PEM file of our certificate and the authorities between it and the root."""
    key_file: Text | None = None
    """PEM file of its private key."""
    client_auth_type: str = ""
    """Whether clients show a certificate."""
    client_ca_file: Text | None = None
    """PEM file of the authorities of the clients' certificates."""
    client_allowed_sans: list[Text] = []
    """Alternative names of which a client's certificate must have one."""
    min_version: str = "TLS12"
    """Oldest version of TLS."""
    max_version: str = "TLS13"
    """Newest version of TLS."""
    cipher_suites: list[str] = []
    """Cipher suites of TLS 1.2 by their IANA names."""
    prefer_server_cipher_suites: bool = True
    """Taken for granted."""
    curve_preferences: list[str] = []
    """One curve for the key exchange."""


class HttpSection(Section):
    """HTTP of the pages."""

    http2: bool = True
    """Understood; the pages are served over HTTP/1.1, which every client of HTTP/2 speaks."""
    headers: dict[str, str] = {}
    """Header fields to add."""


class WebDocument(Section):
    """The whole file."""

    tls_server_config: TlsSection | None = None
    http_server_config: HttpSection | None = None
    basic_auth_users: dict[str, str] = {}


class _Places:
    """Where things stand in the one file."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def position(self, path: Location) -> Position:
        return self._source.position(path)

    def folder(self, path: Location) -> Path:
        return Path(self._source.file).parent


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the pages are served, from files as they were at one moment."""

    tls: TlsSettings | None = None
    context: ssl.SSLContext | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    users: Users = field(default_factory=lambda: Users({}), repr=False)

    @property
    def files(self) -> tuple[str, ...]:
        """The files beside the one that names them."""
        return self.tls.files if self.tls else ()


def load(path: Path) -> WebSettings:
    """Return what the file at `path` says, and what the files it names hold. Raises `ConfigurationError`."""
    try:
        source = read(path)
    except SourceError as exc:
        raise ConfigurationError((problem(exc.position, exc.path, exc.message),)) from None
    mistakes = Mistakes(_Places(source))
    document = validated(WebDocument, source.value, mistakes)
    settings = None if document is None else _settings(document, mistakes)
    if settings is None or mistakes:
        raise ConfigurationError(mistakes.found)
    return settings


def _settings(document: WebDocument, mistakes: Mistakes) -> WebSettings | None:
    tls = _tls(document.tls_server_config, mistakes) if document.tls_server_config else None
    headers = _headers(document.http_server_config, mistakes) if document.http_server_config else {}
    _check_users(document.basic_auth_users, mistakes)
    made = None
    if tls is not None and not mistakes:
        try:
            made = context(tls)
        except TlsFileError as exc:
            mistakes.add(("tls_server_config", exc.key), str(exc))
    if mistakes:
        return None
    return WebSettings(tls, made, MappingProxyType(headers), Users(document.basic_auth_users))


def _tls(section: TlsSection, mistakes: Mistakes) -> TlsSettings | None:
    at: Location = ("tls_server_config",)
    for key in ("cert_file", "key_file"):
        if getattr(section, key) is None:
            mistakes.add(at, f"needs {key}")
    auth = _client_auth(section, mistakes)
    minimum = _version((*at, "min_version"), section.min_version, mistakes)
    maximum = _version((*at, "max_version"), section.max_version, mistakes)
    if minimum > maximum:
        mistakes.add((*at, "max_version"), "must not be older than min_version")
    for index, suite in enumerate(section.cipher_suites):
        if suite not in SUITES and suite not in ALWAYS:
            mistakes.unknown((*at, "cipher_suites", index), "cipher suite here", suite, [*SUITES, *ALWAYS])
    for index, curve in enumerate(section.curve_preferences):
        if curve not in CURVES:
            mistakes.unknown((*at, "curve_preferences", index), "curve here", curve, CURVES)
        elif index:
            mistakes.add((*at, "curve_preferences", index), "is one too many: only one curve can be asked for")
    if mistakes:
        return None
    folder = mistakes.places.folder(at)
    return TlsSettings(
        str(folder / (section.cert_file or "")),
        str(folder / (section.key_file or "")),
        auth,
        None if section.client_ca_file is None else str(folder / section.client_ca_file),
        tuple(section.client_allowed_sans),
        minimum,
        maximum,
        tuple(section.cipher_suites),
        next(iter(section.curve_preferences), None),
    )


def _client_auth(section: TlsSection, mistakes: Mistakes) -> ClientAuth:
    at: Location = ("tls_server_config", "client_auth_type")
    known: dict[str, ClientAuth] = {
        "": "NoClientCert",
        "NoClientCert": "NoClientCert",
        "VerifyClientCertIfGiven": "VerifyClientCertIfGiven",
        "RequireAndVerifyClientCert": "RequireAndVerifyClientCert",
    }
    given = section.client_auth_type
    if given in UNVERIFIED:
        mistakes.add(at, "asks for certificates that nobody verifies, which is not done here; see docs/http.md")
    elif given not in known:
        mistakes.unknown(at, "way to ask for certificates", given, [one for one in known if one])
    auth = known.get(given, "NoClientCert")
    if auth != "NoClientCert" and section.client_ca_file is None:
        mistakes.add(at, "needs client_ca_file")
    if auth == "NoClientCert" and section.client_ca_file is not None and given in known:
        mistakes.add(("tls_server_config", "client_ca_file"), "needs a client_auth_type that verifies")
    if auth != "RequireAndVerifyClientCert" and section.client_allowed_sans:
        needed = "needs client_auth_type RequireAndVerifyClientCert"
        mistakes.add(("tls_server_config", "client_allowed_sans"), needed)
    return auth


def _version(at: Location, given: str, mistakes: Mistakes) -> Version:
    known: dict[str, Version] = {"TLS10": "TLS10", "TLS11": "TLS11", "TLS12": "TLS12", "TLS13": "TLS13"}
    if given not in VERSIONS:
        mistakes.unknown(at, "version of TLS", given, VERSIONS)
    return known.get(given, "TLS12")


def _headers(section: HttpSection, mistakes: Mistakes) -> dict[str, str]:
    at: Location = ("http_server_config", "headers")
    for name, value in section.headers.items():
        if name not in HEADERS:
            mistakes.unknown((*at, name), "header field that can be set", name, HEADERS)
        if not value.isascii() or not value.isprintable():
            mistakes.add((*at, name), "must be one line of printable ASCII")
    return {name: value for name, value in section.headers.items() if value}


def _check_users(users: Mapping[str, Any], mistakes: Mistakes) -> None:
    at: Location = ("basic_auth_users",)
    if len(users) > MOST_USERS:
        mistakes.add(at, f"must have at most {MOST_USERS} entries")
    for name, known in users.items():
        if ":" in name or not name:
            mistakes.add(at, "has a user whose name is empty or holds a colon, which no sign-in can say")
        elif HASH.fullmatch(known) is None:
            mistakes.add((*at, name), 'must be a bcrypt hash, as `htpasswd -nBC 10 ""` prints, of a cost up to 18')
