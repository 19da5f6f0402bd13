"""MAPI over HTTP, asked as classic Outlook asks, over TLS, by HTTP clients that nobody here wrote."""

import http.client
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Reply, Request
from prober.simulator.mapi.service import Mapi
from prober.simulator.service import Premises
from prober.simulator.tenant import SERVER, Application, Site, Tenant, User
from prober.simulator.tokens import EXCHANGE, Doorkeeper
from prober.simulator.wire import Attempt, Connection, Host
from tests.simulator.doorway import ALICE, APP, PASSWORD, Doorway, doorway, tenant_of_one
from tests.simulator.mapi.test_rops import PRIVATE, buffer, logon

NUMBERS = bytes.fromhex("00000000 E4040000 09040000 09040000 00000000")
LOGON = buffer(logon(""))
REST = bytes.fromhex("00800000 00000000")


def execute(operations: bytes = LOGON, rest: bytes = REST) -> bytes:
    return bytes(4) + struct.pack("<I", len(operations)) + operations + rest


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doorway]:
    with doorway(tmp_path_factory.mktemp("mapi"), Mapi, tenant_of_one(SERVER)) as opened:
        yield opened


class Outlook:
    """A client with its cookies."""

    def __init__(self, way: Doorway) -> None:
        self.way, self.count = way, 0
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(way.ca_file)
        self.session.auth = (ALICE, PASSWORD)
        self.dn = way.tenant.mailboxes[ALICE].legacy_dn.encode()

    def ask(self, kind: str, body: bytes = b"", path: str = "/mapi/emsmdb/", **headers: str) -> requests.Response:
        self.count += 1
        given = {
            "Content-Type": "application/mapi-http",
            "X-RequestType": kind,
            "X-RequestId": f"{{C715155F-2BE8-44E0-BD34-2960065754C8}}:{self.count}",
            "X-ClientInfo": "opaque",
            **headers,
        }
        return self.session.post(f"{self.way.url}{path}", body, headers=given, timeout=20)

    def connect(self, numbers: bytes = NUMBERS) -> requests.Response:
        return self.ask("Connect", self.dn + b"\0" + numbers)


@pytest.fixture
def outlook(way: Doorway) -> Iterator[Outlook]:
    made = Outlook(way)
    yield made
    made.session.close()


def binary(answer: requests.Response) -> bytes:
    """Return what stands behind the blank line; check what stands before."""
    assert answer.headers["X-ResponseCode"] == "0"
    assert answer.headers["Content-Type"] == "application/mapi-http"
    assert answer.headers["Transfer-Encoding"] == "chunked"
    head, blank, body = answer.content.partition(b"\r\n\r\n")
    assert blank
    lines = head.split(b"\r\n")
    assert lines[0] == b"PROCESSING"
    fields = lines[lines.index(b"DONE") + 1 :]
    assert [field.partition(b":")[0] for field in fields] == [b"X-ResponseCode", b"X-ElapsedTime", b"X-StartTime"]
    return body


def test_a_session_goes_from_connect_to_disconnect(outlook: Outlook) -> None:
    """Its context travels in cookies; identifiers are repeated."""
    ping = outlook.ask("PING")
    assert (ping.headers["X-ResponseCode"], ping.content) == ("0", b"")
    connected = outlook.connect()
    assert connected.headers["X-RequestId"] == "{C715155F-2BE8-44E0-BD34-2960065754C8}:2"
    assert connected.headers["X-ClientInfo"] == "opaque"
    executed = binary(outlook.ask("Execute", execute()))
    assert executed[:12] == bytes(12)
    assert executed[16 + 10 : 16 + 16] == bytes.fromhex("FE 00 00000000")
    assert binary(outlook.ask("Execute", execute(buffer(b"", b""))))[4:8] == bytes(4)
    assert binary(outlook.ask("Disconnect", bytes(4))) == bytes(12)
    assert outlook.ask("Execute", execute()).headers["X-ResponseCode"] == "10"


