"""A feed that says what it is told to, a clock that is set by hand, and somebody who listens."""

from prober.advisories.issue import read_issues
from prober.advisories.ledger import Ledger
from prober.advisories.onsets import Onsets
from prober.advisories.reader import Reader
from prober.advisories.reading import Feed, FeedError, Reading
from tests.advisories.feeds import Record, at

SERVICES = ("Exchange Online", "Microsoft 365 suite")
CLIENTS = ("imap4", "outlook_mac", "owa")
INTERVAL = 300.0


class Listener:
    """Hears what is exported."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.active: dict[tuple[str, str], bool] = {}
        self.lead: dict[tuple[str, str], float] = {}

    def advisory_read(self, result: str, at: float) -> None:
        self.reads.append(str(result))

    def advisory_active(self, service: str, client: str, active: bool) -> None:
        self.active[service, client] = active

    def advisory_lead(self, service: str, client: str, seconds: float | None) -> None:
        if seconds is None:
            del self.lead[service, client]
        else:
            self.lead[service, client] = seconds


class ScriptedFeed(Feed):
    """Gives the records it holds, or fails with what it holds."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.error: Exception | None = None

    async def read(self, now: float) -> Reading:
        if self.error is not None:
            raise self.error
        return Reading(*read_issues(self.records))


class Stage:
    """A reader with its parts."""

    def __init__(self, now: str) -> None:
        self.now = at(now)
        self.feed = ScriptedFeed()
        self.onsets = Onsets()
        self.heard = Listener()
        self.notices: dict[str, str] = {}
        self.reader = self.again()

    def again(self) -> Reader:
        """Make the reader anew, as a restart does; what is kept is what the state holds."""
        self.reader = Reader(
            self.feed,
            self.onsets,
            Ledger(self.notices),
            self.heard,
            services=SERVICES,
            clients=CLIENTS,
            interval=INTERVAL,
            wall=lambda: self.now,
        )
        return self.reader

    async def read(self, *records: Record, now: str | None = None) -> float:
        """Read these records; return the pause."""
        self.now = self.now if now is None else at(now)
        self.feed.records, self.feed.error = list(records), None
        return await self.reader.round()

    async def fail(self, error: Exception) -> float:
        self.feed.error = error
        return await self.reader.round()

    def trouble(self, client: str, *times: str, region: str = "") -> None:
        for moment in times:
            self.onsets.note(client, region, at(moment))


__all__ = ["CLIENTS", "INTERVAL", "SERVICES", "FeedError", "Stage"]
