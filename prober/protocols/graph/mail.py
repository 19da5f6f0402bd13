"""Mail folders and messages (Learn, "List mailFolders", "List messages", "message: delta")."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from prober.exchange import Auth, Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.graph import status
from prober.protocols.graph.reading import Page, moment, page, utc

PAGE_SIZE = 50


def user_url(graph: str, mailbox: str) -> str:
    """Return the URL of a mailbox below `graph` (…/v1.0)."""
    return f"{graph.rstrip('/')}/users/{quote(mailbox, safe='@')}"


def asking(url: str, **query: str) -> Call:
    """Return a GET with the credential; names of the query are written with their dollar sign."""
    named = urlencode({f"${name}": value for name, value in query.items()}, quote_via=quote, safe="$,")
    headers = (("Accept", "application/json"), ("Prefer", f"odata.maxpagesize={PAGE_SIZE}"))
    return Call("GET", f"{url}?{named}" if named else url, headers, auth=Auth.CREDENTIAL)


@dataclass(frozen=True, slots=True)
class ListFolders:
    """List the mail folders of the mailbox at `user`."""

    user: str

    def __repr__(self) -> str:
        return "ListFolders()"

    def call(self) -> Call:
        """Return the request."""
        return asking(f"{self.user}/mailFolders", top=str(PAGE_SIZE), select="id,displayName,totalItemCount")

    def read(self, reply: Reply) -> int:
        """Return how many folders were shown; an answer without any is a mailbox without its store.

        Names are the user's language's, so nothing can be told by them. Raises `FaultError`.
        """
        found = page(reply, self.user)
        if not all(isinstance(item.get("id"), str) for item in found.items):
            raise FaultError(status.WRONG_SHAPE, {"missing": "id"})
        if not found.items:
            raise FaultError(status.NO_INBOX, {"folders": "0"})
        return len(found.items)


@dataclass(frozen=True, slots=True)
class MailDelta:
    """Ask what is new in the Inbox: from `since` (epoch seconds) on, or by a `link` that the server gave."""

    user: str
    since: float = 0.0
    link: str = ""

    def __repr__(self) -> str:
        return f"MailDelta({'link' if self.link else 'prime'})"

    def call(self) -> Call:
        """Return the request."""
        if self.link:
            return asking(self.link)
        url = f"{self.user}/mailFolders/inbox/messages/delta"
        return asking(url, select="id,receivedDateTime", filter=f"receivedDateTime ge {utc(self.since)}")

    def read(self, reply: Reply) -> Page:
        """Return a page. Raises `FaultError`; `graph_resync_required` where the link is no longer known."""
        return page(reply, self.link or self.user)


@dataclass(frozen=True, slots=True)
class Newest:
    """Ask for the newest message of the Inbox."""

    user: str

    def __repr__(self) -> str:
        return "Newest()"

    def call(self) -> Call:
        """Return the request."""
        url = f"{self.user}/mailFolders/inbox/messages"
        return asking(url, top="1", orderby="receivedDateTime desc", select="receivedDateTime")

    def read(self, reply: Reply) -> float | None:
        """Return when it was received (epoch seconds), `None` for an empty Inbox. Raises `FaultError`."""
        found = page(reply, self.user).items
        if not found:
            return None
        received = moment(found[0].get("receivedDateTime"))
        if received is None:
            raise FaultError(status.WRONG_SHAPE, {"missing": "receivedDateTime"})
        return received


@dataclass(frozen=True, slots=True)
class FindCanary:
    """Ask whether a message of the Inbox has the word `marker` in its subject."""

    user: str
    marker: str

    def __repr__(self) -> str:
        return "FindCanary()"

    def call(self) -> Call:
        """Return the request."""
        url = f"{self.user}/mailFolders/inbox/messages"
        return asking(url, top="1", filter=f"contains(subject,'{self.marker}')", select="id")

    def read(self, reply: Reply) -> bool:
        """Return whether there is one. Raises `FaultError`."""
        return bool(page(reply, self.user).items)
