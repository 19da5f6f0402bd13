"""From a server's own bytes to who is held back, and for how long: every way in which one asks for quiet."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import Fault, FaultError, Reason
from prober.model import Assignment
from prober.protocols.eas import command
from prober.protocols.ews import soap
from prober.protocols.graph import reading
from prober.protocols.imap.responses import Status, parse
from prober.protocols.imap.status import Stage
from prober.protocols.imap.status import read as read_imap
from prober.protocols.oauth import token
from tests.schedule.test_governor import URLS, World, one

EVERYWHERE = {**URLS, "ews": "https://mail.test/EWS/Exchange.asmx"}
BUSY = (
    b'<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
    b'<faultcode xmlns:a="http://schemas.microsoft.com/exchange/services/2006/types">a:ErrorServerBusy</faultcode>'
    b"<faultstring>The server cannot service this request right now. Try again later.</faultstring><detail>"
    b'<e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">ErrorServerBusy'
    b'</e:ResponseCode><t:MessageXml xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">'
    b'<t:Value Name="BackOffMilliseconds">297749</t:Value></t:MessageXml></detail></s:Fault></s:Body></s:Envelope>'
)
TOO_MANY = b'{"error":{"code":"TooManyRequests","message":"Please retry after"}}'
LOOPING = b'{"error":"invalid_grant","error_codes":[50196],"error_description":"AADSTS50196: a request loop"}'
SUGGESTED = "* BYE Request is throttled. Suggested Backoff Time: 89500 milliseconds"
DATED = (("Retry-After", "Fri, 15 Jan 2027 12:02:05 GMT"), ("Date", "Fri, 15 Jan 2027 12:00:00 GMT"))


def at(client: str, target: str = "hq") -> Assignment:
    """A client at one mailbox per target that has every endpoint."""
    found = one(client, target)
    return replace(found, target=replace(found.target, endpoints=EVERYWHERE))


def refused(read: Callable[[Reply], object], status: int, *fields: tuple[str, str], body: bytes = b"") -> Fault:
    """Return the fault that a reader makes of an answer."""
    with pytest.raises(FaultError) as caught:
        read(Reply(status, Headers(fields), body))
    return caught.value.fault


def told(line: str) -> Fault:
    """Return the fault that a line of an IMAP server makes."""
    said = parse(line.encode())
    assert isinstance(said, Status)
    return read_imap(said, Stage.MAILBOX, "LIST").fault


def ews(reply: Reply) -> object:
    """Read the answer to GetFolder."""
    return soap.only(reply, "GetFolder")


def phone(reply: Reply) -> object:
    """Read the answer to FolderSync."""
    return command.opened(reply, "FolderSync")


@dataclass(frozen=True)
class Wish:
    """Who is told something: for how long who is held back, and who goes on. `longest` where the time is ours."""

    client: str
    fault: Callable[[], Fault]
    seconds: float
    held: tuple[Assignment, ...]
    free: tuple[Assignment, ...]
    longest: float | None = None


WISHES = {
    "Retry-After of Graph": Wish(
        "outlook_mobile",
        lambda: refused(reading.document, 429, ("Retry-After", "120"), body=TOO_MANY),
        120.0,
        (at("outlook_mac"), at("outlook_mac", "lab")),
        (at("imap4"), at("activesync")),
    ),
    "Retry-After as a date": Wish(
        "outlook_mobile",
        lambda: refused(reading.document, 429, *DATED, body=TOO_MANY),
        125.0,
        (at("outlook_mac", "lab"),),
        (at("imap4"),),
    ),
    "BackOffMilliseconds of EWS": Wish(
        "outlook_mac_legacy",
        lambda: refused(ews, 500, body=BUSY),
        297.749,
        (at("outlook_mac_legacy"),),
        (at("outlook_mac_legacy", "lab"), at("imap4")),
    ),
    "Suggested Backoff Time of IMAP": Wish(
        "imap4", lambda: told(SUGGESTED), 89.5, (at("imap4"),), (at("imap4", "lab"), at("activesync"))
    ),
    "X-MS-ASThrottle of one device": Wish(
        "activesync",
        lambda: refused(phone, 503, ("X-MS-ASThrottle", "CommandFrequency"), ("Retry-After", "600")),
        600.0,
        (at("activesync"),),
        (at("activesync", "lab"), at("imap4")),
    ),
    "X-MS-ASThrottle without a time": Wish(
        "activesync",
        lambda: refused(phone, 503, ("X-MS-ASThrottle", "SyncCommands")),
        30.0,
        (at("activesync"), at("activesync", "lab")),
        (at("imap4"),),
        37.5,
    ),
    "X-MS-BackOffDuration": Wish(
        "activesync",
        lambda: refused(phone, 503, ("X-MS-BackOffDuration", "L/45")),
        45.0,
        (at("activesync"), at("activesync", "lab")),
        (one("activesync", "own", "phone"),),
    ),
    "a loop at the token service": Wish(
        "imap4",
        lambda: refused(token.read, 400, ("Retry-After", "60"), body=LOOPING),
        60.0,
        (at("imap4"), at("imap4", "lab"), at("outlook_mobile")),
        (one("imap4", "own", "phone"),),
    ),
}


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
def test_a_wish_is_kept_to_the_second_by_whom_it_means(wish: Wish) -> None:
    """Read by the protocol's own reader, kept by the governor, over a restart too, and broken by nobody."""
    fault = wish.fault()
    assert fault.reason is Reason.THROTTLED
    before = World()
    before.governor.consider(at(wish.client), fault)
    world = World(before)
    for who in wish.held:
        until = world.governor.until(who) - world.wall.now
        assert until == pytest.approx(wish.seconds, abs=0.001) or wish.seconds < until <= (wish.longest or 0.0)
        assert world.holds(who)
    assert not any(world.holds(who) for who in wish.free)
    world.wall.now = max(world.governor.until(who) for who in wish.held) - 0.001
    assert any(world.holds(who) for who in wish.held)
    world.wall.now += 0.001
    assert not any(world.holds(who) for who in wish.held)
