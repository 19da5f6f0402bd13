"""From addresses to a connection."""

import asyncio
import errno
import resource

import pytest

from prober.faults import taxonomy as kinds
from prober.net.connect import SOURCE_ADDRESS_UNUSABLE, connect, interleaved, usable
from prober.net.route import Family
from prober.net.stream import Stream
from prober.net.watch import Watch
from tests.net.cable import Cable
from tests.net.clocks import Clock
from tests.net.conftest import Run
from tests.net.made import Raised
from tests.net.servers import descriptors, full_backlog, has_ipv6, serving, silent, until

NOBODY = "127.0.0.2"  # this machine too, but no test listens there


def test_families_take_turns() -> None:
    """The first address decides which comes first (RFC 8305 section 4)."""
    assert interleaved(["::1", "::2", "::3", "192.0.2.1"]) == ("::1", "192.0.2.1", "::2", "::3")
    assert interleaved(["192.0.2.1", "::1"]) == ("192.0.2.1", "::1")
    assert interleaved(["192.0.2.1", "192.0.2.2"]) == ("192.0.2.1", "192.0.2.2")


@pytest.mark.parametrize(
    ("family", "source", "left"),
    [
        ("auto", None, ("192.0.2.1", "::1")),
        ("ipv4", None, ("192.0.2.1",)),
        ("ipv6", None, ("::1",)),
        ("auto", "192.0.2.9", ("192.0.2.1",)),
        ("auto", "::9", ("::1",)),
    ],
)
def test_the_wanted_family_is_kept(family: Family, source: str | None, left: tuple[str, ...]) -> None:
    """A source address can only reach its own kind."""
    assert usable(["192.0.2.1", "::1"], family, source) == left


def test_the_next_address_is_tried_when_one_refuses(run: Run) -> None:
    """At once, without waiting for the head start."""

    async def scenario() -> None:
        async with serving(silent) as server:
            before = descriptors()
            stream = await connect(Watch(), [NOBODY, "127.0.0.1"], server.port, Clock(), 5.0)
            assert stream.address == "127.0.0.1"
            stream.close()
            await until(lambda: server.connections == 1)
            await until(lambda: len(descriptors() - before) <= 1)

    run(scenario())


def test_the_next_address_is_tried_when_one_keeps_silent(run: Run) -> None:
    """The head start over, both are on their way; who stands first wins, the other is dropped."""

    async def scenario() -> None:
        async with full_backlog() as port, serving(silent, host=NOBODY, port=port):
            before, tasks = descriptors(), asyncio.all_tasks()
            stream = await connect(Watch(), ["127.0.0.1", NOBODY], port, Clock(), 5.0)
            assert stream.address == NOBODY
            stream.abort()
            await until(lambda: descriptors() == before)
            await until(lambda: asyncio.all_tasks() == tasks)

    run(scenario())


async def test_of_two_that_stand_in_one_moment_one_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one is handed on; the other must not stay open."""
    cables: list[Cable] = []
    both = asyncio.Event()

    async def stand(_watch: Watch, stream: Stream, *_: object) -> None:
        cable = Cable()
        cables.append(cable)
        if len(cables) == 2:
            both.set()
        await both.wait()
        cable.attach(stream)

    monkeypatch.setattr("prober.net.connect.open_link", stand)
    monkeypatch.setattr("prober.net.connect.HEAD_START", 0.0)
    await connect(Watch(), ["192.0.2.1", "192.0.2.2"], 443, Clock(), 5.0)
    await until(lambda: sorted(cable.closed for cable in cables) == [False, True])


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.1", NOBODY]])
def test_refusal_by_all_is_a_refusal(run: Run, addresses: list[str], closed_port: int) -> None:
    """The evidence says how many were tried."""

    async def scenario() -> None:
        before = descriptors()
        with Raised() as raised:
            await connect(Watch(), addresses, closed_port, Clock(), 5.0)
        assert raised.error.fault.kind is kinds.TCP_REFUSED
        assert raised.error.fault.evidence == {"errno": "ECONNREFUSED", "addresses": str(len(addresses))}
        assert descriptors() == before

    run(scenario())


def test_silence_is_a_time_out(run: Run) -> None:
    """The limit holds for each address."""

    async def scenario() -> None:
        async with full_backlog() as port:
            before = descriptors()
            with Raised() as raised:
                await connect(Watch(), ["127.0.0.1"], port, Clock(), 0.05)
            assert raised.error.fault.kind is kinds.TCP_TIMEOUT
            assert raised.error.fault.evidence == {"errno": "ETIMEDOUT", "addresses": "1"}
            await until(lambda: descriptors() == before)

    run(scenario())


def test_a_refusal_tells_more_than_silence(run: Run) -> None:
    """Somebody answered: that is the fault of the whole."""

    async def scenario() -> None:
        async with full_backlog() as port:
            with Raised() as raised:
                await connect(Watch(), ["127.0.0.1", NOBODY], port, Clock(), 0.4)
            assert raised.error.fault.kind is kinds.TCP_REFUSED
            assert raised.error.fault.evidence["addresses"] == "2"

    run(scenario())


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        ([errno.ENETUNREACH], kinds.TCP_UNREACHABLE),
        ([errno.EHOSTUNREACH], kinds.TCP_UNREACHABLE),
        ([errno.ENETUNREACH, errno.ETIMEDOUT], kinds.TCP_TIMEOUT),
        ([errno.ECONNREFUSED, errno.EMFILE], kinds.NO_DESCRIPTORS),
        ([errno.ECONNRESET], kinds.TCP_REFUSED),
        ([errno.EADDRNOTAVAIL], kinds.NO_DESCRIPTORS),
        ([errno.EACCES], kinds.TCP_UNREACHABLE),
    ],
)
async def test_the_most_telling_failure_is_the_fault(
    monkeypatch: pytest.MonkeyPatch, numbers: list[int], kind: kinds.Kind
) -> None:
    """What this machine's own network cannot be made to say; ours comes first, what was never sent last."""
    waiting = list(numbers)

    async def fail(*_: object) -> None:
        raise OSError(waiting.pop(0), "made up")

    monkeypatch.setattr("prober.net.connect.open_link", fail)
    with Raised() as raised:
        await connect(Watch(), [f"192.0.2.{n}" for n in range(len(numbers))], 443, Clock(), 1.0)
    assert raised.error.fault.kind is kind


