"""Daemons start, report their own failure, freeze, and leave nothing behind."""

import os

import psutil
import pytest

from tests.servers.account import fresh_room, unprivileged
from tests.servers.process import Daemon, ServerError, retried, run, until

FAMILY = ["sh", "-c", "sleep 600 & sleep 600 & wait"]


def test_stopping_ends_children_too_also_when_they_have_sessions_of_their_own() -> None:
    """A process group would miss those."""
    with fresh_room("process") as room:
        daemon = Daemon(["sh", "-c", "setsid sleep 600 & sleep 600 & wait"], room / "log")
        daemon.until(lambda: len(daemon.family()) == 3, "has children")
        family = daemon.family()
        daemon.stop()
        assert [process for process in family if _alive(process)] == []


def test_a_frozen_family_stands_still_until_thawed() -> None:
    """Every process of it is stopped, and goes on afterwards."""
    with fresh_room("process") as room:
        daemon = Daemon(FAMILY, room / "log")
        daemon.until(lambda: len(daemon.family()) == 3, "has children")
        with daemon.frozen():
            until(lambda: {process.status() for process in daemon.family()} == {psutil.STATUS_STOPPED}, "stopped")
        until(lambda: psutil.STATUS_STOPPED not in {process.status() for process in daemon.family()}, "going on")
        daemon.stop()


def test_a_frozen_family_can_be_stopped() -> None:
    """A test that fails while a server is frozen leaves nothing behind either."""
    with fresh_room("process") as room:
        daemon = Daemon(FAMILY, room / "log")
        daemon.until(lambda: len(daemon.family()) == 3, "has children")
        family = daemon.freeze()
        daemon.stop()
        assert [process for process in family if _alive(process)] == []


def test_a_daemon_that_ends_early_is_reported_with_its_last_words() -> None:
    """Nobody waits for the deadline, and the reason is in the message."""
    with fresh_room("process") as room:
        daemon = Daemon(["sh", "-c", "echo no such luck; exit 3"], room / "log")
        with pytest.raises(ServerError, match=r"(?s)sh: ready: the process has ended.*no such luck"):
            daemon.until(lambda: False, "ready", deadline=60)


def test_a_daemon_that_is_never_ready_is_stopped() -> None:
    """Its deadline ends it, too."""
    with fresh_room("process") as room:
        daemon = Daemon(["sleep", "600"], room / "log")
        with pytest.raises(ServerError, match=r"sleep: ready: not within 0\.05 s"):
            daemon.until(lambda: False, "ready", deadline=0.05)
        assert not daemon.running()


def test_daemons_have_no_privileges_and_only_the_environment_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests, servers run as an ordinary account."""
    monkeypatch.setenv("PROBER_TEST_LEAK", "leaked")
    assert run(["id", "-u"]).strip() == str(unprivileged().uid) != "0"
    assert "leaked" not in run(["env"])


def test_a_start_is_tried_again_and_its_last_failure_told() -> None:
    """A port that was taken in between costs one more attempt."""
    attempts: list[int] = []

    def start() -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise ServerError("taken")
        return 7

    assert retried(start) == 7
    attempts.clear()
    with pytest.raises(ServerError, match="taken"):
        retried(start, attempts=2)


def test_a_room_is_open_to_the_account_and_gone_afterwards() -> None:
    """The account can write there whatever the modes of pytest's own directories."""
    with fresh_room("room") as room:
        run(["touch", str(room / "made")])
        assert (room / "made").stat().st_uid == unprivileged().uid
    assert not room.exists()


def test_only_root_changes_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary user runs servers as itself."""
    monkeypatch.setattr(os, "getuid", lambda: 1)
    assert unprivileged().uid == 1


def _alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
