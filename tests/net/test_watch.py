"""Sockets of our own and who is told of them, on each kind of event loop, with an epoll of ours and without."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator

import pytest

from prober.net.watch import HAS_EPOLL, READABLE, WRITABLE, EpollWatcher, LoopWatcher, Watch, Watcher
from tests.net.conftest import Run
from tests.net.servers import until

Pair = tuple[socket.socket, socket.socket]


class Told:
    """Somebody who is told, and perhaps does something about it."""

    def __init__(self, act: Callable[[], None] = lambda: None) -> None:
        self.events: list[int] = []
        self._act = act

    def happened(self, events: int) -> None:
        self.events.append(events)
        self._act()


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Give two ends of one connection."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_asks_for_an_event_is_told_of_it_until_it_does_not(run: Run, pair: Pair) -> None:
    """Again and again while it is so; of what came meanwhile, when it asks anew."""
    ours, theirs = pair

    async def scenario() -> None:
        watcher = Watch().on(asyncio.get_running_loop())
        told = Told()
        watcher.add(ours.fileno(), WRITABLE, told)
        await until(lambda: len(told.events) > 1)
        watcher.change(ours.fileno(), READABLE)
        told.events.clear()
        await turns()
        assert told.events == []
        theirs.send(b"x")
        await until(lambda: len(told.events) > 1)
        assert set(told.events) == {READABLE}
        watcher.remove(ours.fileno())
        told.events.clear()
        await turns()
        assert told.events == []
        watcher.add(ours.fileno(), READABLE | WRITABLE, told)
        await until(lambda: told.events != [])
        assert told.events[0] & READABLE
        watcher.remove(ours.fileno())
        ours.close()
        told.events.clear()
        await turns()
        assert told.events == []

    run(scenario())


def test_who_breaks_does_not_keep_the_news_from_others(run: Run) -> None:
    """It is told of as the loop tells of whatever breaks on it."""
    broken: list[object] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: broken.append(context["exception"]))
        watcher = Watch().on(loop)
        (bad, bad_peer), (good, good_peer) = socket.socketpair(), socket.socketpair()
        with bad, bad_peer, good, good_peer:
            told = Told()

            def broken_by_its_news() -> None:
                watcher.remove(bad.fileno())
                raise ZeroDivisionError

            watcher.add(bad.fileno(), READABLE, Told(broken_by_its_news))
            watcher.add(good.fileno(), READABLE, told)
            bad_peer.send(b"x")
            good_peer.send(b"x")
            await until(lambda: told.events != [])
            watcher.remove(good.fileno())
        assert [type(one) for one in broken] == [ZeroDivisionError]

    run(scenario())


@pytest.mark.skipif(not HAS_EPOLL, reason="needs epoll(7)")
@pytest.mark.parametrize("again", [True, False])
async def test_news_of_a_socket_that_was_closed_reach_nobody(*, again: bool) -> None:
    """Not even who has its number now: all of these happened before it had."""
    watcher = Watch().on(asyncio.get_running_loop())
    (one, one_peer), (two, two_peer), (quiet, quiet_peer) = (socket.socketpair() for _ in range(3))
    numbers = [one.detach(), two.detach()]
    late = Told()

    def close_both() -> None:
        for number in numbers:
            watcher.remove(number)
            os.close(number)
            if again:
                os.dup2(quiet.fileno(), number)
                watcher.add(number, READABLE, late)

    first = Told(close_both)
    for number in numbers:
        watcher.add(number, READABLE, first)
    one_peer.send(b"x")
    two_peer.send(b"x")
    await until(lambda: first.events != [])
    await turns()
    assert first.events == [READABLE]
    assert late.events == []
    if again:
        quiet_peer.send(b"x")
        await until(lambda: len(late.events) >= 2)
        for number in numbers:
            watcher.remove(number)
            os.close(number)
    watcher.close()
    for end in (one_peer, two_peer, quiet, quiet_peer):
        end.close()


@pytest.mark.skipif(not HAS_EPOLL, reason="needs epoll(7)")
async def test_a_copy_that_lives_on_brings_no_news_to_the_next_owner_of_the_number() -> None:
    """As a child process has one between fork and exec."""
    watcher = Watch().on(asyncio.get_running_loop())
    (ours, peer), (quiet, quiet_peer) = socket.socketpair(), socket.socketpair()
    number, late = ours.detach(), Told()
    watcher.add(number, READABLE, Told())
    copy = os.dup(number)
    watcher.remove(number)
    os.close(number)
    os.dup2(quiet.fileno(), number)
    watcher.add(number, READABLE, late)
    peer.send(b"x")
    await turns()
    assert late.events == []
    watcher.remove(number)
    watcher.close()
    for one in (number, copy):
        os.close(one)
    for end in (peer, quiet, quiet_peer):
        end.close()


async def test_what_is_watched_when_the_watcher_is_closed_may_be_forgotten_later() -> None:
    watcher = Watch().on(asyncio.get_running_loop())
    ours, peer = socket.socketpair()
    with ours, peer:
        watcher.add(ours.fileno(), READABLE, Told())
        watcher.close()
        watcher.remove(ours.fileno())


def test_one_loop_after_the_other_has_a_watcher_of_its_own(run: Run) -> None:
    """The same as long as it is the same loop; the one before holds nothing any more."""
    watch, made = Watch(), list[Watcher]()

    async def scenario() -> None:
        watcher = watch.on(asyncio.get_running_loop())
        assert watch.on(asyncio.get_running_loop()) is watcher
        made.append(watcher)

    for _ in range(2):
        with asyncio.Runner() as runner:
            runner.run(scenario())
    run(scenario())
    assert len(set(map(id, made))) == 3
    watch.close()
    watch.close()
    for one in made:
        if isinstance(one, EpollWatcher):
            assert one._epoll.closed


async def test_closed_it_begins_anew() -> None:
    """Also on the same loop."""
    watch = Watch()
    watcher = watch.on(asyncio.get_running_loop())
    watch.close()
    assert watch.on(asyncio.get_running_loop()) is not watcher
    watch.close()


def test_a_socket_that_outlives_its_loop_can_still_be_let_go_of(pair: Pair) -> None:
    """By whichever watcher."""
    for kind in (EpollWatcher, LoopWatcher):

        async def scenario(kind: Callable[[asyncio.AbstractEventLoop], Watcher] = kind) -> Watcher:
            watcher = kind(asyncio.get_running_loop())
            watcher.add(pair[0].fileno(), READABLE, Told())
            return watcher

        watcher = asyncio.run(scenario())
        watcher.remove(pair[0].fileno())
        watcher.close()
