"""A tenant and the prober that watches it, each a process of its own, started as operators start them.

Rule of this file: nothing is accelerated and nothing is let into the prober. It gets a configuration, the tenant's
faults, and the state that a prober leaves which has watched this tenant for two good days.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import yaml

from prober.clients import catalogue
from prober.detect.detector import Detector, Policy, Sample, What
from prober.detection import sources
from prober.settings.load import load
from prober.storage.store import Store
from tests.real.test_run import Running, running
from tests.servers.process import until

HEADROOM = 120.0
"""Seconds that a process may take to start on a busy machine."""
DAYS = 2.0
LESSON = 300.0
"""Seconds between two of the attempts remembered: fewer than there were, so what is usual is known less well."""
FAILING = re.compile(r"ts=(\S+) .*event=\"(\w+) (\S+): failing\"")


@dataclass(slots=True)
class Scene:
    """One tenant, and one prober at `vantage`. `plan` is the tenant's file.

    `every`: seconds between two attempts of a client at a mailbox; `seldom` are clients that take three times as long.
    """

    folder: Path
    vantage: str
    plan: Mapping[str, Any]
    every: float
    seldom: Collection[str] = ()
    _stack: ExitStack = field(default_factory=ExitStack)
    _control: str = ""
    _prober: Running | None = None

    def open(self) -> None:
        """Start the tenant, let the prober have two days behind it, start the prober."""
        self.folder.mkdir()
        told = self._stack.enter_context(_tenant(self.folder, self.plan))
        self._control = told["control"]
        configuration = self._configuration(yaml.safe_load(told["configuration"]))
        (self.folder / "prober.yml").write_text(yaml.safe_dump(configuration))
        remember(self.folder / "prober.yml", self.folder / "state")
        self._prober = self._stack.enter_context(running(self.folder, configuration))

    def close(self) -> None:
        """End both."""
        self._stack.close()

    @property
    def prober(self) -> Running:
        """The running prober. Raises `RuntimeError` before `open`."""
        if self._prober is None:
            raise RuntimeError("not open yet")
        return self._prober

    @property
    def instance(self) -> str:
        """What Prometheus calls the prober."""
        return self.prober.address

    def begin(self, incident: str) -> None:
        """Let an incident of the catalogue begin."""
        self._order("POST", f"incidents/{incident}", {})

    def let(self, incident: Mapping[str, Any]) -> float:
        """Let an incident begin that is written as in a file of scenarios; return when, in epoch seconds."""
        self._order("PUT", "faults", incident)
        return time.time()

    def failing(self) -> dict[str, float]:
        """Return every group that the detector has found failing, `kind name`, and when first, in epoch seconds."""
        found: dict[str, float] = {}
        for when, kind, name in FAILING.findall(self.prober.log.read_text()):
            found.setdefault(f"{kind} {name}", datetime.fromisoformat(when).timestamp())
        return found

    @contextmanager
    def stuttering(self, seed: int) -> Iterator[None]:
        """Stop the prober's loop for half a second up to two seconds again and again, for the length of a block."""
        ended, lots, process = threading.Event(), Random(seed), self.prober.process

        def stutter() -> None:
            while not ended.wait(lots.uniform(0.2, 1.5)):
                process.send_signal(signal.SIGSTOP)
                ended.wait(lots.uniform(0.5, 2.0))
                process.send_signal(signal.SIGCONT)

        thread = threading.Thread(target=stutter)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _configuration(self, written: dict[str, Any]) -> dict[str, Any]:
        written["global"] |= {"vantage": self.vantage, "interval": f"{self.every:g}s"}
        written["control"]["interval"] = f"{self.every / 2:g}s"
        for entry in (entry for target in written["targets"] for entry in target["clients"]):
            if entry["client"] in self.seldom:
                entry["interval"] = f"{3 * self.every:g}s"
        return written

    def _order(self, method: str, path: str, body: Mapping[str, Any]) -> None:
        request = urllib.request.Request(
            self._control + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()


def remember(configuration: Path, state: Path) -> None:
    """Write the state of a prober whose detector has heard of nothing but good attempts for two days, until now."""
    settings = load([configuration], catalogue())
    watched = sources(settings.assignments, catalogue(), settings.vantage)
    detector = Detector(watched, Policy(settings.detector.budget), lambda _: None)
    now = time.time()
    for number in range(int(DAYS * 86_400 / LESSON) + 1):
        at = now - DAYS * 86_400 - LESSON + number * LESSON
        for key in watched:
            detector.observe(Sample(key, at, What.OK))
    store = Store.open(str(state))
    detector.save(store.section("detector"))
    store.close()


@contextmanager
def _tenant(folder: Path, plan: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Run `prober simulate`; give what its state file tells."""
    (folder / "tenant.yml").write_text(yaml.safe_dump(dict(plan)))
    state = folder / "tenant.json"
    command = [sys.executable, "-m", "prober", "simulate", f"--config.file={folder / 'tenant.yml'}"]
    with (folder / "tenant.log").open("wb") as sink:
        process = subprocess.Popen(
            [*command, f"--state-file={state}"],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env=dict(os.environ),
        )
    try:
        alive = f"the tenant in {folder}"
        until(lambda: _told(state) is not None, alive, deadline=HEADROOM, alive=lambda: process.poll() is None)
        yield _told(state) or {}
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _told(state: Path) -> dict[str, Any] | None:
    """Return what the file says once it is written to its end."""
    try:
        told: dict[str, Any] = json.loads(state.read_text())
    except (OSError, ValueError):
        return None
    return told
