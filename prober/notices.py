"""Who is introduced to whom where Microsoft's own notices are read: credential, network, reader, panel.

Rule of this file: nothing here is shared with what is probed but the ways out, so that a feed that fails (or a token
that is refused to its reader) is nobody else's business.
"""

import asyncio
from collections.abc import MutableMapping
from urllib.parse import urlsplit

import httpx

from prober.advisories.ledger import Ledger
from prober.advisories.onsets import Onsets
from prober.advisories.panel import AdvisoryPanel
from prober.advisories.reader import Reader
from prober.advisories.reading import Feed, Result
from prober.assembly import Networks
from prober.identity.identities import Identities
from prober.net.transport import HttpTransport
from prober.observe.advisories import AdvisoryMetrics
from prober.observe.metrics import Metrics
from prober.settings.settings import ServiceHealthSettings, Settings
from prober.storage.store import Store
from prober.timeline import Timeline
from prober.transaction import Identity, Scopes
from prober.vocabulary import Environment

PUBLIC = "graph.microsoft.com"
NATIONAL = frozenset({"graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"})
"""Graph of the national clouds, each a resource of its own (Learn, "National cloud deployments")."""
AGENT = "service_health"
"""Who the reader is in the User-Agent: no client."""


class Notices:
    """The reader of a configuration that has one. `onsets` is the sink from which it knows what is seen here."""

    def __init__(
        self,
        settings: Settings,
        section: ServiceHealthSettings,
        networks: Networks,
        store: Store,
        metrics: Metrics,
        onsets: Onsets,
    ) -> None:
        self._identities = _identities(settings, section, networks, store.section("identities"), metrics)
        self._identity = self._identities.bind(section.credential, scopes(section.url), None)
        self._client = httpx.AsyncClient(
            transport=HttpTransport(networks.along(section.route)),
            headers={"User-Agent": settings.user_agent.replace("{client}", AGENT)},
            trust_env=False,
        )
        online = (one for one in settings.assignments if one.target.environment is Environment.EXCHANGE_ONLINE)
        self._reader = Reader(
            Feed(self._client, lambda fresh: _token(self._identity, fresh=fresh), section.url, section.services),
            onsets,
            Ledger(store.section("notices")),
            AdvisoryMetrics(metrics, Result),
            services=section.services,
            clients=sorted({one.client for one in online}),
            interval=section.interval,
        )
        self.panel = AdvisoryPanel(self._reader)
        self._reading: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read on the running loop."""
        self._reading = asyncio.create_task(self._reader.run(), name="service health")

    async def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        await self._identities.close()
        await self._client.aclose()


def scopes(url: str) -> Scopes:
    """Return what to ask a token for: service health of Graph, that of a national cloud where `url` is there."""
    host = (urlsplit(url).hostname or "").lower()
    resource = f"https://{host if host in NATIONAL else PUBLIC}"
    return Scopes(f"{resource}/.default", f"{resource}/ServiceHealth.Read.All offline_access")


def _identities(
    settings: Settings,
    section: ServiceHealthSettings,
    networks: Networks,
    memory: MutableMapping[str, str],
    metrics: Metrics,
) -> Identities:
    """Return the reader's credential alone, apart from all others: only the metrics hear how its tokens fare."""
    own = {section.credential: settings.credentials[section.credential]}
    return Identities(own, networks.tokens, memory, metrics)


async def _token(identity: Identity, *, fresh: bool) -> str:
    token = await identity.token(Timeline(), fresh=fresh)
    return token.value.reveal()
