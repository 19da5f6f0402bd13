"""The configuration the tenant hands out, read by the real loader, which is the only judge of it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import pytest

from prober.clients import catalogue
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.simulator.configuration import IN_THE_CLOUD, OPTIONAL, READER, URLS, Wishes, Written, configuration, named
from prober.simulator.layout import Layout, Place, found
from prober.simulator.service import Premises
from prober.simulator.simulator import Simulator
from prober.simulator.tenant import ONLINE, SERVER, Application, Site, Tenant, User
from prober.simulator.tokens import Doorkeeper
from prober.simulator.wire import Host
from prober.vocabulary import Depth, Environment
from tests.servers.pki import Authority

SITES = (Site("ams1", "eu", "AMS"), Site("iad1", "na", "IAD"))
ADDRESSES = {"probe1@contoso.example": "ams1", "probe2@contoso.example": "ams1", "probe3@contoso.example": "iad1"}


def premises(*sites: Site) -> Premises:
    """A tenant whose clients have names of their own at the first site, and share one at the others."""
    tenant = Tenant(
        "contoso.example",
        sites,
        users=[User(address, f"pw-{address}") for address in ADDRESSES],
        applications=[
            Application("1111", "Mail", "imap4", "imap-secret"),
            Application("2222", "Phone", "activesync"),
        ],
    )
    for address, home in ADDRESSES.items():
        if home in tenant.sites:
            tenant.open_mailbox(address, home)
    hosts = [Host("login.contoso.example", "127.0.0.2", 4430), Host("www.contoso.example", "127.0.0.3", 4430)]
    for number, site in enumerate(sites):
        own = number == 0
        hosts += [
            Host(f"outlook.{site.name}.example", f"127.0.1.{number}", 4430, site=site.name),
            Host(f"imap.{site.name}.example", f"127.0.2.{number}", 9930, "imaps", "imap4" if own else "", site.name),
        ]
        if own:
            hosts.append(Host(f"eas.{site.name}.example", "127.0.3.1", 4430, client="activesync", site=site.name))
    return Premises(tenant, Doorkeeper(tenant), tuple(hosts))


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    return Authority(tmp_path, "Configuration CA").ca_file


TWO = Wishes(("imap4", "activesync"))
"""Clients whose hosts and applications the made-up premises have."""


def written(place: Premises, ca_file: Path, wishes: Wishes = TWO) -> Written:
    return configuration(
        place,
        resolver="127.0.0.53:5353",
        ca_file=str(ca_file),
        refresh_token=lambda application, user: f"refresh {application.client_id} {user}",
        wishes=wishes,
    )


def settings(folder: Path, one: Written) -> Settings:
    """Write everything where it belongs and read it as the prober does."""
    for name, content in one.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    (folder / "prober.yml").write_text(one.text)
    return load([folder / "prober.yml"], catalogue())


def test_every_mailbox_is_probed_by_every_client(tmp_path: Path, ca_file: Path) -> None:
    """The real loader finds no mistake in it, and plans a target per mailbox, at depth mailbox."""
    read = settings(tmp_path, written(premises(*SITES), ca_file))
    assert [one.key for one in read.assignments] == [
        *("imap4/ams1-1", "activesync/ams1-1", "imap4/ams1-2", "activesync/ams1-2"),
        *("imap4/iad1-1", "activesync/iad1-1", "control/control"),
    ]
    probes = read.assignments[:-1]
    assert {one.depth for one in probes} == {Depth.MAILBOX}
    assert {one.interval for one in probes} == {60.0}
    assert [one.target.mailbox for one in probes[::2]] == list(ADDRESSES)
    assert [one.target.region for one in probes] == ["eu"] * 4 + ["na"] * 2
    assert {one.target.environment for one in probes} == {Environment.EXCHANGE_ONLINE}


def test_endpoints_are_the_clients_own_names_where_there_are_any(tmp_path: Path, ca_file: Path) -> None:
    """Else a name of the site that several share; never another client's."""
    read = settings(tmp_path, written(premises(*SITES), ca_file))
    urls = {one.key: one.target.endpoints for one in read.assignments}
    assert urls["imap4/ams1-1"]["imap4"] == "imaps://imap.ams1.example:9930"
    here, there = urls["activesync/ams1-1"], urls["activesync/iad1-1"]
    assert here["activesync"] == "https://eas.ams1.example:4430/Microsoft-Server-ActiveSync"
    assert here["autodiscover"] == "https://eas.ams1.example:4430/autodiscover/autodiscover.json"
    assert urls["imap4/iad1-1"]["imap4"] == "imaps://imap.iad1.example:9930"
    assert there["activesync"] == "https://outlook.iad1.example:4430/Microsoft-Server-ActiveSync"