async def test_a_machine_without_ipv6_has_no_way_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that the address is not available, which for IPv4 would mean that our ports ran out."""

    async def fail(*_: object) -> None:
        raise OSError(errno.EADDRNOTAVAIL, "made up")

    monkeypatch.setattr("prober.net.connect.open_link", fail)
    with Raised() as raised:
        await connect(Watch(), ["::1"], 443, Clock(), 1.0)
    assert raised.error.fault.kind is kinds.TCP_UNREACHABLE


def test_the_source_address_is_used(run: Run) -> None:
    """The peer sees it."""

    async def scenario() -> None:
        async with serving(silent) as server:
            stream = await connect(Watch(), ["127.0.0.1"], server.port, Clock(), 5.0, "127.0.0.3")
            await until(lambda: server.connections == 1)
            assert server.seen == ["127.0.0.3"]
            stream.close()

    run(scenario())


def test_a_source_address_that_is_not_ours_is_a_matter_of_set_up(run: Run, closed_port: int) -> None:
    """It never counts against the service."""

    async def scenario() -> None:
        with Raised() as raised:
            await connect(Watch(), ["127.0.0.1"], closed_port, Clock(), 5.0, "192.0.2.1")
        assert raised.error.fault.kind is SOURCE_ADDRESS_UNUSABLE

    run(scenario())


def test_no_descriptor_left_is_our_fault(run: Run, closed_port: int) -> None:
    """Whatever the server would have said."""

    async def scenario() -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            with Raised() as raised:
                await connect(Watch(), ["127.0.0.1"], closed_port, Clock(), 5.0)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert raised.error.fault.kind is kinds.NO_DESCRIPTORS

    run(scenario())


def test_ipv6_is_reached_where_there_is_some(run: Run, closed_port: int) -> None:
    """Or, on a machine without, is a network that cannot be reached."""

    async def scenario() -> None:
        if not has_ipv6():
            with Raised() as raised:
                await connect(Watch(), ["::1"], closed_port, Clock(), 5.0)
            assert raised.error.fault.kind is kinds.TCP_UNREACHABLE
            return
        async with serving(silent, host="::1") as server:
            stream = await connect(Watch(), ["::1"], server.port, Clock(), 5.0)
            assert stream.address == "::1"
            await until(lambda: server.connections == 1)
            stream.close()

    run(scenario())


@pytest.mark.parametrize("turns", range(12))
def test_cancelling_the_race_at_any_turn_leaves_nothing(run: Run, turns: int) -> None:
    """No socket and no task, not even one that stood in the very moment."""

    async def scenario() -> None:
        async with serving(silent) as server:
            before, tasks = descriptors(), asyncio.all_tasks()
            racing = asyncio.create_task(connect(Watch(), [NOBODY, "127.0.0.1"], server.port, Clock(), 5.0))
            for _ in range(turns):
                await asyncio.sleep(0)
            racing.cancel()
            result = (await asyncio.gather(racing, return_exceptions=True))[0]
            if not isinstance(result, BaseException):
                result.abort()
            await until(lambda: descriptors() == before)
            await until(lambda: asyncio.all_tasks() == tasks)

    run(scenario())
