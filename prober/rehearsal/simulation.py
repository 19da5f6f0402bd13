"""The tenant alone: started from a file or as it is by default, with a note of where everything is."""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from prober.app import stopping
from prober.simulator.blueprint import Blueprint, read_blueprint
from prober.simulator.faults.catalogue import incidents
from prober.simulator.layout import default_layout, found
from prober.simulator.simulator import Simulator

STATE = "state.json"


async def simulate(config: Path | None, state: Path | None, show: Callable[[Mapping[str, str]], None]) -> int:
    """Serve a tenant until a signal; return the exit code. Raises `DocumentError`, `NoPortError`, `OSError`.

    `show` gets domain, state, configuration, ca_file, resolver and control as texts once everything listens.
    """
    plan = blueprint(config)
    with ExitStack() as undo:
        state = _made(state) if state else None
        folder = state.parent if state else Path(undo.enter_context(TemporaryDirectory(prefix="prober-simulate-")))
        simulator = Simulator(found(plan.layout), folder, limits=plan.limits, catalogue=incidents())
        simulator.premises.doorkeeper.lifetime = plan.layout.token_lifetime
        await simulator.start()
        try:
            if plan.faults is not None:
                simulator.weather.begin(plan.faults)
            configuration = simulator.write_configuration(folder)
            file = state or folder / STATE
            write_state(file, simulator, configuration)
            show(_told(simulator, file, configuration))
            with stopping() as stop:
                await stop.wait()
        finally:
            await simulator.stop()
    return 0


def _made(state: Path) -> Path:
    """Make the folder of the state file; return its whole path, for what lies beside it is read from elsewhere."""
    state.parent.mkdir(parents=True, exist_ok=True)
    return state.absolute()


def blueprint(config: Path | None) -> Blueprint:
    """Return the plan in a file, or the default. Raises `DocumentError`, `OSError`."""
    if config is None:
        return Blueprint(default_layout())
    return read_blueprint(config.read_text(encoding="utf-8"), str(config))


def write_state(file: Path, simulator: Simulator, configuration: Path) -> None:
    """Write addresses, authority, accounts and the prober's configuration, for the file's owner alone."""
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(json.dumps(described(simulator, configuration), indent=2) + "\n")


def described(simulator: Simulator, configuration: Path) -> dict[str, Any]:
    """Return what somebody has to know who points a client at the tenant."""
    tenant = simulator.tenant
    return {
        "domain": tenant.domain,
        "tenant_id": tenant.id,
        "ca_file": str(simulator.ca_file),
        "resolver": simulator.resolver,
        "control": simulator.control_url,
        "login": f"https://{simulator.premises.login}",
        "hosts": [
            {
                "name": host.name,
                "address": host.address,
                "port": host.port,
                "scheme": host.scheme,
                "client": host.client,
                "site": host.site,
                "region": host.region,
            }
            for host in simulator.premises.hosts
        ],
        "mailboxes": [
            {
                "address": mailbox.address,
                "site": mailbox.site,
                "password": tenant.users[mailbox.address.lower()].password,
            }
            for mailbox in tenant.mailboxes.values()
        ],
        "applications": [
            {"client": one.client, "client_id": one.client_id, "client_secret": one.secret}
            for one in tenant.applications.values()
        ],
        "configuration_file": str(configuration),
        "configuration": configuration.read_text(),
    }


def _told(simulator: Simulator, file: Path, configuration: Path) -> dict[str, str]:
    return {
        "domain": simulator.tenant.domain,
        "state": str(file),
        "configuration": str(configuration),
        "ca_file": str(simulator.ca_file),
        "resolver": simulator.resolver,
        "control": simulator.control_url,
    }
