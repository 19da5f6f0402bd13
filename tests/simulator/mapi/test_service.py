"""MAPI over HTTP, asked as classic Outlook asks, over TLS."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Broken, Reply, Request
from prober.simulator.mapi.service import Mapi
from prober.simulator.tenant import SERVER
from prober.simulator.wire import Attempt, Connection
from tests.simulator.doorway import ALICE, PASSWORD, Doorway, doorway, tenant_of_one
from tests.simulator.mapi.test_rops import buffer, logon

NUMBERS = bytes.fromhex("00000000 E4040000 09040000 09040000 00000000")


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Doorway]:
    with doorway(tmp_path, Mapi, tenant_of_one(SERVER)) as opened:
        yield opened


class Outlook:
    """A client with its cookies."""

    def __init__(self, way: Doorway) -> None:
        self.way, self.count = way, 0
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(way.ca_file)
        self.session.auth = (ALICE, PASSWORD)

    def ask(self, kind: str, body: bytes = b"", path: str = "/mapi/emsmdb/", **headers: str) -> requests.Response:
        self.count += 1
        given = {
            "Content-Type": "application/mapi-http",
            "X-RequestType": kind,
            "X-RequestId": f"{{GUID}}:{self.count}",
            "X-ClientInfo": "opaque",
            **headers,
        }
        return self.session.post(f"{self.way.url}{path}", body, headers=given, timeout=20)

    def connect(self) -> requests.Response:
        dn = self.way.tenant.mailboxes[ALICE].legacy_dn
        return self.ask("Connect", dn.encode() + b"\0" + NUMBERS)


@pytest.fixture
def outlook(way: Doorway) -> Iterator[Outlook]:
    made = Outlook(way)
    yield made
    made.session.close()


def binary(answer: requests.Response) -> bytes:
    """Return what stands behind the blank line; check what stands before."""
    head, blank, body = answer.content.partition(b"\r\n\r\n")
    assert blank
    lines = head.split(b"\r\n")
    assert lines[0] == b"PROCESSING"
    assert b"DONE" in lines
    assert any(line.startswith(b"X-ElapsedTime: ") for line in lines)
    return body


def test_a_session_goes_from_connect_to_disconnect(outlook: Outlook) -> None:
    """Its context travels in cookies; identifiers are repeated."""
    assert outlook.ask("PING").headers["X-ResponseCode"] == "0"
    connected = outlook.connect()
    assert (connected.headers["X-RequestId"], connected.headers["X-ClientInfo"]) == ("{GUID}:2", "opaque")
    assert binary(connected)[:8] == bytes(8)
    assert "Alice".encode("utf-16-le") in binary(connected)
    operations = buffer(logon(outlook.way.tenant.mailboxes[ALICE].legacy_dn))
    size = len(operations).to_bytes(4, "little")
    executed = outlook.ask("Execute", bytes(4) + size + operations + bytes.fromhex("00800000 00000000"))
    assert binary(executed)[4:8] == bytes(4)
    assert binary(outlook.ask("Disconnect", bytes(4))) == bytes(12)
    assert outlook.ask("Execute", b"").headers["X-ResponseCode"] == "10"


def test_a_delivery_ends_the_wait_for_notifications(outlook: Outlook) -> None:
    """EventPending is 1."""
    outlook.connect()
    answers: list[requests.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(outlook.ask("NotificationWait", bytes(8))))
    waiting.start()
    box = outlook.way.tenant.mailboxes[ALICE]
    while not outlook.way.on_loop(lambda: bool(box._watchers)):
        pass
    outlook.way.on_loop(lambda: box.deliver("news"))
    waiting.join(10)
    assert binary(answers[0])[8:12] == bytes.fromhex("01000000")


@pytest.mark.parametrize(
    ("kind", "body", "path", "headers", "code"),
    [
        ("", b"", "/mapi/emsmdb/", {}, "7"),
        ("PING", b"", "/mapi/emsmdb/", {"X-RequestId": ""}, "7"),
        ("Connect", b"", "/mapi/elsewhere/", {}, "3"),
        ("Connect", b"garbage", "/mapi/emsmdb/", {}, "12"),
        ("Execute", b"", "/mapi/emsmdb/", {}, "13"),
        ("Execute", b"", "/mapi/emsmdb/", {"Cookie": "MapiContext=nobody"}, "10"),
        ("Dance", b"", "/mapi/nspi/", {}, "5"),
    ],
)
def test_what_is_wrong_is_told_by_its_code(
    outlook: Outlook, kind: str, body: bytes, path: str, headers: dict[str, str], code: str
) -> None:
    """In a 200, with a page as its body."""
    answer = outlook.ask(kind, body, path, **headers)
    assert (answer.status_code, answer.headers["X-ResponseCode"]) == (200, code)
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(("dn", "error"), [(b"", "05000780"), (b"/o=nobody", "EB030000")])
def test_nobody_is_connected_to_no_mailbox(outlook: Outlook, dn: bytes, error: str) -> None:
    """The code says whether there was a name at all."""
    assert binary(outlook.ask("Connect", dn + b"\0" + NUMBERS))[4:8] == bytes.fromhex(error)


def test_the_address_book_opens_and_closes(outlook: Outlook) -> None:
    """Bind gives the server's id, Unbind says 1 for success."""
    assert len(binary(outlook.ask("Bind", b"", "/mapi/nspi/"))) == 28
    assert binary(outlook.ask("Unbind", bytes(4), "/mapi/nspi/"))[4:8] == bytes.fromhex("01000000")


