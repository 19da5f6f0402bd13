"""What every service stands on."""

from prober.simulator.service import Premises
from prober.simulator.tenant import Site, Tenant
from prober.simulator.tokens import Doorkeeper
from prober.simulator.wire import Host


def test_a_client_reaches_a_site_under_its_own_name_or_the_shared_one() -> None:
    """And never under one that speaks another protocol."""
    tenant = Tenant("contoso.example", [Site("ams1", "eu", "AMS")])
    hosts = (
        Host("imap4.ams1.contoso.example", "127.16.4.1", 993, "imaps", "imap4", "ams1"),
        Host("mail.ams1.contoso.example", "127.8.0.1", 443, site="ams1"),
        Host("activesync.ams1.contoso.example", "127.16.5.1", 443, client="activesync", site="ams1"),
        Host("login.contoso.example", "127.8.0.2", 443),
    )
    premises = Premises(tenant, Doorkeeper(tenant), hosts)
    assert premises.authority("activesync", "ams1") == "activesync.ams1.contoso.example:443"
    assert premises.authority("owa", "ams1") == "mail.ams1.contoso.example:443"
    assert premises.login == "login.contoso.example:443"
