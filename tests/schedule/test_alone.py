"""One at a time, and the schedule before all others but one."""

import asyncio

from prober.schedule.alone import Alone
from tests.schedule import virtual


def test_one_has_it_at_a_time_and_others_are_not_in_the_way() -> None:
    """The key is what is shared; afterwards nobody has it."""

    async def main() -> None:
        alone = Alone()
        seen: list[str] = []

        async def use(key: str, name: str) -> None:
            async with alone.of(key):
                seen.append(f"{name} begins")
                await asyncio.sleep(1)
                seen.append(f"{name} ends")

        await asyncio.gather(use("a", "first"), use("a", "second"), use("b", "other"))
        assert seen[:2] == ["first begins", "other begins"]
        assert seen.index("second begins") > seen.index("first ends")
        assert not alone.busy("a")

    virtual.run(main())


def test_the_schedule_waits_for_one_of_many_who_ask_besides() -> None:
    """Three have asked, the first has it: the schedule is next, whatever the line."""

    async def main() -> None:
        alone = Alone()
        seen: list[str] = []

        async def besides(name: str) -> None:
            async with alone.besides("a"):
                seen.append(name)
                await asyncio.sleep(1)

        asked = [asyncio.create_task(besides(name)) for name in ("one", "two", "three")]
        await asyncio.sleep(0.1)
        assert alone.busy("a")
        async with alone.of("a"):
            seen.append("schedule")
        await asyncio.gather(*asked)
        assert seen == ["one", "schedule", "two", "three"]

    virtual.run(main())


def test_who_gives_up_waiting_leaves_the_line() -> None:
    """And breaks nothing in it."""

    async def main() -> None:
        alone = Alone()
        async with alone.of("a"):
            waiting = asyncio.create_task(alone.besides("a").__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
        async with asyncio.timeout(1), alone.besides("a"):
            assert alone.busy("a")

    virtual.run(main())


def test_who_gives_up_in_the_moment_of_having_it_leaves_it_to_the_next() -> None:
    """Left to the first in line and cancelled before it could go on: the second has it, and then nobody."""

    async def main() -> None:
        alone = Alone()
        assert alone.take("a")
        assert not alone.take("a")
        first, second = (asyncio.create_task(alone.wait("a")) for _ in range(2))
        await asyncio.sleep(0)
        alone.leave("a")
        first.cancel()
        await asyncio.wait([first])
        async with asyncio.timeout(1):
            await second
        assert first.cancelled()
        assert alone.busy("a")
        alone.leave("a")
        assert not alone.busy("a")

    virtual.run(main())
