"""The tenant as plain data, for whoever looks in through the control interface. No password or secret is in it."""

from collections.abc import Iterable
from typing import Any

from prober.simulator.faults.fault import Fault
from prober.simulator.faults.weather import Running, Strike
from prober.simulator.mailbox import Mailbox
from prober.simulator.tenant import Application, Site, Tenant
from prober.simulator.wire import Host


def tenant_as_data(tenant: Tenant, hosts: Iterable[Host]) -> dict[str, Any]:
    """Return who and what there is: sites, hosts with their addresses, mailboxes, applications."""
    return {
        "domain": tenant.domain,
        "id": tenant.id,
        "seed": tenant.seed,
        "time": tenant.clocks.now().isoformat(),
        "sites": [_site(site) for site in tenant.sites.values()],
        "hosts": [_host(host) for host in hosts],
        "mailboxes": [_mailbox(mailbox) for mailbox in tenant.mailboxes.values()],
        "applications": [_application(one) for one in tenant.applications.values()],
    }


def running_as_data(running: Running, now: float) -> dict[str, Any]:
    """Return an incident that is on; `now` on the tenant's monotonic clock, `minutes` of the incident's own time."""
    return {
        "running": running.id,
        "id": running.incident.id,
        "title": running.incident.title,
        "intensity": round(running.intensity(now), 4),
        "minutes": round(running.minutes(now), 3),
        "scale": running.scale,
        "ended": running.ended is not None,
    }


def fault_as_data(fault: Fault) -> dict[str, Any]:
    """Return a fault in the words of the files it is read from."""
    return {
        "kind": fault.kind,
        "client": sorted(fault.clients),
        "step": sorted(fault.steps),
        "pct": fault.pct,
        "since": fault.since,
        "once": fault.once,
        "at_token_expiry": fault.at_token_expiry,
        **fault.arguments,
    }


def strike_as_data(strike: Strike) -> dict[str, Any]:
    """Return what struck whom: `when` by the time of day, `at` on the tenant's monotonic clock in seconds."""
    return {
        "number": strike.number,
        "at": strike.at,
        "when": strike.when.isoformat(),
        "incident": strike.incident,
        "kind": strike.fault.kind,
        "client": strike.client,
        "host": strike.host,
        "site": strike.site,
        "region": strike.region,
        "mailbox": strike.mailbox,
        "steps": sorted(strike.steps),
        "attempt": strike.attempt,
    }


def _site(site: Site) -> dict[str, Any]:
    return {
        "name": site.name,
        "region": site.region,
        "code": site.code,
        "front_ends": site.front_ends,
        "environment": site.environment,
    }


def _host(host: Host) -> dict[str, Any]:
    return {
        "name": host.name,
        "address": host.address,
        "port": host.port,
        "scheme": host.scheme,
        "client": host.client,
        "site": host.site,
        "region": host.region,
    }


def _mailbox(mailbox: Mailbox) -> dict[str, Any]:
    return {
        "address": mailbox.address,
        "site": mailbox.site,
        "sequence": mailbox.sequence,
        "folders": {kind.value: len(folder.items) for kind, folder in mailbox.folders.items()},
    }


def _application(application: Application) -> dict[str, Any]:
    return {
        "client_id": application.client_id,
        "name": application.name,
        "client": application.client,
        "mailboxes": sorted(application.mailboxes),
        "permissions": sorted(application.permissions),
    }
