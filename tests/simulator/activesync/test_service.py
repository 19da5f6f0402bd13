"""The service, held against pyactivesync as it is, against libwbxml, and against requests spelt out in bytes."""

import subprocess
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests
from pyactivesync import Client

from prober.simulator.activesync import service
from prober.simulator.activesync.devices import BLOCKED, QUARANTINED
from prober.simulator.activesync.service import ActiveSync
from prober.simulator.activesync.wbxml import decode
from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Reply, Request, split_target
from prober.simulator.mailbox import FolderKind
from prober.simulator.tenant import SERVER
from prober.simulator.wire import Attempt, Connection
from tests.simulator.doorway import ALICE, APP, PASSWORD, Doorway, doorway, tenant_of_one

PLACE = "/Microsoft-Server-ActiveSync"
FOLDER_SYNC = bytes.fromhex("03 01 6A 00 00 07 56 52 03 30 00 01 01")
"""FolderSync with key 0, as a published plug-in sends it."""
SETTINGS = bytes.fromhex("03 01 6A 00 00 12 45 5D 07 01 01")
"""Settings, UserInformation, Get, as a published script sends it."""
SEARCH = bytes.fromhex(
    "03 01 6A 00 00 0F 45 47 48 03 4D 61 69 6C 62 6F 78 00 01 49 53 00 00 50 03 45 6D 61 69 6C 00 01 52 03 31 00 01 00"
    "0F 55 03 70 72 6F 62 65 00 01 01 01 4A 4B 03 30 2D 30 00 01 01 01 01"
)
"""Search of the mailbox for `probe`, range 0-0."""
PING = bytes.fromhex("03 01 6A 00 00 0D 45 48 03 36 30 00 01 49 4A 4B 03 31 00 01 4C 03 45 6D 61 69 6C 00 01 01 01 01")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Doorway]:
    """A server of one's own, with a message in the Inbox."""
    with doorway(tmp_path, ActiveSync, tenant_of_one(SERVER)) as opened:
        opened.on_loop(lambda: mailbox(opened).deliver("Hello", body="A body that is long enough to be cut.\n"))
        yield opened


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Doorway]:
    with doorway(tmp_path, ActiveSync, tenant_of_one()) as opened:
        yield opened


def mailbox(way: Doorway):  # type: ignore[no-untyped-def]  # the tenant's only one
    return way.tenant.mailboxes[ALICE]


@pytest.fixture
def phone(own: Doorway) -> Iterator[Client]:
    client = Client(f"localhost:{own.port}", ALICE, PASSWORD, device_id="DEV1", timeout=20)
    client._transport.session.verify = str(own.ca_file)
    client._transport.session.trust_env = False
    yield client
    client.close()


# -- pyactivesync --------------------------------------------------------------------------------------------------


def test_pyactivesync_provisions_and_lists_folders(phone: Client, own: Doorway) -> None:
    """It takes the final key of the second phase for all that follows."""
    key = phone.provision()
    folders = {folder.name: folder for folder in phone.list_folders()}
    assert folders["Inbox"].type in (2, "2")
    (device,) = own.service.devices.of(ALICE)  # type: ignore[attr-defined]  # it is ActiveSync
    assert device.policy_key == key


def test_pyactivesync_synchronises_and_hears_of_what_is_new(phone: Client, own: Doorway) -> None:
    """Prime, first items, nothing new, then one more after a delivery."""
    phone.list_folders()
    inbox = next(folder for folder in phone.list_folders() if folder.name == "Inbox")
    first = phone.sync_folder(inbox.id)
    second = first if first.added else phone.sync_folder(inbox.id, first.sync_key)
    assert len(second.added) == 1
    assert phone.get_item_estimate(inbox.id, second.sync_key) == 0
    own.on_loop(lambda: mailbox(own).deliver("Second"))
    assert phone.get_item_estimate(inbox.id, second.sync_key) == 1
    third = phone.sync_folder(inbox.id, second.sync_key)
    assert len(third.added) == 1


def test_pyactivesync_is_woken_by_a_delivery(phone: Client, own: Doorway) -> None:
    """The Ping ends as soon as the message is there."""
    inbox = next(folder for folder in phone.list_folders() if folder.name == "Inbox")
    results = []
    waiting = threading.Thread(target=lambda: results.append(phone.ping(folder_id=inbox.id, heartbeat=60, timeout=20)))
    waiting.start()
    while not own.on_loop(lambda: bool(mailbox(own)._watchers)):
        pass
    own.on_loop(lambda: mailbox(own).deliver("News"))
    waiting.join(10)
    assert [result.status in (2, "2") for result in results] == [True]


