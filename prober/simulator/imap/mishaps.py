"""What a fault makes of an answer: other words, fewer bytes, or an older view of the store."""

from datetime import datetime, timedelta

from prober.simulator.faults.fault import Fault
from prober.simulator.imap import texts
from prober.simulator.imap.answer import Answer, no, severed

CUTS = frozenset({"stall", "reset", "close"})
NOISE = frozenset({"garbage", "flood"})
"""Kinds that put octets in the place of an answer that are none."""
ANYWHERE = frozenset({"delay", "imap_bye", "throttle"}) | CUTS | NOISE
COMMAND = ANYWHERE | {"imap_tagged"}
LOGIN = COMMAND | {"bearer_401"}
STORE = COMMAND | {"stale"}
HOLD = STORE | {"push_drop", "push_silent"}
AT_EXPIRY = frozenset({"reset", "imap_bye", "push_drop"})
REFUSALS = frozenset({"imap_tagged", "imap_bye", "throttle", "bearer_401"})
"""Kinds that put other words in the place of an answer."""
CONDITIONS = frozenset({"OK", "NO", "BAD"})


def refusal(fault: Fault, *, greeting: bool = False) -> Answer:
    """Return the answer that takes the place of the real one, for the kinds that have one."""
    if fault.kind == "imap_tagged":
        return _tagged(_line(fault.text("text")))
    if fault.kind == "imap_bye":
        return Answer("", "", bye=_line(fault.text("text", texts.AFTER_ERROR)))
    if fault.kind == "throttle":
        text = texts.throttled(fault.number("retry_after", 90))
        return Answer("", "", bye=text) if greeting else severed("BAD", text)
    return no(f"{texts.AUTHENTICATE_FAILED} {diagnostics(fault)}")


def diagnostics(fault: Fault) -> str:
    """Return why a token was refused, as `x-ms-diagnostics` words it."""
    return _line(fault.text("diag", '2000001;reason="The token is not valid.";error_category="invalid_token"'))


def part(fault: Fault, whole: bytes) -> bytes:
    """Return what leaves of an answer: `at` its first half for `body`, that many octets, or nothing."""
    at = fault.arguments.get("at", "headers")
    if isinstance(at, int):
        return whole[:at]
    return whole[: len(whole) // 2] if at == "body" else b""


def noise(fault: Fault) -> bytes:
    """Return what comes in the place of an answer: a line of another protocol, or one that is longer than any."""
    return b"\xff\xfe\x03{]\r\n" if fault.kind == "garbage" else bytes([88]) * int(fault.number("octets", 0))


def needs_answer(fault: Fault) -> bool:
    """Whether any of the answer leaves at all; if not, nothing is done either."""
    return fault.arguments.get("at", "headers") not in ("request", "headers")


def until(fault: Fault | None, now: datetime) -> datetime | None:
    """Return the moment up to which the store shows itself, `None` for now."""
    if fault is None or fault.kind != "stale":
        return None
    return now - timedelta(minutes=fault.number("age_min", 60))


def _tagged(text: str) -> Answer:
    status, _, rest = text.partition(" ")
    if status.upper() not in CONDITIONS:
        status, rest = "NO", text
    if rest.startswith(texts.SEVERING):
        return severed(status.upper(), rest)
    return Answer(status.upper(), rest)


def _line(text: str) -> str:
    return " ".join(text.split())
