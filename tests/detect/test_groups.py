"""Who belongs where, and who may spend how much of the page budget."""

import pytest

from prober.detect.group import GroupKind
from prober.detect.groups import Source, memberships, planned
from prober.vocabulary import Environment
from tests.detect.made import source

SERVER = Environment.EXCHANGE_SERVER


def names(kind: GroupKind, sources: dict[str, Source]) -> set[str]:
    """Return the groups of one kind."""
    return {one.name for one in planned(sources) if one.kind is kind}


def test_a_lone_vantage_has_clients_and_a_fleet() -> None:
    """A cell would be its client over again."""
    sources = {"a": source("imap4"), "b": source("owa")}
    assert {one.kind for one in planned(sources)} == {GroupKind.CLIENT, GroupKind.FLEET, GroupKind.THROTTLED}
    assert names(GroupKind.CLIENT, sources) == {"exchange_online/imap4", "exchange_online/owa"}
    assert names(GroupKind.FLEET, sources) == {"exchange_online"}
    assert names(GroupKind.THROTTLED, sources) == {
        "exchange_online/imap4",
        "exchange_online/owa",
        "exchange_online@fra1",
    }


def test_regions_are_locations() -> None:
    """Cells and locations are groups as soon as there are two of them; a declared family is one, too."""
    sources = {
        "a": source("outlook_mobile", "eu", families=("outlook_service",), hold=480.0),
        "b": source("outlook_mac", "na", families=("outlook_service",)),
    }
    assert names(GroupKind.CELL, sources) == {
        "exchange_online/outlook_mobile@fra1/eu",
        "exchange_online/outlook_mac@fra1/na",
    }
    assert names(GroupKind.VANTAGE, sources) == {"exchange_online/fra1/eu", "exchange_online/fra1/na"}
    assert names(GroupKind.FAMILY, sources) == {"exchange_online/outlook_service"}
    assert names(GroupKind.PUSH, sources) == {"exchange_online/outlook_mobile"}
    found = memberships(sources)["a"]
    assert [kind for kind, _ in found.availability] == [
        *(GroupKind.CLIENT, GroupKind.FLEET, GroupKind.FAMILY, GroupKind.CELL, GroupKind.VANTAGE)
    ]


def test_the_budget_is_spent_once() -> None:
    """All availability groups of all environments together; the control's, pushes and throttling have their own."""
    sources = {
        "a": source("imap4", "eu"),
        "b": source("imap4", "na"),
        "c": source("owa", "eu"),
        "d": Source(SERVER, "imap4", "fra1", 60.0),
        "e": Source(Environment.INDEPENDENT, "control", "fra1", 60.0),
    }
    plans = planned(sources)
    availability = [one for one in plans if one.kind not in (GroupKind.PUSH, GroupKind.THROTTLED)]
    assert sum(one.weight for one in availability if not one.name.startswith("independent")) == pytest.approx(1.0)
    assert [one.weight for one in availability if one.name == "independent/control"] == [1.0]
    assert sum(one.weight for one in plans if one.kind is GroupKind.THROTTLED) == pytest.approx(1.0)
    server = [one.weight for one in availability if one.name.startswith("exchange_server")]
    assert sum(server) == pytest.approx(1 / 3)


def test_the_interval_of_a_group_is_that_between_any_two_of_its_attempts() -> None:
    """Four mailboxes every 60 s: one attempt every 15 s."""
    plans = planned({str(one): source(interval=60.0) for one in range(4)})
    assert [one.interval for one in plans if one.kind is GroupKind.CLIENT] == [15.0]


def test_environments_are_never_mixed() -> None:
    """A client in two of them is two groups."""
    sources = {"a": source("imap4"), "b": Source(SERVER, "imap4", "fra1", 60.0)}
    assert names(GroupKind.CLIENT, sources) == {"exchange_online/imap4", "exchange_server/imap4"}
    assert names(GroupKind.FLEET, sources) == {"exchange_online", "exchange_server"}
