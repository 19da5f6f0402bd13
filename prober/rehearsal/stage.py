"""Sets up what a scenario is played on: a fresh tenant on the loop's clock, and the prober's configuration for it.

Rule of this file: all that the prober gets of the tenant is a configuration file, read as any other is.
"""

import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from prober.clients import catalogue
from prober.rehearsal.clock import Accelerated
from prober.rehearsal.ledger import Touch
from prober.rehearsal.post import Post
from prober.rehearsal.script import SHORT_LIFETIME, USUAL_POST, Script
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.simulator.configuration import Wishes, named
from prober.simulator.faults.fault import ANY_STEP
from prober.simulator.faults.weather import Weather
from prober.simulator.layout import DOMAIN, Layout, Place, found
from prober.simulator.simulator import Simulator
from prober.simulator.tenant import Clocks

LISTENING = 20.0
"""Seconds that clients wait for news where that is what they may miss: some comes meanwhile, and grows old enough to be
missed."""
OBJECTIVE = 5.0
"""Seconds beyond which a success is slow: several times what any client takes on a healthy stage."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A running tenant and a prober's settings for it. `sites` gives the site of every target."""

    weather: Weather
    settings: Settings
    sites: dict[str, str]

    def site_of(self, target: str) -> str:
        """Return the site of a target, the empty text for one that is nowhere."""
        return self.sites.get(target, "")

    def touches(self) -> tuple[Touch, ...]:
        """Return every fault that has struck so far."""
        return tuple(_touches(self.weather))


@asynccontextmanager
async def stage(script: Script, loop: Accelerated, *, seed: int = 1) -> AsyncIterator[Stage]:
    """Set up a tenant as `script` has it, and take it down at the end. Raises `ConfigurationError`, `OSError`."""
    with tempfile.TemporaryDirectory(prefix="prober-drill-") as name, ExitStack() as undo:
        folder = Path(name)
        tenant = found(layout(script, seed), Clocks(loop.time, loop.wall))
        simulator = Simulator(tenant, folder)
        await simulator.start()
        try:
            simulator.premises.doorkeeper.lifetime = script.token_lifetime
            file = simulator.write_configuration(folder, wishes(script))
            sites = {target: mailbox.site for target, mailbox in named(tenant.mailboxes.values())}
            post = Post(tuple(tenant.mailboxes.values()), script.post)
            post.start()
            undo.callback(post.stop)
            yield Stage(simulator.weather, load([file], catalogue()), sites)
        finally:
            await simulator.stop()


def layout(script: Script, seed: int) -> Layout:
    """Return the tenant's plan: the script's sites, and a mailbox at each."""
    mailboxes = (Place(f"probe{number}@{DOMAIN}", site.name) for number, site in enumerate(script.sites, start=1))
    return Layout(seed=seed, sites=script.sites, mailboxes=tuple(mailboxes))


def wishes(script: Script) -> Wishes:
    """Return what the configuration should say. Where every attempt asks for a token, none is shared."""
    return Wishes(
        script.clients,
        objective=OBJECTIVE if script.post == USUAL_POST else None,
        apart=script.token_lifetime == SHORT_LIFETIME,
        notify_seconds=None if script.post == USUAL_POST else LISTENING,
        intervals=script.intervals,
        only=script.steps,
    )


def _touches(weather: Weather) -> Iterable[Touch]:
    for strike in weather.strikes:
        steps = strike.fault.steps
        yield Touch(
            strike.at,
            strike.client,
            strike.mailbox,
            strike.site,
            frozenset() if ANY_STEP in steps else steps & strike.steps,
        )
