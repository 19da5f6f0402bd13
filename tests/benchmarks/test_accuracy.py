"""The accuracy bench's own arithmetic, and that it takes no wrong answer for a figure."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks import accuracy, waits
from benchmarks.accuracy import (
    LOADS,
    OURS,
    PEER,
    Started,
    Taken,
    centile,
    compiled,
    matched,
    processing,
    rate_of,
    recorded,
    start_figures,
    wait_figures,
)
from benchmarks.cpu import HEADERS
from prober.schedule.plan import fraction
from tests.servers.account import fresh_room
from tests.servers.pki import Pki
from tests.servers.ports import accepts, free_port
from tests.servers.process import Daemon

PROGRAM = "prometheus-blackbox-exporter"
EXPORTED = b"""probe_http_duration_seconds{phase="connect"} 0.001
probe_http_duration_seconds{phase="processing"} 0.0512
probe_http_duration_seconds{phase="tls"} 0.002
probe_success 1
"""


def test_a_centile_is_a_value_that_was_measured() -> None:
    """Nearest rank: of a hundred, 99 are not above the 99th."""
    hundred = [float(value) for value in range(100, 0, -1)]
    assert centile(hundred, 99) == 99.0
    assert centile(hundred, 50) == 50.0
    assert centile(hundred, 100) == 100.0
    assert centile([7.0], 99) == centile([7.0], 1) == 7.0
    assert centile([1.0, 2.0, 3.0], 50) == 2.0


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(SystemExit, match="nothing was measured"):
        centile([], 99)


def test_the_exporters_phase_is_read_only_where_its_probe_succeeded() -> None:
    assert processing(EXPORTED) == 0.0512
    for broken in (EXPORTED.replace(b"success 1", b"success 0"), b"probe_success 1\n", b"\nprobe_success 1\n", b""):
        with pytest.raises(ValueError, match="failed"):
            processing(broken)


def test_records_are_matched_by_number_and_not_by_order() -> None:
    delays = recorded(b"2 1000000000 1050000000\n1 2000000000 2060000000\n9 0 50000000\n")
    assert delays == pytest.approx({2: 0.05, 1: 0.06, 9: 0.05})
    assert matched({1: 0.0605, 2: 0.049}, delays) == pytest.approx((0.0005, 0.001))


def test_a_request_without_a_record_or_with_an_impossible_one_is_refused() -> None:
    with pytest.raises(ValueError, match="1 requests that the server knows nothing of"):
        matched({1: 0.05, 2: 0.05}, {1: 0.05})
    for delay in (0.0, 0.049, 0.9):
        with pytest.raises(ValueError, match="a delay of"):
            matched({1: 0.05}, {1: delay})


@pytest.mark.parametrize("body", [b"", b"1 2", b"1 2 3 4", b"a b c", b"1 5 5", b"1 50000000 0", b"1 0 900000000"])
def test_an_answer_that_is_not_the_delay_servers_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"answer|delay|literal"):
        waits.truth(body)
    assert waits.truth(b"1 1000 50001000\n") == pytest.approx(0.05)


@pytest.mark.parametrize("load", LOADS)
def test_the_rate_makes_the_load_though_a_probe_costs_less_the_more_there_are(load: float) -> None:
    def made(rate: int) -> float:
        return rate * (0.001 + 0.1 / (rate + 100))

    asked: list[int] = []

    def turn(rate: int) -> Taken:
        asked.append(rate)
        return Taken((), made(rate))

    assert made(rate_of(load, turn)) == pytest.approx(load, abs=0.02)
    assert made(round(load * asked[0] / made(asked[0]))) < load - 0.03, "one look is enough, and proves nothing"


def test_ratios_are_within_a_round_and_the_median_is_shown() -> None:
    """A round in which everything took ten times as long changes no ratio."""

    def turn(milliseconds: float) -> Taken:
        return Taken((0.0, milliseconds / 1000), 0.5)

    rounds = [
        {
            (name, load): turn(slow * one)
            for load in LOADS
            for name, one in ((PEER, 2.0), (OURS["loop"], 1.0), (OURS["kernel"], 0.2))
        }
        for slow in (1, 1, 10)
    ]
    figures = {figure.name: figure for figure in wait_figures(rounds)}
    assert figures["wait error at 50%, blackbox, p99"].value == pytest.approx(2.0)
    assert figures["wait error at 50%, blackbox, p99"].goal is None
    assert figures["wait error at 80%, timestamps of the loop / blackbox, p99"].value == pytest.approx(0.5)
    assert figures["wait error at 80%, timestamps of the loop / blackbox, p99"].goal == 1.0
    assert figures["wait error at 50%, timestamps of the kernel, p99"].holds
    assert figures["wait error at 50%, timestamps of the kernel, p99"].goal == 0.25
    assert figures["wait error at 50%, timestamps of the kernel, load"].value == 0.5
    assert figures["wait error at 50%, timestamps of the kernel, starts missed"].holds


@pytest.mark.parametrize("count", [1, 7, 300])
def test_starts_are_evenly_spread(count: int) -> None:
    """Each tenth of a place off at most, by the names alone, as the plan takes them."""
    phases = sorted(fraction(one.key) * count for one in waits.spread(count))
    assert [int(phase) for phase in phases] == list(range(count))
    assert all(0.4 <= phase % 1 < 0.6 for phase in phases)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == PROGRAM else "/usr/bin/x")
    assert not accuracy.main()
    assert PROGRAM in capsys.readouterr().err


needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None or not HEADERS.exists(), reason="no C compiler or no headers of OpenSSL"
)


@pytest.fixture(scope="module")
def delay() -> Iterator[tuple[str, Pki]]:
    """Give the delay server's address, and what trusts it."""
    with ExitStack() as stack:
        pki = Pki(stack.enter_context(fresh_room("pki")))
        room = stack.enter_context(fresh_room("bench"))
        port, right = free_port(), pki.right
        command = [str(compiled("delay.c", room)), str(port), str(right.certificate_file), str(right.key_file)]
        server = Daemon(command, room / "delay.log")
        stack.callback(server.stop)
        server.until(lambda: accepts(port), "listening")
        yield f"https://localhost:{port}", pki


