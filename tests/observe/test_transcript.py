"""Transcripts: what they show, and above all what they do not."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.exchange import Call, Flow, Headers, Reply, Wire
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.observe import transcript as module
from prober.observe.transcript import Answered, Lines, Transcript, address, field, heard, said

SECRET = "canary-5ecret"
MAILBOX = "probe.canary@corp.example"


class Sent:
    """A wire with answers prepared."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)

    async def send(self, data: bytes) -> None: ...

    async def receive(self, within: float | None = None) -> bytes | None:
        if not self.answers:
            raise FaultError(kinds.NO_ANSWER)
        return self.answers.pop(0)

    async def start_tls(self) -> None: ...

    async def close(self) -> None: ...


class Session:
    """A session with one answer."""

    def __init__(self, reply: Reply | None = None, wire: Sent | None = None) -> None:
        self.reply = reply
        self.wire = wire or Sent()

    opened = 1

    async def exchange(self, call: Call) -> Reply:
        if self.reply is None:
            raise FaultError(kinds.TLS_EXPIRED)
        return self.reply

    async def open(self, call: Call) -> Flow:
        raise FaultError(kinds.PEER_RESET)

    async def dial(self, url: str) -> Wire:
        return self.wire

    def channel_binding(self, url: str) -> bytes | None:
        return b"binding"

    async def close(self) -> None: ...


def made() -> Transcript:
    ticks = iter(range(100_000))
    return Transcript(lambda: next(ticks) / 1000, [MAILBOX, MAILBOX.partition("@")[0], ""])


async def test_an_exchange_is_shown_without_what_it_carries() -> None:
    """Line, fields, sizes; of values only those that are known to be harmless."""
    transcript = made()
    reply = Reply(
        302,
        Headers(
            [
                ("Content-Type", "text/html"),
                ("Set-Cookie", f"session={SECRET}"),
                ("Location", f"https://other.example/x?code={SECRET}"),
                ("X-FEServer", "AM0PR01CA0001"),
                ("WWW-Authenticate", f'Bearer realm="{SECRET}", Basic realm="x"'),
            ]
        ),
        SECRET.encode(),
    )
    call = Call(
        "POST",
        f"https://mail.example/Microsoft-Server-ActiveSync?Cmd=Sync&User={MAILBOX}&DeviceId={SECRET}",
        (("Authorization", f"Bearer {SECRET}"), ("X-Thing", SECRET), ("MS-ASProtocolVersion", "16.1")),
        SECRET.encode(),
    )
    assert await transcript.watch(Session(reply)).exchange(call) is reply
    said = [
        "> POST https://mail.example/Microsoft-Server-ActiveSync?Cmd=Sync&User=***&DeviceId=***",
        ">   Authorization: Bearer ***",
        ">   X-Thing: ***",
        ">   MS-ASProtocolVersion: 16.1",
        f"> ({len(SECRET)} bytes)",
    ]
    answered = [
        "< 302",
        "<   Content-Type: text/html",
        "<   Set-Cookie: ***",
        "<   Location: https://other.example/x?code=***",
        "<   X-FEServer: ***",
        "<   WWW-Authenticate: basic bearer ***",
        f"< ({len(SECRET)} bytes)",
    ]
    assert transcript.lines() == [*(f"      1.0 {line}" for line in said), *(f"      2.0 {line}" for line in answered)]
    assert transcript.text() == "\n".join(transcript.lines())


async def test_servers_and_ids_of_requests_are_told_apart_from_what_was_said() -> None:
    """Whoever is asked for help can find the request by them; what does not look like one is left out."""
    transcript = made()
    fields = [
        ("request-id", "89fb6fbc-4e91-4544-9404-3ef914743206"),
        ("x-ms-request-id", f"not {SECRET} an id"),
        ("X-FEServer", "AM0PR01CA0001"),
        ("X-BEServer", MAILBOX),
        ("X-CalculatedBETarget", "am0pr01mb1.eurprd01.prod.outlook.com"),
        ("X-Other", SECRET),
    ]
    session = transcript.watch(Session(Reply(200, Headers(fields))))
    for number in ("1", "1", "2"):
        await session.exchange(Call("GET", "https://mail.example/", (("client-request-id", f"c-{number}"),)))
    assert transcript.request_ids() == {
        "client-request-id": ["c-1", "c-2"],
        "request-id": ["89fb6fbc-4e91-4544-9404-3ef914743206"],
    }
    assert transcript.servers() == {
        "x-feserver": ["AM0PR01CA0001"],
        "x-calculatedbetarget": ["am0pr01mb1.eurprd01.prod.outlook.com"],
    }