def test_a_session_begins_with_polls_names_and_an_auxiliary_buffer(outlook: Outlook) -> None:
    """MS-OXCMAPIHTTP section 2.2.4.1.2, with the numbers of MS-OXCRPC section 4.1."""
    body = binary(outlook.connect())
    assert struct.unpack_from("<5I", body) == (0, 0, 60_000, 6, 10_000)
    prefix, _, rest = body[20:].partition(b"\0")
    assert outlook.dn.startswith(prefix)
    name = "Alice".encode("utf-16-le") + b"\0\0"
    assert rest.startswith(name)
    (size,) = struct.unpack_from("<I", rest, len(name))
    auxiliary = rest[len(name) + 4 :]
    assert len(auxiliary) == size
    assert auxiliary == bytes.fromhex("0000 0400 0800 0800 0800 01 17 02000000")


def test_a_delivery_ends_the_wait_for_notifications(outlook: Outlook) -> None:
    """EventPending is 1; the answer begins before it is known, and has all its fields."""
    outlook.connect()
    answers: list[requests.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(outlook.ask("NotificationWait", bytes(8))))
    waiting.start()
    box = outlook.way.tenant.mailboxes[ALICE]
    while not outlook.way.on_loop(lambda: bool(box._watchers)):
        pass
    outlook.way.on_loop(lambda: box.deliver("news"))
    waiting.join(10)
    assert binary(answers[0]) == bytes(8) + bytes.fromhex("01000000") + bytes(4)


def test_news_since_the_last_command_is_pending_at_once(outlook: Outlook) -> None:
    """No event falls between two requests; a command collects what there is."""
    outlook.connect()
    box = outlook.way.tenant.mailboxes[ALICE]
    outlook.way.on_loop(lambda: box.deliver("news"))
    assert binary(outlook.ask("NotificationWait", bytes(8)))[8] == 1


def test_a_plain_client_sees_the_answer_begin(way: Doorway) -> None:
    """`http.client` reads the first line while the server still waits."""
    outlook = Outlook(way)
    outlook.connect()
    cookies = "; ".join(f"{one.name}={one.value}" for one in outlook.session.cookies)
    trust = ssl.create_default_context(cafile=str(way.ca_file))
    connection = http.client.HTTPSConnection("localhost", way.port, context=trust, timeout=10)
    basic = requests.auth._basic_auth_str(ALICE, PASSWORD)
    fields = {"Authorization": basic, "Cookie": cookies, "X-RequestType": "NotificationWait", "X-RequestId": "{x}:9"}
    fields["Content-Type"] = "application/mapi-http"
    connection.request("POST", "/mapi/emsmdb/?MailboxId=x@contoso.example", bytes(8), fields)
    reply = connection.getresponse()
    assert (reply.status, reply.getheader("X-ResponseCode"), reply.getheader("X-PendingPeriod")) == (200, "0", "15000")
    assert reply.readline() == b"PROCESSING\r\n"
    box = way.tenant.mailboxes[ALICE]
    way.on_loop(lambda: box.deliver("news"))
    assert reply.read().endswith(bytes(8) + bytes.fromhex("01000000") + bytes(4))
    connection.close()
    outlook.session.close()