def test_lateness_is_the_median_of_its_rounds_and_only_ours_has_a_goal() -> None:
    rounds = [
        Started((0.0004, late), (0.0001, slow), 0.5, count)
        for late, slow, count in ((0.0015, 0.001, 1001), (0.0900, 0.080, 700), (0.0017, 0.002, 1000))
    ]
    figures = {figure.name: figure for figure in start_figures(rounds)}
    assert figures["start lateness, p99"].value == pytest.approx(1.7)
    assert figures["start lateness, p99"].goal == 2.0
    assert figures["start lateness in C, p99"].value == pytest.approx(2.0)
    assert figures["start lateness in C, p99"].goal is None
    assert figures["starts a second"].value == 500


@needs_compiler
def test_the_program_in_c_says_how_late_the_machine_is(tmp_path: Path) -> None:
    """Every deadline is met after it, never before; a centile is one of them."""
    program = compiled("starts.c", tmp_path)
    done = subprocess.run([program, "200", "0.1", "0.0001"], check=True, capture_output=True, timeout=30)
    said = json.loads(done.stdout)
    assert 0 <= said["p50"] <= said["p99"]
    assert subprocess.run([program, "200"], check=False, timeout=30).returncode == 2


@needs_compiler
def test_waits_are_compared_with_the_servers_own_word(delay: tuple[str, Pki], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every start of the time that counts, with its error; nothing was wrong. A busy machine may miss some."""
    monkeypatch.setattr(waits, "WARM_UP", 0.1)
    url, pki = delay
    said = asyncio.run(waits.probe(f"{url}/d50", str(pki.ca_file), "kernel", 20, 0.3))
    assert said["wrong"] == []
    assert isinstance(said["missed"], float)
    assert 0.0 <= said["missed"] < 1.0
    errors, late = said["errors"], said["late"]
    assert isinstance(errors, list)
    assert isinstance(late, list)
    assert 1 <= len(errors) == len(late) <= 20
    assert all(error >= 0 for error in errors)


@needs_compiler
def test_a_wrong_answer_is_a_mistake_of_the_whole_run(delay: tuple[str, Pki], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server does not serve it drops."""
    monkeypatch.setattr(waits, "WARM_UP", 0.1)
    url, pki = delay
    said = asyncio.run(waits.probe(f"{url}/d51", str(pki.ca_file), "loop", 20, 0.3))
    assert said["errors"] == []
    assert said["wrong"]