def test_pyactivesync_fetches_and_sends(phone: Client, own: Doorway) -> None:
    """A message to oneself arrives; a copy lies among the sent ones."""
    phone.list_folders()
    fetched = phone.fetch_item("1", "1:1")
    assert "long enough" in str(fetched)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = ALICE, ALICE, "To myself"
    message.set_content("text\n")
    phone.send_mail(message)
    inbox, sent = own.on_loop(
        lambda: [mailbox(own).folders[kind].visible() for kind in (FolderKind.INBOX, FolderKind.SENT)]
    )
    assert (inbox[-1].subject, sent[-1].subject) == ("To myself", "To myself")
    assert phone.get_oof() is not None


# -- bytes ---------------------------------------------------------------------------------------------------------


class Raw:
    """A phone that says what it is told to."""

    def __init__(self, way: Doorway, token: str = "", version: str = "16.1") -> None:
        self.way = way
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(way.ca_file)
        self.key = ""
        self.version = version
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"
        else:
            self.session.auth = (ALICE, PASSWORD)

    def post(self, command: str, body: bytes = b"", **headers: str) -> requests.Response:
        query = f"Cmd={command}&User={ALICE}&DeviceId=probe0001&DeviceType=HealthProbe"
        given = {"MS-ASProtocolVersion": self.version, "Content-Type": "application/vnd.ms-sync.wbxml", **headers}
        if self.key:
            given["X-MS-PolicyKey"] = self.key
        return self.session.post(f"{self.way.url}{PLACE}?{query}", data=body, headers=given, timeout=20)

    def provision(self) -> None:
        device = self.way.on_loop(lambda: self.way.service.devices.get(ALICE, "probe0001", "HealthProbe"))  # type: ignore[attr-defined]  # it is ActiveSync
        self.key = self.way.on_loop(device.accept)

    def status(self, command: str, body: bytes = FOLDER_SYNC) -> int:
        """Return the status of a whole answer."""
        answer = decode(self.post(command, body).content)
        return int(answer.value(service.STATUS[command][1]))


@pytest.fixture
def raw(own: Doorway) -> Iterator[Raw]:
    made = Raw(own)
    yield made
    made.session.close()


def spelt_out(document: bytes) -> str:
    """Return a document as libwbxml reads it."""
    command = ["wbxml2xml", "-m", "0", "-l", "ACTIVESYNC", "-o", "-", "-"]
    return subprocess.run(command, input=document, capture_output=True, check=True).stdout.decode()


def test_libwbxml_reads_every_kind_of_answer(raw: Raw) -> None:
    """With the names that the specification gives the tags."""
    raw.provision()
    folders = spelt_out(raw.post("FolderSync", FOLDER_SYNC).content)
    assert "<FolderSync" in folders
    assert "<DisplayName>Inbox</DisplayName>" in folders
    prime = bytes.fromhex("03 01 6A 00 45 5C 4F 4B 03 30 00 01 52 03 31 00 01 01 01 01")
    assert "<SyncKey>1</SyncKey>" in spelt_out(raw.post("Sync", prime).content)
    fetch = bytes.fromhex(
        "03 01 6A 00 45 5C 4F 4B 03 31 00 01 52 03 31 00 01 13 55 03 31 00 01 57 58 03 31 00 01 00 11 45 46 03 31 00 01"
        "47 03 35 31 32 00 01 01 01 01 01 01"
    )
    synced = spelt_out(raw.post("Sync", fetch).content)
    for part in (">Hello</Subject>", ">A body that is long", "<ServerId>1:1</ServerId>", "<ApplicationData>"):
        assert part in synced
    assert "alice@contoso.example" in spelt_out(raw.post("Settings", SETTINGS).content)
    assert "Status>142</" in spelt_out(Raw(raw.way).post("FolderSync", FOLDER_SYNC).content)


def test_a_search_finds_what_holds_the_words(raw: Raw) -> None:
    """In the mailbox, one result at most as asked; the total says how many there are."""
    raw.provision()
    for subject in ("A probe", "Another probe", "Nothing"):
        raw.way.on_loop(lambda subject=subject: mailbox(raw.way).deliver(subject))  # type: ignore[misc]  # a default
    found = spelt_out(raw.post("Search", SEARCH).content)
    assert found.count("<Result>") == 1
    assert "<Range>0-0</Range>" in found
    assert "<Total>2</Total>" in found


