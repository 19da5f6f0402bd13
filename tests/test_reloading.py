"""Reading the configuration again: one at a time, and a bad one changes nothing but a metric and the log."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import cast

import pytest

from prober import reloading
from prober.reloading import Reloading
from prober.settings.lists import ListState
from prober.settings.settings import ConfigurationError, Problem, Settings


class Files:
    """A configuration whose files somebody else writes. `held`: marks by file, as they are now."""

    def __init__(self) -> None:
        self.held = {"prober.yml": "1"}
        self.named: tuple[str, ...] = ("prober.yml",)
        self.read_as: list[str] = []
        self.problems: tuple[Problem, ...] = ()
        self.broken: Exception | None = None
        self.lists: tuple[ListState, ...] = ()
        self.offered: list[tuple[str, bytes]] = []
        self.put_in_force = 0
        self.same = False
        self.wrong = ""

    def look(self) -> dict[str, str]:
        return {name: self.held[name] for name in self.named}

    def read(self) -> Settings:
        self.read_as.append(self.held["prober.yml"])
        if self.broken is not None:
            raise self.broken
        if self.problems:
            raise ConfigurationError(self.problems)
        return cast("Settings", self.held["prober.yml"])

    def refresh(self) -> Settings | None:
        return None if self.same else self.read()

    def in_force(self) -> None:
        self.put_in_force += 1

    def fetched(self, url: str, data: bytes) -> bool:
        self.offered.append((url, data))
        return data != b"old"

    def trouble(self, url: str) -> str:
        return self.wrong

    def keep(self, section: MutableMapping[str, str]) -> None:
        """Keep nothing."""


class Prober:
    """Takes what was read. `script`: what is done while somebody sleeps for the nth time; then it ends."""

    def __init__(self, *script: object) -> None:
        self.files = Files()
        self.told: list[tuple[bool, float]] = []
        self.applied: list[object] = []
        self.objections: Sequence[str] = ()
        self.slept: list[float] = []
        self._script = list(script)
        self.counts: list[Mapping[str, int]] = []
        self.refreshes: list[tuple[str, bool]] = []
        self.reloading = Reloading(self.files, self.apply, self, self, wall=lambda: 7.0, sleep=self.sleep)

    def reload(self, *, ok: bool, at: float) -> None:
        self.told.append((ok, at))

    def targets(self, counts: Mapping[str, int]) -> None:
        self.counts.append(counts)

    def refreshed(self, label: str, *, ok: bool, at: float) -> None:
        self.refreshes.append((label, ok))

    async def apply(self, settings: Settings) -> Sequence[str]:
        if not self.objections:
            self.applied.append(settings)
        return self.objections

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if not self._script:
            raise asyncio.CancelledError
        mark = self._script.pop(0)
        if mark is not None:
            self.files.held["prober.yml"] = str(mark)

    async def watched(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await self.reloading.watch()


async def test_what_was_read_is_applied_and_told() -> None:
    prober = Prober()
    assert await prober.reloading() == ()
    assert (prober.applied, prober.told) == (["1"], [(True, 7.0)])


async def test_mistakes_are_returned_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is applied."""
    prober = Prober()
    prober.files.problems = (Problem("prober.yml", 1, 2, "globl", "is not a known key"),)
    assert await prober.reloading() == ("prober.yml:1:2: globl: is not a known key",)
    assert (prober.applied, prober.told) == ([], [(False, 7.0)])
    assert "the configuration stays as it was: prober.yml:1:2: globl" in caplog.text


async def test_what_stands_in_the_way_of_applying_is_a_mistake_too() -> None:
    prober = Prober()
    prober.objections = ("storage.path: cannot change without a restart",)
    assert await prober.reloading() == prober.objections
    assert prober.told == [(False, 7.0)]


async def test_a_reading_that_breaks_is_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """The prober goes on; what the exception says may be a secret, and stays inside."""
    prober = Prober()
    prober.files.broken = RuntimeError("canary")
    assert await prober.reloading() == ("reading it failed: RuntimeError",)
    assert "canary" not in caplog.text


def alone() -> Callable[[Settings], Awaitable[Sequence[str]]]:
    """Return what applies settings, and fails when it is wanted while it does."""
    inside = 0

    async def apply(settings: Settings) -> Sequence[str]:
        nonlocal inside
        inside += 1
        await asyncio.sleep(0)
        assert inside == 1
        inside -= 1
        return ()

    return apply


