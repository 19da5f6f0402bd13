"""What an attempt costs in requests: the table that administrators are shown is what the tenant was asked."""

import re
from pathlib import Path
from typing import Any

import pytest

from prober.clients import catalogue
from prober.net.session import ColdSession
from prober.net.wire import StreamWire
from prober.planning.requests import PER_ATTEMPT
from tests.rehearsal.theatre import Theatre, assigned, theatre

__all__ = ["theatre"]
PAGE = Path(__file__).parents[2] / "docs/tenant-administrator.md"
ROW = re.compile(r"^\| `([a-z0-9_]+)` \| (\d+) \| (\d+) s \| ([\d,]+) \|", re.MULTILINE)
DAY = 86_400


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every request and every line of a conversation that is sent."""
    sent: list[str] = []
    prepare, say = ColdSession._prepared, StreamWire.send

    def counted(self: ColdSession, call: Any) -> Any:
        sent.append(call.method)
        return prepare(self, call)

    async def said(self: StreamWire, data: bytes) -> None:
        sent.append("line")
        await say(self, data)

    monkeypatch.setattr(ColdSession, "_prepared", counted)
    monkeypatch.setattr(StreamWire, "send", said)
    return sent


def shown() -> dict[str, tuple[int, int, int]]:
    """Return the rows of the table: requests, interval in seconds, requests per day."""
    return {row[0]: (int(row[1]), int(row[2]), int(row[3].replace(",", ""))) for row in ROW.findall(PAGE.read_text())}


@pytest.mark.parametrize("client", [name for name in catalogue() if name != "control"])
def test_the_table_says_what_an_attempt_asks(theatre: Theatre, asked: list[str], client: str) -> None:
    """With nothing optional, and everything in hand that the attempt before has left."""

    async def scene() -> int:
        assembly, assignment = theatre.assembly(theatre.plain), assigned(theatre.plain, client)
        await assembly.attempts.by_hand(assignment)
        asked.clear()
        outcome, _ = await assembly.attempts.by_hand(assignment)
        assert outcome.fault is None
        await assembly.close()
        return len(asked)

    requests, interval = theatre.run(scene()), {"imap4": 60, "activesync": 60, "m365_signin": 60}.get(client, 120)
    assert shown()[client] == (requests, interval, requests * DAY // interval)
    assert PER_ATTEMPT[client] == requests
