"""The simulated tenant and the real prober for it, as configuration makes it, for one client at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from prober.app import Unwatched
from prober.assembly import Assembly
from prober.clients import catalogue
from prober.model import Outcome
from prober.settings.load import load
from prober.simulator.configuration import Wishes
from prober.simulator.document import read
from prober.simulator.faults.read import Incident, read_faults
from prober.simulator.layout import Layout, found
from prober.simulator.simulator import Simulator
from prober.storage.store import Store
from prober.verdict import Judgement


class Tenancy:
    """A running tenant. Every attempt is made by the prober's own parts, read from a configuration file."""

    def __init__(self, simulator: Simulator, folder: Path, client: str) -> None:
        self.simulator = simulator
        self._folder = folder
        self._client = client

    async def attempt(self, faults: list[dict[str, Any]] | None = None, **entry: Any) -> tuple[Outcome, Judgement]:
        """Make one attempt at the first mailbox; `entry` says more of the client, `None` leaves out what is there."""
        settings = load([self._configured(entry)], catalogue())
        assembly = Assembly(
            settings, catalogue(), Store.open(None), watch=Unwatched(), tell=lambda *_: None, lagged=lambda _: None
        )
        document = read(yaml.safe_dump([fault | {"client": self._client} for fault in faults or []]), "row")
        self.simulator.weather.begin(Incident("row", faults=read_faults(document.data, document)))
        try:
            found = next(one for one in settings.assignments if one.client == self._client)
            return await assembly.attempts.by_hand(found)
        finally:
            self.simulator.weather.clear()
            await assembly.close()

    def _configured(self, entry: dict[str, Any]) -> Path:
        file = self.simulator.write_configuration(self._folder, Wishes(clients=(self._client,)))
        document = yaml.safe_load(file.read_text())
        for target in document["targets"]:
            for client in target["clients"]:
                client |= entry
                for name in [name for name, value in client.items() if value is None]:
                    del client[name]
        file.write_text(yaml.safe_dump(document))
        return file


@asynccontextmanager
async def tenancy(folder: Path, layout: Layout, client: str) -> AsyncIterator[Tenancy]:
    """Run a tenant until the block ends."""
    simulator = Simulator(found(layout), folder)
    await simulator.start()
    try:
        yield Tenancy(simulator, folder, client)
    finally:
        await simulator.stop()
