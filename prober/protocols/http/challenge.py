"""`WWW-Authenticate` (RFC 9110 section 11.6.1), read leniently: servers write it in every way there is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from prober.exchange import Headers

SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9._-]*)(?:\s+(.*))?$", re.DOTALL)
PARAMETER = re.compile(r"""([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))""")
NEXT = re.compile(r",\s*(?=(?:Bearer|Basic|Negotiate|NTLM|Digest|Kerberos|Nego2|PKU2U)\b(?!\s*=))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge: the scheme in lower case, and its parameters by lower-case name."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def read(headers: Headers) -> tuple[Challenge, ...]:
    """Return all challenges of a reply, several in one header field or in several."""
    return tuple(
        [Challenge(one[1].lower(), MappingProxyType(_parameters(one[2] or ""))) for one in _challenges(headers)]
    )


def _challenges(headers: Headers) -> Iterator[re.Match[str]]:
    """Give the scheme and the parameters of one after the other."""
    for value in headers.all("www-authenticate"):
        for part in NEXT.split(value[:8192]):
            matched = SCHEME.match(part.strip())
            if matched is not None:
                yield matched


def _parameters(text: str) -> dict[str, str]:
    return {name.lower(): quoted or plain for name, quoted, plain in PARAMETER.findall(text)}


def bearer(headers: Headers) -> Challenge | None:
    """Return the bearer challenge, if one is among them."""
    return next((one for one in read(headers) if one.scheme == "bearer"), None)


def schemes(headers: Headers) -> str:
    """Return the names of the offered schemes for evidence."""
    return " ".join(sorted({one[1].lower() for one in _challenges(headers)}))[:100]
