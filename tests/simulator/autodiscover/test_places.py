"""Where the services of a mailbox are."""

from prober.simulator.autodiscover.places import asked_site, places_of
from tests.simulator.autodiscover.desk import ALICE, BOB, HOME, ask, premises


def test_each_protocol_is_at_the_name_of_its_client() -> None:
    here = premises()
    places = places_of(here, ask("/"), here.tenant.mailbox(ALICE))
    assert places.url("ActiveSync") == "https://activesync.ams1.contoso.example:8443/Microsoft-Server-ActiveSync"
    assert places.url("Ews") == "https://outlook-mac-legacy.ams1.contoso.example:8443/EWS/Exchange.asmx"
    assert places.url("Rest") == "https://outlook-mobile.ams1.contoso.example:8443/api"
    assert places.url("Substrate") == "https://outlook-mobile.ams1.contoso.example:8443"


def test_the_mailbox_decides_on_the_site_not_the_host_asked() -> None:
    here = premises()
    assert ".iad1." in places_of(here, ask("/", site="ams1"), here.tenant.mailbox(BOB)).url("Ews")


def test_without_a_mailbox_the_site_asked_is_meant() -> None:
    here = premises()
    assert ".iad1." in places_of(here, ask("/", site="iad1"), None).url("Ews")
    assert asked_site(here, ask("/")).name == "ams1"


def test_only_a_mailbox_on_a_server_is_elsewhere_for_the_cloud() -> None:
    here = premises()
    carol, alice = here.tenant.mailbox(HOME), here.tenant.mailbox(ALICE)
    assert places_of(here, ask("/", site="ams1"), carol).elsewhere
    assert not places_of(here, ask("/", site="hq"), carol).elsewhere
    assert not places_of(here, ask("/", site="hq"), alice).elsewhere


def test_a_server_offers_less() -> None:
    here = premises()
    assert places_of(here, ask("/", site="hq"), None).names == ("Rest", "ActiveSync", "Ews", "AutodiscoverV1")