@pytest.mark.parametrize(
    ("greeting", "found"),
    [
        (b"* OK The Microsoft Exchange IMAP4 service is ready. [%s]\r\n", ["AM0PR01CA0001.eurprd01.prod.outlook.com"]),
        (b"* OK Dovecot ready.\r\n* OK [%s]\r\n", []),
        (b"* OK [CAPABILITY IMAP4rev1] [%s]x\r\n", []),
        (b"* NO [%s]\r\n", []),
        (b"* OK ready [abcdefgh=====]\r\n* OK [%s]\r\n", []),
    ],
)
async def test_exchange_tells_its_name_in_the_greeting(greeting: bytes, found: list[str]) -> None:
    """In base64 of UTF-16, which the support can read and people cannot."""
    name = base64.b64encode("AM0PR01CA0001.eurprd01.prod.outlook.com".encode("utf-16-le"))
    transcript = made()
    wire = await transcript.watch(Session(wire=Sent(greeting.replace(b"%s", name)))).dial("imaps://mail.example:993")
    await wire.receive()
    assert transcript.servers().get("greeting", []) == found
    assert "eurprd01" not in transcript.text()
    assert name.decode() not in transcript.text()


def test_a_recording_can_be_read_again() -> None:
    """A conversation in the middle of a literal, too: reading changes nothing."""
    transcript = made()
    wire = transcript.next_wire()
    transcript.passed("<", wire, b"* 1 FETCH (BODY[] {100}\r\nsome of it")
    transcript.passed("<", transcript.next_wire(), b"* 2 EXISTS\r\n")
    first = transcript.text()
    assert first == transcript.text() == "      1.0 < * 1 FETCH ***\n      2.0 < * 2 EXISTS"
    transcript.passed("<", wire, b" and more\r\n")
    assert transcript.text() == first


def test_what_is_settled_is_read_on_from_there() -> None:
    """As if it had not been, in the middle of a line and of a literal; and nothing is held that may not be shown."""
    pieces = (
        b"* 1 FETCH (BODY[] {32}\r\n* NO " + SECRET.encode(),
        b"\r\n* NO again\r\n)\r\n* 2 EX",
        b"ISTS\r\nA1 OK done\r\n",
    )
    whole, settled = made(), made()
    for piece in pieces:
        for one in (whole, settled):
            one.passed("<", 1, piece)
        settled.settle()
        assert SECRET not in repr(vars(settled)["_settled"])
        assert vars(settled)["_seen"] == []
        assert settled.lines() == settled.lines() == whole.lines()
    assert [line[12:] for line in settled.lines()] == ["* 1 FETCH ***", "* 2 EXISTS", "A1 OK ***"]
    assert made().lines() == []


