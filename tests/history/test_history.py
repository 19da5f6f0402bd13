"""The sink: what it takes note of, what it drops, and what it has when it comes back."""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Kind, Reason
from prober.history import history as module
from prober.history.database import CELL
from prober.history.history import History
from prober.verdict import judge
from tests.history.made import Told, failed
from tests.observe.made import ASSIGNMENT, AT, TARGET, WORKED, judged, outcome

BUSY = Kind("history_throttled", Reason.THROTTLED)
START = int(AT.timestamp())


class Watched:
    """A history whose clock stands still until it is told, and what it says it dropped."""

    def __init__(self, folder: Path | None = None) -> None:
        self.now = AT.timestamp()
        self.dropped = 0
        self.history = History(folder, vantage="fra1", watch=self, wall=lambda: self.now)

    def history_dropped(self, count: int) -> None:
        self.dropped += count

    def fails(self, kind: Kind = kinds.NO_ANSWER, told: Told | None = None, target: str = "hq") -> None:
        self.history(replace(ASSIGNMENT, target=replace(TARGET, name=target)), *failed(kind, told))

    async def bundles(self) -> list[dict[str, Any]]:
        """Every bundle, the oldest first."""
        listed = await self.history.failures(limit=10_000)
        found = [await self.history.bundle(one["id"]) for one in reversed(listed)]
        return [one for one in found if one is not None]

    async def cells(self, hours: int = 1, configured: Sequence[tuple[str, str]] = ()) -> Any:
        return json.loads(await self.history.strips(hours, configured))


def contents(folder: Path) -> bytes:
    """Everything in the files there."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_attempts_are_counted_by_the_quarter_of_an_hour() -> None:
    """ok, slow, failed and all else; zeros where nothing happened; the configured first, then the past."""
    one = Watched()
    made = outcome(duration=30.0)
    slow = judge(made, replace(WORKED, objective=1.0))
    for attempt in (judged(), judged(), (made, slow), judged(kinds.NO_ANSWER), judged(BUSY)):
        one.history(ASSIGNMENT, *attempt)
    later, judgement = judged()
    one.history(ASSIGNMENT, replace(later, started_at=datetime.fromtimestamp(START + CELL, UTC)), judgement)
    one.now += CELL
    assert await one.cells(configured=[("toy", "new"), ("toy", "hq")]) == {
        "from": START + 2 * CELL - 3600,
        "to": START + 2 * CELL,
        "seconds_per_cell": 900,
        "assignments": [
            {"client": "toy", "target": "new", "cells": [[0, 0, 0, 0]] * 4},
            {"client": "toy", "target": "hq", "cells": [[0, 0, 0, 0]] * 2 + [[2, 1, 1, 1], [1, 0, 0, 0]]},
        ],
    }
    assert [(row["client"], row["target"]) for row in (await one.cells())["assignments"]] == [("toy", "hq")]
    await one.history.close()


async def test_the_past_is_there_after_a_restart(tmp_path: Path) -> None:
    """Also what was noted a moment before the end, and of targets that are gone by then."""
    one = Watched(tmp_path)
    one.fails()
    one.history(ASSIGNMENT, *judged())
    await one.history.close()
    again = Watched(tmp_path)
    assert (await again.cells())["assignments"][0]["cells"][-1] == [1, 0, 1, 0]
    (made,) = await again.bundles()
    assert (made["code"], made["evidence"]["prober"]["vantage"]) == ("no_answer", "fra1")
    assert not again.history.lost
    await again.history.close()


async def test_whatever_ended_by_a_fault_is_among_the_failures() -> None:
    """Also what does not count; a success and a slow one are not."""
    one = Watched()
    one.fails(BUSY)
    one.history(ASSIGNMENT, *judged())
    (listed,) = await one.history.failures()
    assert (listed["verdict"], listed["counted"]) == ("throttled", False)
    await one.history.close()


async def test_the_transcript_is_kept_once_for_failures_alike() -> None:
    """Until it works again, breaks elsewhere, or ten minutes have passed."""
    one = Watched()
    one.fails()
    one.now += 60
    one.fails()
    one.fails(target="other")
    one.fails(kinds.PEER_RESET)
    one.fails(kinds.NO_ANSWER)
    one.history(ASSIGNMENT, *judged())
    one.fails(kinds.NO_ANSWER)
    one.now += module.REPEATS
    one.fails(kinds.NO_ANSWER)
    bundles = await one.bundles()
    first = bundles[0]["id"]
    assert [made["evidence"]["same_as"] for made in bundles] == [None, first, None, None, None, None, None]
    assert [len(made["evidence"]["transcript"]) for made in bundles] == [1, 0, 1, 1, 1, 1, 1]
    await one.history.close()


async def test_what_no_schedule_wanted_is_kept_and_counted_nowhere() -> None:
    """Second looks, probes that somebody asked for and lost channels; each a row of its own, which a success ends."""
    one = Watched()
    for _ in range(2):
        one.history.second_look(ASSIGNMENT, *failed())
        one.history.channel_lost(ASSIGNMENT, *failed())
        assert one.history.probed(ASSIGNMENT, *failed()) is not None
    one.history.second_look(ASSIGNMENT, *judged())
    assert one.history.probed(ASSIGNMENT, *judged()) is None
    one.history(ASSIGNMENT, *judged())
    last = one.history.probed(ASSIGNMENT, *failed())
    one.history.second_look(ASSIGNMENT, *failed())
    one.history.channel_lost(ASSIGNMENT, *failed())
    bundles = await one.bundles()
    ids = [made["id"] for made in bundles]
    whose = ["second_look", "push", "probe"]
    assert [made["origin"] for made in bundles] == [*whose * 2, "probe", "second_look", "push"]
    assert [made["evidence"]["same_as"] for made in bundles] == [*[None] * 3, *ids[:3], None, None, ids[1]]
    assert ids[6] == last
    assert not any(made["counted"] for made in bundles)
    assert (await one.cells())["assignments"][0]["cells"][-1] == [1, 0, 0, 0]
    assert [made["id"] for made in await one.history.failures(origin="push")] == [ids[8], ids[4], ids[1]]
    await one.history.close()


async def test_too_many_at_once_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUED", 3)
    one = Watched()
    for _ in range(5):
        one.fails()
    assert one.history.probed(ASSIGNMENT, *failed()) is None
    assert one.dropped == 3
    assert len(await one.bundles()) == 3
    assert (await one.cells())["assignments"][0]["cells"][-1] == [0, 0, 5, 0]
    await one.history.close()


async def test_what_cannot_be_written_waits_and_is_written_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In its order and as far as there is room; one line in the log, and `lost` until it works again."""
    monkeypatch.setattr(module, "QUEUED", 3)
    one = Watched()
    write = one.history._database.write

    def full(*_: object) -> None:
        one.fails(BUSY)  # goes on meanwhile
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(one.history._database, "write", full)
    one.fails(kinds.NO_ANSWER)
    one.fails(kinds.PEER_RESET)
    with caplog.at_level(logging.ERROR):
        await one.history.flush()
        await one.history.flush()
    assert one.history.lost
    assert [record.getMessage() for record in caplog.records] == ["history cannot be written: OperationalError"]
    monkeypatch.setattr(one.history._database, "write", write)
    assert [made["code"] for made in await one.bundles()] == ["no_answer", "peer_reset", "history_throttled"]
    assert (await one.cells())["assignments"][0]["cells"][-1] == [0, 0, 2, 2]
    assert one.dropped == 1
    assert not one.history.lost
    await one.history.close()


