"""A mailbox and a device, and a command's session about them."""

from datetime import UTC, datetime
from typing import Any

from prober.simulator.activesync.devices import Device
from prober.simulator.activesync.request import Line
from prober.simulator.activesync.session import Session
from prober.simulator.activesync.wbxml import Node, encode
from prober.simulator.mailbox import Mailbox
from prober.simulator.tenant import Clocks, Site, Tenant

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


class Desk:
    """One mailbox with one device. `waited` are the seconds slept."""

    def __init__(self) -> None:
        self.waited: list[float] = []

        async def sleep(seconds: float) -> None:
            self.waited.append(seconds)

        self.tenant = Tenant("x.test", [Site("s", "eu", "AMS")], clocks=Clocks(wall=NOON.timestamp, sleep=sleep))
        self.mailbox: Mailbox = self.tenant.open_mailbox("a@x.test", "s")
        self.device = Device("d", "Phone", folder_key=1)

    def session(self, body: Node | None, **more: Any) -> Session:
        line = Line(user="a@x.test", device_id="d", version="16.1", policy_key=more.pop("key", ""))
        raw = encode(body) if body else b""
        return Session(self.tenant, self.mailbox, self.device, line, body, raw, **more)