@pytest.mark.parametrize(
    ("kind", "body", "path", "headers", "code"),
    [
        ("", b"", "/mapi/emsmdb/", {}, "7"),
        ("PING", b"", "/mapi/emsmdb/", {"X-RequestId": ""}, "7"),
        ("PING", b"", "/mapi/emsmdb/", {"Content-Type": "text/plain"}, "4"),
        ("Connect", b"", "/mapi/elsewhere/", {}, "3"),
        ("PING", b"", "/mapi/emsmdb/deeper", {}, "3"),
        ("PING", b"", "/mapi", {}, "3"),
        ("Connect", b"garbage", "/mapi/emsmdb/", {}, "12"),
        ("Execute", b"", "/mapi/emsmdb/", {}, "13"),
        ("Execute", b"", "/mapi/emsmdb/", {"Cookie": "MapiContext=nobody"}, "6"),
        ("Execute", b"", "/mapi/emsmdb/", {"Cookie": f"MapiContext={'n' * 32}"}, "10"),
        ("Bind", bytes(9), "/mapi/emsmdb/", {}, "5"),
        ("Dance", b"", "/mapi/nspi/", {}, "5"),
        ("Unbind", bytes(8), "/mapi/nspi/", {}, "13"),
        ("Bind", b"", "/mapi/nspi/", {}, "12"),
    ],
)
def test_what_is_wrong_is_told_by_its_code(
    outlook: Outlook, kind: str, body: bytes, path: str, headers: dict[str, str], code: str
) -> None:
    """In a 200, with a page as its body."""
    answer = outlook.ask(kind, body, path, **headers)
    assert (answer.status_code, answer.headers["X-ResponseCode"]) == (200, code)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["X-RequestType"] == kind


def test_another_method_is_an_invalid_verb(outlook: Outlook) -> None:
    """Code 2."""
    assert outlook.session.get(f"{outlook.way.url}/mapi/emsmdb/", timeout=5).headers["X-ResponseCode"] == "2"


def test_a_command_out_of_turn_has_lost_its_place(outlook: Outlook) -> None:
    """With the sequence cookie of the last but one, code 15; a body that is none has cost no turn."""
    outlook.connect()
    old = {one.name: one.value for one in outlook.session.cookies}
    assert outlook.ask("Execute", b"x").headers["X-ResponseCode"] == "12"
    assert outlook.ask("Execute", execute(b"x")).headers["X-ResponseCode"] == "12"
    binary(outlook.ask("Execute", execute()))
    assert outlook.session.cookies["MapiSequence"] != old["MapiSequence"]
    stale = f"MapiContext={old['MapiContext']}; MapiSequence={old['MapiSequence']}"
    assert outlook.ask("Execute", execute(), Cookie=stale).headers["X-ResponseCode"] == "15"
    assert outlook.ask("Disconnect", bytes(4), Cookie=stale).headers["X-ResponseCode"] == "15"
    binary(outlook.ask("Disconnect", bytes(4)))


@pytest.mark.parametrize(
    ("dn", "numbers", "error"),
    [
        (b"", NUMBERS, "05000780"),
        (b"/o=nobody", NUMBERS, "EB030000"),
        (None, b"\x01" + NUMBERS[1:], "F2030000"),
        (None, NUMBERS[:-4] + bytes.fromhex("03000000") + b"aux", "15010480"),
        (None, NUMBERS[:-4] + bytes.fromhex("0C000000 0000 0400 0400 0400 0500 0101"), "15010480"),
        (None, NUMBERS[:-4] + bytes.fromhex("0C000000 0000 0400 0400 0400 0000 0101"), "15010480"),
        (None, NUMBERS[:-4] + bytes.fromhex("0D000000 0000 0400 0500 0500 0400 0101 00"), "15010480"),
    ],
)
def test_a_session_that_cannot_begin_has_an_error(
    outlook: Outlook, dn: bytes | None, numbers: bytes, error: str
) -> None:
    """No name, nobody's, an administrator's, an auxiliary buffer that is none (MS-OXCRPC section 3.1.4.1)."""
    answer = outlook.ask("Connect", (outlook.dn if dn is None else dn) + b"\0" + numbers)
    assert binary(answer) == bytes(4) + bytes.fromhex(error) + bytes(19)
    assert "Set-Cookie" not in answer.headers


