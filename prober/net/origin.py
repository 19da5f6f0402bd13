"""Where a URL leads: scheme, host and port, and what of it is said to the server."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

import idna

PORTS = {"http": 80, "https": 443, "imap": 143, "imaps": 993}
SECURE = frozenset({"https", "imaps"})


@dataclass(frozen=True, slots=True)
class Origin:
    """One server as URLs name it (RFC 6454). `host` is lower case, ASCII, without brackets."""

    scheme: str
    host: str
    port: int
    secure: bool = field(init=False, compare=False, repr=False)
    """Whether TLS comes first on this connection."""
    host_field: str = field(init=False, compare=False, repr=False)
    """Value of the `Host` field: without the scheme's own port (RFC 9110 section 7.2)."""

    def __post_init__(self) -> None:
        usual = PORTS[self.scheme]
        told = self.authority.removesuffix(f":{usual}") if self.port == usual else self.authority
        object.__setattr__(self, "secure", self.scheme in SECURE)
        object.__setattr__(self, "host_field", told)

    @property
    def authority(self) -> str:
        """`host:port`, brackets around IPv6: the target of CONNECT (RFC 9110 section 9.3.6)."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def split_url(url: str) -> tuple[Origin, str]:
    """Return the origin and the request target (RFC 9112 section 3.2.1) of an absolute URL.

    Path and query go out as they were written. Raises `ValueError` for what is not a URL of a known scheme.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("not an absolute URL of a known scheme")
    host = parts.hostname if parts.hostname.isascii() else idna.encode(parts.hostname, uts46=True).decode()
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    return Origin(parts.scheme, host, PORTS[parts.scheme] if parts.port is None else parts.port), target
