"""The bench of one attempt: a failed probe is an error and no figure, and a ratio is taken within its round."""

import os
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cpu
from tests.servers.process import Daemon

KINDS = ("floor in C, https", "floor in C, imap", "blackbox http", "blackbox imap")
OURS = tuple(
    f"{kind} {what}, {loop}"
    for kind, what in (("product", "https"), ("transport", "https"), ("product", "imap"), ("attempt", "imap4"))
    for loop in ("uvloop", "stdlib")
)


def saying(text: str) -> list[str]:
    """Return a program that answers every number with `text`."""
    return [sys.executable, "-c", f"import sys\nfor _ in sys.stdin: print({text!r}, flush=True)"]


def test_a_probe_costs_its_share_of_what_all_of_them_used() -> None:
    text = f'{{"cpu": 0.8, "good": {cpu.PROBES}}}'
    with ExitStack() as stack:
        program = cpu.Program(stack, "product", saying(text))
        assert [program.turn(), program.turn()] == [pytest.approx(1000 * 0.8 / cpu.PROBES)] * 2


def test_one_failed_probe_ends_the_bench() -> None:
    text = f'{{"cpu": 0.8, "good": {cpu.PROBES - 1}}}'
    told = f"product: only {cpu.PROBES - 1} of {cpu.PROBES} probes succeeded"
    with ExitStack() as stack, pytest.raises(SystemExit, match=told):
        cpu.Program(stack, "product", saying(text))


def test_a_program_that_ends_too_early_ends_the_bench() -> None:
    with ExitStack() as stack, pytest.raises(SystemExit, match="floor: the program has ended"):
        cpu.Program(stack, "floor", [sys.executable, "-c", "input()"])


def test_the_processor_time_of_another_process_is_read_finely() -> None:
    """Our own, as another would read it: as much as the process' own clock says, and more after some work."""
    before, own = cpu.used(os.getpid()), time.process_time()
    assert before == pytest.approx(own, abs=0.05)
    while time.process_time() < own + 0.002:
        pass
    assert before + 0.002 <= cpu.used(os.getpid()) < before + 0.1
    with pytest.raises(SystemExit, match="is gone"):
        cpu.used(2**22 + 1)  # above the highest number there is (proc(5), pid_max)


def test_one_failed_probe_of_the_exporter_ends_the_bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def driven(port: int, query: str, count: int, at_once: int) -> int:
        return count - 1

    monkeypatch.setattr(cpu, "_drive", driven)
    daemon = Daemon(["sleep", "600"], tmp_path / "log")
    try:
        with pytest.raises(SystemExit, match=f"blackbox imap: only {cpu.PROBES - 1} of {cpu.PROBES}"):
            cpu._blackbox((daemon, 1), "imap", "localhost:1")
    finally:
        daemon.stop()


def test_a_ratio_is_taken_within_its_round() -> None:
    """The machine is three times as slow in the second round: no ratio is, and medians are of the rounds."""
    rounds = []
    for slow, ours in ((1.0, 0.8), (3.0, 0.9), (1.5, 1.0)):
        peer = dict.fromkeys(KINDS, slow)
        rounds.append(peer | {"floor in C, https": slow / 2} | dict.fromkeys(OURS, slow * ours))
    figures = {figure.name: figure for figure in cpu.figures(rounds)}
    assert figures["blackbox http"].value == 1.5
    for name in OURS:
        ratio = figures[f"{name} / blackbox {'imap' if 'imap' in name else 'http'}"]
        assert ratio.value == pytest.approx(0.9)
        assert ratio.goal == cpu.GOALS.get(name)
    above = figures["product https, uvloop, above the floor"]
    assert above.value == pytest.approx(0.75)
    assert above.goal == cpu.ABOVE_FLOOR
    assert set(cpu.GOALS) <= set(rounds[0])


def test_what_is_missing_is_named_and_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def which(name: str) -> str | None:
        return None if name == "nginx" else f"/usr/bin/{name}"

    def measured(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(shutil, "which", which)
    monkeypatch.setattr(cpu, "HEADERS", tmp_path / "ssl.h")
    monkeypatch.setattr(cpu, "_turns", measured)
    monkeypatch.setattr(cpu, "nginx_of", measured)
    assert cpu.main() is False
    assert capsys.readouterr().err == "cpu: nginx, libssl-dev not installed (make servers)\n"
