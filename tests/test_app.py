"""The composed prober: loops, signals, parts that break, and a round by hand."""

import asyncio
import gc
import importlib.util
import logging
import os
import signal
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from prober import app
from prober.clients import catalogue
from prober.listen import bind
from prober.observe.report import Finished
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.storage.store import Store
from prober.vocabulary import Verdict
from tests.cli.program import Site, configuration

TWO_TARGETS = """\
  - name: first
    environment: exchange_server
    endpoints: {imap4: "imaps://127.0.0.1:1"}
    clients: [{client: imap4}]
  - name: second
    environment: exchange_server
    endpoints: {imap4: "imaps://127.0.0.1:1"}
    clients: [{client: imap4}]
"""


def settings_of(folder: Path, control: str, targets: str = TWO_TARGETS) -> Settings:
    return load([configuration(folder, control, targets)], catalogue())


async def kind_of_loop() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_uvloop_is_used_where_it_is_installed() -> None:
    """Installing the extra is all it takes."""
    assert app.main(kind_of_loop()) == "uvloop"


def test_the_standard_loop_does_everywhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without uvloop nothing is missing."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert app.main(kind_of_loop()).startswith("asyncio")


async def test_the_first_signal_asks_for_an_end_and_the_second_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM sets the event; SIGINT after it exits with 1 at once; afterwards signals are as they were."""
    code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(os, "_exit", code.set_result)
    before = signal.getsignal(signal.SIGTERM)
    with app.stopping() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(stop.wait(), 5)
        assert not code.done()
        os.kill(os.getpid(), signal.SIGINT)
        assert await asyncio.wait_for(code, 5) == 1
    assert signal.getsignal(signal.SIGTERM) == before


class Run:
    """A service in this process, on a free port."""

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self.service = app.Service(settings, catalogue(), store or Store.open(None))
        self.stop = asyncio.Event()

    async def __call__(self, meanwhile: Coroutine[Any, Any, object] | None = None) -> int:
        """Serve until told to stop, which is when `meanwhile` has ended."""
        serving = asyncio.create_task(self.service.serve(bind(["127.0.0.1:0"]), self.stop, grace=5.0))
        if meanwhile is not None:
            await meanwhile
            self.stop.set()
        return await asyncio.wait_for(serving, 20)


async def test_a_part_that_ends_unasked_ends_the_prober_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A schedule that broke must not leave a prober behind that looks alive."""
    run = Run(settings_of(tmp_path, "http://127.0.0.1:1/"))

    async def broken() -> None:
        raise RuntimeError("a bug in the loop")

    monkeypatch.setattr(run.service._runner, "run", broken)
    with caplog.at_level(logging.CRITICAL):
        assert await run() == 1
    assert "scheduling ended unasked" in caplog.text


async def test_the_controls_begin_at_once(tmp_path: Path) -> None:
    """Not at their slot, which may be a minute away: the first verdicts know whether the way out is open."""
    with Site() as site:
        config = configuration(tmp_path, site.url, TWO_TARGETS)
        config.write_text(config.read_text() + "  interval: 1d\n")
        run = Run(load([config], catalogue()))
        visit = asyncio.create_task(asyncio.to_thread(site.visited.acquire, timeout=15))
        assert await run(asyncio.wait([visit])) == 0
        assert visit.result()


