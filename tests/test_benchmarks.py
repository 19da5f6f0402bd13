"""What the figures rest on: every probe is counted, also when many wait at once."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks import exposition, memory, reload, tenant
from benchmarks.cpu import _drive
from benchmarks.figures import Figure
from benchmarks.worker import work
from tests.servers.account import fresh_room, make
from tests.servers.pki import Pki

ANSWER = b"probe_dns 1\nprobe_success 1\n"
COUNT = 100


async def waits_and_succeeds() -> bool:
    await asyncio.sleep(0)
    return True


async def test_every_probe_of_ours_is_counted_when_many_wait_at_once() -> None:
    """A success seen while another probe waits is not overwritten when that one ends."""
    assert (await work(waits_and_succeeds, COUNT, 16))["good"] == COUNT


async def test_every_probe_of_the_exporter_is_counted_when_many_wait_at_once() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(0)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER))
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        assert await _drive(server.sockets[0].getsockname()[1], "module=https", COUNT, 16) == COUNT


def test_a_goal_is_the_most_a_figure_may_be() -> None:
    assert Figure("ratio", 0.95, "", 0.95).holds
    assert Figure("ratio", 0.96, "", 0.95).holds is False
    assert Figure("ratio", 0.96, "").holds is None


async def test_a_small_fleet_is_scraped_whole_and_compared_to_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers are checked by the bench itself, which ends at the first that differs."""
    monkeypatch.setattr(exposition, "IDLE", 0.0)
    figures = {figure.name: figure.value for figure in await exposition._measured(10, 1)}
    assert figures["series of 10 assignments"] > 2_000
    assert all(value > 0 for value in figures.values())
    assert figures[exposition.SCRAPED] > 0.5 * figures["longest of these by CPU"]  # two clocks, never quite one


def test_sessions_are_held_and_weighed(pki: Pki) -> None:
    """Each by what it adds to a process that does nothing else; and no figure is without its goal."""
    with ExitStack() as stack:
        port = memory._serve(stack, pki, make(stack.enter_context(fresh_room("bench")), "nginx"), 64)
        found = memory._child("held", str(port), str(pki.ca_file), "2", "40")
    assert [name.split(" TLS")[0] for name in found] == ["each of 2", "each of 40"]
    assert 0 < found["each of 40 TLS sessions that wait"] < 200
    assert [(one.unit, one.goal) for one in memory.figures([found | {"a prober": 100.0}])] == [
        *[("KiB", memory.EACH)] * 2,
        ("MiB", memory.FLEET),
    ]


def test_the_tenant_holds_a_small_crowd_and_answers_meanwhile(tmp_path: Path) -> None:
    """Forty sessions, none lost; every question is timed; a delivery reaches those who wait for it."""
    figures = {figure.name: figure.value for figure in tenant._measured(tmp_path, 40, 1.0)}
    assert (figures["sessions held"], figures["of these lost"]) == (40, 0)
    assert figures["questions"] == tenant.ASKERS * int(tenant.RATE / tenant.ASKERS)
    assert 0 < figures["answer, median"] <= figures["answer, p99"] <= figures["answer, longest"] * 1.01
    assert 0 < figures["a delivery reaches all who wait"] < 10_000


async def test_a_thousand_targets_come_and_go_while_others_are_probed(tmp_path: Path) -> None:
    """Whatever the time it takes: they are in force, and the bench has figures."""
    figures = await reload.measured(tmp_path, 2, 1000)
    assert len(figures) == 6
    assert all(figure.value >= 0 for figure in figures)
