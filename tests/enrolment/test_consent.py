"""Consent by a code that is typed elsewhere: pauses, refusals, and tokens that are none for long."""

import json
from typing import Any

import pytest

from prober.enrolment.consent import Registration, by_device_code
from prober.exchange import Call, Headers, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.oauth.consent import DeviceCode
from prober.timeline import Timeline

WHO = Registration("https://login.example.test/t", "1111", "s offline_access")
CODE = {"device_code": "d", "user_code": "U", "verification_uri": "https://x.example/", "expires_in": 30, "interval": 5}
GRANTED = {"access_token": "a", "expires_in": 3600, "token_type": "Bearer"}
PENDING, SLOWER = ({"error": "authorization_pending"}, 400), ({"error": "slow_down"}, 400)


class Service:
    """Stands for a network whose sessions answer from one list; the last answer stays."""

    def __init__(self, *answers: tuple[Any, int]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.closed = 0

    def clock(self) -> float:
        return 0.0

    def session(self, timeline: Timeline, client: str = "identity") -> "Service":
        return self

    async def exchange(self, call: Call) -> Reply:
        self.asked.append(call.url.rpartition("/")[2])
        document, status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Reply(status, Headers(), json.dumps(document).encode())

    async def close(self) -> None:
        self.closed += 1


async def consent(service: Service) -> tuple[str, list[float], list[DeviceCode]]:
    pauses: list[float] = []
    shown: list[DeviceCode] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    token = await by_device_code(service, WHO, shown.append, sleep=sleep)  # type: ignore[arg-type]  # stands for one
    return token.reveal(), pauses, shown


async def test_it_asks_until_the_person_is_done() -> None:
    """At the pace the service sets, slower when it says so (RFC 8628 section 3.5)."""
    service = Service((CODE, 200), PENDING, SLOWER, (GRANTED | {"refresh_token": "canary-token"}, 200))
    token, pauses, shown = await consent(service)
    assert (token, pauses) == ("canary-token", [5.0, 5.0, 10.0])
    assert [one.user_code for one in shown] == ["U"]
    assert service.asked == ["devicecode", "token", "token", "token"]
    assert service.closed == 4


async def test_it_gives_up_when_the_code_is_over() -> None:
    service = Service((CODE, 200), PENDING)
    with pytest.raises(FaultError) as caught:
        await consent(service)
    assert caught.value.fault.kind.code == "consent_too_late"
    assert service.asked.count("token") == 6


async def test_a_consent_without_a_refresh_token_is_ours_to_mend() -> None:
    """The scope lacks `offline_access`."""
    with pytest.raises(FaultError) as caught:
        await consent(Service((CODE, 200), (GRANTED, 200)))
    assert caught.value.fault.kind.code == "consent_without_refresh_token"
