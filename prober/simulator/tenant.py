"""Who and what the tenant consists of: sites, mailboxes, users, applications, and the clocks everything goes by."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from prober.simulator.mailbox import Mailbox

ONLINE = "exchange_online"
SERVER = "exchange_server"


@dataclass(frozen=True, slots=True)
class Site:
    """One place with front ends and mailbox servers. `code` is the three letters of its edge (`X-FEEFZInfo`).

    `front_ends` is how many answer there in turn. `environment`: `exchange_online`, or `exchange_server` for servers
    of one's own, with Basic authentication, health pages and the older protocol version.
    """

    name: str
    region: str
    code: str
    front_ends: int = 2
    environment: str = ONLINE

    def front_end(self, number: int) -> str:
        """Return the name of the front end that answers connection `number` (`X-FEServer`)."""
        return f"{self.code[:2].upper()}1P{self.code.upper()}CA{number % self.front_ends + 1:04d}"

    def back_end(self, mailbox: Mailbox) -> str:
        """Return the mailbox server of `mailbox` (`X-CalculatedBETarget`)."""
        number = int(mailbox.guid[:4], 16) % 100
        return f"{self.code[:2].upper()}1P{self.code.upper()}MB{number:04d}.{self.forest}.prod.outlook.com"

    @property
    def forest(self) -> str:
        """The forest of its mailbox servers, such as `eurp281`."""
        return f"{self.region[:3].lower()}p{sum(map(ord, self.name)) % 900 + 100}"


@dataclass(frozen=True, slots=True)
class User:
    """One account. The password is for Basic authentication and for the resource owner password grant."""

    name: str
    password: str = field(repr=False)
    object_id: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """One app registration. `client` is the client that signs in with it, empty for any.

    `secret` empty: a public client. `certificate` (PEM, or a public key): the key its assertions are signed with.
    `mailboxes` are those it may open as itself; `permissions` go into the token's `roles` or `scp`.
    """

    client_id: str
    name: str
    client: str = ""
    secret: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    mailboxes: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset(
        {"IMAP.AccessAsApp", "full_access_as_app", "Mail.Read", "Calendars.Read", "ServiceHealth.Read.All"}
    )


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of the tenant: `monotonic` and `wall` in seconds, and how it waits."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def now(self) -> datetime:
        """Return the wall clock's time, in UTC."""
        return datetime.fromtimestamp(self.wall(), UTC)


class Tenant:
    """The whole of it. `seed` makes every draw repeatable; `domain` is what its host names end in."""

    def __init__(
        self,
        domain: str,
        sites: Iterable[Site],
        *,
        users: Iterable[User] = (),
        applications: Iterable[Application] = (),
        clocks: Clocks | None = None,
        seed: int = 1,
    ) -> None:
        self.domain = domain
        self.seed = seed
        self.clocks = clocks or Clocks()
        self.id = str(uuid.uuid5(uuid.NAMESPACE_DNS, domain))
        self.sites: Mapping[str, Site] = MappingProxyType({site.name: site for site in sites})
        self.users: Mapping[str, User] = MappingProxyType({user.name.lower(): user for user in users})
        self.applications: Mapping[str, Application] = MappingProxyType({one.client_id: one for one in applications})
        self._mailboxes: dict[str, Mailbox] = {}

    @property
    def mailboxes(self) -> Mapping[str, Mailbox]:
        """Every mailbox by its address in lower case."""
        return MappingProxyType(self._mailboxes)

    def mailbox(self, address: str) -> Mailbox | None:
        """Return the mailbox of `address`, in any case of letters."""
        return self._mailboxes.get(address.lower())

    def open_mailbox(self, address: str, site: str) -> Mailbox:
        """Create a mailbox at `site`. Raises `KeyError` for a site there is not."""
        made = Mailbox(address, self.sites[site].name, self.clocks.now)
        self._mailboxes[address.lower()] = made
        return made

    def site_of(self, mailbox: Mailbox) -> Site:
        """Return where a mailbox is homed."""
        return self.sites[mailbox.site]
