"""Names and addresses of a tenant."""

from prober.simulator.ground.addresses import bind, plan
from prober.simulator.tenant import Site

SITES = (Site("ams1", "eu", "AMS"), Site("sin1", "apac", "SIN"))
CLIENTS = ("outlook_mobile", "imap4", "activesync", "m365_signin", "control")


def test_every_client_has_a_name_and_an_address_of_its_own_at_every_site() -> None:
    """So that what is below HTTP can hit one alone."""
    hosts = plan("x.test", SITES, CLIENTS)
    own = [host for host in hosts if host.client and host.site and host.scheme == "https"]
    assert len({host.address for host in own}) == len({host.name for host in own}) == len(own)
    phone = next(host for host in own if host.name == "outlook-mobile.sin1.x.test")
    assert (phone.client, phone.site, phone.region, phone.scheme) == ("outlook_mobile", "sin1", "apac", "https")
    schemes = {host.client: host.scheme for host in hosts if host.site and host.name.startswith("imap4")}
    assert schemes == {"imap4": "imaps"}
    twins = [host for host in hosts if host.name == phone.name]
    assert [host.scheme for host in twins] == ["https", "imaps"]
    assert {host.address for host in twins} == {phone.address}


def test_some_names_are_everybodys_and_the_portals_are_the_sign_ins() -> None:
    """The control's is nobody else's."""
    by_name = {host.name: host for host in plan("x.test", SITES, CLIENTS) if host.scheme == "https"}
    assert by_name["mail.ams1.x.test"].client == by_name["login.x.test"].client == ""
    assert by_name["copilot.x.test"].client == by_name["copilot.sin1.x.test"].client == "m365_signin"
    assert (by_name["copilot.x.test"].region, by_name["copilot.sin1.x.test"].region) == ("", "apac")
    assert by_name["www.x.test"].client == "control"


def test_one_port_serves_each_scheme_everywhere() -> None:
    """A bound socket per address and port, and nothing listens yet."""
    hosts, sockets = bind(plan("x.test", SITES, CLIENTS))
    places = {one.getsockname() for one in sockets}
    for one in sockets:
        one.close()
    assert {(host.address, host.port) for host in hosts} == places
    assert len({host.port for host in hosts if host.scheme == "https"}) == 1
    assert len({host.port for host in hosts}) == 2
    assert all(address.startswith("127.") for address, _ in places)
