"""The tenant as plain data: complete, and without a secret."""

import json

from prober.simulator.faults.fault import Fault, Level, Occasion
from prober.simulator.faults.read import Incident
from prober.simulator.faults.weather import Weather
from prober.simulator.inventory import fault_as_data, running_as_data, strike_as_data, tenant_as_data
from prober.simulator.layout import default_layout, found
from prober.simulator.tenant import Clocks
from prober.simulator.wire import Attempt, Host

HOST = Host("ams1.contoso.example", "127.1.0.1", 443, client="imap4", site="ams1", region="eu")


def test_the_tenant_is_told_without_its_secrets() -> None:
    """Sites, hosts, mailboxes with what is in them, applications; no password, no secret."""
    tenant = found(default_layout())
    data = tenant_as_data(tenant, (HOST,))
    assert [site["name"] for site in data["sites"]] == ["ams1", "iad1", "sin1"]
    assert data["hosts"][0]["address"] == "127.1.0.1"
    assert data["mailboxes"][0]["folders"]["inbox"] == 12
    assert len(data["applications"]) == 8
    text = json.dumps(data)
    hidden = [user.password for user in tenant.users.values()]
    hidden += [one.secret for one in tenant.applications.values() if one.secret]
    assert len(hidden) > 10
    assert not [secret for secret in hidden if secret in text]


def test_what_is_on_and_what_struck_are_told() -> None:
    """Half-way up its ramp an incident is at half its strength; a strike names whom it struck."""
    clock = [0.0]
    tenant = found(default_layout(), Clocks(lambda: clock[0], lambda: 1_700_000_000.0))
    weather = Weather(tenant)
    fault = Fault("imap_tagged", frozenset({"imap4"}), frozenset({"list"}), arguments={"text": "NO"})
    weather.begin(Incident("X", "Something", (fault,)), scale=2)
    occasion = Occasion(HOST, Attempt("imap4@ams1", 7), "imap", steps=frozenset({"list"}), mailbox="a@b")
    assert weather.strike(occasion, Level.REQUEST) is fault
    clock[0] = 30.0
    told = running_as_data(weather.running[0], clock[0])
    assert told["running"] == "X-1"
    assert (told["title"], told["intensity"], told["minutes"], told["ended"]) == ("Something", 1.0, 1.0, False)
    struck = strike_as_data(weather.strikes[0])
    assert (struck["number"], struck["kind"], struck["client"], struck["mailbox"]) == (1, "imap_tagged", "imap4", "a@b")
    assert (struck["steps"], struck["attempt"]) == (["list"], "imap4@ams1 7")
    assert struck["when"] == "2023-11-14T22:13:20+00:00"


def test_a_fault_is_told_in_the_words_it_is_read_from() -> None:
    """Its arguments stand beside the rest."""
    told = fault_as_data(Fault("http", arguments={"status": 503}))
    assert (told["kind"], told["client"], told["step"], told["pct"], told["status"]) == (
        "http",
        ["all"],
        ["any"],
        100.0,
        503,
    )
