"""One control for every distinct way out, so that a fault of ours is known as such whichever way an attempt took."""

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from prober.model import Assignment, Target
from prober.net.route import Route
from prober.settings.addresses import WEB, url_trouble
from prober.settings.document import Control, Document
from prober.settings.mistakes import Mistakes
from prober.settings.routes import Routes
from prober.transaction import Client
from prober.vocabulary import Depth, Environment

CONTROL = "control"
TIMEOUT = 60.0
PER_PAGE = 30.0
"""Seconds: pages are asked one after the other, and the last must still have its turn when all others hang."""


def is_control(name: str) -> bool:
    """Whether a target of this name would be taken for a control."""
    return re.fullmatch(rf"{CONTROL}(-[0-9]+)?", name) is not None


@dataclasses.dataclass(frozen=True, slots=True)
class Controls:
    """The controls of a configuration. `control_of`: by target, the target of the control that takes its way out."""

    assignments: tuple[Assignment, ...] = ()
    routes: Mapping[str, Route] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    control_of: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))


def controls(
    document: Document,
    routes: Routes,
    of_targets: Mapping[str, Route],
    catalogue: Mapping[str, Client[Any]],
    mistakes: Mistakes,
) -> Controls:
    """Return a control for each way out of `of_targets`, the commonest being plain `control`."""
    section = document.control
    if section is None:
        return Controls()
    for index, url in enumerate(section.urls):
        trouble = url_trouble(url, WEB)
        if trouble:
            mistakes.add(("control", "urls", index), trouble)
    own = routes.route(section, ("control",))
    taken = {name: _along(section, own, route) for name, route in of_targets.items()}
    ways = Counter(way_of(route) for route in taken.values())
    numbered = enumerate(ways.most_common(), start=1)
    names = {way: CONTROL if number == 1 else f"{CONTROL}-{number}" for number, (way, _) in numbered}
    control_of = {name: names[way_of(route)] for name, route in taken.items()}
    made = {control_of[name]: route for name, route in taken.items()}
    ordered = {name: made[name] for name in names.values()}
    target = _target(section, document.global_.labels)
    options = catalogue[CONTROL].options() if CONTROL in catalogue else None
    return Controls(
        tuple(_assignment(section, dataclasses.replace(target, name=name), options) for name in ordered),
        MappingProxyType(ordered),
        MappingProxyType(control_of),
    )


def way_of(route: Route) -> tuple[Any, ...]:
    """Return what makes two ways out one: all but trust and the addresses of single hosts."""
    proxy = (route.proxy.url, route.proxy.username) if route.proxy else None
    return (proxy, route.no_proxy, route.resolver, route.source_address, route.family)


def _along(section: Control, own: Route, route: Route) -> Route:
    """Return the control's own route, led along `route` wherever the section does not say otherwise itself."""
    if section.proxy is None:
        own = dataclasses.replace(own, proxy=route.proxy, no_proxy=route.no_proxy)
    chosen = section.network
    return dataclasses.replace(
        own,
        family=own.family if chosen.family is not None else route.family,
        source_address=own.source_address if chosen.source_address is not None else route.source_address,
        resolver=own.resolver if chosen.resolver is not None else route.resolver,
    )


def _target(section: Control, labels: list[str]) -> Target:
    urls = {CONTROL if number == 1 else f"{CONTROL}_{number}": url for number, url in enumerate(section.urls, start=1)}
    return Target(
        CONTROL,
        Environment.INDEPENDENT,
        endpoints=MappingProxyType(urls),
        labels=MappingProxyType(dict.fromkeys(labels, "")),
    )


def _assignment(section: Control, target: Target, options: Any) -> Assignment:
    timeout = section.timeout or max(TIMEOUT, PER_PAGE * len(section.urls))
    return Assignment(CONTROL, target, Depth.REACH, section.interval, timeout, options=options)
