"""The way out as data."""

import dataclasses

import pytest

from prober.net.route import PhaseLimits, Proxy, Route
from prober.secret import Secret


def test_a_route_without_wishes_is_direct_and_trusts_the_system() -> None:
    """The defaults are those of a machine without proxy, with the limits of the six phases."""
    route = Route()
    assert (route.proxy, route.resolver, route.source_address, route.family) == (None, (), None, "auto")
    assert (route.tls.ca_file, route.tls.minimum_version) == (None, "1.2")
    assert dataclasses.astuple(route.limits) == (5.0, 10.0, 10.0, 10.0, 30.0, 30.0)


def test_a_route_shared_by_many_cannot_be_changed() -> None:
    """It is frozen, also in its mapping."""
    route = Route()
    with pytest.raises(dataclasses.FrozenInstanceError):
        route.family = "ipv6"  # type: ignore[misc]  # the very thing that must fail
    with pytest.raises(TypeError):
        route.connect_to["mail.test"] = "192.0.2.1"  # type: ignore[index]  # as above
    assert PhaseLimits() is not PhaseLimits()


def test_the_proxys_password_is_not_printed() -> None:
    """Printing a route gives stars."""
    assert "hush" not in repr(Route(proxy=Proxy("http://proxy.test:3128", "me", Secret("hush"))))
