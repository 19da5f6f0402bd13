"""Outlook mobile's public path, against answers written out by hand."""

from typing import Any

import pytest

from prober.clients.outlook_mobile import CLIENT, OutlookMobileOptions
from prober.faults.taxonomy import PEER_RESET, FaultError, Reason
from prober.model import Outcome
from prober.transaction import perform
from prober.vocabulary import Depth, Environment, Fidelity
from tests.clients.graph_made import REFUSED, Web, transaction
from tests.protocols.graph.made import answer, collection, error

REACH = ["discover_rest", "discover_eas", "oauth_challenge"]
MAILBOX = ["token_request", "list_folders", "mail_delta_prime", "mail_delta_next", "calendar_delta", "read_newest"]
SKIPPED_HERE = ["notify_wait"]
"""There is no IMAP endpoint in these tests."""
NOT_SUPPORTED = answer({"ErrorCode": "ProtocolNotSupported", "ErrorMessage": "x"}, 400)


async def outcome_of(web: Web, **more: Any) -> Outcome:
    return await perform(CLIENT, transaction(CLIENT, web, **more))


async def test_each_depth_has_its_steps() -> None:
    """Reach needs no credential at all."""
    for depth, steps in (
        (Depth.REACH, REACH),
        (Depth.TOKEN, [*REACH, "token_request"]),
        (Depth.MAILBOX, [*REACH, *MAILBOX]),
    ):
        outcome = await outcome_of(Web(), depth=depth)
        assert outcome.fault is None
        assert [result.step for result in outcome.results] == steps
    assert CLIENT.fidelity is Fidelity.SURROGATE
    assert CLIENT.natural == {Environment.EXCHANGE_SERVER: Depth.REACH}


BROKEN: list[tuple[str, str, Any, Reason]] = [
    ("discover_rest", "autodiscover", answer({}, 503), Reason.SERVER_BUSY),
    ("discover_eas", "autodiscover", [answer({"Url": f"https://{'x' * 9}/"}), answer(b"x")], Reason.PROTOCOL_VIOLATION),
    ("oauth_challenge", "challenge", answer(b"", 500), Reason.SERVER_ERROR),
    ("list_folders", "mailFolders", error("MailboxNotEnabledForRESTAPI", 404), Reason.MAILBOX_UNAVAILABLE),
    ("mail_delta_prime", "delta", error("ErrorAccessDenied", 403), Reason.ACCESS_POLICY),
    ("mail_delta_next", "delta", [collection(delta_link="https://graph.microsoft.com/v1.0/delta"),
                                  error("MailboxInfoStale", 503)], Reason.MAILBOX_UNAVAILABLE),
    ("calendar_delta", "calendar", FaultError(PEER_RESET), Reason.CONNECTION_RESET),
    ("read_newest", "newest", error("ApplicationThrottled", 429, Retry_After="9"), Reason.THROTTLED),
    ("canary", "canary", error("UnknownError", 504), Reason.SERVER_ERROR),
]  # fmt: skip


@pytest.mark.parametrize(("step", "place", "said", "reason"), BROKEN, ids=[row[0] for row in BROKEN])
async def test_each_step_can_break_and_the_rest_is_skipped(step: str, place: str, said: Any, reason: Reason) -> None:
    """That step, that reason, and nothing after it."""
    web = Web(**{place: said})
    outcome = await outcome_of(web, canary="k4d8fy2w")
    steps = [*REACH, *MAILBOX, "canary", *SKIPPED_HERE]
    assert outcome.failure is not None
    assert outcome.failure.fault is not None
    assert (outcome.failure.step, outcome.failure.fault.reason) == (step, reason)
    assert list(outcome.skipped) == steps[steps.index(step) + 1 :]


async def test_where_rest_is_known_no_more_activesync_is_asked_for() -> None:
    """And that is noted; any other refusal is a fault."""
    web = Web(autodiscover=[NOT_SUPPORTED, answer({"Url": "https://x.example/"})])
    outcome = await outcome_of(web, depth=Depth.REACH)
    assert outcome.fault is None
    assert outcome.results[0].facts["fallback"] == "ActiveSync"
    assert web.asked == ["autodiscover"] * 3 + ["challenge"]
    other = await outcome_of(Web(autodiscover=answer({"ErrorCode": "MissingProtocol"}, 400)), depth=Depth.REACH)
    assert other.fault is not None
    assert other.fault.reason is Reason.CLIENT_MISCONFIG


async def test_a_mailbox_on_other_premises_is_noted_as_hybrid() -> None:
    """Autodiscover in the cloud sends those who ask for it to the organisation's own."""
    there = answer(b"", 302, Location="https://autodiscover.corp.example/autodiscover/autodiscover.json?x=y")
    outcome = await outcome_of(Web(autodiscover=there), depth=Depth.REACH)
    assert outcome.fault is None
    assert outcome.results[0].facts["redirect"] == "hybrid"
    assert outcome.results[0].facts["same_host"] is False


async def test_optional_steps_are_asked_for() -> None:
    """What is sent to third hosts, and what nobody promised, is off by default."""
    steps = frozenset({"autodetect", "outlook_service_front_door"})
    found = answer({"protocols": [{"service": "office365", "protocol": "eas"}]})
    web = Web(autodiscover=[found, answer({"Url": "https://x.example/"})], challenge=[REFUSED, REFUSED])
    outcome = await outcome_of(web, depth=Depth.REACH, steps=steps)
    assert [result.step for result in outcome.results] == ["autodetect", *REACH, "outlook_service_front_door"]
    gone = Web(challenge=[REFUSED, answer(b"", 404)])
    outcome = await outcome_of(gone, depth=Depth.REACH, steps=frozenset({"outlook_service_front_door"}))
    assert outcome.fault is None
    assert outcome.skipped == ("outlook_service_front_door",)


@pytest.mark.parametrize("wrong", [{"cold_every": 0}, {"notify_seconds": 0.0}, {"notify_seconds": 601.0}])
def test_options_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        OutlookMobileOptions(**wrong)
