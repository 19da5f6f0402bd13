"""Daemons as child processes: started in the foreground, watched until ready, frozen, stopped with all children.

Only processes started here are ever signalled, by their id.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psutil

from tests.servers.account import unprivileged

T = TypeVar("T")
POLL = 0.01  # seconds between two looks at something another process does
BASE_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
}


class ServerError(Exception):
    """A server did not start, or did not do what it was told. The text ends with the tail of its log."""


def until(
    ready: Callable[[], bool], what: str, *, deadline: float = 10.0, alive: Callable[[], bool] = lambda: True
) -> None:
    """Look until `ready()`. Raises `ServerError` after `deadline` seconds or when `alive()` no longer holds."""
    ends = time.monotonic() + deadline
    while not ready():
        if not alive():
            raise ServerError(f"{what}: the process has ended")
        if time.monotonic() > ends:
            raise ServerError(f"{what}: not within {deadline:g} s")
        time.sleep(POLL)


def retried(start: Callable[[], T], *, attempts: int = 3) -> T:
    """Return `start()`, tried again with whatever new ports it chooses. Raises the last `ServerError`."""
    for _ in range(attempts - 1):
        try:
            return start()
        except ServerError:
            continue
    return start()


def run(command: Sequence[str], *, timeout: float = 60.0, environment: Mapping[str, str] | None = None) -> str:
    """Run a short command as the servers' account and return what it printed. Raises `ServerError` when it fails."""
    done = subprocess.run(
        command,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        cwd="/",
        env={**BASE_ENVIRONMENT, **(environment or {})},
        user=_user(),
        group=_group(),
        extra_groups=_extra_groups(),
    )
    if done.returncode:
        raise ServerError(f"{command[0]} exited with {done.returncode}: {done.stdout[-2000:]}")
    return done.stdout


class Daemon:
    """One server process and its children. `log` gets its output; `stop_signal` asks it to end."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.log = log
        self.name = Path(command[0]).name
        self._stop_signal = stop_signal
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={**BASE_ENVIRONMENT, **(environment or {})},
                start_new_session=True,  # an interrupt at the terminal is for pytest, which then stops us in order
                user=_user(),
                group=_group(),
                extra_groups=_extra_groups(),
            )

    @property
    def pid(self) -> int:
        """Id of the first process."""
        return self._process.pid

    def running(self) -> bool:
        """Return whether the first process is there."""
        return self._process.poll() is None

    def until(self, ready: Callable[[], bool], what: str, *, deadline: float = 10.0) -> None:
        """Look until `ready()`; whatever goes wrong, stop and raise `ServerError` with the log's tail."""
        try:
            until(ready, f"{self.name}: {what}", deadline=deadline, alive=self.running)
        except ServerError as exc:
            self.stop()
            raise ServerError(f"{exc}\n{self.tail()}") from None

    def tail(self, size: int = 4000) -> str:
        """Return the end of the log."""
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""

    def family(self) -> list[psutil.Process]:
        """Return the first process and all it has started, the first one first."""
        if not self.running():
            return []
        try:
            parent = psutil.Process(self.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def freeze(self) -> list[psutil.Process]:
        """Stop every process in its tracks (SIGSTOP); open connections stay open and silent. Return them."""
        frozen: list[psutil.Process] = []
        while fresh := [process for process in self.family() if process not in frozen]:
            _signal(fresh, signal.SIGSTOP)  # a parent cannot start another once it is stopped: this ends
            frozen += fresh
        return frozen

    def thaw(self) -> None:
        """Let frozen processes go on."""
        _signal(self.family(), signal.SIGCONT)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze for the length of a block."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def stop(self) -> None:
        """End the process and every child, and wait until they are gone."""
        if self._stop_signal is not signal.SIGKILL and self.running():
            self._ask_to_end()
        family = self.freeze()
        _signal(family, signal.SIGKILL)
        self._process.wait()
        until(lambda: all(_ended(process) for process in family), f"{self.name}: ending")

    def _ask_to_end(self) -> None:
        self.thaw()
        self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def _ended(process: psutil.Process) -> bool:
    """An orphan may stay a zombie until the machine's first process looks; it holds nothing any more."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _user() -> int | None:
    return None if os.getuid() else unprivileged().uid


def _group() -> int | None:
    return None if os.getuid() else unprivileged().gid


def _extra_groups() -> list[int] | None:
    return None if os.getuid() else []
