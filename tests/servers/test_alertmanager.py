"""Alertmanager calls, and the listener hears it; the shipped configuration routes and inhibits as it says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.account import fresh_room
from tests.servers.alertmanager import SHIPPED, Alertmanager, Listener, amtool, configuration, listening
from tests.servers.process import until

pytestmark = pytest.mark.real
ONLINE = {"environment": "exchange_online", "job": "prober"}
SERVER = {"environment": "exchange_server", "job": "prober"}
PAGE, TICKET = {"severity": "page"}, {"severity": "ticket"}


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as made:
        yield made


@pytest.fixture
def alertmanager(listener: Listener) -> Iterator[Alertmanager]:
    """With the shipped configuration, which waits a second for a group to gather."""
    with fresh_room("alertmanager") as room, Alertmanager(room, configuration(listener, wait="1s")) as server:
        yield server


def failing(instance: str, **more: str) -> dict[str, str]:
    return {"alertname": "ClientAccessFailing", "owner": "mail", "instance": instance, **PAGE, **more}


def identity(instance: str, explains: str, **more: str) -> dict[str, str]:
    return failing(instance, **more) | {
        "alertname": "ClientAccessIdentityDown",
        "owner": "identity",
        "explains": explains,
    }


def sick(instance: str) -> dict[str, str]:
    labels = {"alertname": "ClientAccessProberSick", "owner": "prober", "cause": "loop_lag", "job": "prober"}
    return {**labels, "instance": instance, **TICKET}


@pytest.mark.parametrize("owner", ["mail", "identity", "network", "prober"])
@pytest.mark.parametrize("severity", ["page", "ticket"])
def test_every_owner_is_called_about_pages_and_tickets(owner: str, severity: str) -> None:
    arguments = ("config", "routes", "test", f"--config.file={SHIPPED}", f"severity={severity}", f"owner={owner}")
    assert amtool(*arguments).stdout.strip() == owner


def test_the_shipped_configuration_is_valid_and_waits_little_for_pages() -> None:
    assert amtool("check-config", str(SHIPPED)).returncode == 0
    assert "group_wait: 5s" in SHIPPED.read_text()


def test_a_token_service_that_explains_everything_silences_the_protocols(
    alertmanager: Alertmanager, listener: Listener
) -> None:
    """In its environment, at its prober, and over several vantages; not where it explains only a part."""
    several = failing("", alertname="ClientAccessFailingAtSeveralVantages", environment="exchange_online")
    wanted = failing("b:1", **SERVER)
    partly = failing("c:1", **ONLINE)
    elsewhere = failing("a:1", **SERVER)
    network = failing("a:1", **ONLINE, alertname="ClientAccessNetworkDown") | {"owner": "network"}
    alertmanager.post(
        [
            failing("a:1", **ONLINE),
            identity("a:1", "all", **ONLINE),
            {name: text for name, text in several.items() if text},
            elsewhere,
            wanted,
            partly,
            identity("c:1", "part", **ONLINE),
            network,
        ]
    )
    until(lambda: len(listener.calls) >= 6, "alertmanager: calls", deadline=15)
    silent = {(labels["alertname"], labels.get("instance", "")) for labels in alertmanager.suppressed()}
    assert silent == {("ClientAccessFailing", "a:1"), ("ClientAccessFailingAtSeveralVantages", "")}
    called = [(call.labels["environment"], call.labels["instance"]) for call in listener.about("ClientAccessFailing")]
    assert sorted(called) == [("exchange_online", "c:1"), ("exchange_server", "a:1"), ("exchange_server", "b:1")]
    assert listener.names("identity") == {"ClientAccessIdentityDown"}
    assert listener.names("network") == {"ClientAccessNetworkDown"}


def test_a_sick_prober_is_heard_about_nothing_but_itself(alertmanager: Alertmanager, listener: Listener) -> None:
    """Another prober is believed; what is not about the prober's clients is let through."""
    alertmanager.post(
        [
            failing("a:1", **ONLINE),
            identity("a:1", "all", **ONLINE),
            failing("a:1", **ONLINE, alertname="ClientAccessPushLost") | TICKET,
            sick("a:1"),
            failing("b:1", **ONLINE),
            failing("a:1", **ONLINE, alertname="DiskFull"),
        ]
    )
    until(lambda: len(listener.calls) >= 3, "alertmanager: calls", deadline=15)
    silent = {labels["alertname"] for labels in alertmanager.suppressed()}
    assert silent == {"ClientAccessFailing", "ClientAccessIdentityDown", "ClientAccessPushLost"}
    assert {(call.labels["alertname"], call.labels["instance"]) for call in listener.calls} == {
        ("ClientAccessProberSick", "a:1"),
        ("ClientAccessFailing", "b:1"),
        ("DiskFull", "a:1"),
    }


def test_a_configuration_that_is_none_is_refused(tmp_path: Path) -> None:
    """Or checking it would prove nothing."""
    broken = tmp_path / "broken.yml"
    broken.write_text(SHIPPED.read_text().replace("receiver: mail}", "receiver: nobody}"))
    assert amtool("check-config", str(broken)).returncode != 0
