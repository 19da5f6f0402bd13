"""Where the services of a mailbox are: at its own site, under the name of the client that protocol belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from prober.simulator.http.message import Request
from prober.simulator.mailbox import Mailbox
from prober.simulator.service import Premises
from prober.simulator.tenant import ONLINE, SERVER, Site

PLACES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Rest": ("outlook_mobile", "/api"),
        "ActiveSync": ("activesync", "/Microsoft-Server-ActiveSync"),
        "Ews": ("outlook_mac_legacy", "/EWS/Exchange.asmx"),
        "Substrate": ("outlook_mobile", ""),
        "SubstrateSearchService": ("outlook_mobile", "/search"),
        "AutodiscoverV1": ("outlook_desktop", "/autodiscover/autodiscover.xml"),
        "SubstrateNotificationService": ("outlook_mobile", "/insights"),
    }
)
"""By name of the protocol: the client it belongs to, and the path."""
AT_A_SERVER = frozenset({"Rest", "ActiveSync", "Ews", "AutodiscoverV1"})


@dataclass(frozen=True, slots=True)
class Places:
    """What is where, for the mailbox asked about: its `home`, seen from the site that was `asked`."""

    premises: Premises
    home: Site
    asked: Site

    @property
    def elsewhere(self) -> bool:
        """Whether the cloud was asked about a mailbox on a server of one's own."""
        return self.asked.environment == ONLINE and self.home.environment == SERVER

    @property
    def names(self) -> tuple[str, ...]:
        """The protocols offered there."""
        own = self.home.environment == SERVER
        return tuple(name for name in PLACES if not own or name in AT_A_SERVER)

    def url(self, protocol: str) -> str:
        """Return the URL of a protocol. Raises `KeyError` for a name that is not in `PLACES`."""
        client, path = PLACES[protocol]
        return self.at(client, path)

    def at(self, client: str, path: str) -> str:
        """Return the URL of `path` where `client` reaches the mailbox."""
        return f"https://{self.premises.authority(client, self.home.name)}{path}"


def asked_site(premises: Premises, request: Request) -> Site:
    """Return the site a request came to; the name all sites share leads to the first of them."""
    sites = premises.tenant.sites
    return sites.get(request.connection.host.site) or next(iter(sites.values()))


def places_of(premises: Premises, request: Request, mailbox: Mailbox | None) -> Places:
    """Return where the services of `mailbox` are; without one, those of the site that was asked."""
    asked = asked_site(premises, request)
    return Places(premises, premises.tenant.site_of(mailbox) if mailbox else asked, asked)
