"""A prober of one vantage, made from configuration as a user writes it, run by hand against real servers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from prober import transaction
from prober.app import Unwatched
from prober.assembly import Assembly
from prober.clients import catalogue
from prober.model import Assignment, Outcome
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.storage.store import Store
from prober.verdict import Judgement
from tests.servers.dovecot import ALICE, PASSWORDS

Landed = tuple[str, str | None, str | None, str | None]
"""Verdict, reason, step and phase: where an attempt landed."""


@dataclass(slots=True)
class Vantage:
    """The assembled prober."""

    settings: Settings
    assembly: Assembly

    def assignment(self, key: str) -> Assignment:
        return next(one for one in self.settings.assignments if one.key == key)

    async def attempt(self, key: str) -> tuple[Outcome, Judgement]:
        """Run one attempt of `client/target`."""
        return await self.assembly.attempts.by_hand(self.assignment(key))

    async def landed(self, key: str) -> Landed:
        """Run one attempt; return where it landed."""
        outcome, judgement = await self.attempt(key)
        return where(outcome, judgement)


def where(outcome: Outcome, judgement: Judgement) -> Landed:
    """Return where an attempt landed."""
    failure, fault = outcome.failure, outcome.fault
    return (
        judgement.verdict.value,
        judgement.reason.value if judgement.reason else None,
        failure.step if failure else None,
        fault.phase.value if fault and fault.phase else None,
    )


@asynccontextmanager
async def vantage(folder: Path, configuration: dict[str, Any]) -> Any:
    """Give a prober that runs `configuration`; everything is closed afterwards."""
    file = folder / "prober.yml"
    file.write_text(yaml.safe_dump(configuration))
    settings = load([file], catalogue())
    assembly = Assembly(
        settings, catalogue(), Store.open(None), watch=Unwatched(), tell=lambda *_: None, lagged=lambda _: None
    )
    try:
        yield Vantage(settings, assembly)
    finally:
        await assembly.close()


@contextmanager
def frozen_at(
    monkeypatch: pytest.MonkeyPatch, name: str, frozen: Callable[[], AbstractContextManager[None]]
) -> Iterator[None]:
    """Freeze a server as the step `name` begins; thaw it at the end of the block."""
    plain = transaction.attempt
    with ExitStack() as thawed:

        async def freezing(step: Any, *rest: Any) -> Any:
            if step.name == name:
                thawed.enter_context(frozen())
            return await plain(step, *rest)

        monkeypatch.setattr(transaction, "attempt", freezing)
        yield


def password_of(folder: Path, text: str = PASSWORDS[ALICE]) -> dict[str, str]:
    """Return a credential of Alice with this password, which lies in a file of `folder`."""
    (folder / "password").write_text(text)
    return {"type": "basic", "username": ALICE, "password_file": "password"}


def target(ca_file: Path, client: str, url: str, credential: str | None = "alice", **more: Any) -> dict[str, Any]:
    """Return a target with one client at `url`; `more` goes to the target, `entry` to the client's entry."""
    entry = {"client": client, **({"credential": credential} if credential else {}), **more.pop("entry", {})}
    return {
        "name": "hq",
        "environment": "exchange_server",
        "endpoints": {client: url},
        "mailbox": ALICE,
        "clients": [entry],
        **({"tls": {"ca_file": str(ca_file)}} if "tls" not in more else {}),
        **more,
    }
