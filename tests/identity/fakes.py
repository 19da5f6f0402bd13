"""A token service of a few lines: answers in order, and may be made to wait."""

import asyncio
import json
from collections.abc import Callable
from urllib.parse import parse_qs

from prober.exchange import Call, Flow, Headers, Reply, Wire
from prober.faults.taxonomy import FaultError, Reason
from prober.timeline import Timeline
from prober.vocabulary import Phase

Answer = Reply | FaultError


def granted(token: str = "t", life: float = 3600, **more: str) -> Reply:
    body = {"token_type": "Bearer", "access_token": token, "expires_in": life, **more}
    return Reply(200, Headers(), json.dumps(body).encode())


def refused(code: int, status: int = 400, **headers: str) -> Reply:
    fields = Headers((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status, fields, json.dumps({"error": "invalid_grant", "error_codes": [code]}).encode())


class FakeService:
    """Stands for the network: gives out sessions that answer from one list."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.calls: list[Call] = []
        self.open = 0
        self.gate: asyncio.Event | None = None
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def session(self, timeline: Timeline) -> "FakeSession":
        self.open += 1
        return FakeSession(self, timeline)

    @property
    def forms(self) -> list[dict[str, str]]:
        return [{name: value[0] for name, value in parse_qs(call.body.decode()).items()} for call in self.calls]


class FakeSession:
    """One transaction's connections to it."""

    def __init__(self, service: FakeService, timeline: Timeline) -> None:
        self._service = service
        self._timeline = timeline

    async def exchange(self, call: Call) -> Reply:
        self._service.calls.append(call)
        with self._timeline.phase(Phase.WAIT):
            self._service.now += 0.5
            if self._service.gate is not None:
                await self._service.gate.wait()
        answer = self._service.answers.pop(0)
        if isinstance(answer, FaultError):
            raise answer
        return answer

    @property
    def opened(self) -> int:
        return 0

    async def open(self, call: Call) -> Flow:
        raise AssertionError(call.url)

    async def dial(self, url: str) -> Wire:
        raise AssertionError(url)

    def channel_binding(self, url: str) -> bytes | None:
        return None

    async def close(self) -> None:
        self._service.open -= 1


class Heard:
    """A token observer that remembers."""

    def __init__(self) -> None:
        self.news: list[tuple[str, object]] = []

    def requested(self, credential: str) -> None:
        self.news.append(("requested", credential))

    def failed(self, credential: str, reason: Reason) -> None:
        self.news.append(("failed", reason))

    def issued(self, credential: str, expires_at: float) -> None:
        self.news.append(("issued", expires_at))


async def settle(until: Callable[[], bool]) -> None:
    """Let other tasks run until something is true, within a hundred turns."""
    for _ in range(100):
        if until():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never became true")