def test_an_empty_sync_says_that_nothing_is_new(raw: Raw) -> None:
    """Two hundred and not a byte; sent again without a body it is the same question."""
    raw.provision()
    raw.post("FolderSync", FOLDER_SYNC)
    raw.post("Sync", bytes.fromhex("03 01 6A 00 45 5C 4F 4B 03 30 00 01 52 03 31 00 01 01 01 01"))
    raw.post("Sync", bytes.fromhex("03 01 6A 00 45 5C 4F 4B 03 31 00 01 52 03 31 00 01 01 01 01"))
    again = raw.post("Sync", bytes.fromhex("03 01 6A 00 45 5C 4F 4B 03 32 00 01 52 03 31 00 01 01 01 01"))
    assert (again.status_code, again.content) == (200, b"")
    assert raw.post("Sync").content == b""
    raw.way.on_loop(lambda: mailbox(raw.way).deliver("New"))
    assert b"New" in raw.post("Sync").content


@pytest.mark.parametrize(("key", "status"), [("1", 1), ("7", 3)])
def test_the_key_before_the_last_works_and_no_other(raw: Raw, key: str, status: int) -> None:
    """An answer that was lost can be asked for again."""
    raw.provision()
    raw.post("FolderSync", FOLDER_SYNC)
    raw.post("Sync", bytes.fromhex("03 01 6A 00 45 5C 4F 4B 03 30 00 01 52 03 31 00 01 01 01 01"))
    ask = bytes.fromhex("03 01 6A 00 45 5C 4F 4B 03") + b"1" + bytes.fromhex("00 01 52 03 31 00 01 01 01 01")
    assert b"Hello" in raw.post("Sync", ask).content
    again = decode(raw.post("Sync", ask.replace(b"\x031\x00\x01R", b"\x03" + key.encode() + b"\x00\x01R")).content)
    collection = again.children[0].children[0]
    assert collection.value((0, 0x0E)) == str(status)


@pytest.mark.parametrize(("heartbeat", "status"), [(b"60", None), (b"10", 5), (b"9999", 5)])
def test_a_heartbeat_has_limits(raw: Raw, heartbeat: bytes, status: int | None) -> None:
    """Beyond them the limit is told at once; within them the server waits."""
    raw.provision()
    body = PING.replace(b"60", heartbeat)
    if status is None:
        with pytest.raises(requests.ReadTimeout):
            raw.session.post(
                f"{raw.way.url}{PLACE}?Cmd=Ping&User={ALICE}&DeviceId=probe0001&DeviceType=HealthProbe",
                data=body,
                headers={"MS-ASProtocolVersion": "16.1", "X-MS-PolicyKey": raw.key},
                timeout=0.3,
            )
    else:
        assert raw.status("Ping", body) == status


def test_a_ping_without_parameters_needs_one_with_them_before(raw: Raw) -> None:
    """The server remembers; at first there is nothing to remember."""
    raw.provision()
    assert decode(raw.post("Ping").content).value((13, 7)) == "3"


def test_old_versions_are_told_by_http_to_provision(own: Doorway) -> None:
    """449 up to 12.1, a status from 14.0 on."""
    assert Raw(own, version="12.1").post("FolderSync", FOLDER_SYNC).status_code == 449
    assert Raw(own, version="14.1").status("FolderSync") == 142


@pytest.mark.parametrize(("access", "status"), [(BLOCKED, 129), (QUARANTINED, 130)])
def test_a_type_of_device_can_be_kept_out(raw: Raw, access: str, status: int) -> None:
    """By a rule of the tenant."""
    raw.way.on_loop(lambda: raw.way.service.devices.rules.update(HealthProbe=access))  # type: ignore[attr-defined]  # it is ActiveSync
    assert raw.status("FolderSync") == status


def test_a_device_to_be_wiped_is_told_so(raw: Raw) -> None:
    """By every command, and by the handshake."""
    raw.provision()
    for device in raw.way.service.devices.of(ALICE):  # type: ignore[attr-defined]  # it is ActiveSync
        device.wipe = True
    assert raw.status("FolderSync") == 140
    phase_one = (
        bytes.fromhex("03 01 6A 00 00 0E 45 46 47 48 03")
        + b"MS-EAS-Provisioning-WBXML"
        + bytes.fromhex("00 01 01 01 01")
    )
    assert decode(raw.post("Provision", phase_one).content).find((14, 0x0C)) is not None


def test_partnerships_end_somewhere(raw: Raw) -> None:
    """Every new device id is one more."""
    for number in range(100):
        raw.way.on_loop(lambda number=number: raw.way.service.devices.get(ALICE, f"d{number}", "x"))  # type: ignore[attr-defined, misc]  # it is ActiveSync
    assert raw.status("FolderSync") == 177