async def test_readings_wait_for_each_other() -> None:
    """Ten at once are ten in a row."""
    prober = Prober()
    again = Reloading(prober.files, alone(), prober, prober)
    assert await asyncio.gather(*(again() for _ in range(10))) == [()] * 10


async def test_a_signal_waits_for_nobody_and_is_ended_with_the_prober() -> None:
    """Asked for and let go; what is under way at the end is cancelled."""
    prober, entered = Prober(), asyncio.Event()

    async def apply(settings: Settings) -> Sequence[str]:
        entered.set()
        await asyncio.Event().wait()
        return ()

    again = Reloading(prober.files, apply, prober, prober)
    again.soon()
    await asyncio.wait_for(entered.wait(), 10)
    await again.close()
    await again.close()
    assert prober.told == []


async def test_only_a_change_is_read() -> None:
    """However often it is looked at."""
    prober = Prober(None, None, None)
    await prober.watched()
    assert (prober.files.read_as, set(prober.slept)) == ([], {reloading.PERIOD})


async def test_a_change_is_read_once_it_has_settled(caplog: pytest.LogCaptureFixture) -> None:
    """What is still being written is not: a list cut off at the right place would be a shorter list."""
    prober = Prober("2", "3", None, None, None)
    with caplog.at_level(logging.INFO):
        await prober.watched()
    assert prober.files.read_as == ["3"]
    assert prober.slept[:4] == [reloading.PERIOD, reloading.SETTLED, reloading.PERIOD, reloading.SETTLED]
    assert "the configuration has changed" in caplog.text


async def test_a_bad_file_is_read_once_and_again_when_it_changes() -> None:
    """Not with every look, and back to what it was counts as a change."""
    prober = Prober("2", None, None, "1", None)
    prober.files.problems = (Problem("prober.yml", 1, 1, "", "is empty"),)
    await prober.watched()
    assert prober.files.read_as == ["2", "1"]


async def test_a_change_during_the_reading_is_seen_afterwards() -> None:
    """The mark is that from before the reading, except for a file that was not known before."""
    prober = Prober(None, None)
    files = prober.files

    async def apply(settings: Settings) -> Sequence[str]:
        return ()

    read = files.read

    def reading() -> Settings:
        found = read()
        if len(files.read_as) == 1:
            files.held |= {"prober.yml": "late", "address": "a"}
            files.named = ("prober.yml", "address")
        return found

    files.read = reading  # type: ignore[method-assign]  # a change of the files while they are read
    again = Reloading(files, apply, prober, prober, sleep=prober.sleep)
    await again()
    assert again._known == {"prober.yml": "1", "address": "a"}


async def test_a_list_that_was_fetched_is_tried_and_put_in_force() -> None:
    """What is wrong with it, or stands in its way, is returned; the metric of the configuration stays as it was."""
    prober = Prober()
    assert await prober.reloading.offer("u", b"new") == ""
    assert (prober.applied, prober.files.put_in_force, prober.told) == (["1"], 1, [])
    prober.files.wrong = "discovery.http[0]:1:1: is empty"
    assert await prober.reloading.offer("u", b"bad") == "discovery.http[0]:1:1: is empty"
    prober.objections = ("the prober is not ready, or ending",)
    assert await prober.reloading.offer("u", b"late") == "the prober is not ready, or ending"
    assert prober.files.put_in_force == 2


async def test_a_list_that_is_as_it_was_does_nothing() -> None:
    """Not even what is in force is applied again; and where nothing follows from a bad one, that is taken down only."""
    prober = Prober()
    assert await prober.reloading.offer("u", b"old") == ""
    assert prober.files.read_as == []
    prober.files.same = True
    assert await prober.reloading.offer("u", b"new") == ""
    assert (prober.applied, prober.files.put_in_force) == ([], 1)


async def test_lists_and_readings_wait_for_each_other() -> None:
    """Under one lock."""
    prober = Prober()
    again = Reloading(prober.files, alone(), prober, prober)
    await asyncio.gather(*(again() for _ in range(5)), *(again.offer("u", b"new") for _ in range(5)))


async def test_how_lists_are_is_told_once_per_change_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Of those that are fetched, whoever fetches tells how that went."""
    prober = Prober()
    prober.files.lists = (ListState("files[0]", "a.json:1:1: is empty", 3, False), ListState("http[0]", "bad", 2, True))
    for _ in range(3):
        assert await prober.reloading() == ()
    assert prober.counts == [{"files[0]": 3, "http[0]": 2}] * 3
    assert prober.refreshes == [("files[0]", False)] * 3
    assert caplog.text.count("the list files[0] stays as it was: a.json:1:1: is empty") == 1
