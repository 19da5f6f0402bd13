"""The bench of one attempt: a failed probe is an error and no figure, and a ratio is taken within its round."""

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cpu
from tests.servers.process import Daemon

KINDS = ("floor in C", "blackbox http", "blackbox imap")
OURS = tuple(
    f"{kind} {what}, {loop}"
    for kind, what in (("product", "https"), ("transport", "https"), ("product", "imap"), ("attempt", "imap4"))
    for loop in ("uvloop", "stdlib")
)


def printing(text: str) -> list[str]:
    return [sys.executable, "-c", f"print({text!r})"]


def test_a_probe_costs_its_share_of_what_all_of_them_used() -> None:
    text = f'{{"cpu": 0.8, "good": {cpu.PROBES}}}'
    assert cpu._cost("product", printing(text)) == pytest.approx(1000 * 0.8 / cpu.PROBES)


def test_one_failed_probe_ends_the_bench() -> None:
    with pytest.raises(SystemExit, match=f"product: only {cpu.PROBES - 1} of {cpu.PROBES} probes succeeded"):
        cpu._cost("product", printing(f'{{"cpu": 0.8, "good": {cpu.PROBES - 1}}}'))


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
        rounds.append(peer | {"floor in C": slow / 2} | dict.fromkeys(OURS, slow * ours))
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
    monkeypatch.setattr(cpu, "_rounds", measured)
    assert cpu.main() is False
    assert capsys.readouterr().err == "cpu: nginx, libssl-dev not installed (make servers)\n"
