"""The plan of a tenant."""

from prober.simulator.layout import corporate_layout, default_layout, found


def test_the_default_tenant_has_several_sites_and_mailboxes() -> None:
    """Two mailboxes at each of three sites in three regions, with mail in them."""
    tenant = found(default_layout())
    assert {site.region for site in tenant.sites.values()} == {"eu", "na", "apac"}
    homes = sorted(mailbox.site for mailbox in tenant.mailboxes.values())
    assert homes == ["ams1", "ams1", "iad1", "iad1", "sin1", "sin1"]
    assert all(len(mailbox.inbox.visible()) == 12 for mailbox in tenant.mailboxes.values())


def test_every_client_has_an_application_and_every_mailbox_a_user() -> None:
    """The phone's application is a public one; secrets are drawn anew for each tenant."""
    tenant, other = found(default_layout()), found(default_layout())
    by_client = {one.client: one for one in tenant.applications.values()}
    assert by_client["imap4"].secret
    assert by_client["activesync"].secret == ""
    assert "control" not in by_client
    assert by_client["imap4"].mailboxes == frozenset(tenant.mailboxes)
    assert set(tenant.users) == set(tenant.mailboxes)
    again = next(one for one in other.applications.values() if one.client == "imap4")
    assert again.client_id == by_client["imap4"].client_id
    assert again.secret != by_client["imap4"].secret


def test_an_organisation_with_servers_of_its_own() -> None:
    """One site, where Basic works."""
    tenant = found(corporate_layout())
    assert [site.environment for site in tenant.sites.values()] == ["exchange_server"]
