"""Who and what the tenant consists of."""

import pytest

from prober.simulator.tenant import Application, Clocks, Site, Tenant, User

AMS = Site("ams1", "eu", "AMS", front_ends=3)


def test_names_of_servers_tell_their_place() -> None:
    """Front ends in turn, the mailbox server by the mailbox, the forest by the region."""
    tenant = Tenant("x.test", [AMS])
    mailbox = tenant.open_mailbox("a@x.test", "ams1")
    assert len({AMS.front_end(number) for number in range(9)}) == 3
    assert AMS.back_end(mailbox) == AMS.back_end(mailbox)
    assert AMS.back_end(mailbox).endswith(f".{AMS.forest}.prod.outlook.com")
    assert tenant.site_of(mailbox) is AMS


def test_addresses_compare_without_case() -> None:
    """As mail does in practice."""
    tenant = Tenant("x.test", [AMS], users=[User("A@x.test", "pw")])
    made = tenant.open_mailbox("A@x.test", "ams1")
    assert tenant.mailbox("a@X.test") is made
    assert "a@x.test" in tenant.users
    assert tenant.mailbox("b@x.test") is None


def test_a_mailbox_needs_a_site() -> None:
    """One that there is."""
    with pytest.raises(KeyError):
        Tenant("x.test", [AMS]).open_mailbox("a@x.test", "nowhere")


def test_secrets_are_not_shown() -> None:
    """Neither a password nor an application's secret."""
    shown = repr(User("a", "canary-1")) + repr(Application("b", "B", secret="canary-2"))
    assert "canary" not in shown


def test_the_time_is_the_clocks() -> None:
    """In UTC."""
    assert Clocks(wall=lambda: 0.0).now().isoformat() == "1970-01-01T00:00:00+00:00"