def test_an_auxiliary_buffer_is_taken(outlook: Outlook) -> None:
    """One block of eight bytes, veiled as clients do."""
    block = bytes(byte ^ 0xA5 for byte in bytes.fromhex("0800 01 17 00000000"))
    auxiliary = bytes.fromhex("0000 0600 0800 0800") + block
    connected = outlook.connect(NUMBERS[:-4] + struct.pack("<I", len(auxiliary)) + auxiliary)
    assert binary(connected)[4:8] == bytes(4)


def test_operations_fail_in_the_body(outlook: Outlook) -> None:
    """Those that cannot be told apart as a whole, an answer too long for the client by an error."""
    outlook.connect()
    unknown = outlook.ask("Execute", execute(buffer(b"\x02\0\0\1")))
    assert binary(unknown) == bytes.fromhex("B6040000 00000000")
    small = outlook.ask("Execute", execute(rest=bytes.fromhex("10000000 00000000")))
    assert binary(small) == bytes(4) + bytes.fromhex("7D040000") + bytes(12)
    packed = buffer(logon(outlook.dn.decode()))
    veiled = packed[:2] + b"\x06\0" + packed[4:8] + bytes(byte ^ 0xA5 for byte in packed[8:])
    assert binary(outlook.ask("Execute", execute(veiled)))[4:8] == bytes(4)


def test_the_address_book_opens_and_closes(outlook: Outlook) -> None:
    """Bind gives the server's id, Unbind says 1 for success; what is in between fails in the body."""
    assert len(binary(outlook.ask("Bind", bytes(9), "/mapi/nspi/"))) == 28
    assert binary(outlook.ask("QueryRows", b"", "/mapi/nspi/")) == bytes.fromhex("02010480 00000000")
    assert outlook.ask("PING", b"", "/mapi/nspi/").headers["X-ResponseCode"] == "0"
    assert binary(outlook.ask("Unbind", bytes(8), "/mapi/nspi/"))[4:8] == bytes.fromhex("01000000")
    assert outlook.ask("Unbind", bytes(8), "/mapi/nspi/").headers["X-ResponseCode"] == "10"


@pytest.mark.parametrize(("path", "step"), [("/mapi/emsmdb/", "oauth_challenge"), ("/mapi/nspi/", "nspi_challenge")])
@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer nonsense", "Basic !"])
def test_without_a_credential_there_is_a_challenge(
    way: Doorway, path: str, step: str, authorization: str | None
) -> None:
    """At either place, and each is a step of its own; a server of one's own names what else it takes."""
    fields = {} if authorization is None else {"Authorization": authorization}
    answer = requests.post(f"{way.url}{path}", headers=fields, verify=str(way.ca_file), timeout=5)
    assert answer.status_code == 401
    offers = answer.headers["WWW-Authenticate"]
    assert ("Basic" in offers, "Negotiate" in offers) == (True, True)
    assert ("Bearer" in offers) is bool(authorization and authorization.startswith("Bearer"))
    here = Connection(1, way.premises.hosts[0], "127.0.0.1", 0.0, Attempt("x", 1))
    named = tuple((name.lower(), value) for name, value in fields.items())
    errand = way.service.errand(Request("POST", path, named, b"", here, "", path))
    assert errand.steps == {step}


