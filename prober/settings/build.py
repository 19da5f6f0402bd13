"""From a well-formed document to settings: introduces the rules that look at more than one section.

Every rule takes down its mistakes and goes on, so that one reading finds them all.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from prober.identity.spec import CredentialSpec
from prober.model import Assignment
from prober.net.route import Route
from prober.settings.bindings import bind
from prober.settings.controls import controls, way_of
from prober.settings.credentials import Credentials, time
from prober.settings.document import Document, Maintenance
from prober.settings.files import Files
from prober.settings.foreign import check, named
from prober.settings.http_lists import http_lists
from prober.settings.mistakes import Mistakes
from prober.settings.routes import Routes
from prober.settings.service_health import service_health
from prober.settings.settings import DetectorSettings, HistorySettings, MaintenanceWindow, PacingSettings, Settings
from prober.settings.source import Location
from prober.settings.targets import Targets
from prober.transaction import Client

CONTROL_INTERVAL = 60.0


def build(
    document: Document,
    catalogue: Mapping[str, Client[Any]],
    mistakes: Mistakes,
    *,
    check_files: bool,
    storage_path: str | None = None,
    shown: str = "",
    patterns: tuple[str, ...] = (),
    patient: bool = False,
    foreign: Callable[[Location], bool] = lambda _: False,
) -> Settings | None:
    """Return the settings, or `None` after taking down what is wrong. `shown` is what the settings look like.

    `patterns` name the files in which more targets were found, already in `document`. `patient`: there may be nothing
    to probe yet, as there always may where lists are fetched. `foreign`: whether a place is in a list of others.
    """
    files = Files(mistakes, check=check_files)
    routes = Routes(document.global_, mistakes, files)
    reader = Credentials(mistakes, files)
    credentials = {name: reader.read(name, one) for name, one in document.credentials.items()}
    token_route = routes.token_route(document.token_service)
    of_targets, assignments = Targets(document, catalogue, routes, files, mistakes).read()
    made = controls(document, routes, of_targets, catalogue, mistakes)
    maintenance = _windows(document, mistakes)
    notices = service_health(document, routes, assignments, mistakes)
    lists = http_lists(document, routes, files, mistakes)
    if not assignments and not mistakes and not (lists or patient):
        mistakes.add(("targets",), "there is nothing to probe: name at least one target with a client")
    if not mistakes:
        discovered = named(document, foreign)
        credentials = bind(credentials, assignments, catalogue, notices, mistakes, discovered)
        check(discovered, assignments, credentials, catalogue, mistakes)
    if mistakes:
        return None
    base = document.global_
    everything = (*assignments, *made.assignments)
    all_routes = {**of_targets, **made.routes}
    return Settings(
        vantage=base.vantage,
        storage_path=storage_path or files.named(("storage", "path"), document.storage.path),
        assignments=everything,
        credentials=MappingProxyType(credentials),
        routes=MappingProxyType(all_routes),
        token_route=token_route,
        control_of=made.control_of,
        control_interval=document.control.interval if document.control else CONTROL_INTERVAL,
        fingerprints=_fingerprints(everything, all_routes, credentials, base.user_agent),
        pacing=PacingSettings(document.pacing.rate, document.pacing.ceiling),
        budgets=MappingProxyType(document.budgets.model_dump()),
        detector=DetectorSettings(
            document.detector.page_budget_days, document.detector.guaranteed, document.detector.second_looks
        ),
        history=HistorySettings(
            document.storage.history, document.storage.failures, document.storage.history_megabytes
        ),
        user_agent=base.user_agent,
        label_names=tuple(base.labels),
        maintenance=maintenance,
        service_health=notices,
        workers=document.workers,
        redacted=shown,
        files=files.read,
        patterns=patterns,
        lists=lists,
    )


def _windows(document: Document, mistakes: Mistakes) -> tuple[MaintenanceWindow, ...]:
    discovery = document.discovery
    known = None if discovery.files or discovery.http else {target.name for target in document.targets}
    windows = [
        _window(section, ("maintenance", index), known, mistakes) for index, section in enumerate(document.maintenance)
    ]
    return tuple(window for window in windows if window is not None)


def _window(
    section: Maintenance, at: Location, targets: set[str] | None, mistakes: Mistakes
) -> MaintenanceWindow | None:
    """Return a window; where targets come and go (`None`), it may be meant for one that is not there now."""
    start, end = time(mistakes, (*at, "start"), section.start), time(mistakes, (*at, "end"), section.end)
    for position, name in enumerate(section.targets):
        if targets is not None and name not in targets:
            mistakes.unknown((*at, "targets", position), "target here", name, targets)
    if start is None or end is None:
        return None
    if end <= start:
        mistakes.add((*at, "end"), "must be later than start")
    every = None if section.every is None else timedelta(seconds=section.every)
    if every is not None and every < end - start:
        mistakes.add((*at, "every"), "must not be shorter than the window itself")
    return MaintenanceWindow(start, end, every, frozenset(section.targets))


def _fingerprints(
    assignments: tuple[Assignment, ...],
    routes: Mapping[str, Route],
    credentials: Mapping[str, CredentialSpec],
    user_agent: str,
) -> Mapping[str, str]:
    found = {
        one.key: fingerprint(one, routes[one.target.name], credentials.get(one.credential or ""), user_agent)
        for one in assignments
    }
    return MappingProxyType(found)


def fingerprint(one: Assignment, route: Route, credential: CredentialSpec | None, user_agent: str) -> str:
    """Hash all that decides whether and how an attempt gets through; secrets, times and labels are not among it."""
    target = one.target
    parts = {
        "assignment": [one.client, one.depth, one.credential, sorted(one.steps), repr(one.options)],
        "target": [target.environment, target.mailbox, sorted(target.endpoints.items())],
        "route": [repr(route.tls), *way_of(route), sorted(route.connect_to.items())],
        "credential": repr(credential),
        "agent": user_agent,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
