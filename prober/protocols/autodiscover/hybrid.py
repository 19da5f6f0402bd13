"""Where Autodiscover may send us: a mailbox of a hybrid organisation is found by going from one premises to the other.

Rule of this file: our credentials go to the configured host, to hosts of the mailbox's own domain and to Exchange
Online, over TLS, and nowhere else; a walk is at most ten steps long and visits no place twice.
"""

from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from prober.faults.taxonomy import FaultError, Kind, Reason

LONGEST = 10
"""Redirects that are followed; that there is a limit is wanted by Learn, "Handling Autodiscover error messages"."""
ONLINE = (
    "office365.com",
    "outlook.office.com",
    "autodiscover-s.outlook.com",
    "outlook.cloud.microsoft",
    "office365.us",
    "partner.outlook.cn",
)
"""Hosts of Exchange Online, and names beneath them."""
CLOUD_ADDRESS = ".onmicrosoft.com"
CLOUD_URL = "https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml"
LOOP = Kind("autodiscover_redirect_loop", Reason.REDIRECT_LOOP)
FOREIGN = Kind("autodiscover_redirect_foreign", Reason.REDIRECT_LOOP)
INSECURE = Kind("autodiscover_redirect_insecure", Reason.REDIRECT_LOOP)


def trusted(url: str, home: str, address: str) -> bool:
    """Whether the credential of the mailbox at `address`, configured for the URL `home`, may be sent to `url`."""
    there, here = host_of(url), host_of(home)
    if not there or urlsplit(url).scheme != "https":
        return False
    own = address.rpartition("@")[2].lower()
    return there == here or any(_beneath(there, domain) for domain in (own, *ONLINE) if domain)


def in_the_cloud(url: str) -> bool:
    """Whether `url` is one of Exchange Online."""
    return any(_beneath(host_of(url), domain) for domain in ONLINE)


def host_of(url: str) -> str:
    """Return the host of a URL in lower case, empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _beneath(host: str, domain: str) -> bool:
    return f".{host}".endswith(f".{domain}")


@dataclass(frozen=True, slots=True)
class Walk:
    """Where we stand: the `url` to ask about `address`. `home` is the URL as configured, for the mailbox `owner`."""

    url: str
    address: str = field(repr=False)
    home: str
    owner: str = field(repr=False)
    visited: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def hybrid(self) -> bool:
        """Whether somebody else than the configured host is asked, or about another address."""
        return host_of(self.url) != host_of(self.home) or self.address.lower() != self.owner.lower()

    def to_url(self, url: str) -> "Walk":
        """Go to another URL. Raises `FaultError` where that may not be."""
        if not url.lower().startswith("https://"):
            raise FaultError(INSECURE, {"hops": str(len(self.visited) + 1)})
        if not trusted(url, self.home, self.owner):
            raise FaultError(FOREIGN, {"hops": str(len(self.visited) + 1)})
        return self._at(url, self.address)

    def to_address(self, address: str) -> "Walk":
        """Ask about another address: at the cloud where it is one of the cloud's, else where we are.

        Raises `FaultError` where that leads in a circle.
        """
        there = CLOUD_URL if address.lower().endswith(CLOUD_ADDRESS) else self.url
        return self._at(there, address)

    def _at(self, url: str, address: str) -> "Walk":
        visited = (*self.visited, _place(self.url, self.address))
        if _place(url, address) in visited or len(visited) > LONGEST:
            raise FaultError(LOOP, {"hops": str(len(visited))})
        return replace(self, url=url, address=address, visited=visited)


def begin(url: str, address: str) -> Walk:
    """Return a walk that begins at the configured `url`, for the mailbox at `address`."""
    return Walk(url, address, url, address)


def _place(url: str, address: str) -> tuple[str, str]:
    return url.rstrip("/").lower(), address.lower()