class Cloud:
    """Exchange Online without a network: two sites, two users, an application that may open one mailbox."""

    def __init__(self) -> None:
        poor = Application("22222222-2222-2222-2222-222222222222", "Poor")
        self.tenant = Tenant(
            "contoso.example",
            [Site("ams1", "eu", "AMS"), Site("iad1", "na", "IAD")],
            users=[User(ALICE, PASSWORD), User("bob@contoso.example", PASSWORD)],
            applications=[APP, poor],
        )
        self.alice = self.tenant.open_mailbox(ALICE, "ams1")
        self.bob = self.tenant.open_mailbox("bob@contoso.example", "ams1")
        self.doorkeeper = Doorkeeper(self.tenant)
        hosts = tuple(Host(f"mail.{name}", "127.0.0.1", 443, site=name) for name in self.tenant.sites)
        self.hosts = {host.site: host for host in hosts}
        login = Host("login.contoso.example", "127.0.0.1", 443)
        self.service = Mapi(Premises(self.tenant, self.doorkeeper, (*hosts, login)))
        self.tokens = {
            "app": self.doorkeeper.issue(APP, EXCHANGE),
            "poor": self.doorkeeper.issue(poor, EXCHANGE),
            "alice": self.doorkeeper.issue(APP, EXCHANGE, ALICE),
            "bob": self.doorkeeper.issue(APP, EXCHANGE, "bob@contoso.example"),
        }

    def request(self, kind: str, body: bytes, who: str, cookie: str = "", site: str = "ams1") -> Request:
        here = Connection(1, self.hosts[site], "127.0.0.1", 0.0, Attempt("x", 1))
        fields = [("authorization", f"Bearer {self.tokens[who]}"), ("x-requesttype", kind), ("x-requestid", "{x}:1")]
        fields += [("content-type", "application/mapi-http"), ("cookie", cookie)]
        return Request("POST", "/mapi/emsmdb/", tuple(fields), body, here, "", "/mapi/emsmdb/")

    async def ask(
        self, kind: str, body: bytes, who: str, cookie: str = "", site: str = "ams1", fault: Fault | None = None
    ) -> tuple[Reply, bytes]:
        reply = await self.service.answer(self.request(kind, body, who, cookie, site), fault)
        whole = reply.body if isinstance(reply.body, bytes) else b"".join([piece async for piece in reply.body])
        return reply, whole.partition(b"\r\n\r\n")[2]

    async def connect(self, who: str, dn: str = "", site: str = "ams1") -> tuple[int, str]:
        """Return the error of a Connect, and the cookies."""
        reply, body = await self.ask("Connect", (dn or self.alice.legacy_dn).encode() + b"\0" + NUMBERS, who, site=site)
        cookies = [value.partition(";")[0] for name, value in reply.headers if name == "Set-Cookie"]
        return int.from_bytes(body[4:8], "little"), "; ".join(cookies)


async def test_in_the_cloud_tokens_open_the_mailboxes_they_are_for() -> None:
    """A user's their own; an application's those it is allowed."""
    cloud = Cloud()
    assert [(await cloud.connect(who))[0] for who in ("alice", "app")] == [0, 0]
    assert [(await cloud.connect(who))[0] for who in ("bob", "poor")] == [0x80070005] * 2
    assert (await cloud.connect("app", cloud.bob.legacy_dn.upper()))[0] == 0x80070005
    assert (await cloud.connect("bob", cloud.bob.legacy_dn.upper()))[0] == 0


async def test_a_new_session_ends_the_one_before() -> None:
    """Whose cookie came with the request (MS-OXCMAPIHTTP section 3.2.5.1)."""
    cloud = Cloud()
    _, cookie = await cloud.connect("alice")
    await cloud.ask("Connect", cloud.alice.legacy_dn.encode() + b"\0" + NUMBERS, "alice", cookie)
    reply, _ = await cloud.ask("Execute", execute(), "alice", cookie)
    assert dict(reply.headers)["X-ResponseCode"] == "10"


async def test_a_command_collects_the_news_and_a_ping_keeps_a_session_alive() -> None:
    """So that the next wait is for what comes after."""
    cloud = Cloud()
    _, cookie = await cloud.connect("alice")
    context = cloud.service.contexts.peek(cloud.request("PING", b"", "alice", cookie).cookies)
    assert context is not None
    cloud.alice.deliver("news")
    assert context.told == 0
    await cloud.ask("Execute", execute(), "alice", cookie)
    assert context.told == cloud.alice.sequence
    context.used = -1.0
    await cloud.ask("PING", b"", "alice", cookie)
    assert context.used >= 0


