"""Notices in the shape of Graph's answers, written by hand after what is publicly known of real ones.

Ids, dates, clients and scopes are those that were published; the wording is ours.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

Record = dict[str, Any]


def at(text: str) -> float:
    """Return a time such as `2026-03-19T10:00Z` as seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


def post(created: str, text: str = "", kind: str = "regular") -> Record:
    return {
        "createdDateTime": created,
        "postType": kind,
        "description": {"contentType": "html", "content": f"<p>{text}</p>"},
    }


def record(name: str, **said: Any) -> Record:
    """Return a notice, open and of Exchange Online where nothing else is said."""
    common: Record = {
        "id": name,
        "title": "",
        "service": "Exchange Online",
        "feature": "E-Mail and calendar access",
        "featureGroup": "E-Mail and calendar access",
        "classification": "advisory",
        "origin": "microsoft",
        "status": "serviceDegradation",
        "isResolved": False,
        "highImpact": None,
        "startDateTime": "2026-01-01T00:00:00Z",
        "endDateTime": None,
        "lastModifiedDateTime": "2026-01-01T00:00:00Z",
        "impactDescription": "",
        "details": [],
        "posts": [],
    }
    return common | said


# Of "List issues" on Microsoft Learn: capitals and fractions of a second as they stand there.
PUBLISHED: Mapping[str, Any] = MappingProxyType(
    {
        "startDateTime": "2020-11-13T21:00:00Z",
        "endDateTime": "2020-11-14T17:15:00Z",
        "lastModifiedDateTime": "2020-11-14T18:20:24.767Z",
        "title": "Limited number of users unable to send or receive email through the Exchange Online service",
        "id": "EX226792",
        "impactDescription": "Users may have been unable to send or receive email through the Exchange Online service.",
        "classification": "Incident",
        "origin": "Microsoft",
        "status": "ServiceRestored",
        "service": "Exchange Online",
        "feature": "Mailflow - delayed delivery from Internet",
        "featureGroup": "E-Mail timely delivery",
        "isResolved": True,
        "details": [],
        "posts": [
            {
                "createdDateTime": "2020-11-14T01:13:14.387Z",
                "postType": "Regular",
                "description": {"contentType": "Text", "content": "Title: Limited number of users …"},
            }
        ],
    }
)


def ex1256020() -> Record:
    """Outlook mobile and the new Outlook for Mac, some users, March 2026."""
    return record(
        "EX1256020",
        title="Some users intermittently can't sync mail in Outlook mobile and the new Outlook for Mac",
        classification="incident",
        startDateTime="2026-03-19T16:00:00Z",
        lastModifiedDateTime="2026-03-20T09:00:00Z",
        impactDescription="Users may intermittently be unable to access mailboxes in these clients.",
        posts=[post("2026-03-19T18:10:00Z", "We're looking into it."), post("2026-03-20T09:00:00Z", "A change.")],
    )


def ex1268771() -> Record:
    """The same two clients: the record says 2 April, the text 17 March."""
    return record(
        "EX1268771",
        title="Some users don't get new mail in Outlook for iOS and Android and the new Outlook for Mac",
        classification="incident",
        startDateTime="2026-04-02T12:00:00Z",
        lastModifiedDateTime="2026-04-02T12:40:00Z",
        impactDescription="Notifications of new items may not arrive.",
        posts=[post("2026-04-02T12:40:00Z", "Start time: Tuesday, March 17, 2026, 2:00 PM UTC")],
    )


def ex1215307() -> Record:
    """IMAP4 only; from 2 January, posted on the 7th."""
    return record(
        "EX1215307",
        title="Some users are intermittently unable to access mailboxes with IMAP4",
        startDateTime="2026-01-02T00:00:00Z",
        lastModifiedDateTime="2026-01-07T23:35:00Z",
        impactDescription="Retrying may work.",
        posts=[post("2026-01-07T23:35:00Z", "A deployment conflicts with existing configuration.")],
    )


def ex1320296() -> Record:
    """Outlook on the web and MAPI, users in the United Kingdom."""
    return record(
        "EX1320296",
        title="Some users can't access their mailboxes",
        startDateTime="2026-05-25T08:00:00Z",
        impactDescription="Access by Outlook on the web and MAPI fails.",
        posts=[post("2026-05-25T09:00:00Z", "Scope: users in the United&nbsp;Kingdom, perhaps in EMEA.")],
    )


def ex1321282() -> Record:
    """All connection methods."""
    return record(
        "EX1321282",
        title="Some users may be unable to reach Exchange Online by any connection method",
        classification="incident",
        startDateTime="2026-05-24T23:00:00Z",
        posts=[post("2026-05-25T00:30:00Z", "Authentication activity is disrupted.")],
    )


def page(*records: Record, following: str | None = None) -> Record:
    """Return a page as Graph answers it."""
    links = {} if following is None else {"@odata.nextLink": following}
    return {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#issues", **links, "value": list(records)}
