"""A real asyncio loop whose clock jumps to the next timer as soon as nothing is ready: hours pass in milliseconds."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Leaping(selectors.DefaultSelector):
    """A selector that never waits: it moves its owner's clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.since_leap = 0
        """How often the loop has gone round since the clock was moved."""

    def select(self, timeout: float | None = None) -> Any:
        self.since_leap += 1
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("the program waits for something that will never happen")
        if not ready and timeout:
            self.now += timeout
            self.since_leap = 0
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time. `block(seconds)` stands for work that keeps the loop busy."""

    def __init__(self) -> None:
        self.leaping = _Leaping()
        super().__init__(self.leaping)

    def time(self) -> float:
        return self.leaping.now

    def block(self, seconds: float) -> None:
        self.leaping.now += seconds


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def now() -> float:
    """Virtual seconds."""
    return asyncio.get_running_loop().time()


def block(seconds: float) -> None:
    """Keep the loop busy for so long."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.block(seconds)