async def test_one_that_cannot_be_told_does_not_cost_the_others(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Told):
        def lines(self) -> Sequence[str]:
            raise RuntimeError("canary-secret")

    one = Watched()
    one.fails(told=Broken())
    one.fails(kinds.PEER_RESET)
    assert [made["code"] for made in await one.bundles()] == ["peer_reset"]
    assert "canary-secret" not in caplog.text
    assert "no evidence of toy/hq: RuntimeError" in caplog.text
    await one.history.close()


async def test_no_name_of_a_mailbox_is_in_the_file(tmp_path: Path) -> None:
    """The facts of `failed` have one, and a password."""
    one = Watched(tmp_path)
    made, judgement = failed(told=Told("0.0 < canary@corp.example"), evidence={"password": "canary-password"})
    unkind = replace(judgement, because="Canary@corp.example was not there")
    for keep in (one.history, one.history.second_look, one.history.channel_lost, one.history.probed):
        keep(ASSIGNMENT, made, unkind)
    await one.history.flush()
    octets = await asyncio.to_thread(contents, tmp_path)
    await one.history.close()
    octets += await asyncio.to_thread(contents, tmp_path)
    assert b"no_answer" in octets
    assert b"canary" not in octets.lower()


async def test_the_loop_only_takes_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither JSON nor SQLite is made on it: that is the thread's."""
    one = Watched(tmp_path)

    def forbidden(*_: object) -> None:
        raise AssertionError("on the loop")

    with monkeypatch.context() as patched:
        patched.setattr(json, "dumps", forbidden)
        patched.setattr(one.history._database, "write", forbidden)
        one.fails(told=Told())
        one.history(ASSIGNMENT, *judged())
    await asyncio.gather(one.history.flush(), one.history.flush(), one.history.failures())
    assert len(await one.bundles()) == 1
    await one.history.close()


async def test_ids_are_in_the_order_of_time_and_never_the_same() -> None:
    one = Watched()
    for number in range(70):
        one.now += 0.001 * (number % 2)
        one.fails()
    ids = [made["id"] for made in await one.bundles()]
    assert len(set(ids)) == 70
    assert [made[:11] for made in ids] == sorted(made[:11] for made in ids)
    await one.history.close()