@pytest.mark.parametrize(("path", "step"), [("/mapi/emsmdb/", "oauth_challenge"), ("/mapi/nspi/", "nspi_challenge")])
def test_without_a_credential_there_is_a_challenge(way: Doorway, path: str, step: str) -> None:
    """At either place, and each is a step of its own."""
    answer = requests.post(f"{way.url}{path}", headers={"Authorization": "Bearer"}, verify=str(way.ca_file), timeout=5)
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    here = Connection(1, way.premises.hosts[0], "127.0.0.1", 0.0, Attempt("x", 1))
    errand = way.service.errand(Request("POST", path, (), b"", here, "", path))
    assert errand.steps == {step}


def asked(way: Doorway, kind: str, *cookies: str, body: bytes = b"") -> Request:
    here = Connection(1, way.premises.hosts[0], "127.0.0.1", 0.0, Attempt("x", 1))
    token = way.premises.doorkeeper.issue(next(iter(way.tenant.applications.values())), "https://outlook.office365.com")
    fields = [("authorization", f"Bearer {token}"), ("x-requesttype", kind), ("x-requestid", "1")]
    fields += [("cookie", cookie) for cookie in cookies]
    return Request("POST", "/mapi/emsmdb/", tuple(fields), body, here, "", "/mapi/emsmdb/")


def context(reply: Reply) -> str:
    cookie = next(value for name, value in reply.headers if name == "Set-Cookie" and value.startswith("MapiContext"))
    return cookie.partition(";")[0]


async def test_faults_of_this_protocol(tmp_path: Path) -> None:
    """A code in a 200; a wait that ends early."""
    with doorway(tmp_path, Mapi) as way:
        service = way.service
        told = await service.answer(asked(way, "Connect"), Fault("mapi_code", arguments={"code": 18}))
        assert isinstance(told, Reply)
        assert (told.status, dict(told.headers)["X-ResponseCode"]) == (200, "18")
        dn = way.tenant.mailboxes[ALICE].legacy_dn.encode()
        connected = await service.answer(asked(way, "Connect", body=dn + b"\0" + NUMBERS), None)
        assert isinstance(connected, Reply)
        wait = asked(way, "NotificationWait", context(connected), body=bytes(8))
        assert "push_drop" in service.errand(wait).kinds
        assert service.errand(wait).mailbox == ALICE
        dropped = await service.answer(wait, Fault("push_drop", arguments={"after": 0}))
        assert isinstance(dropped, Broken)
