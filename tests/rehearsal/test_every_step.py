"""Every step of every client, broken in turn by the tenant: that step, that reason, and nothing after it.

What a fault means at a step is written down from the step tables, not read off the code. The loop's waiting is
accelerated, so that limits of half a minute take half a second.
"""

from typing import Any

import pytest

from prober.clients import catalogue
from tests.rehearsal.theatre import LONG, Theatre, assigned, theatre

__all__ = ["theatre"]
HTTP = {"kind": "http", "status": 500}, "server_error"
TOKEN = {"kind": "token_error", "aadsts": 90033, "status": 503}, "token_service_error"
BUSY = {"kind": "imap_tagged", "text": "NO Server Unavailable. 15"}, "server_busy"
LOST = {"kind": "push_drop", "after": 0}, "push_channel_lost"
IDENTITY = {"kind": "http", "status": 502}, "token_service_error"
SPECIAL: dict[tuple[str, str], tuple[dict[str, Any], str]] = {
    ("imap4", "greeting"): ({"kind": "imap_bye", "text": "Server Unavailable. 15"}, "server_busy"),
    ("imap4", "id"): ({"kind": "reset"}, "connection_reset"),
    ("imap4", "idle_hold"): LOST,
    ("outlook_mobile", "notify_wait"): LOST,
    ("outlook_mac", "notify_wait"): LOST,
    ("activesync", "ping"): ({"kind": "push_drop", "after": 5}, "push_channel_lost"),
    ("outlook_mac_legacy", "stream_wait"): LOST,
    ("outlook_desktop", "notification_wait"): LOST,
    **{("m365_signin", step): IDENTITY for step in ("openid_metadata", "signing_keys", "user_realm", "signin_page")},
}
"""Where another fault than a plain one is due, or where the same one means something else."""
TOKENS = frozenset({"token_request", "token_client", "token_user"})
COLD = frozenset({"provision_fetch", "provision_ack", "sync_prime", "mail_delta_prime"})
"""Steps that are due only when nothing is known yet."""
TOLERATED = frozenset({"logout", "reach_logout", "unsubscribe", "disconnect"})
ELSEWHERE = frozenset({"federation_metadata", "token_user"})
"""Steps that this tenant, whose users are managed in the cloud, has no occasion for."""


def rows() -> list[tuple[str, str]]:
    """Return every step that can break."""
    found = []
    for name, client in catalogue().items():
        if name == "control":
            continue
        off = {step.name for step in client.steps if step.opt_in and step.name not in _asked_for(name)}
        names = [step.name for step in client.steps if step.name not in TOLERATED | ELSEWHERE | off]
        found += [(name, step) for step in names if step != "health_page"]
    return found


def _asked_for(client: str) -> set[str]:
    from prober.simulator.configuration import OPTIONAL

    return {*OPTIONAL.get(client, ()), LONG.get(client, "")}


def _fault(client: str, step: str) -> tuple[dict[str, Any], str]:
    usual = TOKEN if step in TOKENS else BUSY if client == "imap4" else HTTP
    return SPECIAL.get((client, step), usual)


@pytest.mark.parametrize(("client", "step"), rows(), ids=lambda value: str(value))
def test_it_breaks_there_and_nowhere_else(theatre: Theatre, client: str, step: str) -> None:
    """With the reason that is due, and everything after it skipped."""
    fault, reason = _fault(client, step)
    settings = theatre._for(fault | {"step": step})
    plan = [one.name for one in catalogue()[client].plan(assigned(settings, client))]
    assert step in plan, "the step is not due in this theatre"
    outcome, _ = theatre.play(client, fault | {"step": step}, cold=step in COLD)
    failure = outcome.failure
    assert failure is not None, outcome
    assert failure.fault is not None
    assert (failure.step, failure.fault.reason.value) == (step, reason), failure
    rest = plan[plan.index(step) + 1 :]
    assert list(outcome.skipped[len(outcome.skipped) - len(rest) :]) == rest
