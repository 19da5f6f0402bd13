"""A metered session is the session it meters, and tells whom it asks."""

from prober.exchange import Call, Reply
from prober.schedule.metering import Metered
from tests.schedule.made import NoSession


class Answering(NoSession):
    """One that answers."""

    async def exchange(self, call: Call) -> Reply:
        return Reply(204)

    @property
    def opened(self) -> int:
        return 3


async def test_each_request_is_told_by_its_host() -> None:
    """And answered as before; closing closes."""
    hosts: list[str] = []
    inner = Answering()
    session = Metered(inner, hosts.append)
    assert (await session.exchange(Call("GET", "https://Graph.test:8443/v1.0/me"))).status == 204
    assert hosts == ["graph.test"]
    assert session.opened == 3
    assert session.channel_binding("https://graph.test/") is None
    await session.close()
    assert inner.closed == 1
