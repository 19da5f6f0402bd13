"""Every way out has its control, and every target knows which."""

import pytest

from prober.settings.controls import is_control
from tests.settings.made import Loading

TWO_WAYS = """
global: {proxy: {url: "http://p:3128", no_proxy: [.corp]}, labels: [site]}
targets:
  - {name: c, environment: exchange_online, proxy: none, network: {source_address: 127.0.0.2}, clients: [{client: toy}]}
  - {name: a, environment: exchange_online, clients: [{client: imap4}]}
  - {name: b, environment: exchange_online, tls: {minimum_version: "1.3"}, clients: [{client: imap4}]}
control: {urls: ["https://one/", "https://two/"]%s}
"""


def test_each_way_out_has_its_control_and_the_commonest_is_plain(loaded: Loading) -> None:
    settings = loaded(TWO_WAYS % "")
    assert dict(settings.control_of) == {"a": "control", "b": "control", "c": "control-2"}
    controls = [one for one in settings.assignments if one.client == "control"]
    assert [one.key for one in controls] == ["control/control", "control/control-2"]
    assert dict(controls[0].target.endpoints) == {"control": "https://one/", "control_2": "https://two/"}
    assert controls[0].target.labels == {"site": ""}
    assert settings.routes["control"].proxy == settings.routes["a"].proxy
    assert settings.routes["control-2"].proxy is None
    assert settings.routes["control-2"].source_address == "127.0.0.2"
    assert set(settings.fingerprints) == {one.key for one in settings.assignments}


def test_a_control_with_a_way_of_its_own_is_not_asked_twice(loaded: Loading) -> None:
    """All differences between the targets' ways are overruled, so one control is all there is."""
    own = ", proxy: none, network: {source_address: 127.0.0.3, family: ipv4, resolver: [127.0.0.1]}"
    settings = loaded(TWO_WAYS % own)
    assert set(settings.control_of.values()) == {"control"}
    assert sum(one.client == "control" for one in settings.assignments) == 1
    assert settings.routes["control"].source_address == "127.0.0.3"


def test_a_control_keeps_its_own_trust(loaded: Loading) -> None:
    settings = loaded(TWO_WAYS % ", tls: {minimum_version: '1.1'}")
    assert settings.routes["control"].tls.minimum_version == "1.1"
    assert settings.routes["control-2"].tls.minimum_version == "1.1"


@pytest.mark.parametrize(("pages", "timeout"), [(1, 60.0), (2, 60.0), (5, 150.0)])
def test_the_last_page_has_its_turn_even_when_all_others_hang(loaded: Loading, pages: int, timeout: float) -> None:
    urls = ", ".join(f"'https://{number}.example/'" for number in range(pages))
    settings = loaded(
        f"targets: [{{name: a, environment: exchange_online, clients: [{{client: toy}}]}}]\ncontrol: {{urls: [{urls}]}}"
    )
    control = settings.assignments[-1]
    assert (control.interval, control.timeout) == (60.0, timeout)
    assert settings.control_interval == 60.0


def test_interval_and_timeout_of_the_control_are_its_own(loaded: Loading) -> None:
    text = (TWO_WAYS % ", interval: 20s, timeout: 7s").replace("global: {", "global: {interval: 9s, timeout: 9s, ")
    settings = loaded(text)
    assert {(one.interval, one.timeout) for one in settings.assignments if one.client == "control"} == {(20.0, 7.0)}
    assert settings.control_interval == 20.0


def test_without_a_control_nothing_is_asked(loaded: Loading) -> None:
    settings = loaded("targets: [{name: a, environment: exchange_online, clients: [{client: toy}]}]")
    assert [one.client for one in settings.assignments] == ["toy"]
    assert settings.control_of == {}


def test_only_the_names_of_controls_are_taken() -> None:
    assert is_control("control")
    assert is_control("control-17")
    assert not is_control("control-room")
    assert not is_control("my-control")