def everything(environment: str) -> Layout:
    site = Site("ams1", "eu", "AMS", environment=environment)
    return Layout(sites=(site,), mailboxes=(Place("probe@contoso.example", "ams1"),))


async def test_a_whole_tenant_is_probed_by_all_clients_and_servers_of_ones_own_by_those_that_can(
    tmp_path: Path,
) -> None:
    """Each with URLs of its own; classic Outlook to the mailbox although it would stop before it in the cloud."""
    for environment, missing in ((ONLINE, set()), (SERVER, set(IN_THE_CLOUD))):
        simulator = Simulator(found(everything(environment)), tmp_path)
        await simulator.start()
        read = load([simulator.write_configuration(tmp_path)], catalogue())
        await simulator.stop()
        by_client = {one.client: one for one in read.assignments}
        assert set(by_client) == set(catalogue()) - missing
        assert by_client["outlook_desktop"].depth is Depth.MAILBOX
        host = urlsplit(by_client["owa"].target.endpoints["owa"]).hostname
        assert host == "owa.ams1.contoso.example"
        if environment == ONLINE:
            urls = by_client["m365_signin"].target.endpoints
            assert urlsplit(urls["authority"]).hostname == "signin.contoso.example"
            assert urls["m365_chat"] == urls["m365"] + "chat"
            phone = by_client["outlook_mobile"].target.endpoints
            assert urlsplit(phone["imap4"]).hostname == urlsplit(phone["graph"]).hostname


def test_every_way_out_asks_the_tenants_name_server_and_trusts_its_authority(tmp_path: Path, ca_file: Path) -> None:
    """Mail, token service and control alike, so that one control serves all targets."""
    read = settings(tmp_path, written(premises(*SITES), ca_file))
    for route in (*read.routes.values(), read.token_route):
        assert route.resolver == ("127.0.0.53:5353",)
        assert route.tls.ca_file == str(ca_file)
    assert set(read.control_of.values()) == {"control"}
    assert read.assignments[-1].target.endpoints == {"control": "https://www.contoso.example:4430/"}
    assert read.control_interval == 30.0


def test_one_application_serves_a_client_and_each_phone_has_its_own_token(tmp_path: Path, ca_file: Path) -> None:
    """A secret per application in a file; a refresh token per user."""
    one = written(premises(*SITES), ca_file)
    read = settings(tmp_path, one)
    assert sorted(read.credentials) == ["activesync-ams1-1", "activesync-ams1-2", "activesync-iad1-1", "imap4"]
    assert one.files["secrets/imap4.secret"] == "imap-secret"
    assert one.files["secrets/activesync-iad1-1.token"] == "refresh 2222 probe3@contoso.example"
    spec = read.credentials["imap4"]
    assert (spec.client_id, spec.tenant, spec.authority) == (
        "1111",
        "contoso.example",
        "https://login.contoso.example:4430",
    )
    assert not any(content in one.text for content in one.files.values())


def test_mailboxes_can_have_credentials_of_their_own(tmp_path: Path, ca_file: Path) -> None:
    """The same application under several names, so that none waits for another's token."""
    read = settings(tmp_path, written(premises(*SITES), ca_file, replace(TWO, apart=True)))
    mine = [one.credential for one in read.assignments if one.client == "imap4"]
    assert mine == ["imap4-ams1-1", "imap4-ams1-2", "imap4-iad1-1"]
    assert {read.credentials[name].client_id for name in mine if name} == {"1111"}


def test_what_is_wished_for_is_written(tmp_path: Path, ca_file: Path) -> None:
    """Clients, intervals, objective, vantage; and no optional steps where none are wanted."""
    wishes = Wishes(("imap4",), "fra1", 120.0, 45.0, 5.0, steps=False)
    read = settings(tmp_path, written(premises(*SITES), ca_file, wishes))
    assert {one.client for one in read.assignments} == {"imap4", "control"}
    assert (read.vantage, read.control_interval) == ("fra1", 45.0)
    assert {(one.interval, one.objective) for one in read.assignments[:-1]} == {(120.0, 5.0)}
    both = settings(tmp_path, written(premises(*SITES), ca_file, replace(wishes, clients=TWO.clients)))
    assert {one.steps for one in both.assignments} == {frozenset()}