@pytest.mark.parametrize(
    "body", [b"garbage", b"\x03\x01\x6a\x00\x45", FOLDER_SYNC[:-3], b"\x03\x01\x6a\x00" + b"\x45" * 5000]
)
def test_what_is_no_document_is_told_so(raw: Raw, body: bytes) -> None:
    """102, whatever the bytes."""
    raw.provision()
    assert raw.status("FolderSync", body) == 102


def test_requests_that_are_none(raw: Raw) -> None:
    """An unknown command, a device without a name, a method that is not."""
    assert raw.post("Nonsense").status_code == 501
    base = f"{raw.way.url}{PLACE}"
    assert raw.session.post(f"{base}?Cmd=FolderSync&User={ALICE}", timeout=5).status_code == 400
    assert raw.session.get(base, timeout=5).status_code == 405


# -- the cloud -----------------------------------------------------------------------------------------------------


def token(way: Doorway, user: str = ALICE) -> str:
    return way.on_loop(lambda: way.premises.doorkeeper.issue(APP, "https://outlook.office.com", user))


def test_a_token_opens_its_users_mailbox_and_a_password_nothing(cloud: Doorway) -> None:
    """And somebody else's token is refused as not enabled."""
    phone = Raw(cloud, token(cloud))
    options = phone.session.options(f"{cloud.url}{PLACE}", timeout=5)
    assert options.headers["MS-ASProtocolVersions"] == "16.1"
    assert "FolderSync" in options.headers["MS-ASProtocolCommands"]
    assert options.headers["X-CalculatedBETarget"].endswith(".prod.outlook.com")
    assert phone.status("FolderSync") == 142
    assert Raw(cloud).post("FolderSync", FOLDER_SYNC).status_code == 401
    assert Raw(cloud, token(cloud, "bob@contoso.example")).post("FolderSync", FOLDER_SYNC).status_code == 403


def test_the_cloud_takes_no_old_version(cloud: Doorway) -> None:
    """The status says so."""
    assert Raw(cloud, token(cloud), "14.1").status("FolderSync") == 138


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer nonsense"])
def test_a_challenge_leads_to_the_token_service(cloud: Doorway, authorization: str | None) -> None:
    """Also for a token that is none, then with the reason."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(cloud.ca_file)
        headers = {"Authorization": authorization} if authorization else {}
        answer = session.options(f"{cloud.url}{PLACE}", headers=headers, timeout=5)
    assert answer.status_code == 401
    assert 'authorization_uri="https://login.contoso.example' in answer.headers["WWW-Authenticate"]
    assert ("x-ms-diagnostics" in answer.headers) is (authorization == "Bearer nonsense")


SYNC_FETCH = bytes.fromhex("03 01 6A 00 45 5C 4F 4B 03 31 00 01 52 03 31 00 01 01 01 01")
MOVE = bytes.fromhex("03 01 6A 00 00 05 45 46 47 03 31 3A 31 00 01 48 03 31 00 01 49 03 34 00 01 01 01")


@pytest.mark.parametrize(
    ("command", "body", "code", "path"),
    [
        ("FolderSync", FOLDER_SYNC, 110, [(7, 0x0C)]),
        ("Sync", SYNC_FETCH, 111, [(0, 0x0E)]),
        ("Sync", SYNC_FETCH, 3, [(0, 0x1C), (0, 0x0F), (0, 0x0E)]),
        ("GetItemEstimate", b"", 4, [(6, 0x0D), (6, 0x0E)]),
        ("GetItemEstimate", b"", 114, [(6, 0x0E)]),
        ("MoveItems", MOVE, 7, [(5, 0x0A), (5, 0x0B)]),
        ("Ping", b"", 8, [(13, 0x07)]),
        ("Settings", SETTINGS, 4, [(18, 0x06)]),
        ("SendMail", b"", 120, [(21, 0x12)]),
    ],
)
async def test_a_fault_has_its_place_in_the_answer(
    cloud: Doorway, command: str, body: bytes, code: int, path: list[tuple[int, int]]
) -> None:
    """Of the whole, of the collection or of the item, as the specification has it."""
    host = cloud.premises.hosts[0]
    target = f"{PLACE}?Cmd={command}&User={ALICE}&DeviceId=d1&DeviceType=Phone"
    fields = (("authorization", f"Bearer {token(cloud)}"), ("ms-asprotocolversion", "16.1"))
    connection = Connection(1, host, "127.0.0.1", 0.0, Attempt("x", 1))
    request = Request("POST", target, fields, body, connection, "", *split_target(target))
    reply = await cloud.service.answer(request, Fault("eas_status", arguments={"code": code}))
    assert isinstance(reply, Reply)
    assert isinstance(reply.body, bytes)
    assert decode(reply.body).value(*path) == str(code)
    assert spelt_out(reply.body)
