"""Folders and messages: questions as Graph documents them, answers as it prints them."""

import pytest

from prober.exchange import Auth
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.graph.mail import FindCanary, ListFolders, MailDelta, Newest, user_url
from tests.protocols.graph.made import DELTA, GRAPH, NEXT, USER, answer, collection

FOLDERS = answer(
    {
        "value": [
            {
                "id": "AQMkADYAAAIBXQAAAA==",
                "displayName": "Archive",
                "parentFolderId": "AQMkADYAAAIBCAAAAA==",
                "childFolderCount": 0,
                "unreadItemCount": 0,
                "totalItemCount": 0,
                "isHidden": False,
            },
            {"id": "AQMkADYAAAIBDAAAAA==", "displayName": "Inbox", "totalItemCount": 5},
        ]
    }
)
"""Learn, "List mailFolders", example 1."""
MESSAGE = {
    "@odata.type": "#microsoft.graph.message",
    "@odata.etag": 'W/"CQAAABYAAABmzQd8aHRfS6AEkvt0JrtOAAAFtGqN"',
    "receivedDateTime": "2016-12-02T17:11:59Z",
    "id": "AAMkADNkNmAA=",
}
"""Learn, "Get incremental changes to messages in a folder", with the properties that are asked for here."""


def test_a_mailbox_is_named_in_its_url() -> None:
    """An address cannot break out of its segment."""
    assert user_url(f"{GRAPH}/", "probe@contoso.example") == USER
    assert user_url(GRAPH, "a/b?c#d@x.example") == f"{GRAPH}/users/a%2Fb%3Fc%23d@x.example"


def test_folders_are_listed() -> None:
    call = ListFolders(USER).call()
    assert (call.method, call.auth) == ("GET", Auth.CREDENTIAL)
    assert call.url == f"{USER}/mailFolders?$top=50&$select=id,displayName,totalItemCount"
    assert ListFolders(USER).read(FOLDERS) == 2


@pytest.mark.parametrize(
    ("items", "reason"), [((), Reason.MAILBOX_UNAVAILABLE), (({"displayName": "x"},), Reason.PROTOCOL_VIOLATION)]
)
def test_a_mailbox_without_folders_has_lost_its_store(items: tuple[object, ...], reason: Reason) -> None:
    with pytest.raises(FaultError) as caught:
        ListFolders(USER).read(collection(*items))
    assert caught.value.fault.reason is reason


def test_the_inbox_is_followed_from_a_moment_on_and_then_by_links() -> None:
    """The filter documented for delta queries of messages, and links as they were given."""
    first = MailDelta(USER, 1480617987.0).call()
    assert first.url == (
        f"{USER}/mailFolders/inbox/messages/delta"
        "?$select=id,receivedDateTime&$filter=receivedDateTime%20ge%202016-12-01T18%3A46%3A27Z"
    )
    assert dict(first.headers)["Prefer"] == "odata.maxpagesize=50"
    assert MailDelta(USER, link=NEXT).call().url == NEXT
    found = MailDelta(USER).read(collection(MESSAGE, next_link=NEXT))
    assert (len(found.items), found.next_link, found.delta_link) == (1, NEXT, "")
    assert MailDelta(USER, link=NEXT).read(collection(delta_link=DELTA)).delta_link == DELTA


def test_the_newest_message_tells_when_it_came() -> None:
    call = Newest(USER).call()
    assert call.url == (
        f"{USER}/mailFolders/inbox/messages?$top=1&$orderby=receivedDateTime%20desc&$select=receivedDateTime"
    )
    assert Newest(USER).read(collection(MESSAGE)) == 1480698719.0
    assert Newest(USER).read(collection()) is None
    with pytest.raises(FaultError) as caught:
        Newest(USER).read(collection({"id": "x"}))
    assert caught.value.fault.reason is Reason.PROTOCOL_VIOLATION


def test_the_canary_is_found_by_a_word_of_its_subject() -> None:
    call = FindCanary(USER, "k4d8fy2w").call()
    assert call.url.endswith(
        "/mailFolders/inbox/messages?$top=1&$filter=contains%28subject,%27k4d8fy2w%27%29&$select=id"
    )
    assert FindCanary(USER, "k4d8fy2w").read(collection({"id": "1"}))
    assert not FindCanary(USER, "k4d8fy2w").read(collection())


def test_nobodys_address_is_printed() -> None:
    questions = (ListFolders(USER), MailDelta(USER, link=NEXT), Newest(USER), FindCanary(USER, "k4d8fy2w"))
    assert not any("probe" in repr(one) or "k4d8" in repr(one) for one in questions)