def test_channels_notices_ends_and_budgets_are_written_where_wished_for(tmp_path: Path, ca_file: Path) -> None:
    """None of it unless asked for; a marker only where a channel is to be measured."""
    plain = settings(tmp_path, written(premises(*SITES), ca_file))
    assert ({one.push for one in plain.assignments}, plain.service_health) == ({None}, None)
    wishes = replace(
        TWO, push={"imap4": 30.0, "activesync": 0.0}, notices=60.0, expiry="2030-01-01T00:00:00+00:00", connections=7
    )
    read = settings(tmp_path, written(premises(*SITES), ca_file, wishes))
    markers = {one.client: one.push.marker for one in read.assignments if one.push is not None}
    assert markers == {"imap4": 30.0, "activesync": 0.0}
    assert read.service_health is not None
    assert (read.service_health.interval, read.service_health.url[-5:]) == (60.0, "/v1.0")
    ends = {name: spec.expires_at for name, spec in read.credentials.items()}
    assert ends[READER] == ends["imap4"] == datetime(2030, 1, 1, tzinfo=UTC)
    assert read.budgets["open_connections"] == 7


def test_optional_steps_are_on(tmp_path: Path, ca_file: Path) -> None:
    """The loader knows each of them as an opt-in step of that client."""
    read = settings(tmp_path, written(premises(*SITES), ca_file))
    on = {one.client: one.steps for one in read.assignments}
    assert on["activesync"] == frozenset(OPTIONAL["activesync"])
    assert on["imap4"] == frozenset()


def test_servers_of_ones_own_are_signed_in_to_by_password(tmp_path: Path, ca_file: Path) -> None:
    """Basic, one credential per user, shared by the user's clients."""
    read = settings(tmp_path, written(premises(replace(SITES[0], environment=SERVER)), ca_file))
    probes = read.assignments[:-1]
    assert {one.target.environment for one in probes} == {Environment.EXCHANGE_SERVER}
    assert {one.credential for one in probes} == {"user-ams1-1", "user-ams1-2"}
    spec = read.credentials["user-ams1-1"]
    assert spec.username == "probe1@contoso.example"
    assert spec.password is not None
    assert spec.password.read().reveal() == "pw-probe1@contoso.example"


def test_a_tenant_without_a_web_site_of_its_own_gets_no_control(tmp_path: Path, ca_file: Path) -> None:
    """Nothing is made up."""
    place = premises(*SITES)
    bare = replace(place, hosts=tuple(host for host in place.hosts if not host.name.startswith("www.")))
    read = settings(tmp_path, written(bare, ca_file))
    assert "control" not in {one.client for one in read.assignments}


def test_a_client_that_reaches_no_host_is_not_configured(tmp_path: Path, ca_file: Path) -> None:
    """A tenant without mail hosts is probed by phones alone."""
    place = premises(*SITES)
    bare = replace(place, hosts=tuple(host for host in place.hosts if host.scheme == "https"))
    read = settings(tmp_path, written(bare, ca_file))
    assert {one.client for one in read.assignments} == {"activesync", "control"}


def test_targets_are_named_by_site_and_number() -> None:
    """In the order of the mailboxes."""
    tenant = premises(*SITES).tenant
    assert [(name, one.address) for name, one in named(tenant.mailboxes.values())] == [
        ("ams1-1", "probe1@contoso.example"),
        ("ams1-2", "probe2@contoso.example"),
        ("iad1-1", "probe3@contoso.example"),
    ]


def test_secrets_do_not_show_when_it_is_printed(ca_file: Path) -> None:
    """Nor is the mapping of files open to change."""
    one = written(premises(*SITES), ca_file)
    assert "imap-secret" not in repr(one)
    assert isinstance(one.files, MappingProxyType)


def test_every_client_that_can_be_configured_is_one_of_the_probers() -> None:
    """Names and endpoint names are the catalogue's."""
    known = catalogue()
    for client, urls in URLS.items():
        assert set(urls) <= set(known[client].endpoints), client
    assert set(URLS) == set(known) - {"control"}