async def test_a_front_end_of_no_site_serves_every_mailbox() -> None:
    """Nothing lives elsewhere from there."""
    cloud = Cloud()
    cloud.hosts[""] = Host("mail", "127.0.0.1", 443)
    _, cookie = await cloud.connect("alice", site="")
    _, body = await cloud.ask("Execute", execute(), "alice", cookie, "")
    assert body[26:32] == bytes.fromhex("FE 00 00000000")


async def test_a_session_is_nobody_else_s() -> None:
    """Code 11, whoever has the cookie."""
    cloud = Cloud()
    _, cookie = await cloud.connect("alice")
    reply, _ = await cloud.ask("Execute", execute(), "bob", cookie)
    assert dict(reply.headers)["X-ResponseCode"] == "11"


async def test_a_mailbox_that_lives_elsewhere_is_on_another_server() -> None:
    """The logon says which one, by its name in the directory."""
    cloud = Cloud()
    error, cookie = await cloud.connect("alice", site="iad1")
    _, body = await cloud.ask("Execute", execute(), "alice", cookie, "iad1")
    answer = body[16 + 10 :]
    assert (error, answer[:7]) == (0, bytes.fromhex("FE 00 78040000 01"))
    name = answer[8 : 8 + answer[7]]
    assert name.endswith(f"/cn=Configuration/cn=Servers/cn={cloud.alice.guid}@contoso.example\0".encode())


async def test_a_fault_is_told_by_its_code() -> None:
    """In a 200; a silent wait and one that is dropped are faults of waiting alone."""
    cloud = Cloud()
    reply, _ = await cloud.ask("Connect", b"", "alice", fault=Fault("mapi_code", arguments={"code": 18}))
    assert (reply.status, dict(reply.headers)["X-ResponseCode"]) == (200, "18")
    _, cookie = await cloud.connect("alice")
    waiting = cloud.service.errand(cloud.request("NotificationWait", bytes(8), "alice", cookie))
    assert (waiting.push, waiting.mailbox, *waiting.steps) == (True, ALICE, "notification_wait")
    assert waiting.kinds == {"mapi_code", "push_drop", "push_silent"}
    assert cloud.service.errand(cloud.request("Execute", b"", "alice", cookie)).kinds == {"mapi_code"}


@pytest.mark.parametrize(
    ("kind", "step"),
    [("PING", "ping"), ("Connect", "connect"), ("Execute", "execute_logon"), ("Disconnect", "disconnect")],
)
def test_a_request_is_known_by_its_step(kind: str, step: str) -> None:
    """And an application's by the mailbox it names."""
    cloud = Cloud()
    assert cloud.service.errand(cloud.request(kind, b"", "alice")).steps == {step}
    body = cloud.bob.legacy_dn.encode() + b"\0"
    assert cloud.service.errand(cloud.request("Connect", body, "app")).mailbox == cloud.bob.address
    assert cloud.service.errand(cloud.request("Connect", body, "alice")).mailbox == cloud.bob.address
    by_url = replace(cloud.request("PING", b"", "app"), query={"MailboxId": f"{cloud.bob.guid}@contoso.example"})
    assert cloud.service.errand(by_url).mailbox == cloud.bob.address
    book = replace(cloud.request("PING", b"", "alice"), path="/mapi/nspi/")
    assert cloud.service.errand(book).steps == frozenset()
    assert cloud.service.errand(cloud.request("Dance", b"\xff\xfe", "app")).steps == frozenset()
    assert cloud.service.errand(cloud.request("PING", b"", "alice")).token_expires > 0


def test_who_asks_too_much_is_told_to_wait(way: Doorway) -> None:
    """503 with the seconds."""
    here = Connection(1, way.premises.hosts[0], "127.0.0.1", 0.0, Attempt("x", 1))
    reply = way.service.throttled(Request("POST", "/mapi/emsmdb/", (), b"", here), 0, 29.6)
    assert (reply.status, reply.headers) == (503, (("Retry-After", "30"),))
    assert len(PRIVATE) == 12
