"""The new Outlook for Mac's public path: what a desktop does beyond the phone."""

import asyncio
import json
from typing import Any

import pytest

from prober.clients.graph_channel import HeldBeside, HeldConnection
from prober.clients.outlook_mac import CLIENT, HeldByChoice, OutlookMacOptions
from prober.faults.taxonomy import Reason
from prober.model import Outcome
from prober.transaction import Marking, perform
from prober.vocabulary import Depth, Environment, Fidelity
from tests.clients.graph_made import FREE, Web, transaction
from tests.protocols.graph.made import answer, error

REACH = ["discover_ews", "oauth_challenge"]
MAILBOX = ["token_request", "list_folders", "mail_delta_prime", "mail_delta_next", "calendar_delta", "read_newest"]
NOT_SUPPORTED = answer({"ErrorCode": "ProtocolNotSupported", "ErrorMessage": "x"}, 400)


async def outcome_of(web: Web, **more: Any) -> Outcome:
    return await perform(CLIENT, transaction(CLIENT, web, **more))


async def test_each_depth_has_its_steps() -> None:
    for depth, steps in (
        (Depth.REACH, REACH),
        (Depth.TOKEN, [*REACH, "token_request"]),
        (Depth.MAILBOX, [*REACH, *MAILBOX, "free_busy"]),
    ):
        outcome = await outcome_of(Web(), depth=depth)
        assert outcome.fault is None
        assert [result.step for result in outcome.results] == steps
    assert CLIENT.fidelity is Fidelity.SURROGATE


BROKEN: list[tuple[str, str, Any, Reason]] = [
    ("discover_ews", "autodiscover", answer(b"", 502), Reason.SERVER_ERROR),
    ("oauth_challenge", "challenge", answer(b"", 503), Reason.SERVER_BUSY),
    ("list_folders", "mailFolders", error("ErrorAccessDenied", 403), Reason.ACCESS_POLICY),
    ("mail_delta_prime", "delta", error("MailboxInfoStale", 503), Reason.MAILBOX_UNAVAILABLE),
    ("calendar_delta", "calendar", error("UnknownError", 504), Reason.SERVER_ERROR),
    ("read_newest", "newest", answer(b"<html>"), Reason.PROTOCOL_VIOLATION),
    ("free_busy", "getSchedule", error("ErrorInternalServerError", 500), Reason.SERVER_ERROR),
]


@pytest.mark.parametrize(("step", "place", "said", "reason"), BROKEN, ids=[row[0] for row in BROKEN])
async def test_each_step_can_break_and_the_rest_is_skipped(step: str, place: str, said: Any, reason: Reason) -> None:
    outcome = await outcome_of(Web(**{place: said}))
    steps = [*REACH, *MAILBOX, "notify_wait", "free_busy"]
    assert outcome.failure is not None
    assert outcome.failure.fault is not None
    assert (outcome.failure.step, outcome.failure.fault.reason) == (step, reason)
    assert set(outcome.skipped) == {*steps[steps.index(step) + 1 :], *(("notify_wait",) if step == "free_busy" else ())}


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_web_services_that_are_gone_are_withdrawn_in_the_cloud_alone(status: int) -> None:
    """This client goes the other way anyhow; on servers of one's own they are missing."""
    web = Web(challenge=answer(b"", status), autodiscover=NOT_SUPPORTED)
    online = await outcome_of(web, depth=Depth.REACH)
    assert online.fault is None
    assert online.results[-1].facts["retired"] == "ews"
    server = await outcome_of(web, depth=Depth.REACH, environment=Environment.EXCHANGE_SERVER)
    assert (server.fault is not None) is (status in (403, 404, 410))


async def test_somebody_elses_times_are_asked_for_where_one_is_named() -> None:
    """Across premises, where that is where they are."""
    web = Web(getSchedule=answer({"value": [FREE, FREE]}))
    outcome = await outcome_of(web, options=OutlookMacOptions(free_busy_with="other@corp.example"))
    assert outcome.fault is None
    assert json.loads(web.calls[-1].body)["schedules"] == ["probe@contoso.example", "other@corp.example"]


async def test_the_stores_own_interface_is_optional_and_may_be_unknown() -> None:
    web = Web(autodiscover=[answer({"Url": "https://x.example/"}), NOT_SUPPORTED])
    outcome = await outcome_of(web, depth=Depth.REACH, steps=frozenset({"discover_substrate"}))
    assert outcome.fault is None
    assert outcome.skipped == ("discover_substrate",)


async def test_a_connection_is_held_and_asked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every minute; a new connection in between is noted."""
    now = [0.0]

    async def pass_by(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(asyncio, "sleep", pass_by)
    web = Web()
    steps, options = frozenset({"held_connection"}), OutlookMacOptions(held_seconds=150.0)
    outcome = await outcome_of(web, steps=steps, options=options, clock=lambda: now[0])
    assert outcome.fault is None
    assert outcome.results[-1].facts["asked"] == 3
    assert now[0] == 150.0


async def test_the_channel_is_the_one_chosen() -> None:
    """IDLE beside it, or a connection; a marker goes the same way for both."""
    held = HeldByChoice()
    assert isinstance(held, Marking)
    tx = transaction(CLIENT, Web(), options=OutlookMacOptions(channel="connection"))
    await held.open(tx)
    assert isinstance(held._chosen, HeldConnection)
    await held.close(tx)
    assert isinstance(held._marks, HeldBeside)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cold_every": 0},
        {"notify_seconds": 0.0},
        {"held_seconds": 0.0},
        {"held_seconds": 3601.0},
        {"free_busy_with": "nobody"},
    ],
)
def test_options_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        OutlookMacOptions(**wrong)