async def test_state_is_saved_while_it_runs_and_not_by_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every few seconds, in a thread: a slow disk must not look like a slow loop."""
    monkeypatch.setattr(app, "SAVE_PERIOD", 0.001)
    store = Store.open(None)
    threads: list[threading.Thread] = []
    saved = asyncio.Event()
    loop = asyncio.get_running_loop()

    def save() -> None:
        threads.append(threading.current_thread())
        if len(threads) == 3:
            loop.call_soon_threadsafe(saved.set)

    monkeypatch.setattr(store, "save", save)
    run = Run(settings_of(tmp_path, "http://127.0.0.1:1/"), store)
    assert await run(saved.wait()) == 0
    assert threading.main_thread() not in threads[:3]


async def test_the_past_survives_a_restart(tmp_path: Path) -> None:
    """What the first run failed at, the second still knows."""
    settings = settings_of(tmp_path, "http://127.0.0.1:1/")
    for _ in range(2):
        run = Run(settings, Store.open(str(tmp_path / "state")))
        (first,) = (one for one in settings.assignments if one.target.name == "first")
        await run.service.assembly.attempts.scheduled(first, asyncio.get_running_loop().time())
        run.service._gathered.flush()
        failures = await run.service.history.failures(client="imap4", target="first")
        assert await run(asyncio.sleep(0)) == 0
    assert [(one["code"], one["step"]) for one in failures] == [("tcp_refused", "greeting")] * 2
    assert not run.service.history.lost


async def test_the_last_save_comes_after_everything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What changed while draining is kept: the store is closed when nothing runs any more."""
    store = Store.open(str(tmp_path / "state"))
    run = Run(settings_of(tmp_path, "http://127.0.0.1:1/"), store)
    drain = run.service._channels.drain

    async def draining() -> None:
        await drain()
        store.section("device imap4/first")["last"] = "word"

    monkeypatch.setattr(run.service._channels, "drain", draining)
    assert await run(asyncio.sleep(0)) == 0
    again = Store.open(str(tmp_path / "state"))
    assert dict(again.section("device imap4/first")) == {"last": "word"}
    again.close()


async def once(settings: Settings, *names: str) -> list[Finished]:
    """Run the named targets (all without a name) by hand."""
    shown: list[Finished] = []
    selected = [one for one in settings.assignments if not names or one.target.name in names]
    await app.once(settings, selected, shown.append)
    return shown


async def test_a_round_by_hand_is_shown_in_the_order_of_the_plan(tmp_path: Path) -> None:
    """Run side by side, the control first; shown as configured."""
    with Site() as site:
        shown = await once(settings_of(tmp_path, site.url))
    assert [assignment.key for assignment, _, _ in shown] == ["imap4/first", "imap4/second", "control/control"]
    assert [judgement.verdict for _, _, judgement in shown] == [Verdict.FAILED, Verdict.FAILED, Verdict.OK]
    control_began = shown[2][1].started_at
    assert all(outcome.started_at > control_began for _, outcome, _ in shown[:2])


async def test_a_round_by_hand_knows_about_the_control_that_was_not_asked_for(tmp_path: Path) -> None:
    """The control fails: the selected target is inconclusive, and the control is not shown."""
    shown = await once(settings_of(tmp_path, "http://127.0.0.1:1/"), "second")
    assert [assignment.key for assignment, _, _ in shown] == ["imap4/second"]
    assert shown[0][2].verdict is Verdict.INCONCLUSIVE


async def test_a_round_by_hand_works_without_any_control(tmp_path: Path) -> None:
    """Nothing to know about the way out, then."""
    config = configuration(tmp_path, "http://127.0.0.1:1/", TWO_TARGETS)
    config.write_text(config.read_text().partition("control:")[0])
    shown = await once(load([config], catalogue()), "first")
    assert [judgement.verdict for _, _, judgement in shown] == [Verdict.FAILED]


async def test_a_round_by_hand_leaves_the_store_to_others(tmp_path: Path) -> None:
    """While another holds it, a copy is read; afterwards, the store itself is free again."""
    config = configuration(tmp_path, "http://127.0.0.1:1/", TWO_TARGETS)
    settings = load([config], catalogue(), storage_path=str(tmp_path / "state"))
    held = Store.open(settings.storage_path)
    held.section("a")["k"] = "v"
    held.save()
    before = (tmp_path / "state" / "state.json").read_bytes()
    await once(settings, "first")
    assert (tmp_path / "state" / "state.json").read_bytes() == before
    held.close()
    await once(settings, "first")
    Store.open(settings.storage_path).close()


def test_what_the_absent_schedule_of_a_round_tells_is_ignored(tmp_path: Path) -> None:
    """`once` has no schedule whose fate could be counted."""
    nobody = app.Unwatched()
    one = settings_of(tmp_path, "http://127.0.0.1:1/").assignments[0]
    nobody.scheduler_lag(1.0)
    nobody.inflight(1)
    nobody.held_back(one)


def test_the_collector_leaves_alone_what_was_made_at_start() -> None:
    usual = gc.get_threshold()
    try:
        app.settle_memory()
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold() == (app.YOUNG, *usual[1:])
    finally:
        gc.unfreeze()
        gc.set_threshold(*usual)