def test_what_is_settled_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first and the last of it; what found no room says so where it would have been, and then there is room."""
    monkeypatch.setattr(module, "MOST", 4)
    monkeypatch.setattr(module, "MOST_SETTLED", 2)
    transcript = made()
    for number in range(6):
        fields = Headers([("request-id", f"r-{number}"), ("X-FEServer", f"S{number}")])
        transcript.say("<", Answered(200 + number, fields, None))
        for _ in range(4):
            transcript.say("-", "more")
        transcript.settle()
    transcript.failed(FaultError(kinds.PEER_RESET))
    shown = [line[12:] if line[0] == " " else line for line in transcript.lines()]
    assert shown[:2] == ["200", "  request-id: r-0"]
    assert re.fullmatch(r"\(\d+ lines are left out\)", shown[2])
    assert shown[3:] == ["(1 more lines were not kept)", "peer_reset"]
    assert transcript.request_ids() == {"request-id": ["r-4", "r-5"]}
    assert transcript.servers() == {"x-feserver": ["S4", "S5"]}


def test_the_name_in_a_greeting_outlives_being_settled() -> None:
    transcript = made()
    name = base64.b64encode("AM0PR01CA0001".encode("utf-16-le")).decode()
    transcript.passed("<", transcript.next_wire(), f"* OK The service is ready. [{name}]\r\n".encode())
    transcript.settle()
    transcript.settle()
    assert transcript.servers() == {"greeting": ["AM0PR01CA0001"]}


async def test_how_it_ended_is_shown() -> None:
    """A fault by its code, for both ways to ask; and it goes on to whoever asked."""
    transcript = made()
    watched = transcript.watch(Session())
    with pytest.raises(FaultError):
        await watched.exchange(Call("GET", "https://mail.example/"))
    with pytest.raises(FaultError):
        await watched.open(Call("GET", "https://mail.example/"))
    assert "! tls_expired" in transcript.text()
    assert "! peer_reset" in transcript.text()
    assert watched.opened == 1
    assert watched.channel_binding("https://mail.example/") == b"binding"
    await watched.close()


async def test_a_conversation_is_shown_by_its_commands() -> None:
    """Neither passwords nor mail nor folders, however the bytes are cut."""
    heard_bytes = (
        f"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] host.corp.example says {SECRET}\r\n"
        f'A1 OK [CAPABILITY IMAP4rev1 IDLE] {SECRET}\r\n* LIST (\\HasNoChildren) "/" "{SECRET}"\r\n'
        f"* 3 EXISTS\r\n* 1 FETCH (BODY[] {{{len(SECRET) + 2}}}\r\n{SECRET}\r\n FLAGS ({SECRET}))\r\n"
        f"A2 NO [UNAVAILABLE] mailbox {MAILBOX} at am0pr01mb1.eurprd01.prod.outlook.com is busy\r\n"
        f"+ {SECRET}\r\n"
    ).encode()
    wire = Sent(*(heard_bytes[n : n + 7] for n in range(0, len(heard_bytes), 7)), b"")
    transcript = made()
    watched = await transcript.watch(Session(wire=wire)).dial("imaps://mail.example:993")
    await watched.start_tls()
    await watched.send(f"A1 LOGIN {MAILBOX} {SECRET}\r\n".encode())
    await watched.send(f"A2 AUTHENTICATE XOAUTH2 {base64.b64encode(SECRET.encode()).decode()}\r\n".encode())
    await watched.send(base64.b64encode(SECRET.encode()) + b"\r\n")
    await watched.send(f"A3 LOGIN {{5+}}\r\nalice {{{len(SECRET)}}}\r\n".encode())
    await watched.send(f"{SECRET}\r\nDONE\r\n".encode())
    while await watched.receive():
        pass
    with pytest.raises(FaultError):
        await watched.receive()
    await watched.close()
    shown = transcript.text()
    for line in (
        "- connect to imaps://mail.example:993",
        "> A1 LOGIN ***",
        "> A2 AUTHENTICATE XOAUTH2 ***",
        "> ***",
        "> A3 LOGIN ***",
        "> DONE",
        "< * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ***",
        "< * LIST ***",
        "< * 3 EXISTS",
        "< * 1 FETCH ***",
        "< A2 NO [UNAVAILABLE] mailbox *** at *** is busy",
        "< + ***",
        "< (end)",
        "! no_answer",
    ):
        assert f" {line}\n" in f"{shown}\n", line
    for hidden in (SECRET, "probe.canary", "eurprd01", base64.b64encode(SECRET.encode()).decode()):
        assert hidden not in shown


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In lines, and each of them in length."""
    monkeypatch.setattr(module, "MOST", 3)
    transcript = made()
    assert transcript.text() == "(nothing was said)"
    for _ in range(5):
        transcript.say("<", "long " * 1000)
    *lines, last = transcript.text().splitlines()
    assert last == "(2 more lines were not kept)"
    assert len(lines) == 3
    assert max(map(len, lines)) < 220


