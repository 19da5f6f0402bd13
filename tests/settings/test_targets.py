"""What a configuration says of targets becomes assignments."""

from pathlib import Path

import pytest

from prober.model import PushSettings
from prober.settings.settings import ConfigurationError
from prober.vocabulary import Depth, Environment
from tests.settings.made import Loading

ONE = """
credentials: {u: {type: basic, username: me, password_env: PROBER_TEST_SECRET}}
targets:
  - name: a
    environment: exchange_server
    host: mail.corp.example
    mailbox: a@corp.example
    region: eu
    family: new
    established: true
    clients:
      - {client: activesync, credential: u, push: {hold: 1m}}
      - {client: toy, steps: [dance], interval: 5s, timeout: 4s, objective: 1s, options: {weight: 2, colour: blue}}
"""
BARE = "targets: [{name: x, environment: exchange_online, clients: [{client: %s}]}]"


def test_a_client_entry_becomes_an_assignment(loaded: Loading) -> None:
    phone, toy = loaded(ONE).assignments
    assert (phone.depth, phone.interval, phone.timeout) == (Depth.MAILBOX, 60.0, 60.0)
    assert (phone.credential, phone.credential_kind) == ("u", "basic")
    assert phone.push == PushSettings(60.0, 3600.0)
    assert (toy.depth, toy.interval, toy.timeout, toy.objective) == (Depth.REACH, 5.0, 4.0, 1.0)
    assert (toy.credential, toy.credential_kind, toy.push) == (None, "", None)
    assert toy.steps == {"dance"}
    assert (toy.options.colour, toy.options.size, toy.options.weight) == ("blue", 1, 2.0)


def test_a_target_is_all_that_is_said_of_it(loaded: Loading) -> None:
    target = loaded("global: {labels: [site, tier]}\n" + ONE.replace("region:", "labels: {site: hq}\n    region:"))
    one = target.assignments[0].target
    assert (one.environment, one.mailbox) == (Environment.EXCHANGE_SERVER, "a@corp.example")
    assert (one.region, one.family, one.established) == ("eu", "new", True)
    assert one.labels == {"site": "hq", "tier": ""}
    assert target.label_names == ("site", "tier")


def test_defaults_come_from_the_environment_and_single_endpoints_override_them(loaded: Loading) -> None:
    text = ONE.replace("mailbox:", "endpoints: {imap4: 'imap://other:1143'}\n    mailbox:")
    endpoints = loaded(text).assignments[0].target.endpoints
    assert endpoints["activesync"] == "https://mail.corp.example/Microsoft-Server-ActiveSync"
    assert endpoints["ews"] == "https://mail.corp.example/EWS/Exchange.asmx"
    assert endpoints["imap4"] == "imap://other:1143"
    assert "graph" not in endpoints
    online = loaded(BARE % "imap4").assignments[0]
    assert online.target.endpoints["imap4"] == "imaps://outlook.office365.com:993"
    assert online.target.endpoints["activesync"] == "https://outlook.office365.com/Microsoft-Server-ActiveSync"


def test_a_client_may_have_endpoints_of_its_own(loaded: Loading) -> None:
    """They override the target's for it alone."""
    phone, toy = loaded(
        ONE.replace("{client: toy,", "{client: toy, endpoints: {activesync: 'https://own/'},")
    ).assignments
    assert toy.target.endpoints["activesync"] == "https://own/"
    assert toy.target.endpoints["ews"] == phone.target.endpoints["ews"]
    assert phone.target.endpoints["activesync"].startswith("https://mail.corp.example/")


def test_intervals_fall_back_from_entry_to_global_to_client(loaded: Loading) -> None:
    assert loaded(BARE % "toy").assignments[0].interval == 33.0
    assert loaded("global: {interval: 7s}\n" + BARE % "toy").assignments[0].interval == 7.0
    assert loaded("global: {interval: 7s}\n" + BARE % "toy, interval: 8s").assignments[0].interval == 8.0


@pytest.mark.parametrize("client", ["imap4", "activesync"])
def test_some_clients_have_a_default_that_is_promised(loaded: Loading, client: str) -> None:
    assert loaded(BARE % client).assignments[0].interval == 60.0


