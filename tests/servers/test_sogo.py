"""SOGo does what the tests rely on, as seen by an ActiveSync client of somebody else's making."""

import http.client
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pyactivesync
import pytest
import requests
from pyactivesync import FolderType

from tests.servers.dovecot import ALICE, BOB, CAROL, PASSWORDS
from tests.servers.pki import Pki
from tests.servers.ports import HOST
from tests.servers.process import until
from tests.servers.sogo import Sogo

MakePhone = Callable[[Sogo, str], Any]


@pytest.fixture
def phone(pki: Pki) -> Iterator[MakePhone]:
    """Make a phone of a user, each a device of its own."""
    made: list[Any] = []

    def make(sogo: Sogo, user: str) -> Any:
        device = f"DEVICE{len(made)}{user.partition('@')[0]}"
        client = pyactivesync.Client(sogo.server, user, PASSWORDS[user], device_id=device, timeout=30)
        client._transport.session.verify = str(pki.ca_file)
        client._transport.session.trust_env = False
        client._provisioned = True  # SOGo has no policies, which this client takes for a failure
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


def options(sogo: Sogo, pki: Pki, user: str = ALICE, password: str | None = None) -> requests.Response:
    """Ask what the server offers."""
    known = PASSWORDS[user] if password is None else password
    return requests.options(sogo.url, auth=(user, known), verify=str(pki.ca_file), timeout=10)


def inboxes(client: Any) -> list[str]:
    """Return the ids of folders that are an Inbox: one, or something is wrong."""
    return [folder.id for folder in client.list_folders() if folder.type == FolderType.INBOX]


def sync_until_quiet(client: Any, folder: str) -> list[Any]:
    """Return all items; before the key stops changing, every Ping returns at once."""
    items: list[Any] = []
    key, before = "0", ""
    while key != before:
        result = client.sync_folder(folder, key)
        key, before = result.sync_key, key
        items += result.added
    return items


def test_it_offers_activesync_over_tls_to_those_who_know_the_password(sogo: Sogo, pki: Pki) -> None:
    """The certificate is good for localhost."""
    answer = options(sogo, pki)
    assert (answer.status_code, answer.headers["MS-ASProtocolVersions"]) == (200, "2.5,12.0,12.1,14.0,14.1")
    assert options(sogo, pki, password="wrong").status_code == 401


def test_a_phone_lists_its_folders_and_reads_its_mail(sogo: Sogo, phone: MakePhone) -> None:
    """The mailbox is ready for its first Sync."""
    sogo.deliver(ALICE, "Seen by a phone")
    client = phone(sogo, ALICE)
    assert {"Drafts", "Sent", "Trash"} <= {folder.name for folder in client.list_folders()}
    (inbox,) = inboxes(client)
    assert "Seen by a phone" in [item.fields["Email.Subject"] for item in sync_until_quiet(client, inbox)]


def test_a_message_sent_by_a_phone_arrives(sogo: Sogo, phone: MakePhone) -> None:
    """By the relay, into the other mailbox."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = ALICE, BOB, "From a phone"
    message.set_content("Hello\n")
    phone(sogo, ALICE).send_mail(message)
    assert (ALICE, (BOB,)) in sogo.relay.seen
    client = phone(sogo, BOB)
    assert "From a phone" in [item.fields["Email.Subject"] for item in sync_until_quiet(client, *inboxes(client))]


def test_a_calendar_takes_an_entry(sogo: Sogo, phone: MakePhone) -> None:
    """A phone is told of one item."""
    client = phone(sogo, BOB)
    (calendar,) = (folder.id for folder in client.list_folders() if folder.type == FolderType.CALENDAR)
    sogo.put_event(BOB, "entry-1", "Planning")
    key = client.sync_folder(calendar).sync_key
    assert client.get_item_estimate(calendar, key) == 1


def test_a_delivery_wakes_a_ping(sogo: Sogo, phone: MakePhone) -> None:
    """Within its poll step of five seconds."""
    client = phone(sogo, CAROL)
    (inbox,) = inboxes(client)
    sync_until_quiet(client, inbox)
    results: list[Any] = []
    waiting = threading.Thread(target=lambda: results.append(client.ping(inbox, heartbeat=60)))
    before = sogo.log.count("<Ping")
    waiting.start()
    until(lambda: sogo.log.count("<Ping") > before, "asked")
    sogo.deliver(CAROL, "wake up")
    waiting.join(20)
    assert [(result.status, result.changed_folder_ids) for result in results] == [("2", [inbox])]


def test_it_agrees_to_heartbeats_no_longer_than_told(start_sogo: Callable[[int], Sogo], phone: MakePhone) -> None:
    """Status 5, after the longest it agrees to."""
    stack = start_sogo(5)
    client = phone(stack, ALICE)
    (inbox,) = inboxes(client)
    sync_until_quiet(client, inbox)
    assert client.ping(inbox, heartbeat=60).status == "5"


def test_without_mail_the_inbox_is_gone_though_all_seems_well(sogo: Sogo, phone: MakePhone) -> None:
    """And it is back afterwards."""
    with sogo.mail_down():
        assert inboxes(phone(sogo, BOB)) == []
    assert len(inboxes(phone(sogo, BOB))) == 1


def test_without_its_database_it_fails_and_recovers(sogo: Sogo, phone: MakePhone) -> None:
    """The folders of the database are missing meanwhile, and back afterwards."""
    assert _kinds(phone(sogo, ALICE)) >= {FolderType.INBOX, FolderType.CALENDAR}
    with sogo.database_down():
        assert FolderType.CALENDAR not in _kinds(phone(sogo, ALICE))
    assert _kinds(phone(sogo, ALICE)) >= {FolderType.INBOX, FolderType.CALENDAR}


def test_without_sogod_the_front_answers_502(sogo: Sogo, pki: Pki) -> None:
    """And 200 afterwards."""
    with sogo.down():
        assert options(sogo, pki).status_code == 502
    assert options(sogo, pki).status_code == 200


def test_frozen_it_says_nothing_until_thawed(sogo: Sogo) -> None:
    """The question is still answered afterwards."""
    connection = http.client.HTTPConnection(HOST, sogo.port, timeout=0.3)
    with sogo.frozen():
        connection.request("GET", "/SOGo/")
        with pytest.raises(TimeoutError):
            connection.getresponse()
    connection.close()
    again = http.client.HTTPConnection(HOST, sogo.port, timeout=10)
    again.request("GET", "/SOGo/")
    assert again.getresponse().status == 200
    again.close()


def _kinds(client: Any) -> set[FolderType]:
    try:
        return {folder.type for folder in client.list_folders()}
    except requests.HTTPError:
        return set()
