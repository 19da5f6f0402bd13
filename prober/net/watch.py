"""Sockets of our own, watched for all of them by one descriptor that the event loop knows.

To have a loop watch a socket, change its mind and forget it again costs more than to move the few bytes of an attempt.
So a loop watches one epoll(7) of ours, and that the sockets. Where the system has none, the loop watches each of them
itself; nobody else can tell which it is.
"""

import asyncio
import select
from typing import Protocol

from prober.alarm import Alarms

READABLE = 1  # EPOLLIN, EPOLLOUT, EPOLLERR and EPOLLHUP of epoll_ctl(2), which other systems have no names for
WRITABLE = 4
FAILED = 8
HUNG_UP = 16
HAS_EPOLL = hasattr(select, "epoll")


class Watched(Protocol):
    """Whose socket it is."""

    def happened(self, events: int) -> None:
        """Be told that some of the `events` asked for came about, or one of those that nobody needs to ask for.

        Those are `FAILED` and `HUNG_UP`, with which reading and writing go on to say what is the matter. It may be
        told too much, as by any loop, and is told again of what it leaves as it was.
        """


class Watcher(Protocol):
    """Watches sockets, by their descriptors, for one event loop."""

    loop: asyncio.AbstractEventLoop

    def add(self, number: int, events: int, watched: Watched) -> None:
        """Watch a descriptor from now on. Raises `OSError` where the system has no room for it."""

    def change(self, number: int, events: int) -> None:
        """Watch for other `events`, which are some."""

    def remove(self, number: int) -> None:
        """Watch it no more. To be done before it is closed: a child may have a copy, which keeps it alive."""

    def close(self) -> None:
        """Give back what the system keeps."""


class Watch:
    """Gives each event loop its watcher, one loop after the other. Networks of one process should share one.

    `alarms` are those of the connections, whose deadlines are alike.
    """

    def __init__(self) -> None:
        self.alarms = Alarms()
        self._watcher: Watcher | None = None

    def on(self, loop: asyncio.AbstractEventLoop) -> Watcher:
        """Return the watcher of `loop`. Raises `OSError` where no descriptor is left for it."""
        watcher = self._watcher
        if watcher is None or watcher.loop is not loop:
            self.close()
            self._watcher = watcher = EpollWatcher(loop) if HAS_EPOLL else LoopWatcher(loop)
        return watcher

    def close(self) -> None:
        """Give back what the last watcher holds; another loop, or the same one later, gets a new one."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.close()


class EpollWatcher:
    """Implements `Watcher` with an epoll of its own, level-triggered."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._watched: dict[int, Watched] = {}
        self._added: set[int] = set()
        self._epoll = select.epoll()
        loop.add_reader(self._epoll.fileno(), self._ready)

    def add(self, number: int, events: int, watched: Watched) -> None:
        """Watch a descriptor from now on. Raises `OSError` where the system has no room for it."""
        self._epoll.register(number, events)
        self._watched[number] = watched
        self._added.add(number)

    def change(self, number: int, events: int) -> None:
        """Watch for other `events`."""
        self._epoll.modify(number, events)

    def remove(self, number: int) -> None:
        """Watch it no more."""
        del self._watched[number]
        if not self._epoll.closed:
            self._epoll.unregister(number)

    def close(self) -> None:
        """Close the epoll."""
        if not self.loop.is_closed():
            self.loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _ready(self) -> None:
        """Tell everybody what happened. Whoever breaks on it does not keep it from the others."""
        watched, added = self._watched, self._added
        added.clear()
        for number, events in self._epoll.poll(0):
            one = watched.get(number)
            if one is None or number in added:  # closed since the epoll was asked, its number perhaps given out again
                continue
            try:
                one.happened(events)
            except Exception as exc:  # noqa: BLE001 - as the loop does with whatever it calls
                self.loop.call_exception_handler({"message": "a connection broke on its news", "exception": exc})


class LoopWatcher:
    """Implements `Watcher` with what every event loop has."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._watched: dict[int, Watched] = {}

    def add(self, number: int, events: int, watched: Watched) -> None:
        """Watch a descriptor from now on."""
        self._watched[number] = watched
        self.change(number, events)

    def change(self, number: int, events: int) -> None:
        """Watch for other `events`. The loop does not tell what failed: whoever may write is to look."""
        happened = self._watched[number].happened
        if events & READABLE:
            self.loop.add_reader(number, happened, READABLE)
        else:
            self.loop.remove_reader(number)
        if events & WRITABLE:
            self.loop.add_writer(number, happened, WRITABLE | FAILED)
        else:
            self.loop.remove_writer(number)

    def remove(self, number: int) -> None:
        """Watch it no more."""
        del self._watched[number]
        if not self.loop.is_closed():
            self.loop.remove_reader(number)
            self.loop.remove_writer(number)

    def close(self) -> None:
        """Hold nothing: the loop keeps what is watched."""