def test_a_profile_serves_many_targets_and_an_address_may_come_from_a_file(loaded: Loading, tmp_path: Path) -> None:
    (tmp_path / "address").write_text("b@corp.example\n")
    settings = loaded(
        "profiles: {all: [{client: imap4}, {client: toy}], more: [{client: activesync}]}\n"
        "targets:\n"
        "  - {name: a, environment: exchange_online, mailbox: a@corp.example, profiles: [all, more]}\n"
        "  - {name: b, environment: exchange_online, address_file: address, profiles: [all]}\n"
    )
    keys = [one.key for one in settings.assignments]
    assert keys == ["imap4/a", "toy/a", "activesync/a", "imap4/b", "toy/b"]
    assert settings.assignments[3].target.mailbox == "b@corp.example"


def test_an_address_file_of_another_machine_does_not_keep_an_example_from_loading(loaded: Loading) -> None:
    with pytest.raises(ConfigurationError, match="address_file: names a file that cannot be read"):
        loaded("targets: [{name: x, environment: exchange_online, address_file: none, clients: [{client: toy}]}]")


def test_a_mistake_in_a_profile_is_told_once_for_all_its_targets(loaded: Loading) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(
            "profiles: {all: [{client: toy, steps: [danse]}]}\n"
            "targets:\n"
            "  - {name: a, environment: exchange_online, profiles: [all]}\n"
            "  - {name: b, environment: exchange_online, profiles: [all]}\n"
        )
    assert [one.path for one in caught.value.problems] == ["profiles.all[0].steps[0]"]


def test_a_profile_that_does_not_fit_a_target_is_told_with_that_target(loaded: Loading) -> None:
    with pytest.raises(ConfigurationError, match="needs a mailbox or address_file on target 'b'") as caught:
        loaded(
            "credentials: {u: {type: basic, password_env: PROBER_TEST_SECRET}}\n"
            "profiles: {all: [{client: toy, credential: u}]}\n"
            "targets:\n"
            "  - {name: a, environment: exchange_online, mailbox: a@b.example, profiles: [all]}\n"
            "  - {name: b, environment: exchange_online, profiles: [all]}\n"
        )
    assert len(caught.value.problems) == 1


def test_the_same_name_in_two_files_is_told_with_both(tmp_path: Path, loaded: Loading) -> None:
    text = BARE % "toy"
    with pytest.raises(ConfigurationError, match=r"f\.yml:3:\d+: targets\[1\]\.name: 'x' is .*, the other in .*:2$"):
        loaded("targets:\n" + 2 * ("  - " + text.removeprefix("targets: [").removesuffix("]") + "\n"))


CLOUD = """
credentials: {u: {type: client_credentials, tenant: t.example, client_id: c, client_secret_env: PROBER_TEST_SECRET}}
targets:
  - name: a
    environment: %s
    host: mail.corp.example
    mailbox: a@corp.example
    canary: k4d8fy2w
    clients: [{client: %s, credential: u, push_credential: u%s}]
"""


@pytest.mark.parametrize(
    ("environment", "client", "more", "depth"),
    [
        ("exchange_server", "glance", "", Depth.TOKEN),
        ("exchange_server", "peek", "", Depth.MAILBOX),
        ("exchange_online", "peek", "", Depth.REACH),
        ("exchange_online", "peek", ", depth: mailbox", Depth.MAILBOX),
    ],
)
def test_a_client_goes_as_deep_as_it_does_there(
    loaded: Loading, environment: str, client: str, more: str, depth: Depth
) -> None:
    """With a credential and nothing said of the depth; what is said counts."""
    text = CLOUD % (environment, client, more)
    if environment == "exchange_online":
        text = text.replace("    host: mail.corp.example\n", "")
    (one,) = loaded(text).assignments
    assert one.depth is depth
    assert one.push_credential == "u"
    assert one.target.canary == "k4d8fy2w"
    assert "k4d8fy2w" not in repr(one)


def test_markers_are_asked_for_by_their_interval(loaded: Loading) -> None:
    """They write, so there are none by default."""
    text = ONE.replace("push: {hold: 1m}", "push: {hold: 1m, marker: 10m}")
    assert loaded(text).assignments[0].push == PushSettings(60.0, 3600.0, 600.0)