def test_how_it_ended_is_kept_however_much_there_was_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of things, of bytes, and of lines that one thing has."""
    monkeypatch.setattr(module, "MOST", 4)
    monkeypatch.setattr(module, "MOST_OCTETS", 20)
    transcript = made()
    transcript.say("<", Answered(200, Headers([("x-a", "1")] * 100), 0))
    transcript.passed("<", 1, b"* 1 EXISTS\r\n")
    transcript.passed("<", 1, b"* 2 EXISTS\r\n")
    transcript.passed("<", 1, b"* 3\r\n")
    for _ in range(1000):
        transcript.failed(FaultError(kinds.PEER_RESET))
    *first, last = transcript.lines()
    assert first == [
        "      1.0 < 200",
        "      1.0 <   x-a: ***",
        "(121 lines are left out)",
        "     23.0 ! peer_reset",
        "     24.0 ! peer_reset",
    ]
    assert last == "(2 more lines were not kept)"


def test_a_line_without_end_costs_no_more_than_its_beginning() -> None:
    """Nor does a literal that is promised and never comes."""
    lines = Lines()
    for _ in range(100):
        assert list(lines.feed(b"x" * 1000)) == []
    assert len(lines._rest) <= module.LONGEST
    lines = Lines()
    assert list(lines.feed(b"* 1 FETCH {999999999}\r\n")) == ["* 1 FETCH {999999999}"]
    assert list(lines.feed(b"y" * 100_000 + b"\r\n* OK x\r\n")) == []
    assert lines._rest == b""


def test_what_stands_after_a_literal_is_no_line_of_its_own() -> None:
    """It may look like one: what is in it comes from whoever wrote the mail."""
    given = b"* 1 FETCH (X {2}\r\nxy* OK [CAPABILITY canary] y {1}\r\nz* BYE canary\r\n* 2 EXISTS\r\n"
    assert list(Lines().feed(given)) == ["* 1 FETCH (X {2}", "* 2 EXISTS"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "https://graph.microsoft.com/v1.0/users/a%40b.example/messages",
            "https://graph.microsoft.com/v1.0/users/***/messages",
        ),
        (f"https://x.example/{'A' * 50}/y", "https://x.example/***/y"),
        ("https://user:pw@x.example/", "https://x.example/"),
        ("https://x.example/?token", "https://x.example/?token=***"),
        ("/relative?a=b", "/relative?a=***"),
        ("https://[", "***"),
        ("", ""),
    ],
)
def test_addresses(url: str, shown: str) -> None:
    """Where they lead, and not for whom."""
    assert address(url) == shown


@given(st.text(max_size=100))
def test_only_what_is_known_is_shown_of_any_line(text: str) -> None:
    """Whatever the client or the server says: a secret that stands among arguments is not in what is shown."""
    assert SECRET not in said(f"A1 {text} {SECRET}")
    assert SECRET not in heard(f"* LIST {text} {SECRET}")
    assert SECRET not in heard(f"* 1 FETCH {text} {SECRET}")
    assert SECRET not in field("x-anything", f"{text}{SECRET}")
    assert SECRET not in field("authorization", f"{text} {SECRET}")
    assert isinstance(address(text), str)


@given(st.lists(st.binary(max_size=60)))
def test_no_bytes_break_the_cutting(pieces: list[bytes]) -> None:
    lines = Lines()
    for piece in pieces:
        for line in lines.feed(piece):
            assert "\n" not in heard(line) + said(line)


def test_what_another_process_took_down_is_shown_in_its_place() -> None:
    """An attempt that a worker of ours made is shown as the worker saw it."""
    transcript = Transcript(lambda: 0.0)
    assert transcript.text() == "(nothing was said)"
    transcript.adopt("> GET /")
    assert transcript.text() == "> GET /"
